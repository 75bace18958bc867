"""What the rules and dashboards ask of the cluster, by the real kube-state-metrics on the real API server: each series by its name and
labels, and by its value where a rule compares it."""

import json
import pathlib
import re
import urllib.request

import pytest
import yaml

from delivery import ROOT, objects, tools
from engines import free_port
from test_scaling import shop  # noqa: F401 the shop on the cluster

ASKED = re.compile(r"\b(kube_\w+)(?:\{([^}]*)\})?")
SAMPLE = re.compile(r"^(kube_\w+)\{(.*)\} (\S+)$", re.M)
LABEL = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')


def asked():
    """{(metric, labels as they are written)} of all rules, alerts and panels."""
    out = set()
    for file in sorted((ROOT / "deploy/observability/prometheus").rglob("*.yaml")):
        for group in (yaml.safe_load(file.read_text()) or {}).get("groups", []):
            for rule in group["rules"]:
                out |= set(ASKED.findall(rule["expr"]))
    for file in sorted((ROOT / "deploy/observability/grafana/dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", []):
                out |= set(ASKED.findall(target["expr"]))
    return out


@pytest.fixture(scope="module")
def told(shop):  # noqa: F811
    """Says what kube-state-metrics tells now: [(metric, labels, value)]."""
    jobs = [each for each in objects("overlays/default") if each["kind"] == "CronJob"]
    shop.must("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": jobs}))
    (audit,) = [each for each in jobs if each["metadata"]["name"] == "audit"]
    path = "/apis/batch/v1/namespaces/ecommerce"
    shop.api("PATCH", f"{path}/cronjobs/audit/status", {"status": {"lastScheduleTime": "2026-01-01T00:00:00Z", "lastSuccessfulTime": "2026-01-01T00:05:00Z"}},
             "application/merge-patch+json")
    # One that fails at once: its pods are not tried again.
    spec = json.loads(json.dumps(audit["spec"]["jobTemplate"]["spec"]))
    spec.update(backoffLimit=0, activeDeadlineSeconds=1)
    spec["template"]["spec"]["nodeSelector"] = {"nowhere": "true"}
    shop.api("POST", f"{path}/jobs", {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "audit-failed", "namespace": "ecommerce"}, "spec": spec})
    port, own = free_port(), free_port()
    program = pathlib.Path(tools("kube-state-metrics")) / "kube-state-metrics"
    shop.spawn("kube-state-metrics", program, "--kubeconfig=kubeconfig", "--host=127.0.0.1", f"--port={port}", "--telemetry-host=127.0.0.1",
               f"--telemetry-port={own}")

    def now():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as got:
                text = got.read().decode()
        except OSError:
            return []
        return [(name, dict((key, value) for key, _, value in LABEL.findall(labels)), float(value)) for name, labels, value in SAMPLE.findall(text)]

    yield now
    child = shop.children.pop("kube-state-metrics")
    child.terminate()
    child.wait(20)


def matches(labels, conditions):
    for key, op, value in conditions:
        have = labels.get(key, "")
        holds = have == value if "~" not in op else re.fullmatch(value, have) is not None
        if holds == op.startswith("!"):
            return False
    return True


def found(samples, metric, conditions):
    return [(labels, value) for name, labels, value in samples if name == metric and matches(labels, conditions)]


def test_each_series_of_the_cluster_that_is_asked_for_is_told(shop, told):  # noqa: F811
    wanted = {(metric, labels) for metric, labels in asked()}
    assert len({metric for metric, _ in wanted}) >= 10

    def missing():
        samples = told()
        return {f"{metric}{{{labels}}}" for metric, labels in wanted if not found(samples, metric, LABEL.findall(labels))}

    try:
        shop.wait_for(lambda: not missing(), "everything that is asked for is told", 60)
    except AssertionError:
        assert not missing()
        raise


def test_values_mean_what_the_alerts_take_them_for(shop, told):  # noqa: F811
    def value(metric, **labels):
        """The largest, as a job's failures are counted by reason."""
        return max((each for _, each in found(told(), metric, [(key, "=", each) for key, each in labels.items()])), default=None)

    there = {"namespace": "ecommerce"}
    shop.wait_for(lambda: value("kube_job_status_failed", **there, job_name="audit-failed"), "the job has failed", 60)
    assert value("kube_cronjob_status_last_successful_time", **there, cronjob="audit") == 1767225900, "seconds since 1970"
    assert value("kube_deployment_spec_replicas", **there, deployment="user-service") == 2
    shop.wait_for(lambda: value("kube_deployment_status_replicas_available", **there, deployment="user-service") == 2, "both are ready", 60)
    assert value("kube_horizontalpodautoscaler_spec_max_replicas", **there, horizontalpodautoscaler="order-service-hpa") == 10
    assert value("kube_pod_container_resource_requests", **there, resource="memory", container="stoa") >= 128 * 2**20, "bytes"
    assert value("kube_node_status_condition", condition="Ready", status="true", node="node-1") == 1


def test_a_name_that_there_is_not_is_missed(told):
    samples = told()
    assert not found(samples, "kube_deployment_status_replicas_ready_now", [])
    assert not found(samples, "kube_deployment_spec_replicas", [("namespace", "=", "ecommerce"), ("service", "=~", ".+")])
    assert found(samples, "kube_deployment_spec_replicas", [("namespace", "=", "ecommerce"), ("deployment", "=~", "order-.*")])
