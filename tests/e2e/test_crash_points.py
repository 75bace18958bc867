"""The process dies at each named place beside a durable step (src/runtime/crash_point.hpp), twice at the same one, and
is started again; its clients repeat what was not answered, with the same keys. Everything settles, the audit is clean,
and a name that no run reaches fails.

Needs a build for tests (STOA_TEST_BINARY_DEV, else build/dev/stoa): what is shipped has none of these places.
"""

import concurrent.futures
import http.client
import os
import pathlib
import signal
import subprocess
import time

from pictures import png
from shop import ADDRESS, ROOT, Shop, eventually

FLAGS = ("--rate-login-burst", "0", "--rate-principal-burst", "0", "--access-log", "off", "--loops", "1")
AT_ONCE = 2

# Places that one run passes many times: each of these passes is a place of its own.
PASSES = {"batch_ran": range(1, 61, 3), "batch_committed": range(2, 61, 3), "order_changed": range(1, 9),
          "payment_changed": range(1, 5), "events_applied": range(1, 14, 4), "offset_stored": range(2, 14, 4),
          "migration_ran": (1, 2), "checkpoint_done": (1, 2)}
# Places that only a first death elsewhere opens.
OPENED_BY = {"order_key_taken_over": "order_written"}
# Done once and for all by the time the process dies: no shop comes here again.
ONCE = {"keys_named"}
# Acts that take seconds, and the places only they reach.
SLOW = {"intent_cancelled": "cancel_an_attempt", "outcome_unknown": "lose_an_answer"}

# Between taking a message on and remembering that it went: it goes again when the sender's minute is over. They wait
# beside the others, and not in a place of the pool.
MAIL = {"mail_written", "mail_synced", "notification_recorded", "notification_sent", "notification_remembered"}


def program():
    path = os.environ.get("STOA_TEST_BINARY_DEV") or str(ROOT / "build/dev/stoa")
    assert pathlib.Path(path).exists(), f"{path} is not there: ./dev build dev stoa"
    return path


def places():
    told = subprocess.run([program(), "version", "--crash-points"], capture_output=True, text=True, check=True)
    return told.stdout.split()


class Fragile(Shop):
    """Started again whenever it dies, the first times with the order to die at `where` again."""

    def __init__(self, data_dir, where):
        self.drop = pathlib.Path(f"{data_dir}-drop")
        super().__init__(data_dir, *FLAGS, "--import-folder", str(self.drop), program=program())
        name = where.split(":")[0]
        # The second time it dies when it first comes here again.
        self.plan, self.deaths = [where] if name in ONCE else [where, name + ":1"], 0
        if name in OPENED_BY:
            self.plan.insert(0, OPENED_BY[name] + ":1")

    def stay_up(self):
        """Starts it, until it is ready."""
        while True:
            self.environment.pop("STOA_TEST_CRASH_AT", None)
            if self.deaths < len(self.plan):
                self.environment["STOA_TEST_CRASH_AT"] = self.plan[self.deaths]
            try:
                return self.start()
            except (AssertionError, FileNotFoundError):  # before it was ready, or before it could be asked
                self._count_death(self.process.wait(30))

    def revive(self):
        """Starts it again if it is dead, or is dying."""
        try:
            code = self.process.wait(0.05)
        except subprocess.TimeoutExpired:
            return
        self._count_death(code)
        self.stay_up()

    def _count_death(self, code):
        if code != -signal.SIGKILL or self.deaths >= len(self.plan):
            raise Broken(f"ended by itself with {code}: {self.errors}")
        self.deaths += 1

    def stop_in_order(self):
        """SIGTERM, and again after each death on the way."""
        while (code := self.stop(30)) != 0:
            self._count_death(code)
            self.stay_up()


class Broken(Exception):
    """The shop did something that is no death at its place."""


class Persistent:
    """Sends a request, with the same key, until it is answered, and starts the shop when it has died."""

    def __init__(self, shop):
        self.shop, self.token, self.port, self.client = shop, None, None, None

    def send(self, method, path, body=None, key=None, within_s=60, **more):
        end = time.monotonic() + within_s
        while True:
            try:
                if self.client is None or self.port != self.shop.port:
                    self.port, self.client = self.shop.port, self.shop.client()
                self.client.token = self.token() if callable(self.token) else self.token
                headers = {"Idempotency-Key": key} if key else {}
                got = self.client.request(method, path, body, headers | more.get("headers", {}), more.get("raw"))
                in_progress = got.status == 409 and got.json["code"] == "request_in_progress"
                if got.status not in (429, 503) and not in_progress:
                    return got
                time.sleep(0.02)
            except (OSError, http.client.HTTPException):
                self.client = None
                self.shop.revive()
            assert time.monotonic() < end, f"{method} {path}: no answer within {within_s} s"


class Script:
    """What a shop does, in little: every kind of durable step happens at least once."""

    def __init__(self, shop):
        self.shop, operator, customer = shop, Persistent(shop), Persistent(shop)
        operator.token = lambda: shop.local_token  # another one after each start
        self.customer, self.as_operator, self.as_customer = customer, operator.send, customer.send

    def run(self, slow):
        """Until it has died as often as it was to; what has settled may not pass the place again, so all once more."""
        self.turns = []
        self.fill_the_shelves()
        self.sign_in()
        for turn in "12":
            self.turns.append(turn)
            if slow:
                getattr(self, slow)(turn)
            else:
                self.buy_by_cart(turn)
                self.pay_after_a_decline(turn)
                self.cancel_before_payment(turn)
                self.cancel_after_payment(turn)
            if self.shop.deaths == len(self.shop.plan):
                return

    def fill_the_shelves(self):
        made = self.as_operator("POST", "/api/v1/products", {"sku": "A", "name": "A", "price": 3.5, "stock": 10}, "a")
        assert made.status == 201 or made.json["code"] == "sku_taken", made
        listed = self.as_operator("GET", "/api/v1/products?limit=10").json["products"]
        self.product = next(each["id"] for each in listed if each["sku"] == "A")
        got = self.as_operator("POST", f"/api/v1/products/{self.product}/stock", {"count": 100}, "count")
        assert got.status == 200, got
        self.import_file()
        self.show_a_picture()
        self.keep_a_document()
        self.drop_files()

    def drop_files(self):
        """Two files, so that what a file passes once is passed twice, and a picture."""
        dropped = {"one.csv": b"sku,name,price\nD1,Dropped,1.5\n", "two.csv": b"sku,name,price\nD2,Dropped,2.5\n",
                   "pictures/A/front.png": png(50, 50)}
        (self.shop.drop / "pictures/A").mkdir(parents=True, exist_ok=True)
        for name, content in dropped.items():
            (self.shop.drop / "writing").write_bytes(content)
            (self.shop.drop / "writing").rename(self.shop.drop / name)

        def finished():
            listed = self.as_operator("GET", "/api/v1/products?limit=100").json["products"]
            there = {name[37:] for name in os.listdir(self.shop.drop / "done")}
            return {"D1", "D2"} <= {each["sku"] for each in listed} and there >= {"one.csv", "two.csv", "front.png"}
        eventually(finished, within_s=60, what="the dropped files taken")
        assert not os.listdir(self.shop.drop / "failed")
        assert not [each for each in (self.shop.drop / "taken").rglob("*") if each.is_file()]

        def shown():
            now = self.as_operator("GET", f"/api/v1/products/{self.product}/images").json["images"]
            return any(each["id"] == "front.png" and each["status"] == "ready" for each in now)
        eventually(shown, within_s=60, what="the dropped picture")

    def show_a_picture(self):
        """Where an answer is lost it is sent again, and may be there twice."""
        path = f"/api/v1/products/{self.product}/images"
        got = self.as_operator("POST", path, raw=png(60, 40))
        assert got.status == 201, got

        def made():
            now = self.as_operator("GET", path).json["images"]
            return any(each["id"] == got.json["id"] for each in now) and all(each["status"] == "ready" for each in now)
        eventually(made, within_s=60, what="the picture's sizes")

    def keep_a_document(self):
        """Likewise."""
        path = f"/api/v1/products/{self.product}/documents"
        got = self.as_operator("POST", path + "?name=manual.pdf", raw=b"%PDF-1.7\n" + bytes(1000))
        assert got.status == 201, got
        assert got.json["id"] in [each["id"] for each in self.as_operator("GET", path).json["documents"]]

    def import_file(self):
        rows = "sku,name,price,stock\n" + "".join(f"I{i},Imported {i},1.25,50\n" for i in range(20)) + "I20,Bad,x,1\n"
        # Without a key: where the answer is lost it is sent again, and finds the rows that are there unchanged.
        got = self.as_operator("POST", "/api/v1/products/import?wait=20", raw=rows.encode(),
                               headers={"Content-Type": "text/csv"})
        assert got.status in (200, 201, 202), got

        def imported():
            now = self.as_operator("GET", f"/api/v1/imports/{got.json['id']}").json
            return now["status"] == "done" and now
        report = eventually(imported, within_s=60, what="the import")
        assert (report["rows"], report["bad"]) == (21, 1), report

    def sign_in(self):
        whom = {"email": "one@example.com", "password": "a pallet of mugs 7"}
        made = self.as_customer("POST", "/api/v1/auth/register", whom | {"first_name": "Some", "last_name": "One"})
        if made.status != 201:
            assert made.status == 409, made
            made = self.as_customer("POST", "/api/v1/auth/login", whom)
        self.customer.token = made.json["token"]

    def order(self, key, **more):
        body = {"items": [{"product_id": self.product, "quantity": 2}], "shipping_address": ADDRESS,
                "reference": key} | more
        got = self.as_customer("POST", "/api/v1/orders", body, key)
        assert got.status == 201, (key, got)
        again = self.as_customer("POST", "/api/v1/orders", body, key)
        assert (again.status, again.body) == (201, got.body), "a replay answers the same bytes"
        return got.json

    def pay(self, order, method, key):
        return self.as_customer("POST", "/api/v1/payments", {
            "order_id": order["id"], "amount": order["total_amount"], "method": method}, key)

    def becomes(self, order, *statuses, refund=None):
        def there():
            got = self.as_customer("GET", f"/api/v1/orders/{order['id']}").json
            return got["status"] in statuses and (refund is None or got["refund_status"] == refund) and got
        return eventually(there, within_s=60, what=f"order {order['reference']} {statuses}")

    def buy_by_cart(self, turn):
        filled = self.as_customer("PUT", "/api/v1/cart", {"items": [{"product_id": self.product, "quantity": 1}]})
        assert filled.status == 200, filled
        line = {"product_id": self.product, "quantity": 1}
        added = self.as_customer("POST", "/api/v1/cart/items", line, "line-" + turn)
        assert added.status in (200, 201), added
        placed = self.as_customer("POST", "/api/v1/cart/checkout", {
            "shipping_address": ADDRESS, "payment_method": "tok_double_webhook", "reference": "cart-" + turn},
            "cart-" + turn)
        assert placed.status == 201, placed
        self.becomes(placed.json, "paid")
        eventually(lambda: not self.as_customer("GET", "/api/v1/cart").json["items"], within_s=60, what="an empty cart")

    def pay_after_a_decline(self, turn):
        order = self.order("declined-" + turn)
        assert self.pay(order, "tok_declined", "pay-1-" + turn).status == 402
        self.becomes(order, "payment_failed")
        paid = self.pay(order, "credit_card", "pay-2-" + turn)
        assert paid.status in (200, 201), paid
        self.becomes(order, "paid")

    def cancel_before_payment(self, turn):
        order = self.order("cancelled-" + turn)
        ended = self.as_customer("PUT", f"/api/v1/orders/{order['id']}/cancel", {})
        assert ended.status in (200, 202), ended
        self.becomes(order, "cancelled")

    def cancel_after_payment(self, turn):
        order = self.order("refunded-" + turn, payment_method="credit_card")
        self.becomes(order, "paid")
        ended = self.as_customer("PUT", f"/api/v1/orders/{order['id']}/cancel", {})
        assert ended.status in (200, 202), ended
        self.becomes(order, "cancelled", refund="succeeded")

    def cancel_an_attempt(self, turn):
        """The order is cancelled while the provider's answer is on its way, and gets lost."""
        order = self.order("slow-" + turn, payment_method="tok_timeout_before_capture")
        eventually(lambda: self.as_customer("GET", f"/api/v1/payments?order_id={order['id']}").json["payments"],
                   what="an attempt")
        ended = self.as_customer("PUT", f"/api/v1/orders/{order['id']}/cancel", {})
        assert ended.status in (200, 202), ended
        self.becomes(order, "cancelled")

    def lose_an_answer(self, turn):
        self.becomes(self.order("slow-" + turn, payment_method="tok_timeout_before_capture"), "paid")

    def check(self, slow):
        listed = self.as_customer("GET", "/api/v1/orders?limit=100").json
        got = sorted((order["reference"], order["status"]) for order in listed["orders"])
        ends = {"cancel_an_attempt": [("slow-", "cancelled")], "lose_an_answer": [("slow-", "paid")]}.get(slow, [
            ("cancelled-", "cancelled"), ("cart-", "paid"), ("declined-", "paid"), ("refunded-", "cancelled")])
        assert got == sorted((name + turn, status) for name, status in ends for turn in self.turns), got
        sold = 2 * len(self.turns) * sum(status == "paid" for _, status in ends)

        def shelf():
            now = self.as_operator("GET", f"/api/v1/products/{self.product}/stock").json
            return (now["on_hand"], now["reserved"]) == (100 - sold, 0)
        eventually(shelf, within_s=60, what="units sold are units gone")
        pictures = self.as_operator("GET", f"/api/v1/products/{self.product}/images").json["images"]
        kept = [each for each in pathlib.Path(self.shop.data_dir).rglob("product-images/*/*/**/*") if each.is_file()]
        documents = self.as_operator("GET", f"/api/v1/products/{self.product}/documents").json["documents"]
        assert len(kept) == 7 * len(pictures) + len(documents) and pictures and documents, (pictures, documents, kept)

    def check_mail(self):
        """Each message left, once."""
        eventually(lambda: self.as_operator("GET", "/api/v1/notifications?status=pending").json["notifications"] == [],
                   within_s=120, what="no message waiting")
        listed = self.as_operator("GET", "/api/v1/notifications?status=sent&limit=100").json["notifications"]
        lines = pathlib.Path(self.shop.data_dir, "mailbox.mbox").read_text().splitlines()
        ids = [line for line in lines if line.startswith("Message-ID: ")]
        assert len(ids) == len(set(ids)) == len(listed) > 3, (ids, listed)


def run(directory, where):
    """Fails where the process did not die as planned, or anything is lost or does not settle."""
    slow = SLOW.get(where.split(":")[0])
    shop = Fragile(directory, where)
    try:
        shop.stay_up()
        script = Script(shop)
        script.run(slow)
        script.check(slow)
        if where.split(":")[0] in MAIL:
            script.check_mail()
        shop.stop_in_order()
        assert shop.deaths == len(shop.plan), f"no run reaches this place ({shop.deaths} deaths of {len(shop.plan)})"
        told = subprocess.run([program(), "audit", "--data-dir", shop.data_dir], capture_output=True, text=True,
                              timeout=120)
        assert told.returncode == 0, told.stdout + told.stderr
    except Exception as why:
        raise AssertionError(f"{where}, after {shop.deaths} deaths: {why}") from why
    finally:
        if shop.process.poll() is None:
            shop.kill()


def test_a_death_at_each_named_place_twice_loses_nothing_and_doubles_nothing(tmp_path):
    names = places()
    assert len(names) > 40, f"{program()} has no crash points: it is no build for tests"
    unknown = (PASSES.keys() | OPENED_BY.keys() | SLOW.keys() | ONCE | MAIL) - set(names)
    assert not unknown, f"not in the program's table: {unknown}"
    wanted = [f"{name}:{n}" for name in names for n in PASSES.get(name, (1,))]
    failed = []

    def one(where):
        try:
            run(tmp_path / where.replace(":", "-"), where)
        except AssertionError as why:
            failed.append(str(why))

    began = time.monotonic()
    patient = [where for where in wanted if where.split(":")[0] in MAIL]
    with concurrent.futures.ThreadPoolExecutor(len(patient)) as beside, \
            concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [beside.submit(one, where) for where in patient]
        list(pool.map(one, [where for where in wanted if where not in patient]))
        for each in waiting:
            each.result()
    assert not failed, f"{len(failed)} of {len(wanted)} places:\n" + "\n".join(failed)
    print(f"{len(names)} names, {len(wanted)} places, two deaths at each: {time.monotonic() - began:.0f} s")
