"""What wrong requests, wrong settings and a full disk get: a clear answer, and nothing lost."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import uuid

import pytest

from pictures import png
from shop import ADDRESS, Shop, binary, eventually

NOBODY = "00000000-0000-7000-8000-000000000000"
ITEM = {"product_id": "{product}", "quantity": 1}
PERSON = {"email": "new@example.com", "password": "correct horse 9", "first_name": "A", "last_name": "B"}
EVENT = {"user_id": "u", "product_id": "p", "event_type": "VIEW_PRODUCT", "timestamp": "2026-01-01T00:00:00Z",
         "metadata": {"session_id": "s"}}

# Every operation that takes a body: (method, path, who, a body that is good). A word in braces is filled in by `places`.
BODIES = [
    ("POST", "/api/v1/auth/register", "anyone", PERSON),
    ("POST", "/api/v1/auth/login", "anyone", {"email": "a@example.com", "password": "correct horse 9"}),
    ("POST", "/api/v1/auth/refresh", "anyone", {"refresh_token": "r"}),
    ("POST", "/api/v1/auth/password", "customer", {"current_password": "correct horse 9", "new_password": "wrong horse 99"}),
    ("POST", "/api/v1/auth/password-reset", "anyone", {"email": "a@example.com"}),
    ("POST", "/api/v1/auth/password-reset/confirm", "anyone", {"token": "t", "new_password": "wrong horse 99"}),
    ("POST", "/api/v1/auth/guest", "anyone", {"email": "a@example.com"}),
    ("POST", "/api/v1/auth/verify-email", "customer", {"token": "t"}),
    ("PUT", "/api/v1/users/me", "customer", {"first_name": "A", "phone": "1"}),
    ("PUT", "/api/v1/users/{user}", "customer", {"last_name": "B"}),
    ("POST", "/api/v1/users", "operator", PERSON),
    ("POST", "/api/v1/customers", "operator", {"name": "N"}),
    ("PUT", "/api/v1/customers/{user}", "operator", {"name": "N"}),
    ("POST", "/api/v1/api-keys", "operator", {"name": "k", "scopes": ["orders:read"]}),
    ("POST", "/api/v1/products", "operator", {"name": "Mug", "price": 1, "stock": 1}),
    ("PUT", "/api/v1/products/{product}", "operator", {"name": "Mug", "price": 1}),
    ("POST", "/api/v1/products/{product}/stock", "operator", {"delta": 1}),
    ("PUT", "/api/v1/products/{product}/images", "operator", {"images": ["{image}"]}),
    ("PUT", "/api/v1/cart", "customer", {"items": [ITEM]}),
    ("POST", "/api/v1/cart/items", "customer", ITEM),
    ("PUT", "/api/v1/cart/items/{product}", "customer", {"quantity": 1}),
    ("POST", "/api/v1/cart/checkout", "customer", {"shipping_address": ADDRESS, "reference": "r"}),
    ("POST", "/api/v1/orders", "customer", {"items": [ITEM], "shipping_address": ADDRESS}),
    ("PUT", "/api/v1/orders/{order}/cancel", "customer", {"reason": "changed my mind"}),
    ("PUT", "/api/v1/orders/{order}/status", "operator", {"status": "shipped"}),
    ("POST", "/api/v1/orders/{order}/refund", "operator", {"amount": 1}),
    ("POST", "/api/v1/payments", "customer", {"order_id": "{order}", "amount": 20, "method": "credit_card"}),
    ("POST", "/api/v1/events", "anyone", EVENT),
    ("POST", "/activity/event", "anyone", EVENT),
    ("POST", "/api/v1/events/batch", "anyone", {"events": [EVENT]}),
]
NAMES = [f"{method} {path}" for method, path, _, _ in BODIES]


class Scene:
    """A shop with a product, an order, its customer, and somebody else."""

    def __init__(self, shop):
        self.shop = shop
        self.operator, self.customer = shop.operator(), shop.customer("first@example.com")
        self.other = shop.customer("other@example.com")
        self.product = self.operator.post("/api/v1/products", {"name": "Mug", "price": 10, "stock": 50}).json
        images = f"/api/v1/products/{self.product['id']}/images"
        image = self.operator.post(images, raw=png(20, 20)).json["id"]
        eventually(lambda: self.operator.get(images).json["images"][0]["status"] == "ready", what="its picture")
        placed = self.customer.post("/api/v1/orders", {
            "items": [{"product_id": self.product["id"], "quantity": 2}], "shipping_address": ADDRESS})
        assert placed.status == 201, placed
        self.order = placed.json
        filled = self.customer.put("/api/v1/cart", {"items": [{"product_id": self.product["id"], "quantity": 1}]})
        assert filled.status == 200, filled
        self.places = {"product": self.product["id"], "order": self.order["id"], "user": self.customer.user_id,
                       "image": image}
        self.callers = {"anyone": shop.client(), "customer": self.customer, "operator": self.operator}
        self.before = self.facts()

    def filled(self, value):
        return json.loads(self.fill(json.dumps(value)))

    def fill(self, text):
        for name, place in self.places.items():
            text = text.replace("{" + name + "}", place)
        return text

    def facts(self):
        """What no refused request may change."""
        stock = self.operator.get(f"/api/v1/products/{self.product['id']}/stock").json
        return {"products": self.operator.get("/api/v1/products?limit=1").json["total"],
                "product": self.operator.get(f"/api/v1/products/{self.product['id']}").body,
                "on_hand": stock["on_hand"], "reserved": stock["reserved"],
                "orders": self.operator.get("/api/v1/orders?limit=1").json["total"],
                "order": self.customer.get(f"/api/v1/orders/{self.order['id']}").body,
                "users": self.operator.get("/api/v1/users?limit=1").json["total"],
                "cart": self.customer.get("/api/v1/cart").json["items"],
                "payments": self.customer.get(f"/api/v1/payments?order_id={self.order['id']}").json["payments"]}

    def nothing_changed(self):
        assert self.facts() == self.before


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with Shop(tmp_path_factory.mktemp("bad") / "data", "--rate-login-burst", "0", "--rate-principal-burst", "0") as shop:
        yield Scene(shop)


def refused(answer, status, code=None):
    """The status, and a problem+json that a person and a program can use."""
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.headers
    problem = answer.json
    assert problem["status"] == status and problem["code"] and problem["title"], problem
    if code:
        assert problem["code"] == code, problem
    return problem


def pointers(answer):
    return {error["pointer"] for error in answer.json.get("errors", [])}


def ill_typed(good):
    """Each member of a good body with values of other types: (body, pointer)."""
    for name, value in good.items():
        wrong = [{"a": 1}, [1], True] if not isinstance(value, (dict, list)) else [7, True]
        for bad in wrong + (["text"] if isinstance(value, (int, list)) and not isinstance(value, bool) else []):
            yield good | {name: bad}, f"/{name}"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for bad, pointer in ill_typed(value[0]):
                yield good | {name: [bad]}, f"/{name}/0{pointer}"


def test_the_good_bodies_are_good(tmp_path):
    """Else the refusals below would say nothing."""
    with Shop(tmp_path / "data", "--rate-login-burst", "0") as shop:
        own = Scene(shop)
        for method, path, who, good in BODIES:
            got = own.callers[who].request(method, own.fill(path), own.filled(good))
            by_mail = path.endswith(("/confirm", "/verify-email"))  # tokens that only a mail tells
            assert got.status not in (400, 404, 413, 422, 500) or by_mail, (method, path, got)


def test_every_operation_with_a_body_is_in_the_list(scene):
    """Streamed uploads and operations between services have their own tests."""
    described = scene.shop.client().get("/openapi.json").json
    listed = {(method, path.replace("{product}", "{}").replace("{user}", "{}").replace("{order}", "{}"))
              for method, path, _, _ in BODIES}
    missing, empty_or_elsewhere = [], {"ImportProducts", "ReserveProduct", "ReceiveWebhook", "DecideReview"}
    for path, operations in described["paths"].items():
        for method, about in operations.items():
            content = about.get("requestBody", {}).get("content", {})
            members = content.get("application/json", {}).get("schema", {})
            if not members or about["operationId"] in empty_or_elsewhere:
                continue
            named = members.get("$ref", "").rsplit("/", 1)[-1]
            if named and not described["components"]["schemas"][named].get("properties"):
                continue
            plain = re.sub(r"{[^}]+}", "{}", path)
            if (method.upper(), plain) not in listed:
                missing.append(f"{method} {path} ({about['operationId']})")
    assert not missing, "these have no test here"


@pytest.mark.parametrize("method, path, who, good", BODIES, ids=NAMES)
def test_a_body_that_is_no_good_json_is_400(scene, method, path, who, good):
    client, where = scene.callers[who], scene.fill(path)
    whole = json.dumps(scene.filled(good)).encode()
    key = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    deep = b'{"extra":' + b"[" * 70 + b"]" * 70 + b"," + whole[1:]
    for raw in (whole[:-1], b"{'a': 1}", whole + b"}", whole[:-1] + b',"x":nul}', whole.replace(b"{", b"{,", 1),
                b'{"x":"\xff\xfe",' + whole[1:], b'{"x":"\xed\xa0\x80",' + whole[1:], deep):
        refused(client.request(method, where, raw=raw, headers=key), 400, "malformed_json")
    scene.nothing_changed()


@pytest.mark.parametrize("method, path, who, good", BODIES, ids=NAMES)
def test_wrong_types_are_422_at_their_place(scene, method, path, who, good):
    client, where = scene.callers[who], scene.fill(path)
    for body in ([], 7, "text", None):
        got = client.request(method, where, raw=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        refused(got, 422, "validation_failed")
    for body, pointer in ill_typed(good):
        got = client.request(method, where, scene.filled(body), headers={"Idempotency-Key": str(uuid.uuid4())})
        refused(got, 422)
        assert any(told == pointer or told.startswith(pointer + "/") for told in pointers(got)), (body, got)
    scene.nothing_changed()


@pytest.mark.parametrize("method, path, who, good", BODIES, ids=NAMES)
def test_more_than_a_mebibyte_is_413_and_less_is_read(scene, method, path, who, good):
    body = scene.filled(good) | {"extra": "x" * (1 << 20)}
    client = scene.shop.client(scene.callers[who].token)
    try:
        refused(client.request(method, scene.fill(path), body), 413)
    except (BrokenPipeError, ConnectionResetError):  # refused by the length before the body was sent
        pass
    scene.nothing_changed()


GUARDED = [entry for entry in BODIES if entry[2] != "anyone"] + [
    ("GET", "/api/v1/cart", "customer", None), ("GET", "/api/v1/orders", "customer", None),
    ("POST", "/api/v1/auth/verify-email/request", "customer", {}),
    ("GET", "/api/v1/orders/{order}", "customer", None), ("GET", "/api/v1/users/me", "customer", None),
    ("GET", "/api/v1/users", "operator", None), ("GET", "/api/v1/customers", "operator", None),
    ("GET", "/api/v1/payments?order_id={order}", "customer", None), ("DELETE", "/api/v1/cart", "customer", None),
    ("PUT", "/api/v1/orders/{order}/cancel", "customer", {}), ("POST", "/api/v1/orders/{order}/ship", "operator", {}),
    ("DELETE", "/api/v1/products/{product}", "operator", None), ("GET", "/api/v1/api-keys", "operator", None),
    ("GET", "/api/v1/products/{product}/stock", "operator", None), ("DELETE", "/api/v1/users/{user}", "operator", None)]


@pytest.mark.parametrize("method, path, who, good", GUARDED, ids=[f"{m} {p}" for m, p, _, _ in GUARDED])
def test_bad_tokens_are_401_and_the_wrong_role_403(scene, method, path, who, good):
    where, body = scene.fill(path), scene.filled(good) if good is not None else None
    mine = scene.customer.token
    head, payload, signature = mine.split(".")
    unsigned = "eyJhbGciOiJub25lIn0." + payload + "."
    other_end = ("A" if signature[0] != "A" else "B") + signature[1:]
    for token in (None, "x", "a.b.c", unsigned, f"{head}.{payload}.{other_end}", mine + "x", "local_" + "0" * 32, " ", "é"):
        headers = {"Authorization": ("Bearer " + token).encode("latin-1")} if token else {}
        refused(scene.shop.client().request(method, where, body, headers=headers), 401)
    refused(scene.shop.client().request(method, where, body, headers={"Authorization": "Basic YTpi"}), 401)
    if who == "operator":
        refused(scene.other.request(method, where, body), 403)
    scene.nothing_changed()


@pytest.mark.parametrize("method, path", [
    ("GET", "/api/v1/products/{x}"), ("PUT", "/api/v1/products/{x}"), ("DELETE", "/api/v1/products/{x}"),
    ("GET", "/api/v1/products/{x}/stock"), ("POST", "/api/v1/products/{x}/stock"), ("GET", "/api/v1/orders/{x}"),
    ("PUT", "/api/v1/orders/{x}/cancel"), ("POST", "/api/v1/orders/{x}/ship"), ("POST", "/api/v1/orders/{x}/deliver"),
    ("POST", "/api/v1/orders/{x}/refund"), ("GET", "/api/v1/payments/{x}"), ("GET", "/api/v1/payments?order_id={x}"),
    ("GET", "/api/v1/users/{x}"), ("PUT", "/api/v1/users/{x}"), ("DELETE", "/api/v1/users/{x}"),
    ("GET", "/api/v1/customers/{x}"), ("PUT", "/api/v1/customers/{x}"), ("DELETE", "/api/v1/customers/{x}"),
    ("GET", "/api/v1/imports/{x}"), ("GET", "/api/v1/orders/{x}/details"),
    ("GET", "/api/v1/orders/{x}/invoice")])
def test_ids_that_nobody_has_are_404(scene, method, path):
    body = {"PUT": {"name": "N"}, "POST": {"delta": 1} if "stock" in path else {}}.get(method)
    for x in (NOBODY, "nothing", "1%27%20OR%201=1", "%00", "%2e%2e%2f", "x" * 60):
        got = scene.operator.request(method, path.replace("{x}", x), body)
        assert got.status in (404, 422, 400) if x != NOBODY else got.status == 404, (x, got)
        assert got.headers["content-type"].startswith("application/problem+json"), got
    scene.nothing_changed()


def test_paths_and_methods_that_are_not_there(scene):
    refused(scene.customer.get("/api/v1/nothing"), 404)
    got = scene.customer.request("PATCH", "/api/v1/cart")
    refused(got, 405)
    assert "GET" in got.headers["allow"] and "PUT" in got.headers["allow"]


HUGE = 9_223_372_036_854_775_808


@pytest.mark.parametrize("quantity", [0, -1, -HUGE, 1_000_001, 2**31, 2**32 + 1, HUGE, 10**30, 1.5, "1", None])
def test_quantities_that_cannot_be_are_422(scene, quantity):
    product = scene.product["id"]
    for method, path, body, pointer in (
            ("POST", "/api/v1/orders", {"items": [{"product_id": product, "quantity": quantity}],
                                        "shipping_address": ADDRESS}, "/items/0/quantity"),
            ("PUT", "/api/v1/cart", {"items": [{"product_id": product, "quantity": quantity}]}, "/items/0/quantity"),
            ("POST", "/api/v1/cart/items", {"product_id": product, "quantity": quantity}, "/quantity")):
        got = scene.customer.request(method, path, body, headers={"Idempotency-Key": str(uuid.uuid4())})
        refused(got, 422)
        assert pointer in pointers(got), got
    scene.nothing_changed()


@pytest.mark.parametrize("amount", ["-1", "-0.01", "1.001", "1e400", "1e-9", "99999999999999999999", "0.1e1x", '"1"', "NaN"])
def test_amounts_that_cannot_be_are_refused_where_they_stand(scene, amount):
    for client, method, path, text in (
            (scene.operator, "POST", "/api/v1/products", '{"name":"Mug","price":%s}'),
            (scene.operator, "PUT", "/api/v1/products/{product}", '{"price":%s}'),
            (scene.operator, "POST", "/api/v1/orders/{order}/refund", '{"amount":%s}'),
            (scene.customer, "POST", "/api/v1/payments", '{"order_id":"{order}","method":"credit_card","amount":%s}')):
        got = client.request(method, scene.fill(path), raw=scene.fill(text % amount).encode(),
                             headers={"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())})
        malformed = amount in ("NaN", "0.1e1x")
        refused(got, 400 if malformed else 422)
        if not malformed:
            assert pointers(got) & {"/price", "/amount"}, got
    scene.nothing_changed()


@pytest.mark.parametrize("stock", [-1, 1_000_000_001, HUGE, 1.5, "1"])
def test_stock_that_cannot_be_is_422(scene, stock):
    got = scene.operator.post("/api/v1/products", {"name": "Mug", "price": 1, "stock": stock})
    refused(got, 422)
    assert "/stock" in pointers(got)
    if stock != -1:
        refused(scene.operator.post(f"/api/v1/products/{scene.product['id']}/stock", {"delta": stock}), 422)
    refused(scene.operator.post(f"/api/v1/products/{scene.product['id']}/stock", {"count": stock}), 422)
    scene.nothing_changed()


def test_the_total_of_an_order_cannot_overflow(scene):
    dear = scene.operator.post("/api/v1/products", {"name": "Dear", "price": 999_999_999, "stock": 1_000_000}).json
    try:
        got = scene.customer.post("/api/v1/orders", {"items": [{"product_id": dear["id"], "quantity": 1_000_000}],
                                                     "shipping_address": ADDRESS})
        refused(got, 422)
        assert "/items/0/quantity" in pointers(got)
    finally:
        scene.operator.delete(f"/api/v1/products/{dear['id']}")


def test_more_units_taken_out_than_are_there_is_409(scene):
    refused(scene.operator.post(f"/api/v1/products/{scene.product['id']}/stock", {"delta": -49}), 409)
    scene.nothing_changed()


@pytest.mark.parametrize("member, value", [("total_amount", 0.01), ("status", "paid"), ("user_id", NOBODY), ("id", NOBODY),
                                           ("order_id", NOBODY), ("currency", "JPY"), ("created_at", "2020-01-01T00:00:00Z"),
                                           ("total", 0)])
def test_what_the_shop_says_itself_no_client_may_set(scene, member, value):
    good = {"items": [{"product_id": scene.product["id"], "quantity": 1}], "shipping_address": ADDRESS}
    got = scene.customer.post("/api/v1/orders", good | {member: value})
    refused(got, 422)
    assert pointers(got) == {f"/{member}"}, got
    scene.nothing_changed()


@pytest.mark.parametrize("member", ["price", "line_total", "name", "sku"])
def test_no_client_sets_what_a_line_costs(scene, member):
    line = {"product_id": scene.product["id"], "quantity": 1, member: 0.01}
    got = scene.customer.post("/api/v1/orders", {"items": [line], "shipping_address": ADDRESS})
    refused(got, 422)
    assert pointers(got) == {f"/items/0/{member}"}
    if member in ("price", "line_total"):
        got = scene.customer.put("/api/v1/cart", {"items": [line]})
        refused(got, 422)
        assert pointers(got) == {f"/items/0/{member}"}
    scene.nothing_changed()


@pytest.mark.parametrize("address, member", [(" \t ", ""), ({**ADDRESS, "street": ""}, ".street"),
                                             ({**ADDRESS, "country": "   "}, ".country")])
def test_an_address_that_no_parcel_finds_is_422(scene, address, member):
    got = scene.customer.post("/api/v1/orders", {"items": [{"product_id": scene.product["id"], "quantity": 1}],
                                                 "shipping_address": address})
    refused(got, 422)
    assert pointers(got) == {("/shipping_address" + member).replace(".", "/")}
    scene.nothing_changed()


def test_nobody_orders_in_anothers_name_but_an_operator(scene):
    body = {"user_id": scene.customer.user_id, "items": [{"product_id": scene.product["id"], "quantity": 1}],
            "shipping_address": ADDRESS}
    for client in (scene.other, scene.shop.guest()):
        got = client.post("/api/v1/orders", body)
        assert got.status in (403, 422) and got.json["code"] != "internal", got
    scene.nothing_changed()
    placed = scene.operator.post("/api/v1/orders", body)
    assert placed.status == 201, placed
    path = f"/api/v1/orders/{placed.json['id']}"
    assert scene.customer.get(path).json["user_id"] == scene.customer.user_id
    assert scene.other.get(path).status == 404
    assert scene.customer.put(path + "/cancel", {}).json["status"] == "cancelled"
    eventually(lambda: scene.facts()["reserved"] == scene.before["reserved"], what="the units back")
    scene.before = scene.facts()  # one more order, which holds nothing


@pytest.mark.parametrize("member, value", [("role", "operator"), ("active", True), ("email_verified", True), ("id", NOBODY),
                                           ("password_hash", "x"), ("tokens_valid_after", "2020-01-01T00:00:00Z")])
def test_nobody_makes_themselves_more_than_a_customer(scene, member, value):
    for method, path, client, body in (("POST", "/api/v1/auth/register", scene.shop.client(), PERSON),
                                       ("PUT", "/api/v1/users/me", scene.customer, {"first_name": "A"})):
        got = client.request(method, path, body | {member: value})
        refused(got, 422)
        assert f"/{member}" in pointers(got)
    scene.nothing_changed()


def test_another_users_objects_are_404(scene):
    order, user = scene.order["id"], scene.customer.user_id
    other, key = scene.other, lambda: {"Idempotency-Key": str(uuid.uuid4())}  # noqa: E731
    for got in (other.get(f"/api/v1/orders/{order}"), other.get(f"/api/v1/orders/{order}/details"),
                other.get(f"/api/v1/orders/{order}/invoice"), other.put(f"/api/v1/orders/{order}/cancel", {}),
                other.get(f"/api/v1/payments?order_id={order}"), other.get(f"/api/v1/users/{user}"),
                other.put(f"/api/v1/users/{user}", {"first_name": "Mallory"}),
                other.post("/api/v1/payments", {"order_id": order, "amount": scene.order["total_amount"],
                                                "method": "credit_card"}, headers=key())):
        refused(got, 404)
    mine = other.get(f"/api/v1/orders?user_id={user}")
    assert mine.status in (403, 404, 422) or mine.json["orders"] == [], mine
    assert other.get("/api/v1/cart").json["items"] == []
    scene.nothing_changed()


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=99999999999", "skip=-1", "cursor=garbage"])
@pytest.mark.parametrize("path", ["/api/v1/orders", "/api/v1/users", "/api/v1/customers", "/api/v1/products"])
def test_pages_that_cannot_be_are_422(scene, path, query):
    refused(scene.operator.get(f"{path}?{query}"), 422)


def test_a_status_that_no_order_has_is_422(scene):
    refused(scene.customer.get("/api/v1/orders?status=lost"), 422)


def test_no_refund_is_negative_or_in_another_currency(scene):
    """Of a captured order: a negative part would let a later one be larger than what was captured."""
    placed = scene.customer.post("/api/v1/orders", {
        "items": [{"product_id": scene.product["id"], "quantity": 1}], "shipping_address": ADDRESS,
        "payment_method": "credit_card"})
    path = f"/api/v1/orders/{placed.json['id']}"
    eventually(lambda: scene.customer.get(path).json["status"] == "paid", what="paid")
    for body, pointer in (({"amount": -1}, "/amount"), ({"amount": 0}, "/amount"), ({"amount": -0.01}, "/amount"),
                          ({"amount": 1, "currency": "JPY"}, "/currency"), ({"amount": 1, "currency": "dollars"}, "/currency")):
        got = scene.operator.post(path + "/refund", body, headers={"Idempotency-Key": str(uuid.uuid4())})
        refused(got, 422)
        assert pointer in pointers(got), got
    refused(scene.operator.post(path + "/refund", {"amount": 10.01}), 409)
    assert scene.customer.get(path).json["refunds"] == []
    # The units and the order are as they were for the tests that follow.
    scene.customer.put(path + "/cancel", {})
    eventually(lambda: scene.customer.get(path).json["refund_status"] == "succeeded", what="refunded")
    eventually(lambda: scene.operator.get(f"/api/v1/products/{scene.product['id']}/stock").json["on_hand"] == 50,
               what="the unit is back")
    eventually(lambda: scene.customer.get("/api/v1/cart").json["items"] == [], what="what was paid left the cart")
    scene.before = scene.facts()


@pytest.mark.parametrize("query, pointer", [("limit=0", "limit"), ("limit=101", "limit"), ("limit=ten", "limit"),
                                            ("skip=-1", "skip"), ("limit=1e2", "limit"), ("min_price=cheap", "min_price"),
                                            ("in_stock=perhaps", "in_stock"), ("sort=colour", "sort"), ("cursor=garbage", "cursor")])
def test_queries_that_make_no_sense_are_422(scene, query, pointer):
    got = scene.customer.get("/api/v1/products?" + query)
    refused(got, 422)
    assert any(pointer in told for told in pointers(got)), got


@pytest.mark.parametrize("key", ["x" * 256, "caf\xe9", "tab\there"])
def test_an_idempotency_key_that_is_too_long_or_no_ascii_is_422(scene, key):
    got = scene.customer.post("/api/v1/orders", {"items": [{"product_id": scene.product["id"], "quantity": 1}],
                                                 "shipping_address": ADDRESS}, headers={"Idempotency-Key": key})
    refused(got, 422)
    scene.nothing_changed()


# --- below HTTP ------------------------------------------------------------------------------------------------------

def talk(shop, data, within_s=20):
    """Everything that is answered to raw bytes until the server closes."""
    with socket.create_connection(("127.0.0.1", shop.port), timeout=within_s) as raw:
        with contextlib.suppress(OSError):
            raw.sendall(data)
        out = b""
        with contextlib.suppress(OSError):
            while chunk := raw.recv(65_536):
                out += chunk
        return out


@pytest.mark.parametrize("data, status", [
    (b"\x16\x03\x01\x02\x00\x01\x00", b"400"), (b"GET\r\n\r\n", b"400"), (b"GET / HTTP/9.9\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"y" * 20_000 + b"\r\n\r\n", b"431"),
    (b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"400"),
    (b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", b"400"),
    (b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400")],
    ids=["tls", "no-target", "version", "header-of-20-kB", "negative-length", "length-overflows", "two-lengths"])
def test_what_is_no_http_is_answered_and_closed(scene, data, status):
    got = talk(scene.shop, data)
    assert got.startswith(b"HTTP/1.1 " + status), got[:200]
    scene.nothing_changed()


def test_clients_that_never_finish_their_header_are_cut_off_and_others_are_served(scene):
    began, slow = time.monotonic(), []
    for _ in range(50):
        one = socket.create_connection(("127.0.0.1", scene.shop.port), timeout=30)
        one.sendall(b"GET /api/v1/products HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        slow.append(one)
    assert scene.customer.get("/api/v1/products").status == 200
    for one in slow:
        with contextlib.suppress(ConnectionResetError):
            while one.recv(4096):
                pass
        one.close()
    assert 5 < time.monotonic() - began < 25, "the header's ten seconds"
    scene.nothing_changed()


# --- settings --------------------------------------------------------------------------------------------------------

def run(*arguments, env=None, within_s=20, before=()):
    got = subprocess.run([*before, binary(), *map(str, arguments)], capture_output=True, text=True, timeout=within_s,
                         env=os.environ | (env or {}))
    return got.returncode, got.stderr


FREE = ("--http", "127.0.0.1:0", "--admin", "127.0.0.1:0")


def test_settings_that_do_not_exist_are_refused_with_the_nearest_that_does(tmp_path):
    file = tmp_path / "stoa.toml"
    file.write_text('data_dirr = "x"\n')
    for arguments, env, words in (
            (("--config", file), {}, ("data_dirr", "data_dir", str(file))),
            ((), {"STOA_DATA_DRI": "x"}, ("STOA_DATA_DRI", "data_dir", "environment")),
            (("--data-dri", "x"), {}, ("--data-dri",))):
        code, said = run("serve", "--data-dir", tmp_path / "d", *FREE, *arguments, env=env)
        assert code == 2 and all(word in said for word in words), (code, said)
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("arguments, words", [
    (("--http", "8080"), ("http", "127.0.0.1:8080")), (("--http", "127.0.0.1:99999"), ("http",)),
    (("--currency", "Euro"), ("currency", "EUR")), (("--log-level", "loud"), ("log_level", "warning")),
    (("--loops", "many"), ("loops", "whole number")), (("--sql", "oracle"), ("sql", "sqlite")),
    (("--rate-login-burst", "-1"), ("rate_login_burst",)), (("--payments", "cash"), ("payments", "simulator")),
    (("--config", "/nowhere/stoa.toml"), ("/nowhere/stoa.toml",))])
def test_values_that_cannot_be_say_what_can(tmp_path, arguments, words):
    code, said = run("serve", "--data-dir", tmp_path / "d", *arguments)
    assert code == 2 and all(word in said for word in words), (code, said)
    assert len(said.strip().splitlines()) <= 3, said


def test_a_second_process_on_the_data_directory_is_refused(shop):
    code, said = run("serve", "--data-dir", shop.data_dir, *FREE)
    assert code == 1 and shop.data_dir in said and ("--data-dir" in said or "data_dir" in said), said
    assert shop.client().get("/api/v1/products").status == 200


@pytest.mark.parametrize("flag, listener", [("--http", "the public API"), ("--admin", "the admin listener")])
def test_a_port_that_is_taken_names_its_listener_and_the_flag_to_change(shop, tmp_path, flag, listener):
    flags = {"--http": "127.0.0.1:0", "--admin": "127.0.0.1:0"} | {flag: f"127.0.0.1:{shop.port}"}
    code, said = run("serve", "--data-dir", tmp_path / "other", *(word for pair in flags.items() for word in pair))
    assert code == 1 and f"{listener} ({flag})" in said and f"127.0.0.1:{shop.port}" in said, (code, said)
    assert "choose another port" in said, said
    other = {"--http": "--admin", "--admin": "--http"}[flag]
    assert other not in said, "the listener that is all right is not named"
    assert shop.client().get("/api/v1/products").status == 200, "the shop that has the port goes on"


def test_one_address_for_both_listeners_is_refused_by_name(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    code, said = run("serve", "--data-dir", tmp_path / "data", "--http", address, "--admin", address)
    assert code == 1 and all(word in said for word in ("--http", "--admin", address, "another port")), (code, said)


@pytest.mark.parametrize("flag", ["--http", "--admin"])
def test_an_address_that_is_no_number_names_its_listener(tmp_path, flag):
    flags = {"--http": "127.0.0.1:0", "--admin": "127.0.0.1:0"} | {flag: "nowhere.invalid:8080"}
    code, said = run("serve", "--data-dir", tmp_path / "data", *(word for pair in flags.items() for word in pair))
    assert code == 1 and f"({flag})" in said and "nowhere.invalid:8080" in said, (code, said)


def nobody():
    """A user without rights: root may write everywhere."""
    if os.getuid() != 0:
        return ()
    assert shutil.which("setpriv"), "setpriv (util-linux) is needed to drop root's rights"
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    place = pathlib.Path(f"/tmp/stoa-read-only-{uuid.uuid4()}")  # pytest's own folder is closed to others
    place.mkdir(mode=0o555)
    try:
        code, said = run("serve", "--data-dir", place / "shop", *FREE, before=nobody())
        assert code == 1 and str(place) in said and "ermission" in said, (code, said)
        code, said = run("serve", "--data-dir", place, *FREE, before=nobody())
        assert code == 1 and str(place) in said, (code, said)
    finally:
        place.rmdir()


# --- what a catalogue does not take ------------------------------------------------------------------------------------

@pytest.mark.parametrize("changed, where", [
    ({"name": "   "}, "name"),
    ({"name": "a\u0000b"}, "name"),
    ({"name": "a\tb"}, "name"),
    ({"sku": " a "}, "sku"),
    ({"sku": "  "}, "sku"),
    ({"description": "a\u0001"}, "description"),
    ({"image_url": "javascript:alert(1)"}, "image_url"),
    ({"image_url": "data:text/html,x"}, "image_url"),
])
def test_words_that_no_page_could_show_are_refused(demo_shop, changed, where):
    got = demo_shop.operator().post("/api/v1/products", {"name": "Fine", "price": 1.0} | changed)
    assert got.status == 422 and got.json["errors"][0]["pointer"] == "/" + where, got


def test_pictures_are_addresses_of_the_web_or_paths(demo_shop):
    operator = demo_shop.operator()
    for url in ("https://example.com/a:b.png", "/images/a.svg", "images/12:30.png"):
        got = operator.post("/api/v1/products", {"name": "Fine", "price": 1.0, "image_url": url})
        assert got.status == 201, got


def test_an_encoded_slash_is_no_way_around_a_path(demo_shop):
    operator = demo_shop.operator()
    product = operator.get("/api/v1/products?limit=1").json["products"][0]["id"]
    got = operator.post(f"/api/v1/products%2f{product}%2fstock", {"delta": 5})
    assert got.status == 400, got


def test_an_order_whose_answer_would_not_fit_is_refused_before_anything_is_held(demo_shop):
    operator, customer = demo_shop.operator(), demo_shop.customer("large@example.com")
    name = '"' * 196
    items = []
    for i in range(1000):
        made = operator.post("/api/v1/products", {"name": name + str(i), "price": 1.0, "stock": 5})
        assert made.status == 201, made
        items.append({"product_id": made.json["id"], "quantity": 1})
    got = customer.post("/api/v1/orders", {"items": items, "shipping_address": "Athens"},
                        headers={"Idempotency-Key": "large"})
    assert got.status == 422 and got.json["errors"][0]["pointer"] == "/items", got.status
    left = operator.get(f"/api/v1/products/{items[0]['product_id']}/stock").json
    assert left["reserved"] == 0, left
    half = customer.post("/api/v1/orders", {"items": items[:500], "shipping_address": "Athens"},
                         headers={"Idempotency-Key": "half"})
    assert half.status == 201, half
