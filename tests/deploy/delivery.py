"""What tests of delivery share: the tools by name, rendered overlays, a shop of nine processes."""

import functools
import pathlib
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ("tests/e2e", "tests/engines", "deploy/local"):
    sys.path.insert(0, str(ROOT / folder))


@functools.cache
def tools(name):
    """The folder of a tool's programs."""
    found = subprocess.run([ROOT / "deploy/tools/tool.sh", "path", name], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return pathlib.Path(found.stdout.strip())


def run(*words, input=None, within_s=120, cwd=ROOT, env=None):
    return subprocess.run([str(word) for word in words], input=input, capture_output=True, text=True, timeout=within_s,
                          cwd=cwd, env=env)


def must(*words, **more):
    done = run(*words, **more)
    assert done.returncode == 0, f"{' '.join(map(str, words))[:300]}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@functools.cache
def rendered(overlay):
    """An overlay as text, by kustomize."""
    return must("kubectl", "kustomize", f"deploy/kubernetes/{overlay}")


@functools.cache
def objects(overlay):
    return [each for each in yaml.safe_load_all(rendered(overlay)) if each]


def of_kind(overlay, kind):
    return {each["metadata"]["name"]: each for each in objects(overlay) if each["kind"] == kind}


SHOP = ["overlays/default", "overlays/dev", "overlays/prod", "overlays/prod-ingress", "overlays/prod-gke", "overlays/loadtest"]
WATCH = ["observability/default", "observability/dev", "observability/prod", "observability/prod-gke", "observability/efk", "operator"]
