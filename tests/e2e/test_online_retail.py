"""A real shop's invoices through the public API, and what they must come to.

Every customer registers, fills a cart by the batch, checks out (every fourth invoice is posted as an order instead)
and pays by card; every line that is no order line is sent too and must get its error. Afterwards the shop's orders,
units, revenue and stock are compared with retail.expected_totals, which reads only the files.
"""

import csv
import http.client
import io
import os
import pathlib
import subprocess
import threading
import time

import pytest

import retail
from shop import ROOT, Shop, binary, eventually

PASSWORD = "a pallet of mugs 7"
UNLIMITED = ("--rate-login-burst", "0", "--rate-principal-burst", "0", "--currency", "GBP")


class Patient:
    """A client that goes on through restarts: the same request, with the same key, until it is answered."""

    def __init__(self, shop, counts):
        self.shop, self.counts, self.token, self.port, self.client = shop, counts, None, None, None

    def send(self, method, path, body=None, key=None, within_s=120):
        end = time.monotonic() + within_s
        while True:
            try:
                if self.client is None or self.port != self.shop.port:
                    self.port, self.client = self.shop.port, self.shop.client()
                self.client.token = self.token
                got = self.client.request(method, path, body, {"Idempotency-Key": key} if key else None)
                busy = got.status in (429, 503) or (got.status == 409 and got.json["code"] == "request_in_progress")
                if not busy:
                    return got
                self.counts.add("told to wait")
                time.sleep(0.05)
            except (OSError, http.client.HTTPException):
                self.client = None
                self.counts.add("connections lost")
                time.sleep(0.02)
            assert time.monotonic() < end, f"{method} {path}: no answer within {within_s} s"


class Counts:
    def __init__(self):
        self.lock, self.of = threading.Lock(), {}

    def add(self, what, n=1):
        with self.lock:
            self.of[what] = self.of.get(what, 0) + n

    def get(self, what):
        return self.of.get(what, 0)


class Replay:
    """The invoices of a folder against a shop. Invoices of one customer keep their order; customers are parallel."""

    def __init__(self, shop, folder, threads=24):
        self.shop, self.threads = shop, threads
        self.products = retail.read_products(folder)
        self.invoices = retail.read_invoices(folder, self.products)
        self.counts, self.failures = Counts(), []
        self.by_customer = {}
        for invoice in self.invoices:
            self.by_customer.setdefault(invoice.customer, []).append(invoice)
        # The longest first, or the last thread works alone.
        self.waiting = sorted(self.by_customer, key=lambda c: len(self.by_customer[c]))
        self.lock, self.began = threading.Lock(), time.monotonic()

    def run(self):
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(self.threads)]
        for each in workers:
            each.start()
        while any(each.is_alive() for each in workers):
            workers[0].join(3) if workers[0].is_alive() else time.sleep(0.2)
            workers = [each for each in workers if each.is_alive()]
            self._say()
            if self.failures:
                break
        if self.failures:
            raise self.failures[0]

    def run_with_kills(self, every_s):
        """The same while the shop is killed again and again; how many orders were paid at each kill."""
        over, kills, broken = threading.Event(), [], []

        def killer():
            try:
                while not over.wait(every_s):
                    self.shop.kill()
                    self.shop.start()
                    kills.append(self.counts.get("orders"))
            except Exception as why:  # told below, in the test's own thread
                broken.append(why)

        other = threading.Thread(target=killer)
        other.start()
        try:
            self.run()
        finally:
            over.set()
            other.join()
        assert not broken, broken
        return kills

    def _say(self):
        now = time.monotonic()
        if now - getattr(self, "_said", 0) > 3:
            self._said = now
            print(f"{now - self.began:6.1f} s: {self.counts.get('customers')} customers, "
                  f"{self.counts.get('orders')} orders paid, {self.counts.get(retail.USABLE)} lines", flush=True)

    def _work(self):
        while not self.failures:
            with self.lock:
                if not self.waiting:
                    return
                customer = self.waiting.pop()
            try:
                client = Patient(self.shop, self.counts)
                if customer:
                    self._sign_in(client, customer)
                for invoice in self.by_customer[customer]:
                    self._replay(client, invoice)
                    if self.failures:
                        return
            except Exception as why:  # told by run(), in the test's own thread
                self.failures.append(why)

    def _sign_in(self, client, customer):
        email = f"c{customer}@retail.example"
        made = client.send("POST", "/api/v1/auth/register", {
            "email": email, "password": PASSWORD, "first_name": "Customer", "last_name": customer})
        if made.status == 201:
            client.token = made.json["token"]
        # Every tenth logs in as well (each costs a password hash); and who was registered by a request whose answer
        # a crash ate must.
        if made.status != 201 or int(customer) % 10 == 0:
            assert made.status in (201, 409), made
            found = client.send("POST", "/api/v1/auth/login", {"email": email, "password": PASSWORD})
            assert found.status == 200, found
            client.token = found.json["token"]
            self.counts.add("logins")
        client.email = email
        self.counts.add("customers")

    def _send(self, client, method, path, body=None, key=None):
        got = client.send(method, path, body, key)
        if got.status == 401 and client.token:  # the access token's ten minutes are over
            found = client.send("POST", "/api/v1/auth/login", {"email": client.email, "password": PASSWORD})
            client.token = found.json["token"]
            self.counts.add("logins")
            got = client.send(method, path, body, key)
        return got

    def _replay(self, client, invoice):
        for kind, lines in invoice.lines.items():
            if kind != retail.USABLE:
                self._must_be_refused(client, invoice, kind, lines)
                self.counts.add(kind, len(lines))
        if invoice.usable:
            self._order(client, invoice)
            self.counts.add(retail.USABLE, len(invoice.usable))

    def _address(self, invoice):
        return {"street": f"for invoice {invoice.number}", "city": "-", "country": invoice.country}

    def _order(self, client, invoice):
        lines = [{"product_id": self.ids[line.code], "quantity": line.quantity} for line in invoice.usable]
        common = {"shipping_address": self._address(invoice), "payment_method": "credit_card",
                  "reference": invoice.number}
        key = "invoice-" + invoice.number
        by_cart = int(invoice.number[-3:]) % 4 != 0
        if by_cart:
            filled = self._send(client, "PUT", "/api/v1/cart", {"items": lines})
            assert filled.status == 200, filled
            shown = {line["product_id"]: line["quantity"] for line in filled.json["items"]}
            assert shown == {self.ids[code]: n for code, n in invoice.units().items()}
            placed = self._send(client, "POST", "/api/v1/cart/checkout", common, key)
        else:
            placed = self._send(client, "POST", "/api/v1/orders", {"items": lines} | common, key)
        assert placed.status == 201, (invoice.number, placed)
        order_id = placed.json["id"]
        eventually(lambda: self._send(client, "GET", f"/api/v1/orders/{order_id}").json["status"] == "paid",
                   within_s=120, what=f"invoice {invoice.number} paid")
        if by_cart:  # or the next cart of this customer would meet the clearing of this one
            eventually(lambda: not self._send(client, "GET", "/api/v1/cart").json["items"], within_s=120,
                       what="what was paid leaves the cart")
        self.counts.add("orders")

    def _must_be_refused(self, client, invoice, kind, lines):
        product_of = lambda line: self.ids.get(line.code, line.code)  # noqa: E731
        items = [{"product_id": product_of(line), "quantity": line.quantity} for line in lines]
        if kind == retail.ZERO_PRICE:
            items = [item | {"price": 0.0} for item in items]
        body = {"items": items, "shipping_address": self._address(invoice), "reference": invoice.number}
        if kind == retail.NO_CUSTOMER:
            for some in range(0, len(items), 1000):  # of one order at most
                got = client.send("POST", "/api/v1/orders", body | {"items": items[some:some + 1000]})
                assert got.status == 401, (invoice.number, got)
            return
        got = self._send(client, "POST", "/api/v1/orders", body)
        pointers = {error["pointer"]: error["code"] for error in got.json.get("errors", [])}
        status, member = {retail.NEGATIVE: (422, "quantity"), retail.ZERO_PRICE: (422, "price"),
                          retail.UNKNOWN_CODE: (422, "product_id")}[kind]
        assert got.status == status, (invoice.number, kind, got)
        for i in range(min(len(items), 20)):
            assert f"/items/{i}/{member}" in pointers, (invoice.number, kind, got)
        if kind == retail.UNKNOWN_CODE:
            assert self._send(client, "PUT", "/api/v1/cart", {"items": items}).status in (404, 422)

    # Before and after.

    def load_catalogue(self, folder):
        raw = pathlib.Path(folder, "products.csv").read_bytes()
        got = self.shop.operator().post("/api/v1/products/import?wait=60", raw=raw, headers={"Content-Type": "text/csv"})
        assert got.status == 200, got
        report = got.json
        assert (report["created"], report["bad"]) == (len(self.products), 0), got.body
        self.ids = {sku: id_ for id_, sku in self._skus().items()}
        assert self.ids.keys() == self.products.keys()

    def _skus(self):
        """Product id → sku, by the public list; `shown` keeps what customers see as stock."""
        out, self.shown, cursor, client = {}, {}, "", self.shop.client()
        while True:
            page = client.get("/api/v1/products?limit=100" + cursor).json
            for each in page["products"]:
                out[each["id"]] = each["sku"]
                self.shown[each["sku"]] = each["stock"]
            if not page.get("next_cursor"):
                return out
            cursor = "&cursor=" + page["next_cursor"]

    def all_orders(self):
        out, cursor, operator = [], "", self.shop.operator()
        while True:
            got = operator.get("/api/v1/orders?limit=100" + cursor)
            assert got.status == 200, got
            out += got.json["orders"]
            if not got.json.get("next_cursor"):
                assert got.json["total"] == len(out)
                return out
            cursor = "&cursor=" + got.json["next_cursor"]

    def totals_of_the_shop(self):
        day_of = {invoice.number: invoice.day for invoice in self.invoices}
        wanted = {invoice.number: invoice.units() for invoice in self.invoices}
        out, skus, seen = retail.Totals(0, {}, {}), self._skus(), {}
        for order in self.all_orders():
            assert order["status"] == "paid", order
            assert order["reference"] not in seen, ("an invoice became two orders", order["id"], seen[order["reference"]])
            seen[order["reference"]] = order["id"]
            ordered, total = {}, 0
            for line in order["items"]:
                ordered[line["sku"]] = ordered.get(line["sku"], 0) + line["quantity"]
            assert ordered == wanted[order["reference"]], ("an order is not its invoice", order)
            for line in order["items"]:
                sku = skus[line["product_id"]]
                assert sku == line["sku"]
                out.units[sku] = out.units.get(sku, 0) + line["quantity"]
                total += line["quantity"] * retail.cents(repr(line["price"]))
            assert total == retail.cents(repr(order["total_amount"])) == retail.cents(repr(order["captured_amount"]))
            where = day_of[order["reference"]], order["shipping_address"]["country"]
            out.revenue_cents[where] = out.revenue_cents.get(where, 0) + total
            out.orders += 1
        return out

    def check(self):
        expected, got = retail.expected_totals(self.products, self.invoices), self.totals_of_the_shop()
        assert got.orders == expected.orders
        assert got.units == expected.units
        assert got.revenue_cents == expected.revenue_cents
        kinds = retail.lines_by_kind(self.invoices)
        assert {kind: self.counts.get(kind) for kind in kinds} == kinds
        left = {sku: product.stock - expected.units.get(sku, 0) for sku, product in self.products.items()}
        eventually(lambda: self._on_hand() == left, within_s=30, what="stock = what there was − what was sold")
        # Nothing is reserved: what can be sold is all that is there. Another replica remembers a product for a moment.
        eventually(lambda: self._skus() and self.shown == left, within_s=10, what="shown = what is there")
        self._audit(got.orders)
        return expected

    def _on_hand(self):
        got = self.shop.operator().get("/api/v1/products/export")
        assert got.status == 200
        return {row["sku"].lstrip("'"): int(row["stock"]) for row in csv.DictReader(io.StringIO(got.body.decode()))}

    def _audit(self, orders):
        live = subprocess.run([binary(), "audit", "--data-dir", self.shop.data_dir], capture_output=True, text=True,
                              timeout=300)
        assert live.returncode == 0, live.stdout + live.stderr
        # A shop that is stopped is judged by what it last wrote: on a slow machine mails of minutes ago may still wait.
        eventually(lambda: self.shop.operator().get("/api/v1/notifications?status=pending").json["notifications"] == [],
                   within_s=120, what="every mail is out")
        assert self.shop.stop() == 0
        stopped = subprocess.run([binary(), "audit", "--json", "--data-dir", self.shop.data_dir], capture_output=True,
                                 text=True, timeout=300)
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr
        assert f'"orders":{orders},' in stopped.stdout.replace(" ", ""), stopped.stdout

    def story(self):
        return f"{time.monotonic() - self.began:.1f} s; {dict(sorted(self.counts.of.items()))}"


def real_folder():
    return pathlib.Path(os.environ.get("STOA_ONLINE_RETAIL") or ROOT / "../shared/data/online-retail").resolve()


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    folder = retail.generate(tmp_path_factory.mktemp("retail") / "set", seed=20_111_209)
    products = retail.read_products(folder)
    invoices = retail.read_invoices(folder, products)
    kinds = retail.lines_by_kind(invoices)
    assert set(kinds) == {retail.USABLE, retail.NO_CUSTOMER, retail.NEGATIVE, retail.ZERO_PRICE, retail.UNKNOWN_CODE}
    assert max(len(i.units()) for i in invoices) == 271
    assert any(len(i.units()) < len(i.usable) for i in invoices), "twin lines"
    assert sum(1 for i in invoices if i.usable) == 2_000
    return folder


def test_the_generated_invoices_come_to_the_independent_totals(tmp_path, generated):
    with Shop(tmp_path / "data", *UNLIMITED) as shop:
        replay = Replay(shop, generated)
        replay.load_catalogue(generated)
        replay.run()
        assert replay.check().orders == 2_000
        print("generated set:", replay.story())


def test_kill_9_every_few_seconds_changes_no_total_and_doubles_nothing(tmp_path, generated):
    with Shop(tmp_path / "data", *UNLIMITED) as shop:
        replay = Replay(shop, generated)
        replay.load_catalogue(generated)
        kills = replay.run_with_kills(every_s=2.0)
        assert len(kills) >= 3 and len(set(kills)) >= 3, f"killed at orders {kills}: too rarely to say anything"
        assert replay.check().orders == 2_000
        print(f"killed {len(kills)} times:", replay.story())


def test_the_real_invoices_come_to_the_independent_totals(tmp_path):
    folder = real_folder()
    if not (folder / "products.csv").exists():
        pytest.skip(f"no real invoices: {folder} is not there (STOA_ONLINE_RETAIL names the folder)")
    with Shop(tmp_path / "data", *UNLIMITED) as shop:
        replay = Replay(shop, folder, threads=32)
        replay.load_catalogue(folder)
        replay.run()
        expected = replay.check()
        print("real set:", replay.story())
        if (folder / "invoices-2010-12--2011-06.csv.gz").exists():
            assert expected.orders == 8_754
            assert sum(expected.units.values()) > 0 and len(replay.by_customer) > 2_900
