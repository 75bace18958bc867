"""The shop as nine processes on the engines that `./dev test deploy` has started, with some shopping done; and the programs that
watch it."""

import contextlib
import http.server
import itertools
import json
import os
import pathlib
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

from delivery import ROOT, tools
from wiring import SERVICES

sys.path.insert(0, str(ROOT / "tests/engines"))

from engines import free_port  # noqa: E402
from local_shop import end_with_parent  # noqa: E402
from shop import ADDRESS, eventually  # noqa: E402
from test_shop import Places  # noqa: E402
from topology import Topology  # noqa: E402

networks = itertools.count(90)


@contextlib.contextmanager
def running_shop(folder, **settings):
    """Tracing is on, to an address where nobody listens."""
    place = Places(folder, "deploy", "dynamodb")
    place.settings.pop("kafka_group_instance_id")
    shared = {**place.settings, "rate_login_burst": 0, "rate_principal_burst": 0, "otlp_endpoint": f"http://127.0.0.1:{free_port()}",
              "access_log": "all", **settings}
    with Topology(folder / "shop", shared, network=next(networks), replicas={}) as shop:
        yield shop


@contextlib.contextmanager
def program(folder, name, *words, env=None):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.log", "wb") as log:
        child = subprocess.Popen([str(word) for word in words], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder, env={**os.environ, **(env or {})},
                                 preexec_fn=end_with_parent)
    try:
        yield child
        assert child.poll() is None, f"{name} ended by itself: {(folder / f'{name}.log').read_text()[-2000:]}"
    finally:
        child.terminate()
        child.wait(20)


@contextlib.contextmanager
def public_address(folder, days, tls=True):
    """An address as a balancer has it: its url, and the file of the authority that signed its certificate, which holds for `days`."""
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=folder)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", 9999, "-subj", "/CN=authority")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "shop.key", "-out", "shop.csr", "-subj", "/CN=shop")
    (folder / "names.cnf").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "shop.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", days, "-extfile", "names.cnf",
            "-out", "shop.crt")

    class Answer(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "shop.crt", folder / "shop.key")
        # A handshake belongs to its connection's thread: one that is refused stops nobody else's.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/health", folder / "ca.crt"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def probing_of(job, probes, targets, folder):
    """The job as it is delivered, with targets and a blackbox exporter of this machine."""
    import yaml
    file = "kubernetes/components/public-address/public.yaml" if job == "public" else "observability/prometheus/prometheus.yaml"
    one = next(each for each in yaml.safe_load((ROOT / "deploy" / file).read_text())["scrape_configs"] if each["job_name"] == job)
    if job == "public":
        (folder / "public.json").write_text(json.dumps([{"targets": targets}] if targets else []))
        one["file_sd_configs"][0]["files"] = [str(folder / "public.json")]
        one["scrape_interval"] = "1s"
    else:
        one["static_configs"][0]["targets"] = targets(one["static_configs"][0]["targets"])
    one["relabel_configs"][-1]["replacement"] = f"127.0.0.1:{probes}"
    return one


class Prometheus:
    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}"

    def get(self, path, **query):
        with urllib.request.urlopen(f"{self.base}{path}?{urllib.parse.urlencode(query)}", timeout=20) as got:
            return json.load(got)

    def query(self, expr):
        try:
            return self.get("/api/v1/query", query=expr)["data"]["result"]
        except urllib.error.HTTPError as no:
            raise AssertionError(f"{expr}: {no.read().decode()}") from None

    def ready(self):
        try:
            return self.get("/api/v1/targets")["status"] == "success"
        except OSError:
            return False


def targets_of(shop):
    """As Kubernetes would find them by annotations: one a process, with the labels that the relabelling gives."""
    return [{"targets": [f"{each.address}:9090"],
             "labels": {"namespace": "ecommerce", "pod": each.name, "service": SERVICES[each.target]}} for each in shop.local.processes]


def alertmanager_words(folder, port, *more, to="http://127.0.0.1:9/"):
    """Alertmanager with the project's own configuration and a pod's flags; messages go to the address `to` and a receiver's name."""
    import yaml
    folder.mkdir(parents=True, exist_ok=True)
    text = (ROOT / "deploy/observability/alertmanager/alertmanager.yaml").read_text()
    for name in ("pager", "tickets", "heartbeat"):
        (folder / f"{name}-url").write_text(f"{to}{name}")
    (folder / "alertmanager.yaml").write_text(text.replace("/run/secrets/alertmanager/", f"{folder}/"))
    (pod,) = [each for each in yaml.safe_load_all((ROOT / "deploy/kubernetes/base/observability/alertmanager.yaml").read_text()) if each["kind"] != "Service"]
    flags = [each for each in pod["spec"]["template"]["spec"]["containers"][0]["args"] if not each.startswith(("--config.", "--storage.", "--cluster."))]
    assert flags, "what its metrics are called by"
    return [tools("alertmanager") / "alertmanager", f"--config.file={folder}/alertmanager.yaml", f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", *flags, *more]


@contextlib.contextmanager
def watched(folder, shop):
    """A Prometheus with the project's rules, which scrapes the shop, the node, the probes and what watches every second."""
    import yaml
    folder = pathlib.Path(folder)
    node, probes, web, alerts = free_port(), free_port(), free_port(), free_port()
    blackbox = ROOT / "deploy/observability/probes/blackbox.yaml"
    with contextlib.ExitStack() as all_of_them:
        start = lambda name, *words, **more: all_of_them.enter_context(program(folder, name, *words, **more))  # noqa: E731
        public, authority = all_of_them.enter_context(public_address(folder / "public", days=60))
        start("node", "/usr/bin/prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{node}")
        start("blackbox", "/usr/bin/prometheus-blackbox-exporter", f"--config.file={blackbox}", f"--web.listen-address=127.0.0.1:{probes}",
              env={"SSL_CERT_FILE": str(authority)})
        start("alertmanager", *alertmanager_words(folder / "alertmanager", alerts, "--cluster.listen-address="))
        within = lambda some: [each.replace("http://api-gateway.ecommerce.svc", f"http://127.0.0.1:{shop.port}") for each in some]  # noqa: E731
        probing = [probing_of("probes", probes, within, folder), probing_of("public", probes, [public], folder)]
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                  "rule_files": [str(ROOT / "deploy/observability/prometheus" / name) for name in ("recording.yaml", "alerts-*.yaml")],
                  "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alerts}"]}]}]},
                  "scrape_configs": [{"job_name": "shop", "static_configs": targets_of(shop)}, *probing,
                                     {"job_name": "prometheus", "static_configs": [{"targets": [f"127.0.0.1:{web}"]}]},
                                     {"job_name": "kubernetes-pods", "static_configs": [{"targets": [f"127.0.0.1:{alerts}"], "labels": {"service": "alertmanager"}}]},
                                     {"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{node}"]}]}]}
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        start("prometheus", tools("prometheus") / "prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data",
              f"--web.listen-address=127.0.0.1:{web}")
        one = Prometheus(web)
        eventually(one.ready, 30, "Prometheus answers")
        yield one


def go_shopping(shop, orders=6):
    """Orders that are paid, declined, refused and cancelled, and some looking about; until everything has had its effect."""
    operator = shop.operator()
    product = operator.post("/api/v1/products", {"name": "Mug", "price": 12.5, "stock": 100}).json["id"]
    customer = shop.customer("one@example.com")
    placed = []
    for at in range(orders):
        got = customer.post("/api/v1/orders", {"items": [{"product_id": product, "quantity": 1}], "shipping_address": ADDRESS,
                                               "payment_method": "tok_declined" if at == 1 else "credit_card"},
                            headers={"Idempotency-Key": f"k-{at}"})
        assert got.status == 201, got
        placed.append(got.json["id"])
    assert customer.post("/api/v1/orders", {"items": [{"product_id": product, "quantity": 1000}], "shipping_address": ADDRESS},
                         headers={"Idempotency-Key": "too many"}).status == 409
    for at in range(30):
        assert customer.get(f"/api/v1/products/{product}").status == 200
        event = {"event_type": "VIEW_PRODUCT", "product_id": product, "user_id": f"u-{at}", "metadata": {"session_id": "s"},
                 "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        assert customer.post("/api/v1/events", event).status == 202
    eventually(lambda: customer.get(f"/api/v1/orders/{placed[0]}").json["status"] == "paid", 60, "the first is paid")
    eventually(lambda: customer.get(f"/api/v1/orders/{placed[1]}").json["status"] == "payment_failed", 60, "the second is declined")
    assert customer.put(f"/api/v1/orders/{placed[1]}/cancel").status in (200, 202)
    return customer, product
