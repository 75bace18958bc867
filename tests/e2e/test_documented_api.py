"""The endpoints as the source documents show them (R36 to R59): paths, aliases, fields, statuses."""

import re
import time

import pytest

from shop import ADDRESS, eventually
from test_order_saga import add_product, order_is, pay, place


def test_register_login_and_logout(shop):  # R36, R37, R38
    person = {"email": "ann@example.com", "password": "correct horse 9", "first_name": "Ann", "last_name": "Lee"}
    made = shop.client().post("/api/v1/auth/register", person)
    assert made.status == 201 and made.json["email"] == person["email"] and made.json["token"]
    assert "password" not in made.body.decode()
    again = shop.client().post("/api/v1/auth/register", person)
    assert again.status == 409 and again.json["code"] == "email_taken"
    known = shop.client().post("/api/v1/auth/login", {"email": "ANN@example.com", "password": person["password"]})
    assert known.status == 200 and {"id", "email", "token"} <= known.json.keys()
    wrong = shop.client().post("/api/v1/auth/login", {"email": "ann@example.com", "password": "wrong horse 9"})
    nobody = shop.client().post("/api/v1/auth/login", {"email": "bob@example.com", "password": "wrong horse 9"})
    assert wrong.status == nobody.status == 401
    assert {k: v for k, v in wrong.json.items() if k != "request_id"} == \
           {k: v for k, v in nobody.json.items() if k != "request_id"}, "no enumeration"
    one = shop.client(known.json["token"])
    assert one.get("/api/v1/users/me").json["first_name"] == "Ann"
    assert one.post("/api/v1/auth/logout", {}).status == 204
    assert one.get("/api/v1/users/me").status == 401, "logout bites at once"


def test_users_and_customers(shop):  # R4, R39, R40, R87
    operator, customer, other = shop.operator(), shop.customer(), shop.customer("other@example.com")
    for path in (f"/users/{customer.user_id}", f"/api/v1/users/{customer.user_id}"):
        assert customer.get(path).json["id"] == customer.user_id
        assert other.get(path).status == 404 and operator.get(path).status == 200
    made = operator.post("/customers", {"name": "Cy Co", "email": "cy@example.com", "phone": "+30 1", "address": "Athens"})
    assert made.status == 201
    path = f"/customers/{made.json['id']}"
    assert {"id", "name", "email", "phone", "address", "created_at"} <= operator.get(path).json.keys()
    assert operator.put(path, {"phone": "+30 2"}).json["phone"] == "+30 2"
    listed = operator.get("/customers?limit=100").json
    assert made.json["id"] in [c["id"] for c in listed["customers"]] and listed["total"] >= 3
    assert customer.get("/customers").status == 403
    assert operator.delete(path).status == 204
    assert operator.get(path).json["active"] is False, "a record that orders name is kept"
    assert made.json["id"] not in [c["id"] for c in operator.get("/customers?limit=100").json["customers"]]


def test_product_crud_by_both_names(shop):  # R41, R42, R43, R44, R45, R86
    operator, anyone = shop.operator(), shop.client()
    made = operator.post("/products", {"sku": "MUG-1", "name": "Blue mug", "description": "Holds tea.", "price": 9.5,
                                       "currency": "EUR", "category": "Kitchen", "stock_quantity": 7})
    assert made.status == 201 and made.headers["location"].endswith(made.json["id"])
    one = anyone.get(f"/api/v1/products/{made.json['id']}")
    assert {"id", "sku", "name", "price", "currency", "stock", "description", "version"} <= one.json.keys()
    assert one.json["stock"] == 7 and b'"price":9.50' in one.body
    for path in ("/api/v1/products?skip=0&limit=10", "/products"):
        listed = anyone.get(path).json
        assert listed["total"] == 1 and listed["products"][0] == one.json
    found = anyone.get("/api/v1/products/search?q=blu").json
    assert found["total"] == 1 and found["results"][0] == one.json
    tag = one.headers["etag"]
    assert anyone.get(f"/products/{made.json['id']}", headers={"If-None-Match": tag}).status == 304
    changed = operator.put(f"/products/{made.json['id']}", {"price": 10}, headers={"If-Match": tag})
    assert changed.status == 200 and changed.json["version"] == one.json["version"] + 1
    stale = operator.put(f"/products/{made.json['id']}", {"price": 11}, headers={"If-Match": tag})
    assert stale.status == 412
    assert anyone.get(f"/products/{made.json['id']}").json["price"] == 10, "never older than its own commit"
    assert anyone.post("/products", {"name": "x", "price": 1}).status == 401
    assert operator.post("/products", {"name": "x", "price": 1, "sku": "MUG-1"}).json["code"] == "sku_taken"


def test_an_idempotency_key_makes_one_product_and_one_movement(shop):
    operator, key = shop.operator(), {"Idempotency-Key": "spring collection, no. 1"}
    wanted = {"name": "Keyed mug", "price": 4, "stock": 3}
    first = operator.post("/api/v1/products", wanted, headers=key)
    again = operator.post("/products", wanted, headers=key)
    assert first.status == again.status == 201 and again.body == first.body
    assert again.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers and again.headers["idempotent-replayed"] == "true"
    other = operator.post("/products", {**wanted, "price": 5}, headers=key)
    assert other.status == 422 and other.json["code"] == "idempotency_key_reused"
    refused = operator.post("/products", {"name": "No price"}, headers={"Idempotency-Key": "k2"})
    assert refused.status == 422, "and is not stored:"
    assert operator.post("/products", {"name": "A price", "price": 1}, headers={"Idempotency-Key": "k2"}).status == 201

    stock = f"/api/v1/products/{first.json['id']}/stock"
    received = operator.post(stock, {"delta": 4}, headers=key)  # a key belongs to an operation
    repeated = operator.post(stock, {"delta": 4}, headers=key)
    assert received.json["on_hand"] == 7 and repeated.body == received.body
    assert operator.post(stock, {"delta": 5}, headers=key).json["code"] == "idempotency_key_reused"
    assert operator.get(stock).json["on_hand"] == 7


def test_lists_filter_sort_and_page(shop):  # R41, R92
    operator, anyone = shop.operator(), shop.client()
    for i in range(30):
        add_product(shop, stock=i % 3, price=i + 0.99, category="even" if i % 2 == 0 else "odd", sku=f"S{i:02}")
    cheap = anyone.get("/products?category=even&min_price=3&max_price=9.5&sort=price").json
    assert [p["price"] for p in cheap["products"]] == [4.99, 6.99, 8.99] and cheap["total"] == 3
    stocked = anyone.get("/products?in_stock=true&limit=100").json
    assert stocked["total"] == len(stocked["products"]) == 20
    for sort in ("newest", "price", "-price", "name"):
        whole = [p["id"] for p in anyone.get(f"/products?sort={sort}&limit=100").json["products"]]
        paged, cursor = [], ""
        while True:
            page = anyone.get(f"/products?sort={sort}&limit=7{cursor}").json
            paged += [p["id"] for p in page["products"]]
            if "next_cursor" not in page:
                break
            cursor = "&cursor=" + page["next_cursor"].replace(":", "%3A").replace(" ", "%20")
        assert paged == whole and len(whole) == 30, sort
    assert operator.get("/products?limit=101").status == 422


def test_reserve_is_for_services_only(shop):  # R17, R46
    product = add_product(shop)
    for client, status in ((shop.client(), 401), (shop.customer(), 403)):
        got = client.post(f"/products/{product['id']}/reserve?quantity=1", {"order_id": "o"})
        assert got.status == status, got


def test_a_deleted_product_leaves_the_carts(shop):  # R32, R47, R72
    operator, customer = shop.operator(), shop.customer()
    product, kept = add_product(shop), add_product(shop)
    for p in (product, kept):
        assert customer.post("/api/v1/cart/items", {"product_id": p["id"], "quantity": 2}).status in (200, 201)
    assert operator.delete(f"/products/{product['id']}").status == 204
    assert shop.client().get(f"/products/{product['id']}").status == 404
    left = eventually(lambda: (c := customer.get("/api/v1/cart").json) and len(c["items"]) == 1 and c, what="cart emptied")
    assert left["items"][0]["product_id"] == kept["id"]
    assert customer.post("/api/v1/cart/items", {"product_id": product["id"], "quantity": 1}).status in (404, 409, 422)


def test_orders_by_both_names(shop):  # R48, R49, R50, R51, R53
    product, customer = add_product(shop, stock=50), shop.customer()
    made = customer.post("/orders", {"user_id": customer.user_id, "shipping_address": "1 Stoa Way, Athens",
                                     "items": [{"product_id": product["id"], "quantity": 1}]})
    assert made.status == 201 and {"order_id", "status", "total_amount"} <= made.json.keys()
    assert made.headers["idempotency-key"], "the server makes one and returns it"
    one = customer.get(f"/orders/{made.json['order_id']}").json
    assert {"id", "status", "items", "total_amount", "created_at"} <= one.keys()
    pending = customer.get(f"/api/v1/orders?user_id={customer.user_id}&status=pending").json
    assert [o["id"] for o in pending["orders"]] == [one["id"]], "pending means pending or awaiting payment"
    cancelled = customer.put(f"/api/v1/orders/{one['id']}/cancel", {}).json
    assert cancelled["status"] == "cancelled" and cancelled["cancelled_at"]
    for i in range(12):
        assert place(customer, product).status == 201
    first = customer.get("/orders?limit=10").json
    rest = customer.get(f"/orders?limit=10&cursor={first['next_cursor']}").json
    ids = [o["id"] for o in first["orders"] + rest["orders"]]
    assert len(set(ids)) == 13 and first["total"] == 13
    assert ids == [o["id"] for o in customer.get("/orders?limit=100").json["orders"]]


def test_payments_by_both_names(shop):  # R54, R55
    product, customer = add_product(shop), shop.customer()
    order = place(customer, product).json
    made = customer.post("/payments", {"order_id": order["id"], "amount": order["total_amount"],
                                       "payment_method": "credit_card"})
    assert made.status == 201 and {"payment_id", "status", "transaction_id"} <= made.json.keys()
    one = customer.get(f"/api/v1/payments/{made.json['payment_id']}").json
    assert {"id", "order_id", "amount", "status"} <= one.keys() and one["status"] == "succeeded"


def test_a_callback_makes_no_order_paid_without_its_capture(shop):  # R21, R52
    product, customer = add_product(shop), shop.customer()
    order = place(customer, product).json
    for client in (shop.operator(), customer):
        got = client.put(f"/orders/{order['id']}/status", {"status": "paid", "payment_id": order["id"]})
        assert got.status == 403
    wrong = shop.operator().put(f"/orders/{order['id']}/status", {"status": "delivered"})
    assert wrong.status == 409 and "cancelling" in wrong.json["allowed"]


def test_activity_events(shop):  # R10, R56, R77, R79
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    event = {"user_id": "u", "product_id": "p", "event_type": "VIEW_PRODUCT", "timestamp": now,
             "metadata": {"session_id": "s"}}
    anyone = shop.client()
    for path in ("/event", "/activity/event", "/api/v1/events"):
        assert anyone.post(path, event).status == 202, path
    many = anyone.post("/events/batch", {"events": [event] * 100})
    assert many.status == 202 and many.json == {"accepted": 100}
    bad = anyone.post("/api/v1/events/batch", {"events": [event, {k: v for k, v in event.items() if k != "product_id"}]})
    assert bad.status == 422 and bad.json["errors"][0]["pointer"] == "/events/1/product_id"


def test_health_ready_and_metrics(shop):  # R2, R58, R59, R212, R214
    assert shop.client().get("/health").json == {"status": "healthy"}
    assert shop.client().get("/metrics").status == 404, "never on the public listener"
    product, customer = add_product(shop), shop.customer()
    order = place(customer, product).json
    pay(customer, order)
    order_is(customer, order["id"], "paid")
    admin = shop.admin()
    ready = admin.get("/ready")
    assert ready.status == 200 and ready.json["dependencies"]["storage"] == "ready"
    scraped = admin.get("/metrics")
    assert scraped.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = scraped.body.decode()
    for name in ("http_requests_total", "http_request_duration_seconds_bucket", "orders_created_total",
                 "order_latency_seconds_count", "kafka_events_published_total", "consumer_lag",
                 "storage_queue_depth", "orders_in_status"):
        assert re.search(rf"^{name}[{{ ]", text, re.M), name
    assert re.search(r'kafka_events_published_total\{topic="orders",status="success"\} [1-9]', text)
    assert customer.user_id not in text, "no series per user"
    for line in text.splitlines():
        assert line.startswith("#") or re.fullmatch(r'[a-z_:]+(\{([a-z_]+="[^"]*",?)*\})? [0-9.e+\-Inf]+', line), line


@pytest.mark.parametrize("path", ["/api/v1/orders/{}/details", "/api/v1/orders/{}/invoice"])
def test_aggregates_belong_to_their_owner(shop, path):  # R1, R108
    product, customer = add_product(shop), shop.customer()
    order = place(customer, product, payment_method="credit_card").json
    order_is(customer, order["id"], "paid")
    whole = eventually(lambda: (a := customer.get(path.format(order["id"]))).status == 200 and a, what=path)
    assert order["id"].encode() in whole.body or b"Thing" in whole.body
    assert shop.customer("x@example.com").get(path.format(order["id"])).status == 404


def test_mail_leaves_once_for_each_event(shop):  # R9, R100
    product, customer = add_product(shop), shop.customer()
    order = place(customer, product, payment_method="credit_card").json
    order_is(customer, order["id"], "paid")
    operator = shop.operator()

    def sent():
        found = operator.get(f"/api/v1/notifications?order_id={order['id']}").json["notifications"]
        return len(found) == 2 and all(n["status"] == "sent" for n in found) and found

    eventually(sent, what="two mails")
    with open(shop.data_dir + "/mailbox.mbox", "rb") as box:
        mails = box.read()
    about_it = [mail for mail in mails.split(b"\nMessage-ID:")[1:] if order["id"].encode() in mail]
    assert len(about_it) == 2 and b"someone@example.com" in mails
    assert customer.get(f"/api/v1/notifications?order_id={order['id']}").status == 403


def test_a_guests_cart_follows_them_to_their_account(shop):
    product = add_product(shop)
    guest = shop.guest()
    guest.post("/api/v1/cart/items", {"product_id": product["id"], "quantity": 3})
    shop.customer("late@example.com")
    known = guest.post("/api/v1/auth/login", {"email": "late@example.com", "password": "correct horse 9"})
    assert known.status == 200
    cart = shop.client(known.json["token"]).get("/api/v1/cart").json
    assert [(i["product_id"], i["quantity"]) for i in cart["items"]] == [(product["id"], 3)]
    order = shop.client(known.json["token"]).post("/api/v1/cart/checkout", {"shipping_address": ADDRESS})
    assert order.status == 201 and order.json["total_amount"] == 37.5
