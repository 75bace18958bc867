"""Documents of products by HTTP, on the real program: what an operator uploads is handed out as a file and as nothing else, and no
death of the process loses one that was answered or shows half of one."""

import concurrent.futures
import http.client
import pathlib
import urllib.parse

import pytest

from shop import Shop, eventually

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 8 + b"\n%%EOF\n"
LIMIT = 50 << 20


def product(shop, sku="JUG"):
    got = shop.operator().post("/api/v1/products", {"sku": sku, "name": "A jug", "price": 3.5, "stock": 10})
    assert got.status == 201, got
    return got.json["id"]


def path_of(of):
    return f"/api/v1/products/{of}/documents"


def upload(shop, of, raw=PDF, name="manual.pdf", client=None, **headers):
    where = path_of(of) + ("" if name is None else "?name=" + urllib.parse.quote(name, safe=""))
    return (client or shop.operator()).post(where, raw=raw, headers=headers)


def documents(shop, of):
    got = shop.client().get(path_of(of))
    assert got.status == 200, got
    return got.json["documents"]


def files(shop):
    return sorted(str(each) for each in pathlib.Path(shop.data_dir).rglob("product-images/documents/*/*") if each.is_file())


def test_a_document_is_handed_out_as_it_came(shop):
    of = product(shop)
    made = upload(shop, of, **{"Content-Type": "text/html"})  # by content, not by what it is called
    assert made.status == 201, made
    assert (made.json["name"], made.json["content_type"], made.json["size_bytes"]) == ("manual.pdf", "application/pdf", len(PDF))
    assert made.headers["location"] == made.json["url"] == f"{path_of(of)}/{made.json['id']}"
    office = upload(shop, of, b"PK\x03\x04" + bytes(200_000), "Größe & Maß.docx")
    assert office.status == 201 and office.json["content_type"] == "application/zip", office
    assert documents(shop, of) == [made.json, office.json]
    for document, body in ((made.json, PDF), (office.json, b"PK\x03\x04" + bytes(200_000))):
        got = shop.client().get(document["url"])
        assert (got.status, got.headers["content-type"], got.body) == (200, document["content_type"], body)
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
        said = got.headers["content-disposition"]
        assert said.startswith("attachment; filename=\"") and said.isascii()
        assert urllib.parse.unquote(said.split("filename*=UTF-8''")[1]) == document["name"]
    operator = shop.operator()
    assert operator.delete(made.json["url"]).status == 204
    assert operator.delete(made.json["url"]).json["code"] == "document_not_found"
    assert shop.client().get(made.json["url"]).json["code"] == "document_not_found"
    assert documents(shop, of) == [office.json]
    eventually(lambda: len(files(shop)) == 1, what="its file gone")


def test_only_operators_change_documents_and_everybody_reads_them(shop):
    of = product(shop)
    kept = upload(shop, of).json
    for client, status in ((shop.client(), 401), (shop.customer(), 403), (shop.guest(), 403)):
        assert upload(shop, of, client=client).status == status
        assert client.delete(kept["url"]).status == status
        assert client.get(kept["url"]).body == PDF
    assert documents(shop, of) == [kept]


@pytest.mark.parametrize("name", [None, "", ".", ".profile", "a/b.pdf", "a\\b.pdf", "..", "C:manual.pdf", "what?.pdf", "x" * 151, " a.pdf", "a.", "\"a\".pdf"])
def test_a_name_that_is_none_is_refused_before_anything_is_kept(shop, name):
    of = product(shop)
    got = upload(shop, of, name=name)
    assert (got.status, got.json["errors"][0]["pointer"]) == (422, "/name"), got
    assert documents(shop, of) == [] and not files(shop)


def test_what_is_no_document_by_its_content_is_refused_before_anything_is_kept(shop):
    of = product(shop)
    for raw in (b"", b"<html><script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"MZ\x90\0", b"\x7fELF", b"#!/bin/sh\n", b"%PDX-1.7", b"PK\x05\x06", b"a" * 1000):
        got = upload(shop, of, raw, "manual.pdf", **{"Content-Type": "application/pdf"})
        assert (got.status, got.json["code"]) == (422, "not_a_document"), (raw, got)
    assert documents(shop, of) == [] and not files(shop)


def test_limits_hold_for_bytes_and_for_a_products_documents(shop):
    of = product(shop)
    said = upload(shop, of, PDF + bytes(LIMIT))
    assert (said.status, said.json["code"]) == (413, "body_too_large"), said
    assert documents(shop, of) == [] and not files(shop)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda n: upload(shop, of, name=f"{n}.pdf").status, range(24)))
    assert sorted(got) == [201] * 20 + [409] * 4
    assert len(documents(shop, of)) == 20 == len(files(shop))
    assert upload(shop, of).json["code"] == "too_many_documents"
    gone = documents(shop, of)[0]
    assert shop.operator().delete(gone["url"]).status == 204
    assert upload(shop, of).status == 201


def test_products_that_are_not_there_have_none(shop):
    of = product(shop)
    kept = upload(shop, of).json
    for other in ("00000000-0000-7000-8000-000000000000", "x", "JUG"):
        assert upload(shop, other).json["code"] == "product_not_found"
        assert shop.client().get(path_of(other)).status == 404
        assert shop.client().get(f"{path_of(other)}/{kept['id']}").status == 404
    assert shop.operator().delete(f"/api/v1/products/{of}").status == 204
    assert shop.client().get(kept["url"]).status == 404 and upload(shop, of).status == 404


def test_cut_off_and_killed_uploads_leave_whole_documents_and_nothing_else(tmp_path):
    shop = Shop(tmp_path / "data").start()
    of = product(shop)
    kept = upload(shop, of).json
    for half in (100, 70_000):  # in the first chunk, and behind it
        line = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30)
        line.putrequest("POST", path_of(of) + "?name=half.pdf")
        line.putheader("Authorization", "Bearer " + shop.local_token)
        line.putheader("Content-Length", str(200_000))
        line.endheaders()
        line.send(PDF[:9] + bytes(half))
        line.sock.close()
        line.close()
    # A connection that is not done when the process dies.
    line = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30)
    line.putrequest("POST", path_of(of) + "?name=killed.pdf")
    line.putheader("Authorization", "Bearer " + shop.local_token)
    line.putheader("Content-Length", str(200_000))
    line.endheaders()
    line.send(PDF[:9] + bytes(100_000))
    shop.process.kill()
    shop.process.wait()
    line.close()
    with shop:
        assert documents(shop, of) == [kept] and shop.client().get(kept["url"]).body == PDF
        eventually(lambda: len(files(shop)) == 1, what="nothing but the whole one")
        assert upload(shop, of, name="after.pdf").status == 201
