#!/usr/bin/env python3
"""What live analytics costs, over the same events: looked at products by Zipf's law (1,000 of them, exponent 1), 100,000
users, 5,000 events a second of event time, one in a hundred late by up to 15 s.

    ./dev bench analytics [--events 10000000] [--only engine,log,kafka,live]

engine  the windows alone, through JSON (bench/analytics_bench.cpp), and the memory of a million open keys
log     `stoa replay --from=0` on an embedded shop that has taken the events: its log read, its windows put
kafka   Kafka to Kafka, exactly once, results written to topics and tables: the CPU of our process until every window of the
        products is in the results' topic, then the same of Flink's task manager over the same events, both with the same
        pipelines (--pipelines)
live    orders placed on an embedded shop, and when their minute's provisional value came by server-sent events

CPU is utime + stime of the process: it holds on a busy machine where throughput does not. Each part checks its windows
against a count made here. Writes bench/results/<date>-<commit>-analytics.{json,md}.
"""

import argparse
import bisect
import collections
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib

import run
from run import ROOT, say

sys.path[:0] = [str(ROOT / "deploy/local"), str(ROOT / "tests/e2e"), str(ROOT / "tests/analytics")]

PARTS = ("engine", "log", "kafka", "live")
ENGINES = ("postgres", "kafka", "dynamodb", "s3")
VIEWS, RESULTS = "ecom-raw-events", "ecom-analytics-results"
BEGIN_MS, MINUTE, DISORDER = 1_704_110_400_000, 60_000, 10_000
PRODUCTS, USERS, PER_MS = 1_000, 100_000, 5
PARTITIONS = 4


class Events:
    """The events, the same for every part, and what the windows must say."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        """(ms of the event, newest ms so far, user, product)"""
        chance, newest = random.Random(7), 0
        sums = list(itertools.accumulate(1 / i for i in range(1, PRODUCTS + 1)))
        for i in range(self.count):
            now = BEGIN_MS + i // PER_MS
            ms = now - int(chance.random() * 15_000) if chance.random() < 0.01 else now
            product = bisect.bisect_left(sums, chance.random() * sums[-1]) + 1
            newest = max(newest, ms)
            yield ms, newest, int(chance.random() * USERS), product

    def end_ms(self):
        """A mark that closes every window."""
        return BEGIN_MS + self.count // PER_MS + 10 * MINUTE

    @staticmethod
    def payload(ms, user, product):
        return (f'{{"user_id":"u{user}","product_id":"p{product}","event_type":"VIEW_PRODUCT",'
                f'"timestamp":"{text_of(ms)}","metadata":{{"session_id":"s1"}}}}')

    def expected(self):
        """Windows of products and the sum of their viewers, where marks are written as mark_due() says."""
        viewers, mark = collections.defaultdict(set), -1
        for ms, now, user, product in self:
            start = ms - ms % MINUTE
            if start + MINUTE + DISORDER > mark:
                viewers[start, product].add(user)
            if mark_due(now, mark):
                mark = now
        return len(viewers), sum(map(len, viewers.values()))


def mark_due(now, mark):
    """A mark matters where it closes a window: the shop writes one a minute."""
    return mark < 0 or (now - DISORDER) // MINUTE != (mark - DISORDER) // MINUTE


SECONDS = {}


def text_of(ms):
    second, rest = divmod(ms, 1_000)
    if second not in SECONDS:
        SECONDS[second] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    return f"{SECONDS[second]}.{rest:03}000Z"  # as the shop writes times


def until(holds, within_s, what, every_s=0.5):
    end = time.monotonic() + within_s
    while not (got := holds()):
        if time.monotonic() > end:
            raise RuntimeError(f"not within {within_s} s: {what}")
        time.sleep(every_s)
    return got


def events_row(bench, what, cpu_us, count, goal_ns=None, **more):
    bench.row(what, cpu_us * 1e3 / count, "ns CPU an event", goal_ns, events=f"{count:,}",
              events_per_cpu_second=f"{count * 1e6 / cpu_us:,.0f}", **more)


# --- the engine alone --------------------------------------------------------------------------------------------------

def engine(bench, events):
    got = subprocess.run([str(ROOT / "build/release/bench/bench_analytics"), "--benchmark_format=json"], cwd=ROOT,
                         env={**os.environ, "STOA_BENCH_EVENTS": str(bench.file)}, capture_output=True, text=True)
    if got.returncode != 0:
        raise RuntimeError(got.stderr)
    told = {each["name"].split("/")[0]: each for each in json.loads(got.stdout)["benchmarks"]}
    for name, what, goal in (("p1_windows", "the engine, JSON to the windows of products (P1)", 200),
                             ("all_windows", "the engine, JSON to the windows of all pipelines of views", None)):
        events_row(bench, what, events.count * 1e6 / told[name]["events_per_cpu_second"], events.count, goal,
                   rows=int(told[name]["rows"]), late=int(told[name]["late"]))
    wanted = events.expected()[0]
    if told["p1_windows"]["rows"] != wanted:
        raise RuntimeError(f"the engine gave {told['p1_windows']['rows']:.0f} windows of {wanted}")
    bench.row("memory of 1,000,000 open keys", told["open_keys"]["megabytes"], "MB", 300,
              state_mb=round(told["open_keys"]["state_megabytes"]))


# --- the embedded log --------------------------------------------------------------------------------------------------

def stoa(bench, *words):
    got = subprocess.run([bench.args.binary, *map(str, words)], capture_output=True, text=True)
    if got.returncode != 0:
        raise RuntimeError(f"stoa {words[0]}: {got.stderr}")
    return got.stdout


def embedded_log(bench, events):
    shop = bench.shop("log").start()
    try:
        stoa(bench, "replay", f"--source={bench.file}", "--send", f"--data-dir={shop.data_dir}")
        # What stands there when the shop stops is read again.
        until(lambda: run.metric(shop, "consumer_lag") == 0, 600, "the shop's own windows have all events")
    finally:
        shop.stop()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = stoa(bench, "replay", "--from=0", f"--topic={VIEWS}", f"--data-dir={shop.data_dir}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    read, rows = map(int, re.search(r"(\d+) events read, .* (\d+) rows of windows put", told).groups())
    if read != events.count:
        raise RuntimeError(f"the log gave {read} events of {events.count}")
    used = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e6
    events_row(bench, "the embedded log read again, its windows put", used, read, rows=rows)


# --- Kafka to Kafka ------------------------------------------------------------------------------------------------------

def write_topic(broker, events):
    """As the shop writes them: by product, with marks in every partition. Returns how long it took."""
    import confluent_kafka
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.brokers, "enable.idempotence": True, "linger.ms": 50,
                                         "queue.buffering.max.messages": 1_000_000, "compression.type": "lz4"})
    topic, failed, mark = broker.prefix + VIEWS, [], -1
    place = [zlib.crc32(f"p{p}".encode()) % PARTITIONS for p in range(PRODUCTS + 1)]

    def produce(partition, key, value, about):
        while True:
            try:
                producer.produce(topic, partition=partition, key=key, value=value, headers=about,
                                 on_delivery=lambda error, _: error and failed.append(error))
                return
            except BufferError:
                producer.poll(0.1)

    def write_marks(ms, number):
        for p in range(PARTITIONS):
            produce(p, f"mark-{p}", json.dumps({"mark": text_of(ms)}),
                    {"id": f"mark-{number}-{p}", "type": "stoa.mark", "version": "0", "schema_version": "1",
                     "occurred_at": text_of(ms)})

    for number, (ms, now, user, product) in enumerate(events):
        produce(place[product], f"p{product}", events.payload(ms, user, product),
                {"id": f"e{number}", "type": "VIEW_PRODUCT", "version": "0", "schema_version": "1",
                 "occurred_at": text_of(ms)})
        if mark_due(now, mark):
            write_marks(now, number)
            mark = now
        if number % 20_000 == 0:
            producer.poll(0)
    write_marks(events.end_ms(), events.count)
    if producer.flush(300) or failed:
        raise RuntimeError(f"events were not taken: {failed[:3]}")


class Seen:
    """The committed rows of the results' topic: how many there are, and what they sum to."""

    def __init__(self, broker):
        import confluent_kafka
        self.reader = confluent_kafka.Consumer({
            "bootstrap.servers": broker.brokers, "group.id": f"bench-{os.getpid()}-{broker.prefix}",
            "isolation.level": "read_committed", "enable.auto.commit": False, "auto.offset.reset": "earliest"})
        name = broker.prefix + RESULTS
        found = self.reader.list_topics(name, timeout=20).topics[name].partitions
        self.reader.assign([confluent_kafka.TopicPartition(name, each, 0) for each in found])
        self.windows, self.rows = {}, 0

    def look(self):
        for one in self.reader.consume(10_000, timeout=0.5):
            if one.error():
                raise RuntimeError(one.error())
            row = json.loads(one.value())
            if "product_id" not in row:
                continue  # a mark
            self.rows += 1
            self.windows[row["product_id"], row["window_start"]] = row["unique_user_count"]
        return len(self.windows)

    def check(self, wanted):
        got = (self.rows, sum(self.windows.values()))
        if got != wanted:
            raise RuntimeError(f"(windows, viewers) in the results are {got}, not {wanted}")
        self.reader.close()


def check_table(places, wanted):
    """What is in the results' topic is in the table of the products, too."""
    until(lambda: len(places.rows()["product_viewers"]) >= wanted[0], 120, "the table has every window")
    rows = places.rows()["product_viewers"].values()
    found = len(rows), sum(viewers for (viewers,) in rows)
    if found != wanted:
        raise RuntimeError(f"(windows, viewers) in the table are {found}, not {wanted}")


def by_cpp(bench, events, wanted):
    from broker import Broker
    from flink import Places
    from test_cpp import Analytics
    broker = Broker("bench-cpp", made_elsewhere=True)
    folder = bench.folder / "cpp"
    folder.mkdir()
    places = Places(broker.prefix)
    process = Analytics(folder, broker, places, analytics_pipelines=bench.pipelines)
    broker.keep()
    write_topic(broker, events)
    seen = Seen(broker)
    with process:
        began = time.monotonic()
        process.wait_until(lambda: seen.look() >= wanted[0], 3_600, lambda: f"{len(seen.windows)} of {wanted[0]} windows")
        used, took = run.cpu_us(process.child.pid), time.monotonic() - began
        memory = run.pss_mb(process.child.pid)
    seen.check(wanted)
    check_table(places, wanted)
    events_row(bench, f"Kafka to Kafka, C++: {bench.pipelines}", used, events.count, rows=wanted[0], seconds=round(took, 1),
               memory_mb=round(memory))
    return used


def by_flink(bench, events, wanted):
    from broker import Broker
    from flink import Cluster, Job, Places
    broker = Broker("bench-flink")
    places = Places(broker.prefix).make()
    write_topic(broker, events)
    seen = Seen(broker)
    cluster = Cluster(bench.folder / "flink")
    try:
        before, began = run.cpu_us(cluster.task_manager()), time.monotonic()
        # A checkpoint every ten seconds, as the job has it by itself; our process saves every five.
        with Job(cluster, broker, f"--pipelines={bench.pipelines}", "--time=marks", "--dynamodb-region=us-east-1",
                 f"--dynamodb-endpoint={os.environ['STOA_TEST_DYNAMODB']}", f"--table-prefix={broker.prefix}",
                 checkpoint_every_ms=10_000) as job:
            def done():
                if job.state() in ("FAILED", "CANCELED") or job.restarts():
                    raise RuntimeError(job.why())
                return seen.look() >= wanted[0]
            until(done, 3_600, "Flink has written every window")
            used, took = run.cpu_us(cluster.task_manager()) - before, time.monotonic() - began
            memory = run.pss_mb(cluster.task_manager())
        bench.versions.append(cluster.engine.version() if cluster.engine else "Flink, started elsewhere")
    finally:
        cluster.stop()
    seen.check(wanted)
    check_table(places, wanted)
    events_row(bench, f"Kafka to Kafka, Flink's task manager: {bench.pipelines}", used, events.count, rows=wanted[0],
               seconds=round(took, 1), memory_mb=round(memory))
    return used


def kafka(bench, events):
    """Started cold, both: a short run charges Flink for its compiler, ten million events hardly."""
    sys.path.insert(0, str(ROOT / "tests/engines"))
    from engines import Engine
    wanted = events.expected()
    running = []
    try:
        for name in ENGINES:
            running.append(Engine(name, bench.folder / name))
            running[-1].start()
            bench.versions.append(running[-1].version())
            os.environ[f"STOA_TEST_{name.upper()}"] = running[-1].address
        ours, flinks = by_cpp(bench, events, wanted), by_flink(bench, events, wanted)
        bench.row("Kafka to Kafka: CPU of our process over Flink's", ours / flinks, "×", 0.1, pipelines=bench.pipelines)
    finally:
        for each in reversed(running):
            each.stop()


# --- live --------------------------------------------------------------------------------------------------------------

class LiveStream:
    """Orders that the stream has said so far, and when."""

    def __init__(self, shop):
        self.at = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=60)
        self.at.request("GET", "/api/v1/analytics/live", headers={"Authorization": "Bearer " + shop.local_token})
        self.answer = self.at.getresponse()
        if self.answer.status != 200:
            raise RuntimeError(f"the live stream answers {self.answer.status}")
        self.counts, self.seen, self.changed = {}, [], threading.Condition()
        self.reading = threading.Thread(target=self.read, daemon=True)
        self.reading.start()

    def read(self):
        for line in self.answer:
            now = time.monotonic()
            if not line.startswith(b"data: "):
                continue
            row = json.loads(line[6:])
            if row.get("pipeline") != "orders_by_minute":
                continue
            self.counts[row["window_start"]] = row["order_count"]
            with self.changed:
                self.seen.append((now, sum(self.counts.values())))
                self.changed.notify_all()

    def when(self, orders, within_s=60):
        """The first moment at which so many were said."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.seen and self.seen[-1][1] >= orders, within_s):
                raise RuntimeError(f"the live stream did not come to {orders} orders: {self.seen[-1:]}")
            return next(at for at, count in self.seen if count >= orders)


def live(bench, events):
    chance, waits = random.Random(3), []
    with bench.shop("live") as shop:
        operator = shop.operator()
        made = operator.post("/api/v1/products", {"name": "Lamp", "price": 12.5, "stock": 1_000_000})
        if made.status != 201:
            raise RuntimeError(f"no product: {made}")
        body = {"items": [{"product_id": made.json["id"], "quantity": 1}], "shipping_address": run.ADDRESS,
                "payment_method": "credit_card"}
        who, stream = shop.guest(), LiveStream(shop)
        for number in range(bench.args.orders):
            time.sleep(chance.random() * 0.1)  # so that orders come anywhere in the stream's rounds
            sent = time.monotonic()
            got = who.post("/api/v1/orders", body, headers={"Idempotency-Key": f"bench-{number}"})
            if got.status != 201:
                raise RuntimeError(f"no order: {got}")
            waits.append((stream.when(number + 1) - sent) * 1e3)
    waits.sort()
    bench.row("an order's POST to its provisional value over SSE, p99", waits[int(len(waits) * 0.99)], "ms", 200,
              median=round(statistics.median(waits)), most=round(waits[-1]), orders=len(waits))


# --- all of it -----------------------------------------------------------------------------------------------------------

def write_file(path, events):
    with open(path, "w", encoding="ascii") as file:
        file.writelines(events.payload(ms, user, product) + "\n" for ms, _, user, product in events)


def parts(text):
    out = text.split(",")
    wrong = [each for each in out if each not in PARTS]
    if wrong:
        raise argparse.ArgumentTypeError(f"no part '{wrong[0]}': there are {', '.join(PARTS)}")
    return out


def pipelines(text):
    """The windows of the products are what each run is checked by."""
    if "product_viewers" not in text.split(","):
        raise argparse.ArgumentTypeError("product_viewers must be among them")
    return text


def count(text):
    if not text.isdigit() or not 10_000 <= int(text) <= 100_000_000:
        raise argparse.ArgumentTypeError("10000 to 100000000")
    return int(text)


def main():
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--binary", default=str(ROOT / "build/release/stoa"))
    given.add_argument("--events", type=count, default=1_000_000, help="the goals are for 10000000; default: 1000000")
    given.add_argument("--orders", type=int, default=400, help="of the part `live`")
    given.add_argument("--pipelines", type=pipelines, default="product_viewers", metavar="NAME[,…]",
                       help="of the part `kafka`, on both sides; product_viewers is among them: %(default)s")
    given.add_argument("--only", type=parts, default=list(PARTS), help="parts by commas")
    given.add_argument("--results", default=str(ROOT / "bench/results"))
    args = given.parse_args()
    os.environ["STOA_TEST_BINARY"] = args.binary
    began = {"at": time.monotonic(), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="stoa-bench-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL is another user
        bench = run.Bench(args, pathlib.Path(folder))
        bench.versions, bench.file, bench.pipelines = [], bench.folder / "events.jsonl", args.pipelines
        try:
            events = Events(args.events)
            if {"engine", "log"} & set(args.only):
                write_file(bench.file, events)
            for name, measure in (("engine", engine), ("log", embedded_log), ("kafka", kafka), ("live", live)):
                if name in args.only:
                    measure(bench, events)
                else:
                    bench.left_out.append(f"{name} (--only)")
        finally:
            if bench.nginx:
                bench.nginx.stop()
    run.write_results(bench, began, "-analytics", bench.versions)


if __name__ == "__main__":
    main()
