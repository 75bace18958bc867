"""What stands beside a product: bought together with it by orders that were paid, then its category."""

import itertools

import pytest

from shop import ADDRESS, Shop, eventually

names = itertools.count()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with Shop(tmp_path_factory.mktemp("related") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def customer(shop):
    return shop.customer()


def product_of(shop, category, stock=100):
    got = shop.operator().post("/api/v1/products", {"name": f"Thing {next(names)}", "price": 5, "stock": stock, "category": category})
    assert got.status == 201, got
    return got.json["id"]


def buy(customer, *products, method="tok_ok", status="paid"):
    got = customer.post("/api/v1/orders", {"items": [{"product_id": each, "quantity": 1} for each in products],
                                           "shipping_address": ADDRESS, "payment_method": method})
    assert got.status == 201, got
    order = got.json["id"]
    eventually(lambda: customer.get(f"/api/v1/orders/{order}").json["status"] == status, what=status)
    return order


def related(shop, product, limit=None):
    got = shop.client().get(f"/api/v1/products/{product}/related" + (f"?limit={limit}" if limit else ""))
    assert got.status == 200, got
    return [each["id"] for each in got.json["products"]], got.json["bought_together"]


def sold_with(shop, product, expected):
    """Stock follows an order in its own time."""
    eventually(lambda: related(shop, product)[0][:len(expected)] == expected and related(shop, product)[1] == len(expected),
               what=f"{expected} beside it")


def test_a_product_that_nobody_bought_has_the_newest_of_its_category_beside_it(shop):
    first, second, third, other = (product_of(shop, "Lamps"), product_of(shop, "Lamps"), product_of(shop, "Lamps"),
                                   product_of(shop, "Chairs"))
    assert related(shop, first) == ([third, second], 0)
    assert related(shop, second, limit=1) == ([third], 0)
    assert related(shop, other) == ([], 0)
    assert related(shop, product_of(shop, "")) == ([], 0)


def test_what_was_bought_with_it_comes_first_by_the_number_of_orders_and_the_category_fills_up(shop, customer):
    pot, cup, tray, spoon = (product_of(shop, "Tea") for _ in range(4))
    book = product_of(shop, "Books")
    buy(customer, pot, book)
    sold_with(shop, pot, [book])
    buy(customer, pot, cup)
    buy(customer, cup, pot, tray)
    sold_with(shop, pot, [cup, *sorted([book, tray])])
    assert related(shop, pot)[0] == [cup, *sorted([book, tray]), spoon], "then its category, each once"
    assert related(shop, pot, limit=2) == ([cup, min(book, tray)], 2)
    sold_with(shop, book, [pot])
    assert related(shop, pot) == related(shop, pot), "the same question has the same answer"


def test_only_paid_orders_count_and_what_was_given_back_counts_no_more(shop, customer):
    jug, mug, bowl = product_of(shop, "Clay"), product_of(shop, "Clay"), product_of(shop, "Glass")
    buy(customer, jug, bowl, method="tok_declined", status="payment_failed")
    assert related(shop, jug) == ([mug], 0)
    order = buy(customer, jug, bowl)
    sold_with(shop, jug, [bowl])
    assert customer.put(f"/api/v1/orders/{order}/cancel", {}).status in (200, 202)
    eventually(lambda: related(shop, jug) == ([mug], 0), what="forgotten")


def test_what_cannot_be_sold_is_not_shown(shop, customer):
    desk, chair, rug, plant = (product_of(shop, f"Room {n}", stock=2) for n in range(4))
    buy(customer, desk, chair, rug, plant)
    sold_with(shop, desk, sorted([chair, rug, plant]))
    buy(customer, chair)  # the last one
    assert shop.operator().delete(f"/api/v1/products/{rug}").status == 204
    sold_with(shop, desk, [plant])


@pytest.mark.parametrize("path,status", [("00000000-0000-7000-8000-000000000000/related", 404), ("nothing/related", 404)])
def test_a_product_that_is_not_there_has_nothing_beside_it(shop, path, status):
    got = shop.client().get(f"/api/v1/products/{path}")
    assert got.status == status and got.json["code"] == "product_not_found", got


@pytest.mark.parametrize("limit", ["0", "25", "-1", "many"])
def test_a_limit_that_does_not_fit_is_said(shop, limit):
    got = shop.client().get(f"/api/v1/products/{product_of(shop, '')}/related?limit={limit}")
    assert got.status == 422 and "limit" in str(got.json["errors"]), got
