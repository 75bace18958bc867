"""`stoa redrive` on a shop of one machine: beside the running shop by its API, and on the stores when it is stopped."""

import contextlib
import json
import re
import sqlite3
import subprocess

import pytest

from shop import Shop, binary, eventually
from test_order_saga import add_product

GOOD, BAD = "good", "{"


def redrive(shop, *flags):
    got = subprocess.run([binary(), "redrive", "--json", "--data-dir", shop.data_dir, *flags], capture_output=True, text=True,
                         timeout=60)
    assert got.stdout.startswith("{"), got.stdout + got.stderr
    return got.returncode, [(each["id"], each["outcome"], each["code"]) for each in json.loads(got.stdout)["letters"]]


def database(shop):
    return contextlib.closing(sqlite3.connect(shop.data_dir + "/shop.db"))


def publish(db, topic, key, event_id, payload):
    """An event that no service of this version would write."""
    partition, position = db.execute(
        "SELECT p.id, max(coalesce((SELECT max(position) + 1 FROM events WHERE position >= p.id << 40 AND position < (p.id + 1) "
        "<< 40), (p.id << 40) + p.first_offset)) FROM log_partitions p WHERE topic = ? AND partition = 0", (topic,)).fetchone()
    assert partition
    db.execute("INSERT INTO events (position, accepted_at, key, id, type, version, occurred_at, traceparent, payload) "
               "VALUES (?, 0, ?, ?, ?, 1, 0, '', ?)", (position, key, event_id, topic, payload))


@pytest.fixture
def parked(tmp_path):
    """A shop with two products in a cart, one of whose deletions cannot be read, with a good one behind it."""
    shop = Shop(tmp_path / "data", "--rate-login-burst", "0").start()
    customer = shop.customer()
    shop.product = add_product(shop)["id"]
    assert customer.post("/api/v1/cart/items", {"product_id": shop.product, "quantity": 1}).status in (200, 201)
    assert shop.stop() == 0
    with database(shop) as db:
        good = json.dumps({"productId": shop.product})
        publish(db, "product.deleted", shop.product, "bad", BAD)
        publish(db, "product.deleted", shop.product, "behind", good)
        db.commit()
    shop.start()
    eventually(lambda: redrive(shop, "--dry-run")[1] == [("bad", "waiting", "payload_ill_formed"),
                                                         ("behind", "waiting", "behind_a_dead_letter")], what="dead letters")
    yield shop
    shop.stop()


def mend(shop):
    with database(shop) as db:
        db.execute("UPDATE events SET payload = ? WHERE id = 'bad' AND payload = ?",
                   (json.dumps({"productId": shop.product}), BAD))
        db.commit()


def in_cart(shop):
    customer = shop.login("someone@example.com", "correct horse 9")
    return [each["product_id"] for each in customer.get("/api/v1/cart").json["items"]]


def test_beside_the_running_shop(parked):
    assert redrive(parked) == (1, [("bad", "failed", "payload_ill_formed"), ("behind", "behind", "behind_a_dead_letter")])
    assert in_cart(parked) == [parked.product]
    assert redrive(parked, "--group", "order") == (0, [])
    assert redrive(parked, "--topic", "orders") == (0, [])
    code, given = redrive(parked, "--give-up", "--id", "bad")
    assert (code, given) == (0, [("bad", "given_up", "payload_ill_formed")])
    code, applied = redrive(parked, "--key", parked.product)
    assert code == 0 and [each[:2] for each in applied] == [("behind", "applied")]
    assert in_cart(parked) == []
    assert redrive(parked) == (0, [])


def test_by_the_public_api_as_the_console_asks(parked):
    operator = parked.operator()

    def asked(**wanted):
        got = operator.post("/api/v1/dead-letters/redrive", wanted)
        assert got.status == 200, got
        return [(each["id"], each["outcome"]) for each in got.json["letters"]]

    listed = operator.get("/api/v1/dead-letters").json["letters"]
    assert [(each["id"], each["outcome"], each["key"]) for each in listed] == [
        ("bad", "waiting", parked.product), ("behind", "waiting", parked.product)]
    assert asked(id="behind", dry_run=True) == [("bad", "waiting"), ("behind", "waiting")]
    assert asked() == [("bad", "failed"), ("behind", "behind")], "every member may be left out"
    assert asked(id="bad", give_up=True) == [("bad", "given_up")]
    assert asked(id="behind") == [("behind", "applied")]
    assert operator.get("/api/v1/dead-letters").json == {"letters": [], "more": False}
    eventually(lambda: in_cart(parked) == [], what="the deletion applied")
    got = operator.post("/api/v1/dead-letters/redrive", {"give_up": True})
    assert got.status == 422 and got.json["code"] == "redrive_too_wide", got
    got = operator.post("/api/v1/dead-letters/redrive", {"group": "nobody"})
    assert got.status == 422 and got.json["code"] == "unknown_group", got


def counted(shop):
    """Dead letters that wait, by group, as the metrics tell."""
    found = re.findall(r'^dead_letters\{group="(\w+)"\} (\S+)$', shop.admin().get("/metrics").body.decode(), re.M)
    return {group: float(value) for group, value in found}


def test_the_metrics_count_what_waits_until_it_is_dealt_with(parked):
    eventually(lambda: counted(parked).get("cart") == 2, 30, "both are counted, every ten seconds")
    assert {group for group, letters in counted(parked).items() if letters} == {"cart"} and len(counted(parked)) > 3
    assert parked.stop() == 0
    parked.start()
    eventually(lambda: counted(parked).get("cart") == 2, 30, "a counter would begin at 0 again")
    assert redrive(parked, "--give-up", "--id", "bad")[0] == 0
    assert redrive(parked, "--key", parked.product)[0] == 0
    eventually(lambda: counted(parked).get("cart") == 0, 30, "none waits")


def test_a_mended_cause_on_a_stopped_shop(parked):
    assert parked.stop() == 0
    mend(parked)
    code, applied = redrive(parked)
    assert code == 0 and [each[:2] for each in applied] == [("bad", "applied"), ("behind", "applied")]
    assert redrive(parked) == (0, [])
    parked.start()
    assert in_cart(parked) == []
    with database(parked) as db:
        assert db.execute("SELECT count(*) FROM parked_keys").fetchone() == (0,)


def test_what_cannot_be_meant_is_said(parked, tmp_path):
    def told(*flags, data_dir=parked.data_dir):
        got = subprocess.run([binary(), "redrive", "--data-dir", data_dir, *flags], capture_output=True, text=True, timeout=30)
        return got.returncode, got.stdout + got.stderr

    code, said = told("--give-up")
    assert code == 1 and "--key or --id" in said
    code, said = told("--group", "carts")
    assert code == 1 and "there is no group `carts`" in said and "notification" in said
    code, said = told("--dry-run")
    assert code == 0 and "payload_ill_formed" in said and "2 dead letters; nothing was changed" in said
    code, said = told(data_dir=str(tmp_path / "none"))
    assert code == 1 and "there is no shop in" in said
