#!/usr/bin/env python3
"""The dashboards as code: writes dashboards/*.json beside this file. `--check` fails where those are not what this would write.

Each query is tried on a Prometheus that scrapes a shop (tests/deploy/test_dashboards.py): a panel that shows nothing there is a
mistake. Standard library only."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
LOKI = {"type": "loki", "uid": "loki"}
WIDTH = 24


def panel(title, *queries, unit="short", kind="timeseries", width=8, height=8, source=PROMETHEUS, about="", stack=False, most=None):
    """A query is its expression, or that and its legend."""
    targets = []
    for at, query in enumerate(queries):
        expr, legend = query if isinstance(query, tuple) else (query, "__auto")
        targets.append({"refId": chr(ord("A") + at), "datasource": source, "expr": expr, "legendFormat": legend,
                        **({"instant": True, "range": False} if kind in ("stat", "table") else {"range": True})})
    defaults = {"unit": unit, "min": 0, **({"max": most} if most is not None else {})}
    if kind == "timeseries":
        defaults["custom"] = {"lineWidth": 1, "fillOpacity": 20 if stack else 0, "showPoints": "never",
                              "stacking": {"mode": "normal" if stack else "none"}}
    options = {"timeseries": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}},
               "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"},
               "piechart": {"reduceOptions": {"calcs": ["lastNotNull"]}, "legend": {"displayMode": "list", "placement": "right"}},
               "logs": {"showTime": True, "wrapLogMessage": True, "sortOrder": "Descending", "enableLogDetails": True},
               "table": {}}[kind]
    if kind == "logs":
        defaults = {}
    return {"title": title, "type": kind, "datasource": source, "description": about, "targets": targets,
            "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options, "gridPos": {"w": width, "h": height}}


def row(title):
    return {"title": title, "type": "row", "collapsed": False, "panels": [], "gridPos": {"w": WIDTH, "h": 1}}


def lay_out(panels):
    x = y = tallest = 0
    for number, each in enumerate(panels, 1):
        at = each["gridPos"]
        if x + at["w"] > WIDTH or each["type"] == "row":
            x, y, tallest = 0, y + tallest, 0
        at["x"], at["y"] = x, y
        x, tallest = x + at["w"], max(tallest, at["h"])
        each["id"] = number
    return panels


def variable(name, expr, source=PROMETHEUS, every=True):
    return {"name": name, "type": "query", "datasource": source, "query": expr, "refresh": 2, "includeAll": every, "multi": every,
            "allValue": ".+" if every else None, "sort": 1, "current": {"text": "All", "value": "$__all"} if every else {}}


def dashboard(uid, title, panels, variables=(), tags=()):
    return {"uid": uid, "title": title, "tags": ["stoa", *tags], "schemaVersion": 39, "version": 1, "editable": False,
            "timezone": "browser", "refresh": "30s", "time": {"from": "now-1h", "to": "now"}, "graphTooltip": 1,
            "templating": {"list": list(variables)}, "annotations": {"list": [
                {"name": "Alerts that fire", "datasource": PROMETHEUS, "enable": True, "iconColor": "red",
                 "expr": 'ALERTS{alertstate="firing",alertname!="Watchdog"}', "titleFormat": "{{alertname}} {{service}}"}]},
            "panels": lay_out(panels)}


GATEWAY = 'service="api-gateway"'
CHOSEN = 'service=~"$service"'

REQUESTS = dashboard("gateway", "Requests", [
    panel("Requests a second", f"sum(rate(http_requests_total{{{GATEWAY}}}[5m]))", kind="stat", unit="reqps", width=6, height=4),
    panel("Not answered with 2xx or 3xx", f'sum(rate(http_requests_total{{{GATEWAY},status!~"[23].."}}[5m]) or vector(0)) / sum(rate(http_requests_total{{{GATEWAY}}}[5m]))',
          kind="stat", unit="percentunit", width=6, height=4, about="Faults of clients and of the shop together"),
    panel("95th percentile", f"histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{{{GATEWAY}}}[5m])))",
          kind="stat", unit="s", width=6, height=4),
    panel("Error budget left of 30 days", "1 - sum(increase(http_requests_total{service=\"api-gateway\",status=~\"5..\"}[30d]) or vector(0)) / (0.001 * sum(increase(http_requests_total{service=\"api-gateway\"}[30d])))",
          kind="stat", unit="percentunit", width=6, height=4, about="Of 99.9 % answered without a fault of the shop"),
    panel("Requests by route", (f"topk(12, sum by (method, route) (rate(http_requests_total{{{GATEWAY}}}[5m])))", "{{method}} {{route}}"), unit="reqps", width=12),
    panel("Answers by status", (f"sum by (status) (rate(http_requests_total{{{GATEWAY}}}[5m]))", "{{status}}"), unit="reqps", stack=True, width=12),
    panel("How long it takes", (f"histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket{{{GATEWAY}}}[5m])))", "half"),
          (f"histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{{{GATEWAY}}}[5m])))", "95 %"),
          (f"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{{{GATEWAY}}}[5m])))", "99 %"), unit="s", width=12),
    panel("Slowest routes, 95th percentile", (f"topk(8, histogram_quantile(0.95, sum by (le, method, route) (rate(http_request_duration_seconds_bucket{{{GATEWAY}}}[5m]))) > 0)", "{{method}} {{route}}"), unit="s", width=12),
    panel("CPU of the gateway", (f"rate(process_cpu_seconds_total{{{GATEWAY}}}[5m])", "{{pod}}"), unit="cores"),
    panel("Memory of the gateway", (f"process_resident_memory_bytes{{{GATEWAY}}}", "{{pod}}"), unit="bytes"),
    panel("Connections", (f"http_connections{{{GATEWAY}}}", "{{pod}}")),
    panel("Consumer lag", ("sum by (group) (max by (group, topic) (consumer_lag))", "{{group}}"), width=12),
    panel("CPU of the nodes", ('1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))', "{{instance}}"), unit="percentunit", most=1, width=12),
])

SERVICES = dashboard("service-metrics", "Service Metrics", [
    row("By HTTP"),
    panel("Requests", (f"sum by (service) (rate(http_requests_total{{{CHOSEN}}}[5m]))", "{{service}}"), unit="reqps"),
    panel("Faults", (f"service:http_errors:ratio_rate5m{{{CHOSEN}}}", "{{service}}"), unit="percentunit", about="Answers with 5xx by all"),
    panel("95th percentile", (f"histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket{{{CHOSEN}}}[5m])))", "{{service}}"), unit="s"),
    row("By gRPC"),
    panel("Calls", (f"sum by (service) (rate(grpc_calls_total{{{CHOSEN}}}[5m]))", "{{service}}"), unit="reqps"),
    panel("Answers by code", (f"sum by (grpc_code) (rate(grpc_calls_total{{{CHOSEN}}}[5m]))", "{{grpc_code}}"), unit="reqps", stack=True),
    panel("95th percentile by method", (f"topk(8, histogram_quantile(0.95, sum by (grpc_method, le) (rate(grpc_server_handling_seconds_bucket{{{CHOSEN}}}[5m]))) > 0)", "{{grpc_method}}"), unit="s"),
    row("Processes"),
    panel("Replicas that answer", (f'sum by (service) (up{{job="shop",{CHOSEN}}})', "{{service}}")),
    panel("CPU", (f"sum by (service) (rate(process_cpu_seconds_total{{{CHOSEN}}}[5m]))", "{{service}}"), unit="cores"),
    panel("Memory", (f"max by (service) (process_resident_memory_bytes{{{CHOSEN}}})", "{{service}}"), unit="bytes"),
    panel("Open files", (f"max by (service) (process_open_fds{{{CHOSEN}}} / process_max_fds)", "{{service}}"), unit="percentunit"),
    panel("Turned away", (f"sum by (service) (rate(http_requests_shed_total{{{CHOSEN}}}[5m]))", "{{service}}"), unit="reqps"),
    panel("Running since", (f"min by (service) (time() - process_start_time_seconds{{{CHOSEN}}})", "{{service}}"), unit="s"),
    panel("Versions", (f"count by (version) (stoa_build_info{{{CHOSEN}}})", "{{version}}"), width=24, height=5),
], [variable("service", 'label_values(up{job="shop"}, service)')])

# orders_in_status is of the whole shop, whichever replica tells it.
ORDERS = dashboard("orders-dashboard", "Orders and money", [
    panel("Orders a minute", "60 * sum(rate(orders_created_total[5m]))", kind="stat", width=6, height=4),
    panel("Payments captured a minute", '60 * sum(rate(payments_total{outcome="captured"}[5m]))', kind="stat", width=6, height=4),
    panel("Dead letters that wait", "sum(max by (group) (dead_letters))", kind="stat", width=6, height=4, about="Until they are redriven or given up"),
    panel("Oldest event on its way to the log", "max(outbox_oldest_event_seconds)", kind="stat", unit="s", width=6, height=4),
    panel("Orders by status", ("max by (status) (orders_in_status)", "{{status}}"), width=12),
    panel("Orders by status, now", ("max by (status) (orders_in_status) > 0", "{{status}}"), kind="piechart", width=12),
    panel("From POST to taken", ("histogram_quantile(0.5, sum by (le) (rate(order_latency_seconds_bucket[5m])))", "half"),
          ("histogram_quantile(0.95, sum by (le) (rate(order_latency_seconds_bucket[5m])))", "95 %"), unit="s", width=12),
    panel("Payments by outcome", ("sum by (outcome) (rate(payments_total[5m]))", "{{outcome}}"), unit="ops", stack=True, width=12),
    panel("Orders refused", ('sum by (status) (rate(http_requests_total{service="order-service",method="POST",status=~"4.."}[5m]) or vector(0))', "{{status}}"), unit="ops",
          about="Sold out, another price, a key used twice"),
    panel("Events applied", ('sum by (group) (rate(events_consumed_total{outcome="applied"}[5m]))', "{{group}}"), unit="ops"),
    panel("Events tried again or given up", ('sum by (group, outcome) (rate(events_consumed_total{outcome!="applied"}[5m]))', "{{group}} {{outcome}}"), unit="ops"),
    panel("Dead letters that wait, by group", ("max by (group) (dead_letters)", "{{group}}")),
    panel("From an event to the end of its effect, 95th percentile", ("group:event_delay:p95_5m", "{{group}}"), unit="s", width=12),
    panel("Messages to customers", ("sum by (outcome) (rate(notifications_total[5m]))", "{{outcome}}"), unit="ops", stack=True, width=12),
])

KAFKA = dashboard("kafka-metrics", "Kafka Metrics", [
    row("The log"),
    panel("Events published", ('sum by (topic) (rate(kafka_events_published_total{status="success"}[5m]))', "{{topic}}"), unit="ops", width=12),
    panel("Events that Kafka did not take", ('sum by (topic) (rate(kafka_events_published_total{status="error"}[5m]))', "{{topic}}"), unit="ops", width=12),
    panel("Consumer lag", ("max by (group, topic) (consumer_lag)", "{{group}} {{topic}}"), width=12),
    panel("Oldest event that waits in an outbox", ("max by (service) (outbox_oldest_event_seconds)", "{{service}}"), unit="s", width=12),
    row("PostgreSQL"),
    panel("Connections at work", ("sum by (service) (postgres_connections_busy)", "{{service}}")),
    panel("Connections that stand", ("sum by (service) (postgres_connections_open)", "{{service}}")),
    panel("Work that waits", ("max by (service) (storage_queue_depth)", "{{service}}")),
    panel("Transactions run again", ("sum by (service) (rate(postgres_conflicts[5m]))", "{{service}}"), unit="ops", width=24, height=6),
])

ANALYTICS = dashboard("analytics-jobs", "Analytics jobs", [
    panel("Events windowed", ('sum by (topic) (rate(analytics_events_total{outcome="windowed"}[5m]))', "{{topic}}"), unit="ops"),
    panel("Events too late", ('sum by (topic) (increase(analytics_events_total{outcome="late"}[1h]))', "{{topic}}")),
    panel("Events that cannot be read", ('sum by (topic) (increase(analytics_events_total{outcome="bad"}[1h]))', "{{topic}}")),
    panel("Results put out", ("sum by (topic) (rate(analytics_results_total[5m]))", "{{topic}}"), unit="ops"),
    panel("Activity taken", ('sum(rate(http_requests_total{service="activity-service",status="202"}[5m]))', "events and batches"), unit="reqps"),
    panel("CPU", ('rate(process_cpu_seconds_total{service="analytics-service"}[5m])', "{{pod}}"), unit="cores"),
])

CLUSTER = dashboard("cluster-health", "Cluster Health", [
    row("The shop's Deployments"),
    panel("Replicas available", ('kube_deployment_status_replicas_available{namespace="ecommerce"}', "{{deployment}}"), width=12),
    panel("Replicas missing", ('kube_deployment_spec_replicas{namespace="ecommerce"} - kube_deployment_status_replicas_available', "{{deployment}}"), width=12),
    panel("Autoscalers", ('kube_horizontalpodautoscaler_status_current_replicas{namespace="ecommerce"}', "{{horizontalpodautoscaler}} has"),
          ('kube_horizontalpodautoscaler_spec_max_replicas{namespace="ecommerce"}', "{{horizontalpodautoscaler}} at most"), width=12),
    panel("Disruptions allowed", ('kube_poddisruptionbudget_status_pod_disruptions_allowed{namespace="ecommerce"}', "{{poddisruptionbudget}}"), width=12),
    panel("Pods by phase", ('sum by (phase) (kube_pod_status_phase{namespace="ecommerce"})', "{{phase}}")),
    panel("CPU asked for", ('sum by (pod) (kube_pod_container_resource_requests{namespace="ecommerce",resource="cpu"})', "{{pod}}"), unit="cores", stack=True),
    panel("Memory asked for", ('sum by (pod) (kube_pod_container_resource_requests{namespace="ecommerce",resource="memory"})', "{{pod}}"), unit="bytes", stack=True),
    panel("Since the last audit that ended well", ('time() - kube_cronjob_status_last_successful_time{namespace="ecommerce",cronjob="audit"} or vector(0)', "audit"), unit="s"),
    panel("Jobs that failed", ('sum by (job_name) (kube_job_status_failed{namespace="ecommerce"})', "{{job_name}}")),
    panel("Nodes that are ready", ('sum(kube_node_status_condition{condition="Ready",status="true"})', "ready")),
    row("Nodes"),
    panel("CPU", ('1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))', "{{instance}}"), unit="percentunit", most=1),
    panel("Memory", ("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "{{instance}}"), unit="percentunit", most=1),
    panel("Disk", ('1 - node_filesystem_avail_bytes{mountpoint="/"} / node_filesystem_size_bytes{mountpoint="/"}', "{{instance}}"), unit="percentunit", most=1),
    panel("Answers to probes", ('probe_success{job=~"probes|public"}', "{{instance}}"), most=1,
          about="Within the cluster, and at the public address where an overlay names one"),
    panel("How long those take", ('probe_duration_seconds{job=~"probes|public"}', "{{instance}}"), unit="s"),
    panel("Until a certificate expires", ('min by (instance) (probe_ssl_earliest_cert_expiry{job="public"}) - time()', "{{instance}}"), unit="s"),
], tags=["kubernetes"])

LOGS = dashboard("service-logs", "Logs per service", [
    panel("Lines by level", ('sum by (level) (count_over_time({namespace="ecommerce", service=~"$service"} [$__auto]))', "{{level}}"), source=LOKI, stack=True, width=12),
    panel("Errors by service", ('sum by (service) (count_over_time({namespace="ecommerce", service=~"$service", level="error"} [$__auto]))', "{{service}}"), source=LOKI, stack=True, width=12),
    panel("Lines", '{namespace="ecommerce", service=~"$service"} | json | line_format "{{.event}} {{.message}}"', kind="logs", source=LOKI, width=24, height=18),
    panel("Of one trace", '{namespace="ecommerce", service=~"$service"} |= "$trace"', kind="logs", source=LOKI, width=24, height=10),
], [variable("service", "label_values(service)", LOKI), {"name": "trace", "type": "textbox", "query": "", "current": {"text": "", "value": ""}}])

ALL = {"grafana-dashboard-rps": REQUESTS, "service-metrics": SERVICES, "orders": ORDERS, "kafka": KAFKA, "analytics-jobs": ANALYTICS,
       "cluster-health": CLUSTER, "service-logs": LOGS}


def main():
    wrong = []
    for name, made in ALL.items():
        path = HERE / "dashboards" / f"{name}.json"
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                wrong.append(path.name)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    if wrong:
        sys.exit(f"not as dashboards.py writes them: {', '.join(wrong)}; run {pathlib.Path(__file__).name}")


if __name__ == "__main__":
    main()
