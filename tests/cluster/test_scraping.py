"""Whom Prometheus finds by its own configuration, with the rights of its own account: the real program on the real API server. Nobody is
scraped, since pods run on paper; who would be, where and under which labels is what the rules and dashboards ask by."""

import json
import re
import urllib.request

import pytest
import yaml

from delivery import ROOT, objects, tools
from engines import free_port
from test_scaling import replicas, shop  # noqa: F401 the shop on the cluster

WATCH = "observability/efk"  # the most kinds: among it what tells of itself elsewhere than /metrics
CHART = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-prometheus-stack-kube-state-metrics", "namespace": "monitoring",
                                                             "annotations": {"prometheus.io/scrape": "true"}},
         "spec": {"ports": [{"name": "http", "port": 8080}], "selector": {"app.kubernetes.io/name": "kube-state-metrics"}}}


@pytest.fixture(scope="module")
def found(shop, tmp_path_factory):  # noqa: F811
    """Says what is found now: {pool: [(url, labels)]}."""
    wanted = [each for each in objects(WATCH) if each["kind"] in ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding")]
    secrets = [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "monitoring"}, "stringData": {"x": "none"}}
               for name in ("grafana-admin", "alertmanager-addresses", "elasticsearch-credentials")]
    wanted += [each for each in objects(WATCH) if each["kind"] in ("ConfigMap", "Deployment", "StatefulSet", "DaemonSet", "Service")]
    for each in [*wanted[:1], *secrets, *wanted[1:], CHART]:
        shop.must("apply", "--server-side", "-f", "-", input=json.dumps(each))
    told = shop.api("POST", "/api/v1/namespaces/monitoring/serviceaccounts/prometheus/token", {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}})
    kubeconfig = json.loads(shop.kubeconfig.read_text())
    kubeconfig["users"][0]["user"] = {"token": told["status"]["token"]}
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "kubeconfig").write_text(json.dumps(kubeconfig))
    (folder / "token").write_text("")
    text = (ROOT / "deploy/observability/prometheus/prometheus.yaml").read_text()
    text = re.sub(r"/var/run/secrets/kubernetes\.io/serviceaccount/(ca\.crt|token)", lambda file: str(shop.folder / "ca.crt" if file[1] == "ca.crt" else folder / "token"), text)
    config = yaml.safe_load(text)
    for job in config["scrape_configs"]:
        for each in job.get("kubernetes_sd_configs", []):
            each["kubeconfig_file"] = str(folder / "kubeconfig")
    config["rule_files"], config["scrape_config_files"] = [], []
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    port = free_port()
    shop.spawn("prometheus", tools("prometheus") / "prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data",
               f"--web.listen-address=127.0.0.1:{port}")

    def now():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/targets?state=active", timeout=10) as got:
                targets = json.load(got)["data"]["activeTargets"]
        except OSError:
            return {}
        out = {}
        for each in targets:
            out.setdefault(each["scrapePool"], []).append((each["scrapeUrl"], each["labels"]))
        return out

    yield now
    child = shop.children.pop("prometheus")
    child.terminate()
    child.wait(20)
    shop.must("delete", "namespace", "monitoring", "--wait=false")
    shop.wait_for(lambda: not shop._has("/api/v1/namespaces/monitoring"), "the namespace is gone", 120)


def running_pods(cluster, namespace):
    return {pod["metadata"]["name"]: pod for pod in cluster.get("pods", "-n", namespace)["items"]
            if pod["status"].get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")}


def test_each_pod_of_the_shop_is_found_once_and_by_its_name(shop, found):  # noqa: F811
    def settled():
        pods, seen = running_pods(shop, "ecommerce"), found().get("shop", [])
        return pods, seen if len(seen) == len(pods) >= 17 else None

    pods, seen = shop.wait_for(lambda: (both := settled())[1] and both, "as many targets as pods", 60)
    assert {labels["pod"] for _, labels in seen} == set(pods)
    for url, labels in seen:
        pod = pods[labels["pod"]]
        assert url == f"http://{pod['status']['podIP']}:9090/metrics", "the annotated port, of several"
        assert (labels["job"], labels["namespace"], labels["service"]) == ("shop", "ecommerce", pod["metadata"]["labels"]["app.kubernetes.io/name"])
    assert {labels["service"] for _, labels in seen} == {each["metadata"]["name"] for each in objects("overlays/default") if each["kind"] == "Deployment"}


def test_a_pod_that_does_not_run_yet_is_no_target(shop, found):  # noqa: F811
    """It would be down, and an alert."""
    shop.kubelet.holding.add("cart-service")
    try:
        shop.must("scale", "deployment/cart-service", "--replicas=3", "-n", "ecommerce")
        shop.wait_for(lambda: len(shop.get("pods", "-n", "ecommerce", "-l", "app.kubernetes.io/name=cart-service")["items"]) == 3, "the third is there", 60)
        shop.must("scale", "deployment/user-service", "--replicas=3", "-n", "ecommerce")
        count = lambda name: sum(labels["service"] == name for _, labels in found()["shop"])  # noqa: E731
        shop.wait_for(lambda: count("user-service") == 3, "one that runs is found", 60)
        assert count("cart-service") == 2
    finally:
        shop.kubelet.holding.clear()
        shop.must("scale", "deployment/cart-service", "deployment/user-service", "--replicas=2", "-n", "ecommerce")
    shop.wait_for(lambda: replicas(shop, "cart-service")[1] == 2, "two run", 60)


def test_what_watches_is_found_where_it_tells(shop, found):  # noqa: F811
    wanted = {"prometheus": ":9090/metrics", "alertmanager": ":9093/metrics", "grafana": ":3000/metrics", "loki": ":3100/metrics",
              "blackbox-exporter": ":9115/metrics", "fluent-bit": ":2020/api/v1/metrics/prometheus"}
    shop.wait_for(lambda: {labels["service"] for _, labels in found().get("kubernetes-pods", [])} == set(wanted), "all are found", 90)
    pods = running_pods(shop, "monitoring")
    shop.wait_for(lambda: len(found()["kubernetes-pods"]) == len(running_pods(shop, "monitoring")), "each once", 60)
    for url, labels in found()["kubernetes-pods"]:
        pod = pods[labels["pod"]]
        assert url == f"http://{pod['status']['podIP']}{wanted[labels['service']]}" and labels["namespace"] == "monitoring"
    assert sum(labels["service"] == "fluent-bit" for _, labels in found()["kubernetes-pods"]) == 3, "a node each"


def test_nodes_are_asked_by_the_api_server_and_the_charts_service_by_its_name(shop, found):  # noqa: F811
    shop.wait_for(lambda: {"kubelet", "cadvisor", "kubernetes-services", "probes"} <= set(found()), "all jobs have targets", 60)
    nodes = {f"node-{at}" for at in (1, 2, 3)}
    for job, path in (("kubelet", "metrics"), ("cadvisor", "metrics/cadvisor")):
        assert {(url, labels["node"]) for url, labels in found()[job]} == \
            {(f"https://kubernetes.default.svc:443/api/v1/nodes/{node}/proxy/{path}", node) for node in nodes}
    ((url, labels),) = found()["kubernetes-services"]
    assert url == "http://kube-prometheus-stack-kube-state-metrics.monitoring.svc:8080/metrics" and labels["namespace"] == "monitoring"
    assert {labels["instance"] for _, labels in found()["probes"]} == {"http://api-gateway.ecommerce.svc/health",
                                                                       "http://api-gateway.ecommerce.svc/api/v1/products?limit=1"}
    assert all(url.startswith("http://blackbox-exporter:9115/probe?module=http_2xx&target=http%3A%2F%2Fapi-gateway") for url, _ in found()["probes"])

