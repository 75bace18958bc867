"""Every manifest, as the API server takes it: strict fields, real resource definitions, Pod Security, RBAC."""

import json
import os
import re
import shutil

import pytest
import yaml

from delivery import ROOT, SHOP, WATCH, must, objects, rendered, run, tools

NAMESPACES = ("ecommerce", "monitoring", "argocd")


@pytest.fixture(scope="module")
def with_namespaces(cluster):
    """A dry run has no namespaces of its own: theirs are made first, with their labels."""
    for overlay in ("overlays/default", "observability/default"):
        for each in objects(overlay):
            if each["kind"] == "Namespace":
                cluster.must("apply", "-f", "-", input=json.dumps(each))
    cluster.must("apply", "-f", ROOT / "deploy/argocd/install/namespace.yaml")
    return cluster


def dry_run(cluster, text):
    return cluster.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts", "--field-manager=test", "-f", "-", input=text)


@pytest.mark.parametrize("overlay", SHOP + WATCH)
def test_an_overlay_is_accepted(with_namespaces, overlay):
    done = dry_run(with_namespaces, rendered(overlay))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(objects(overlay))
    # Who ships the nodes' logs mounts their folders; nobody else is let off anything.
    let_off = set(re.findall(r'container "([^"]+)" must not include', done.stderr))
    assert let_off <= {"promtail", "fluent-bit"}, done.stderr
    assert done.stderr.count("would violate PodSecurity") == len(let_off), done.stderr
    assert not let_off or overlay in WATCH


def test_the_verb_that_asks_a_cluster_says_what_it_says(with_namespaces, tmp_path):
    """`./dev deploy check`, by the context that kubectl has."""
    def check(root):
        return run("deploy/deploy.sh", "check", "overlays/default", cwd=root, env={**os.environ, "KUBECONFIG": str(with_namespaces.kubeconfig)})

    good = check(ROOT)
    assert good.returncode == 0 and "context test; nothing is changed" in good.stderr, good.stderr
    assert good.stdout.count("(server dry run)") == len(objects("overlays/default"))
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("terraform", "node_modules"))
    file = tmp_path / "deploy/kubernetes/base/services/budgets.yaml"
    file.write_text(file.read_text().replace("maxUnavailable", "maxUnavailabel", 1))
    bad = check(tmp_path)
    assert bad.returncode != 0 and "maxUnavailabel" in bad.stderr, bad.stderr


def argocd_objects():
    return must("kubectl", "kustomize", "deploy/argocd/apps") + "---\n" + (ROOT / "deploy/argocd/root.yaml").read_text() + \
        "---\n" + (ROOT / "deploy/argocd/charts/loki.yaml").read_text().replace("name: loki\n", "name: loki\n  namespace: argocd\n", 1)


def test_argo_cds_resources_are_accepted(with_namespaces):
    done = dry_run(with_namespaces, argocd_objects())
    assert done.returncode == 0, done.stderr
    for environment in sorted((ROOT / "deploy/argocd/environments").iterdir()):
        done = dry_run(with_namespaces, must("kubectl", "kustomize", environment))
        assert done.returncode == 0, (environment.name, done.stderr)


def test_argo_cds_installation_is_accepted_with_what_is_laid_over_it(with_namespaces, tmp_path):
    """Its own manifests from its Go module, since the address in the kustomization is not reached from here."""
    for file in (ROOT / "deploy/argocd/install").iterdir():
        text = re.sub(r"https://raw\.githubusercontent\.com/argoproj/argo-cd/v([\d.]+)/manifests/install\.yaml", "install.yaml", file.read_text())
        (tmp_path / file.name).write_text(text)
    assert "install.yaml" in (tmp_path / "kustomization.yaml").read_text()
    (tmp_path / "install.yaml").write_text((tools("crds") / "install/argocd.yaml").read_text())
    made = must("kubectl", "kustomize", tmp_path)
    done = dry_run(with_namespaces, made)
    assert done.returncode == 0, done.stderr
    settings = {each["metadata"]["name"]: each for each in yaml.load_all(made, Loader=yaml.BaseLoader) if each and each["kind"] == "ConfigMap"}
    assert "role:developer" in settings["argocd-rbac-cm"]["data"]["policy.csv"]
    assert "ssh_known_hosts" in settings["argocd-ssh-known-hosts-cm"]["data"], "Argo CD's own list stays"


def changed(change):
    """The order service's Deployment with one mistake."""
    each = json.loads(json.dumps(next(one for one in objects("overlays/default") if one["kind"] == "Deployment" and one["metadata"]["name"] == "order-service")))
    change(each)
    return json.dumps(each)


def container(each):
    return each["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("change, words", [
    (lambda d: container(d).update(livenesProbe={}), "field not declared in schema"),
    (lambda d: container(d)["ports"][0].update(containerPort="web"), "containerPort"),
    (lambda d: d["spec"]["template"]["metadata"]["labels"].pop("app.kubernetes.io/name"), "selector"),
    (lambda d: container(d)["livenessProbe"].update(httpGet={"port": 1}), "may not specify more than 1 handler"),
])
def test_a_mistake_is_refused(with_namespaces, change, words):
    done = dry_run(with_namespaces, changed(change))
    assert done.returncode != 0 and words in done.stderr, done.stderr


@pytest.mark.parametrize("change", [
    lambda spec: spec["containers"][0]["securityContext"].pop("allowPrivilegeEscalation"),
    lambda spec: spec["containers"][0]["securityContext"].pop("capabilities"),
    lambda spec: spec["securityContext"].pop("seccompProfile"),
    lambda spec: spec.update(hostNetwork=True),
])
def test_a_pod_that_is_less_than_restricted_is_not_admitted(with_namespaces, change):
    template = json.loads(changed(lambda _: None))["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "ecommerce", "labels": template["metadata"]["labels"]},
           "spec": {**template["spec"], "serviceAccountName": "default", "priorityClassName": ""}}
    good = dry_run(with_namespaces, json.dumps(pod))
    assert good.returncode == 0, good.stderr
    change(pod["spec"])
    bad = dry_run(with_namespaces, json.dumps(pod))
    assert bad.returncode != 0 and 'violates PodSecurity "restricted' in bad.stderr, bad.stderr


def test_accounts_may_do_nothing_and_support_may_look(with_namespaces):
    cluster = with_namespaces
    for overlay in ("overlays/default", "observability/default"):
        rules = [each for each in objects(overlay) if each["kind"] in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ServiceAccount")]
        cluster.must("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": rules}))

    def may(who, verb, what, namespace="ecommerce"):
        return cluster.kubectl("auth", "can-i", verb, what, "-n", namespace, *who).stdout.strip() == "yes"

    for account in [each["metadata"]["name"] for each in objects("overlays/default") if each["kind"] == "ServiceAccount"]:
        who = (f"--as=system:serviceaccount:ecommerce:{account}",)
        for verb, what in (("get", "secrets"), ("list", "pods"), ("create", "pods"), ("get", "configmaps")):
            assert not may(who, verb, what), (account, verb, what)
    support = ("--as=someone", "--as-group=stoa:support")
    assert may(support, "get", "pods/log") and may(support, "patch", "deployments")
    for verb, what in (("get", "secrets"), ("create", "pods/exec"), ("delete", "deployments"), ("patch", "networkpolicies")):
        assert not may(support, verb, what), (verb, what)
    prometheus = ("--as=system:serviceaccount:monitoring:prometheus",)
    assert may(prometheus, "list", "pods") and may(prometheus, "get", "nodes/proxy")
    assert not may(prometheus, "get", "secrets") and not may(prometheus, "create", "pods")
    assert not may(("--as=system:serviceaccount:monitoring:grafana",), "list", "pods")
