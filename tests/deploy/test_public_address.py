"""The probe of the shop's public address: the job and the module as they are delivered, by the real exporter and a real Prometheus, of an
address with a certificate."""

import contextlib
import re
import time

import pytest
import yaml

from delivery import ROOT, must, objects, of_kind, tools
from shop_fixture import Prometheus, eventually, free_port, probing_of, program, public_address
from test_alerts import alerts

ADDRESSES = {"observability/dev": "https://dev.shop.example/health", "observability/prod": "https://shop.example/health",
             "observability/prod-gke": "https://shop.example/health"}


@contextlib.contextmanager
def probed(folder, targets, authority):
    probes, web = free_port(), free_port()
    config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "scrape_configs": [probing_of("public", probes, targets, folder)]}
    config["scrape_configs"].append({"job_name": "prometheus", "static_configs": [{"targets": [f"127.0.0.1:{web}"]}]})
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    with program(folder, "blackbox", "/usr/bin/prometheus-blackbox-exporter", f"--config.file={ROOT / 'deploy/observability/probes/blackbox.yaml'}",
                 f"--web.listen-address=127.0.0.1:{probes}", env={"SSL_CERT_FILE": str(authority)}), \
            program(folder, "prometheus", tools("prometheus") / "prometheus", f"--config.file={folder}/prometheus.yaml",
                    f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{web}"):
        one = Prometheus(web)
        eventually(one.ready, 30, "Prometheus answers")
        yield one


def asked(name):
    return alerts()[name]["expr"]


@pytest.mark.parametrize("days, expires", [(10, True), (60, False)])
def test_a_certificate_is_told_of_before_it_expires(tmp_path, days, expires):
    with public_address(tmp_path / "public", days) as (url, authority), probed(tmp_path, [url], authority) as prometheus:
        eventually(lambda: prometheus.query('probe_success{job="public"} == 1'), 30, "the address answers")
        (told,) = prometheus.query('probe_ssl_earliest_cert_expiry{job="public"}')
        assert told["metric"]["instance"] == url and abs(float(told["value"][1]) - time.time() - days * 86400) < 600
        assert [each["metric"] for each in prometheus.query(asked("CertificateExpires"))] == ([{"instance": url}] if expires else [])
        assert not prometheus.query(asked("PublicAddressAway"))


@pytest.mark.parametrize("wrong", ["expired", "of another authority", "no TLS"])
def test_what_browsers_refuse_is_away(tmp_path, wrong):
    with public_address(tmp_path / "public", -1 if wrong == "expired" else 60, tls=wrong != "no TLS") as (url, authority), \
            public_address(tmp_path / "other", 60) as (_, another), \
            probed(tmp_path, [url], another if wrong == "of another authority" else authority) as prometheus:
        eventually(lambda: prometheus.query(asked("PublicAddressAway")), 30, f"{wrong}: it is a failure")
        assert not prometheus.query('probe_success{job="public"} == 1')
        assert not prometheus.query(asked("CertificateExpires")), "its series is not there"


def test_a_job_without_an_address_is_seen(tmp_path):
    """By Prometheus' own count of what it found, whose name and labels MetricsMissing asks for."""
    missing = re.search(r"count\(prometheus_sd_discovered_targets\{[^}]*\}\) unless on \(\) probe_success\{[^}]*\}", asked("MetricsMissing"))[0]
    with public_address(tmp_path / "public", 60) as (url, authority), probed(tmp_path, [], authority) as prometheus:
        eventually(lambda: prometheus.query(missing), 30, "nothing is probed")
        (tmp_path / "public.json").write_text(f'[{{"targets": ["{url}"]}}]')
        eventually(lambda: prometheus.query('probe_success{job="public"} == 1') and not prometheus.query(missing), 30, "it is probed")


@pytest.mark.parametrize("overlay", ADDRESSES)
def test_an_overlay_gives_prometheus_its_address(overlay, tmp_path):
    spec = of_kind(overlay, "Deployment")["prometheus"]["spec"]["template"]["spec"]
    (volume,) = [each for each in spec["volumes"] if each["name"] == "public"]
    (mount,) = [each for each in spec["containers"][0]["volumeMounts"] if each["name"] == "public"]
    config = next(each["data"] for name, each in of_kind(overlay, "ConfigMap").items() if name.startswith("prometheus-config-"))["prometheus.yaml"]
    assert f"scrape_config_files: [{mount['mountPath']}/*.yaml]" in config
    for name, text in of_kind(overlay, "ConfigMap")[volume["configMap"]["name"]]["data"].items():
        (tmp_path / name).write_text(text.replace(mount["mountPath"], str(tmp_path)))
    assert yaml.safe_load((tmp_path / "public.json").read_text()) == [{"targets": [ADDRESSES[overlay]]}]
    (tmp_path / "whole.yml").write_text(f"scrape_config_files: [{tmp_path}/*.yaml]\n")
    must(tools("prometheus") / "promtool", "check", "config", "--lint=all", tmp_path / "whole.yml")


@pytest.mark.parametrize("overlay", ["observability/default", "observability/efk"])
def test_where_there_is_no_such_address_nothing_is_asked(overlay):
    assert not [each for each in objects(overlay) if "public" in each["metadata"]["name"]]
