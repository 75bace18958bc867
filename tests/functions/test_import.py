"""A CSV in a bucket becomes products of a running shop, whatever happens to the function on the way."""

import csv
import io
import json
import os
import pathlib
import random
import time

import events
import pytest
import retail

from shop import ROOT, eventually

HEADER = "sku,name,description,price,currency,category,stock\r\n"


def rows_of(count, seed=1, prefix="SKU"):
    pick = random.Random(seed)
    words = "red blue mug vase lamp candle heart wooden metal glass small large retro garden".split()
    return [f'{prefix}-{i:06d},"{" ".join(pick.choices(words, k=3)).title()}, no. {i}",{pick.choice(words)},'
            f"{pick.randint(100, 9999) / 100:.2f},USD,{pick.choice(words)},{pick.randint(0, 500)}\r\n" for i in range(count)]


def put(s3, bucket, key, text, sequencer=""):
    """The event of the object that is put."""
    body = text if isinstance(text, bytes) else text.encode()
    made = s3.put_object(Bucket=bucket, Key=key, Body=body)
    return events.s3(bucket, key, made["ETag"].strip('"'), len(body), sequencer)


def report(s3, bucket, key):
    return json.loads(s3.get_object(Bucket=bucket, Key=f"{key}.report.json")["Body"].read())


def products(shop):
    """sku → its row of the export, without what names the file."""
    got = shop.operator().get("/api/v1/products/export")
    assert got.status == 200, got
    return {row["sku"]: row for row in csv.DictReader(io.StringIO(got.body.decode()))}


def test_a_file_in_a_bucket_is_found_by_the_search(importer, shop, s3, bucket):
    key = "new/spring & summer ä(1).csv"
    event = put(s3, bucket, key, HEADER + "".join(rows_of(50)) + "BAD-1,,x,1,USD,c,1\r\nTEA-1,Teapot of the moon,x,12.50,USD,pots,7\r\n")
    with importer() as one:
        assert one.call(event) == ("response", {}), one.said()
        assert [each["name"] for each in shop.client().get("/api/v1/products/search?q=moon").json["results"]] == ["Teapot of the moon"]
        told = report(s3, bucket, key)
        assert (told["status"], told["rows"], told["created"], told["bad"]) == ("done", 52, 51, 1)
        assert [(each["row"], each["line"], each["column"], each["code"]) for each in told["errors"]] == [(51, 52, "name", "required")]
        before = products(shop), told
        for _ in range(3):
            assert one.call(event) == ("response", {})
        assert (products(shop), report(s3, bucket, key)) == before
        counted = one.counted()  # once, though it came four times
        assert {name: n for (name, function), n in counted.items() if function == "product-import"} == {
            "product_import_rows_total": 52, "product_import_bad_rows_total": 1, "product_import_files_total": 1,
            "product_import_bytes_total": counted["product_import_bytes_total", "product-import"]}
        # The report's own event is no file to import.
        assert one.call(events.s3(bucket, f"{key}.report.json", "x", 1)) == ("response", {})


def test_by_way_of_a_queue_only_the_message_that_failed_comes_again(importer, shop, s3, bucket):
    good = put(s3, bucket, "a.csv", HEADER + "".join(rows_of(3)))
    with importer() as one:
        kind, body = one.call(events.sqs(json.dumps(good), "no notification"))
        assert kind == "response" and body == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
        assert one.call(events.sqs(json.dumps(events.recorded("s3_test")))) == ("response", {"batchItemFailures": []})
        assert one.call(events.sns_in_sqs(json.dumps(good))) == ("response", {"batchItemFailures": []})
    assert len(products(shop)) == 3


def test_versions_that_come_out_of_order_end_in_the_newest(importer, shop, s3, bucket):
    old = put(s3, bucket, "a.csv", HEADER + "A-1,Mug,x,1.00,USD,c,5\r\n", "0055AED6DCD90281E5")
    new = put(s3, bucket, "a.csv", HEADER + "A-1,Mug,x,2.00,USD,c,9\r\n", "0055AED6DCD90281E6")
    with importer() as one:
        for event in (new, old, new, old):
            assert one.call(event) == ("response", {})
    assert products(shop)["A-1"]["price"] == "2.00" and products(shop)["A-1"]["stock"] == "9"
    assert report(s3, bucket, "a.csv")["rows"] == 1


def test_an_object_that_is_gone_is_done_and_a_bucket_that_is_not_there_is_told(importer, s3, bucket):
    event = put(s3, bucket, "a.csv", HEADER)
    s3.delete_object(Bucket=bucket, Key="a.csv")
    with importer() as one:
        assert one.call(event) == ("response", {})
        kind, body = one.call(events.s3("no-such-bucket-here", "a.csv", "x", 1))
        assert kind == "error" and body["errorType"] == "bucket_missing", body


def test_a_key_of_no_operator_is_told_and_nothing_is_lost(importer, shop, s3, bucket):
    event = put(s3, bucket, "a.csv", HEADER + "".join(rows_of(3)))
    with importer(PRODUCT_API_KEY="stoa_wrong") as one:
        kind, body = one.call(event)
        assert kind == "error" and body["errorType"] == "product_api_refused" and "PRODUCT_API_URL" in body["errorMessage"], body
    with importer() as one:
        assert one.call(event) == ("response", {})
    assert len(products(shop)) == 3


def test_cut_off_anywhere_and_put_again_it_ends_the_same(importer, shop, s3, bucket):
    whole = (HEADER + "".join(rows_of(200))).encode()
    with importer() as one:
        for i in range(100):
            cut = len(whole) * i // 100
            assert one.call(put(s3, bucket, "cut.csv", whole[:cut], f"{i:016X}")) == ("response", {}), one.said()
            told = report(s3, bucket, "cut.csv")
            if cut <= len(HEADER) - 2:
                assert told["status"] == "failed" and told["failure"], (cut, told)
            else:
                assert told["status"] == "done" and told["rows"] == max(0, whole[:cut].count(b"\r\n") - 1 + (not whole[:cut].endswith((b"\n", b"\r")))) \
                    or whole[:cut].endswith(b"\r"), (cut, told)
        assert one.call(put(s3, bucket, "cut.csv", whole, f"{200:016X}")) == ("response", {})
    wanted = {row["sku"]: row for row in csv.DictReader(io.StringIO(whole.decode()))}
    found = products(shop)
    for sku, row in wanted.items():
        assert {name: found[sku][name] for name in ("name", "price", "stock", "category")} == {
            name: row[name] for name in ("name", "price", "stock", "category")}


def test_near_its_deadline_it_hands_over_and_the_next_call_goes_on(importer, shop, s3, bucket):
    count = 150_000
    event = put(s3, bucket, "large.csv", HEADER + "".join(rows_of(count)) + "BAD,,x,1,USD,c,1\r\n")
    calls = 0
    with importer() as one:
        while True:
            calls += 1
            kind, body = one.call(event, timeout_s=3)
            if kind == "response":
                break
            assert body["errorType"] == "import_unfinished", body
            told = report(s3, bucket, "large.csv")
            assert told["status"] == "running"
            assert calls < 100
    told = report(s3, bucket, "large.csv")
    print(f"\n{count} rows in {calls} calls of 3 s")
    assert calls > 1
    assert (told["rows"], told["created"], told["bad"]) == (count + 1, count, 1)
    assert [(each["row"], each["line"]) for each in told["errors"]] == [(count + 1, count + 2)]
    assert len(products(shop)) == count


def test_a_large_file_is_read_in_64_mb(importer, shop, s3, bucket, tmp_path):
    """STOA_TEST_LARGE_MB=1024 makes it as large as is promised, which takes minutes; the rate of the
    smaller one would do for it in 15 minutes."""
    size = int(os.environ.get("STOA_TEST_LARGE_MB", "64")) << 20
    pick, written, count = random.Random(3), 0, 0
    words = [f"{pick.getrandbits(40):x}" for _ in range(2000)]
    path = tmp_path / "large.csv"
    with path.open("w", newline="") as file:
        written += file.write(HEADER)
        while written < size:
            text = " ".join(pick.choices(words, k=800))[:9000]
            written += file.write(f"L-{count:07d},Thing {count},{text},1.50,USD,c,3\r\n")
            count += 1
        file.write('L-X,"' + "x" * (20 << 20) + '",d,1,USD,c,1\r\n')  # a cell of 20 MB is passed over without being kept
    s3.upload_file(str(path), bucket, "large.csv")
    head = s3.head_object(Bucket=bucket, Key="large.csv")
    event = events.s3(bucket, "large.csv", head["ETag"].strip('"'), head["ContentLength"])
    started, calls = time.monotonic(), 0
    with importer() as one:
        while True:
            calls += 1
            kind, body = one.call(event, timeout_s=300)
            if kind == "response":
                break
            assert body["errorType"] == "import_unfinished", body
        took = time.monotonic() - started
        rss_kb = int(pathlib.Path(f"/proc/{one.process.pid}/status").read_text().split("VmHWM:")[1].split()[0])
    told = report(s3, bucket, "large.csv")
    print(f"\n{head['ContentLength'] >> 20} MB, {count} rows: {took:.0f} s in {calls} calls of at most 300 s, {rss_kb / 1000:.0f} MB")
    assert (told["rows"], told["created"]) == (count + 1, count), told
    assert [(each["row"], each["code"]) for each in told["errors"]] == [(count + 1, "record_too_long")]
    assert rss_kb <= 64_000
    assert took <= 900 * head["ContentLength"] / (1 << 30)


def test_killed_in_the_middle_it_ends_the_same(importer, shop, s3, bucket):
    text = HEADER + "".join(rows_of(30_000))
    event = put(s3, bucket, "killed.csv", text)
    for part in (0.02, 0.1, 0.3, 0.6):
        with importer() as one:
            one.begin(event)
            eventually(lambda: shop.client().get("/api/v1/products?limit=1").json["total"] >= 30_000 * part, 60)
            one.kill()
    with importer() as one:
        assert one.call(event, timeout_s=120) == ("response", {}), one.said()
    told = report(s3, bucket, "killed.csv")
    assert (told["rows"], told["created"], told["bad"]) == (30_000, 30_000, 0), told
    wanted = {row["sku"]: row["stock"] for row in csv.DictReader(io.StringIO(text))}
    assert {sku: row["stock"] for sku, row in products(shop).items()} == wanted


# --- bad files ----------

WHOLE_FILE = [
    (b"", "bad_csv_header"),
    (b"\r\n\r\n", "bad_csv_header"),
    (b"sku,name\r\nA,B\r\n", "bad_csv_header"),
    (b"sku,price\r\nA,1\r\n", "bad_csv_header"),
    (b"name,price,NAME\r\nA,1,B\r\n", "bad_csv_header"),
    (b"name,price,stock,stock_quantity\r\nA,1,1,1\r\n", "bad_csv_header"),
    (b'"name,price\r\nA,1\r\n', "bad_csv_header"),
    (b"na\xffme,price\r\nA,1\r\n", "bad_csv_header"),
    (b"na\x00me,price\r\nA,1\r\n", "bad_csv_header"),
    (b"\xff\xfen\x00a\x00m\x00e\x00,\x00", "bad_csv_header"),
    (b"PK\x03\x04\x14\x00\x06\x00 a spreadsheet", "bad_csv_header"),
    (b"%PDF-1.7\n", "bad_csv_header"),
    (b'{"name": "Mug", "price": 1}\n', "bad_csv_header"),
    (b"name;price\r\nMug;1\r\n", "bad_csv_header"),
    (b"," * 2000 + b"\r\n", "bad_csv_header"),
    (b"x" * 1_100_000 + b"\r\n", "bad_csv_header"),
]
# The cells of one row of HEADER and the error that it must get.
ROWS = [
    ("A,,d,1,USD,c,1", "name", "required"), ("A,  ,d,1,USD,c,1", "name", "required"), ("A,{long},d,1,USD,c,1", "name", "too_long"),
    ("{long},N,d,1,USD,c,1", "sku", "too_long"), ("A,N,d,,USD,c,1", "price", "required"), ("A,N,d,free,USD,c,1", "price", "amount"),
    ("A,N,d,-1,USD,c,1", "price", "out_of_range"), ("A,N,d,1.999,USD,c,1", "price", "amount"), ("A,N,d,1e3,USD,c,1", "price", "amount"),
    ("A,N,d,NaN,USD,c,1", "price", "amount"), ("A,N,d,99999999999999999999,USD,c,1", "price", "amount"), ("A,N,d,1,XXQ,c,1", "currency", "currency"),
    ("A,N,d,1,US,c,1", "currency", "currency"), ("A,N,d,1.5,JPY,c,1", "price", "amount"), ("A,N,d,1,USD,{long},1", "category", "too_long"),
    ("A,N,d,1,USD,c,-1", "stock", "out_of_range"), ("A,N,d,1,USD,c,many", "stock", "integer"), ("A,N,d,1,USD,c,1.5", "stock", "integer"),
    ("A,N,d,1,USD,c,99999999999", "stock", "out_of_range"), ("A,N,d,1,USD,c,99999999999999999999", "stock", "integer"),
    ("A,N,d,1,USD,c,1,more", "", "too_many_cells"), ("A,N,a, b,1,USD,c,1", "", "too_many_cells"), ('A,"N"x,d,1,USD,c,1', "", "text_after_quote"),
    ("A,N\x00,d,1,USD,c,1", "", "bad_utf8"), ("A,{long_text},1,USD,c,1", "", "record_too_long"),
]


def bad_files():
    """200 of them, the same in every run: (bytes, error, the row that has it or None)."""
    out = [(text, code, None) for text, code in WHOLE_FILE]
    pick = random.Random(20261129)
    while len(out) < 200:
        cells, column, code = ROWS[len(out) % len(ROWS)]
        cells = cells.format(long="ä" * 120, long_text='"' + "x" * 1_100_000 + '"')
        end = pick.choice(["\r\n", "\n", "\r"])
        before, after = pick.randint(0, 5), pick.randint(0, 5)
        good = [each.rstrip("\r\n") for each in rows_of(before + after, pick.random())]
        lines = [HEADER.rstrip("\r\n"), *good[:before], cells, *good[before:]]
        if pick.random() < 0.3:
            lines.insert(pick.randint(1, len(lines)), "")  # a blank line is no row
        out.append((end.join(lines).encode() + (end.encode() if pick.random() < 0.8 else b""), code, (before + 1, column, before + after)))
    return out


def test_each_of_200_bad_files_gets_its_error(importer, shop, s3, bucket):
    with importer() as one:
        for i, (text, code, place) in enumerate(bad_files()):
            key = f"bad/{i}.csv"
            assert one.call(put(s3, bucket, key, text)) == ("response", {}), (i, text[:200], one.said())
            told = report(s3, bucket, key)
            if place is None:
                assert told["status"] == "failed" and told["failure"] and told["rows"] == 0, (i, told)
                continue
            row, column, good = place
            assert told["status"] == "done" and told["bad"] == 1 and told["rows"] == good + 1, (i, text[:200], told)
            assert [(each["row"], each["column"], each["code"]) for each in told["errors"]] == [(row, column, code)], (i, text[:200], told)
        # An open quote takes the rest of the file with it.
        assert one.call(put(s3, bucket, "open.csv", HEADER + "A-1,Mug,d,1,USD,c,1\r\nA-2,\"Vase,d,1,USD,c,1\r\nA-3,Pot,d,1,USD,c,1\r\n"))[0] == "response"
        told = report(s3, bucket, "open.csv")
        assert [(each["row"], each["line"], each["code"]) for each in told["errors"]] == [(2, 3, "unterminated_quote")], told


def test_a_real_catalogue_is_found(importer, shop, s3, bucket):
    folder = pathlib.Path(os.environ.get("STOA_ONLINE_RETAIL", ROOT / "../shared/data/online-retail"))
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: STOA_ONLINE_RETAIL names it")
    catalogue = list(retail.read_products(folder).values())
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["sku", "name", "price", "currency", "stock"])
    for each in catalogue:
        table.writerow([each.sku, each.name, f"{each.price_cents / 100:.2f}", "GBP", each.stock])
    with importer() as one:
        started = time.monotonic()
        assert one.call(put(s3, bucket, "catalogue.csv", out.getvalue())) == ("response", {}), one.said()
        took = time.monotonic() - started
    told = report(s3, bucket, "catalogue.csv")
    print(f"\n{told['rows']} products in {took:.2f} s")
    assert told["bad"] == 0 and told["created"] == len(catalogue), told["errors"][:3]
    pick = random.Random(7)
    for each in pick.sample(list(catalogue), 50):
        found = shop.client().get("/api/v1/products/search?limit=100&q=" + "+".join(w for w in each.name.split() if w.isalnum())).json["results"]
        assert each.sku in [one["sku"] for one in found], each
