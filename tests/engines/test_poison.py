"""Messages on Kafka that nobody can apply, in every topic that a service consumes: dead letters with their cause, and the
orders that go on beside them are not held up. Then `stoa redrive`, from beside the running shop and without one.

    ./dev test engines -k poison
"""

import json
import os
import pathlib
import subprocess
import threading
import time

import pytest

from test_shop import Places, address, stoa  # isort: skip: it knows where the next ones are
from shop import ADDRESS, Shop, eventually
from test_online_retail import UNLIMITED

# topic: (a type that its consumers apply, their groups)
TOPICS = {
    "orders": ("order.paid", {"product", "cart", "notification"}),
    "payment.requested": ("payment.requested", {"payment"}),
    "payment.close_requested": ("payment.close_requested", {"payment"}),
    "refund.requested": ("refund.requested", {"payment"}),
    "payment.succeeded": ("payment.succeeded", {"order"}),
    "payment.failed": ("payment.failed", {"order"}),
    "payment.closed": ("payment.closed", {"order"}),
    "payment.refunded": ("payment.refunded", {"order"}),
    "product.deleted": ("product.deleted", {"cart"}),
    "notifications": ("password.reset_requested", {"notification"}),
}
PAYLOADS = ["", " ", "null", "true", "false", "0", "42", "-1.5e3", "NaN", '"text"', "[]", "[{}]", "{}", "{", "}", "{}}", "{]",
            '{"a"}', '{"a":}', '{"a":1', '{"a":1]', '{"a', '{"a":1,}', '{,"a":1}', "{'a':1}", "{a:1}", '{"a" 1}', "{} trailing",
            "{}{}", "\ufeff{}x", '{"id":null}', '{"id":1}', '{"id":{}}', '{"orderId":1}', '{"orderId":null}', '{"orderId":[]}',
            '{"orderId":"x","attempt":"one"}', '{"id":"x","status":"no such status"}', '{"productId":7}', '{"user_id":[]}',
            '{"\\ud800":1}', '{"a":"\\x41"}', '{"a":"\\u12"}', '{"a":tru}', '{"a":01}', '{"a":1e}', '{"a":.5}', '{"a":+1}',
            "[" * 2_000, '{"a":' * 200, "<xml/>", "text=fine", "PK\x03\x04", "\x01\x02\x03", "id: 1", "--- yaml", "// {}",
            '/* */ {"a":', "\u2028"]
LAST = "Infinity"  # a kind of its own, and the end of each topic's


class Poisoner:
    """Kafka's own console producer, one run a topic."""

    def __init__(self, prefix):
        self.prefix = prefix
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        self.libraries, = cache.glob("stoa/engines/kafka-*/lib")

    def send(self, topic, records):
        """Of (key, headers, payload)."""
        lines = "".join(f"{';'.join(f'{k}={v}' for k, v in headers.items())}\t{key}\t{payload}\n"
                        for key, headers, payload in records)
        command = ["nice", "-n", "19", "java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{self.libraries}/*",
                   "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", address("kafka"), "--topic",
                   self.prefix + topic, "--property", "parse.key=true", "--property", "parse.headers=true",
                   "--property", "headers.separator=;", "--property", "headers.key.separator=="]
        got = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=60)
        assert got.returncode == 0 and "ERROR" not in got.stderr + got.stdout, got.stdout + got.stderr


def headers(kind, event_id):
    return {"id": event_id, "type": kind, "version": "1", "schema_version": "1", "occurred_at": "2026-11-21T12:00:00.000000Z"}


def poison(topic):
    kind, _ = TOPICS[topic]
    return [(f"poison-{n}", headers(kind, f"{topic}-{n}"), payload) for n, payload in enumerate([*PAYLOADS, LAST])]


def letters(places, folder, *flags):
    got = stoa("redrive", "--json", "--config", places.file(), "--data-dir", str(folder / "data"), *flags)
    assert got.stdout.startswith("{"), got.stdout + got.stderr
    return got.returncode, json.loads(got.stdout)["letters"]


@pytest.fixture
def places(tmp_path):
    made = Places(tmp_path, "poison", "postgres")
    made.folder = tmp_path
    got = stoa("migrate", "--config", made.file(), "--data-dir", str(tmp_path / "data"))
    assert got.returncode == 0, got.stderr
    return made


class Buyer(threading.Thread):
    """Orders one thing after another, and writes down how long each took to be paid."""

    def __init__(self, shop, product):
        super().__init__(daemon=True)
        self.customer, self.product, self.took, self.done, self.failed = shop.customer(), product, [], threading.Event(), None

    def run(self):
        try:
            while not self.done.is_set():
                began = time.monotonic()
                order = self.customer.post("/api/v1/orders", {"items": [{"product_id": self.product, "quantity": 1}],
                                                              "shipping_address": ADDRESS, "payment_method": "credit_card"})
                assert order.status == 201, order
                eventually(lambda: self.customer.get(f"/api/v1/orders/{order.json['id']}").json["status"] == "paid",
                           within_s=60, what="paid")
                self.took.append(time.monotonic() - began)
                self.done.wait(0.05)
        except AssertionError as why:
            self.failed = why


def test_fifty_kinds_in_every_topic_are_dead_letters_and_orders_go_on(tmp_path, places):
    assert len(PAYLOADS) + 1 >= 50
    out = Poisoner(places.settings["kafka_topic_prefix"])
    with Shop(tmp_path / "data", *UNLIMITED, "--config", places.file()) as shop:
        product = shop.operator().post("/api/v1/products", {"name": "Mug", "price": 5, "stock": 100_000}).json["id"]
        buyer = Buyer(shop, product)
        buyer.start()
        eventually(lambda: len(buyer.took) >= 10 or buyer.failed, within_s=60, what="orders without poison")
        before = max(buyer.took[2:])
        clean = len(buyer.took)
        for topic in TOPICS:
            out.send(topic, poison(topic))
        wanted = {(group, topic, f"{topic}-{n}") for topic, (_, groups) in TOPICS.items() for group in groups
                  for n in range(len(PAYLOADS) + 1)}

        def found():
            _, all_of_them = letters(places, tmp_path, "--dry-run")
            return all_of_them if len(all_of_them) >= len(wanted) else None

        told = eventually(found, within_s=60, what="every message in the dead letters")
        buyer.done.set()
        buyer.join(60)
        assert not buyer.failed, buyer.failed
        assert {(each["group"], each["topic"], each["id"]) for each in told} == wanted
        for each in told:
            assert each["code"] and each["detail"], each
        slowest = max(buyer.took[clean:])
        print(f"{len(told)} dead letters; an order took {before:.2f} s at most before, {slowest:.2f} s beside them")
        assert slowest <= before + 1.0
        # Nothing is stuck: the groups are at the end of their topics.
        eventually(lambda: not [line for line in shop.admin().get("/metrics").body.decode().splitlines()
                                if line.startswith("consumer_lag{") and not line.endswith(" 0")],
                   within_s=30, what="no lag")


def test_redrive_goes_on_when_the_cause_is_gone_and_each_applies_once(tmp_path, places):
    """A product.deleted that cannot be read, and good ones of the same product behind it."""
    out = Poisoner(places.settings["kafka_topic_prefix"])
    with Shop(tmp_path / "data", *UNLIMITED, "--config", places.file()) as shop:
        operator, customer = shop.operator(), shop.customer()
        mug, cup = (operator.post("/api/v1/products", {"name": name, "price": 5, "stock": 9}).json["id"] for name in ("Mug", "Cup"))
        for each in (mug, cup):
            assert customer.post("/api/v1/cart/items", {"product_id": each, "quantity": 1}).status in (200, 201)
        out.send("product.deleted", [(mug, headers("product.deleted", "bad-1"), "{")])
        eventually(lambda: letters(places, tmp_path, "--dry-run")[1], within_s=30, what="the dead letter")
        # The real deletion comes behind it, and waits; another product's does not.
        for each in (mug, cup):
            assert operator.delete(f"/api/v1/products/{each}").status in (200, 204)
        held = eventually(lambda: (found := letters(places, tmp_path, "--dry-run")[1]) and len(found) == 2 and found,
                          within_s=30, what="two dead letters")
        assert [each["code"] for each in held] == ["payload_ill_formed", "behind_a_dead_letter"]
        assert {each["key"] for each in held} == {mug}
        in_cart = lambda: {each["product_id"] for each in customer.get("/api/v1/cart").json["items"]}  # noqa: E731
        eventually(lambda: cup not in in_cart(), within_s=30, what="the other product's deletion")

        code, tried = letters(places, tmp_path)  # beside the running shop
        assert code == 1 and [each["outcome"] for each in tried] == ["failed", "behind"], tried
        code, given = letters(places, tmp_path, "--give-up", "--id", "bad-1")
        assert code == 0 and [each["outcome"] for each in given] == ["given_up"], given
        assert shop.stop() == 0
        code, applied = letters(places, tmp_path)  # without one
        assert code == 0 and [each["outcome"] for each in applied] == ["applied"], applied
        assert letters(places, tmp_path) == (0, [])
        shop.start()
        customer = shop.login("someone@example.com", "correct horse 9")
        assert mug not in in_cart()
        # The key is free: what comes now is applied by the group itself.
        out.send("product.deleted", [(mug, headers("product.deleted", "later"), json.dumps({"productId": mug}))])
        time_of_last = time.monotonic()
        eventually(lambda: not [line for line in shop.admin().get("/metrics").body.decode().splitlines()
                                if line.startswith("consumer_lag{") and not line.endswith(" 0")] and
                   time.monotonic() > time_of_last, within_s=30, what="no lag")
        _, left = letters(places, tmp_path, "--dry-run")
        assert all(each["code"] != "behind_a_dead_letter" for each in left), left
