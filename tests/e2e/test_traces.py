"""OTLP/HTTP traces from outside: what a collector receives, and that a shop never waits for one."""

import http.server
import json
import re
import threading
import time
import uuid

import pytest

from shop import ADDRESS, Shop, eventually

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
KEPT = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
SERVER, CONSUMER = 2, 5


class Collector:
    """An OTLP/HTTP sink on a free loopback port. `answers` are the statuses of the first requests; then 200."""

    def __init__(self, answers=()):
        self.answers, self.spans, self.resources, self.requests = list(answers), [], [], []
        self.lock = threading.Lock()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector.take(self.path, self.headers["Content-Type"], body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, content_type, body):
        with self.lock:
            self.requests.append((path, content_type, body))
            status = self.answers.pop(0) if self.answers else 200
            if status == 200:
                for resource in json.loads(body)["resourceSpans"]:
                    self.resources.append(resource["resource"])
                    for scope in resource["scopeSpans"]:
                        self.spans += scope["spans"]
            return status

    def of_trace(self, trace=TRACE):
        with self.lock:
            return [span for span in self.spans if span["traceId"] == trace]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def attributes(span):
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


def metric(shop, name):
    text = shop.admin().get("/metrics").body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def add_product(shop):
    got = shop.operator().post("/api/v1/products", {"name": "Thing", "price": 12.5, "stock": 1000})
    assert got.status == 201, got
    return got.json


def place(client, product, headers, payment_method="credit_card"):
    method = {"payment_method": payment_method} if payment_method else {}
    got = client.post("/api/v1/orders",
                      {"items": [{"product_id": product["id"], "quantity": 1}], "shipping_address": ADDRESS, **method},
                      headers={"Idempotency-Key": str(uuid.uuid4()), **headers})
    assert got.status == 201, got
    return got.json


def paid(client, order):
    return eventually(lambda: client.get(f"/api/v1/orders/{order['id']}", headers={
        "traceparent": f"00-{uuid.uuid4().hex}-{CALLER}-00"}).json["status"] == "paid", what="the order paid")


@pytest.fixture
def quiet(monkeypatch):
    """No setting of the machine's own decides what these tests see."""
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER_ARG", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_an_order_is_one_trace_from_the_request_to_its_last_consumer(tmp_path, quiet):
    quiet.setenv("OTEL_SERVICE_NAME", "corner shop")
    with Collector() as collector:
        quiet.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with Shop(tmp_path / "data", "--trace-ratio", "0") as shop:
            product, customer = add_product(shop), shop.customer()
            order = place(customer, product, KEPT)
            paid(customer, order)
            wanted = {"CreateOrder", "process payment.requested", "process payment.succeeded", "process order.created",
                      "process order.paid"}
            eventually(lambda: wanted <= {span["name"] for span in collector.of_trace()}, what="the whole saga's spans")

        spans = collector.of_trace()
        by_id = {span["spanId"]: span for span in spans}
        assert len(by_id) == len(spans), "every span has an id of its own and comes once"
        request = next(span for span in spans if span["name"] == "CreateOrder")
        assert request["kind"] == SERVER and request["parentSpanId"] == CALLER and request["status"] == {}
        assert attributes(request) == {"http.request.method": "POST", "http.route": "/api/v1/orders",
                                       "http.response.status_code": "201"}
        took_ns = int(request["endTimeUnixNano"]) - int(request["startTimeUnixNano"])
        assert 0 < took_ns < 30e9 and abs(int(request["startTimeUnixNano"]) / 1e9 - time.time()) < 300
        consumers = [span for span in spans if span is not request]
        for span in consumers:
            assert span["kind"] == CONSUMER and span["status"] == {}, span
            assert span["parentSpanId"] in by_id, "each stands under what caused it"
            assert attributes(span)["messaging.operation.type"] == "process"
        groups = {attributes(span)["messaging.consumer.group.name"] for span in consumers}
        assert {"order", "payment", "product", "cart", "notification"} <= groups
        path, content_type, _ = collector.requests[0]
        assert path == "/v1/traces" and content_type == "application/json"
        assert {"key": "service.name", "value": {"stringValue": "corner shop"}} in collector.resources[0]["attributes"]
        sent = b"".join(body for _, _, body in collector.requests).decode()
        for personal in ("someone@example.com", order["id"], order["user_id"], product["id"], customer.token):
            assert personal not in sent
        # The ratio of 0 keeps nothing of what began here, and a caller's own "no" holds.
        assert {span["traceId"] for span in collector.spans} == {TRACE}


def test_later_requests_about_an_order_have_their_own_traces(tmp_path, quiet):
    pays, cancels = "1" * 32, "2" * 32
    with Collector() as collector, \
            Shop(tmp_path / "data", "--otlp-endpoint", collector.url, "--trace-ratio", "0") as shop:
        product, customer = add_product(shop), shop.customer()
        order = place(customer, product, {}, payment_method=None)
        got = customer.post("/api/v1/payments", {"order_id": order["id"], "amount": order["total_amount"],
                                                 "method": "credit_card"},
                            headers={"traceparent": f"00-{pays}-{CALLER}-01"})
        assert got.status == 201, got
        paid(customer, order)
        got = customer.put(f"/api/v1/orders/{order['id']}/cancel", {},
                           headers={"traceparent": f"00-{cancels}-{CALLER}-01"})
        assert got.status == 200, got
        wanted = {pays: {"CreatePayment", "process payment.succeeded", "process order.paid"},
                  cancels: {"CancelOrder", "process order.cancelled", "process refund.requested",
                            "process payment.refunded", "process order.refunded"}}
        for trace, names in wanted.items():
            eventually(lambda: names <= {span["name"] for span in collector.of_trace(trace)}, what=f"{names}")
        assert {span["traceId"] for span in collector.spans} == {pays, cancels}


def test_a_ratio_of_one_keeps_what_begins_here_and_failures_are_marked(tmp_path, quiet):
    with Collector() as collector, Shop(tmp_path / "data", "--otlp-endpoint", collector.url + "/") as shop:
        assert shop.client().get("/api/v1/products/none-such").status == 404
        assert shop.client().get("/no/such/path").status == 404
        assert shop.admin().get("/health").status == 200
        eventually(lambda: len(collector.spans) >= 2, what="both spans")
        names = {span["name"]: span for span in collector.spans}
        assert set(names) == {"GetProduct", "unmatched"}, "the admin listener's own requests are not traced"
        assert attributes(names["GetProduct"])["http.route"] == "/api/v1/products/{id}"
        assert "http.route" not in attributes(names["unmatched"])
        for span in names.values():
            assert "parentSpanId" not in span and re.fullmatch("[0-9a-f]{32}", span["traceId"])
            assert attributes(span)["http.response.status_code"] == "404" and span["status"] == {}


def test_a_collector_that_is_busy_at_first_loses_nothing(tmp_path, quiet):
    with Collector(answers=[503, 429]) as collector, \
            Shop(tmp_path / "data", "--otlp-endpoint", collector.url, "--trace-ratio", "0") as shop:
        for _ in range(20):
            shop.client().get("/api/v1/products", headers=KEPT)
        eventually(lambda: len(collector.of_trace()) == 20, what="all spans")
        assert len(collector.requests) >= 3
        assert metric(shop, "trace_spans_dropped_total") == 0
        assert metric(shop, "trace_spans_exported_total") == 20


def test_what_waits_is_sent_before_the_shop_ends(tmp_path, quiet):
    with Collector() as collector:
        shop = Shop(tmp_path / "data", "--otlp-endpoint", collector.url, "--trace-ratio", "0").start()
        for _ in range(5):
            shop.client().get("/api/v1/products", headers=KEPT)
        assert shop.stop() == 0
        assert len(collector.of_trace()) == 5


def test_a_shop_does_not_wait_for_a_collector_that_is_down(tmp_path, quiet):
    with Collector() as gone:
        nobody = gone.url
    with Shop(tmp_path / "data", "--otlp-endpoint", nobody) as shop:
        product, customer = add_product(shop), shop.customer()
        slowest = 0
        for _ in range(20):
            began = time.monotonic()
            order = place(customer, product, {})
            slowest = max(slowest, time.monotonic() - began)
        paid(customer, order)
        assert slowest < 1, "the first retry alone would take longer"
        eventually(lambda: metric(shop, 'trace_spans_dropped_total{reason="no_answer"}') > 0, 40,
                   "dropped spans in the metric")
        began = time.monotonic()
        assert shop.stop() == 0
        assert time.monotonic() - began < 15
        assert len([line for line in shop.errors if "traces_not_sent" in line]) == 1, "said once, not for each batch"


def test_traces_are_off_unless_asked_for(tmp_path, quiet):
    with Collector() as collector, Shop(tmp_path / "data") as shop:
        product, customer = add_product(shop), shop.customer()
        paid(customer, place(customer, product, KEPT))
        assert shop.stop() == 0
        assert collector.requests == []


@pytest.mark.parametrize("flag,value,says", [
    ("--otlp-endpoint", "collector:4318", "otlp_endpoint"), ("--otlp-endpoint", "ftp://collector", "http://"),
    ("--trace-ratio", "1.5", "from 0 to 1"), ("--trace-ratio", "some", "from 0 to 1")])
def test_a_setting_that_does_not_fit_stops_the_start(tmp_path, quiet, flag, value, says):
    shop = Shop(tmp_path / "data", flag, value)
    with pytest.raises(AssertionError):
        shop.start()
    assert shop.process.wait(30) != 0
    eventually(lambda: any(says in line for line in shop.errors), what="an error that says what fits")
