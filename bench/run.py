#!/usr/bin/env python3
"""What the shop costs: CPU per operation of the whole process at 64 connections, beside baselines of the same run.

CPU is utime + stime of the process over a window, divided by the operations in it: it holds on a busy machine where
latency and throughput do not. Writes bench/results/<date>-<commit>.{json,md}. Needs wrk, nginx, pgbench (Debian: wrk,
nginx-light, postgresql-15); what is missing is left out and named in the result.

    bench/run.py [--binary build/release/stoa] [--full] [--seconds 4]
"""

import argparse
import csv
import datetime
import http.client
import json
import os
import pathlib
import platform
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
CONNECTIONS = 64
REFERENCE_NGINX_US = 4  # of the machine that design §7's goals were set on
PRODUCT_BYTES = 350  # of nginx's static answer: what a product of the catalogue below is as JSON
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
WORDS = ("white red blue green retro heart lantern mug tray clock bag vintage jam tin glass frame chalk paper garden "
         "tea rose bird star lamp basket candle box card ribbon bell cake doll").split()
ADDRESS = {"street": "1 Bench Way", "city": "Athens", "country": "GR"}


def say(text):
    print(text, flush=True)


# --- processes -------------------------------------------------------------------------------------------------------

def cpu_us(pid, with_ended_children=False):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(f) for f in fields[11:15 if with_ended_children else 13]) * TICK_US


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def tree_cpu_us(pid):
    total = cpu_us(pid, with_ended_children=True)
    for child in children(pid):
        try:
            total += cpu_us(child, with_ended_children=True)
        except OSError:  # it ended: counted in its parent's
            continue
    return total


def memory_mb(pid, which):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{which}:\s+(\d+) kB", text, re.M).group(1)) / 1024


def pss_mb(pid):
    return memory_mb(pid, "Pss")


def rss_mb(pid):
    return memory_mb(pid, "Rss")


def cpu_model():
    found = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    return found.group(1) if found else platform.machine()


def memory_gb():
    return int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) / 2**20


def commit():
    got = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run(["git", "-C", str(ROOT), "status", "--porcelain", "--", "src", "bench", "cmake"],
                             capture_output=True, text=True).stdout.strip()
    return (got.stdout.strip() or "unknown") + ("-changed" if changed else "")


# --- the shop --------------------------------------------------------------------------------------------------------

class Bench:
    how = (f"CPU of the whole process per operation at {CONNECTIONS} connections; `nginx_beside_it` is nginx's static answer "
           f"({PRODUCT_BYTES} bytes) in the second after, {REFERENCE_NGINX_US} µs on the quiet reference machine: where it is "
           "higher, the machine was slower by as much, and `scaled` takes that out.")

    def __init__(self, args, folder, baseline=True):
        """`baseline`: nginx beside each figure, and the generator of load."""
        from shop import Shop  # after the binary was named
        self.Shop, self.args, self.folder, self.rows, self.left_out = Shop, args, folder, [], []
        self.load = build_load(folder) if baseline else None
        self.nginx = nginx_of(self) if baseline else None

    def shop(self, name):
        return self.Shop(self.folder / name, "--rate-login-burst", "0", "--rate-principal-burst", "0")

    def row(self, what, value, unit, goal=None, **more):
        """`goal`: at most so much, in the unit."""
        scaled = None
        if unit == "µs CPU" and self.nginx:
            now = self.nginx.cpu_us()
            scaled = value * REFERENCE_NGINX_US / now
            more = {"nginx_beside_it": round(now, 1), "of_nginx": round(value / now, 2), "scaled": round(scaled, 2), **more}
        reached = "" if goal is None else "reached" if value <= goal else "NOT reached"
        if reached == "NOT reached" and scaled is not None and scaled <= goal:
            reached = "reached when scaled"
        self.rows.append({"what": what, "value": round(value, 2), "unit": unit, "goal": goal, "reached": reached, **more})
        say(f"  {what:<60} {value:9.2f} {unit}" + (f"   goal ≤ {goal:g}: {reached}" if reached else "") +
            (f"   {more}" if more else ""))

    def get(self, shop_pid, port, what, paths, goal=None):
        """GETs by wrk; `paths` are taken in turn."""
        with open(self.folder / "paths.txt", "w") as file:
            file.write("\n".join(paths))
        command = ["wrk", "-t2", f"-c{CONNECTIONS}", "-s", str(ROOT / "bench/load/get_paths.lua")]
        where = [f"http://127.0.0.1:{port}", "--", str(self.folder / "paths.txt")]
        subprocess.run([*command, "-d1s", *where], capture_output=True, check=True)
        before = cpu_us(shop_pid)
        got = subprocess.run([*command, f"-d{self.args.seconds}s", "--latency", *where], capture_output=True, text=True,
                             check=True)
        after = cpu_us(shop_pid)
        done = int(re.search(r"(\d+) requests in", got.stdout).group(1))
        if "Non-2xx" in got.stdout:
            raise RuntimeError(f"{what}: {got.stdout}")
        p99 = re.search(r"99%\s+(\S+)", got.stdout).group(1)
        self.row(what, (after - before) / done, "µs CPU", goal, per_s=round(done / self.args.seconds), p99=p99)

    def send(self, shop, path, n, bodies, tokens=None):
        """`n` POSTs by bench/load/order_load; what it tells."""
        (self.folder / "bodies.txt").write_text("\n".join(json.dumps(b, separators=(",", ":")) for b in bodies))
        command = [str(self.load), str(shop.port), path, str(min(CONNECTIONS, n)), str(n), str(self.folder / "bodies.txt")]
        if tokens:
            (self.folder / "tokens.txt").write_text("\n".join(tokens))
            command.append(str(self.folder / "tokens.txt"))
        got = subprocess.run(command, capture_output=True, text=True)
        if got.returncode != 0:
            raise RuntimeError(f"{path}: {got.stdout} {got.stderr}")
        return json.loads(got.stdout)

    def post(self, shop, what, path, n, bodies, tokens=None, goal=None, per=1, settled=None):
        """CPU until `settled` holds, over n × per operations."""
        pid = shop.process.pid
        before, began = cpu_us(pid), time.monotonic()
        told = self.send(shop, path, n, bodies, tokens)
        if settled:
            settled()
        used, took = cpu_us(pid) - before, time.monotonic() - began
        self.row(what, used / (n * per), "µs CPU", goal, per_s=round(n * per / took), p99=f"{told['p99_ms']:.1f}ms")


def build_load(folder):
    """bench/load/order_load.cpp as the build made it, else compiled here: it needs nothing but a compiler."""
    made = ROOT / "build/release/bench/order_load"
    source = ROOT / "bench/load/order_load.cpp"
    if made.exists() and made.stat().st_mtime > source.stat().st_mtime:
        return made
    compiler = next((c for c in ("clang++-19", "clang++", "g++") if shutil.which(c)), None)
    if not compiler:
        raise SystemExit("bench: no C++ compiler for bench/load/order_load.cpp; ./dev build installs one")
    out = folder / "order_load"
    subprocess.run([compiler, "-std=c++20", "-O2", str(source), "-o", str(out)], check=True)
    return out


def write_catalogue(path, first, last):
    chance = random.Random(7)
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(("sku", "name", "description", "price", "category", "stock"))
        for i in range(first, last):
            name = " ".join(chance.choices(WORDS, weights=range(len(WORDS), 0, -1), k=3)) + f" no {i}"
            out.writerow((f"B-{i:07}", name, f"A {name}, made for measuring.", f"{chance.randint(50, 99_999) / 100:.2f}",
                          f"category {i % 24}", 1_000_000))


def import_catalogue(shop, path):
    operator = shop.operator()
    operator.timeout_s = 120
    got = operator.post("/api/v1/products/import?wait=60", raw=path.read_bytes(), headers={"Content-Type": "text/csv"})
    while got.status == 202 or (got.status == 200 and got.json["status"] in ("queued", "running")):
        time.sleep(0.3)
        got = operator.get("/api/v1/imports/" + got.json["id"])
    if got.status != 200 or got.json["status"] != "done" or got.json["bad"]:
        raise RuntimeError(f"the catalogue was not taken: {got}")


def metric(shop, name):
    """The sum of a metric's samples."""
    text = shop.admin().get("/metrics").body.decode()
    return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))


def events_applied(shop, within_s=120):
    end, quiet = time.monotonic() + within_s, 0
    while quiet < 2:
        quiet = quiet + 1 if metric(shop, "consumer_lag") == 0 else 0
        if time.monotonic() > end:
            raise RuntimeError(f"events still wait after {within_s} s")
        time.sleep(0.1)


# --- what is measured ------------------------------------------------------------------------------------------------

def reads(bench, shop, size, goal_at):
    pid, client = shop.process.pid, shop.client()
    page = client.get("/api/v1/products?limit=10").json
    assert page["total"] == size, page["total"]
    if size == 4_000:
        bench.get(pid, shop.port, "GET a product", [f"/api/v1/products/{p['id']}" for p in page["products"]], 10)
    bench.get(pid, shop.port, f"list of 10, {size:,} products", ["/api/v1/products?limit=10"], 25)
    bench.get(pid, shop.port, f"list of 10 in a category by price, {size:,} products",
              [f"/api/v1/products?limit=10&category=category%20{i}&sort=price" for i in range(8)])
    chance = random.Random(5)
    two = [f"/api/v1/products/search?limit=10&q={'+'.join(chance.sample(WORDS, 2))}" for _ in range(64)]
    bench.get(pid, shop.port, f"search, two words, ranked, with total, {size:,} products", two, goal_at.get("two"))
    bench.get(pid, shop.port, f"search, the commonest word, {size:,} products",
              [f"/api/v1/products/search?limit=10&q={WORDS[0]}"], goal_at.get("commonest"))
    bench.get(pid, shop.port, f"search, one typo, {size:,} products",
              ["/api/v1/products/search?limit=10&q=lantren", "/api/v1/products/search?limit=10&q=vintige"])


def customers(shop, n):
    return [shop.guest() for _ in range(n)]


def orders(bench, shop):
    ids = [p["id"] for p in shop.client().get("/api/v1/products?limit=100").json["products"]]
    people = customers(shop, CONNECTIONS)
    # A cart that the orders empty bit by bit: each paid order takes its two lines out of it.
    pairs = [(ids[(3 * i) % 100], ids[(3 * i + 7) % 100]) for i in range(CONNECTIONS)]
    for who, pair in zip(people, pairs):
        got = who.put("/api/v1/cart", {"items": [{"product_id": p, "quantity": 100_000} for p in pair]})
        assert got.status == 200, got
    bodies = [{"items": [{"product_id": p, "quantity": 1} for p in pair], "shipping_address": ADDRESS,
               "payment_method": "credit_card"} for pair in pairs]
    tokens = [who.token for who in people]
    n = 6_000

    def settled():
        events_applied(shop)
        end = time.monotonic() + 60
        while paid(shop) < settled.wanted:
            if time.monotonic() > end:
                raise RuntimeError(f"{paid(shop)} orders are paid, {settled.wanted} should be")
            time.sleep(0.2)

    settled.wanted = 500
    bench.send(shop, "/api/v1/orders", 500, bodies, tokens)
    settled()
    settled.wanted += n
    jobs, commits = metric(shop, "storage_jobs"), metric(shop, "storage_commits")
    bench.post(shop, "one order, POST to paid, durable, events applied, cart less", "/api/v1/orders", n, bodies, tokens,
               250, settled=settled)
    jobs, commits = metric(shop, "storage_jobs") - jobs, metric(shop, "storage_commits") - commits
    bench.rows[-1]["transactions_an_order"] = round(jobs / n, 1)
    bench.rows[-1]["orders_an_fsync"] = round(n / max(commits, 1), 2)
    say(f"    {jobs / n:.1f} transactions an order, {n / max(commits, 1):.2f} orders an fsync")


def paid(shop):
    text = shop.admin().get("/metrics").body.decode()
    found = re.search(r'^orders_in_status\{status="paid"\} (\S+)$', text, re.M)
    return float(found.group(1)) if found else 0


def viewed(user, product):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"user_id": user, "product_id": product, "event_type": "VIEW_PRODUCT", "timestamp": now,
            "metadata": {"session_id": "s-" + user}}


def raw_events(bench, shop):
    product = shop.client().get("/api/v1/products?limit=1").json["products"][0]["id"]

    def one(i):
        return viewed(f"u{i}", product)

    bodies = [one(i) for i in range(100)]
    bench.send(shop, "/api/v1/events", 2_000, bodies)
    bench.post(shop, "a raw event accepted and durable, one by one", "/api/v1/events", 60_000, bodies, goal=12)
    bench.send(shop, "/api/v1/events/batch", 50, [{"events": bodies}])
    bench.post(shop, "a raw event accepted and durable, batches of 100", "/api/v1/events/batch", 3_000,
               [{"events": bodies}], goal=1.5, per=100)


def idle_and_ready(bench):
    shop = bench.shop("idle")
    took = []
    for _ in range(5):
        began = time.monotonic()
        shop.start()
        took.append((time.monotonic() - began) * 1e3)
        if len(took) < 5:
            shop.stop()
    bench.row("time to ready, an empty shop (median of 5, spawn to line)", sorted(took)[2], "ms", 100)
    time.sleep(2)  # idle means: after the start's work has ended
    before = cpu_us(shop.process.pid)
    time.sleep(3)
    bench.row("idle memory, all targets (PSS)", pss_mb(shop.process.pid), "MB", 40)
    bench.row("idle CPU", (cpu_us(shop.process.pid) - before) / 3e6 * 100, "% of a core")
    shop.stop()


def ready_after_kill(bench, shop):
    """The shop is killed under load, with at least 64 MB of log behind it."""
    bodies = [{"events": [viewed(f"u{i}", "p") for i in range(500)]}]
    folder = pathlib.Path(shop.data_dir)

    def stored():
        return sum(f.stat().st_size for f in folder.glob("*") if f.is_file()) / 2**20

    start_size, end = stored(), time.monotonic() + 30
    while stored() - start_size < 64 and time.monotonic() < end:
        bench.send(shop, "/api/v1/events/batch", 200, bodies)
    writing = subprocess.Popen([str(bench.load), str(shop.port), "/api/v1/events/batch", "16", "100000",
                                str(bench.folder / "bodies.txt")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)  # under load, not after it
    shop.kill()
    writing.wait()
    grown, wal = stored() - start_size, sum(f.stat().st_size for f in folder.glob("*-wal")) / 2**20
    began = time.monotonic()
    shop.start()
    bench.row(f"time to ready after kill -9 ({grown:.0f} MB of log, {wal:.0f} MB unmerged)",
              (time.monotonic() - began) * 1e3, "ms", 500)


# --- baselines -------------------------------------------------------------------------------------------------------

def free_port():
    import socket
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Nginx:
    """A static answer of a product's size, asked for a second beside each figure: how fast is the machine just now?"""

    def __init__(self, folder):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.place, self.port = folder / "nginx", free_port()
        self.place.mkdir()
        (self.place / "product.json").write_text("x" * PRODUCT_BYTES)
        (self.place / "nginx.conf").write_text(f"""
daemon off; pid {self.place}/pid; error_log {self.place}/error.log; worker_processes auto;
events {{ worker_connections 512; }}
http {{ access_log off; keepalive_requests 100000000; default_type application/json;
  client_body_temp_path {self.place}/b; proxy_temp_path {self.place}/p; fastcgi_temp_path {self.place}/f;
  uwsgi_temp_path {self.place}/u; scgi_temp_path {self.place}/s; open_file_cache max=16; sendfile on;
  server {{ listen 127.0.0.1:{self.port}; root {self.place}; }} }}""")
        for each in (folder, self.place):  # its workers are another user
            os.chmod(each, 0o755)
        self.running = subprocess.Popen([program, "-c", str(self.place / "nginx.conf")], stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def cpu_us(self):
        before = tree_cpu_us(self.running.pid)
        got = subprocess.run(["wrk", "-t2", f"-c{CONNECTIONS}", "-d1s", f"http://127.0.0.1:{self.port}/product.json"],
                             capture_output=True, text=True, check=True)
        done = int(re.search(r"(\d+) requests in", got.stdout).group(1))
        return (tree_cpu_us(self.running.pid) - before) / done

    def stop(self):
        self.running.send_signal(signal.SIGTERM)
        self.running.wait(20)


def nginx_of(bench):
    if not shutil.which("wrk"):
        return None
    if not (shutil.which("nginx") or pathlib.Path("/usr/sbin/nginx").exists()):
        bench.left_out.append("nginx is not installed (Debian: nginx-light): no static baseline")
        return None
    return Nginx(bench.folder)


def wait_for_port(port, within_s=20):
    end = time.monotonic() + within_s
    while True:
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


SCHEMA = """
CREATE TABLE products (id int PRIMARY KEY, on_hand int NOT NULL, reserved int NOT NULL DEFAULT 0,
  CHECK (reserved >= 0 AND reserved <= on_hand));
INSERT INTO products SELECT i, 1000000000 FROM generate_series(1, 1000) i;
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id int NOT NULL, status text NOT NULL, total bigint NOT NULL,
  address text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON orders (user_id, created_at);
CREATE TABLE lines (order_id bigint REFERENCES orders, n int, product_id int, quantity int, price bigint,
  PRIMARY KEY (order_id, n));
CREATE TABLE outbox (id bigserial PRIMARY KEY, key text NOT NULL, payload jsonb NOT NULL);
"""
# Two guarded reservations in product order, the order, its two lines, its event: what step 1-3 of an order store.
TRANSACTION = r"""
\set a random(1, 500)
\set b random(501, 1000)
\set u random(1, 10000)
BEGIN;
UPDATE products SET reserved = reserved + 1 WHERE id = :a AND on_hand - reserved >= 1;
UPDATE products SET reserved = reserved + 1 WHERE id = :b AND on_hand - reserved >= 1;
INSERT INTO orders (user_id, status, total, address) VALUES (:u, 'awaiting_payment', 2500, '{"street":"1 Bench Way"}') RETURNING id \gset
INSERT INTO lines VALUES (:id, 1, :a, 1, 1250);
INSERT INTO lines VALUES (:id, 2, :b, 1, 1250);
INSERT INTO outbox (key, payload) VALUES (:id, '{"type":"order.created","total":25.00}');
COMMIT;
"""


def postgres(bench):
    programs = pathlib.Path("/usr/lib/postgresql/15/bin")
    if not (programs / "initdb").exists():
        bench.left_out.append("PostgreSQL is not installed (Debian: postgresql-15): no order transaction baseline")
        return
    as_other = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    place = pathlib.Path(tempfile.mkdtemp(prefix="stoa-bench-pg-"))
    if as_other:
        shutil.chown(place, "postgres")
    data, port = place / "data", free_port()
    try:
        subprocess.run([*as_other, programs / "initdb", "-D", data, "-A", "trust", "-U", "bench", "--no-sync"],
                       check=True, capture_output=True, cwd="/")
        running = subprocess.Popen([*as_other, programs / "postgres", "-D", data, "-p", str(port), "-k", place, "-c",
                                    "listen_addresses=127.0.0.1", "-c", "fsync=on", "-c", "synchronous_commit=on",
                                    "-c", "max_connections=100"], stderr=subprocess.DEVNULL, cwd="/")
        try:
            wait_for_port(port)
            pid = int((data / "postmaster.pid").read_text().split()[0])
            env = os.environ | {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "bench", "PGDATABASE": "postgres"}
            for _ in range(100):
                if subprocess.run(["psql", "-qc", "SELECT 1"], env=env, capture_output=True).returncode == 0:
                    break
                time.sleep(0.1)
            subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1"], input=SCHEMA, text=True, env=env, check=True,
                           capture_output=True)
            script = bench.folder / "order.pgbench"
            script.write_text(TRANSACTION)
            before = tree_cpu_us(pid)
            got = subprocess.run(["pgbench", "-n", "-M", "prepared", f"-c{CONNECTIONS}", "-j2",
                                  f"-T{bench.args.seconds + 2}", "-f", str(script)], env=env, capture_output=True,
                                 text=True, check=True)
            time.sleep(0.5)  # the backends' CPU reaches the postmaster when they have ended
            done = int(re.search(r"transactions actually processed: (\d+)", got.stdout).group(1))
            bench.row("baseline: PostgreSQL, the order's first transaction only", (tree_cpu_us(pid) - before) / done,
                      "µs CPU", per_s=round(done / (bench.args.seconds + 2)))
        finally:
            # The postmaster itself: what stands before it to change the user does not hand the signal on.
            os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
            running.wait(30)
    finally:
        shutil.rmtree(place, ignore_errors=True)


# --- the result ------------------------------------------------------------------------------------------------------

def write_results(bench, began, kind="", versions=()):
    head = {"commit": commit(), "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": {"cpu": cpu_model(), "cores": os.cpu_count(), "memory_gb": round(memory_gb(), 1),
                        "kernel": platform.release()}, "load_before": round(began["load"], 2),
            "connections": CONNECTIONS, "seconds": round(time.monotonic() - began["at"]),
            "engines": list(versions), "rows": bench.rows, "left_out": bench.left_out}
    folder = pathlib.Path(bench.args.results)
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / f"{head['date'][:10]}-{head['commit']}{kind}"
    name.with_suffix(".json").write_text(json.dumps(head, indent=1, ensure_ascii=False) + "\n")
    machine = head["machine"]
    lines = [f"# {head['date']}, commit {head['commit']}", "",
             f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, Linux {machine['kernel']}; load "
             f"before: {head['load_before']}. {bench.how}", "",
             "| what | measured | goal | |", "|---|---|---|---|"]
    for row in bench.rows:
        goal = "" if row["goal"] is None else f"≤ {row['goal']:g} {row['unit']}"
        verdict = row["reached"].replace("NOT reached", "**not reached**")
        rest = ", ".join(f"{k} {v}" for k, v in row.items() if k not in ("what", "value", "unit", "goal", "reached"))
        lines.append(f"| {row['what']} | {row['value']:g} {row['unit']}{' (' + rest + ')' if rest else ''} | {goal} | {verdict} |")
    lines += ["", *(f"Beside it: {each}" for each in versions), *(f"Left out: {each}" for each in bench.left_out)]
    name.with_suffix(".md").write_text("\n".join(lines).rstrip() + "\n")
    say(f"written: {name}.md and .json")


def measure(args, folder):
    began = {"at": time.monotonic(), "load": os.getloadavg()[0]}
    bench = Bench(args, folder)
    try:
        measure_all(bench, args, folder)
    finally:
        if bench.nginx:
            bench.nginx.stop()
    write_results(bench, began)


def measure_all(bench, args, folder):
    idle_and_ready(bench)
    catalogue = folder / "catalogue.csv"
    have_wrk = shutil.which("wrk")
    if not have_wrk:
        bench.left_out.append("wrk is not installed (Debian: wrk): no reads")
    with bench.shop("small") as shop:
        sizes = [(0, 1_000), (1_000, 4_000)]
        for first, last in sizes:
            write_catalogue(catalogue, first, last)
            import_catalogue(shop, catalogue)
            if not have_wrk:
                continue
            if last == 1_000:
                bench.get(shop.process.pid, shop.port, "list of 10, 1,000 products", ["/api/v1/products?limit=10"], 25)
            else:
                reads(bench, shop, last, {"two": 100})
        orders(bench, shop)
        postgres(bench)
        raw_events(bench, shop)
        ready_after_kill(bench, shop)
    if have_wrk:
        large = 1_000_000 if args.full else 100_000
        with bench.shop("large") as shop:
            write_catalogue(catalogue, 0, large)
            at = time.monotonic()
            import_catalogue(shop, catalogue)
            bench.row(f"import of {large:,} rows", time.monotonic() - at, "s")
            reads(bench, shop, large, {"commonest": 1_000})
            bench.row(f"memory with {large:,} products (PSS)", pss_mb(shop.process.pid), "MB")


def main():
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--binary", default=str(ROOT / "build/release/stoa"))
    given.add_argument("--full", action="store_true", help="reads at 1,000,000 products too: minutes more")
    given.add_argument("--seconds", type=int, default=4, help="of each measurement by wrk")
    given.add_argument("--results", default=str(ROOT / "bench/results"))
    args = given.parse_args()
    if not pathlib.Path(args.binary).exists():
        raise SystemExit(f"bench: there is no {args.binary}; run ./dev build first")
    os.environ["STOA_TEST_BINARY"] = args.binary
    with tempfile.TemporaryDirectory(prefix="stoa-bench-") as folder:
        measure(args, pathlib.Path(folder))


if __name__ == "__main__":
    main()
