#!/usr/bin/env python3
"""The same rules and targets for clusters whose Prometheus is the operator's: writes deploy/kubernetes/operator/*.yaml. `--check` fails
where those are not what this would write. Needs PyYAML."""

import pathlib
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "kubernetes/operator"
NOTE = "# Written by deploy/observability/for_operator.py.\n"


def rules():
    for file in [HERE / "prometheus/recording.yaml", *sorted((HERE / "prometheus").glob("alerts-*.yaml"))]:
        yield {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
               "metadata": {"name": f"stoa-{file.stem}", "namespace": "monitoring", "labels": {"app.kubernetes.io/part-of": "stoa-observability"}},
               "spec": yaml.safe_load(file.read_text())}


def targets():
    yield {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor",
           "metadata": {"name": "shop", "namespace": "monitoring", "labels": {"app.kubernetes.io/part-of": "stoa-observability"}},
           "spec": {"namespaceSelector": {"matchNames": ["ecommerce"]}, "selector": {"matchLabels": {"app.kubernetes.io/part-of": "stoa"}},
                    "jobLabel": "app.kubernetes.io/part-of",
                    "podMetricsEndpoints": [{"port": "metrics", "path": "/metrics", "interval": "15s", "relabelings": [
                        {"targetLabel": "job", "replacement": "shop"},
                        {"sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_name"], "targetLabel": "service"}]}]}}
    yield {"apiVersion": "monitoring.coreos.com/v1", "kind": "Probe",
           "metadata": {"name": "shop", "namespace": "monitoring", "labels": {"app.kubernetes.io/part-of": "stoa-observability"}},
           "spec": {"jobName": "probes", "interval": "15s", "module": "http_2xx", "prober": {"url": "blackbox-exporter:9115"},
                    "targets": {"staticConfig": {"static": ["http://api-gateway.ecommerce.svc/health",
                                                            "http://api-gateway.ecommerce.svc/api/v1/products?limit=1"]}}}}


def main():
    files = {"rules.yaml": NOTE + "---\n".join(yaml.safe_dump(each, sort_keys=False, width=130) for each in rules()),
             "targets.yaml": NOTE + "---\n".join(yaml.safe_dump(each, sort_keys=False, width=130) for each in targets()),
             "kustomization.yaml": "# For a cluster with the Prometheus operator: add it to an observability overlay's resources.\n"
             "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [rules.yaml, targets.yaml]\n"}
    wrong = [name for name, text in files.items() if not (OUT / name).exists() or (OUT / name).read_text() != text]
    if "--check" in sys.argv:
        if wrong:
            sys.exit(f"not as for_operator.py writes them: {', '.join(wrong)}")
        return
    OUT.mkdir(exist_ok=True)
    for name, text in files.items():
        (OUT / name).write_text(text)


if __name__ == "__main__":
    main()
