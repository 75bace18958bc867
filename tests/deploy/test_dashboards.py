"""Dashboards, rules and alerts speak of what a shop that runs really says: each query is asked of a real Prometheus that scrapes nine
real processes, a node and the probes."""

import contextlib
import json
import os
import re

import pytest
import yaml

from delivery import ROOT, must, of_kind, run, tools
from shop import Shop, eventually
from shop_fixture import go_shopping, running_shop, targets_of, watched
from test_alerts import RECORDING, RULES, alerts

DASHBOARDS = sorted((ROOT / "deploy/observability/grafana/dashboards").glob("*.json"))
# kube-state-metrics tells of these in a cluster: tests/cluster/test_metrics.py holds each against the real one.
CLUSTER = {"kube_cronjob_created", "kube_cronjob_status_last_successful_time", "kube_deployment_spec_replicas", "kube_deployment_status_replicas_available",
           "kube_horizontalpodautoscaler_spec_max_replicas", "kube_horizontalpodautoscaler_status_current_replicas", "kube_job_status_failed",
           "kube_node_status_condition", "kube_pod_container_resource_requests", "kube_pod_status_phase",
           "kube_poddisruptionbudget_status_pod_disruptions_allowed"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with running_shop(tmp_path_factory.mktemp("shop")) as one:
        yield one


@pytest.fixture(scope="module")
def prometheus(shop, tmp_path_factory):
    with watched(tmp_path_factory.mktemp("watch"), shop) as one:
        # A rate is of what rises between two scrapes.
        eventually(lambda: len(one.query('count_over_time(up{job="shop"}[1m]) > 1')) == len(targets_of(shop)), 60, "all nine are scraped")
        go_shopping(shop)
        eventually(lambda: float(one.query("sum(rate(orders_created_total[5m]))")[0]["value"][1]) > 0, 60, "orders are seen")
        eventually(lambda: one.query("group:event_delay:p95_5m >= 0"), 60, "rules have been worked out")
        eventually(lambda: one.query('sum(orders_in_status{status="paid"}) > 0'), 60, "orders are counted by status, every five seconds")
        yield one


def panels(dashboard):
    return [each for each in dashboard["panels"] if each["type"] != "row"]


def queries():
    for file in DASHBOARDS:
        dashboard = json.loads(file.read_text())
        for panel in panels(dashboard):
            for target in panel["targets"]:
                if target["datasource"]["type"] == "prometheus":
                    yield file.stem, panel["title"], target["expr"]


def filled(expr):
    return expr.replace("$service", ".+").replace("$__rate_interval", "5m")


def of_the_cluster(expr):
    return set(re.findall(r"\bkube_\w+", expr))


def test_dashboards_are_what_their_code_writes():
    must("python3", "-B", "deploy/observability/grafana/dashboards.py", "--check")


def test_dashboards_are_whole():
    seen = {}
    for file in DASHBOARDS:
        one = json.loads(file.read_text())
        assert one["uid"] not in seen, f"{file.name}: the uid of {seen.get(one['uid'])}"
        seen[one["uid"]] = file.name
        ids = [panel["id"] for panel in one["panels"]]
        assert len(set(ids)) == len(ids)
        cells = set()
        for panel in one["panels"]:
            at = panel["gridPos"]
            assert 0 <= at["x"] and at["x"] + at["w"] <= 24
            mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & mine, f"{file.name}: {panel['title']} lies over another"
            cells |= mine
        for panel in panels(one):
            assert panel["targets"] and panel["title"] and panel["datasource"]["uid"] in ("prometheus", "loki")
            assert all(target["expr"].count("(") == target["expr"].count(")") for target in panel["targets"])
    assert {"orders-dashboard", "service-metrics", "kafka-metrics", "analytics-jobs", "cluster-health", "gateway", "service-logs"} == set(seen)
    given = {each["uid"] for each in yaml.safe_load((ROOT / "deploy/observability/grafana/provisioning/datasources.yaml").read_text())["datasources"]}
    assert given == {"prometheus", "loki"}


# Every field may be left out, since Grafana has defaults; one that is there must be known, and its value of its type. Words of a list
# are written as they are.
LOOSE = """
type Loose<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T
  : T extends Array<infer E> ? Array<Loose<E>> : T extends object ? { [K in keyof T]?: Loose<T[K]> } : T;
type Query = S.DataQuery & { expr: string; legendFormat?: string; instant?: boolean; range?: boolean };
type Of<Kind extends string, Options, Field> = Loose<Omit<S.Panel, "options" | "fieldConfig" | "targets" | "type">> & {
  type: Kind; title: string; options: Loose<Options>; targets: Array<Loose<Query>>;
  fieldConfig: { defaults: Loose<Omit<S.FieldConfig, "custom">> & { custom?: Loose<Field> }; overrides: [] } };
type OfPrometheus = Loose<S.AnnotationQuery> & { expr: string; titleFormat: string };
type Dashboard = Loose<Omit<S.Dashboard, "panels" | "annotations">> & { uid: string; title: string; schemaVersion: number; panels: Array<AnyPanel>;
  annotations: { list: Array<OfPrometheus> } };
"""
KINDS = {"timeseries": "TimeSeries", "stat": "Stat", "piechart": "PieChart", "logs": "Logs"}


def grafana_says(dashboards, folder):
    """What Grafana's own types, of the version that is deployed, have against dashboards: TypeScript's messages, or nothing."""
    types = tools("grafana-schema") / "node_modules"
    package = json.loads((types / "@grafana/schema/package.json").read_text())
    deployed = of_kind("observability/default", "Deployment")["grafana"]["spec"]["template"]["spec"]["containers"][0]["image"]
    assert deployed == f"grafana/grafana:{package['version']}"
    (folder / "node_modules").symlink_to(types)
    lines = ['import type * as S from "@grafana/schema";']
    lines += [f'import type * as {name} from "@grafana/schema/dist/esm/raw/composable/{name.lower()}/panelcfg/x/{name}PanelCfg_types.gen.d.ts";' for name in KINDS.values()]
    fields = {"logs": "never", "stat": "never"}
    of = " | ".join(f'Of<"{kind}", {name}.Options, {fields.get(kind, name + ".FieldConfig")}>' for kind, name in KINDS.items())
    lines += [LOOSE, f"type AnyPanel = {of} | Loose<S.RowPanel>;"]
    lines += [f"export const _{at}: Dashboard = {json.dumps(one)};" for at, one in enumerate(dashboards)]
    (folder / "check.ts").write_text("\n".join(lines))
    done = run(tools("typescript") / "tsc", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "check.ts",
               cwd=folder)
    assert (done.returncode == 0) == (not done.stdout), done
    return done.stdout


def test_dashboards_are_of_the_types_that_grafana_gives_them(tmp_path):
    assert not grafana_says([json.loads(file.read_text()) for file in DASHBOARDS], tmp_path)


@pytest.mark.parametrize("mistake", [
    lambda one: one.update(refersh="30s"), lambda one: one.update(graphTooltip=7), lambda one: one["time"].update(from_="now-1h"),
    lambda one: one["panels"][0]["gridPos"].update(width=3), lambda one: one["panels"][0]["fieldConfig"]["defaults"].update(units="s"),
    lambda one: one["panels"][0]["options"].update(colourMode="value"), lambda one: one["panels"][0]["options"].update(colorMode="colour"),
    lambda one: one["panels"][0].update(type="statistic"), lambda one: one["panels"][0]["targets"][0].update(legend="x"),
    lambda one: one["panels"][0]["targets"][0].update(instant="yes"), lambda one: one["panels"][0].update(title=7)])
def test_a_mistake_in_a_dashboard_is_seen(tmp_path, mistake):
    one = json.loads(next(file for file in DASHBOARDS if file.stem == "orders").read_text())
    mistake(one)
    assert "error TS" in grafana_says([one], tmp_path)


def test_every_query_of_every_dashboard_returns_data(prometheus):
    asked = []
    for name, title, expr in queries():
        if of_the_cluster(expr):
            assert of_the_cluster(expr) <= CLUSTER, expr
            prometheus.query(filled(expr))  # it is well formed
        else:
            asked.append((name, title, expr))
    assert len(asked) > 50
    empty = asked

    def all_have_data():  # a rate is of a series that was scraped twice
        nonlocal empty
        empty = [each for each in empty if not prometheus.query(filled(each[2]))]
        return not empty

    with contextlib.suppress(AssertionError):
        eventually(all_have_data, 15, "every query has data")
    assert not empty, empty


def test_values_are_numbers_that_make_sense(prometheus):
    for name, title, expr in queries():
        for row in [] if of_the_cluster(expr) else prometheus.query(filled(expr)):
            assert row["value"][1] not in ("+Inf", "-Inf"), (name, title, row)
    eventually(lambda: float(prometheus.query('sum(orders_in_status{status="paid"})')[0]["value"][1]) >= 1, 30, "the order is counted as paid")
    assert float(prometheus.query('sum(kafka_events_published_total{status="success",topic="orders"}) or sum(kafka_events_published_total{status="success"})')[0]["value"][1]) > 0
    assert len(prometheus.query("process_resident_memory_bytes")) >= 9
    assert {row["metric"]["grpc_code"] for row in prometheus.query("grpc_calls_total")} >= {"OK"}
    assert float(prometheus.query('min(probe_success{job="probes"})')[0]["value"][1]) == 1


def expressions():
    for file in [RECORDING, *RULES]:
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                yield rule.get("alert") or rule["record"], rule["expr"]


SELECTOR = re.compile(r"\b([a-z_][a-z0-9_:]*)\s*(\{[^}]*\})?(?:\[[^\]]+\])?(?![\w(:])")
WORDS = {"and", "or", "unless", "by", "on", "without", "sum", "max", "min", "count", "avg", "le", "bool", "group_left"}


def selectors(expr):
    """(metric, labels that it is asked by) of an expression; words of grouping are no metrics."""
    plain = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", "", expr)
    for name, braces in SELECTOR.findall(plain):
        if name not in WORDS and not re.fullmatch(r"e|[0-9]+[smhdw]?|[smhd]", name) and ("_" in name or ":" in name or name == "up"):
            yield name, dict((key, (op, value)) for key, op, value in re.findall(r'(\w+)(=~|!~|=|!=)"([^"]*)"', braces or ""))


def test_rules_and_alerts_ask_for_what_is_there(prometheus):
    """Each series by name, with every label that it is asked by, is told by the shop; faults themselves need not have happened."""
    happens_not = {("status", "5.."), ("outcome", "dead_letter"), ("outcome", "failed"), ("outcome", "unknown"),
                   ("grpc_code", "INTERNAL|UNAVAILABLE|UNKNOWN|DEADLINE_EXCEEDED|DATA_LOSS")}
    seen = set()
    for name, expr in expressions():
        for metric, labels in selectors(expr):
            if metric.startswith("kube_"):
                assert metric in CLUSTER, (name, metric)
                continue
            asked = [f'{key}{op}"{value}"' for key, (op, value) in labels.items() if (key, value) not in happens_not]
            asked += [f'{key}=~".+"' for key, (_, value) in labels.items() if (key, value) in happens_not]
            series = f"{metric}{{{','.join(asked)}}}"
            if metric.startswith(("gateway:", "service:", "group:")):
                series = metric
                if re.search(r"_rate(30m|1h|6h|3d)$", metric):
                    continue  # of the same series over longer windows
            if series not in seen:
                eventually(lambda s=series: prometheus.query(s), 20, f"{name} asks for {series}, which nobody tells")
                seen.add(series)
    assert len(seen) > 25, seen


def test_the_handbook_names_each_metric_of_the_shop_and_no_other(prometheus, tmp_path):
    """Of one on engines and of an embedded one, which has others of its store."""
    text = (ROOT / "docs/operations.md").read_text()
    rows = re.findall(r"^\| (`[^|]+`) \|[^|]*\|[^|]*\|$", text[text.index("## Watching"):text.index("## Load")], re.MULTILINE)
    named, before = set(), ""
    for each in re.findall(r"`([^`]+)`", " ".join(rows)):
        # `…_busy`: the one before it with another end.
        before = before.rsplit("_", 1)[0] + each[1:] if each.startswith("…") else each
        named.add(before)
    told = {each["metric"] for each in prometheus.get("/api/v1/targets/metadata", match_target='{job="shop"}')["data"]}
    with Shop(tmp_path / "data") as embedded:
        told |= set(re.findall(r"^# TYPE (\w+) ", embedded.admin().get("/metrics").body.decode(), re.MULTILINE))
    assert named == told, {"not told": named - told, "not named": told - named}


def test_a_well_shop_wakes_nobody(prometheus):
    firing = {row["metric"]["alertname"] for row in prometheus.query('ALERTS{alertstate="firing"}')}
    assert firing == {"Watchdog"}, firing
    loaded = {rule["name"] for group in prometheus.get("/api/v1/rules", type="alert")["data"]["groups"] for rule in group["rules"]}
    assert loaded == set(alerts())


def test_connections_of_the_running_shop_are_those_that_the_policies_allow(shop, prometheus):
    """Read from the kernel: who of the nine is connected to whom, and to which engine."""
    from wiring import edges, stores
    by_address = {each.address: each.target for each in shop.local.processes}
    engines = {int(os.environ[f"STOA_TEST_{name.upper()}"].rsplit(":", 1)[1].split("/")[0]): name for name in ("postgres", "kafka", "dynamodb", "s3")}
    seen, opened = set(), set()
    for each in shop.local.processes:
        sockets = set()
        for fd in os.scandir(f"/proc/{each.child.pid}/fd"):
            try:
                sockets.update(re.findall(r"^socket:\[(\d+)\]$", os.readlink(fd.path)))
            except FileNotFoundError:
                pass
        for line in [*open("/proc/net/tcp").readlines()[1:], *open("/proc/net/tcp6").readlines()[1:]]:
            words = line.split()
            if words[9] not in sockets or words[3] != "01":
                continue
            place, port = words[2].split(":")
            place = place[-8:]  # of an address of the old kind in the new one's clothes, its own part
            address, port = ".".join(str(int(place[i:i + 2], 16)) for i in (6, 4, 2, 0)), int(port, 16)
            if address in by_address and words[1].split(":")[1] != f"{port:04X}":
                if port in {8080, 8001, 8003, 8004, 8005, 8006, 8007, 8008} | set(range(50051, 50059)):
                    seen.add((each.target, by_address[address], port))
            elif port in engines:
                opened.add((each.target, engines[port]))
    assert seen <= edges(), f"a connection that no policy allows: {seen - edges()}"
    assert {("gateway", "order", 8003), ("order", "product", 50052), ("order", "user", 50051)} <= seen, seen
    means = {"postgres": "sql", "kafka": "event_log", "dynamodb": "key_value", "s3": "blob"}
    # A target with items has an outbox, and so does the log's engine keep its parked keys in them.
    assert all(means[engine] in stores()[target] for target, engine in opened), opened
    assert {("user", "postgres"), ("order", "dynamodb"), ("order", "kafka")} <= opened, opened
