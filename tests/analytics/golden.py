"""Logs of events with their partitions, and what windows over them must come to by each engine's rule of lateness.

The windows are those of tests/e2e/windows.py, in plain Python; nothing here is shared with an engine.
"""

import collections
import json
import pathlib
import random
import sys
import zlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import windows  # noqa: E402
from windows import PIPELINES, VIEWS, text_of  # noqa: E402

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
DISORDER = 10_000
PAYMENTS = ("payment.succeeded", "payment.failed", "payment.refunded")
TOPICS = (VIEWS, "orders", *PAYMENTS)
PARTITIONS = {VIEWS: 4, "orders": 2, **dict.fromkeys(PAYMENTS, 2)}
NEVER = -1
AVERAGES = {"average_order_value": ("total_revenue", "order_count"), "average_amount": ("total_amount", "payment_count")}

BAD = {  # topic → payloads that are no events of it
    VIEWS: ["no json", "[1]", "", '{"user_id":"u1"}', '{"user_id":7,"product_id":"p","event_type":"v","timestamp":1}',
            '{"user_id":"u","product_id":"p","event_type":"v","timestamp":"yesterday"}',
            '{"user_id":"u","product_id":"","event_type":"v","timestamp":5}',
            '{"user_id":"u","user_id":"u","product_id":"p","event_type":"v","timestamp":5}',
            '{"user_id":"u","product_id":"p","event_type":"v","timestamp":5} more',
            '{"user_id":"u","product_id":"' + "p" * 257 + '","event_type":"v","timestamp":5}'],
    "orders": ['{"order_id":"o"}',
               '{"order_id":"o","user_id":"u","total_amount":1.234,"currency":"EUR","items_count":1,'
               '"event_type":"order.created","occurred_at":"2011-12-01T00:00:00Z"}',
               '{"order_id":"o","user_id":"u","total_amount":1.2,"currency":"EUX","items_count":1,'
               '"event_type":"order.created","occurred_at":"2011-12-01T00:00:00Z"}',
               '{"order_id":"o","user_id":"u","total_amount":1e2,"currency":"EUR","items_count":1,'
               '"event_type":"order.created","occurred_at":"2011-12-01T00:00:00Z"}',
               '{"order_id":"o","user_id":"u","total_amount":1.2,"currency":"EUR","items_count":-1,'
               '"event_type":"order.created","occurred_at":"2011-12-01T00:00:00Z"}'],
    "payment.refunded": ['{"orderId":"o","userId":"u","amount":1,"currency":"EUR"}',
                         '{"orderId":"o","userId":"u","amount":1,"currency":"EUR","succeeded":"no"}'],
}


class Record:
    """One record of a partition: an event, a mark or something bad."""

    def __init__(self, topic, partition, record_ms, event=None, mark_ms=None, bad=None):
        self.topic, self.partition, self.record_ms = topic, partition, record_ms
        self.event, self.mark_ms, self.bad = event, mark_ms, bad
        self.offset = None

    def key(self):
        if not self.event:
            return f"mark-{self.partition}"
        return self.event.fields["product" if self.topic == VIEWS else "order"]

    def value(self):
        if self.event:
            line = self.event.line()
            return json.dumps(line if self.topic == VIEWS else line["payload"])
        return self.bad if self.mark_ms is None else json.dumps({"mark": text_of(self.mark_ms)})

    def headers(self, number):
        about = self.event
        at = about.ms if about else self.record_ms if self.mark_ms is None else self.mark_ms
        kind = "stoa.mark" if self.mark_ms is not None else about.fields["word"] if about else "anything"
        return {"id": about.id if about else f"{self.topic}-{number}", "type": kind, "version": "0",
                "schema_version": "1", "occurred_at": text_of(at)}


def partition_of(event, partitions):
    """Views never go to the last partition: it has marks alone."""
    key = event.fields["product" if event.topic == VIEWS else "order"]
    return zlib.crc32(key.encode()) % (partitions[event.topic] - (event.topic == VIEWS))


class Log:
    """Records in the order in which they are written, offsets counted, with the shop's marks between them."""

    def __init__(self, partitions=None):
        self.partitions = partitions or PARTITIONS
        self.records, self.ends, self.newest, self.ahead = [], collections.Counter(), -1, set()
        self.marked = dict.fromkeys(TOPICS, -1)

    def add(self, record):
        record.offset = self.ends[record.topic, record.partition]
        self.ends[record.topic, record.partition] += 1
        self.records.append(record)

    def event(self, event, ahead=False):
        """`ahead`: it claims a time that has not come."""
        if ahead:
            self.ahead.add(event.id)
        else:
            self.newest = max(self.newest, event.ms)
        self.add(Record(event.topic, partition_of(event, self.partitions), self.newest, event=event))
        self.mark_due(self.newest)

    def bad(self, topic, payload, partition=0):
        self.add(Record(topic, partition, self.newest, bad=payload))

    def mark_due(self, ms):
        for topic in TOPICS:
            if (ms - DISORDER) // MINUTE != (self.marked[topic] - DISORDER) // MINUTE:
                self.mark(topic, ms)

    def mark(self, topic, ms):
        for partition in range(self.partitions[topic]):
            self.add(Record(topic, partition, max(ms, self.newest), mark_ms=ms))
        self.marked[topic] = ms

    def close(self):
        """Time goes on for two days: every window of what has come is over."""
        for topic in TOPICS:
            self.mark(topic, self.newest + 2 * DAY)
        return self

    def events(self):
        return [each.event for each in self.records if each.event]


def generated(seed, count=4_000, late=0.02, bad=True, partitions=None):
    """Late, out of order, twice, of the future, bad; and a partition that has marks alone."""
    log, chance = Log(partitions), random.Random(seed)
    waiting = [(topic, each) for topic, all_ in BAD.items() for each in all_] if bad else []
    for n, event in enumerate(windows.generated(seed, count, late)):
        log.event(event)
        if waiting and n % 50 == 49:
            topic, payload = waiting.pop()
            log.bad(topic, payload, chance.randrange(PARTITIONS[topic] - 1))
    for product in ("p0", "p1"):  # next year, and in the partitions of others
        log.event(windows.Event(VIEWS, log.newest + 300 * DAY, f"f-{product}", user="u", product=product, word="VIEW_PRODUCT"),
                  ahead=True)
    return log.close()


def with_late(second, first):
    """The second part of a log, begun by an event of each kind for a window of the first that is long over."""
    over = max(each.event.ms for each in first if each.event) - 20 * MINUTE
    begin = []
    for n, (topic, word) in enumerate([(VIEWS, "VIEW_PRODUCT"), ("orders", "order.created"), (PAYMENTS[0], "succeeded")]):
        fields = {"user": "u1", "product": "p1"} if topic == VIEWS else {
            "user": "u1", "order": f"order-late-{n}", "amount": 700, "quantity": 1, "currency": "EUR"}
        event = windows.Event(topic, over, f"late-{n}", word=word, **fields)
        begin.append(Record(topic, partition_of(event, PARTITIONS), over + 30 * MINUTE, event=event))
    out, ends = begin + second, collections.Counter((each.topic, each.partition) for each in first)
    for each in out:
        each.offset = ends[each.topic, each.partition]
        ends[each.topic, each.partition] += 1
    return out


def real_shop():
    """Seven months of a real shop's invoices: each line a view, each invoice an order, at their own times."""
    import test_analytics
    from test_online_retail import real_folder
    folder = real_folder()
    if not (folder / "products.csv").exists():
        pytest.skip(f"no real invoices: {folder} is not there (STOA_ONLINE_RETAIL names the folder)")
    log = Log()
    for event in sorted(test_analytics.invoices(folder), key=lambda e: e.ms):
        log.event(event)
    return log.close()


def reads(pipeline, event):
    return any(each["topic"] == event.topic and event.fields["word"] in each.get("words", [event.fields["word"]])
               for each in PIPELINES[pipeline]["inputs"])


def sifted(log, pipelines, moved_by_events):
    """By the rule of C++ (marks alone) and Flink (also events, up to their record's time): time is a partition's own.

    → pipeline → its events, in their windows' time; [(topic, partition, offset, pipelines)] of late; of bad."""
    good = {name: [] for name in pipelines}
    late, bad, newest = [], [], collections.defaultdict(lambda: NEVER)
    for record in log.records:
        at, said = (record.topic, record.partition), NEVER
        if record.bad is not None:
            bad.append((*at, record.offset))
            continue
        if record.event:
            missed = []
            for name in pipelines:
                if not reads(name, record.event):
                    continue
                size = PIPELINES[name]["window"]["size_ms"]
                over = record.event.ms // size * size + size + DISORDER <= newest[at]
                (missed if over else good[name]).append(name if over else record.event)
            if missed:
                late.append((*at, record.offset, tuple(missed)))
            if moved_by_events:
                said = min(record.event.ms, record.record_ms)
        else:
            said = record.mark_ms
        newest[at] = max(newest[at], said)
    end = {name: [e for e in all_ if e.id not in log.ahead] for name, all_ in good.items()}
    return end, late, bad


def is_ahead(record):
    return record.event is not None and record.event.ms > record.record_ms + MINUTE


def rows_in_batches(pipelines, batches):
    """By Spark's rule: time is the newest of all partitions of the pipeline's topics, less the disorder, at the end of the
    batch before; a row comes out when that has passed its window.

    → pipeline → rows; pipeline → how many events were late."""
    good, late = {}, {}
    for name in pipelines:
        topics = {each["topic"] for each in PIPELINES[name]["inputs"]}
        size, mark, newest = PIPELINES[name]["window"]["size_ms"], NEVER, NEVER
        good[name], late[name] = [], 0
        for batch in batches:
            for record in batch:
                if record.topic not in topics or record.bad is not None or is_ahead(record):
                    continue
                newest = max(newest, record.event.ms if record.event else record.mark_ms)
                if record.event and reads(name, record.event):
                    if record.event.ms // size * size + size <= mark:
                        late[name] += 1
                    else:
                        good[name].append(record.event)
            mark = newest - DISORDER
        good[name] = [e for e in good[name] if e.ms // size * size + size <= mark]
    return rows(good), late


def spark_bad(records):
    return sorted((r.topic, r.partition, r.offset) for r in records if r.bad is not None or is_ahead(r))


def rows(good):
    """pipeline → {(start, key parts): values}: of the sums; amounts in minor units."""
    out = {}
    currency, status, user = "currency", "word", "user"

    def key(*parts):
        return lambda event: tuple(event.fields[part] for part in parts)

    for name, events in good.items():
        size = PIPELINES[name]["window"]["size_ms"]
        if name == "product_viewers":
            made = {(start, (product,)): (n,) for (start, product), n in windows.product_viewers(events).items()}
        elif name.startswith("orders_by_"):
            made = {(start, (of,)): values for (start, of), values in windows.orders(events, size).items()}
        elif name == "captured_by_minute":
            made = {(start, (of,)): values for (start, of), values in windows.captured(events).items()}
        elif name == "payments_overall":
            made = windows.payments(events, key(currency))
        elif name == "payments_by_status":
            made = windows.payments(events, key(status, currency))
        elif name == "payments_by_user":
            made = windows.payments(events, key(user, currency))
        elif name == "viewers_by_minute":
            made = {(start, ()): (n,) for start, n in windows.viewers(events).items()}
        else:
            made = {(start, ()): values for start, values in windows.funnel(events).items()}
        out[name] = made
    return out


# What of a row the batch computes, in its order.
COLUMNS = {
    "product_viewers": ("unique_user_count",),
    **dict.fromkeys(("orders_by_minute", "orders_by_hour", "orders_by_day"),
                    ("order_count", "total_revenue", "total_items", "unique_users", "average_order_value")),
    "captured_by_minute": ("captured", "refunded", "captured_revenue"),
    **dict.fromkeys(("payments_overall", "payments_by_status", "payments_by_user"), ("payment_count", "total_amount")),
    "viewers_by_minute": ("viewers",),
    "funnel": ("viewed", "added_to_cart", "ordered", "paid"),
}
MONEY = {"total_revenue", "average_order_value", "captured", "refunded", "captured_revenue", "total_amount", "average_amount"}


def row_of(name, json_row, minor):
    """((start, key parts), values) of a row as an engine writes it; `minor`: money is in minor units there."""
    parts = tuple(json_row[each["name"]] for each in PIPELINES[name]["key"])

    def value(column):
        found = json_row[column]
        return int(found * 100) if column in MONEY and not minor else int(found)
    for column, (of, per) in AVERAGES.items():
        if column in json_row:
            assert value(column) == windows.average(value(of), value(per)), json_row
    size = PIPELINES[name]["window"]["size_ms"]
    start = windows.ms_of(json_row["window_start"])
    assert windows.ms_of(json_row["window_end"]) == start + size, json_row
    return (start, parts), tuple(value(each) for each in COLUMNS[name])


def unlike(expected, found):
    """What differs, short enough to read; empty where nothing does."""
    out = []
    for name, wanted in expected.items():
        has = found.get(name, {})
        missing = sorted(set(wanted) - set(has))[:3]
        extra = sorted(set(has) - set(wanted))[:3]
        other = [(at, wanted[at], has[at]) for at in wanted if at in has and wanted[at] != has[at]][:3]
        if missing or extra or other:
            out.append(f"{name}: {len(wanted)} rows wanted, {len(has)} found; missing {missing}; not wanted {extra}; "
                       f"other than wanted {other}")
    return "\n".join(out)
