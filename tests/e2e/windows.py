"""What the windows of analytics must come to, computed plainly from the events: a dictionary a pipeline, no streams.

Nothing here is shared with the program but analytics/pipelines.json, of which only sizes and disorder are read.
"""

import collections
import datetime
import json
import pathlib
import random

ROOT = pathlib.Path(__file__).resolve().parents[2]
PIPELINES = {each["name"]: each for each in json.loads((ROOT / "analytics/pipelines.json").read_text())["pipelines"]}
VIEWS = "ecom-raw-events"
VIEW_WORDS = {"VIEW_PRODUCT", "PRODUCT_VIEW", "view_product", "product_view", "VIEW", "view"}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def text_of(ms):
    return (EPOCH + datetime.timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ms_of(text):
    return round((datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH).total_seconds() * 1000)


class Event:
    """One event as every pipeline sees it."""

    def __init__(self, topic, ms, event_id, **fields):
        self.topic, self.ms, self.id = topic, ms, event_id
        self.fields = fields

    def line(self):
        f = self.fields
        if self.topic == VIEWS:
            return {"user_id": f["user"], "product_id": f["product"], "event_type": f["word"],
                    "timestamp": text_of(self.ms), "metadata": {"session_id": "s"}}
        if self.topic == "orders":
            payload = {"id": self.id, "order_id": f["order"], "user_id": f["user"],
                       "total_amount": Cents(f["amount"]), "currency": f["currency"], "items_count": f["quantity"],
                       "event_type": f["word"], "occurred_at": text_of(self.ms)}
        else:
            payload = {"orderId": f["order"], "userId": f["user"], "amount": Cents(f["amount"]),
                       "currency": f["currency"]}
            if self.topic == "payment.refunded":
                payload["succeeded"] = f["word"] == "refunded"
        return {"topic": self.topic, "id": self.id, "occurred_at": text_of(self.ms), "payload": payload}


class Cents(float):
    """An amount that is written with its two digits."""

    def __new__(cls, cents):
        made = super().__new__(cls, cents / 100)
        made.cents = cents
        return made

    def __repr__(self):
        return f"{self.cents // 100}.{self.cents % 100:02d}"


def write(path, events):
    with open(path, "w", encoding="utf-8") as file:
        for event in events:
            file.write((event if isinstance(event, str) else json.dumps(event.line())) + "\n")


def on_time(events, size, disorder=10_000):
    """Those that come before their window of this size is closed by the newest of their topic; and the rest."""
    newest, good, late = {}, [], []
    for event in events:
        start = event.ms // size * size
        is_late = start + size + disorder <= newest.get(event.topic, -1)
        (late if is_late else good).append(event)
        newest[event.topic] = max(newest.get(event.topic, -1), event.ms)
    return good, late


def average(total, count):
    return (2 * total + count) // (2 * count)  # half up: totals are not negative


def grouped(events, size, key):
    out = collections.defaultdict(list)
    for event in events:
        out[(event.ms // size * size, key(event))].append(event)
    return out


def first_of_each(events, field):
    seen, out = set(), []
    for event in events:
        value = event.id if field == "event" else event.fields[field]
        if value not in seen:
            seen.add(value)
            out.append(event)
    return out


def users(events):
    return len({event.fields["user"] for event in events})


def product_viewers(events, size=60_000):
    of = [e for e in events if e.topic == VIEWS]
    return {key: users(all_) for key, all_ in grouped(of, size, lambda e: e.fields["product"]).items()}


def orders(events, size):
    of = [e for e in events if e.topic == "orders" and e.fields["word"] == "order.created"]
    out = {}
    for key, all_ in grouped(of, size, lambda e: e.fields["currency"]).items():
        once = first_of_each(all_, "order")
        total = sum(e.fields["amount"] for e in once)
        out[key] = (len(once), total, sum(e.fields["quantity"] for e in once), users(once),
                    average(total, len(once)))
    return out


def payments(events, key):
    of = [e for e in events if e.topic.startswith("payment.")]
    out = {}
    for at, all_ in grouped(of, 60_000, key).items():
        once = first_of_each(all_, "event")
        out[at] = (len(once), sum(e.fields["amount"] for e in once))
    return out


def captured(events):
    of = [e for e in events if e.topic in ("payment.succeeded", "payment.refunded")]
    out = {}
    for at, all_ in grouped(of, 60_000, lambda e: e.fields["currency"]).items():
        once = first_of_each(all_, "event")
        took = sum(e.fields["amount"] for e in once if e.fields["word"] == "succeeded")
        gave = sum(e.fields["amount"] for e in once if e.fields["word"] == "refunded")
        out[at] = (took, gave, took - gave)
    return out


def funnel(events):
    size, out = PIPELINES["funnel"]["window"]["size_ms"], {}
    of = [e for e in events if e.topic == VIEWS or e.fields["word"] in ("order.created", "order.paid")]
    for (start, _), all_ in grouped([e for e in of if e.topic in (VIEWS, "orders")], size, lambda e: "").items():
        def count(words):
            return users([e for e in all_ if e.fields["word"] in words])
        out[start] = (count(VIEW_WORDS), count({"ADD_TO_CART", "add_to_cart"}), count({"order.created"}),
                      count({"order.paid"}))
    return out


def viewers(events):
    of = [e for e in events if e.topic == VIEWS and e.fields["word"] in VIEW_WORDS]
    return {start: users(all_) for (start, _), all_ in grouped(of, 60_000, lambda e: "").items()}


def top_products(events):
    window = PIPELINES["top_products"]["window"]
    size, step = window["size_ms"], window["step_ms"]
    counts = collections.defaultdict(collections.Counter)
    for event in events:
        if event.topic != VIEWS:
            continue
        first = event.ms // step * step - size + step
        for start in range(first, first + size, step):
            counts[start][event.fields["product"]] += 1
    return {start: sorted(of.items(), key=lambda one: (-one[1], one[0]))[:20] for start, of in counts.items()}


def sessions(events):
    gap, by_product, out = PIPELINES["product_interest"]["window"]["size_ms"], collections.defaultdict(list), {}
    for event in events:
        if event.topic == VIEWS:
            by_product[event.fields["product"]].append(event)
    for product, all_ in by_product.items():
        spell = []
        for event in sorted(all_, key=lambda e: e.ms) + [None]:
            if spell and (event is None or event.ms >= spell[-1].ms + gap):
                out[(spell[0].ms, product)] = (spell[-1].ms + gap, len(spell), users(spell))
                spell = []
            if event:
                spell.append(event)
    return out


def generated(seed, count=6_000, late=0.0, begin=1_322_000_000_000):
    """Views, orders and payments of a busy shop: out of order by up to nine seconds, some twice, some late."""
    chance, out, now = random.Random(seed), [], begin
    for n in range(count):
        now += chance.randrange(0, 2_000) if chance.random() > 0.001 else chance.randrange(0, 4 * 3_600_000)
        ms = now - chance.randrange(0, 9_000)
        if chance.random() < late:
            ms -= chance.randrange(60_000, 400_000)
        user, kind = f"u{chance.randrange(40)}", chance.random()
        if kind < 0.7:
            word = chance.choice(["VIEW_PRODUCT", "VIEW_PRODUCT", "ADD_TO_CART", "something new"])
            event = Event(VIEWS, ms, f"v{n}", user=user, product=f"p{int(30 * chance.random() ** 2)}", word=word)
        elif kind < 0.88:
            word = chance.choice(["order.created", "order.paid", "order.shipped"])
            event = Event("orders", ms, f"o{n}", user=user, order=f"order-{n}", word=word,
                          amount=chance.randrange(1, 500_000), quantity=chance.randrange(1, 9),
                          currency=chance.choice(["EUR", "USD"]))
        else:
            topic, word = chance.choice([("payment.succeeded", "succeeded"), ("payment.failed", "failed"),
                                         ("payment.refunded", "refunded"), ("payment.refunded", "refund_failed")])
            event = Event(topic, ms, f"y{n}", user=user, order=f"order-{n}", word=word,
                          amount=chance.randrange(1, 90_000), currency="EUR")
        out.append(event)
        if chance.random() < 0.02 and event.topic != VIEWS:
            out.append(event)  # delivered twice
    return out
