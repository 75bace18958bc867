#!/usr/bin/env python3
"""What the shop costs on real engines: PostgreSQL, DynamoDB, Kafka and S3 beside it, one process a target.

CPU is utime + stime of every process that takes part, engines included, divided by the operations: it holds on a busy
machine where latency and throughput do not. Writes bench/results/<date>-<commit>-engines.{json,md}.

    ./dev bench engines [--seconds 6] [--orders 1000] [--key-value postgres]
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import run
from run import ROOT, say

sys.path[:0] = [str(ROOT / "deploy/local"), str(ROOT / "tests/e2e"), str(ROOT / "tests/engines")]
from engines import Engine  # noqa: E402

ENGINES = ("postgres", "kafka", "dynamodb", "s3")
CLIENTS = 64


class EngineBench(run.Bench):
    """Rows as of run.py; `engines` by name, running."""

    def __init__(self, args, folder):
        super().__init__(args, folder)
        self.engines, self.versions = {}, []

    def start(self, *names):
        for name in names:
            engine = self.engines[name] = Engine(name, self.folder / name)
            engine.start()
            self.versions.append(engine.version())
            say(f"  {self.versions[-1]}")
            os.environ[f"STOA_TEST_{name.upper()}"] = engine.address

    def stop(self):
        for engine in self.engines.values():
            engine.stop()

    def cpu_of(self, *names):
        return sum(tree_cpu_us(self.engines[name].process.pid) for name in names)


def tree_cpu_us(pid):
    """With children of children, as engines of scripts have them."""
    total = run.cpu_us(pid, with_ended_children=True)
    for child in run.children(pid):
        try:
            total += tree_cpu_us(child)
        except OSError:  # it ended while it was looked at, and is counted in its parent's from now on
            continue
    return total


def psql(url, *words, text=None):
    return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", url, *words], input=text, capture_output=True, text=True,
                          check=True).stdout


# --- the first three steps of an order beside pgbench's bare transaction -----------------------------------------------

def in_database(bench, name, body):
    """CPU and rate of body(url, begin), which tells how many operations it did and what CPU it used itself, in a fresh
    database. It calls begin() when all is there that the operations need: only what comes after is counted."""
    owner = bench.engines["postgres"].address
    url = owner.rsplit("/", 1)[0] + "/" + name
    psql(owner, "-c", f"CREATE DATABASE {name}")
    before = []

    def begin():
        psql(owner, "-c", "SELECT 1")  # backends that have ended are counted in their parent's
        before.append(bench.cpu_of("postgres"))

    try:
        done, per_s, own_us = body(url, begin)
        psql(owner, "-c", "SELECT 1")
        return {"per_s": per_s, "us": (bench.cpu_of("postgres") - before[0]) / done + own_us, "client_us": own_us}
    finally:
        psql(owner, "-c", f"DROP DATABASE {name} WITH (FORCE)")


def pgbench(bench):
    script = bench.folder / "order.pgbench"
    script.write_text(run.TRANSACTION)

    def body(url, begin):
        psql(url, text=run.SCHEMA)
        begin()
        before = os.times()
        got = subprocess.run(["pgbench", "-n", "-M", "prepared", f"-c{CLIENTS}", "-j2", f"-T{bench.args.seconds}", "-f",
                              str(script), url], capture_output=True, text=True, check=True)
        after = os.times()
        done = int(re.search(r"transactions actually processed: (\d+)", got.stdout).group(1))
        own = sum(after[2:4]) - sum(before[2:4])
        return done, float(re.search(r"tps = (\S+)", got.stdout).group(1)), own * 1e6 / done

    return in_database(bench, "bench_bare", body)


def steps(bench):
    def body(url, begin):
        words = [str(ROOT / "build/release/bench/order_steps"), url, str(CLIENTS), str(bench.args.seconds)]
        running = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if running.stdout.readline() == "ready\n":
            begin()
        out, said = running.communicate("\n")
        if running.returncode != 0:
            raise RuntimeError(said)
        told = steps.told = json.loads(out)
        return told["orders"], told["per_s"], told["cpu_us"]

    return in_database(bench, "bench_steps", body)


def steps_beside_pgbench(bench):
    """In turn, so that both meet the same machine; the median of three pairs."""
    pairs = [(pgbench(bench), steps(bench)) for _ in range(3)]
    bare = {key: statistics.median(one[key] for one, _ in pairs) for key in ("per_s", "us", "client_us")}
    ours = {key: statistics.median(one[key] for _, one in pairs) for key in ("per_s", "us", "client_us")}
    bench.row("pgbench: the bare transaction, six prepared statements", bare["us"], "µs CPU, server and client",
              per_s=round(bare["per_s"]), client=round(bare["client_us"]))
    bench.row("steps 1-3 of an order on PostgreSQL", ours["us"], "µs CPU, server and client", per_s=round(ours["per_s"]),
              client=round(ours["client_us"]), round_trips=steps.told["round_trips"])
    bench.row("steps 1-3: CPU over pgbench's", statistics.median(b["us"] / a["us"] for a, b in pairs), "×", 0.7)
    # A goal that is to be passed: told by its inverse, so that less is better.
    bench.row("steps 1-3: pgbench's rate over theirs", statistics.median(a["per_s"] / b["per_s"] for a, b in pairs), "×",
              round(1 / 1.2, 2))


# --- the shop of nine processes ---------------------------------------------------------------------------------------

def split_shop(bench):
    from test_shop import Places
    from topology import Topology
    places = Places(bench.folder, "bench", bench.args.key_value)
    places.settings.pop("kafka_group_instance_id")
    settings = {**places.settings, "rate_login_burst": 0, "rate_principal_burst": 0}
    if bench.args.key_value == "postgres":
        settings["db_connections"] = 8  # of nine processes; the server takes a hundred
    return Topology(bench.folder / "shop", settings, network=77, replicas={})


def idle(bench, shop):
    time.sleep(3)  # after the start's work has ended
    sizes = {each.target: run.pss_mb(each.child.pid) for each in shop.local.processes}
    most = max(sizes, key=sizes.get)
    bench.row("a target's process, idle (PSS), the largest of nine", sizes[most], "MB", 30, target=most)
    bench.row("all nine, idle (PSS)", sum(sizes.values()), "MB", 250)
    # Of these most is the text of libraries that all nine share.
    bench.row("all nine, idle (RSS)", sum(run.rss_mb(each.child.pid) for each in shop.local.processes), "MB")
    before = sum(run.cpu_us(each.child.pid) for each in shop.local.processes)
    time.sleep(5)
    after = sum(run.cpu_us(each.child.pid) for each in shop.local.processes)
    bench.row("all nine, idle", (after - before) / 5e6 * 100, "% of a core")


def samples(shop, name):
    """A metric over all processes: (labels, value)."""
    out = []
    for each in shop.local.processes:
        text = metrics_of(each.address)
        out += [(labels, float(value)) for labels, value in re.findall(rf"^{name}(\{{[^}}]*\}})? (\S+)$", text, re.M)]
    return out


def metrics_of(address):
    at = http.client.HTTPConnection(address, 9090, timeout=5)
    at.request("GET", "/metrics")
    return at.getresponse().read().decode()


def paid(shop):
    return max((value for labels, value in samples(shop, "orders_in_status") if 'status="paid"' in labels), default=0)


def wait_until(holds, within_s, what):
    end = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {within_s} s: {what}")
        time.sleep(0.2)


def delays(shop):
    """Events by the upper bound of their delay in seconds, over all groups."""
    out = {}
    for labels, value in samples(shop, "event_delay_seconds_bucket"):
        bound = re.search(r'le="([^"]+)"', labels).group(1)
        out[float(bound)] = out.get(float(bound), 0) + value
    return out


def orders(bench, shop):
    operator = shop.operator()
    ids = []
    for i in range(100):
        got = operator.post("/api/v1/products", {"name": f"Thing {i}", "price": 12.5, "stock": 1_000_000})
        assert got.status == 201, got
        ids.append(got.json["id"])
    people = [shop.guest() for _ in range(CLIENTS)]
    bodies = [{"items": [{"product_id": p, "quantity": 1} for p in (ids[i % 50], ids[50 + i % 50])],
               "shipping_address": run.ADDRESS, "payment_method": "credit_card"} for i in range(CLIENTS)]
    tokens = [who.token for who in people]

    def place(n):
        wanted = paid(shop) + n
        began = time.monotonic()
        told = bench.send(shop, "/api/v1/orders", n, bodies, tokens)
        wait_until(lambda: paid(shop) >= wanted and not any(value for _, value in samples(shop, "consumer_lag")), 180,
                   f"{n} orders paid and all events applied")
        return told, time.monotonic() - began

    place(200)
    n = bench.args.orders
    processes = {each.name: run.cpu_us(each.child.pid) for each in shop.local.processes}
    stores, before = {name: bench.cpu_of(name) for name in bench.engines}, delays(shop)
    told, took = place(n)
    used = {each.name: (run.cpu_us(each.child.pid) - processes[each.name]) / n for each in shop.local.processes}
    store = {name: (bench.cpu_of(name) - stores[name]) / n for name in bench.engines}
    bench.row("one order, POST to paid, events applied: the nine processes", sum(used.values()), "µs CPU",
              **{name: round(value) for name, value in used.items() if value >= 10})
    bench.row("the same with its engines", sum(used.values()) + sum(store.values()), "µs CPU", 1_000,
              per_s=round(n / took), p99=f"{told['p99_ms']:.0f}ms", **{name: round(value) for name, value in store.items()})
    after = delays(shop)
    counts = {bound: after[bound] - before.get(bound, 0) for bound in sorted(after)}
    total = counts[max(counts)]
    p99 = next((bound for bound, count in counts.items() if count >= 0.99 * total), float("inf"))
    bench.row("event's time to the end of its effect, p99 (bucket's bound)", p99 * 1e3, "ms", 50, events=round(total),
              offered="as fast as they are taken")


# --- all of it ---------------------------------------------------------------------------------------------------------

def main():
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--binary", default=str(ROOT / "build/release/stoa"))
    given.add_argument("--seconds", type=int, default=6, help="of each run on PostgreSQL alone")
    given.add_argument("--orders", type=int, default=1_000, help="through the nine processes")
    given.add_argument("--only", choices=("steps", "shop"), help="one of the two parts")
    given.add_argument("--key-value", choices=("dynamodb", "postgres"), default="dynamodb",
                       help="where the shop keeps orders, payments and carts")
    given.add_argument("--results", default=str(ROOT / "bench/results"))
    args = given.parse_args()
    os.environ["STOA_TEST_BINARY"] = args.binary
    began = {"at": time.monotonic(), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="stoa-bench-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL is another user
        bench = EngineBench(args, pathlib.Path(folder))
        try:
            needed = ("postgres",) if args.only == "steps" else ENGINES
            bench.start(*(name for name in needed if name != "dynamodb" or args.key_value == "dynamodb"))
            if args.only != "shop":
                steps_beside_pgbench(bench)
            if args.only != "steps":
                with split_shop(bench) as shop:
                    idle(bench, shop)
                    orders(bench, shop)
        finally:
            bench.stop()
            if bench.nginx:
                bench.nginx.stop()
    run.write_results(bench, began, "-engines", bench.versions)


if __name__ == "__main__":
    main()
