"""Pictures of products by HTTP, on the real program and its real decoder: what an operator uploads is what everybody
sees, in its sizes; what is no picture is refused; and no death of the process between the two loses any."""

import concurrent.futures
import http.client
import pathlib
import socket
import struct
import time
import zlib

from pictures import gaping_png, png, png_of
from shop import Shop, eventually

LIMIT = 20 << 20


def product(shop, sku="JUG"):
    got = shop.operator().post("/api/v1/products", {"sku": sku, "name": "A jug", "price": 3.5, "stock": 10})
    assert got.status == 201, got
    return got.json["id"]


def upload(shop, of, raw, client=None, **headers):
    return (client or shop.operator()).post(f"/api/v1/products/{of}/images", raw=raw, headers=headers)


def images(shop, of):
    got = shop.client().get(f"/api/v1/products/{of}/images")
    assert got.status == 200, got
    return got.json["images"]


def settled(shop, of, count=1):
    """When nothing is in the making any more."""
    def done():
        now = images(shop, of)
        return len(now) == count and all(each["status"] != "processing" for each in now) and now
    return eventually(done, within_s=60, what=f"{count} pictures made")


def files(shop):
    bucket = next(pathlib.Path(shop.data_dir).rglob("product-images"))
    return sorted(str(each.relative_to(bucket)) for each in bucket.rglob("*") if each.is_file())


def size_of_png_or_jpeg(raw):
    if raw[:4] == b"\x89PNG":
        return struct.unpack(">II", raw[16:24])
    at = 2
    while True:
        marker, length = raw[at + 1], struct.unpack(">H", raw[at + 2:at + 4])[0]
        if 0xC0 <= marker <= 0xC3:
            height, width = struct.unpack(">HH", raw[at + 5:at + 9])
            return width, height
        at += 2 + length


def test_an_upload_becomes_three_sizes_in_two_formats_that_the_product_shows(shop):
    of = product(shop)
    made = upload(shop, of, png(1000, 500), **{"Content-Type": "text/html"})  # by content, not by what it is called
    assert made.status == 201, made
    assert made.headers["location"] == f"/api/v1/products/{of}/images"
    assert made.json["status"] == "processing"
    ready = settled(shop, of)[0]
    assert (ready["id"], ready["status"]) == (made.json["id"], "ready")
    assert (ready["width"], ready["height"]) == (1000, 500)
    assert [(each["size"], each["width"], each["height"], each["content_type"]) for each in ready["variants"]] == [
        (size, size, size // 2, kind) for size in (150, 400, 800) for kind in ("image/jpeg", "image/webp")]
    for each in ready["variants"]:
        got = shop.client().get(each["url"])
        assert (got.status, got.headers["content-type"]) == (200, each["content_type"])
        assert got.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
        if each["content_type"] == "image/jpeg":
            assert size_of_png_or_jpeg(got.body) == (each["width"], each["height"])
        else:
            assert got.body[:4] == b"RIFF" and got.body[8:12] == b"WEBP"
    assert shop.client().get(f"/api/v1/products/{of}").json["images"] == [ready]
    listed = shop.client().get("/api/v1/products?limit=10").json["products"]
    assert [each["images"] for each in listed] == [[ready]]
    assert len(files(shop)) == 7


def test_pictures_are_put_in_order_and_taken_away(shop):
    of = product(shop)
    ids = [upload(shop, of, png(60, 40, seed)).json["id"] for seed in range(3)]
    assert [each["id"] for each in settled(shop, of, 3)] == ids
    operator, path = shop.operator(), f"/api/v1/products/{of}/images"
    got = operator.put(path, {"images": ids[::-1]})
    assert got.status == 200 and [each["id"] for each in got.json["images"]] == ids[::-1], got
    for wrong in (ids[:2], [ids[0], ids[0], ids[1]], [*ids, ids[0]], [], [*ids[:2], "other"]):
        refused = operator.put(path, {"images": wrong})
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/images"), refused
    assert [each["id"] for each in images(shop, of)] == ids[::-1]
    gone = operator.delete(f"{path}/{ids[1]}")
    assert gone.status == 204, gone
    assert operator.delete(f"{path}/{ids[1]}").json["code"] == "image_not_found"
    assert [each["id"] for each in images(shop, of)] == [ids[2], ids[0]]
    eventually(lambda: not any(ids[1] in each for each in files(shop)), what="its files gone")
    assert len(files(shop)) == 14


def test_only_operators_change_pictures_and_everybody_sees_them(shop):
    of = product(shop)
    kept = upload(shop, of, png(60, 40)).json["id"]
    path = f"/api/v1/products/{of}/images"
    for client, status in ((shop.client(), 401), (shop.customer(), 403), (shop.guest(), 403)):
        assert upload(shop, of, png(60, 40), client).status == status
        assert client.put(path, {"images": [kept]}).status == status
        assert client.delete(f"{path}/{kept}").status == status
        assert client.get(path).status == 200
    settled(shop, of)


def test_what_is_no_picture_is_refused_before_anything_is_kept(shop):
    of = product(shop)
    for raw in (b"", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<html><script>alert(1)</script>",
                b"%PDF-1.7\n", b"PK\x03\x04", b"\x89PNG\r\n", b"\xff\xd8", b"II*\0" + bytes(100), b"a" * 1000):
        got = upload(shop, of, raw, **{"Content-Type": "image/png"})
        assert (got.status, got.json["code"]) == (422, "not_a_picture"), (raw, got)
        assert "JPEG, PNG, WebP" in got.json["detail"]
    assert images(shop, of) == []
    assert not list(pathlib.Path(shop.data_dir).rglob("originals/*/*"))


def test_bodies_beyond_the_limit_are_refused_by_what_they_say_and_by_what_they_are(shop):
    of = product(shop)
    said = upload(shop, of, png(60, 40) + bytes(LIMIT))
    assert (said.status, said.json["code"]) == (413, "body_too_large"), said
    # In chunks, without a length: it is cut off on the way.
    line = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30)
    line.putrequest("POST", f"/api/v1/products/{of}/images")
    line.putheader("Authorization", "Bearer " + shop.local_token)
    line.putheader("Transfer-Encoding", "chunked")
    line.endheaders()
    sent, piece = 0, png(60, 40) + bytes(1 << 20)
    try:
        while sent <= LIMIT:
            line.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            sent += len(piece)
        line.send(b"0\r\n\r\n")
    except OSError:
        pass  # it has answered and closed
    try:
        assert line.getresponse().status == 413
    except (OSError, http.client.HTTPException):
        pass
    line.close()
    assert images(shop, of) == []
    eventually(lambda: not list(pathlib.Path(shop.data_dir).rglob("originals/*/*")), what="nothing kept")
    assert upload(shop, of, png(60, 40)).status == 201


def test_an_upload_that_breaks_off_leaves_nothing_and_no_place_taken(shop):
    of = product(shop)
    whole = png(600, 400)
    for i in range(25):  # more than a product may have
        with socket.create_connection(("127.0.0.1", shop.port)) as line:
            line.sendall((f"POST /api/v1/products/{of}/images HTTP/1.1\r\nHost: x\r\n"
                          f"Authorization: Bearer {shop.local_token}\r\n"
                          f"Content-Length: {len(whole)}\r\n\r\n").encode() + whole[:len(whole) * (i + 1) // 30])

    def free():
        return upload(shop, of, whole).status == 201
    eventually(free, what="room for a picture")
    settled(shop, of, 1)
    assert len(list(pathlib.Path(shop.data_dir).rglob("originals/*/*"))) == 1


def test_a_product_has_twenty_pictures_and_no_more(shop):
    of = product(shop)
    raw = png(20, 20)
    for _ in range(20):
        assert upload(shop, of, raw).status == 201
    refused = upload(shop, of, raw)
    assert (refused.status, refused.json["code"]) == (409, "too_many_images"), refused
    for path in ("nothing", "00000000-0000-7000-8000-000000000000"):
        missing = upload(shop, path, raw)
        assert (missing.status, missing.json["code"]) == (404, "product_not_found"), missing
    settled(shop, of, 20)


def test_an_address_leads_to_pictures_alone(shop):
    of = product(shop)
    upload(shop, of, png(60, 40))
    url = settled(shop, of)[0]["variants"][0]["url"]
    original = next(pathlib.Path(shop.data_dir).rglob("originals/*/*"))
    around = url.rsplit("/", 1)[0]
    for path in (around, around + "/", around + "/none.jpg", "/api/v1/pictures/", "/api/v1/pictures/../keys.json",
                 f"/api/v1/pictures/%2e%2e/originals/{of}/{original.name}", "/api/v1/pictures/a%00b",
                 "/api/v1/pictures//etc/passwd", "/api/v1/pictures/..%2f..%2f..%2fkeys.json"):
        got = shop.client().get(path)
        assert got.status in (400, 404), (path, got)
    assert shop.client().get(url).status == 200


def test_a_picture_cut_at_a_hundred_places_says_why_and_harms_nobody(tmp_path):
    with Shop(tmp_path / "data") as shop:
        first = product(shop, "WHOLE")
        assert upload(shop, first, png(900, 700)).status == 201
        ready = settled(shop, first)[0]
        whole = shop.client().get(next(each["url"] for each in ready["variants"]
                                       if each["size"] == 800 and each["content_type"] == "image/jpeg")).body
        cuts = [len(whole) * i // 100 for i in range(100)]
        refused, taken = 0, []
        for group in range(10):
            of = product(shop, f"CUT{group}")
            kept = 0
            for cut in cuts[group * 10:group * 10 + 10]:
                got = upload(shop, of, whole[:cut])
                if got.status == 422:
                    assert got.json["code"] == "not_a_picture" and cut < 12, (cut, got)
                    refused += 1
                else:
                    assert got.status == 201, got
                    kept += 1
            taken.append((of, kept))
        for of, kept in taken:
            for each in settled(shop, of, kept):
                assert each["status"] == "refused" and each["variants"] == [] and each["problem"], each
        assert refused + sum(kept for _, kept in taken) == 100
        again = product(shop, "AGAIN")
        assert upload(shop, again, whole).status == 201
        assert settled(shop, again)[0]["status"] == "ready"


def memory_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def test_bombs_are_refused_while_the_shop_goes_on(shop):
    of = product(shop)
    line = zlib.compress(bytes(10))
    bombs = {"sides": png_of(40_000, 40_000, line), "largest": png_of(0x7fffffff, 0x7fffffff, line),
             "nothing": png_of(0, 0, line), "squeezed": gaping_png(16_000, 16_000), "lies": png_of(4_000, 4_000, line)}
    before = memory_mb(shop.process.pid)
    for raw in bombs.values():
        assert len(raw) < 1 << 20
        assert upload(shop, of, raw).status == 201
    asked = 0
    while any(each["status"] == "processing" for each in images(shop, of)):
        began = time.monotonic()
        assert shop.client().get("/api/v1/products?limit=10").status == 200
        assert time.monotonic() - began < 2
        asked += 1
    for each in settled(shop, of, len(bombs)):
        assert each["status"] == "refused" and each["problem"], each
    assert shop.process.poll() is None and memory_mb(shop.process.pid) < before + 64
    upload(shop, of, png(60, 40))
    assert settled(shop, of, len(bombs) + 1)[-1]["status"] == "ready"
    told = shop.admin().get("/metrics").body.decode()
    assert f'pictures_processed_total{{outcome="refused"}} {len(bombs)}' in told
    assert 'pictures_processed_total{outcome="ready"} 1' in told


def test_killed_between_upload_and_sizes_everything_that_was_answered_is_there_once(tmp_path):
    """At twelve moments: from before the answer to after the last size."""
    shop, raws, answered = Shop(tmp_path / "data"), [png(700, 500, seed) for seed in range(12)], []
    shop.start()
    of = product(shop)
    began = time.monotonic()
    answered.append(upload(shop, of, raws[0]).json["id"])
    settled(shop, of)
    whole_s = time.monotonic() - began
    for turn, raw in enumerate(raws[1:]):
        with concurrent.futures.ThreadPoolExecutor(1) as beside:
            sent = beside.submit(lambda: upload(shop, of, raw))
            time.sleep(whole_s * turn / 10)  # the moment of the death is what is tried, not awaited
            shop.kill()
            try:
                got = sent.result()
                assert got.status == 201, got
                answered.append(got.json["id"])
            except (OSError, http.client.HTTPException):
                pass
        shop.start()
    now = eventually(lambda: all(each["status"] == "ready" for each in images(shop, of)) and images(shop, of),
                     within_s=60, what="all made")
    shown = [each["id"] for each in now]
    assert set(answered) <= set(shown) and len(shown) == len(set(shown)) <= len(raws), (answered, shown)
    assert len(files(shop)) == 7 * len(shown), "no file of a picture that is not shown, and no size twice"
    for each in now:
        for variant in each["variants"]:
            assert shop.client().get(variant["url"]).status == 200
    shop.stop()
