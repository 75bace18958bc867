"""Invoices of a shop: reading them, making a set of the same shape, and what they must come to.

Nothing here asks the shop. `expected_totals` is computed from the files alone, in whole cents.
"""

import csv
import dataclasses
import decimal
import gzip
import pathlib
import random

# Why a line of the file is no line of an order, in the order in which it is judged.
NO_CUSTOMER, NEGATIVE, ZERO_PRICE, UNKNOWN_CODE, USABLE = (
    "no_customer", "negative_quantity", "zero_price", "unknown_code", "usable")


@dataclasses.dataclass(frozen=True)
class Product:
    sku: str
    name: str
    price_cents: int
    stock: int


@dataclasses.dataclass(frozen=True)
class Line:
    code: str
    quantity: int
    unit_price: decimal.Decimal


@dataclasses.dataclass
class Invoice:
    number: str
    day: str  # of its first line, UTC
    customer: str  # empty where unknown
    country: str
    lines: dict  # kind → [Line]

    @property
    def usable(self):
        return self.lines.get(USABLE, [])

    def units(self):
        """Code → units; the same code twice is summed."""
        out = {}
        for line in self.usable:
            out[line.code] = out.get(line.code, 0) + line.quantity
        return out


@dataclasses.dataclass
class Totals:
    orders: int
    units: dict  # sku → units
    revenue_cents: dict  # (day, country) → cents


def cents(text):
    exact = decimal.Decimal(text) * 100
    assert exact == exact.to_integral_value(), text
    return int(exact)


def read_products(folder):
    with open(pathlib.Path(folder, "products.csv"), newline="", encoding="utf-8") as file:
        return {row["sku"]: Product(row["sku"], row["name"], cents(row["price"]), int(row["stock_quantity"]))
                for row in csv.DictReader(file)}


def kind_of(customer, code, quantity, unit_price, products):
    if not customer:
        return NO_CUSTOMER
    if quantity <= 0:
        return NEGATIVE
    if unit_price <= 0:
        return ZERO_PRICE
    return USABLE if code in products else UNKNOWN_CODE


def read_invoices(folder, products):
    """Every invoice of the folder in the order of the file, its lines by kind."""
    out = {}
    for path in sorted(pathlib.Path(folder).glob("invoices-*.csv.gz")):
        with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                number, customer = row["InvoiceNo"], row["CustomerID"]
                invoice = out.get(number)
                if invoice is None:
                    invoice = out[number] = Invoice(number, row["InvoiceDate"][:10], customer, row["Country"], {})
                line = Line(row["StockCode"], int(row["Quantity"]), decimal.Decimal(row["UnitPrice"]))
                kind = kind_of(customer, line.code, line.quantity, line.unit_price, products)
                invoice.lines.setdefault(kind, []).append(line)
    return list(out.values())


def expected_totals(products, invoices):
    """The file's quantities at the catalogue's prices."""
    out = Totals(0, {}, {})
    for invoice in invoices:
        if not invoice.usable:
            continue
        out.orders += 1
        where = invoice.day, invoice.country
        for line in invoice.usable:
            out.units[line.code] = out.units.get(line.code, 0) + line.quantity
            out.revenue_cents[where] = (out.revenue_cents.get(where, 0)
                                        + line.quantity * products[line.code].price_cents)
    return out


def lines_by_kind(invoices):
    out = {}
    for invoice in invoices:
        for kind, lines in invoice.lines.items():
            out[kind] = out.get(kind, 0) + len(lines)
    return out


WORDS = ("WHITE", "RED", "RETROSPOT", "HEART", "LANTERN", "MUG", "TRAY", "CLOCK", "BAG", "VINTAGE", "JAM", "TIN",
         "GLASS", "FRAME", "CHALK", "PAPER", "GARDEN", "TEA", "ROSE", "BIRD")
COUNTRIES = ("United Kingdom", "Germany", "France", "EIRE", "Spain", "Channel Islands")
NO_PRODUCTS = ("POST", "M", "D", "DOT", "BANK CHARGES", "C2")


def generate(folder, seed, invoices=2_000, products=600, customers=240, long_order=271):
    """Writes products.csv and invoices-generated.csv.gz: twin lines, letters after codes, names with commas and
    quotes, one order of `long_order` different products, cancellations and bad lines of each kind."""
    chance = random.Random(seed)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    codes = [f"{20_000 + i * 7}{chance.choice(('', '', '', 'A', 'B', 'bl'))}" for i in range(products)]
    prices = {code: chance.choice((19, 42, 85, 125, 165, 295, 495, 1275, 16500)) for code in codes}
    sold = dict.fromkeys(codes, 0)
    rows = []

    def add(number, minute, customer, country, code, quantity, price):
        day, rest = divmod(minute, 24 * 60)
        date = f"2011-{1 + day // 28:02}-{1 + day % 28:02}T{rest // 60:02}:{rest % 60:02}:00Z"
        rows.append((number, code, "AS RECORDED", quantity, date, f"{price / 100:.2f}", customer, country))
        if customer and quantity > 0 and price > 0 and code in sold:
            sold[code] += quantity

    for i in range(invoices):
        number, minute = str(536_365 + i), i * 150
        customer = str(12_346 + int(customers * chance.random() ** 2) * 3)  # some come often
        country = COUNTRIES[min(int(chance.expovariate(1.2)), len(COUNTRIES) - 1)]
        several = long_order if i == invoices // 2 else min(1 + int(chance.expovariate(1 / 12)), 120)
        for code in chance.sample(codes, min(several, products)):
            # One line in seven went at another price than the catalogue's.
            price = prices[code] if chance.random() > 0.14 else prices[code] + chance.choice((-5, 7, 30))
            quantity = chance.choice((1, 1, 2, 3, 4, 6, 12, 24, 144 if chance.random() < 0.1 else 10))
            add(number, minute, customer, country, code, quantity, price)
            if chance.random() < 0.05:
                add(number, minute, customer, country, code, chance.choice((1, 2, quantity)), prices[code])
        if chance.random() < 0.05:
            add(number, minute, customer, country, chance.choice(NO_PRODUCTS), 1, 1800)
        if chance.random() < 0.02:
            add(number, minute, customer, country, chance.choice(codes), chance.choice((1, 12)), 0)
        if chance.random() < 0.01:
            add(number, minute, customer, country, chance.choice(codes), -chance.randint(1, 9), 125)
    for i in range(invoices // 6):
        customer = str(12_346 + chance.randint(1, customers) * 3)
        for code in chance.sample(codes, chance.randint(1, 4)) + ([chance.choice(NO_PRODUCTS)] if i % 9 == 0 else []):
            add(f"C{600_000 + i}", i * 90, customer, COUNTRIES[0], code, -chance.randint(1, 12), 295)
    for i in range(invoices // 10):
        for code in chance.sample(codes, chance.randint(1, 20)):
            add(str(700_000 + i), i * 80, "", COUNTRIES[0], code, chance.choice((1, 2, -3)), chance.choice((0, 850)))

    with open(folder / "products.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(("sku", "name", "price", "stock_quantity"))
        for i, code in enumerate(codes):
            name = " ".join(chance.sample(WORDS, 3)) + (', "LARGE"' if i % 11 == 0 else " NO. é" if i % 13 == 0 else "")
            out.writerow((code, name, f"{prices[code] / 100:.2f}", sold[code] + chance.choice((0, 0, 1, 50))))
    with gzip.open(folder / "invoices-generated.csv.gz", "wt", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID",
                      "Country"))
        out.writerows(rows)
    return folder
