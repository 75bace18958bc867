"""`stoa doctor`: what it finds, and how a consumer group that nobody reads by any more is dropped."""

import contextlib
import os
import re
import sqlite3
import subprocess

import pytest

from shop import Shop, binary, eventually
from test_order_saga import add_product, order_is, place

SERVICES = ("analytics", "cart", "image-resize", "notification", "order", "payment", "product")


def doctor(shop, *flags, **environment):
    got = subprocess.run([binary(), "doctor", "--data-dir", shop.data_dir, *flags], capture_output=True, text=True, timeout=30,
                         env={**os.environ, **environment})
    return got.returncode, got.stdout + got.stderr


def database(shop):
    return contextlib.closing(sqlite3.connect(shop.data_dir + "/shop.db"))


def undone(shop):
    """Events, of all groups, that wait for their consumers: marks of time come for a minute after the last event."""
    with database(shop) as db:
        return db.execute("SELECT count(*) FROM log_consumers c JOIN events e ON e.position >= (c.partition_id << 40 | c.next_offset) "
                          "AND e.position < (c.partition_id + 1) << 40").fetchone()[0]


@pytest.fixture
def stopped(tmp_path):
    """A shop with a paid order and a viewed product, whose raw events an earlier version's service once read."""
    shop = Shop(tmp_path / "data", "--rate-login-burst", "0").start()
    customer = shop.customer()
    order = place(customer, add_product(shop), payment_method="credit_card").json
    order_is(customer, order["id"], "paid")
    viewed = customer.post("/api/v1/events", {"user_id": "u", "product_id": "p", "event_type": "VIEW_PRODUCT",
                                              "timestamp": order["created_at"], "metadata": {"session_id": "s"}})
    assert viewed.status == 202, viewed
    for _ in range(10):
        eventually(lambda: "consumer_lag" in (text := shop.admin().get("/metrics").body.decode()) and
                   not re.search(r"^consumer_lag\{.*\} [1-9]", text, re.M), what="everything is consumed")
        assert shop.stop() == 0
        if undone(shop) == 0:
            break
        shop.start()
    else:
        raise AssertionError("it does not come to rest")
    with database(shop) as db:
        last, = db.execute("SELECT max(id) FROM log_consumers").fetchone()
        for n, (partition,) in enumerate(db.execute("SELECT id FROM log_partitions WHERE topic = 'ecom-raw-events'").fetchall(), 1):
            db.execute("INSERT INTO log_consumers (id, consumer_group, partition_id, next_offset) VALUES (?, 'reports', ?, 0)",
                       (last + n, partition))
        db.commit()
    return shop


def test_a_missing_shop_is_said_to_be_missing_and_not_made(tmp_path):
    for flags in ([], ["--drop-group", "reports"]):
        got = subprocess.run([binary(), "doctor", "--data-dir", str(tmp_path / "none"), *flags], capture_output=True, text=True)
        assert got.returncode == 1 and "there is no shop in" in got.stderr and "`stoa serve` makes one" in got.stderr, got
    assert not (tmp_path / "none").exists()


def test_a_verb_that_does_not_exist_is_named_with_those_that_do():
    got = subprocess.run([binary(), "bogus"], capture_output=True, text=True)
    assert got.returncode == 2 and "`bogus`" in got.stderr and "serve, import" in got.stderr, got


def lines_of(said, group):
    """Topic → what is said of it, of one group."""
    block = re.search(rf"^      {group}\b.*:\n((?:        .*\n)+)", said, re.M)
    assert block, said
    return {line.split()[0]: line for line in block.group(1).splitlines()}


def test_groups_are_listed_with_their_lag_and_when_they_last_moved(stopped):
    code, said = doctor(stopped)
    assert code == 1, said
    time_ = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    for service in SERVICES:
        assert all("lag 0" in line for line in lines_of(said, service).values()), said
    assert re.search(rf"lag 0, last did an event of {time_}", lines_of(said, "cart")["orders"]), said
    assert re.search(rf"lag [1-9]\d*, behind since {time_}", lines_of(said, "reports")["ecom-raw-events"]), said
    assert re.search(r"^WRONG .*`reports`.*--drop-group reports", said, re.M), said
    assert not any(f"--drop-group {service}" in said for service in SERVICES), said


def test_a_group_that_a_service_reads_by_is_not_dropped(stopped):
    for service in SERVICES:
        code, said = doctor(stopped, "--drop-group", service)
        assert code == 1 and f"`{service}`" in said and "apply old events again" in said, said
    code, said = doctor(stopped, "--drop-group", "nobody")
    assert code == 1 and "there is no group `nobody`" in said, said
    with database(stopped) as db:
        groups = {name for name, in db.execute("SELECT consumer_group FROM log_consumers")}
    assert groups == {*SERVICES, "reports"}, "refusals drop nothing"


def test_a_running_shop_is_looked_at_and_drops_nothing(stopped):
    with stopped as shop:
        code, said = doctor(shop)
        assert code == 1 and "a shop runs on" in said and "reports" in said, said
        code, said = doctor(shop, "--drop-group", "reports")
        assert code == 1 and "stopped" in said and shop.data_dir in said, said
    with database(stopped) as db:
        assert db.execute("SELECT count(*) FROM log_consumers WHERE consumer_group = 'reports'").fetchone()[0] > 0


def test_a_dropped_group_is_gone_and_the_shop_is_as_it_was(stopped):
    code, said = doctor(stopped, "--drop-group", "reports")
    assert code == 0 and "reports" in said, said
    code, said = doctor(stopped)
    assert code == 0 and "reports" not in said and "WRONG" not in said, said
    code, said = doctor(stopped, "--drop-group", "reports")
    assert code == 1 and "there is no group" in said, "only once"
    with stopped as shop:
        customer = shop.customer("later@example.com")
        order_is(customer, place(customer, add_product(shop), payment_method="credit_card").json["id"], "paid")
        audit = subprocess.run([binary(), "audit", "--data-dir", shop.data_dir], capture_output=True, text=True, timeout=60)
        assert audit.returncode == 0, audit.stdout + audit.stderr


def test_pictures_that_cannot_be_made_are_told_by_the_doctor_and_by_a_start(tmp_path):
    broken = tmp_path / "libraries"
    broken.mkdir()
    (broken / "libvips.so.42").write_text("")  # found before the machine's own
    shop = Shop(tmp_path / "data")
    with shop:
        code, said = doctor(shop)
        assert code == 0 and "ok    pictures can be made" in said, said
        code, said = doctor(shop, LD_LIBRARY_PATH=str(broken))
        assert code == 0 and re.search(r"^lacks what makes pictures.*libvips42", said, re.M), said
        assert not any("processing" in line for line in shop.errors), shop.errors
    shop.environment["LD_LIBRARY_PATH"] = str(broken)
    with shop:
        eventually(lambda: any("stay `processing`" in line and "libvips42" in line for line in shop.errors), what="it is told")
        assert shop.client().get("/health").status == 200
    code, said = doctor(shop, LD_LIBRARY_PATH=str(broken))
    assert code == 0 and "lacks what makes" in said, said
