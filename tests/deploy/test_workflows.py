"""Compose, workflows and scripts: well formed by their own tools, and saying what is there."""

import base64
import json
import os
import re
import subprocess

import pytest
import yaml

from delivery import ROOT, must, of_kind, rendered, run, tools
from wiring import SERVICES, ports

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))


def jobs():
    for file in WORKFLOWS:
        for name, job in yaml.safe_load(file.read_text())["jobs"].items():
            yield file.name, name, job


def test_workflows_are_clean():
    must(tools("actionlint") / "actionlint", "-no-color", *WORKFLOWS)


def dev_words(name):
    """The words of one of ./dev's lists, as `verbs=(help setup ...)`."""
    return re.search(rf"^{name}=\((.*?)\)", (ROOT / "dev").read_text(), re.MULTILINE)[1].split()


def test_a_jobs_body_is_a_verb_that_runs_here():
    verbs, quick, beside, longer = (dev_words(name) for name in ("verbs", "quick", "beside", "longer"))
    parts = {*quick, *beside, *longer, "simulation"}
    seen = set()
    for file, name, job in jobs():
        for step in job["steps"]:
            for line in step.get("run", "").strip().splitlines():
                if line.startswith("echo ") or line.startswith("deploy/ci/changed.sh"):
                    continue
                words = line.split()
                assert words[0] == "./dev" and words[1] in verbs, (file, name, line)
                seen.add(words[1])
        for part in (job.get("strategy") or {}).get("matrix", {}).get("part", []):
            assert part in parts, part
    assert {"test", "image", "deploy"} <= seen
    covered = {part for _, _, job in jobs() for part in (job.get("strategy") or {}).get("matrix", {}).get("part", [])}
    assert {"house", "unit", "contract", "integration", "e2e", "web", "asan", "tsan", "fuzz", "deploy", "cluster"} <= covered


def test_workflows_have_least_rights_and_no_long_lived_keys():
    for file in WORKFLOWS:
        text = file.read_text()
        assert yaml.safe_load(text)["permissions"] == {"contents": "read"}, file.name
        assert not re.search(r"aws-access-key-id|AWS_SECRET_ACCESS_KEY|secrets\.", text), file.name
        assert all(job["timeout-minutes"] <= 120 for job in yaml.safe_load(text)["jobs"].values())


def test_actions_are_pinned_by_commit():
    """A tag can be moved to somebody else's code, and has been."""
    used = [line.split("uses:", 1)[1].strip() for file in WORKFLOWS for line in file.read_text().splitlines() if "uses:" in line]
    assert len(used) > 10
    for each in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


def test_what_reads_git_or_compiles_is_run_where_it_can():
    """What reads the history or makes a working tree of it needs Git before the checkout; what is compiled needs Debian 12."""
    image_of = lambda job: job["container"] if isinstance(job.get("container"), str) else job.get("container", {}).get("image", "")  # noqa: E731
    seen = set()
    for file, name, job in jobs():
        runs = " ".join(step.get("run", "") for step in job["steps"])
        if re.search(r"\./dev (test|build|image\s)", runs):
            if "image push" not in runs:
                assert image_of(job) == "buildpack-deps:bookworm-scm", (file, name)
                seen.add(name)
        if "house" in (job.get("strategy") or {}).get("matrix", {}).get("part", []):
            (checkout,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
            assert checkout["with"]["fetch-depth"] == 0, "secrets are looked for in the whole history"
            seen.add("history")
    assert {"test", "sanitizers", "delivery", "image", "history"} <= seen, seen


def uploaded(job):
    """Artifact: its files. Their longest common folder is not part of their names."""
    out = {}
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/upload-artifact@"):
            paths = step["with"]["path"].split()
            root = os.path.commonpath([os.path.dirname(each) for each in paths])
            out[step["with"]["name"]] = {os.path.relpath(each, root) for each in paths}
    return out


def downloaded(job, artifacts):
    return {os.path.normpath(f"{step['with']['path']}/{name}") for step in job["steps"] if step.get("uses", "").startswith("actions/download-artifact@")
            for name in artifacts[step["with"]["name"]]}


def test_every_image_that_is_pushed_was_built_and_looked_through():
    """What one job hands to the next is where it looks for it; whether an image is of the function, too."""
    made = {name: job for file, name, job in jobs() if file == "release.yaml"}
    runs = [line.strip() for step in made["image"]["steps"] for line in step.get("run", "").splitlines()]
    assert {"./dev image", "./dev image functions"} <= set(runs)
    script = (ROOT / "deploy/image/image.sh").read_text()
    archives = set(re.findall(r"build/\S*\.tar", script.replace("$out/stoa.tar", "build/image/stoa.tar").replace("$function.tar", "product-image-processor.tar")))
    assert archives == {"build/image/stoa.tar", "build/functions/image/product-image-processor.tar"}
    artifacts = uploaded(made["image"])
    assert archives | {f"{os.path.dirname(each)}/digest" for each in archives} <= downloaded(made["push"], artifacts)
    scanned = {step["with"]["input"] for step in made["scan"]["steps"] if step["uses"].startswith("aquasecurity/trivy-action@") and step["with"]["exit-code"] == "1"}
    assert scanned == {each for each in downloaded(made["scan"], artifacts) if each.endswith(".tar")} and len(scanned) == len(archives)
    assert {"image", "scan"} <= set(made["push"]["needs"]) and "push" in made["pin"]["needs"]
    # The role that may push is one of this environment of the repository, and of nothing else.
    trusted = re.search(r'variable "push_environment" \{.*?default +=  *"([^"]+)"', (ROOT / "deploy/terraform/modules/aws/ci-roles/variables.tf").read_text(), re.DOTALL)[1]
    assert made["push"]["environment"] == trusted
    tokens = {name for _, name, job in jobs() if (job.get("permissions") or {}).get("id-token")}
    assert tokens == {"push", "plan"}
    watched = yaml.safe_load((ROOT / ".github/workflows/release.yaml").read_text())[True]["push"]["paths"]
    assert {"src/**", "deploy/image/**", "deploy/functions/**"} <= set(watched)


@pytest.mark.parametrize("changes, wanted", [
    (["src/base/money.cpp"], {"program": "true", "deploy": "false", "terraform": "false"}),
    (["deploy/kubernetes/overlays/dev/cluster.env"], {"program": "false", "deploy": "true", "terraform": "false"}),
    (["deploy/terraform/aws/main.tf"], {"program": "false", "deploy": "true", "terraform": "true"}),
    (["README.md"], {"program": "false", "deploy": "false", "terraform": "false"}),
    (None, {"program": "true", "deploy": "true", "terraform": "true"})])
def test_paths_choose_the_jobs(tmp_path, changes, wanted):
    must("git", "init", "--quiet", tmp_path)
    git = ["git", "-C", tmp_path, "-c", "user.name=t", "-c", "user.email=t@example.com"]
    must(*git, "commit", "--quiet", "--allow-empty", "-m", "first")
    base = must(*git, "rev-parse", "HEAD").strip()
    for name in changes or []:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    must(*git, "add", "-A")
    must(*git, "commit", "--quiet", "--allow-empty", "-m", "second")
    said = must(ROOT / "deploy/ci/changed.sh", base if changes is not None else "0" * 40, cwd=tmp_path)
    assert dict(line.split("=") for line in said.split()) == wanted


def compose():
    return yaml.safe_load(must(tools("podman-compose") / "podman-compose", "-f", "deploy/compose/compose.yaml", "config"))


def test_compose_is_valid_and_whole(tmp_path):
    made = compose()
    services = made["services"]
    assert set(SERVICES.values()) | {"migrate", "postgres", "kafka", "dynamodb", "s3", "prometheus", "grafana", "loki", "promtail", "kafka-ui"} <= set(services)
    public = {name: each.get("ports", []) for name, each in services.items() if each.get("ports")}
    outside = {str(port).split(":")[0] for each in public.values() for port in each}
    assert {"8080", "9090", "3000", "3100", "3101", "8888"} <= outside
    assert {"prometheus_data", "grafana_data", "loki_data"} <= set(made["volumes"])
    for service in services.values():
        for volume in service.get("volumes", []):
            source = str(volume).split(":")[0]
            if source.startswith("."):
                assert (ROOT / "deploy/compose" / source).exists(), source
    told = services["kafka"]["environment"]
    assert f"kafka_data:{told['KAFKA_LOG_DIRS']}" in services["kafka"]["volumes"], "the log is kept with what the other engines keep"
    advertised = told["KAFKA_ADVERTISED_LISTENERS"]
    assert "INSIDE://kafka:9092" in advertised and "OUTSIDE://localhost:9094" in advertised.replace("${KAFKA_OUTSIDE_HOST:-localhost}", "localhost")


def test_compose_gives_each_service_settings_that_it_understands(tmp_path):
    from shop import binary
    for name, service in compose()["services"].items():
        if name not in SERVICES.values() and name != "migrate":
            continue
        environment = {key: str(value) for key, value in service["environment"].items()}
        flags = [word for word in service["command"] if word.startswith("--target")]
        told = run(binary(), "config", *flags, env={"PATH": "/usr/bin", **environment}, cwd=tmp_path)
        assert told.returncode == 0, (name, told.stderr)


def test_prometheus_of_compose_scrapes_what_compose_runs():
    scraped = yaml.safe_load((ROOT / "deploy/compose/prometheus.yaml").read_text())
    (shop,) = [each for each in scraped["scrape_configs"] if each["job_name"] == "shop"]
    targets = {each.split(":")[0] for group in shop["static_configs"] for each in group["targets"]}
    assert targets == set(SERVICES.values()) and set(ports()) == set(SERVICES)


def test_prometheus_of_compose_has_the_rules_that_need_no_cluster():
    """Where there is no cluster and no Alertmanager, what asks for them would be on for ever."""
    from test_alerts import CASES, alerts
    folder = {each.name for each in (ROOT / "deploy/observability/prometheus").glob("*.yaml")} - {"prometheus.yaml"}
    mounted = dict(each.split(":")[:2] for each in compose()["services"]["prometheus"]["volumes"] if "/rules/" in each)
    assert {source.rsplit("/", 1)[1]: target for source, target in mounted.items()} == \
        {name: f"/etc/prometheus/rules/{name}" for name in folder - {"alerts-cluster.yaml"}}
    listed = yaml.safe_load((ROOT / "deploy/observability/kustomization.yaml").read_text())["configMapGenerator"]
    assert {each.removeprefix("prometheus/") for one in listed if one["name"] == "prometheus-rules" for each in one["files"]} == folder, "a cluster has all"
    # absent() fires where nobody tells of a thing: none of these needs more than compose scrapes.
    scraped = {each["job_name"] for each in yaml.safe_load((ROOT / "deploy/compose/prometheus.yaml").read_text())["scrape_configs"]}
    asked = {name: rule["expr"] for name, rule in alerts().items() if "absent(" in rule["expr"]}
    cluster = {rule["alert"] for group in yaml.safe_load((ROOT / "deploy/observability/prometheus/alerts-cluster.yaml").read_text())["groups"] for rule in group["rules"]}
    here = set(asked) - cluster
    assert here == {"MetricsMissing"} and "Watchdog" in cluster and {case["alert"] for case in CASES} >= here
    needs = set(re.findall(r"absent\((\w+)(?:\{job=\"(\w+)\"\})?\)", asked["MetricsMissing"]))
    assert needs == {("up", "shop"), ("probe_success", "probes"), ("prometheus_rule_evaluations_total", "")}
    assert scraped == {"shop", "probes", "prometheus"}


def test_scripts_are_clean():
    scripts = [path for folder in ("deploy/tools", "deploy/image", "deploy/ci") for path in (ROOT / folder).rglob("*.sh")] + [ROOT / "deploy/deploy.sh"]
    must("shellcheck", "--severity=warning", "--exclude=SC1090,SC1091,SC2034", *scripts)


def test_nothing_applies_the_services_manifests():
    """They come by Git: no script hands a rendered overlay to a cluster but to ask whether it would take it."""
    for path in [ROOT / "dev", *(ROOT / "deploy").rglob("*.sh"), *WORKFLOWS]:
        for line in path.read_text().splitlines():
            if re.search(r"kubectl (apply|create|replace)\b", line) and "deploy/kubernetes" in line:
                raise AssertionError(f"{path.name}: {line}")
            if re.search(r"kubectl kustomize.*\| kubectl apply", line):
                assert "--dry-run=server" in line, line


def dev(*words, **more):
    return subprocess.run([ROOT / "dev", *words], capture_output=True, text=True, env={**os.environ, "STOA_DEV_NO_INSTALL": "1"}, **more)


def test_deploy_renders_and_says_what_there_is():
    assert dev("deploy", "render", "overlays/dev").stdout == rendered("overlays/dev")
    wrong = dev("deploy", "render", "overlays/nowhere")
    assert wrong.returncode == 1 and "overlays/prod" in wrong.stderr
    assert dev("deploy", "everything").returncode == 2
    assert dev("image", "everything").returncode == 2
    none = dev("deploy", "secrets", "/nonexistent")
    assert none.returncode == 1 and "secrets.example" in none.stderr


def asked_of_kubectl(tmp_path, lines):
    """`./dev deploy secrets` of a file, with a kubectl that writes down its words and what it is sent."""
    (tmp_path / "secrets").write_text(lines)
    (tmp_path / "kubectl").write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{tmp_path}/words\ncase "$*" in "apply --server-side"*) cat >{tmp_path}/sent ;; esac\n')
    (tmp_path / "kubectl").chmod(0o755)
    said = run(ROOT / "deploy/deploy.sh", "secrets", tmp_path / "secrets", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    return said, (tmp_path / "words").read_text(), json.loads((tmp_path / "sent").read_text()) if (tmp_path / "sent").exists() else None


def test_secrets_are_in_no_commands_words(tmp_path):
    """Whoever is on the machine reads those."""
    keys = tmp_path / "keys.json"
    keys.write_bytes(b'{"key": "of the file"}\n\xff')
    said, words, sent = asked_of_kubectl(tmp_path, f"# a remark\n\necommerce/db-credentials/DATABASE_URL=postgres://u:pa ss=w$rd\"@h/n\n"
                                         f"ecommerce/signing-keys/keys.json=@{keys}\nmonitoring/grafana-admin/user=admin\n"
                                         "monitoring/grafana-admin/password=-\u00e4-\n")
    assert said.returncode == 0, said.stderr
    got = {(each["metadata"]["namespace"], each["metadata"]["name"]): {key: base64.b64decode(value) for key, value in each["data"].items()}
           for each in sent["items"]}
    assert got == {("ecommerce", "db-credentials"): {"DATABASE_URL": b'postgres://u:pa ss=w$rd"@h/n'},
                   ("ecommerce", "signing-keys"): {"keys.json": keys.read_bytes()},
                   ("monitoring", "grafana-admin"): {"user": b"admin", "password": "-\u00e4-".encode()}}
    assert "create namespace ecommerce" in words and "create namespace monitoring" in words
    assert "w$rd" not in words + said.stdout + said.stderr and "admin" not in words and "literal" not in words
    assert "apply --server-side" in words


@pytest.mark.parametrize("line, why", [
    ("ecommerce/db-credentials=hidden", "not NAMESPACE/SECRET/KEY=VALUE"), ("ecommerce/db-credentials/DATABASE_URL=", "has no value"),
    ("ecommerce/x/k=@/nonexistent/hidden", "No such file"), ("ecommerce/x/k=hidden\necommerce/x/k=hidden", "twice"), ("# hidden", "no secrets")])
def test_a_bad_file_of_secrets_changes_nothing_and_prints_none(tmp_path, line, why):
    said, words, sent = asked_of_kubectl(tmp_path, line + "\n")
    assert said.returncode != 0 and why in said.stderr, said.stderr
    assert sent is None and "create" not in words and ("hidden" not in said.stderr or why == "No such file")


@pytest.mark.parametrize("cloud", ["aws", "aws-cluster", "gcp"])
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_plan_is_of_one_environment_with_its_state_and_variables(tmp_path, cloud, environment):
    """What Terraform is asked; whether it agrees is `./dev test terraform`'s."""
    (tmp_path / "terraform").write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{tmp_path}/asked\n')
    (tmp_path / "terraform").chmod(0o755)
    said = run(ROOT / "deploy/deploy.sh", "plan", cloud, environment, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert said.returncode == 0, said.stderr
    first, second = (tmp_path / "asked").read_text().splitlines()
    folder = f"-chdir=deploy/terraform/{cloud} "
    assert first.startswith(folder + "init ") and f"-backend-config=environments/{environment}.backend.hcl" in first
    assert second.startswith(folder + "plan ") and f"-var-file=environments/{environment}.tfvars" in second
    for words in ([], [cloud], [cloud, "staging"], ["azure", "dev"]):
        wrong = run(ROOT / "deploy/deploy.sh", "plan", *words)
        assert wrong.returncode == 1 and "there are: " in wrong.stderr, wrong.stderr


def recorded(folder, name, answer=""):
    """A program that writes down its words, and what it is sent where that is asked for by a `-` at their end."""
    (folder / name).write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{folder}/{name}.asked\ncase "$*" in *"-f -") cat >>{folder}/{name}.sent ;; esac\n{answer}\n')
    (folder / name).chmod(0o755)
    return lambda: (folder / f"{name}.asked").read_text().splitlines() if (folder / f"{name}.asked").exists() else []


def with_path(folder):
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.parametrize("answer, applied", [("yes", True), ("no", False), ("y", False), ("", False)])
def test_infrastructure_is_applied_to_who_says_yes_alone(tmp_path, answer, applied):
    asked = recorded(tmp_path, "terraform")
    said = run(ROOT / "deploy/deploy.sh", "infrastructure", "aws", "dev", input=answer + "\n", env=with_path(tmp_path))
    done = [line.split()[1] for line in asked()]
    assert done[:2] == ["init", "plan"] and ("apply" in done) == applied and (said.returncode == 0) == applied, (said, done)
    if applied:
        (line,) = [each for each in asked() if " apply " in each]
        assert line.endswith("dev.tfplan"), "what was shown, and nothing else"
    else:
        assert "nothing was applied" in said.stderr


@pytest.mark.parametrize("environment", ["", "dev", "loadtest", "prod", "prod-gke"])
def test_gitops_brings_argo_cd_and_the_one_application_of_the_environment(tmp_path, environment):
    asked = recorded(tmp_path, "kubectl", "[ \"$1 $2\" != \"config current-context\" ] || echo here")
    done = run(ROOT / "deploy/deploy.sh", "gitops", *environment.split(), env=with_path(tmp_path))
    assert done.returncode == 0, done.stderr
    applied = [line for line in asked() if line.startswith("apply ")]
    assert [each.split()[-1] for each in applied] == ["deploy/argocd/install", "deploy/argocd/projects", "-"]
    root = yaml.safe_load((tmp_path / "kubectl.sent").read_text())
    path = f"deploy/argocd/environments/{environment}" if environment else "deploy/argocd/apps"
    assert root["kind"] == "Application" and root["spec"]["source"]["path"] == path and (ROOT / path / "kustomization.yaml").exists()
    wrong = run(ROOT / "deploy/deploy.sh", "gitops", "staging", env=with_path(tmp_path))
    assert wrong.returncode == 1 and "prod-gke" in wrong.stderr


def test_what_watches_is_waited_for_by_the_names_it_has(tmp_path):
    asked = recorded(tmp_path, "kubectl")
    must(ROOT / "deploy/deploy.sh", "observability", env=with_path(tmp_path))
    waited = {tuple(re.search(r"(deployment|statefulset)/(\S+)", line).groups()) for line in asked()}
    made = {(kind.lower(), name) for kind in ("Deployment", "StatefulSet") for name in of_kind("observability/default", kind)}
    assert waited == made


def test_a_phase_that_cannot_be_says_so(tmp_path):
    recorded(tmp_path, "kubectl", "exit 1")
    for words, complaint in ((["gitops", "prod"], "kubectl has no context"), (["check", "overlays/prod"], "kubectl has no context"), (["images"], "a registry"),
                             (["load"], "the address of a gateway"), (["analytics", "storm"], "flink or spark"), (["propose", "dev"], "a digest")):
        said = run(ROOT / "deploy/deploy.sh", *words, env=with_path(tmp_path))
        assert said.returncode != 0 and complaint in said.stderr, (words, said)


def test_a_release_proposes_its_image_by_a_commit_of_one_file(tmp_path):
    """What the job `pin` does, with a repository on disk and a `gh` that writes down what it is asked; run twice, as a job may be."""
    origin, tree = tmp_path / "origin.git", tmp_path / "tree"
    must("git", "clone", "--quiet", "--no-local", "--depth=1", f"file://{ROOT}", tree)
    # What is tried is what stands here, committed or not.
    for each in ("deploy/deploy.sh", "deploy/image/image.sh"):
        (tree / each).write_text((ROOT / each).read_text())
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    must("git", "-C", tree, "switch", "--quiet", "-C", "main")
    must("git", "-C", tree, *identity, "commit", "--quiet", "--allow-empty", "-am", "As it stands")
    must("git", "clone", "--quiet", "--bare", tree, origin)
    must("git", "-C", tree, "remote", "set-url", "origin", origin)
    asked = recorded(tmp_path, "gh", f'[ "$2" != view ] || exit $(( $(grep -c "pr create" {tmp_path}/gh.asked) == 0 ))')
    digest = "sha256:" + "ab" * 32
    for _ in range(2):
        must("git", "-C", tree, "switch", "--quiet", "--force", "main")
        run("git", "-C", tree, "branch", "-D", "deploy-dev-abababababab")  # a job's checkout has none
        done = run(tree / "deploy/deploy.sh", "propose", "dev", digest, cwd=tree, env=with_path(tmp_path))
        assert done.returncode == 0, done.stderr
    branch = must("git", "-C", origin, "for-each-ref", "--format=%(refname:short)", "refs/heads/deploy-*").split()
    assert branch == ["deploy-dev-abababababab"]
    assert must("git", "-C", origin, "diff", "--name-only", "main", branch[0]).split() == ["deploy/kubernetes/overlays/dev/images/kustomization.yaml"]
    pinned = must("git", "-C", origin, "show", f"{branch[0]}:deploy/kubernetes/overlays/dev/images/kustomization.yaml")
    assert pinned.count(digest) == len(SERVICES)
    subject = must("git", "-C", origin, "log", "-1", "--format=%s", branch[0]).strip()
    assert re.fullmatch(r"deploy: dev runs sha256:\w{12}", subject), "a Conventional Commit, as WORKFLOW.md asks for"
    assert [line.split()[1] for line in asked()].count("create") == 1
    assert run(tree / "deploy/deploy.sh", "propose", "nowhere", digest, cwd=tree, env=with_path(tmp_path)).returncode != 0
