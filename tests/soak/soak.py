"""Hours of mixed load on one shop, whose memory must stay flat and whose books must be clean.

The demo shop with its simulated customers; an importer that changes prices and stock, and a reader that searches, lists
and exports. In the first half the process is killed (-9) now and then, and starts again by itself. The second half is one
process without a break, whose memory is measured: the line through its samples may rise by MOST_GROWTH_MB, no more.
Nothing may answer with a server's error, and the audit is clean while the shop runs and after it has stopped.

    ./dev test soak -- --minutes 120
"""

import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from shop import Shop, binary  # noqa: E402

# Of the second half, however long: caches are bounded and full by then. An object lost at each order would be 100 bytes
# times some hundred thousand orders an hour.
MOST_GROWTH_MB = 16
SAMPLES = 400  # a half, at most one a second
KILLS = 10
ROWS = 300


class Soak:
    def __init__(self, shop, minutes, seed):
        self.shop, self.half_s, self.chance = shop, minutes * 30, random.Random(seed)
        self.over, self.may_ask = threading.Event(), threading.Event()
        self.failures, self.counts = [], {"imports": 0, "reads": 0, "kills": 0}

    def load(self, work, every_s):
        """Repeats `work` until the end. While the shop is down nobody asks; who was cut off by a kill tries again."""
        while not self.over.wait(every_s):
            if not self.may_ask.wait(1):
                continue
            life = self.counts["kills"]
            try:
                work()
            except OSError as why:
                if self.may_ask.is_set() and life == self.counts["kills"]:
                    self.failures.append(f"{work.__name__}: {why!r}")
            except Exception as why:  # told at the end, in the main thread
                self.failures.append(f"{work.__name__}: {why!r}")

    def import_prices(self):
        rows = "".join(f"SOAK-{i},Thing {i},{self.chance.randint(1, 9999) / 100:.2f},{self.chance.randint(500, 5000)}\r\n"
                       for i in range(ROWS))
        client = self.shop.operator()
        client.timeout_s = 120
        got = client.post("/api/v1/products/import?wait=60", raw=("sku,name,price,stock\r\n" + rows).encode(),
                          headers={"Content-Type": "text/csv"})
        client.close()
        assert got.status in (200, 202), got
        self.counts["imports"] += 1

    def read(self):
        client = self.shop.client()
        word = self.chance.choice(["mug", "red", "thing 7", "a", "nothing like this"]).replace(" ", "%20")
        paths = ["/api/v1/products?limit=100", f"/api/v1/products?search={word}&limit=20", "/openapi.json"]
        answers = [client.get(path) for path in paths]
        client.close()
        operator = self.shop.operator()
        answers += [operator.get(path) for path in ("/api/v1/orders?limit=100", "/api/v1/products/export",
                                                    "/api/v1/payments?limit=20")]
        operator.close()
        bad = [(got.status, got.body[:200]) for got in answers if got.status >= 500]
        assert not bad, bad
        self.counts["reads"] += len(answers)

    def resident_mb(self):
        status = pathlib.Path(f"/proc/{self.shop.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024

    def check(self):
        if self.failures:
            raise AssertionError("\n".join(self.failures[:5]))
        if self.shop.process.poll() is not None:
            raise AssertionError(f"the shop ended by itself with {self.shop.process.returncode}: {self.shop.errors[-5:]}")

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            self.over.wait(min(1, left))

    def first_half(self):
        moments = sorted(self.chance.uniform(0.05, 0.95) * self.half_s for _ in range(KILLS))
        began = time.monotonic()
        for moment in moments:
            self.wait(began + moment - time.monotonic())
            self.may_ask.clear()
            self.counts["kills"] += 1
            self.shop.kill()
            self.shop.start()
            self.may_ask.set()
        self.wait(began + self.half_s - time.monotonic())

    def second_half(self):
        """Seconds and megabytes."""
        began, samples = time.monotonic(), []
        while (now := time.monotonic() - began) < self.half_s:
            samples.append((now, self.resident_mb()))
            self.wait(max(1, self.half_s / SAMPLES))
        return samples

    def server_errors(self):
        text = self.shop.admin().get("/metrics").body.decode()
        return [line for line in text.splitlines()
                if re.match(r'http_requests_total\{.*status="5\d\d".*\} [1-9]', line)]


def growth_mb(samples):
    """How much the straight line through the samples rises over their time (least squares)."""
    n = len(samples)
    if n < 2:
        raise ValueError("two samples make a line")
    mean_x, mean_y = sum(x for x, _ in samples) / n, sum(y for _, y in samples) / n
    slope = sum((x - mean_x) * (y - mean_y) for x, y in samples) / sum((x - mean_x) ** 2 for x, _ in samples)
    return slope * (samples[-1][0] - samples[0][0])


def audit(shop):
    told = subprocess.run([binary(), "audit", "--data-dir", shop.data_dir], capture_output=True, text=True, timeout=3600)
    if told.returncode != 0:
        raise AssertionError("the audit found:\n" + told.stdout + told.stderr)
    return told.stdout.strip().splitlines()[-1]


def run(directory, minutes, shoppers, seed):
    shop = Shop(directory / "data", "--shoppers", str(shoppers), "--access-log", "off", demo=True).start()
    soak = Soak(shop, minutes, seed)
    threads = [threading.Thread(target=soak.load, args=each, daemon=True)
               for each in ((soak.import_prices, 5), (soak.read, 0.5))]
    try:
        soak.may_ask.set()
        for each in threads:
            each.start()
        soak.first_half()
        samples = soak.second_half()
        soak.over.set()
        for each in threads:
            each.join(180)
        soak.check()
        errors = soak.server_errors()
        if errors:
            raise AssertionError("answered with a server's error:\n" + "\n".join(errors))
        audit(shop)
        if shop.stop() != 0:
            raise AssertionError(f"it did not stop in order: {shop.errors[-5:]}")
        last = audit(shop)
    finally:
        soak.over.set()
        if shop.process.poll() is None:
            shop.kill()
    grown = growth_mb(samples)
    print(f"{soak.counts['kills']} kills, {soak.counts['imports']} imports of {ROWS} rows, {soak.counts['reads']} reads; "
          f"{last}")
    print(f"memory in the second half: {samples[0][1]:.1f} MB at its beginning, {max(y for _, y in samples):.1f} MB at "
          f"most, the line rises by {grown:.1f} MB (may rise by {MOST_GROWTH_MB})")
    if not soak.counts["imports"] or not soak.counts["reads"]:
        raise AssertionError("there was no load")
    if grown > MOST_GROWTH_MB:
        raise AssertionError(f"memory grew by {grown:.1f} MB in {minutes / 2} minutes")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=120)
    options.add_argument("--shoppers", type=int, default=8)
    options.add_argument("--seed", type=int, default=int(os.environ.get("STOA_TEST_SEED") or random.randrange(1 << 32)))
    given = options.parse_args()
    if given.minutes < 1:
        options.error("--minutes: at least 1")
    print(f"seed {given.seed}, {given.minutes:g} minutes", flush=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="stoa-soak-"))
    try:
        run(directory, given.minutes, given.shoppers, given.seed)
    except AssertionError as why:
        print(f"FAILED: {why}\nThe shop's data is left in {directory}", file=sys.stderr)
        sys.exit(1)
    shutil.rmtree(directory)


if __name__ == "__main__":
    main()
