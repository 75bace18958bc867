"""The few edges of HTTP that matter against the real program, and the whole authorization matrix, made from the
document that the program itself serves."""

import json
import re
import socket

import pytest

NOBODY = "00000000-0000-7000-8000-000000000000"
ALLOWED = {
    "anyone": {"anonymous", "guest", "customer", "operator"},
    "signed_in": {"guest", "customer", "operator"},
    "registered": {"customer", "operator"},
    "operators": {"operator"},
    "services": set(),
}


def raw(shop, data, within_s=5):
    """What the server says until it closes."""
    with socket.create_connection(("127.0.0.1", shop.port), timeout=within_s) as connection:
        connection.sendall(data)
        said = b""
        while piece := connection.recv(65536):
            said += piece
        return said


@pytest.fixture(scope="module")
def callers(demo_shop):
    return {"anonymous": demo_shop.client(), "guest": demo_shop.guest(), "customer": demo_shop.customer("edges@example.com"),
            "operator": demo_shop.login("operator@example.com", demo_shop.operator_password)}


@pytest.fixture(scope="module")
def document(demo_shop):
    got = demo_shop.client().get("/openapi.json")
    assert got.status == 200, got
    return got.json


def operations(document):
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            yield verb.upper(), re.sub(r"\{[^}]+\}", NOBODY, path), operation


def test_who_may_call_is_exactly_what_the_document_says(demo_shop, callers, document):
    cases, wrong = 0, []
    for verb, path, operation in operations(document):
        # Ending the sessions that the matrix runs on would make its other rows meaningless.
        if operation["operationId"] in ("Logout",):
            continue
        may = ALLOWED[operation["x-callers"]]
        for name, client in callers.items():
            body = {} if "requestBody" in operation else None
            got = client.request(verb, path, body)
            cases += 1
            if name not in may:
                fits = got.status == (401 if name == "anonymous" else 403)
            else:
                # An anonymous caller of a login without a password is told what is missing, not who may call.
                fits = got.status != 403 and got.status < 500 and (got.status != 401 or operation["x-callers"] == "anyone")
            documented = operation["responses"]
            if not fits or not (str(got.status) in documented or "default" in documented):
                wrong.append(f"{name}: {verb} {path} → {got.status} {got.body[:120]!r}, x-callers {operation['x-callers']}")
            if got.status >= 400:
                problem = got.json
                assert got.headers["content-type"] == "application/problem+json", (verb, path, got)
                assert problem["status"] == got.status and problem["code"] and problem["request_id"], (verb, path, got)
    assert not wrong, "\n".join(wrong)
    assert cases > 120


def test_every_answer_to_a_credential_is_kept_by_no_cache(callers, document):
    for verb, path, operation in operations(document):
        if verb != "GET" or operation["tags"] == ["shop"]:
            continue
        got = callers["customer"].get(path)
        assert got.headers.get("cache-control") == "no-store", (path, got.headers)
        assert got.headers["x-content-type-options"] == "nosniff"


def test_a_forged_token_is_refused_even_where_none_is_needed(demo_shop):
    for token in ("x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "local_" + "0" * 40, "x" * 8000):
        got = type(demo_shop.client())(demo_shop.port, token).get("/api/v1/products")
        assert got.status == 401, (token[:20], got)


def test_every_operation_names_a_schema_that_exists(document):
    schemas = document["components"]["schemas"]
    references = re.findall(r'"\$ref": "#/components/(\w+)/(\w+)"', json.dumps(document))
    assert len(references) > 100
    for group, name in references:
        assert name in document["components"][group], name
    assert schemas["order_status"]["enum"][0] == "pending"


@pytest.mark.parametrize("data", [
    b"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /api/v1/products HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n",
    b"GET /api/v1/products HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /api/v1/products HTTP/1.1\r\n\r\n",
    b"GET /api/v1/products HTTP/1.1\nHost: a\n\n",
    b"GET http://elsewhere/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03 and more of a TLS hello\r\n\r\n",
])
def test_what_two_servers_could_read_differently_is_refused_and_ends_the_connection(demo_shop, data):
    said = raw(demo_shop, data + b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 "), said
    assert said.count(b"\r\nDate: ") == 1 and b"healthy" not in said


def test_limits_have_their_own_answers(demo_shop):
    assert raw(demo_shop, b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.1 414 ")
    assert raw(demo_shop, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")
    got = demo_shop.client().post("/api/v1/auth/login", raw=b" " * ((1 << 20) + 1))
    assert got.status == 413 and got.json["code"] == "body_too_large"


def test_metrics_and_readiness_are_not_on_the_public_listener(demo_shop):
    for path in ("/metrics", "/ready", "/debug"):
        assert demo_shop.client().get(path).status == 404
        assert demo_shop.operator().get(path).status == 404
    assert demo_shop.admin().get("/metrics").status == 200


def test_the_document_and_its_page_are_served_with_a_tag_and_a_strict_policy(demo_shop):
    client = demo_shop.client()
    first = client.get("/openapi.json")
    assert client.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]}).status == 304
    for path, kind in (("/docs", "text/html"), ("/docs/app.js", "application/javascript"), ("/docs/style.css", "text/css")):
        got = client.get(path)
        assert got.status == 200 and got.headers["content-type"].startswith(kind)
        assert "unsafe" not in got.headers["content-security-policy"]


def test_the_checked_in_document_is_the_one_that_is_served(demo_shop):
    from shop import ROOT

    served = demo_shop.client().get("/openapi.json").body
    path = ROOT / "api/openapi.json"
    assert path.exists() and path.read_bytes() == served, (
        "api/openapi.json is not what the program serves: look at the difference, then `stoa openapi > api/openapi.json`")
