"""The shop as one process a target, with two replicas of product, order and payment, on engines that run as servers.

    ./dev test engines
"""

import http.client
import itertools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import retail  # noqa: E402
from shop import ADDRESS, Client, binary, eventually  # noqa: E402
from test_online_retail import Replay  # noqa: E402
from test_shop import INVOICES, Places, must_be_clean  # noqa: E402
from topology import Topology  # noqa: E402

UNLIMITED = {"rate_login_burst": 0, "rate_principal_burst": 0, "currency": "GBP"}
EVENT = {"event_type": "VIEW_PRODUCT", "product_id": "p-1", "user_id": "u-1", "timestamp": "2026-01-02T03:04:05Z",
         "metadata": {"session_id": "s-1"}}
ROLLING_ROUNDS = int(os.environ.get("STOA_TEST_ROLLING_ROUNDS") or 3)
networks = itertools.count(20)


@pytest.fixture
def split(tmp_path, request):
    """Nine processes and their replicas, on engines of their own prefix; a parameter says how services ask each other."""
    name = f"split{next(networks)}"
    places = Places(tmp_path, name, "dynamodb")
    places.settings.pop("kafka_group_instance_id")
    settings = {**places.settings, **UNLIMITED, "edges": getattr(request, "param", "grpc")}
    with Topology(tmp_path / "shop", settings, network=next(networks)) as shop:
        yield shop


class ReplayOnTargets(Replay):
    def _audit(self, orders):
        assert self.shop.stop() == 0
        must_be_clean("--config", str(self.shop.local.settings), "--data-dir", str(self.shop.local.data / "verbs"))

    def run_with_kills(self, every_s):
        """Each process in turn, from a seeded order, until the replay is over."""
        over, killed = threading.Event(), []
        order = list(self.shop.local.processes)
        random.Random(7).shuffle(order)

        def killer():
            for each in itertools.cycle(order):
                if over.wait(every_s):
                    return
                each.signal(signal.SIGKILL)
                killed.append(each.name)

        other = threading.Thread(target=killer)
        other.start()
        try:
            self.run()
        finally:
            over.set()
            other.join()
        return killed


def make_product(operator, stock, price=5):
    got = operator.post("/api/v1/products", {"name": "Mug", "price": price, "stock": stock})
    assert got.status == 201, got
    return got.json["id"]


def order_of(product, quantity=1):
    return {"items": [{"product_id": product, "quantity": quantity}], "shipping_address": ADDRESS,
            "payment_method": "credit_card"}


def of_process(process, port, path, token=None):
    """Asks one replica itself, past the gateway."""
    at = http.client.HTTPConnection(process.address, port, timeout=10)
    at.request("GET", path, headers={"Authorization": "Bearer " + token} if token else {})
    got = at.getresponse()
    return got.status, json.loads(got.read() or b"null")


@pytest.mark.parametrize("split", ["grpc", "http"], indirect=True)
def test_invoices_come_to_the_independent_totals(tmp_path, split):
    folder = retail.generate(tmp_path / "set", seed=20_111_209, invoices=INVOICES, products=120, customers=40, long_order=95)
    replay = ReplayOnTargets(split, folder, threads=16)
    replay.load_catalogue(folder)
    replay.run()
    assert replay.check().orders == INVOICES
    print(f"{len(split.local.processes)} processes:", replay.story())


def test_kill_9_of_any_process_changes_no_total_and_doubles_nothing(tmp_path, split):
    folder = retail.generate(tmp_path / "set", seed=7, invoices=INVOICES, products=120, customers=40, long_order=95)
    replay = ReplayOnTargets(split, folder, threads=16)
    replay.load_catalogue(folder)
    killed = replay.run_with_kills(every_s=2.0)
    assert killed
    assert replay.check().orders == INVOICES
    print(f"{len(killed)} kills ({', '.join(sorted(set(killed)))}):", replay.story())


def test_two_product_replicas_sell_what_there_is_and_no_more(split):
    operator = split.operator()
    product = make_product(operator, stock=100)
    tokens = [split.guest().token for _ in range(30)]
    outcomes, lock = [], threading.Lock()

    def buy(token):
        for _ in range(6):
            got = Client(split.port, token).post("/api/v1/orders", order_of(product))
            with lock:
                outcomes.append(got.status)

    buyers = [threading.Thread(target=buy, args=(token,)) for token in tokens]
    for each in buyers:
        each.start()
    for each in buyers:
        each.join()
    assert set(outcomes) == {201, 409}, outcomes
    assert outcomes.count(201) == 100
    eventually(lambda: operator.get(f"/api/v1/products/{product}/stock").json["on_hand"] == 0, within_s=60, what="all sold")


def test_a_change_reaches_every_replica(split):
    operator = split.operator()
    product = make_product(operator, stock=3)
    first, second = split.replicas("product")
    for each in (first, second):
        eventually(lambda: of_process(each, 8001, f"/api/v1/products/{product}")[0] == 200, what="known")
    changed = operator.put(f"/api/v1/products/{product}", {"name": "Amphora", "price": 7})
    assert changed.status == 200, changed
    for each in (first, second):
        eventually(lambda: of_process(each, 8001, f"/api/v1/products/{product}")[1]["price"] == 7, within_s=5, what="the price")
        eventually(lambda: of_process(each, 8001, "/api/v1/products/search?q=amphora")[1]["total"] == 1, within_s=5,
                   what="the name in the index")


def test_a_service_that_is_away_is_named_and_the_others_serve(split):
    operator, customer = split.operator(), split.customer()
    product = make_product(operator, stock=3)
    with split.paused():
        (activity,) = split.replicas("activity")
        activity.signal(signal.SIGKILL)
        activity.child.wait(10)
        began = time.monotonic()
        told = customer.post("/api/v1/events", EVENT)
        assert 7 < time.monotonic() - began < 12, "it may be starting again, and is waited for"
        assert (told.status, told.json["code"]) == (503, "service_away") and "activity" in told.json["detail"], told
        assert told.headers["retry-after"] == "1"
        began = time.monotonic()
        assert customer.post("/api/v1/events", EVENT).status == 503 and time.monotonic() - began < 2, "and is known by now"
        assert customer.get(f"/api/v1/products/{product}").status == 200
        assert customer.post("/api/v1/orders", order_of(product)).status == 201
    eventually(lambda: customer.post("/api/v1/events", EVENT).status == 202,
               what="back by the supervisor")


def test_the_gateway_passes_on_what_a_service_says(split):
    operator, customer = split.operator(), split.customer()
    product = make_product(operator, stock=3)
    seen = customer.get(f"/api/v1/products/{product}")
    assert seen.headers["etag"] == '"1"' and seen.headers["x-request-id"]
    again = customer.get(f"/api/v1/products/{product}", headers={"If-None-Match": '"1"'})
    assert again.status == 304 and not again.body
    key = {"Idempotency-Key": "k-1"}
    one, two = (customer.post("/api/v1/orders", order_of(product), headers=key) for _ in range(2))
    assert (one.status, one.body) == (two.status, two.body) and two.headers["idempotent-replayed"] == "true"
    bad = customer.post("/api/v1/orders", {"items": []}, headers={"X-Request-Id": "mine"})
    assert bad.status == 422 and bad.headers["x-request-id"] == "mine" and bad.json["errors"], bad
    assert customer.get("/api/v1/orders/no-such").status == 404
    assert Client(split.port).get("/api/v1/orders").status == 401
    eventually(lambda: customer.get(f"/api/v1/orders/{one.json['id']}").json["status"] == "paid", within_s=60, what="paid")
    invoice = eventually(lambda: (got := customer.get(f"/api/v1/orders/{one.json['id']}/invoice")).status == 200 and got,
                         within_s=60, what="the invoice")
    assert one.json["id"] in invoice.body.decode()
    details = operator.get(f"/api/v1/orders/{one.json['id']}/details").json
    assert details["missing"] == [] and details["payments"][0]["status"] == "succeeded", details
    whole = json.loads((ROOT / "api/openapi.json").read_text())["paths"]
    assert set(customer.get("/openapi.json").json["paths"]) >= set(whole) - {"/api/v1/audit"}


def test_streams_pass_the_gateway(split):
    operator = split.operator()
    rows = "sku,name,price,stock\n" + "".join(f"S-{i},Cup {i},3.00,5\n" for i in range(2_000))
    made = operator.post("/api/v1/products/import?wait=60", raw=rows.encode(), headers={"Content-Type": "text/csv"})
    assert made.status == 200 and made.json["created"] == 2_000, made
    exported = operator.get("/api/v1/products/export")
    assert exported.status == 200 and exported.headers["content-type"].startswith("text/csv")
    assert exported.body.decode().count("S-") == 2_000
    live = http.client.HTTPConnection("127.0.0.1", split.port, timeout=20)
    live.request("GET", "/api/v1/analytics/live", headers={"Authorization": "Bearer " + operator.token})
    got = live.getresponse()
    assert got.status == 200 and got.getheader("Content-Type") == "text/event-stream"
    assert got.readline() == b"retry: 1000\n"
    live.close()
    assert Client(split.port).get("/api/v1/analytics/live").status == 401


def orders_said(process, token, live=True):
    """By the windows, the open ones too, as the process itself tells them."""
    status, body = of_process(process, 8008, f"/api/v1/analytics/orders?limit=100&live={str(live).lower()}", token)
    assert status == 200, body
    return sum(each["order_count"] for each in body["windows"])


def windowed_by(process):
    at = http.client.HTTPConnection(process.address, 9090, timeout=10)
    at.request("GET", "/metrics")
    return sum(float(line.rsplit(" ", 1)[1]) for line in at.getresponse().read().decode().splitlines()
               if line.startswith("analytics_events_total{") and 'outcome="windowed"' in line and 'topic="orders"' in line)


@pytest.mark.parametrize("edges", ["grpc", "http"])
def test_what_is_open_in_two_analytics_processes_is_one_answer(tmp_path, edges):
    name = f"live{next(networks)}"
    places = Places(tmp_path, name, "dynamodb")
    places.settings.pop("kafka_group_instance_id")
    with Topology(tmp_path / "shop", {**places.settings, **UNLIMITED, "edges": edges}, network=next(networks),
                  replicas={"analytics": 2}) as shop:
        operator, customer = shop.operator(), shop.customer()
        product = make_product(operator, stock=1_000)
        # Whoever has which partitions: one of the two at least has not all of them, and must have asked.
        both, placed = shop.replicas("analytics"), 40
        for _ in range(placed):
            assert customer.post("/api/v1/orders", order_of(product)).status == 201
        eventually(lambda: sum(map(windowed_by, both)) >= 2 * placed, within_s=90, what="placed and paid, all windowed")
        two, one = sorted(both, key=windowed_by)
        for each in (one, two):
            eventually(lambda: orders_said(each, operator.token) == placed, within_s=30, what=f"all orders at {each.name}")
        live = http.client.HTTPConnection(two.address, 8008, timeout=20)
        live.request("GET", "/api/v1/analytics/live", headers={"Authorization": "Bearer " + operator.token})
        stream, said, end = live.getresponse(), {}, time.monotonic() + 30
        while sum(said.values()) < placed - orders_said(two, operator.token, live=False):
            assert time.monotonic() < end, (said, placed)
            line = stream.readline()
            if line.startswith(b"data: ") and (row := json.loads(line[6:]))["pipeline"] == "orders_by_minute":
                said[row["window_start"]] = row["order_count"]
        live.close()
        # Parts of the shop ask each other; nobody else is answered.
        stranger = http.client.HTTPConnection(one.address, 8008, timeout=20)
        stranger.request("POST", "/rpc/AnalyticsService/OpenWindows", "{}", {"Authorization": "Bearer " + operator.token})
        assert stranger.getresponse().status == 403
        with shop.paused():
            one.signal(signal.SIGKILL)
            one.child.wait(10)
            began = time.monotonic()
            assert orders_said(two, operator.token) <= placed and time.monotonic() - began < 3, "who is gone is left out"
        eventually(one.is_ready, within_s=60, what="it is back")
        for each in (one, two):
            eventually(lambda: orders_said(each, operator.token) == placed, within_s=180,
                       what="everything again, by who has the partitions now")


class Shoppers:
    """Clients who look and buy one after another, as fast as they are answered or at a given rate of all of them."""

    def __init__(self, shop, product, number=6):
        self.shop, self.product, self.lock = shop, product, threading.Lock()
        self.over, self.done, self.failed, self.pause_s = threading.Event(), 0, [], 0.0
        tokens = [shop.guest().token for _ in range(number)]
        self.threads = [threading.Thread(target=self._shop, args=(token, i)) for i, token in enumerate(tokens)]

    def _shop(self, token, number):
        client, n = Client(self.shop.port, token, timeout_s=60), 0
        while not self.over.is_set():
            n, began = n + 1, time.monotonic()
            asked = [("GET", f"/api/v1/products/{self.product}", None, None), ("GET", "/api/v1/products?limit=5", None, None),
                     ("POST", "/api/v1/orders", order_of(self.product), {"Idempotency-Key": f"{number}-{n}"})]
            for request in asked:
                got = client.request(*request)
                with self.lock:
                    self.done += 1
                    if got.status not in (200, 201):
                        self.failed.append(got)
            self.over.wait(max(0.0, self.pause_s - (time.monotonic() - began)))

    def __enter__(self):
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for each in self.threads:
            each.join()

    def most(self, within_s):
        """How many requests a second they come to when nothing holds them."""
        before = self.done
        time.sleep(within_s)
        return (self.done - before) / within_s

    def at(self, share, of):
        self.pause_s = len(self.threads) * 3 / (share * of)


def test_processes_started_again_one_after_another_refuse_no_request(split):
    operator = split.operator()
    product = make_product(operator, stock=1_000_000)
    began, restarts = time.monotonic(), 0
    with Shoppers(split, product) as shoppers:
        most = shoppers.most(within_s=5)
        shoppers.at(0.7, most)
        for _ in range(ROLLING_ROUNDS):
            for each in split.local.processes:
                if each.target == "gateway":
                    continue  # its listener is what clients are connected to: in a cluster a balancer stands in front
                before = each.starts
                each.signal(signal.SIGTERM)
                eventually(lambda: each.starts > before and each.is_ready(), within_s=60, what=f"{each.name} is back")
                restarts += 1
    assert shoppers.done > 100
    assert not shoppers.failed, (len(shoppers.failed), shoppers.done, shoppers.failed[:5])
    print(f"{shoppers.done} requests in {time.monotonic() - began:.0f} s beside {restarts} restarts ({most:.0f} a second is the most)")


@pytest.mark.parametrize("changed, told", [
    ({"target": "order"}, "user_service_host"),
    ({"target": "order", "user_service_host": "127.0.9.12", "product_service_host": "127.0.9.13:x",
      "payment_service_host": "127.0.9.16"}, "product_service_host"),
    ({"target": "gateway,nonsense"}, "nonsense"),
    ({"target": ","}, "target"),
    ({"target": "product", "blob": "filesystem"}, "blob"),
    ({"target": "order", "sql": "", "key_value": "", "event_log": ""}, "embedded engines"),
])
def test_targets_that_do_not_fit_are_named(tmp_path, changed, told):
    places = Places(tmp_path, "unfit", "dynamodb")
    got = subprocess.run([binary(), "serve", "--config", places.file(**changed), "--data-dir", str(tmp_path / "data")],
                         capture_output=True, text=True, timeout=60)
    assert got.returncode != 0 and told in got.stderr, got


def test_a_port_in_use_names_the_target(tmp_path, split):
    (cart,) = split.replicas("cart")
    command = [str(tmp_path / "other") if word.endswith("/cart-0") else word for word in cart.command()]
    command[command.index("--admin") + 1] = "127.0.0.1:0"
    got = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert got.returncode == 1 and "cart" in got.stderr and "8005" in got.stderr, got

