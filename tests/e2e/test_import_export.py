"""CSV in and out by HTTP: what a spreadsheet's owner sends, what an upload that breaks off leaves, and large files."""

import csv
import io
import pathlib
import re
import socket
import uuid

from shop import ADDRESS, Shop, eventually

HEADER = "sku,name,price,stock\r\n"


def send(shop, body, wait=30, dry_run=False, client=None):
    raw = body if isinstance(body, bytes) else body.encode()
    with_token = client or shop.operator()
    with_token.timeout_s = 120
    return with_token.post(f"/api/v1/products/import?wait={wait}&dry_run={'true' if dry_run else 'false'}", raw=raw,
                           headers={"Content-Type": "text/csv"})


def imported(shop, body, **more):
    got = send(shop, body, **more)
    assert got.status == 200, got
    assert got.json["status"] == "done", got
    return got.json


def counts(report):
    return tuple(report[key] for key in ("rows", "created", "updated", "unchanged", "bad"))


def exported(shop):
    got = shop.operator().get("/api/v1/products/export")
    assert got.status == 200 and got.headers["content-type"].startswith("text/csv")
    return got.body.decode()


def catalogue(shop):
    """sku → row of the export."""
    return {row["sku"]: row for row in csv.DictReader(io.StringIO(exported(shop), newline=""))}


def product_of(shop, sku):
    cursor, client = "", shop.client()
    while True:
        page = client.get("/api/v1/products?limit=100" + cursor).json
        for each in page["products"]:
            if each["sku"] == sku:
                return each
        assert page.get("next_cursor"), f"no product {sku}"
        cursor = "&cursor=" + page["next_cursor"]


def buy(shop, customer, product, quantity, pay=True):
    got = customer.post("/api/v1/orders", {"items": [{"product_id": product["id"], "quantity": quantity}],
                                           "shipping_address": ADDRESS,
                                           **({"payment_method": "credit_card"} if pay else {})},
                        headers={"Idempotency-Key": str(uuid.uuid4())})
    assert got.status == 201, got
    if pay:
        eventually(lambda: customer.get(f"/api/v1/orders/{got.json['id']}").json["status"] == "paid", what="paid")
    return got.json


def peak_kb(shop):
    status = pathlib.Path(f"/proc/{shop.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1))


def test_a_file_as_a_spreadsheet_writes_it_is_read_as_it_was_meant(shop):
    file = ('\ufeffSKU,Name,Description,Price,Currency,Category,Stock_Quantity,image_url\r\n'
            'A-1,"Mug, ""large""","two\r\nlines",12.50,USD,Mugs,5,https://example.com/a.png\r\n'
            'A-2,Τάσι καφέ,,0.99,,,,\n'
            '\r\n'
            ',Without a code,,3,,,2,')
    report = imported(shop, file)
    assert counts(report) == (3, 3, 0, 0, 0) and report["recounted"] == 2
    rows = catalogue(shop)
    assert rows["A-1"]["name"] == 'Mug, "large"' and rows["A-1"]["description"] == "two\r\nlines"
    assert (rows["A-1"]["price"], rows["A-1"]["stock"], rows["A-1"]["category"]) == ("12.50", "5", "Mugs")
    assert rows["A-2"]["name"] == "Τάσι καφέ" and rows["A-2"]["stock"] == "0"
    assert [row["stock"] for row in rows.values() if row["name"] == "Without a code"] == ["2"]
    again = imported(shop, file)
    assert counts(again) == (3, 0, 0, 3, 0) and again["recounted"] == 0


def test_a_file_without_its_columns_is_refused_with_their_names(shop):
    got = send(shop, "sku,title,stock\r\nA-1,Mug,5\r\n")
    assert got.status == 200 and got.json["status"] == "failed", got
    told = {(e["column"], e["code"]) for e in got.json["errors"]}
    assert told == {("name", "missing_column"), ("price", "missing_column")} and got.json["failure"]
    assert catalogue(shop) == {}
    empty = send(shop, "")
    assert empty.json["status"] == "failed" and "header" in empty.json["failure"] or "first row" in empty.json["failure"]
    twice = send(shop, "name,price,stock,stock_quantity\r\nA,1,2,3\r\n")
    assert twice.json["status"] == "failed"
    assert [e["code"] for e in twice.json["errors"]] == ["duplicate_column"]


def test_columns_that_nobody_knows_are_named_and_ignored(shop):
    report = imported(shop, "sku,name,price,stock,colour,Weight kg\r\nA-1,Mug,1,5,red,2\r\n")
    assert report["unknown_columns"] == ["colour", "Weight kg"] and counts(report) == (1, 1, 0, 0, 0)


def test_every_bad_row_is_told_with_its_place_and_the_others_are_taken(shop):
    bad = [  # row of the file, column, code
        ("B-1,,1.00,5", "name", "required"),
        ("B-2,Mug,,5", "price", "required"),
        ("B-3,Mug,cheap,5", "price", "amount"),
        ("B-4,Mug,1.005,5", "price", "amount"),
        ("B-5,Mug,-1,5", "price", "out_of_range"),
        ("B-6,Mug,99999999999999999999,5", "price", "amount"),
        ("B-7,Mug,1.00,five", "stock", "integer"),
        ("B-8,Mug,1.00,-5", "stock", "out_of_range"),
        ("B-9,Mug,1.00,99999999999999999999", "stock", "integer"),
        ("B-10," + "x" * 201 + ",1.00,5", "name", "too_long"),
        ("s" * 65 + ",Mug,1.00,5", "sku", "too_long"),
        ("B-15,Mug, large,1.00,5", "", "too_many_cells"),
        ('B-11,"Mug"s,1.00,5', "", "text_after_quote"),
        ("B-12," + "y" * 1_100_000 + ",1.00,5", "", "record_too_long"),
    ]
    lines = [HEADER.encode(), b"A-1,Mug,1.00,5,,\r\n"]  # empty cells at the end harm nobody
    lines += [text.encode() + b"\r\n" for text, _, _ in bad]
    lines += [b"B-13,M\xffg,1.00,5\r\n", b"A-2,Jug,2.00,6\r\n", b'B-14,"never closed,1.00,5\r\n']
    expected = [(i + 2, i + 3, column, code) for i, (_, column, code) in enumerate(bad)]
    expected += [(len(bad) + 2, len(bad) + 3, "", "bad_utf8"), (len(bad) + 4, len(bad) + 5, "", "unterminated_quote")]
    report = imported(shop, b"".join(lines))
    assert [(e["row"], e["line"], e["column"], e["code"]) for e in report["errors"]] == expected
    assert counts(report) == (len(bad) + 4, 2, 0, 0, len(bad) + 2)
    assert set(catalogue(shop)) == {"A-1", "A-2"}
    got = shop.operator().get(f"/api/v1/imports/{report['id']}/errors")
    assert got.status == 200
    told = list(csv.DictReader(io.StringIO(got.body.decode(), newline="")))
    assert [(int(e["row"]), int(e["line"]), e["column"], e["code"]) for e in told] == expected
    assert all(e["detail"] for e in told)
    found = shop.operator().get(f"/api/v1/imports/{report['id']}").json
    assert found["errors"] == report["errors"] and found["status"] == "done"


def test_the_same_file_after_sales_does_not_bring_the_units_back(shop):
    file = HEADER + "A-1,Mug,1.00,10\r\n"
    imported(shop, file)
    buy(shop, shop.customer(), product_of(shop, "A-1"), 4)
    eventually(lambda: catalogue(shop)["A-1"]["stock"] == "6", what="units left")
    again = imported(shop, file)
    assert counts(again) == (1, 0, 0, 1, 0) and again["recounted"] == 0
    assert catalogue(shop)["A-1"]["stock"] == "6"


def test_another_file_is_a_recount_and_a_movement(shop):
    imported(shop, HEADER + "A-1,Mug,1.00,10\r\n")
    report = imported(shop, HEADER + "A-1,Mug,1.25,7\r\n")
    assert counts(report) == (1, 0, 1, 0, 0) and report["recounted"] == 1
    row = catalogue(shop)["A-1"]
    assert (row["price"], row["stock"]) == ("1.25", "7")
    product = product_of(shop, "A-1")
    movements = shop.operator().get(f"/api/v1/products/{product['id']}/stock").json["movements"]
    assert sum(m["delta"] for m in movements) == 7 and {m["delta"] for m in movements} == {10, -3}


def test_a_count_below_what_is_reserved_is_a_bad_row(shop):
    imported(shop, HEADER + "A-1,Mug,1.00,10\r\n")
    buy(shop, shop.customer(), product_of(shop, "A-1"), 4, pay=False)
    report = imported(shop, HEADER + "A-1,Mug,1.00,3\r\nA-2,Jug,1.00,1\r\n")
    assert counts(report) == (2, 1, 0, 0, 1)
    assert [(e["row"], e["column"], e["code"]) for e in report["errors"]] == [(1, "stock", "below_reserved")]
    assert catalogue(shop)["A-1"]["stock"] == "10"
    assert counts(imported(shop, HEADER + "A-1,Mug,1.00,4\r\n")) == (1, 0, 1, 0, 0)


def test_a_dry_run_counts_the_same_and_changes_nothing(shop):
    imported(shop, HEADER + "A-1,Mug,1.00,10\r\nA-2,Jug,1.00,10\r\n")
    before = exported(shop)
    file = HEADER + "A-1,Mug,1.00,9\r\nA-2,Jug,1.00,10\r\nA-3,Tray,2.00,1\r\nA-4,,2.00,1\r\n"
    dry = imported(shop, file, dry_run=True)
    assert exported(shop) == before and dry["dry_run"] is True
    wet = imported(shop, file)
    assert counts(dry) == counts(wet) and dry["recounted"] == wet["recounted"]
    assert dry["errors"] == wet["errors"] and exported(shop) != before


def test_what_was_exported_changes_nothing_when_it_is_imported(shop):
    imported(shop, 'sku,name,description,price,stock\r\n'
                   "A-1,=SUM(A1),+formula,1.00,5\r\nA-2,'@quoted,\"-2, or\r\nless\",2.50,-0\r\n-5,-5,,3,1\r\n")
    text = exported(shop)
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "@", "+", "\t")], "no cell may run in a spreadsheet"
    assert "'=SUM(A1)" in cells
    report = imported(shop, text)
    # Its rows' stock is counted once more, as it is another file; each count is what is there.
    assert (report["created"], report["updated"], report["bad"]) == (0, 0, 0)
    assert exported(shop) == text


def test_one_line_of_100_mb_is_one_bad_row_in_little_memory(shop):
    imported(shop, HEADER + "A-0,Mug,1.00,5\r\n")
    before = peak_kb(shop)
    body = HEADER.encode() + b"A-1," + b"x" * 100_000_000 + b",1.00,5\r\nA-2,Jug,2.00,6\r\n"
    report = imported(shop, body, wait=60)
    assert counts(report) == (2, 1, 0, 0, 1) and report["errors"][0]["code"] == "record_too_long"
    assert report["file_bytes"] == len(body)
    assert peak_kb(shop) - before < 40_000, "the line was kept"
    assert set(catalogue(shop)) == {"A-0", "A-2"}


def test_an_upload_that_breaks_off_leaves_nothing(shop):
    with socket.create_connection(("127.0.0.1", shop.port)) as raw:
        raw.sendall((f"POST /api/v1/products/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop.local_token}\r\n"
                     "Content-Type: text/csv\r\nContent-Length: 1000000\r\n\r\n" + HEADER).encode())
        raw.sendall(b"A-1,Mug,1.00,5\r\n" * 10_000)
    folder = pathlib.Path(shop.data_dir, "blobs")
    assert imported(shop, HEADER + "A-2,Jug,2.00,6\r\n")["created"] == 1
    eventually(lambda: not [f for f in folder.rglob("*") if f.is_file() and f.stat().st_size > 100_000],
               what="the cut-off upload is gone")
    assert set(catalogue(shop)) == {"A-2"}


def test_only_operators_import_and_export(shop):
    customer = shop.customer()
    assert send(shop, HEADER + "A-1,Mug,1.00,5\r\n", client=customer).status == 403
    assert send(shop, HEADER + "A-1,Mug,1.00,5\r\n", client=shop.client()).status == 401
    for path in ("/api/v1/products/export", f"/api/v1/imports/{uuid.uuid4()}", f"/api/v1/imports/{uuid.uuid4()}/errors"):
        assert customer.get(path).status == 403, path
        assert shop.client().get(path).status == 401, path
        if "imports" in path:
            assert shop.operator().get(path).status == 404, path
    assert catalogue(shop) == {}


def test_what_the_query_says_wrongly_is_told(shop):
    for query, pointer in (("dry_run=maybe", "dry_run"), ("wait=long", "wait"), ("wait=-1", "wait"), ("wait=999", "wait")):
        got = shop.operator().post(f"/api/v1/products/import?{query}", raw=HEADER.encode())
        assert got.status == 422 and pointer in got.json["errors"][0]["pointer"], (query, got)


def rows(n, stock=7):
    return HEADER.encode() + b"".join(b"K-%06d,Thing %d,%d.%02d,%d\r\n" % (i, i, i % 90 + 1, i % 100, stock)
                                      for i in range(n))


def test_kill_9_in_the_middle_of_an_import_is_made_good_after_the_restart(tmp_path):
    with Shop(tmp_path / "data") as shop:
        file = rows(50_000)
        started = send(shop, file, wait=0)
        assert started.status == 202, started
        path = "/api/v1/imports/" + started.json["id"]
        for kill_at in (3_000, 20_000):
            def applied(least=kill_at):
                report = shop.operator().get(path).json
                assert report["status"] != "done", "it was over before it could be killed"
                return report["rows"] - report["bad"] >= least
            eventually(applied, within_s=60, what="the import has begun")
            shop.kill()
            shop.start()
        done = eventually(lambda: (r := shop.operator().get(path).json)["status"] == "done" and r, within_s=120,
                          what="the import went on by itself")
        assert done["rows"] == 50_000 and done["bad"] == 0
        assert done["created"] + done["unchanged"] == 50_000 and done["created"] < 50_000
        stock = {sku: row["stock"] for sku, row in catalogue(shop).items()}
        assert len(stock) == 50_000 and set(stock.values()) == {"7"}
        again = send(shop, file, wait=60).json
        last = eventually(lambda: (r := shop.operator().get(f"/api/v1/imports/{again['id']}").json)["status"] == "done"
                          and r, within_s=120, what="the second import")
        assert counts(last) == (50_000, 0, 0, 50_000, 0) and last["recounted"] == 0


def test_a_deleted_product_that_a_file_brings_back_is_put_in_carts_at_once(shop):
    file = HEADER + "BACK-1,Lantern,12.50,5\r\nBACK-2,Candle,1.00,5\r\n"
    imported(shop, file)
    product, other = product_of(shop, "BACK-1"), product_of(shop, "BACK-2")
    keeper, wisher = shop.customer("keeper@example.com"), shop.customer("wisher@example.com")
    assert keeper.post("/api/v1/cart/items", {"product_id": product["id"], "quantity": 1}).status in (200, 201)
    assert shop.operator().delete(f"/api/v1/products/{product['id']}").status == 204
    eventually(lambda: keeper.get("/api/v1/cart").json["items"] == [], what="the deleted product leaves the cart")
    report = imported(shop, file)
    assert counts(report)[1:4] == (0, 1, 1)  # one updated, the other unchanged
    # Within the time that an event takes, not the day that the tombstone would be kept.
    wished = {"items": [{"product_id": each["id"], "quantity": 2} for each in (product, other)]}

    def both():
        got = wisher.put("/api/v1/cart", wished)
        assert got.status == 200, got
        return len(got.json["items"]) == 2

    eventually(both, what="the cart takes both")
    assert keeper.post("/api/v1/cart/items", {"product_id": product["id"], "quantity": 3}).status in (200, 201)
    assert [line["quantity"] for line in keeper.get("/api/v1/cart").json["items"]] == [3]
    # Deleted once more, it goes once more.
    assert shop.operator().delete(f"/api/v1/products/{product['id']}").status == 204
    eventually(lambda: keeper.get("/api/v1/cart").json["items"] == [], what="it leaves the cart again")


def test_a_large_file_is_imported_in_bounded_memory(shop):
    def finished(file):
        report = send(shop, file, wait=60).json
        return eventually(lambda: (r := shop.operator().get(f"/api/v1/imports/{report['id']}").json)["status"] == "done"
                          and r, within_s=180, what="the import is done")

    finished(rows(5_000))
    before = peak_kb(shop)
    # Bad rows only: the catalogue, which is kept in memory for search, does not grow.
    bad = HEADER.encode() + b"".join(b"K-%06d,Thing %d,none,7\r\n" % (i, i) for i in range(200_000))
    report = finished(bad)
    assert counts(report) == (200_000, 0, 0, 0, 200_000) and len(report["errors"]) == 1_000
    assert peak_kb(shop) - before < 16_000
    # Good rows that change what is there.
    assert counts(finished(rows(5_000, stock=8)))[2] == 5_000
    assert peak_kb(shop) - before < 24_000
    assert finished(rows(200_000))["bad"] == 0
    grown = peak_kb(shop) - before
    # The search index holds about a kilobyte a product (docs/adr/0006); nothing else may grow with the file.
    assert grown < 245_000, f"{grown} kB for 195,000 new products in the index"


# --- rows that a function sends

def send_rows(shop, source, first_row, body, client=None):
    raw = body if isinstance(body, bytes) else body.encode()
    return (client or shop.operator()).post(f"/api/v1/products/import/rows?source={source}&first_row={first_row}", raw=raw,
                                            headers={"Content-Type": "text/csv"})


def test_rows_that_come_again_change_nothing_and_are_answered_as_before(tmp_path):
    rows = "".join(f"R-{i},Row {i},{i % 90 + 1}.50,{i}\r\n" for i in range(1, 2501)) + "R-X,,1,1\r\n"
    with Shop(tmp_path) as shop:
        first = send_rows(shop, "file-1", 1, HEADER + rows)
        assert first.status == 200 and counts(first.json) == (2501, 2500, 0, 0, 1) and first.json["repeated"] == 0, first
        assert [(each["row"], each["column"], each["code"]) for each in first.json["errors"]] == [(2501, "name", "required")]
        # Of all three transactions the products are searchable once the answer is there.
        assert shop.client().get("/api/v1/products?limit=1&sort=price").json["total"] == 2500
        assert all(shop.client().get(f"/api/v1/products/search?q=R-{i}&limit=1").json["total"] for i in (1, 1024, 1025, 2049, 2500))
        # Somebody buys meanwhile: a recount that came again would bring the unit back.
        before = {row["sku"]: row for row in csv.DictReader(io.StringIO(exported(shop)))}
        product = shop.client().get("/api/v1/products/search?q=Row+7&limit=1").json["results"][0]
        assert shop.operator().post(f"/api/v1/products/{product['id']}/stock", {"delta": 5, "reference": "r"}).status == 200
        again = send_rows(shop, "file-1", 1, HEADER + rows)
        assert {**again.json, "repeated": 0} == first.json and again.json["repeated"] == 2501
        after = {row["sku"]: row for row in csv.DictReader(io.StringIO(exported(shop)))}
        assert int(after[product["sku"]]["stock"]) == int(before[product["sku"]]["stock"]) + 5
        # Of another source the same rows are a new count.
        other = send_rows(shop, "file-2", 1, HEADER + rows).json
        assert counts(other) == (2501, 0, 1, 2499, 1), other
        shop.kill()
        shop.start()
        assert send_rows(shop, "file-2", 1, HEADER + rows).json["repeated"] == 2501


def test_of_rows_with_one_sku_in_two_transactions_the_later_counts(tmp_path):
    rows = "".join(f"S-{i if i < 1500 else 7},Thing,{i}.00,{i}\r\n" for i in range(1, 2501))
    with Shop(tmp_path) as shop:
        sent = send_rows(shop, "file", 1, HEADER + rows)
        assert counts(sent.json) == (2500, 1499, 1001, 0, 0), sent
        dearest = shop.client().get("/api/v1/products?limit=1&sort=-price").json
        assert dearest["total"] == 1499 and dearest["products"][0]["sku"] == "S-7", dearest
        assert (dearest["products"][0]["price"], dearest["products"][0]["stock"]) == (2500, 2500), dearest


def test_rows_that_come_again_in_another_cut_are_refused_and_change_nothing(tmp_path):
    def part(first, last):
        return HEADER + "".join(f"C-{i},Row {i},1.50,{i}\r\n" for i in range(first, last + 1))

    with Shop(tmp_path) as shop:
        assert send_rows(shop, "cut", 1, part(1, 1500)).json["created"] == 1500  # as 1 to 1024 and 1025 to 1500
        before = exported(shop)
        for first, last, applied in ((1, 10, "1 to 1024"), (1, 1023, "1 to 1024"), (1024, 1024, "1 to 1024"),
                                     (513, 1600, "1 to 1024"), (1025, 1499, "1025 to 1500"), (1025, 1501, "1025 to 1500"),
                                     (1500, 1510, "1025 to 1500")):
            got = send_rows(shop, "cut", first, part(first, last))
            assert got.status == 409 and got.json["code"] == "rows_cut_differently", (first, last, got)
            assert f"rows {applied} of this source" in got.json["detail"], (first, last, got)
        assert exported(shop) == before
        # The parts that stand may come apart, and what follows them is new.
        assert send_rows(shop, "cut", 1, part(1, 1024)).json["repeated"] == 1024
        assert send_rows(shop, "cut", 1025, part(1025, 1500)).json["repeated"] == 476
        assert send_rows(shop, "cut", 1501, part(1501, 1503)).json["created"] == 3
        # A first part that is as it was is told as it was, the part behind it is refused.
        got = send_rows(shop, "cut", 1, part(1, 1503))
        assert got.status == 409 and got.json["code"] == "rows_cut_differently", got
        assert send_rows(shop, "other", 1, part(1, 10)).json["unchanged"] == 10


def test_rows_without_a_source_a_place_or_a_header_are_refused(tmp_path):
    good = HEADER + "A,Mug,1,1\r\n"
    with Shop(tmp_path) as shop:
        for source, first_row, body, code, where in (
                ("", 1, good, "validation_failed", "source"), ("a" * 65, 1, good, "validation_failed", "source"),
                ("a%20b", 1, good, "validation_failed", "source"), ("s", 0, good, "validation_failed", "first_row"),
                ("s", "x", good, "validation_failed", "first_row"), ("s", "", good, "validation_failed", "first_row"),
                ("s", 99999999999999999999, good, "validation_failed", "first_row"), ("s", 1, "", "bad_csv_header", None),
                ("s", 1, "sku,name\r\nA,B\r\n", "bad_csv_header", "price")):
            got = send_rows(shop, source, first_row, body)
            assert got.status == 422 and got.json["code"] == code, (source, first_row, got)
            assert where is None or where in got.body.decode(), got
        assert send_rows(shop, "s", 1, good + "x" * (8 << 20)).status == 413
        assert send_rows(shop, "s", 1, good, shop.client()).status == 401
        assert send_rows(shop, "s", 1, good, shop.customer()).status == 403
        assert exported(shop).count("\n") == 1
