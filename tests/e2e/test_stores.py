"""The tables that the documents name, with their keys, in the file of a shop on its own (R96 to R101)."""

import contextlib
import sqlite3

from shop import Shop

DOCUMENTED = {  # table: (key, time to live, {index's key})
    "ecommerce-orders": ("id/", False, {"user_id/created_at", "status/created_at", "due_shard/due_at"}),
    "ecommerce-payments": ("id/", False, {"order_id/created_at", "due_shard/due_at"}),
    "ecommerce-sessions": ("session_id/", True, set()),
    "ecommerce-carts": ("user_id/product_id", True, {"product_id/"}),
    "ecommerce-notifications": ("event_id/channel", False, {"order_id/created_at"}),
}


def test_the_documented_tables_stand_with_their_keys_and_indexes(tmp_path):
    with Shop(tmp_path / "data") as shop:
        assert shop.client().get("/health").status == 200
    with contextlib.closing(sqlite3.connect(tmp_path / "data/shop.db")) as db:
        tables = {name: (shape, bool(ttl)) for name, shape, ttl in db.execute("SELECT name, shape, ttl FROM kv_tables")}
        indexes = {}
        for name, shape in db.execute("SELECT table_name, shape FROM kv_indexes"):
            indexes.setdefault(name, set()).add(shape)
        columns = {name for name, in db.execute("SELECT name FROM pragma_table_info('products')")}
        users = {name for name, in db.execute("SELECT name FROM pragma_table_info('users')")}
    for name, (key, expires, by) in DOCUMENTED.items():
        assert tables[name] == (key, expires), name
        assert by <= indexes.get(name, set()), (name, indexes.get(name))
    assert {"id", "sku", "name", "description", "price", "category", "image_url", "created_at"} <= columns, columns
    assert {"id", "email", "password_hash", "first_name", "last_name", "phone", "active", "address", "created_at"} <= users, users
