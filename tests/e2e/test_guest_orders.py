"""A guest's orders follow to the account whose owner reads the mail of the guest's address, and to nobody else."""

import re
import uuid

from shop import ADDRESS, eventually
from test_order_saga import add_product, order_is, pay, place

PASSWORD = "correct horse 9"


def codes(shop, address):
    """The confirmation codes that were mailed to the address, oldest first."""
    try:
        with open(shop.data_dir + "/mailbox.mbox", encoding="utf-8") as box:
            mails = re.split(r"^From ", box.read(), flags=re.M)
    except FileNotFoundError:
        return []
    mine = [mail for mail in mails if re.search(rf"^To: <?{re.escape(address)}>?\s*$", mail, re.M)]
    return [code for mail in mine for code in re.findall(r"^Confirmation code: (\S+)", mail, re.M)]


def mailed_code(shop, address, nth=1):
    return eventually(lambda: len(found := codes(shop, address)) >= nth and found[nth - 1], what=f"mail to {address}")


def guest_at(shop, address):
    got = shop.client().post("/api/v1/auth/guest", {"email": address})
    assert got.status == 201, got
    one = shop.client(got.json["token"])
    one.user_id = got.json["id"]
    return one


def ids(client):
    listed = client.get("/api/v1/orders?limit=100").json
    assert listed["total"] == len(listed["orders"])
    return [order["id"] for order in listed["orders"]]


def test_orders_follow_once_the_address_is_verified(shop):
    product, guest = add_product(shop), guest_at(shop, "ann@example.com")
    first, second = place(guest, product).json, place(guest, product, payment_method="credit_card").json
    order_is(guest, second["id"], "paid")
    ann = shop.customer("Ann@example.com")
    assert ids(ann) == [] and ann.get(f"/api/v1/orders/{first['id']}").status == 404
    assert ann.get("/api/v1/users/me").json["email_verified"] is False

    code = mailed_code(shop, "Ann@example.com")
    assert ann.post("/api/v1/auth/verify-email", {"token": code}).status == 204
    assert ann.get("/api/v1/users/me").json["email_verified"] is True
    assert ids(ann) == [second["id"], first["id"]], "newest first, at once"
    assert ids(guest) == []
    moved = ann.get(f"/api/v1/orders/{first['id']}").json
    assert moved["user_id"] == ann.user_id and moved["placed_by"] == guest.user_id

    # The account pays, reads and cancels; the guest no longer does.
    for got in (guest.get(f"/api/v1/orders/{first['id']}"), guest.put(f"/api/v1/orders/{first['id']}/cancel", {}),
                guest.get(f"/api/v1/orders/{second['id']}/invoice"), guest.get(f"/api/v1/orders/{second['id']}/details"),
                guest.get(f"/api/v1/payments?order_id={second['id']}"),
                pay(guest, first, headers={"Idempotency-Key": str(uuid.uuid4())})):
        assert got.status == 404, got
    paid = pay(ann, first)
    assert paid.status == 201 and paid.json["status"] == "succeeded", paid
    order_is(ann, first["id"], "paid")
    payments = ann.get(f"/api/v1/payments?order_id={second['id']}").json["payments"]
    assert len(payments) == 1, "paid for before the order moved"
    payment = f"/api/v1/payments/{payments[0]['id']}"
    assert ann.get(payment).status == 200 and guest.get(payment).status == 404
    invoice = eventually(lambda: (a := ann.get(f"/api/v1/orders/{second['id']}/invoice")).status == 200 and a, what="invoice")
    assert second["id"].encode() in invoice.body
    assert ann.put(f"/api/v1/orders/{second['id']}/cancel", {}).json["status"] == "cancelled"
    eventually(lambda: ann.get(f"/api/v1/orders/{second['id']}").json["refund_status"] == "succeeded", what="refunded")
    again = ann.post("/api/v1/auth/verify-email", {"token": code})
    assert again.status == 422 and again.json["code"] == "invalid_verification_token", "a token works once"


def test_without_the_mailbox_there_is_nothing_to_get(shop):
    product, guest = add_product(shop), guest_at(shop, "ann@example.com")
    order = place(guest, product).json
    eve = shop.customer("ann@example.com")
    code = mailed_code(shop, "ann@example.com")
    for token in ("", "guess", "0" * 64, code[:-1] + ("0" if code[-1] != "0" else "1")):
        assert eve.post("/api/v1/auth/verify-email", {"token": token}).status == 422
    asked = [eve.post("/api/v1/auth/verify-email/request", {}) for _ in range(6)]
    assert {(a.status, a.body) for a in asked} == {(202, asked[0].body)} and code.encode() not in asked[0].body
    # The owner of the mailbox enters the code of a mail that somebody else's registration sent: it is not theirs.
    owner = shop.customer("ann.other@example.com")
    assert owner.post("/api/v1/auth/verify-email", {"token": code}).status == 422
    assert shop.client().post("/api/v1/auth/verify-email", {"token": code}).status == 401
    assert guest.post("/api/v1/auth/verify-email", {"token": code}).status == 403
    assert ids(eve) == [] and ids(owner) == [] and ids(guest) == [order["id"]]
    assert eve.get(f"/api/v1/orders/{order['id']}").status == 404
    assert eve.get("/api/v1/users/me").json["email_verified"] is False
    # Few mails, however often one asks: the one of the registration and two more.
    mailed_code(shop, "ann@example.com", 3)
    assert len(codes(shop, "ann@example.com")) == 3


def test_the_guest_whose_token_comes_with_the_login_brings_the_orders_along(shop):
    product, guest = add_product(shop), shop.guest()
    order = place(guest, product).json
    shop.customer("late@example.com")
    known = guest.post("/api/v1/auth/login", {"email": "late@example.com", "password": PASSWORD})
    assert known.status == 200
    late = shop.client(known.json["token"])
    assert ids(late) == []
    code = mailed_code(shop, "late@example.com")
    assert late.post("/api/v1/auth/verify-email", {"token": code}).status == 204
    assert ids(late) == [order["id"]]
    assert guest.get(f"/api/v1/orders/{order['id']}").status == 401, "the guest is no more"


def test_what_was_paid_leaves_the_guests_cart_and_not_the_accounts(shop):
    product, guest = add_product(shop, stock=10), guest_at(shop, "ann@example.com")
    ann = shop.customer("ann@example.com")
    for client in (ann, guest):
        put = client.post("/api/v1/cart/items", {"product_id": product["id"], "quantity": 2})
        assert put.status in (200, 201), put
    order = guest.post("/api/v1/cart/checkout", {"shipping_address": ADDRESS}).json
    assert ann.post("/api/v1/auth/verify-email", {"token": mailed_code(shop, "ann@example.com")}).status == 204
    assert pay(ann, order).status == 201
    eventually(lambda: guest.get("/api/v1/cart").json["items"] == [], what="what was paid left the guest's cart")
    assert [i["quantity"] for i in ann.get("/api/v1/cart").json["items"]] == [2]


def test_the_guests_token_makes_the_record_the_accounts_own(shop):
    product, guest = add_product(shop), guest_at(shop, "ann@example.com")
    order = place(guest, product).json
    got = guest.post("/api/v1/auth/register", {"email": "ann@example.com", "password": PASSWORD,
                                               "first_name": "Ann", "last_name": "Lee"})
    assert got.status == 201 and got.json["id"] == guest.user_id
    assert ids(shop.client(got.json["token"])) == [order["id"]], "who holds the token has the orders"


def test_a_guest_gets_the_mails_about_an_order(shop):
    product, guest = add_product(shop), guest_at(shop, "ann@example.com")
    order = place(guest, product).json

    def told():
        listed = shop.operator().get(f"/api/v1/notifications?order_id={order['id']}").json["notifications"]
        return [(n["event_type"], n["status"], n.get("to")) for n in listed]

    eventually(lambda: told() == [("order.created", "sent", "ann@example.com")], what="a mail to the guest")


def test_a_process_that_dies_while_orders_move_is_finished_by_the_next(shop):
    product, guest = add_product(shop, stock=200), guest_at(shop, "ann@example.com")
    placed = {place(guest, product).json["id"] for _ in range(130)}  # more than one look takes
    ann = shop.customer("ann@example.com")
    assert ann.post("/api/v1/auth/verify-email", {"token": mailed_code(shop, "ann@example.com")}).status == 204
    shop.kill()
    shop.start()
    ann = shop.login("ann@example.com", PASSWORD)
    eventually(lambda: ann.get("/api/v1/orders?limit=1").json["total"] == 130, within_s=40, what="all orders moved")
    first = ann.get("/api/v1/orders?limit=100").json
    rest = ann.get(f"/api/v1/orders?limit=100&cursor={first['next_cursor']}").json
    assert {order["id"] for order in first["orders"] + rest["orders"]} == placed
    assert shop.operator().get("/api/v1/orders?limit=1").json["total"] == 130
