"""The edges of the network, allowed and denied, each held against the wiring and against a shop that runs."""

import itertools
import re

import pytest
import yaml

from delivery import ROOT, SHOP, must, objects, of_kind
from network import End, Network
from wiring import SERVICES, edges, ports, stores

MONITORING = {"kubernetes.io/metadata.name": "monitoring"}
OUTSIDE = End("somebody", address="203.0.113.9")
METADATA = End("metadata", address="169.254.169.254")
CLOUD = End("cloud", address="52.94.0.1")
DATABASE = End("database", address="10.0.12.40")
PUBLIC_BROKER = End("broker", address="10.0.2.40")  # in a public subnet, for the other cloud


def network(overlay, watch="observability/prod"):
    policies = [each for each in objects(overlay) + objects(watch) if each["kind"] == "NetworkPolicy"]
    spaces = {name: {"kubernetes.io/metadata.name": name} for name in ("ecommerce", "monitoring", "kube-system", "elsewhere")}
    return Network(policies, spaces)


def pod_of(overlay, kind, name):
    one = of_kind(overlay, kind)[name]
    spec = one["spec"].get("jobTemplate", one)["spec"]
    return End(name, one["metadata"]["namespace"], tuple(spec["template"]["metadata"]["labels"].items()))


def services(overlay):
    return {target: pod_of(overlay, "Deployment", name) for target, name in SERVICES.items()}


@pytest.mark.parametrize("overlay", SHOP)
def test_services_reach_whom_they_ask_and_nobody_else(overlay):
    net, pods = network(overlay), services(overlay)
    every = {port for pair in ports().values() for port in pair if port} | {8080, 9090, 22, 443, 5432, 9092}
    allowed = {(a, b, port) for a, b in itertools.product(pods, pods) for port in every if net.allows(pods[a], pods[b], port)}
    assert allowed == edges(), {"too many": allowed - edges(), "missing": edges() - allowed}
    assert ("product", "order", 50053) in allowed and ("order", "product", 50052) in allowed, "both ways"


def test_an_edge_too_many_or_too_few_is_seen():
    net, pods = network("overlays/default"), services("overlays/default")
    for each in net.policies:
        if each["metadata"]["name"] == "cart-service":
            kept = each["spec"]["egress"]
            each["spec"]["egress"] = kept[1:]
            assert not net.allows(pods["cart"], pods["user"], 50051)
            each["spec"]["egress"] = [*kept, {"to": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "payment-service"}}}]}]
            assert not net.allows(pods["cart"], pods["payment"], 50054), "its other end has not agreed"
            each["spec"]["egress"] = kept


@pytest.mark.parametrize("overlay", SHOP)
def test_engines_are_reached_by_those_that_open_them(overlay):
    net, pods = network(overlay), services(overlay)
    settings = next(each["data"] for name, each in of_kind(overlay, "ConfigMap").items() if name.startswith("shop-config"))
    kafka_port = {int(broker.rsplit(":", 1)[1]) for broker in settings["KAFKA_BOOTSTRAP_SERVERS"].split(",")}
    assert len(kafka_port) == 1
    kafka = {"overlays/prod-gke": CLOUD, "overlays/dev": DATABASE}.get(overlay, PUBLIC_BROKER)  # in another cloud on GKE
    for target, pod in pods.items():
        opens = stores()[target]
        rows = "sql" in opens or (settings["STOA_KEY_VALUE"] == "postgres" and "key_value" in opens)
        assert net.allows(pod, DATABASE, 5432) == rows, (target, "PostgreSQL")
        assert net.allows(pod, kafka, *kafka_port) == ("event_log" in opens), (target, "Kafka")
        assert net.allows(pod, CLOUD, 443) == bool(opens), (target, "the cloud's own services")
        assert net.allows(pod, End("mail", address="198.51.100.7"), 587) == (target == "notification"), target
        for port in (80, 443, 8080):
            assert not net.allows(pod, METADATA, port), "the node's own credentials"
        for port in (22, 3306, 9093, 2181):
            assert not net.allows(pod, DATABASE, port)
    for kind, name in (("Job", "migrate"), ("CronJob", "audit")):
        one = pod_of(overlay, kind, name)
        assert net.allows(one, DATABASE, 5432) and net.allows(one, kafka, *kafka_port) and net.allows(one, CLOUD, 443)
        assert not any(net.allows(one, pod, port) for pod in pods.values() for port in (8080, 50053, 8003, 9090))


@pytest.mark.parametrize("overlay", SHOP)
def test_the_public_reaches_the_gateway_alone(overlay):
    net, pods = network(overlay), services(overlay)
    stranger = End("stranger", "elsewhere", (("app.kubernetes.io/name", "api-gateway"),))
    for target, pod in pods.items():
        for port in {8080, 9090, *ports()[target]} - {0}:
            public = target == "gateway" and port == 8080
            assert net.allows(OUTSIDE, pod, port) == public, (target, port)
            assert net.allows(stranger, pod, port) == public, (target, port)


def test_metrics_are_read_and_traces_taken_in_monitoring():
    net, pods = network("overlays/prod"), services("overlays/prod")
    watchers = {name: pod_of("observability/prod", "Deployment", name) for name in of_kind("observability/prod", "Deployment")}
    for pod in pods.values():
        assert net.allows(watchers["prometheus"], pod, 9090)
        assert not net.allows(watchers["grafana"], pod, 9090)
        assert net.allows(pod, watchers["otel-collector"], 4318)
        assert not net.allows(pod, watchers["prometheus"], 9090)
    assert net.allows(watchers["blackbox-exporter"], pods["gateway"], 8080)
    assert not net.allows(watchers["blackbox-exporter"], pods["order"], 8003)
    assert net.allows(watchers["grafana"], watchers["prometheus"], 9090) and net.allows(watchers["prometheus"], watchers["alertmanager"], 9093)
    loki, promtail = pod_of("observability/prod", "StatefulSet", "loki"), pod_of("observability/prod", "DaemonSet", "promtail")
    assert net.allows(promtail, loki, 3100) and net.allows(watchers["grafana"], loki, 3100) and not net.allows(pods["order"], loki, 3100)
    fake = End("fake", "ecommerce", (("app.kubernetes.io/name", "prometheus"),))
    assert not net.allows(fake, pods["order"], 9090), "by its namespace, too"


@pytest.mark.parametrize("watch", ["observability/default", "observability/dev", "observability/prod", "observability/prod-gke", "observability/efk"])
def test_what_tells_of_the_cluster_is_read(watch):
    """Programs of the chart stand in the same closed namespace; the nodes' exporters have their nodes' addresses."""
    net = network("overlays/prod", watch)
    prometheus = pod_of(watch, "Deployment", "prometheus")
    cluster = End("kube-state-metrics", "monitoring", (("app.kubernetes.io/name", "kube-state-metrics"),))
    node, api_server = End("node", address="10.0.11.7"), End("API server", address="172.20.0.1")
    assert net.allows(prometheus, cluster, 8080) and net.allows(cluster, api_server, 443) and net.allows(cluster, api_server, 6443)
    assert net.allows(prometheus, node, 9100) and not net.allows(prometheus, node, 22)
    assert not net.allows(pod_of(watch, "Deployment", "grafana"), cluster, 8080) and not net.allows(cluster, OUTSIDE, 80)
    values = yaml.safe_load((ROOT / "deploy/argocd/apps/kube-prometheus-stack.yaml").read_text())["spec"]["source"]["helm"]["valuesObject"]
    nodes = values["prometheus-node-exporter"]
    assert nodes["podAnnotations"] == {"prometheus.io/scrape": "true", "prometheus.io/port": "9100"}
    assert nodes["service"]["annotations"]["prometheus.io/scrape"] != "true", "one address for all nodes is one node at a time"


# Where a program tells of itself, if it is not /metrics.
ELSEWHERE = {"fluent-bit": "/api/v1/metrics/prometheus"}


@pytest.mark.parametrize("watch", ["observability/default", "observability/dev", "observability/prod", "observability/prod-gke", "observability/efk"])
def test_who_is_to_be_scraped_can_be_and_where_it_tells(watch):
    """A target that cannot be is TargetDown for ever."""
    net, scraped = network("overlays/prod", watch), set()
    prometheus = pod_of(watch, "Deployment", "prometheus")
    for each in objects(watch):
        template = each.get("spec", {}).get("template", {}) if each["kind"] in ("Deployment", "StatefulSet", "DaemonSet") else {}
        notes = template.get("metadata", {}).get("annotations") or {}
        if notes.get("prometheus.io/scrape") != "true":
            continue
        name, port = each["metadata"]["name"], int(notes["prometheus.io/port"])
        scraped.add(name)
        assert port in {one["containerPort"] for container in template["spec"]["containers"] for one in container["ports"]}, name
        assert net.allows(prometheus, pod_of(watch, each["kind"], name), port), name
        assert notes.get("prometheus.io/path", "/metrics") == ELSEWHERE.get(name, "/metrics"), name
    shipper = "fluent-bit" if watch.endswith(("gke", "efk")) else "promtail"
    assert scraped == {"prometheus", "alertmanager", "grafana", "loki", "blackbox-exporter", shipper}


@pytest.mark.parametrize("environment", ["dev", "loadtest", "prod", "prod-gke"])
def test_where_there_is_a_collector_the_shop_sends_to_it(environment):
    """The two overlays of an environment, as its applications name them."""
    made = yaml.safe_load_all(must("kubectl", "kustomize", f"deploy/argocd/environments/{environment}"))
    path = {each["metadata"]["name"]: each["spec"]["source"].get("path", "").removeprefix("deploy/kubernetes/") for each in made if each["kind"] == "Application"}
    shop, watch = path["ecommerce-services"], path["ecommerce-observability"]
    settings = next(each["data"] for name, each in of_kind(shop, "ConfigMap").items() if name.startswith("shop-config"))
    collectors = {name: each for name, each in of_kind(watch, "Service").items() if any(port["port"] == 4318 for port in each["spec"]["ports"])}
    assert len(collectors) == (1 if environment.startswith("prod") else 0)
    assert settings.get("OTEL_EXPORTER_OTLP_ENDPOINT") == next((f"http://{name}.{each['metadata']['namespace']}:4318" for name, each in collectors.items()), None)
    net = network(shop, watch)
    for pod in services(shop).values():
        for name in collectors:
            assert net.allows(pod, pod_of(watch, "Deployment", name), 4318), pod.name


@pytest.mark.parametrize("watch, public", [("observability/default", False), ("observability/efk", False), ("observability/dev", True),
                                           ("observability/prod", True), ("observability/prod-gke", True)])
def test_the_prober_reaches_the_public_address_by_tls_alone(watch, public):
    net, prober = network("overlays/prod", watch), pod_of(watch, "Deployment", "blackbox-exporter")
    assert net.allows(prober, OUTSIDE, 443) == public
    assert not any(net.allows(prober, OUTSIDE, port) for port in (80, 22, 8080))
    for inside in (METADATA, DATABASE, End("API server", address="172.20.0.1"), End("node", address="192.168.1.7")):
        assert not net.allows(prober, inside, 443), inside
    for name in set(of_kind(watch, "Deployment")) - {"blackbox-exporter", "prometheus", "alertmanager", "otel-collector"}:
        assert not net.allows(pod_of(watch, "Deployment", name), OUTSIDE, 443), name


def test_who_ships_lines_to_googles_cloud_gets_a_token_for_it():
    """By the metadata server, as an account that Terraform lets write them."""
    net, shipper = network("overlays/prod-gke", "observability/prod-gke"), pod_of("observability/prod-gke", "DaemonSet", "fluent-bit")
    assert net.allows(shipper, METADATA, 80) and net.allows(shipper, End("behind", address="169.254.169.252"), 988)
    assert net.allows(shipper, CLOUD, 443) and not net.allows(shipper, METADATA, 22)
    spec = of_kind("observability/prod-gke", "DaemonSet")["fluent-bit"]["spec"]["template"]["spec"]
    account = of_kind("observability/prod-gke", "ServiceAccount")[spec["serviceAccountName"]]["metadata"]
    known = account["annotations"]["iam.gke.io/gcp-service-account"].split("@")[0].removeprefix("ecommerce-")
    made = re.search(rf'name +=[^\n]*-{known}"(.*?)\n}}', (ROOT / "deploy/terraform/gcp/shop.tf").read_text(), re.DOTALL)[1]
    assert f'"{account["namespace"]}/{account["name"]}"' in made and '"roles/logging.logWriter"' in made


@pytest.mark.parametrize("overlay", SHOP)
def test_names_are_asked_of_the_clusters_own(overlay):
    """Of its resolver, or of NodeLocal DNSCache, which is a pod or the node's own address, as the cluster has it."""
    net, pods = network(overlay), services(overlay)
    resolvers = [End("dns", "kube-system", (("k8s-app", "kube-dns"),)), End("cache", "kube-system", (("k8s-app", "node-local-dns"),)),
                 End("cache", address="169.254.20.10")]
    watcher = pod_of("observability/prod", "Deployment", "prometheus")
    for pod in [*pods.values(), pod_of(overlay, "Job", "migrate"), pod_of(overlay, "CronJob", "audit"), watcher]:
        for resolver in resolvers:
            assert net.allows(pod, resolver, 53, "UDP") and net.allows(pod, resolver, 53), (pod.name, resolver)
            assert not resolver.address or not net.allows(pod, resolver, 8080), "nothing but names"
        assert not net.allows(pod, METADATA, 53, "UDP") and not net.allows(pod, End("near", address="169.254.20.11"), 53, "UDP")
    for pod in pods.values():
        assert not net.allows(pod, End("other", "kube-system", (("k8s-app", "metrics"),)), 53, "UDP")
        assert not net.allows(pod, OUTSIDE, 53, "UDP")


@pytest.mark.parametrize("overlay", SHOP)
def test_settings_name_hosts_that_are_services_of_the_overlay(overlay):
    settings = next(each["data"] for name, each in of_kind(overlay, "ConfigMap").items() if name.startswith("shop-config"))
    found = of_kind(overlay, "Service")
    for target, service in SERVICES.items():
        if target == "gateway":
            continue
        host = settings[f"{target.upper()}_SERVICE_HOST"]
        assert found[host]["spec"]["selector"] == {"app.kubernetes.io/name": service}, host
        assert {port["port"] for port in found[host]["spec"]["ports"]} == {*ports()[target], 9090}, host
        assert re.fullmatch(r"[a-z-]+", host)
    assert set(ports()) == set(SERVICES)
