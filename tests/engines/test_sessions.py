"""Sessions and orders stand in the engine that `key_value` names, PostgreSQL or DynamoDB.

    ./dev test engines -k sessions
"""

import pytest

from test_moving import KEY_VALUES, Dynamo, psql  # isort: skip: it knows where the next ones are
from shop import ADDRESS, Shop, eventually
from test_shop import UNLIMITED, Places, stoa


@pytest.mark.parametrize("key_value", KEY_VALUES)
def test_sessions_and_orders_stand_where_the_settings_say(tmp_path, key_value):  # R88, R91
    places = Places(tmp_path, "sessions" + key_value, key_value)
    got = stoa("migrate", "--config", places.file(), "--data-dir", str(tmp_path / "data"))
    assert got.returncode == 0, got.stderr

    def rows(table):
        if key_value == "dynamodb":
            return len(Dynamo(places).items(table))
        return int(psql(places, f'SELECT count(*) FROM "kv_{table}"'))

    with Shop(tmp_path / "data", *UNLIMITED, "--config", places.file()) as shop:
        operator, customer = shop.operator(), shop.customer()
        sessions = rows("ecommerce-sessions")
        assert sessions >= 2
        product = operator.post("/api/v1/products", {"name": "Mug", "price": 5, "stock": 9}).json["id"]
        made = customer.post("/api/v1/orders", {"items": [{"product_id": product, "quantity": 2}], "shipping_address": ADDRESS,
                                                "payment_method": "credit_card"})
        assert made.status == 201, made
        assert rows("ecommerce-orders") == 1
        eventually(lambda: customer.get(f"/api/v1/orders/{made.json['id']}").json["status"] == "paid", within_s=60, what="paid")
        assert customer.post("/api/v1/auth/logout", {}).status in (200, 204)
        assert customer.get("/api/v1/orders").status == 401, "at once"
        assert rows("ecommerce-sessions") < sessions
