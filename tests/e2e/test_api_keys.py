"""Keys for programs: which scopes there are, and what each lets a program do."""

import re

import pytest

from shop import Client

NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def operator(demo_shop):
    return demo_shop.login("operator@example.com", demo_shop.operator_password)


@pytest.fixture(scope="module")
def scopes(operator):
    """The list that a wrong scope is answered with."""
    got = operator.post("/api/v1/api-keys", {"name": "k", "scopes": ["orders:read", "secrets:read"]})
    assert got.status == 422, got
    told, = got.json["errors"]
    assert told["pointer"] == "/scopes/1", got
    return re.findall(r"[a-z-]+:[a-z]+", told["detail"])


def key_with(demo_shop, operator, *wanted):
    made = operator.post("/api/v1/api-keys", {"name": "test", "scopes": list(wanted)})
    assert made.status == 201, made
    return Client(demo_shop.port, made.json["key"])


@pytest.fixture(scope="module")
def operations(demo_shop):
    """(verb, path, who may call) of everything that is served."""
    document = demo_shop.client().get("/openapi.json").json
    return [(verb.upper(), path, row["x-callers"]) for path, verbs in document["paths"].items() for verb, row in verbs.items()]


def permitted(client, verb, path):
    """Whether the router lets the key in; what the operation says then is another matter."""
    target = re.sub(r"\{[^}]+\}", NOBODY, path)
    body = {} if verb in ("POST", "PUT", "PATCH") else None
    got = client.request(verb, target, body)
    assert got.status < 500, (verb, path, got)
    return not (got.status == 403 and got.json["code"] == "not_permitted")


@pytest.mark.parametrize("wrong", ["secrets:read", "orders", "orders:delete", "orders:READ", "", ":", "activity:write",
                                   "imports:write", "orders:read "])
def test_a_scope_that_does_not_exist_is_422_with_the_list(demo_shop, operator, scopes, wrong):
    before = len(operator.get("/api/v1/api-keys").json["api_keys"])
    got = operator.post("/api/v1/api-keys", {"name": "k", "scopes": [wrong]})
    assert got.status == 422, got
    told, = got.json["errors"]
    assert told["code"] == "not_one_of" and all(scope in told["detail"] for scope in scopes), told
    assert len(operator.get("/api/v1/api-keys").json["api_keys"]) == before, "no key was made"


def test_a_key_with_every_scope_reaches_all_that_an_operator_may(demo_shop, operator, scopes, operations):
    assert len(scopes) >= 10
    key = key_with(demo_shop, operator, *scopes)
    for verb, path, who in operations:
        assert permitted(key, verb, path) == (who != "services"), (verb, path, who)


def test_each_operation_takes_one_scope_and_each_scope_gives_something(demo_shop, operator, scopes, operations):
    keys = {scope: key_with(demo_shop, operator, scope) for scope in scopes}
    useful = set()
    for verb, path, who in operations:
        if who in ("anyone", "services"):
            continue
        opened = {scope for scope, key in keys.items() if permitted(key, verb, path)}
        assert len(opened) == 1, (verb, path, opened)
        scope, = opened
        assert scope.endswith(":read" if verb == "GET" else ":write"), (verb, path, scope)
        useful |= opened
    assert useful == set(scopes)


def test_an_importer_with_a_key_sends_a_file_and_reads_its_report(demo_shop, operator):
    key = key_with(demo_shop, operator, "products:write", "imports:read")
    sent = key.request("POST", "/api/v1/products/import?wait=10", raw=b"sku,name,price\r\nKEY-1,Mug,1.50\r\n",
                       headers={"Content-Type": "text/csv"})
    assert sent.status in (200, 201, 202), sent
    report = key.get(f"/api/v1/imports/{sent.json['id']}")
    assert report.status == 200, report
    refused = key_with(demo_shop, operator, "products:write").get(f"/api/v1/imports/{sent.json['id']}")
    assert refused.status == 403, refused
