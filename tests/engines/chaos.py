"""What the chaos tests are made of: engines behind proxies that fail, a load of whole orders, and the clients' own books."""

import contextlib
import dataclasses
import http.client
import itertools
import json
import pathlib
import queue
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.path.insert(0, str(ROOT / "deploy/local"))

from engines import Engine, free_port  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402
from shop import ADDRESS, Client, eventually  # noqa: E402
from topology import Topology  # noqa: E402

REQUEST_S = 15  # `request_seconds` of the settings
ENGINES = ("postgres", "dynamodb", "kafka", "s3")


class Behind:
    """The four engines, each with a proxy before it, which is all that the shop knows."""

    def __init__(self, folder):
        self.folder, self.engines, self.proxies = pathlib.Path(folder), {}, {}

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # PostgreSQL runs as another user
        try:
            for name in ENGINES:
                port, more = free_port(), []
                self.proxies[name] = FaultProxy(port)
                if name == "kafka":  # clients go where the broker says that it is
                    more = [self.folder / "kafka.properties"]
                    more[0].write_text(f"advertised.listeners=PLAINTEXT://127.0.0.1:{self.proxies[name].port}\n")
                self.engines[name] = Engine(name, self.folder / name, port, more)
                took = self.engines[name].start()
                print(f"chaos: {self.engines[name].version()}, ready in {took:.1f} s", flush=True)
            subprocess.run(["psql", "-XAtq", self.engines["postgres"].address, "-c", "CREATE DATABASE stoa"], check=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for proxy in self.proxies.values():
            proxy.stop()
        for name, engine in self.engines.items():
            engine.stop(signal.SIGINT if name == "postgres" else signal.SIGTERM)

    def settings(self):
        at = {name: proxy.port for name, proxy in self.proxies.items()}
        return {"sql": "postgres", "key_value": "dynamodb", "event_log": "kafka", "blob": "s3",
                "database_url": f"postgresql://app@127.0.0.1:{at['postgres']}/stoa", "kafka_brokers": f"127.0.0.1:{at['kafka']}",
                "kafka_replication_factor": 1, "kafka_min_insync_replicas": 1, "aws_region": "us-east-1",
                "aws_access_key_id": "stoalocal", "aws_secret_access_key": "stoalocalsecret", "s3_make_buckets": "yes",
                "aws_endpoint_url_s3": f"http://127.0.0.1:{at['s3']}",
                "aws_endpoint_url_dynamodb": f"http://127.0.0.1:{at['dynamodb']}"}

    # What stands in the engines, past the shop and past the proxies.

    def sql(self, words):
        url = self.engines["postgres"].address.rsplit("/", 1)[0] + "/stoa"
        return subprocess.run(["psql", "-XAtq", url, "-c", words], capture_output=True, text=True, check=True).stdout.strip()

    def items(self, table):
        """Every item of a DynamoDB table."""
        out, after = [], None
        while True:
            asked = {"TableName": table, "ConsistentRead": True} | ({"ExclusiveStartKey": after} if after else {})
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.engines['dynamodb'].port}/", json.dumps(asked).encode(),
                {"X-Amz-Target": "DynamoDB_20120810.Scan", "Content-Type": "application/x-amz-json-1.0",
                 "Authorization": "AWS4-HMAC-SHA256 Credential=stoalocal/20260101/us-east-1/dynamodb/aws4_request, "
                                  "SignedHeaders=host, Signature=0"})
            with urllib.request.urlopen(request, timeout=20) as got:
                page = json.load(got)
            out += page["Items"]
            after = page.get("LastEvaluatedKey")
            if not after:
                return out

    def outbox(self):
        """Events that no relay has brought to Kafka, by their place; those of PostgreSQL by their row."""
        items = {f"{each['shard']['N']}/{each['place']['S']}" for each in self.items("ecommerce-outbox")}
        rows = self.sql("""SELECT 'postgres/' || ctid FROM "kv_ecommerce-outbox" """)
        return items | set(rows.splitlines())


@dataclasses.dataclass
class Attempt:
    """One request of a client. `code`: the answer's status, 0 where the connection broke, -1 where nothing came in time."""

    kind: str
    began: float
    took: float
    code: int
    why: str

    @property
    def good(self):
        return self.code in (200, 201, 202)


class Books:
    """What the clients know: every attempt, and what was acknowledged."""

    def __init__(self):
        self.lock, self.attempts = threading.Lock(), []
        self.accepted, self.refused, self.open = {}, {}, set()  # by key

    def note(self, attempt):
        with self.lock:
            self.attempts.append(attempt)

    def since(self, when, kinds=None):
        with self.lock:
            return [each for each in self.attempts if each.began >= when and (kinds is None or each.kind in kinds)]


class Load:
    """Arrivals at a constant rate, whatever becomes of those before: whole orders, whose clients come again with the same
    key until they have an answer that is one, and readers, who do not."""

    def __init__(self, shop, products, rate, readers, seed, tokens=24):
        self.shop, self.products, self.rate, self.readers = shop, products, rate, readers
        self.books, self.random = Books(), random.Random(seed)
        self.tokens = [shop.guest().token for _ in range(tokens)]
        self.over, self.queue, self.numbers = threading.Event(), queue.SimpleQueue(), itertools.count(1)
        self.seed, self.local, self.late = seed, threading.local(), 0.0
        self.threads, self.lock, self.idle = [], threading.Lock(), 0
        self.method = "credit_card"
        self.scheduler = threading.Thread(target=self._schedule, daemon=True)

    def __enter__(self):
        self.scheduler.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, within_s=90):
        """No more arrivals; those that are open are answered first."""
        if self.over.is_set():
            return
        self.over.set()
        self.scheduler.join()
        for _ in self.threads:
            self.queue.put(None)
        end = time.monotonic() + within_s
        for each in self.threads:
            each.join(max(0.1, end - time.monotonic()))
        assert not any(each.is_alive() for each in self.threads), f"orders are still open: {sorted(self.books.open)[:5]}"

    def _schedule(self):
        due = time.monotonic()
        total = self.rate + self.readers
        while not self.over.is_set():
            due += self.random.expovariate(total)
            wait = due - time.monotonic()
            if wait > 0 and self.over.wait(wait):
                return
            self.late = max(self.late, -wait)
            kind = "order" if self.random.random() < self.rate / total else "read"
            with self.lock:
                short = self.idle <= self.queue.qsize()
            if short and len(self.threads) < 600:
                made = threading.Thread(target=self._work, daemon=True)
                self.threads.append(made)
                made.start()
            self.queue.put((kind, next(self.numbers)))

    def _work(self):
        own = random.Random(f"{self.seed}-{threading.get_ident()}")
        while True:
            with self.lock:
                self.idle += 1
            job = self.queue.get()
            with self.lock:
                self.idle -= 1
            if job is None:
                return
            if job[0] == "read":
                self._read(own)
            else:
                self._order(own, f"c{self.seed}-{job[1]}")

    def ask(self, kind, method, path, body=None, key=None, token=None):
        """One attempt; its answer, or None."""
        client = getattr(self.local, "client", None)
        if client is None:
            client = self.local.client = Client(self.shop.port, timeout_s=REQUEST_S + 10)
        client.token = token
        began = time.monotonic()
        got, code, why = None, 0, ""
        try:
            got = client.request(method, path, body, {"Idempotency-Key": key} if key else None)
            code, why = got.status, "" if got.status < 400 else got.json["code"]
        except TimeoutError:
            code, why = -1, "timeout"
            client.close()
        except (OSError, http.client.HTTPException) as error:
            why = type(error).__name__
            client.close()
        self.books.note(Attempt(kind, began, time.monotonic() - began, code, why))
        return got

    def _read(self, own):
        product = own.choice(self.products)
        path = own.choice((f"/api/v1/products/{product}", f"/api/v1/products/{product}", "/api/v1/products?limit=10",
                           "/api/v1/products/search?q=mug"))
        self.ask("read", "GET", path)

    def _order(self, own, key):
        lines = [{"product_id": each, "quantity": own.randint(1, 3)} for each in own.sample(self.products, own.randint(1, 3))]
        body = {"items": lines, "shipping_address": ADDRESS, "payment_method": self.method, "reference": key}
        token = own.choice(self.tokens)
        with self.books.lock:
            self.books.open.add(key)
        for attempt in itertools.count():
            got = self.ask("order", "POST", "/api/v1/orders", body, key, token)
            if got is not None and got.status == 201:
                outcome = self.books.accepted
            elif got is not None and got.status == 409 and got.json["code"] == "out_of_stock":
                outcome = self.books.refused
            else:
                # As a client that was told to come again; half of it by chance, and longer each time.
                time.sleep(own.uniform(0.5, 1.0) * min(0.3 * 2 ** attempt, 3.0))
                continue
            with self.books.lock:
                outcome[key] = got.json
                self.books.open.discard(key)
            return

    def probe(self, since, within_s=60):
        """Seconds from `since` until an order that was placed after it is paid, by a customer who asks again and again."""
        token, end, number = self.tokens[0], since + within_s, next(self.numbers)
        body = {"items": [{"product_id": self.products[0], "quantity": 1}], "shipping_address": ADDRESS,
                "payment_method": "credit_card"}
        placed = None
        while time.monotonic() < end:
            if placed is None:
                got = self.ask("probe", "POST", "/api/v1/orders", body, f"p{self.seed}-{number}", token)
                if got is not None and got.status == 201:
                    placed = got.json
                    with self.books.lock:
                        self.books.accepted[f"p{self.seed}-{number}"] = placed
            else:
                got = self.ask("probe", "GET", f"/api/v1/orders/{placed['id']}", token=token)
                if got is not None and got.status == 200 and got.json["status"] == "paid":
                    return time.monotonic() - since
            time.sleep(0.05)
        raise AssertionError(f"no order was paid within {within_s} s after the fault; last: {got}")

    def serves_again(self, since, slow_s, clean_s=1.5, within_s=30):
        """Seconds from `since` to the last request that was asked after it and answered badly or late; waits until there
        was a stretch without one."""
        end, bad = since + within_s, []
        while time.monotonic() < end:
            asked = self.books.since(since)
            bad = [each for each in asked if not each.good or each.took > slow_s]
            last = max((each.began for each in bad), default=since)
            if time.monotonic() > last + clean_s and sum(each.began > last for each in asked) >= clean_s * self.rate / 2:
                return last - since
            time.sleep(0.1)
        raise AssertionError(f"not well {within_s} s after the fault: {bad[-5:]}")


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def told(attempts):
    """Of one stretch, for a person: how many were good, what the others were, how long they took."""
    others = {}
    for each in attempts:
        if not each.good:
            others[f"{each.code} {each.why}"] = others.get(f"{each.code} {each.why}", 0) + 1
    took = [each.took for each in attempts]
    return (f"{sum(each.good for each in attempts)}/{len(attempts)} good, p50 {quantile(took, 0.5) * 1e3:.0f} ms, "
            f"p99 {quantile(took, 0.99) * 1e3:.0f} ms, longest {max(took, default=0):.1f} s"
            + (f", else {dict(sorted(others.items(), key=lambda o: -o[1])[:4])}" if others else ""))
