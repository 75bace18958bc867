"""`stoa operator`: who runs a shop that was not a demo, and how operators make and unmake each other."""

import re
import sqlite3
import subprocess

import pytest

from shop import ADDRESS, Shop, binary, eventually
from test_order_saga import order_is

ADA = "ada@shop.example"


def operator(data_dir, *arguments):
    got = subprocess.run([binary(), "operator", "--data-dir", str(data_dir), *arguments], capture_output=True, text=True,
                         timeout=60)
    return got.returncode, got.stdout + got.stderr


def password_of(said):
    found = re.search(r"^Password: (\S{16})  ", said, re.M)
    assert found, said
    return found.group(1)


@pytest.fixture
def stopped(tmp_path):
    shop = Shop(tmp_path / "data", "--rate-login-burst", "0", "--rate-principal-burst", "0").start()
    assert shop.stop() == 0
    return shop


def runs_the_shop(client):
    made = client.post("/api/v1/products", {"name": "Mug", "price": 10, "stock": 5})
    assert made.status == 201, made
    return made.json["id"]


def test_the_operator_of_a_running_shop_sells_and_ships(shop):
    code, said = operator(shop.data_dir, ADA)
    assert code == 0 and f"{ADA} is an operator" in said, said
    ada = shop.login(ADA, password_of(said))
    product = runs_the_shop(ada)
    customer = shop.customer()
    order = customer.post("/api/v1/orders", {"items": [{"product_id": product, "quantity": 1}], "shipping_address": ADDRESS,
                                             "payment_method": "credit_card"}).json
    order_is(customer, order["id"], "paid")
    shipped = ada.post(f"/api/v1/orders/{order['id']}/ship", {})
    assert shipped.status == 200 and shipped.json["status"] == "shipped", shipped
    assert operator(shop.data_dir, ADA.upper()) == (0, f"{ADA} was an operator already\n")
    assert ada.get("/api/v1/users/me").status == 200, "who was one already stays signed in"


def test_the_operator_of_a_stopped_shop_signs_in_when_it_starts(stopped):
    code, said = operator(stopped.data_dir, ADA)
    assert code == 0, said
    with stopped as shop:
        runs_the_shop(shop.login(ADA, password_of(said)))


@pytest.mark.parametrize("running", [True, False])
def test_a_customer_becomes_an_operator_and_signs_in_again(stopped, running):
    shop = stopped.start()
    customer = shop.customer(ADA)
    assert customer.post("/api/v1/products", {"name": "Mug", "price": 10}).status == 403
    if not running:
        assert shop.stop() == 0
    code, said = operator(shop.data_dir, ADA)
    assert code == 0 and "no customer any more" in said and "Password" not in said, said
    if not running:
        shop.start()
    with_old_token = shop.client(customer.token)
    assert with_old_token.get("/api/v1/users/me").status == 401, "a session of a customer is none of an operator"
    runs_the_shop(shop.login(ADA, "correct horse 9"))
    assert shop.operator().get("/api/v1/users?role=admin").json["total"] == 1
    assert shop.stop() == 0


def test_a_customer_without_a_password_gets_one(shop):
    made = shop.operator().post("/api/v1/customers", {"name": "Ada", "email": ADA})
    assert made.status == 201, made
    code, said = operator(shop.data_dir, ADA)
    assert code == 0, said
    runs_the_shop(shop.login(ADA, password_of(said)))


@pytest.mark.parametrize("running", [True, False])
def test_what_is_no_account_of_an_operator_is_refused_and_nothing_changes(stopped, running):
    shop = stopped.start()
    assert shop.client().post("/api/v1/auth/guest", {"email": "guest@shop.example"}).status == 201
    ended = shop.customer("gone@shop.example")
    assert shop.operator().delete(f"/api/v1/users/{ended.user_id}").status == 204
    if not running:
        assert shop.stop() == 0
    for address, why in (("no address", "is no e-mail address"), ("a@", "is no e-mail address"),
                         ("Guest@shop.example", "only a guest has given this address"), ("gone@shop.example", "was ended")):
        code, said = operator(shop.data_dir, address)
        assert code == 1 and why in said, said
    shop.stop()
    with sqlite3.connect(f"file:{shop.data_dir}/shop.db?mode=ro", uri=True) as db:
        assert db.execute("SELECT count(*) FROM users WHERE role = 'admin'").fetchone() == (0,)


def test_the_verb_says_what_it_needs_and_makes_no_shop(tmp_path):
    code, said = operator(tmp_path / "none", ADA)
    assert code == 1 and "there is no shop in" in said and "stoa serve" in said, said
    assert not (tmp_path / "none").exists()
    code, said = operator(tmp_path / "none")
    assert code == 2 and "email is required" in said, said
    code, said = operator(tmp_path / "none", "--help")
    assert code == 0 and "password is printed once" in said, said


def test_only_the_programs_own_token_makes_operators_on_the_admin_listener(shop):
    ada = shop.login(ADA, password_of(operator(shop.data_dir, ADA)[1]))
    for token, status in ((None, 401), (shop.customer().token, 403), (ada.token, 403)):
        admin = shop.admin()
        admin.token = token
        assert admin.post("/local/operator", {"email": "eve@shop.example"}).status == status
    assert shop.operator().post("/local/operator", {"email": "eve@shop.example"}).status == 404, "not on the public listener"
    assert shop.operator().get("/api/v1/users?role=admin").json["total"] == 1


def test_operators_make_and_unmake_each_other(shop):
    ada = shop.login(ADA, password_of(operator(shop.data_dir, ADA)[1]))
    me = ada.get("/api/v1/users/me").json
    bob = shop.customer("bob@shop.example")
    path = f"/api/v1/users/{bob.user_id}"
    for word in ("operator", "guest", "", None, 1):
        got = ada.put(path, {"role": word})
        assert got.status == 422 or word is None, got
    refused = bob.put(path, {"role": "admin"})
    assert refused.status == 422 and "only the shop sets this" in refused.body.decode(), refused
    assert ada.put(f"/api/v1/users/{me['id']}", {"role": "customer"}).json["code"] == "own_role"
    same = ada.put(path, {"role": "customer"})
    assert same.status == 200 and bob.get("/api/v1/users/me").status == 200, "nothing changed, nobody signs in again"
    promoted = ada.put(path, {"role": "admin"})
    assert promoted.status == 200 and promoted.json["role"] == "admin", promoted
    assert bob.get("/api/v1/users/me").status == 401
    bob = shop.login("bob@shop.example", "correct horse 9")
    runs_the_shop(bob)
    demoted = bob.put(f"/api/v1/users/{me['id']}", {"role": "customer"})
    assert demoted.status == 200 and demoted.json["role"] == "customer", demoted
    eventually(lambda: ada.get("/api/v1/users/me").status == 401, what="the operator that was is signed out")
    assert ada.put(path, {"role": "customer"}).status == 401
    listed = bob.get("/api/v1/users?role=admin").json
    assert [each["email"] for each in listed["users"]] == ["bob@shop.example"] and listed["total"] == 1


def test_a_key_makes_no_operators_and_a_guest_is_none(shop):
    ada = shop.login(ADA, password_of(operator(shop.data_dir, ADA)[1]))
    bob, guest = shop.customer("bob@shop.example"), shop.client().post("/api/v1/auth/guest", {}).json
    key = ada.post("/api/v1/api-keys", {"name": "crm", "scopes": ["users:write"]}).json["key"]
    by_key = shop.client().put(f"/api/v1/users/{bob.user_id}", {"role": "admin"}, headers={"Authorization": f"Bearer {key}"})
    assert by_key.status == 403 and by_key.json["code"] == "session_needed", by_key
    renamed = shop.client().put(f"/api/v1/users/{bob.user_id}", {"first_name": "Bob"}, headers={"Authorization": f"Bearer {key}"})
    assert renamed.status == 200, renamed
    assert ada.put(f"/api/v1/users/{guest['id']}", {"role": "admin"}).json["code"] == "guest_account"
