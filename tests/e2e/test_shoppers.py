"""`stoa serve --demo --shoppers N`: simulated customers who use the shop as everybody else does."""

import re
import subprocess

import pytest

from shop import Shop, binary, eventually


def total(operator, path):
    got = operator.get(path)
    assert got.status == 200, got
    return got.json["total"]


def samples(shop, name):
    """Label text → value of one metric."""
    text = shop.admin().get("/metrics").body.decode()
    return {labels: float(value) for labels, value in
            re.findall(rf"^{name}\{{(.*)\}} (\S+)$", text, re.MULTILINE)}


def answered(shop, route, status):
    return sum(value for labels, value in samples(shop, "http_requests_total").items()
               if f'route="{route}"' in labels and f'status="{status}"' in labels)


def test_shoppers_look_fill_carts_and_pay_and_the_books_are_clean(tmp_path):
    shop = Shop(tmp_path / "data", "--shoppers", "8", demo=True).start()
    try:
        operator = shop.operator()
        eventually(lambda: total(operator, "/api/v1/orders?status=paid&limit=1") >= 25, within_s=90,
                   what="twenty-five orders are paid")
        # Of full shelves nothing is refused: whoever has an empty cart does not go to the checkout.
        assert answered(shop, "/api/v1/cart/checkout", 409) == 0
        assert answered(shop, "/api/v1/cart/items", 200) >= 10, "what they buy went through their carts"
        assert answered(shop, "/api/v1/cart/checkout", 201) >= 10
        assert answered(shop, "/api/v1/events", 202) >= 10, "they are seen looking"
        hours = operator.get("/api/v1/analytics/funnel?live=true&limit=2").json["windows"]
        for step in ("viewed", "added_to_cart", "ordered", "paid"):
            assert sum(each[step] for each in hours) > 0, (step, hours)
        paid = operator.get("/api/v1/orders?status=paid&limit=10").json["orders"]
        assert len({order["user_id"] for order in paid}) == len(paid), "each visit is another guest's"
        assert all(order["items"] and order["total_amount"] > 0 for order in paid)
        running = subprocess.run([binary(), "audit", "--data-dir", shop.data_dir], capture_output=True, text=True, timeout=60)
        assert running.returncode == 0, running.stdout + running.stderr

        assert shop.stop(within_s=30) == 0, shop.errors
        shop.wait_for(r"Stopped; everything acknowledged is on disk", 10)
        stopped = subprocess.run([binary(), "audit", "--data-dir", shop.data_dir], capture_output=True, text=True, timeout=60)
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr
        orders = re.search(r"(\d+) orders", stopped.stdout)
        assert orders and int(orders.group(1)) >= 10, stopped.stdout
    finally:
        if shop.process.poll() is None:
            shop.kill()


def catalogue(operator):
    got = operator.get("/api/v1/products?limit=100")
    assert got.status == 200 and not got.json.get("next_cursor"), got
    return got.json["products"]


def empty_the_shelf(operator, product, reference):
    """What is held for orders stays; nothing is left to sell."""
    path = f"/api/v1/products/{product}/stock"

    def counted():
        held = operator.get(path).json["reserved"]
        return operator.post(path, {"count": held, "reference": f"{reference}, {held} held"}).status == 200

    eventually(counted, what="no order came between")


def test_a_shop_that_is_sold_out_gets_deliveries_and_goes_on_selling(tmp_path):
    """The end of an hour of `--shoppers 20`, twice: every shelf is empty, and nobody but the shop itself is there."""
    shop = Shop(tmp_path / "data", "--shoppers", "8", "--rate-principal-burst", "0", demo=True).start()
    try:
        operator = shop.operator()
        for hour in (1, 2):
            all_ = catalogue(operator)
            assert len(all_) >= 60
            for each in all_:
                empty_the_shelf(operator, each["id"], f"hour {hour}")
            sold = total(operator, "/api/v1/orders?status=paid&limit=1")
            eventually(lambda: all(each["stock"] > 0 for each in catalogue(operator)), within_s=60,
                       what="every shelf is filled again")
            eventually(lambda: total(operator, "/api/v1/orders?status=paid&limit=1") >= sold + 20, within_s=90,
                       what="twenty more orders are paid")
        for each in all_:
            ledger = operator.get(f"/api/v1/products/{each['id']}/stock").json["movements"]
            delivered = [move for move in ledger if move["reference"].startswith("delivery ")]
            assert len(delivered) >= 2 and all(move["delta"] > 0 for move in delivered), ledger
    finally:
        shop.kill()


def test_nought_shoppers_is_a_plain_shop(tmp_path):
    shop = Shop(tmp_path / "data", "--shoppers", "0", demo=True).start()
    assert shop.client().get("/api/v1/products?limit=1").json["total"] > 0
    assert shop.stop(within_s=30) == 0, shop.errors


@pytest.mark.parametrize("count", ["-1", "abc", "1e9", "1001", "2.5", ""])
def test_a_number_of_shoppers_that_cannot_be_is_refused_before_anything_is_made(tmp_path, count):
    got = subprocess.run([binary(), "serve", "--data-dir", str(tmp_path / "data"), "--http", "127.0.0.1:0",
                          "--admin", "127.0.0.1:0", "--shoppers", count], capture_output=True, text=True, timeout=20)
    assert got.returncode == 2, got
    assert "--shoppers" in got.stderr and "0" in got.stderr and "1000" in got.stderr, got.stderr
    assert len(got.stderr.strip().splitlines()) <= 2, got.stderr
    assert not (tmp_path / "data").exists()
