"""Argo CD's own controllers, on this control plane, from a bare repository on disk: the application of applications brings the shop, a
commit arrives, hand-made drift is healed, autoscalers keep their replicas, what must stay is not pruned."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest
import yaml

from delivery import ROOT, must, tools
from engines import free_port

REPOSITORY = "https://github.com/example/stoa.git"


class Git:
    """A copy of deploy/ in a repository of its own, whose manifests name itself as their source. The chart is left out: its
    repository is not reached from here."""

    def __init__(self, folder):
        self.bare, self.work = folder / "stoa.git", folder / "work"
        self.work.mkdir()
        shutil.copytree(ROOT / "deploy/argocd", self.work / "deploy/argocd")
        shutil.copytree(ROOT / "deploy/kubernetes", self.work / "deploy/kubernetes")
        shutil.copytree(ROOT / "deploy/observability", self.work / "deploy/observability")
        for file in (self.work / "deploy/argocd").rglob("*.yaml"):
            text = file.read_text()
            if file.name == "kustomization.yaml" and file.parent.name == "apps":
                text = text.replace("  - kube-prometheus-stack.yaml\n", "")
            file.write_text(text.replace(REPOSITORY, f"file://{self.bare}"))
        must("git", "init", "--quiet", "--bare", "--initial-branch=main", self.bare)
        must("git", "init", "--quiet", "--initial-branch=main", self.work)
        must("git", "-C", self.work, "remote", "add", "origin", self.bare)
        self.commit("The first")

    def commit(self, why):
        must("git", "-C", self.work, "add", "-A")
        must("git", "-C", self.work, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", why)
        must("git", "-C", self.work, "push", "--quiet", "origin", "main")
        return must("git", "-C", self.work, "rev-parse", "HEAD").strip()


@pytest.fixture(scope="module")
def argo(cluster, tmp_path_factory):
    folder = tmp_path_factory.mktemp("argo")
    git = Git(folder)
    redis, repo, metrics, health = free_port(), free_port(), free_port(), free_port()
    shims = folder / "bin"
    shims.mkdir()
    (shims / "kustomize").write_text('#!/bin/sh\ncase "$1" in\nversion) echo v5.5.0 ;;\nbuild) shift; exec kubectl kustomize "$@" ;;\n*) exit 1 ;;\nesac\n')
    (shims / "kustomize").chmod(0o755)
    cluster.must("apply", "-f", ROOT / "deploy/argocd/install/namespace.yaml")
    # Its settings: those of our installation.
    for name in ("argocd-cm", "argocd-rbac-cm"):
        one = yaml.safe_load((ROOT / f"deploy/argocd/install/{name}.yaml").read_text())
        one["metadata"] |= {"namespace": "argocd", "labels": {"app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/name": name}}
        cluster.must("apply", "-f", "-", input=json.dumps(one))
    cluster.must("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": "argocd-secret", "namespace": "argocd", "labels": {"app.kubernetes.io/part-of": "argocd"}}, "stringData": {"server.secretkey": "only here"}}))
    common = {"PATH": f"{shims}:{os.environ['PATH']}", "KUBECONFIG": str(cluster.kubeconfig), "ARGOCD_GPG_ENABLED": "false", "HOME": str(folder),
              "ARGOCD_FAKE_IN_CLUSTER": "true", "ARGOCD_RECONCILIATION_TIMEOUT": "10s", "ARGOCD_RECONCILIATION_JITTER": "0"}
    argocd = tools("argocd") / "argocd"
    cluster.spawn("redis", "redis-server", "--port", redis, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    cluster.spawn("repo-server", argocd, "--disable-tls", "--address=127.0.0.1", "--metrics-address=127.0.0.1", f"--metrics-port={metrics}",
                  f"--port={repo}", f"--redis=127.0.0.1:{redis}", "--logformat=json", "--loglevel=warn",
                  env={**common, "ARGOCD_BINARY_NAME": "argocd-repo-server"})
    cluster.spawn("application-controller", argocd, "--namespace=argocd", f"--repo-server=127.0.0.1:{repo}", "--repo-server-plaintext",
                  f"--redis=127.0.0.1:{redis}", f"--metrics-port={health}", "--self-heal-timeout-seconds=1", "--app-resync=10", "--logformat=json",
                  "--loglevel=info", env={**common, "ARGOCD_BINARY_NAME": "argocd-application-controller"})
    # As `./dev deploy gitops` does: the projects, then the one application.
    cluster.must("apply", "-k", git.work / "deploy/argocd/projects")
    cluster.must("apply", "-f", git.work / "deploy/argocd/root.yaml")
    cluster.git = git
    try:
        yield cluster
    finally:
        for name in ("application-controller", "repo-server", "redis"):
            child = cluster.children.pop(name)
            child.terminate()
            child.wait(30)


def application(cluster, name):
    return cluster._has(f"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{name}") or {}


def state(cluster, name):
    status = application(cluster, name).get("status", {})
    return status.get("sync", {}).get("status"), status.get("health", {}).get("status")


def story(cluster, name):
    one = application(cluster, name).get("status", {})
    wrong = [f"{each['kind']}/{each['name']}: {each.get('status')} {each.get('health')}" for each in one.get("resources", [])
             if each.get("status") != "Synced" or (each.get("health") or {}).get("status") not in (None, "Healthy")]
    return json.dumps({"state": state(cluster, name), "conditions": one.get("conditions"), "wrong": wrong[:12],
                       "operation": (one.get("operationState") or {}).get("message")})[:3000]


def must_become(cluster, name, sync, health, within_s=120):
    try:
        cluster.wait_for(lambda: state(cluster, name) == (sync, health), f"{name} is {sync} and {health}", within_s)
    except AssertionError as no:
        raise AssertionError(f"{no}\n{story(cluster, name)}") from None


def refresh(cluster, name):
    """What Git's webhook does."""
    cluster.must("annotate", "application", name, "-n", "argocd", "argocd.argoproj.io/refresh=normal", "--overwrite")


def deployment(cluster, name):
    return cluster.api("GET", f"/apis/apps/v1/namespaces/ecommerce/deployments/{name}")


@pytest.fixture(scope="module")
def shop(argo):
    argo.kubelet.used.update({name: (60, 60) for name in ("order-service", "payment-service", "product-service", "api-gateway", "activity-service")})
    argo.wait_for(lambda: application(argo, "ecommerce-services"), "the application of applications has made the shop's", 120)
    argo.wait_for(lambda: argo._has("/api/v1/namespaces/ecommerce"), "its namespace is there", 120)
    for name, key in (("db-credentials", "DATABASE_URL"), ("stripe-credentials", "STRIPE_API_KEY"), ("signing-keys", "keys.json")):
        argo.must("create", "secret", "generic", name, "-n", "ecommerce", f"--from-literal={key}=none")
    # A cloud's part: the balancer has an address, and only then is the Service well.
    gateway = "/api/v1/namespaces/ecommerce/services/api-gateway"
    argo.wait_for(lambda: argo._has(gateway), "the gateway's Service is there", 180)
    argo.api("PATCH", gateway + "/status", {"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.10"}]}}}, "application/merge-patch+json")
    return argo


def test_the_application_of_applications_brings_the_shop(shop):
    must_become(shop, "ecommerce-services", "Synced", "Healthy", 240)
    must_become(shop, "ecommerce-app-of-apps", "Synced", "Healthy")
    assert {each["metadata"]["name"] for each in shop.get("deployments", "-n", "ecommerce")["items"]} == {
        "api-gateway", "user-service", "product-service", "cart-service", "order-service", "payment-service", "notification-service",
        "activity-service", "analytics-service"}
    # By waves: the migration had ended before the first service was made.
    job = shop.get("job", "migrate", "-n", "ecommerce")
    assert job["status"]["succeeded"] == 1
    assert all(job["status"]["completionTime"] <= each["metadata"]["creationTimestamp"] for each in shop.get("deployments", "-n", "ecommerce")["items"])


def test_what_a_hand_changed_is_changed_back(shop):
    policy = "/apis/networking.k8s.io/v1/namespaces/ecommerce/networkpolicies/default-deny"
    was = shop.api("GET", policy)["metadata"]["uid"]
    shop.must("delete", "networkpolicy", "default-deny", "-n", "ecommerce")
    shop.wait_for(lambda: (shop._has(policy) or {}).get("metadata", {}).get("uid") not in (None, was), "the policy is back", 60)
    shop.must("set", "image", "deployment/cart-service", "stoa=example.test/other:1", "-n", "ecommerce")
    shop.wait_for(lambda: "other" not in deployment(shop, "cart-service")["spec"]["template"]["spec"]["containers"][0]["image"], "the image is back", 60)


def test_an_autoscalers_replicas_are_left_alone(shop):
    must_become(shop, "ecommerce-services", "Synced", "Healthy", 240)
    shop.kubelet.used["order-service"] = (500, 60)
    shop.wait_for(lambda: deployment(shop, "order-service")["spec"]["replicas"] >= 4, "it has scaled out", 90)
    refresh(shop, "ecommerce-services")
    must_become(shop, "ecommerce-services", "Synced", "Healthy")
    assert deployment(shop, "order-service")["spec"]["replicas"] >= 4
    shop.kubelet.used["order-service"] = (140, 60)


def test_a_commit_arrives(shop):
    """The image of the overlay, as `./dev image pin` writes it; and what is no longer in Git is pruned."""
    work = shop.git.work
    pinned = work / "deploy/kubernetes/overlays/default/images/kustomization.yaml"
    pinned.write_text(pinned.read_text().replace('newTag: "0.1.0"', 'newTag: "0.2.0"'))
    edges = work / "deploy/kubernetes/base/services/access.yaml"
    edges.write_text("# Nobody, for now.\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: shop-support\nrules: []\n")
    revision = shop.git.commit("The second version")
    refresh(shop, "ecommerce-services")
    shop.wait_for(lambda: deployment(shop, "api-gateway")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":0.2.0"), "the image has come", 90)
    must_become(shop, "ecommerce-services", "Synced", "Healthy", 180)
    assert application(shop, "ecommerce-services")["status"]["sync"]["revision"] == revision
    shop.wait_for(lambda: not shop._has("/apis/rbac.authorization.k8s.io/v1/namespaces/ecommerce/rolebindings/shop-support"), "what Git lost is gone", 60)


def test_what_keeps_data_is_not_pruned(shop):
    shop.wait_for(lambda: state(shop, "ecommerce-observability")[0] == "Synced", "what watches the shop is synced", 120)
    shop.wait_for(lambda: shop._has("/apis/apps/v1/namespaces/monitoring/statefulsets/loki"), "Loki is there", 120)
    base = shop.git.work / "deploy/kubernetes/base/observability/kustomization.yaml"
    base.write_text(base.read_text().replace("  - loki.yaml\n", "").replace("  - blackbox-exporter.yaml\n", ""))
    shop.git.commit("Without Loki")
    refresh(shop, "ecommerce-observability")
    shop.wait_for(lambda: not shop._has("/apis/apps/v1/namespaces/monitoring/deployments/blackbox-exporter"), "what may go is gone", 120)
    assert shop._has("/apis/apps/v1/namespaces/monitoring/statefulsets/loki"), "what keeps data stays until a person removes it"


def test_an_application_outside_its_project_is_refused(shop):
    one = yaml.safe_load((shop.git.work / "deploy/argocd/apps/ecommerce-services.yaml").read_text())
    one["metadata"] = {"name": "rogue", "namespace": "argocd"}
    one["spec"]["destination"]["namespace"] = "kube-system"
    shop.must("apply", "-f", "-", input=json.dumps(one))
    said = shop.wait_for(lambda: [each["message"] for each in application(shop, "rogue").get("status", {}).get("conditions", [])], "it is judged", 60)
    assert any("not permitted in project" in each or "do not match any of the allowed destinations" in each for each in said), said
    shop.must("delete", "application", "rogue", "-n", "argocd")


def test_people_may_do_what_their_role_says(shop):
    """By Argo CD's own reading of the policy file."""
    policy = shop.folder / "policy.csv"
    policy.write_text(yaml.safe_load((ROOT / "deploy/argocd/install/argocd-rbac-cm.yaml").read_text())["data"]["policy.csv"])

    def may(role, action, what, which="*/*"):
        done = subprocess.run([tools("argocd") / "argocd", "admin", "settings", "rbac", "can", role, action, what, which, "--policy-file", policy],
                              capture_output=True, text=True, env={**os.environ, "ARGOCD_BINARY_NAME": "argocd", "HOME": str(shop.folder), "KUBECONFIG": str(shop.kubeconfig)})
        assert done.stdout.strip() in ("Yes", "No"), done
        return done.stdout.strip() == "Yes"

    assert may("role:admin", "delete", "applications", "shop/ecommerce-services") and not may("role:admin", "create", "exec", "shop/x")
    assert may("role:ops", "sync", "applications", "shop/ecommerce-services") and not may("role:ops", "delete", "applications", "shop/ecommerce-services")
    assert may("role:developer", "get", "applications", "shop/ecommerce-services")
    assert not may("role:developer", "sync", "applications", "shop/ecommerce-services")
    assert not may("stoa:strangers", "get", "applications", "shop/ecommerce-services")
