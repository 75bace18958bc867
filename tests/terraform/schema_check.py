"""Real Terraform with schema providers, offline: what every test here stands on.

    workspace = Workspace(scratch)        a copy of deploy/terraform, and a mirror with the providers
    workspace.terraform("aws", "plan")    runs there; raises Failed with all that Terraform said

The providers' program and the schemas of whole providers lie in the cache; what a run's providers serve is made for the
run, from those and from the types that the configuration uses, since Terraform reads a schema anew with every command.
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import bindings
import facts

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CONFIGURATION = ROOT / "deploy" / "terraform"
COMPOSITIONS = ("aws", "aws-cluster", "gcp")
TYPES = re.compile(r'^\s*(resource|data|mock_resource|mock_data|override_data|override_resource)\s+"([a-z0-9_]+)"', re.M)


class Failed(Exception):
    def __init__(self, command, code, said):
        super().__init__(f"{' '.join(map(str, command))}: exit {code}\n{said}")
        self.code, self.said = code, said


def cache():
    return Path(os.environ["STOA_DEV_TERRAFORM"])


# Which bindings are served: their own major version, not the provider's. google 13 is the provider 5.43.
BINDINGS = {"aws": 19, "google": 14, "helm": 10}


def schema_of(provider, major):
    """The whole schema, from the cache or from the bindings, and again where this generator has changed."""
    package = next((cache() / "bindings").glob(f"*provider-{provider}-{major}.*.tgz"))
    key = hashlib.sha256(Path(bindings.__file__).read_bytes() + package.name.encode()).hexdigest()[:16]
    kept = cache() / "schemas" / f"{provider}-{major}-{key}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        making = kept.with_suffix(f".{os.getpid()}")
        bindings.write_schema(package, making)
        making.rename(kept)
    return json.loads(kept.read_text())


def used_types(folder):
    """The resource and data source types in all .tf and .tftest.hcl files."""
    out = {"resources": set(), "data": set()}
    for each in sorted(folder.rglob("*")):
        if each.suffix not in (".tf", ".hcl"):
            continue
        for kind, name in TYPES.findall(each.read_text()):
            out["data" if "data" in kind else "resources"].add(name)
    return out


class Workspace:
    def __init__(self, scratch, served=BINDINGS):
        configuration = CONFIGURATION
        self.scratch = Path(scratch)
        self.folder = self.scratch / "terraform"
        shutil.copytree(configuration, self.folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        # What the configuration reads beside itself.
        shutil.copytree(ROOT / "deploy/argocd/install", self.scratch / "argocd/install")
        self.providers = {}
        used = used_types(configuration)
        for name, major in served.items():
            self.provide(name, schema_of(name, major), used)
        (self.scratch / "terraform.rc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{self.scratch}/mirror"\n  }}\n}}\n'
        )
        for each in COMPOSITIONS:
            # The state's place in a cloud is out of reach; everything else stays as it is.
            (self.folder / each / "check_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')

    def provide(self, name, whole, used):
        self.providers[name] = whole
        part = {"source": whole["source"], "provider": whole["provider"], "facts": facts.FACTS[name]}
        for kind in ("resources", "data"):
            part[kind] = {each: whole[kind][each] for each in used[kind] if each in whole[kind]}
        place = self.scratch / "mirror" / whole["source"] / whole["version"] / "linux_amd64"
        place.mkdir(parents=True)
        shutil.copy(cache() / "schema-provider", place / f"terraform-provider-{name}_v{whole['version']}")
        (place / "schema.json").write_text(json.dumps(part))

    def environment(self):
        keep = {each: os.environ[each] for each in ("PATH", "HOME", "TMPDIR", "LC_ALL") if each in os.environ}
        return {**keep, "TF_CLI_CONFIG_FILE": str(self.scratch / "terraform.rc"), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}

    def run(self, folder, *arguments, may_fail=False):
        command = [str(cache() / "terraform"), f"-chdir={self.folder / folder}", *arguments]
        done = subprocess.run(command, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode and not may_fail:
            raise Failed(command, done.returncode, done.stdout + done.stderr)
        return done

    def terraform(self, folder, *arguments):
        return self.run(folder, *arguments).stdout

    def init(self, folder):
        return self.terraform(folder, "init", "-input=false", "-no-color", "-backend=true")
