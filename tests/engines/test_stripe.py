"""A shop that is paid by Stripe, as far as stripe-mock goes: it checks requests and forgets them, and the fixture that it
answers with is an intent whose payment failed.

    ./dev test engines -k stripe
"""

import hashlib
import hmac
import json
import subprocess
import time

import pytest

from test_shop import address  # isort: skip: it knows where the next ones are
from shop import ADDRESS, Client, Shop, binary, eventually

SECRETS = ("whsec_new", "whsec_old")
FLAGS = ["--payments", "stripe", "--stripe-api-key", "sk_test_stoa", "--stripe-webhook-secret", ",".join(SECRETS),
         "--rate-login-burst", "0"]


@pytest.fixture
def shop(tmp_path):
    with Shop(tmp_path / "data", *FLAGS, "--stripe-api-url", address("stripe")) as one:
        yield one


def order(shop, customer, method):
    product = shop.operator().post("/api/v1/products", {"name": "Mug", "price": 5, "stock": 9}).json["id"]
    made = customer.post("/api/v1/orders", {"items": [{"product_id": product, "quantity": 1}], "shipping_address": ADDRESS,
                                            "payment_method": method})
    assert made.status == 201, made
    return made.json


def news(order_id, **changed):
    return json.dumps({"id": "evt_1", "type": "payment_intent.succeeded",
                       "data": {"object": {"id": "pi_1", "metadata": {"order_id": order_id}}}, **changed})


def tell(shop, body, secret=SECRETS[0], at=None, signed=None):
    at = int(time.time()) if at is None else at
    signature = hmac.new(secret.encode(), f"{at}.{signed or body}".encode(), hashlib.sha256).hexdigest()
    return Client(shop.port).request("POST", "/api/v1/payments/webhooks/stripe", raw=body.encode(),
                                     headers={"Content-Type": "application/json",
                                              "Stripe-Signature": f"t={at},v1={signature}"})


def test_an_attempt_is_made_at_stripe_and_its_failure_is_the_orders(shop):
    customer = shop.customer()
    made = order(shop, customer, "pm_card_visa")
    eventually(lambda: customer.get(f"/api/v1/orders/{made['id']}").json["status"] == "payment_failed", what="declined")
    payment, = customer.get(f"/api/v1/payments?order_id={made['id']}").json["payments"]
    assert payment["status"] == "failed" and payment["transaction_id"].startswith("pi_"), payment
    assert payment["failure_reason"] == "card_declined", payment


def test_a_word_that_is_no_card_fails_and_says_why(shop):
    customer = shop.customer()
    made = order(shop, customer, "credit_card")
    eventually(lambda: customer.get(f"/api/v1/orders/{made['id']}").json["status"] == "payment_failed", what="refused")
    payment, = customer.get(f"/api/v1/payments?order_id={made['id']}").json["payments"]
    assert payment["failure_reason"] == "unsupported_method", payment


def test_news_are_taken_from_stripe_only(shop):
    made = order(shop, shop.customer(), "pm_card_visa")
    body = news(made["id"])
    for secret in SECRETS:
        assert tell(shop, body, secret).status == 200
    assert tell(shop, news("of-nobody")).status == 200
    assert tell(shop, json.dumps({"id": "evt_2", "type": "ping", "data": {"object": {}}})).status == 200
    for refused in (tell(shop, body, "whsec_other"), tell(shop, body, at=int(time.time()) - 400),
                    tell(shop, body, at=int(time.time()) + 400), tell(shop, body, signed=body + " "),
                    Client(shop.port).request("POST", "/api/v1/payments/webhooks/stripe", raw=body.encode())):
        assert refused.status == 401, refused
        assert refused.json["code"].startswith("webhook_"), refused
    assert tell(shop, "no json").status == 400
    assert tell(shop, "{}").status == 422


def test_payments_wait_while_stripe_is_away_and_go_on_when_it_is_back(tmp_path):
    from faulty import Engine
    engine = Engine("stripe", tmp_path / "stripe")
    with Shop(tmp_path / "data", *FLAGS, "--stripe-api-url", engine.address) as shop:
        customer = shop.customer()
        made = order(shop, customer, "pm_card_visa")

        def unknown():
            return "payments_total{outcome=\"unknown\"} 0" not in shop.admin().get("/metrics").body.decode()

        eventually(unknown, what="the provider is asked in vain")
        assert customer.get(f"/api/v1/orders/{made['id']}").json["status"] == "awaiting_payment"
        engine.start()
        try:
            eventually(lambda: customer.get(f"/api/v1/orders/{made['id']}").json["status"] == "payment_failed", within_s=60,
                       what="asked again")
        finally:
            engine.stop()


@pytest.mark.parametrize("flags, told", [
    ([], "STRIPE_API_KEY"), (["--stripe-api-key", "pk_test_1"], "stripe_api_key"),
    (["--stripe-api-key", "sk_live_1", "--stripe-api-url", "http://127.0.0.1:1"], "https"),
    (["--stripe-api-key", "sk_test_1", "--stripe-api-url", "api.stripe.com"], "stripe_api_url"),
    (["--stripe-api-key", "sk_test_1", "--stripe-webhook-secret", "secret"], "whsec_"),
])
def test_settings_that_cannot_be_are_named(tmp_path, flags, told):
    got = subprocess.run([binary(), "serve", "--data-dir", str(tmp_path / "data"), "--http", "127.0.0.1:0", "--admin",
                          "127.0.0.1:0", "--payments", "stripe", *flags], capture_output=True, text=True, timeout=30)
    assert got.returncode == 1 and told in got.stderr, got
    assert "pk_test_1" not in got.stderr and "sk_" not in got.stderr.replace("sk_…", "")
