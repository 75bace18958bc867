"""Audits of a shop on engines that run as servers, and moves of a shop between them and the embedded ones.

    ./dev test engines
"""

import copy
import http.client
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from shop import ADDRESS, Client, Shop, binary, eventually  # noqa: E402
from test_shop import UNLIMITED, Places, stoa  # noqa: E402

KEY_VALUES = ("postgres", "dynamodb")


class Dynamo:
    """Items as whoever goes behind the shop's back changes them. The local engine checks no signature."""

    def __init__(self, places):
        where = urllib.parse.urlsplit(places.settings["aws_endpoint_url_dynamodb"])
        self.host, self.port, self.prefix = where.hostname, where.port, places.settings["dynamodb_table_prefix"]

    def call(self, operation, table, **more):
        at = http.client.HTTPConnection(self.host, self.port, timeout=30)
        at.request("POST", "/", json.dumps({"TableName": self.prefix + table, **more}),
                   {"X-Amz-Target": "DynamoDB_20120810." + operation, "Content-Type": "application/x-amz-json-1.0",
                    "X-Amz-Date": "20260101T000000Z",
                    "Authorization": "AWS4-HMAC-SHA256 Credential=stoalocal/20260101/us-east-1/dynamodb/aws4_request, "
                                     "SignedHeaders=host;x-amz-date, Signature=00"})
        got = at.getresponse()
        body = json.loads(got.read() or b"{}")
        assert got.status == 200, body
        return body

    def items(self, table):
        return self.call("Scan", table, ConsistentRead=True)["Items"]


def psql(places, text):
    done = subprocess.run(["psql", "-XAtq", places.settings["database_url"], "-c", text], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def config(places, folder="verbs"):
    """What the verbs are given beside a shop that runs elsewhere."""
    return ["--config", places.file(), "--data-dir", str(places.folder / folder), "--currency", "GBP"]


def audit(*where, clean=True, within_s=180):
    done = stoa("audit", "--json", *where, within_s=within_s)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["clean"] == clean and done.returncode == (0 if clean else 1), report["findings"]
    return report


def broken(*where):
    return {(each["name"], each["subject"]) for each in audit(*where, clean=False)["findings"]}


def order_of(product, quantity=1, **more):
    given = {"items": [{"product_id": product, "quantity": quantity}], "shipping_address": ADDRESS,
             "payment_method": "credit_card", **more}
    return {name: value for name, value in given.items() if value is not None}


class Story:
    """A shop that has seen an order of each kind; its ids."""

    def __init__(self, shop):
        self.operator, self.customer = shop.operator(), shop.customer("ann@example.com")
        self.signed_in = time.monotonic()
        made = [self.operator.post("/api/v1/products", {"name": name, "price": 12.5, "stock": 100}) for name in ("Mug", "Lamp")]
        assert all(each.status == 201 for each in made), made
        self.mug, self.lamp = (each.json["id"] for each in made)
        rows = "sku,name,price,stock\n" + "".join(f"S-{i},Cup {i},3.00,5\n" for i in range(50))
        self.operator.post("/api/v1/products/import?wait=60", raw=rows.encode(), headers={"Content-Type": "text/csv"})
        assert self.customer.put("/api/v1/cart", {"items": [{"product_id": self.mug, "quantity": 3},
                                                            {"product_id": self.lamp, "quantity": 1}]}).status == 200
        self.key = {"Idempotency-Key": "k-1"}
        self.placed = self.customer.post("/api/v1/orders", order_of(self.mug, 2), headers=self.key)
        self.paid = self.placed.json["id"]
        self.shipped, self.cancelled, self.refunded = (
            self.customer.post("/api/v1/orders", order_of(self.lamp)).json["id"] for _ in range(3))
        self.declined = self.customer.post("/api/v1/orders", order_of(self.mug, payment_method="tok_declined")).json["id"]
        for each in (self.paid, self.shipped, self.cancelled, self.refunded):
            self.await_status(each, "paid")
        self.await_status(self.declined, "payment_failed")
        for verb, each in (("ship", self.shipped), ("ship", self.refunded), ("refund", self.refunded)):
            assert self.operator.post(f"/api/v1/orders/{each}/{verb}", {}).status < 300
        assert self.operator.put(f"/api/v1/orders/{self.cancelled}/cancel", {}).status < 300
        self.await_status(self.cancelled, "cancelled")
        self.await_status(self.refunded, "refunded")
        self.waiting = self.customer.post("/api/v1/orders", order_of(self.mug, 4, payment_method=None)).json["id"]
        views = [{"event_type": "VIEW_PRODUCT", "product_id": self.mug, "user_id": f"u-{i}", "timestamp": "2026-01-02T03:04:05Z",
                  "metadata": {"session_id": "s-1"}} for i in range(20)]
        for each in views:
            assert self.customer.post("/api/v1/events", each).status == 202
        eventually(lambda: self.operator.get(f"/api/v1/orders/{self.refunded}").json["refunded_amount"] == 12.5, within_s=60,
                   what="the refund")

    def await_status(self, order, status):
        eventually(lambda: self.operator.get(f"/api/v1/orders/{order}").json["status"] == status, within_s=60,
                   what=f"{order} is {status}")


def settle(*where):
    """Everybody has done what there is to do."""
    eventually(lambda: audit(*where)["in_flight"] == 0, within_s=120, what="nothing is on its way")


@pytest.fixture(scope="module", params=KEY_VALUES)
def lived(tmp_path_factory, request):
    """A shop on engines that has lived and was stopped: its places and its story."""
    folder = tmp_path_factory.mktemp(request.param)
    places = Places(folder, "lived-" + request.param, request.param)
    got = stoa("migrate", "--config", places.file(), "--data-dir", str(folder / "data"))
    assert got.returncode == 0, got.stderr
    with Shop(folder / "data", *UNLIMITED, "--config", places.file()) as shop:
        story = Story(shop)
        settle("--data-dir", str(folder / "data"), "--config", places.file())  # by the process that serves
        shop.stop()
    return places, story


def test_a_stopped_shop_on_engines_is_clean(lived):
    places, _ = lived
    report = audit(*config(places))
    assert (report["orders"], report["products"], report["unsettled"]) == (6, 52, 0), report
    assert report["payments"] >= 5 and report["notifications"] > 6 and report["events"] > 20 and report["intents"] >= 4, report
    assert report["carts"] == 1 and report["imports"] == 1 and report["idempotency_keys"] > 0, report


class Hand:
    """Somebody in the stores, past the services; all of it is undone at the end."""

    def __init__(self, places):
        self.places, self.dynamo = places, Dynamo(places) if places.settings["key_value"] == "dynamodb" else None
        self.undo = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in reversed(self.undo):
            each()

    def sql(self, table, change, where):
        """`change` is the statement without its condition."""
        kept = f"kept_{len(self.undo)}"
        psql(self.places, f"CREATE TABLE {kept} AS SELECT * FROM {table} WHERE {where}")
        psql(self.places, f"{change} WHERE {where}")
        self.undo.append(lambda: psql(self.places, f"BEGIN; DELETE FROM {table} WHERE {where}; INSERT INTO {table} SELECT * FROM "
                                                   f"{kept}; DROP TABLE {kept}; COMMIT"))

    def lose(self, table, **key):
        """An item is gone."""
        (name, value), *more = key.items()
        if not self.dynamo:
            where = f"h = '{value}'::BYTEA" + "".join(f" AND r = '{each}'::BYTEA" for _, each in more)
            return self.sql(f'"kv_{table}"', f'DELETE FROM "kv_{table}"', where)
        typed = {name: {"S": value} for name, value in key.items()}
        kept = self.dynamo.call("GetItem", table, Key=typed, ConsistentRead=True)["Item"]
        self.dynamo.call("DeleteItem", table, Key=typed)
        self.undo.append(lambda: self.dynamo.call("PutItem", table, Item=kept))

    def change(self, table, item, name, value):
        kept = dict(item)
        self.dynamo.call("PutItem", table, Item={**item, name: value})
        self.undo.append(lambda: self.dynamo.call("PutItem", table, Item=kept))


def test_rows_that_were_changed_behind_its_back_are_named(lived):
    places, story = lived
    with Hand(places) as hand:
        hand.sql("products", "UPDATE products SET on_hand = on_hand + 1", f"id = '{story.mug}'")
        hand.sql("products", "UPDATE products SET reserved = reserved + 1", f"id = '{story.lamp}'")
        hand.sql("holds", "UPDATE holds SET status = 'released'", f"order_id = '{story.paid}'")
        hand.sql("hold_lines", "UPDATE hold_lines SET quantity = 9", f"order_id = '{story.waiting}'")
        hand.sql("imported_rows", "DELETE FROM imported_rows", "row_number = 7")
        hand.lose("ecommerce-orders", id=story.cancelled)
        named = broken(*config(places))
        (file_hash,) = {psql(places, "SELECT DISTINCT substr(file_hash, 1, 16) FROM imported_rows")}
        assert named >= {("on_hand_is_the_sum_of_movements", story.mug), ("reserved_is_what_is_held", story.lamp),
                         ("holds_follow_their_orders", story.paid), ("holds_follow_their_orders", story.waiting),
                         ("imported_rows_counted_once", f"import:{file_hash}:7"), ("captures_have_an_order", story.cancelled),
                         ("state_has_its_events", story.cancelled), ("totals_match_the_orders", "cancelled")}, named
        assert {subject for _, subject in named} <= {
            story.mug, story.lamp, story.paid, story.waiting, story.cancelled, f"import:{file_hash}:7", "cancelled"} | {
            subject for rule, subject in named if subject.startswith("orders:user:") or rule == "a_key_has_one_answer"}, named
    audit(*config(places))


def test_items_that_were_changed_behind_its_back_are_named(lived):
    places, story = lived
    with Hand(places) as hand:
        expected = set()
        if hand.dynamo:
            orders = {each["id"]["S"]: each for each in hand.dynamo.items("ecommerce-orders")}
            hand.change("ecommerce-orders", orders[story.paid], "total_amount", {"N": "1"})
            hand.change("ecommerce-orders", orders[story.shipped], "status", {"S": "delivered"})
            expected |= {("lines_add_up_to_the_total", story.paid), ("paid_orders_are_captured_in_full", story.paid),
                         ("state_has_its_events", story.shipped), ("totals_match_the_orders", "shipped"),
                         ("totals_match_the_orders", "delivered")}
            mail = next(each for each in hand.dynamo.items("ecommerce-notifications") if each.get("order_id") == {"S": story.refunded})
            hand.lose("ecommerce-notifications", event_id=mail["event_id"]["S"], channel=mail["channel"]["S"])
            expected.add(("one_mail_an_event", mail["event_id"]["S"]))
            attempt = next(each for each in hand.dynamo.items("ecommerce-payments")
                           if each["order_id"]["S"] == story.refunded and each.get("status", {}).get("S") == "succeeded")
            hand.change("ecommerce-payments", attempt, "amount", {"N": "7"})
            expected |= {("order_and_payment_agree", story.refunded), ("the_provider_agrees", attempt["transaction_id"]["S"])}
        else:
            event = psql(places, """SELECT encode(h, 'escape') FROM "kv_ecommerce-notifications" ORDER BY h LIMIT 1""")
            hand.lose("ecommerce-notifications", event_id=event, channel="email")
            hand.lose("ecommerce-payments", id="order:" + story.waiting)
            payment = psql(places, """SELECT encode(h, 'escape') FROM "kv_ecommerce-payments" WHERE encode(body, 'escape') LIKE """
                                   f"""'%{story.paid}%succeeded%' LIMIT 1""")
            hand.lose("ecommerce-payments", id=payment)
            expected |= {("one_mail_an_event", event), ("order_and_payment_agree", story.paid),
                         ("state_has_its_events", story.paid)}
        named = broken(*config(places))
        assert named >= expected, (expected - named, named)
    audit(*config(places))


def keep_of(story):
    """What must be the same wherever the shop lives."""
    operator = story.operator
    return {
        "orders": {each: operator.get(f"/api/v1/orders/{each}").json
                   for each in (story.paid, story.shipped, story.cancelled, story.refunded, story.declined, story.waiting)},
        "stock": {each: operator.get(f"/api/v1/products/{each}/stock").json for each in (story.mug, story.lamp)},
        "products": operator.get("/api/v1/products?limit=1").json["total"],
        "cart": story.customer.get("/api/v1/cart").json["items"],
        "invoice": story.customer.get(f"/api/v1/orders/{story.paid}/invoice").body,
        "mails": sorted(each["event_id"] for each in operator.get("/api/v1/notifications?limit=100").json["notifications"])}


def by_port(story, shop):
    """The story's people at another shop. Whoever was signed in there is signed in here."""
    if time.monotonic() - story.signed_in < 500:  # a token is good for ten minutes
        assert Client(shop.port, story.customer.token).get("/api/v1/cart").status == 200
    story.operator, story.customer = shop.operator(), shop.login("ann@example.com", "correct horse 9")
    story.signed_in = time.monotonic()


def goes_on(story, shop):
    """The shop has everything, and takes orders."""
    by_port(story, shop)
    again = story.customer.post("/api/v1/orders", order_of(story.mug, 2), headers=story.key)
    assert (again.status, again.body) == (201, story.placed.body) and again.headers["idempotent-replayed"] == "true", again
    fresh = story.customer.post("/api/v1/orders", order_of(story.mug)).json["id"]
    story.await_status(fresh, "paid")
    paying = story.customer.post("/api/v1/payments", {"order_id": story.waiting, "amount": 50, "payment_method": "credit_card"})
    assert paying.status < 300, paying
    story.await_status(story.waiting, "paid")


def events_of(data_dir):
    with sqlite3.connect(pathlib.Path(data_dir, "shop.db")) as db:
        return db.execute("SELECT p.topic, p.partition, e.position & ((1 << 40) - 1), e.key, e.id, e.type, e.version, e.occurred_at, "
                          "e.payload FROM events e JOIN log_partitions p ON p.id = e.position >> 40 ORDER BY 1, 2, 3").fetchall()


def beginnings_of(data_dir):
    with sqlite3.connect(pathlib.Path(data_dir, "shop.db")) as db:
        return db.execute("SELECT topic, partition, first_offset FROM log_partitions WHERE first_offset > 0 ORDER BY 1, 2").fetchall()


def groups_of(data_dir):
    with sqlite3.connect(pathlib.Path(data_dir, "shop.db")) as db:
        return db.execute("SELECT c.consumer_group, p.topic, p.partition, c.next_offset FROM log_consumers c JOIN log_partitions p "
                          "ON p.id = c.partition_id WHERE c.next_offset > 0 ORDER BY 1, 2, 3").fetchall()


@pytest.fixture
def house(lived_at_home):
    root, story, kept = lived_at_home
    return root, copy.copy(story), kept


@pytest.fixture(scope="module")
def lived_at_home(tmp_path_factory):
    """An embedded shop that has lived and was stopped, and its backup."""
    root = tmp_path_factory.mktemp("house")
    with Shop(root / "data", *UNLIMITED) as shop:
        story = Story(shop)
        settle("--data-dir", str(root / "data"))
        kept = keep_of(story)
        shop.stop()
    # As retention does: the log of viewers begins later.
    with sqlite3.connect(root / "data" / "shop.db") as db:
        shares = db.execute("SELECT id FROM log_partitions WHERE topic = 'ecom-raw-events'").fetchall()
        for (share,) in shares:
            oldest = [row[0] for row in db.execute("SELECT position FROM events WHERE position >> 40 = ? ORDER BY 1 LIMIT 3", (share,))]
            db.executemany("DELETE FROM events WHERE position = ?", [(each,) for each in oldest])
            db.execute("UPDATE log_partitions SET first_offset = ? WHERE id = ?", (len(oldest), share))
    done = stoa("backup", str(root / "house.bak"), "--data-dir", str(root / "data"), "--currency", "GBP")
    assert done.returncode == 0, done.stderr
    return root, story, kept


@pytest.mark.parametrize("key_value", KEY_VALUES)
def test_a_shop_moves_into_engines_and_back(tmp_path, house, key_value):
    root, story, kept = house
    before = audit("--data-dir", str(root / "data"), "--currency", "GBP")
    places = Places(tmp_path, "moved-" + key_value, key_value)
    there = config(places, "new")
    moved = stoa("restore", str(root / "house.bak"), *there, within_s=180)
    assert moved.returncode == 0 and "stoa audit" in moved.stdout, moved.stderr
    assert audit(*there) == before
    again = stoa("restore", str(root / "house.bak"), *there, within_s=180)
    assert again.returncode == 1 and "nothing is overwritten" in again.stderr, again
    # Straight back: nothing was lost on the way.
    back = stoa("backup", str(tmp_path / "back.bak"), *there, within_s=180)
    assert back.returncode == 0, back.stderr
    assert stoa("restore", str(tmp_path / "back.bak"), "--data-dir", str(tmp_path / "back"), "--currency", "GBP").returncode == 0
    assert events_of(tmp_path / "back") == events_of(root / "data")
    assert groups_of(tmp_path / "back") == groups_of(root / "data")
    assert beginnings_of(tmp_path / "back") == beginnings_of(root / "data") != []
    assert audit("--data-dir", str(tmp_path / "back"), "--currency", "GBP") == before
    # It lives on in its new house.
    with Shop(tmp_path / "new", *UNLIMITED, "--config", places.file()) as shop:
        by_port(story, shop)
        assert keep_of(story) == kept
        goes_on(story, shop)
        settle(*there)
        busy = stoa("backup", str(tmp_path / "busy.bak"), *there, within_s=180)
        assert busy.returncode == 1 and "end them all" in busy.stderr and not (tmp_path / "busy.bak").exists(), busy
        lived_on = keep_of(story)
        shop.stop()
    # And back home with all of that.
    home = stoa("backup", str(tmp_path / "home.bak"), *there, within_s=180)
    assert home.returncode == 0, home.stderr
    at_home = ["--data-dir", str(tmp_path / "home"), "--currency", "GBP"]
    assert stoa("restore", str(tmp_path / "home.bak"), *at_home).returncode == 0
    assert audit(*there) == audit(*at_home)
    with Shop(tmp_path / "home", *UNLIMITED) as shop:
        by_port(story, shop)
        assert keep_of(story) == lived_on
        fresh = story.customer.post("/api/v1/orders", order_of(story.lamp)).json["id"]
        story.await_status(fresh, "paid")
        settle(*at_home)


@pytest.mark.parametrize("key_value", KEY_VALUES)
def test_a_restore_that_is_killed_again_and_again_is_ended_by_the_same_command(tmp_path, house, key_value):
    root, story, kept = house
    before = audit("--data-dir", str(root / "data"), "--currency", "GBP")
    places = Places(tmp_path, "killed-" + key_value, key_value)
    there = config(places, "new")
    began, kills, marked, wait_s = time.monotonic(), 0, 0, 0.3
    while True:
        restoring = subprocess.Popen([binary(), "restore", str(root / "house.bak"), *there], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
        try:
            restoring.wait(wait_s)
            break
        except subprocess.TimeoutExpired:
            restoring.kill()
            restoring.communicate()
        kills += 1
        wait_s *= 1.25
        refused = stoa("audit", *config(places))
        if "did not end" in refused.stderr:
            marked += 1
            assert "run `stoa restore`" in refused.stderr
            serving = stoa("serve", *there, "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0")
            assert serving.returncode == 1 and "did not end" in serving.stderr, serving
            other = tmp_path / "other.bak"
            if not other.exists():
                assert stoa("backup", str(other), "--data-dir", str(root / "data"), "--currency", "GBP").returncode == 0
            stranger = stoa("restore", str(other), *there)
            assert stranger.returncode == 1 and "another backup" in stranger.stderr, stranger
    told = restoring.communicate()
    assert restoring.returncode == 0, told
    print(f"{kills} kills, {marked} behind the first write, {time.monotonic() - began:.0f} s")
    assert kills > 2 and marked > 0
    assert audit(*there) == before
    with Shop(tmp_path / "new", *UNLIMITED, "--config", places.file()) as shop:
        by_port(story, shop)
        assert keep_of(story) == kept


def test_what_is_no_backup_touches_no_engine(tmp_path, house):
    root, _, _ = house
    whole = (root / "house.bak").read_bytes()
    places = Places(tmp_path, "untouched", "postgres")
    for name, content in (("cut", whole[:len(whole) // 2]), ("flipped", whole[:5_000] + bytes([whole[5_000] ^ 1]) + whole[5_001:]),
                          ("foreign", b"PK\x03\x04 and so on"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        refused = stoa("restore", str(tmp_path / name), *config(places, "new"))
        assert refused.returncode == 1 and ("is damaged" in refused.stderr or "no backup of Stoa" in refused.stderr), refused
    wrong = stoa("restore", str(root / "house.bak"), *config(places, "new")[:-2], "--currency", "JPY")
    assert wrong.returncode == 1 and "is of a shop in GBP" in wrong.stderr, wrong
    assert psql(places, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'") == "0"


@pytest.mark.parametrize("changed, told", [
    ({"database_url": "postgresql://app@127.0.0.1:1/nowhere"}, "database_url"),
    ({"kafka_brokers": "127.0.0.1:1"}, "kafka"),
    ({"aws_endpoint_url_dynamodb": "http://127.0.0.1:1"}, "127.0.0.1:1"),
    ({"aws_endpoint_url_s3": "http://127.0.0.1:1"}, "127.0.0.1:1"),
    ({"aws_secret_access_key": "another"}, "AWS"),
])
def test_engines_that_cannot_be_reached_are_named(tmp_path, house, changed, told):
    root, _, _ = house
    places = Places(tmp_path, "unreached", "dynamodb")
    there = ["--config", places.file(**changed), "--data-dir", str(tmp_path / "new"), "--currency", "GBP"]
    refused = stoa("restore", str(root / "house.bak"), *there, within_s=120)
    assert refused.returncode == 1 and told.lower() in refused.stderr.lower(), refused
    assert not (tmp_path / "new" / "keys.json").exists()


class Buyers:
    """Customers who order until they are told to stop."""

    def __init__(self, shop, products, n=3):
        self.orders, self.failures, self.over = [], [], threading.Event()
        self.threads = [threading.Thread(target=self._buy, args=(shop, products, i), daemon=True) for i in range(n)]
        for each in self.threads:
            each.start()

    def _buy(self, shop, products, i):
        try:
            client = shop.guest()
            while not self.over.is_set():
                got = client.post("/api/v1/orders", order_of(products[i % len(products)]))
                assert got.status == 201, got
                self.orders.append(got.json["id"])
        except Exception as why:
            self.failures.append(why)

    def stop(self):
        self.over.set()
        for each in self.threads:
            each.join(30)
        if self.failures:
            raise self.failures[0]


@pytest.mark.parametrize("key_value", KEY_VALUES)
def test_an_audit_beside_buyers_doubts_nothing_and_names_what_is_broken(tmp_path, key_value):
    places = Places(tmp_path, "busy-" + key_value, key_value)
    assert stoa("migrate", *config(places)).returncode == 0
    with Shop(tmp_path / "data", *UNLIMITED, "--config", places.file()) as shop:
        operator = shop.operator()
        products = [operator.post("/api/v1/products", {"name": f"Cup {i}", "price": 3, "stock": 100_000}).json["id"]
                    for i in range(3)]
        still = operator.post("/api/v1/products", {"name": "Still life", "price": 3, "stock": 7}).json["id"]
        buyers = Buyers(shop, products)
        try:
            eventually(lambda: len(buyers.orders) > 30, within_s=60, what="orders")
            for where in (config(places), ["--data-dir", str(tmp_path / "data"), "--config", places.file()]):
                reached = len(buyers.orders)
                report = audit(*where)
                assert report["orders"] >= reached and report["in_flight"] > 0, report
                print(f"beside {len(buyers.orders) - reached} orders:", {k: report[k] for k in ("orders", "in_flight", "unsettled")})
            with Hand(places) as hand:
                hand.sql("products", "UPDATE products SET on_hand = 8", f"id = '{still}'")
                hand.sql("holds", "UPDATE holds SET status = 'released'", f"order_id = '{buyers.orders[0]}'")
                named = broken(*config(places))
                assert named == {("on_hand_is_the_sum_of_movements", still), ("holds_follow_their_orders", buyers.orders[0])}, named
        finally:
            buyers.stop()
        settle(*config(places))


@pytest.mark.parametrize("key_value", KEY_VALUES)
def test_a_shop_that_was_killed_moves_with_what_was_on_its_way(tmp_path, key_value):
    places = Places(tmp_path, "cut-" + key_value, key_value)
    assert stoa("migrate", *config(places)).returncode == 0
    with Shop(tmp_path / "data", *UNLIMITED, "--config", places.file()) as shop:
        product = shop.operator().post("/api/v1/products", {"name": "Mug", "price": 3, "stock": 100_000}).json["id"]
        buyers = Buyers(shop, [product], n=6)
        eventually(lambda: len(buyers.orders) > 60, within_s=60, what="orders")
        buyers.over.set()
        shop.kill()
        for each in buyers.threads:
            each.join(30)
    # What it had told the server is the server's to end: until then the shop is not at rest.
    eventually(lambda: psql(places, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") == "0",
               within_s=60, what="the killed process's sessions are over")
    report = audit(*config(places, "data"))
    waiting = int(psql(places, 'SELECT count(*) FROM "kv_ecommerce-outbox"'))
    if key_value == "dynamodb":
        waiting += len(Dynamo(places).items("ecommerce-outbox"))
    print(f"killed with {report['in_flight']} orders on their way, {waiting} events in the outbox")
    assert report["in_flight"] > 0
    done = stoa("backup", str(tmp_path / "cut.bak"), *config(places, "data"), within_s=180)
    assert done.returncode == 0, done.stderr
    at_home = ["--data-dir", str(tmp_path / "home"), "--currency", "GBP"]
    assert stoa("restore", str(tmp_path / "cut.bak"), *at_home).returncode == 0
    assert audit(*at_home)["orders"] == report["orders"]
    with Shop(tmp_path / "home", *UNLIMITED) as shop:
        operator = shop.operator()
        for each in buyers.orders:
            eventually(lambda: operator.get(f"/api/v1/orders/{each}").json["status"] == "paid", within_s=60, what=f"{each} is paid")
        settle(*at_home)
        paid = operator.get("/api/v1/orders?status=paid&limit=1").json["total"]
        assert len(buyers.orders) <= paid <= report["orders"]
        assert operator.get(f"/api/v1/products/{product}/stock").json["on_hand"] == 100_000 - paid


@pytest.mark.parametrize("key_value", KEY_VALUES)
def test_a_schema_one_version_ahead_is_served_or_refused_by_what_it_says(tmp_path, key_value):
    places = Places(tmp_path, "ahead-" + key_value, key_value)
    assert stoa("migrate", *config(places)).returncode == 0
    last = int(psql(places, "SELECT max(version) FROM schema_migrations WHERE component = 'product'"))

    def next_version(serves):
        psql(places, "DELETE FROM schema_migrations WHERE checksum = 1")
        psql(places, "INSERT INTO schema_migrations (component, version, name, checksum, serves, applied_at) VALUES ('product', "
                     f"{last + 1}, '9999_of_the_next', 1, {serves}, '2030-01-01T00:00:00.000000Z')")

    # The next version has expanded: a column that this one does not know, which it says serves this one, too.
    psql(places, "ALTER TABLE products ADD COLUMN of_the_next TEXT")
    next_version(serves=last)
    with Shop(tmp_path / "data", *UNLIMITED, "--config", places.file()) as shop:
        operator, customer = shop.operator(), shop.customer()
        product = operator.post("/api/v1/products", {"name": "Mug", "price": 5, "stock": 9}).json["id"]
        order = customer.post("/api/v1/orders", order_of(product)).json["id"]
        eventually(lambda: customer.get(f"/api/v1/orders/{order}").json["status"] == "paid", within_s=60, what="paid")
    # It has contracted: what this version reads is not there any more.
    next_version(serves=last + 1)
    for verb in (["serve", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"], ["audit"], ["migrate"]):
        refused = stoa(*verb, *config(places))
        assert refused.returncode == 1 and "9999_of_the_next" in refused.stderr and "newer" in refused.stderr, refused
    if key_value == "dynamodb":
        psql(places, "DELETE FROM schema_migrations WHERE checksum = 1")
        dynamo = Dynamo(places)
        # An index of the next version's is none of our business; one of ours that is missing is named.
        dynamo.call("UpdateTable", "ecommerce-orders", AttributeDefinitions=[{"AttributeName": "of_the_next", "AttributeType": "S"}],
                    GlobalSecondaryIndexUpdates=[{"Create": {
                        "IndexName": "by_the_next", "KeySchema": [{"AttributeName": "of_the_next", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"}}}])
        with Shop(tmp_path / "data", *UNLIMITED, "--config", places.file()) as shop:
            assert shop.login("someone@example.com", "correct horse 9").post("/api/v1/orders", order_of(product)).status == 201
        dynamo.call("UpdateTable", "ecommerce-payments", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_order"}}])
        refused = stoa("serve", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", *config(places))
        assert refused.returncode == 1 and "by_order" in refused.stderr and "stoa migrate" in refused.stderr, refused
