"""Browsers at the gateway of a split shop: their sessions, and what the console shows of the other processes.

    ./dev test engines -- -k browsers
"""

import http.client
import itertools
import json

import pytest

from test_moving import KEY_VALUES  # noqa: F401  # isort: skip: it knows where the next ones are
from shop import ADDRESS, eventually
from test_shop import Places
from topology import Topology

networks = itertools.count(60)


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browsers")
    places = Places(folder, "browsers", "dynamodb")
    places.settings.pop("kafka_group_instance_id")
    with Topology(folder / "shop", {**places.settings, "rate_login_burst": 0, "rate_principal_burst": 0}, network=next(networks),
                  replicas={}) as shop:
        yield shop


class Browser:
    """Keeps the session's cookie, as a browser would, and sends it where it belongs."""

    def __init__(self, shop, place):
        self.shop, self.place, self.cookie, self.token = shop, place, None, None

    def ask(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.shop.port, timeout=30)
        sent = {"Sec-Fetch-Site": "same-origin", **dict(headers)}
        if path.startswith(f"/session/{self.place}/") and self.cookie:
            sent["Cookie"] = f"stoa_session={self.cookie}"
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        got = connection.getresponse()
        text, cookies = got.read(), got.headers.get_all("Set-Cookie") or []
        connection.close()
        for each in cookies:
            value, *flags = [word.strip() for word in each.split(";")]
            assert f"Path=/session/{self.place}" in flags and "HttpOnly" in flags and "SameSite=Strict" in flags, each
            self.cookie = value.split("=", 1)[1] or None
        answer = json.loads(text) if text.startswith(b"{") else text.decode()
        if path.startswith("/session/") and got.status < 300 and answer:
            assert "refresh_token" not in answer
            self.token = answer["token"]
        return got.status, answer


def test_a_visitor_becomes_a_customer_who_comes_back_and_leaves(split):
    visitor = Browser(split, "shop")
    assert visitor.ask("POST", "/session/shop/refresh", {}) == (204, ""), "nobody yet"
    status, page = visitor.ask("GET", "/")
    assert status == 200 and "Good things" in page
    status, guest = visitor.ask("POST", "/session/shop/guest", {})
    assert status == 201 and guest["role"] == "guest" and visitor.cookie
    product = split.operator().post("/api/v1/products", {"name": "Split <mug>", "price": 5, "stock": 9}).json["id"]
    eventually(lambda: "Split &lt;mug&gt;" in visitor.ask("GET", f"/item/{product}")[1], what="the product in its page")
    assert visitor.ask("POST", "/api/v1/cart/items", {"product_id": product, "quantity": 2})[0] == 200
    status, customer = visitor.ask("POST", "/session/shop/register", {"email": "split@example.com", "password": "correct horse 9",
                                                                      "first_name": "Sam", "last_name": "Split"})
    assert status == 201 and customer["role"] == "customer" and customer["email"] == "split@example.com"
    eventually(lambda: visitor.ask("GET", "/api/v1/cart")[1]["units"] == 2, what="the cart that came along")
    before, visitor.token = visitor.cookie, None  # a reload forgets what the page knew
    status, again = visitor.ask("POST", "/session/shop/refresh", {})
    assert status == 200 and again["id"] == customer["id"] and visitor.cookie != before
    assert visitor.ask("POST", "/session/shop/guest", {}, {"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert visitor.ask("POST", "/session/shop/logout", {})[0] in (200, 204) and visitor.cookie is None
    eventually(lambda: visitor.ask("GET", "/api/v1/orders")[0] == 401, within_s=10, what="signed out everywhere")
    thief = Browser(split, "shop")
    thief.cookie = before
    assert thief.ask("POST", "/session/shop/refresh", {})[0] == 401 and thief.cookie is None
    status, back = Browser(split, "shop").ask("POST", "/session/shop/login", {"email": "split@example.com", "password": "correct horse 9"})
    assert status == 200 and back["id"] == customer["id"]
    assert Browser(split, "shop").ask("POST", "/session/shop/login", {"email": "split@example.com", "password": "wrong horse 9"})[0] == 401


def test_the_console_sees_all_processes_through_the_gateway(split):
    split.operator()
    console = Browser(split, "console")
    status, me = console.ask("POST", "/session/console/login", {"email": "boss@example.com", "password": split._operator})
    assert status == 200 and me["role"] == "admin"
    status, ready = console.ask("GET", "/api/v1/readiness")
    others = {"user", "product", "cart", "order", "payment", "notification", "activity", "analytics"}
    assert status == 200 and set(ready["parts"]) == others, ready
    eventually(lambda: all(part["status"] == "ready" for part in console.ask("GET", "/api/v1/readiness")[1]["parts"].values()),
               what="all of them ready")
    assert console.ask("GET", "/api/v1/dead-letters") == (200, {"letters": [], "more": False})
    assert console.ask("POST", "/api/v1/dead-letters/redrive", {"group": "order"})[0] == 200
    status, unknown = console.ask("POST", "/api/v1/dead-letters/redrive", {"group": "nobody"})
    assert status == 422 and unknown["code"] == "unknown_group"

    product = split.operator().post("/api/v1/products", {"name": "Told mug", "price": 5, "stock": 9}).json["id"]
    other = split.operator().post("/api/v1/products", {"name": "Other mug", "price": 5, "stock": 9}).json["id"]
    customer = Browser(split, "shop")
    customer.ask("POST", "/session/shop/guest", {})
    status, order = customer.ask("POST", "/api/v1/orders", {"items": [{"product_id": each, "quantity": 1} for each in (product, other)],
                                                            "shipping_address": ADDRESS, "payment_method": "credit_card"})
    assert status == 201, order
    eventually(lambda: customer.ask("GET", f"/api/v1/orders/{order['id']}")[1]["status"] == "paid", within_s=60, what="paid")

    def told():
        return [each["type"] for each in console.ask("GET", f"/api/v1/orders/{order['id']}/story")[1]["events"]]

    eventually(lambda: told() == ["order.created", "payment.requested", "payment.succeeded", "order.paid"], within_s=30, what="its story")
    eventually(lambda: console.ask("GET", f"/api/v1/holds/{order['id']}")[1]["status"] == "committed", within_s=30, what="its hold")
    story = console.ask("GET", f"/api/v1/orders/{order['id']}/story")[1]
    assert story["whole"] and story["traced"] and story["spans"], "those of the order's process"
    assert "orders" in {each["topic"] for each in console.ask("GET", "/api/v1/log")[1]["topics"]}
    assert console.ask("GET", "/api/v1/log/orders?limit=1")[1]["events"]
    related = customer.ask("GET", f"/api/v1/products/{product}/related")[1]
    assert [each["id"] for each in related["products"]] == [other] and related["bought_together"] == 1
