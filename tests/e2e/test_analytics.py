"""Windows of the real program against a plain batch over the same events (windows.py)."""

import csv
import decimal
import gzip
import json
import os
import pathlib
import random
import sqlite3
import subprocess
import time

import pytest

import windows
from shop import Shop, binary, eventually
from test_online_retail import real_folder
from windows import VIEWS, Event, ms_of, text_of


def replay(source, results, *flags):
    return subprocess.run([binary(), "replay", f"--source={source}", f"--results={results}", *flags],
                          capture_output=True, text=True, timeout=600)


def rows(results, pipeline):
    with open(pathlib.Path(results, pipeline + ".jsonl"), encoding="utf-8") as file:
        out = [json.loads(line, parse_float=decimal.Decimal) for line in file]
    assert len({(each["window_start"], str([each.get(k) for k in ("product_id", "currency", "status", "user_id")]))
                for each in out}) == len(out), "a window stands there twice"
    return out


def cents(amount):
    return int(amount * 100)


def by(results, pipeline, key, *values):
    """(start, key) → the values; one value by itself."""
    out = {}
    for each in rows(results, pipeline):
        made = tuple(cents(each[v[:-1]]) if v.endswith("$") else each[v] for v in values)
        out[(ms_of(each["window_start"]), key(each))] = made[0] if len(made) == 1 else made
    return out


def check_minutes(results, events):
    good, late = windows.on_time(events, 60_000)
    assert by(results, "product_viewers", lambda e: e["product_id"], "unique_user_count") == \
        windows.product_viewers(good)
    order = ("order_count", "total_revenue$", "total_items", "unique_users", "average_order_value$")
    assert by(results, "orders_by_minute", lambda e: e["currency"], *order) == windows.orders(good, 60_000)
    amounts = ("payment_count", "total_amount$")
    assert by(results, "payments_overall", lambda e: e["currency"], *amounts) == \
        windows.payments(good, lambda e: e.fields["currency"])
    assert by(results, "payments_by_status", lambda e: (e["status"], e["currency"]), *amounts) == \
        windows.payments(good, lambda e: (e.fields["word"], e.fields["currency"]))
    assert by(results, "payments_by_user", lambda e: (e["user_id"], e["currency"]), *amounts) == \
        windows.payments(good, lambda e: (e.fields["user"], e.fields["currency"]))
    assert by(results, "captured_by_minute", lambda e: e["currency"], "captured$", "refunded$",
              "captured_revenue$") == windows.captured(good)
    assert {start: n for (start, _), n in by(results, "viewers_by_minute", lambda e: "", "viewers").items()} == \
        windows.viewers(good)
    return late


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_pipeline_of_a_file_is_what_a_batch_gives(tmp_path, seed):
    events = windows.generated(seed)
    windows.write(tmp_path / "in.jsonl", events)
    told = replay(tmp_path / "in.jsonl", tmp_path / "out")
    assert told.returncode == 0, told.stderr
    assert f"{len(events)} events, 0 late, 0 bad lines" in told.stderr
    assert check_minutes(tmp_path / "out", events) == []
    order = ("order_count", "total_revenue$", "total_items", "unique_users", "average_order_value$")
    for name, size in (("orders_by_hour", 3_600_000), ("orders_by_day", 86_400_000)):
        assert by(tmp_path / "out", name, lambda e: e["currency"], *order) == windows.orders(events, size)
    stages = ("viewed", "added_to_cart", "ordered", "paid")
    assert {start: v for (start, _), v in by(tmp_path / "out", "funnel", lambda e: "", *stages).items()} == \
        windows.funnel(events)
    top = {ms_of(each["window_start"]): [(p["id"], p["events"]) for p in each["products"]]
           for each in rows(tmp_path / "out", "top_products")}
    assert top == windows.top_products(events)
    spells = {(ms_of(each["window_start"]), each["product_id"]):
              (ms_of(each["window_end"]), each["events"], each["unique_users"])
              for each in rows(tmp_path / "out", "product_interest")}
    assert spells == windows.sessions(events)


@pytest.mark.parametrize("seed", range(11, 14))
def test_late_events_of_a_file_change_nothing_and_are_counted(tmp_path, seed):
    events = windows.generated(seed, late=0.03)
    windows.write(tmp_path / "in.jsonl", events)
    told = replay(tmp_path / "in.jsonl", tmp_path / "out")
    late = check_minutes(tmp_path / "out", events)
    assert len(late) > 20
    # Orders that are no order.created, and what only longer windows take, count by their own windows.
    assert told.returncode == 0, told.stderr


def test_bad_lines_are_named_and_no_window_is_wrong(tmp_path):
    events = windows.generated(21, count=500)
    future = text_of(int(time.time() * 1000) + 86_400_000)
    bad = ["", "no json", "[1]", '{"user_id":"u1"}', '{"topic":"sales","payload":{}}', '{"topic":"orders"}',
           '{"topic":"payment.failed","payload":{"orderId":"o","userId":"u","amount":1,"currency":"EUR"}}',
           '{"topic":"orders","payload":{"order_id":"o","user_id":"u","total_amount":1.234,"currency":"EUR",'
           '"items_count":1,"event_type":"order.created","occurred_at":"2011-12-01T00:00:00Z"}}',
           f'{{"user_id":"u","product_id":"p0","event_type":"VIEW_PRODUCT","timestamp":"{future}","metadata":{{}}}}',
           "x" * (5 << 20)]
    lines = list(events)
    for n, each in enumerate(bad):
        lines.insert(37 * (n + 1), each)
    windows.write(tmp_path / "in.jsonl", lines)
    told = replay(tmp_path / "in.jsonl", tmp_path / "out")
    assert told.returncode == 1
    assert f"{len(events)} events, 0 late, {len(bad) - 1} bad lines" in told.stderr, told.stderr
    assert "line 75: is no JSON" in told.stderr
    assert "the event has not happened yet" in told.stderr
    check_minutes(tmp_path / "out", events)
    assert replay(tmp_path / "none.jsonl", tmp_path / "out").returncode == 1
    assert "is a folder" in replay(tmp_path, tmp_path / "out").stderr
    huge = Event(VIEWS, 1_322_000_000_000, "h", user="u", product="p", word="VIEW_PRODUCT").line()
    huge["metadata"] = {"x": "y" * (1 << 20)}
    (tmp_path / "huge.jsonl").write_text(json.dumps(huge) + "\n")
    assert "1 events, 0 late, 0 bad lines" in replay(tmp_path / "huge.jsonl", tmp_path / "huge").stderr


def invoices(folder):
    """Each line that a customer bought a view, each invoice an order, at the times that the shop wrote."""
    with gzip.open(next(pathlib.Path(folder).glob("invoices-*.csv.gz")), "rt", encoding="utf-8", newline="") as file:
        bought = {}
        for n, row in enumerate(csv.DictReader(file)):
            quantity, price = int(row["Quantity"]), decimal.Decimal(row["UnitPrice"])
            if not row["CustomerID"] or quantity <= 0 or price <= 0:
                continue
            ms = ms_of(row["InvoiceDate"].replace(" ", "T").removesuffix("Z") + "Z")
            yield Event(VIEWS, ms, f"v{n}", user=row["CustomerID"], product=row["StockCode"], word="VIEW_PRODUCT")
            order = bought.setdefault(row["InvoiceNo"], [ms, row["CustomerID"], decimal.Decimal(0), 0])
            order[2] += quantity * price
            order[3] += quantity
    for number, (ms, customer, total, units) in bought.items():
        amount = int((total * 100).to_integral_value())
        yield Event("orders", ms, f"o{number}", user=customer, order=number, word="order.created", amount=amount,
                    quantity=units, currency="GBP")


def test_a_real_shops_seven_months_are_what_a_batch_gives(tmp_path):
    folder = real_folder()
    if not (folder / "products.csv").exists():
        pytest.skip(f"no real invoices: {folder} is not there (STOA_ONLINE_RETAIL names the folder)")
    events = sorted(invoices(folder), key=lambda e: e.ms)
    windows.write(tmp_path / "in.jsonl", events)
    told = replay(tmp_path / "in.jsonl", tmp_path / "out")
    assert told.returncode == 0, told.stderr
    assert f"{len(events)} events, 0 late, 0 bad lines" in told.stderr
    assert check_minutes(tmp_path / "out", events) == []
    viewers = windows.product_viewers(events)
    assert len(viewers) == 168_744 and max(viewers.values()) == 3


# --- the running shop

def send(shop, path):
    return subprocess.run([binary(), "replay", f"--source={path}", "--send", "--data-dir", shop.data_dir],
                          capture_output=True, text=True, timeout=300)


def windows_of(client, product):
    got = client.get(f"/analytics?product_id={product}&limit=100")
    assert got.status == 200, got
    return {ms_of(each["window_start"]): each["unique_user_count"] for each in got.json["windows"]}


def views(seed, count, begin=1_322_000_000_000, spread=400):
    chance, now = random.Random(seed), begin
    for n in range(count):
        now += chance.randrange(0, spread)
        yield Event(VIEWS, now - chance.randrange(0, 9_000), f"v{n}", user=f"u{chance.randrange(40)}",
                    product=f"p{chance.randrange(25)}", word="VIEW_PRODUCT")


def test_a_replay_that_is_killed_again_and_again_gives_each_window_once(tmp_path):
    kills = int(os.environ.get("STOA_TEST_KILLS", "12"))
    chance = random.Random(5)
    events = list(views(3, 20_000))
    end = Event(VIEWS, events[-1].ms + 600_000, "end", user="z", product="end", word="VIEW_PRODUCT")
    shop = Shop(tmp_path / "shop").start()
    sent, size = 0, 500
    try:
        for start in range(0, len(events), size):
            windows.write(tmp_path / "part.jsonl", events[start:start + size])
            told = send(shop, tmp_path / "part.jsonl")
            assert told.returncode == 0, told.stderr
            sent += size
            if chance.random() < kills * size / len(events):
                time.sleep(chance.random() * 0.4)  # somewhere in the windows' work
                shop.kill()
                shop.start()
        windows.write(tmp_path / "part.jsonl", [end])
        assert send(shop, tmp_path / "part.jsonl").returncode == 0
        expected = windows.product_viewers(events)
        client = shop.client()
        for product in sorted({e.fields["product"] for e in events}):
            wanted = dict(sorted(((s, n) for (s, p), n in expected.items() if p == product), reverse=True)[:100])
            eventually(lambda: windows_of(client, product) == wanted, within_s=60)
        operator = shop.client(shop.local_token)
        sources = operator.get("/api/v1/analytics/sources").json["sources"]
        assert sum(each["late"] + each["bad"] for each in sources) == 0
        assert sum(each["events"] for each in sources if each["topic"] == VIEWS) == len(events) + 1
    finally:
        shop.stop()
    assert audit(shop).returncode == 0
    with sqlite3.connect(pathlib.Path(shop.data_dir, "shop.db")) as stores:
        lost = stores.execute('DELETE FROM "kv_ecommerce-analytics" WHERE (h, r) IN '
                              '(SELECT h, r FROM "kv_ecommerce-analytics" LIMIT 1)').rowcount
    assert lost == 1
    told = audit(shop)
    assert told.returncode == 1 and "viewers_are_the_logs" in told.stdout, told.stdout


def put_again(shop, *words):
    return subprocess.run([binary(), "replay", "--data-dir", shop.data_dir, *words], capture_output=True, text=True, timeout=120)


def stored_windows(shop, *statements):
    with sqlite3.connect(pathlib.Path(shop.data_dir, "shop.db"), timeout=30) as stores:
        for each in statements:
            stores.execute(each)
        return stores.execute('SELECT h, r, body FROM "kv_ecommerce-analytics" ORDER BY h, r').fetchall()


def least_mark(shop):
    sources = shop.client(shop.local_token).get("/api/v1/analytics/sources").json["sources"]
    return min(ms_of(each["mark"]) if each.get("mark") else -1 for each in sources if each["topic"] == VIEWS)


def test_the_shops_own_log_read_again_gives_the_windows_that_were(tmp_path):
    events = list(views(9, 3_000, spread=2_000))
    end = Event(VIEWS, events[-1].ms + 600_000, "end", user="z", product="end", word="VIEW_PRODUCT")
    shop = Shop(tmp_path / "shop").start()
    lose = 'DELETE FROM "kv_ecommerce-analytics" WHERE h IN (\'p1\', \'p2\')'
    try:
        for part in (events[:1_000], events[1_000:2_000], events[2_000:], [end]):
            windows.write(tmp_path / "part.jsonl", part)
            assert send(shop, tmp_path / "part.jsonl").returncode == 0
            # Each part has marks of its own behind it, as a shop's hours have.
            wanted = max(each.ms for each in part) - 120_000
            eventually(lambda: least_mark(shop) > wanted, within_s=30)
        expected = len(windows.product_viewers(events))
        eventually(lambda: len(stored_windows(shop)) == expected, within_s=60)
        before = stored_windows(shop)
        # By the shop that runs; from the middle nothing that is right is harmed.
        for words in ([], ["--topic=" + VIEWS]):
            shop.stop()
            assert len(stored_windows(shop, lose)) < expected
            shop.start()
            told = put_again(shop, "--from=0", *words)
            assert told.returncode == 0, told.stderr
            assert f"{len(events) + 1} events read, 0 late, 0 bad; " in told.stdout, told.stdout
            assert stored_windows(shop) == before
        told = put_again(shop, "--from=200", "--topic=" + VIEWS)
        assert told.returncode == 0 and "rows were left as they are" in told.stdout, told
        assert stored_windows(shop) == before
        for words, code, said in ((["--from=-1"], 2, "--from"), (["--from=two"], 2, "--from"), ([], 2, "give --source=FILE"),
                                  (["--from=0", "--source=x"], 2, "give --source=FILE"),
                                  (["--source=x", "--topic=orders"], 2, "give --source=FILE"),
                                  (["--from=0", "--topic=sales"], 1, "no pipeline reads topic `sales`"),
                                  (["--from=1000000"], 1, "no partition has come to offset 1000000")):
            told = put_again(shop, *words)
            assert told.returncode == code and said in told.stderr, (words, told)
    finally:
        shop.stop()
    # By itself, on a shop that is stopped.
    assert len(stored_windows(shop, lose)) < expected
    told = put_again(shop, "--from=0")
    assert told.returncode == 0, told.stderr
    assert stored_windows(shop) == before
    # As retention leaves a log: its first events are gone.
    stored_windows(shop, "UPDATE log_partitions SET first_offset = 100 WHERE topic = 'ecom-raw-events'")
    told = put_again(shop, "--from=99")
    assert told.returncode == 1 and "events of ecom-raw-events below offset 100 are not kept any more" in told.stderr, told
    assert stored_windows(shop) == before
    assert put_again(Shop(tmp_path / "none"), "--from=0").returncode == 1


def test_pipelines_that_are_left_to_another_engine_are_not_run(tmp_path):
    events = list(views(4, 2_000))
    end = Event(VIEWS, events[-1].ms + 600_000, "end", user="z", product="end", word="VIEW_PRODUCT")
    shop = Shop(tmp_path / "shop", "--analytics-pipelines", "product_viewers").start()
    try:
        windows.write(tmp_path / "in.jsonl", [*events, end])
        assert send(shop, tmp_path / "in.jsonl").returncode == 0
        expected = len(windows.product_viewers(events))
        eventually(lambda: len(stored_windows(shop)) == expected, within_s=60)
        operator = shop.operator()
        for path in ("viewers", "funnel", "top-products"):
            assert operator.get(f"/api/v1/analytics/{path}?live=true").json["windows"] == [], path
        assert shop.client().get("/api/v1/analytics/products/end?live=true").json["windows"][0]["unique_user_count"] == 1
        assert put_again(shop, "--from=0").returncode == 0
    finally:
        shop.stop()
    with sqlite3.connect(pathlib.Path(shop.data_dir, "shop.db")) as stores:
        assert stores.execute('SELECT count(*) FROM "kv_ecommerce-analytics-windows"').fetchone() == (0,)
    # Without any window of orders or payments, an audit that expects none finds nothing wrong.
    words = ["audit", "--data-dir", shop.data_dir, "--analytics-pipelines", "product_viewers"]
    assert subprocess.run([binary(), *words], capture_output=True, text=True, timeout=120).returncode == 0


def test_a_pipeline_that_is_none_stops_the_start_and_is_named(tmp_path):
    told = subprocess.run([binary(), "serve", "--data-dir", tmp_path / "shop", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                           "--analytics-pipelines", "funnel,funel"], capture_output=True, text=True, timeout=60)
    assert told.returncode == 1 and "`analytics_pipelines`: there is no pipeline `funel`; there are: product_viewers, " in told.stderr, told


def audit(shop):
    return subprocess.run([binary(), "audit", "--data-dir", shop.data_dir], capture_output=True, text=True, timeout=120)


def pages(client, path):
    cursor = ""
    while True:
        got = client.get(f"{path}?limit=100{cursor}").json
        yield from got["orders"]
        if not got.get("next_cursor"):
            return
        cursor = "&cursor=" + got["next_cursor"]


def total(client, path, member):
    got = client.get(f"/api/v1/analytics/{path}?live=true&limit=1000")
    assert got.status == 200, got
    return sum(round(each[member] * 100) for each in got.json["windows"])


def test_revenue_is_the_ledgers_to_the_cent_after_deaths(tmp_path):
    chance = random.Random(7)
    shop = Shop(tmp_path / "shop", "--shoppers", "40", demo=True).start()
    for _ in range(4):
        time.sleep(2 + 3 * chance.random())  # somewhere in the work of shoppers and windows
        shop.kill()
        shop.start()
    time.sleep(3)
    shop.stop()
    shop.flags = []
    shop.start()
    try:
        operator = shop.client(shop.local_token)

        def ledger():
            orders = [each for each in pages(operator, "/api/v1/orders") if each["status"] != "pending"]
            placed = sum(round(each["total_amount"] * 100) for each in orders
                         if each.get("reason") not in ("out_of_stock", "product_unavailable", "price_changed",
                                                       "order_expired"))
            captured = sum(round(each["total_amount"] * 100) - round((each.get("refunded_amount") or 0) * 100)
                           for each in orders if each["status"] in ("paid", "shipped", "delivered", "refunded"))
            return placed, captured

        def windowed():
            return total(operator, "orders", "total_revenue"), total(operator, "captured", "captured_revenue")

        eventually(lambda: windowed() == ledger(), within_s=60)
        assert ledger()[1] > 0 and total(operator, "captured", "captures") > 2_000
        sources = operator.get("/api/v1/analytics/sources").json["sources"]
        assert sum(each["late"] + each["bad"] for each in sources) == 0
    finally:
        shop.stop()
    assert audit(shop).returncode == 0, audit(shop).stdout
