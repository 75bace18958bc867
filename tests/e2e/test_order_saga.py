"""One order from the cart's side of the counter to its end, through the public API of the real program."""

import concurrent.futures
import uuid

from shop import ADDRESS, eventually


def add_product(shop, stock=10, price=12.5, **more):
    got = shop.operator().post("/api/v1/products", {"name": "Thing", "price": price, "stock": stock, **more})
    assert got.status == 201, got
    return got.json


def place(client, product, quantity=1, key=None, **more):
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return client.post("/api/v1/orders", {"items": [{"product_id": product["id"], "quantity": quantity}],
                                          "shipping_address": ADDRESS, **more}, headers=headers)


def pay(client, order, method="credit_card", **more):
    return client.post("/api/v1/payments", {"order_id": order["id"], "amount": order["total_amount"],
                                            "method": method}, **more)


def order_is(client, order_id, status):
    return eventually(lambda: (o := client.get(f"/api/v1/orders/{order_id}").json)["status"] == status and o,
                      what=f"order {status}")


def stock_of(shop, product):
    return shop.operator().get(f"/api/v1/products/{product['id']}/stock").json


def test_an_order_is_placed_paid_and_its_units_leave_the_stock(shop):
    product, customer = add_product(shop), shop.customer()
    placed = place(customer, product, 2, reference="PO-1")
    assert placed.status == 201
    order = placed.json
    assert order["id"] == order["order_id"] and order["status"] == "awaiting_payment"
    assert order["total_amount"] == 25.0 and b'"total_amount":25.00' in placed.body
    assert order["reference"] == "PO-1"
    assert stock_of(shop, product)["reserved"] == 2
    paid = pay(customer, order)
    assert paid.status == 201 and paid.json["status"] == "succeeded" and paid.json["transaction_id"]
    order_is(customer, order["id"], "paid")
    eventually(lambda: stock_of(shop, product)["on_hand"] == 8, what="the units left")
    assert stock_of(shop, product)["reserved"] == 0


def test_the_same_key_gives_the_same_bytes_and_one_order(shop):
    product, customer = add_product(shop), shop.customer()
    key = str(uuid.uuid4())
    first, again = place(customer, product, key=key), place(customer, product, key=key)
    assert first.status == again.status == 201 and first.body == again.body
    assert again.headers["idempotent-replayed"] == "true"
    other = place(customer, product, 2, key=key)
    assert other.status == 422 and other.json["code"] == "idempotency_key_reused"
    assert customer.get("/api/v1/orders").json["total"] == 1


def test_parallel_requests_with_one_key_make_one_order(shop):
    product, customer = add_product(shop, stock=100), shop.customer()
    key = str(uuid.uuid4())

    def one(_):
        client = shop.client(customer.token)
        return eventually(lambda: (a := place(client, product, key=key)).status != 409 and a)

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))
    assert {a.status for a in answers} == {201}
    assert len({a.body for a in answers}) == 1
    assert stock_of(shop, product)["reserved"] == 1


def test_a_flash_sale_sells_exactly_what_is_there(shop):
    product = add_product(shop, stock=25)
    customers = [shop.customer(f"c{i}@example.com") for i in range(8)]

    def one(i):
        return place(shop.client(customers[i % 8].token), product).status

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(one, range(100)))
    assert statuses.count(201) == 25 and statuses.count(409) == 75
    assert stock_of(shop, product) | {"movements": None} == {
        "product_id": product["id"], "on_hand": 25, "reserved": 25, "stock": 0, "movements": None}


def test_a_sold_out_product_is_refused_with_what_is_available(shop):
    product, customer = add_product(shop, stock=3), shop.customer()
    refused = place(customer, product, 4)
    assert refused.status == 409 and refused.json["code"] == "out_of_stock"
    assert refused.json["errors"][0] == {"pointer": "/items/0", "code": "out_of_stock",
                                         "detail": "3 available", "available": 3}
    twins = customer.post("/api/v1/orders", {"items": [{"product_id": product["id"], "quantity": 2}] * 2,
                                             "shipping_address": ADDRESS})
    assert twins.status == 409, "demand is summed per product"


def test_a_declined_card_keeps_the_hold_and_another_may_pay(shop):
    product, customer = add_product(shop), shop.customer()
    order = place(customer, product).json
    declined = pay(customer, order, "tok_declined")
    assert declined.status == 402 and declined.json["code"] == "payment_declined"
    order_is(customer, order["id"], "payment_failed")
    assert stock_of(shop, product)["reserved"] == 1
    assert pay(customer, order).status == 201
    order_is(customer, order["id"], "paid")
    attempts = customer.get(f"/api/v1/payments?order_id={order['id']}").json["payments"]
    assert [a["status"] for a in attempts] == ["failed", "succeeded"]


def test_another_amount_is_refused_and_charges_nothing(shop):
    product, customer = add_product(shop), shop.customer()
    order = place(customer, product).json
    wrong = customer.post("/api/v1/payments", {"order_id": order["id"], "amount": 0.01, "method": "credit_card"})
    assert wrong.status == 422 and wrong.json["errors"][0]["code"] == "amount_differs"
    assert customer.get(f"/api/v1/payments?order_id={order['id']}").json["payments"] == []


def test_every_outcome_of_the_provider_ends_in_one_charge(shop):
    customer = shop.customer()
    for method in ("tok_slow", "tok_timeout_before_capture", "tok_timeout_after_capture", "tok_500_then_ok",
                   "tok_double_webhook"):
        product = add_product(shop)
        order = place(customer, product).json
        assert pay(customer, order, method).status in (201, 202), method
        paid = order_is(customer, order["id"], "paid")
        assert paid["captured_amount"] == order["total_amount"], method
        again = pay(customer, order, "credit_card")
        assert again.status == 200 and again.json["status"] == "succeeded", "a paid order answers as its payment"
        assert len(customer.get(f"/api/v1/payments?order_id={order['id']}").json["payments"]) == 1, method


def test_a_method_named_with_the_order_is_charged_without_another_request(shop):
    product, customer = add_product(shop), shop.customer()
    order = place(customer, product, payment_method="credit_card").json
    order_is(customer, order["id"], "paid")


def test_cancel_before_payment_releases_the_hold(shop):
    product, customer = add_product(shop), shop.customer()
    order = place(customer, product).json
    cancelled = customer.put(f"/api/v1/orders/{order['id']}/cancel", {})
    assert cancelled.status == 200 and cancelled.json["status"] == "cancelled" and cancelled.json["cancelled_at"]
    eventually(lambda: stock_of(shop, product)["reserved"] == 0, what="hold released")
    assert pay(customer, order).status == 409
    again = customer.put(f"/api/v1/orders/{order['id']}/cancel", {})
    assert again.status == 200


def test_cancel_after_payment_returns_units_and_money(shop):
    product, customer = add_product(shop), shop.customer()
    order = place(customer, product, 3).json
    pay(customer, order)
    order_is(customer, order["id"], "paid")
    eventually(lambda: stock_of(shop, product)["on_hand"] == 7)
    assert customer.put(f"/api/v1/orders/{order['id']}/cancel", {}).json["status"] == "cancelled"
    eventually(lambda: stock_of(shop, product)["on_hand"] == 10, what="units returned")
    done = eventually(lambda: (o := customer.get(f"/api/v1/orders/{order['id']}").json)["refund_status"] ==
                      "succeeded" and o, what="refund")
    assert done["refunded_amount"] == done["captured_amount"] == order["total_amount"]


def test_ship_deliver_and_refund_in_parts(shop):
    product, customer = add_product(shop, price=10), shop.customer()
    order = place(customer, product, 3).json
    path, operator = f"/api/v1/orders/{order['id']}", shop.operator()
    early = operator.post(path + "/ship", {})
    assert early.status == 409 and early.json["allowed"] == ["paid", "payment_failed", "cancelling"]
    pay(customer, order)
    order_is(customer, order["id"], "paid")
    assert customer.post(path + "/ship", {}).status == 403
    assert operator.post(path + "/ship", {}).json["status"] == "shipped"
    assert customer.put(path + "/cancel", {}).status == 409
    key = {"Idempotency-Key": "r-1"}
    part = operator.post(path + "/refund", {"amount": 12.5}, headers=key)
    assert part.status == 200
    assert operator.post(path + "/refund", {"amount": 12.5}, headers=key).body == part.body
    eventually(lambda: customer.get(path).json["refunded_amount"] == 12.5, what="partial refund")
    assert operator.post(path + "/refund", {"amount": 20}).status == 409, "more than was captured"
    assert operator.post(path + "/deliver", {}).json["status"] == "delivered"
    assert operator.post(path + "/refund", {"restock": True}).status == 200
    whole = order_is(customer, order["id"], "refunded")
    assert whole["refunded_amount"] == 30


def test_what_clients_must_not_set_is_refused(shop):
    product, customer, other = add_product(shop), shop.customer(), shop.customer("other@example.com")
    for extra, pointer in (({"total_amount": 1}, "/total_amount"), ({"status": "paid"}, "/status"),
                           ({"user_id": other.user_id}, "/user_id")):
        got = place(customer, product, **extra)
        assert got.status == 422 and got.json["errors"][0]["pointer"] == pointer, got
    priced = customer.post("/api/v1/orders", {"items": [{"product_id": product["id"], "quantity": 1, "price": 0.01}],
                                              "shipping_address": ADDRESS})
    assert priced.status == 422 and priced.json["errors"][0]["pointer"] == "/items/0/price"
    order = place(customer, product).json
    for path in (f"/api/v1/orders/{order['id']}", f"/api/v1/payments?order_id={order['id']}"):
        assert other.get(path).status == 404
    assert customer.put(f"/api/v1/orders/{order['id']}/status", {"status": "paid"}).status == 403
    assert shop.client().get(f"/api/v1/orders/{order['id']}").status == 401


def test_kill_9_in_the_middle_of_the_saga_loses_nothing(shop):
    product, customer = add_product(shop, stock=1000), shop.customer()
    keys, placed = [str(uuid.uuid4()) for _ in range(60)], {}

    def one(key):
        client = shop.client(customer.token)

        def attempt():
            client.port = shop.port
            client.close()
            try:
                got = place(client, product, key=key, payment_method="credit_card")
            except (OSError, Exception) as e:  # noqa: B014  the process is being killed under us
                if isinstance(e, AssertionError):
                    raise
                return None
            return got.status == 201 and got.json

        placed[key] = eventually(attempt, within_s=60, what="the order was taken")["id"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        work = [pool.submit(one, key) for key in keys]
        for _ in range(4):
            eventually(lambda: sum(w.done() for w in work) >= 1)
            shop.kill()
            shop.start()
        for each in work:
            each.result()
    assert len(set(placed.values())) == len(keys)
    client = shop.client(customer.token)
    for order_id in placed.values():
        order_is(client, order_id, "paid")
    eventually(lambda: stock_of(shop, product)["on_hand"] == 1000 - len(keys), what="all units left")
    assert stock_of(shop, product)["reserved"] == 0
    assert client.get("/api/v1/orders?limit=1").json["total"] == len(keys)


def test_what_costs_nothing_is_paid_as_everything_else(shop):
    product, customer = add_product(shop, price=0), shop.customer()
    order = place(customer, product).json
    assert order["total_amount"] == 0
    assert pay(customer, order).status == 201
    order_is(customer, order["id"], "paid")
