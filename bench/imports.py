#!/usr/bin/env python3
"""What a product costs that is imported into the embedded shop: CPU and bytes written, by thread, beside the same rows
put into one table of SQLite with the same durability and nothing else.

Names, prices and categories come in no order, so that an index that is kept in one shows; skus do too with --any-order.
Rows are sent as the function product-import sends them. Writes bench/results/<date>-<commit>-imports.{json,md}.

    ./dev bench imports [--rows 100000] [--runs 3] [--any-order] [--folder DIRECTORY]
"""

import argparse
import csv
import io
import os
import pathlib
import random
import sqlite3
import statistics
import tempfile
import time

import run
from run import ROOT, TICK_US, say

ROWS_A_REQUEST = 8_192
ROWS_A_TRANSACTION = 1_024
COLUMNS = ("sku", "name", "description", "price", "category", "stock")
GOAL_US = 33  # of one thread: 30,000 products a second


def rows_of(count, seed, any_order):
    chance = random.Random(seed)
    numbers = list(range(count))
    if any_order:
        chance.shuffle(numbers)
    for i in numbers:
        words = " ".join(chance.choices(run.WORDS, k=3))
        yield (f"SKU-{i:08}", f"{words} {chance.getrandbits(20)}", f"A {words}, made for measuring.",
               f"{chance.randint(50, 99_999) / 100:.2f}", f"category {chance.randint(0, 39)}", chance.randint(1, 500))


def pieces_of(rows):
    for first in range(0, len(rows), ROWS_A_REQUEST):
        text = io.StringIO()
        out = csv.writer(text)
        out.writerow(COLUMNS)
        out.writerows(rows[first:first + ROWS_A_REQUEST])
        yield first + 1, text.getvalue().encode()


def threads_of(pid):
    """User and system CPU of each thread, by its name."""
    out = {}
    for each in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name, fields = (each / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        fields = fields.split()
        user, system = out.get(name, (0, 0))
        out[name] = user + int(fields[11]) * TICK_US, system + int(fields[12]) * TICK_US
    return out


def written_by(pid):
    """Bytes that its write calls took; what reaches the device is more and depends on it."""
    return int(pathlib.Path(f"/proc/{pid}/io").read_text().split("wchar: ")[1].split()[0])


def shop(bench, folder, rows):
    """µs a product of the writer (user, system) and of all threads, µs of elapsed time, bytes written."""
    with bench.Shop(folder, "--rate-principal-burst", "0") as one:
        pid, client = one.process.pid, one.operator()
        client.timeout_s = 120
        pieces = list(pieces_of(rows))
        threads, all_us, written, began = threads_of(pid), run.cpu_us(pid), written_by(pid), time.monotonic()
        for first, text in pieces:
            got = client.post(f"/api/v1/products/import/rows?source=bench&first_row={first}", raw=text,
                              headers={"Content-Type": "text/csv"})
            if got.status != 200 or got.json["bad"] or got.json["created"] != got.json["rows"]:
                raise RuntimeError(f"the rows were not taken: {got}")
        took, after = time.monotonic() - began, threads_of(pid)
        user, system = (after["sqlite-writer"][k] - threads.get("sqlite-writer", (0, 0))[k] for k in (0, 1))
        all_us = run.cpu_us(pid) - all_us
        n = len(rows)
        return {"writer": (user + system) / n, "user": user / n, "system": system / n, "process": all_us / n,
                "elapsed": took * 1e6 / n, "bytes": (written_by(pid) - written) / n}


def plain_sqlite(folder, rows):
    """The same rows in one table whose only index is its key, in transactions of the same size."""
    folder.mkdir()
    began = os.times()
    db = sqlite3.connect(folder / "plain.db", isolation_level=None)
    db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=EXTRA; PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-16384;"
                     "CREATE TABLE products (id INTEGER PRIMARY KEY, sku TEXT, name TEXT, description TEXT, price TEXT, "
                     "category TEXT, stock INTEGER)")
    for first in range(0, len(rows), ROWS_A_TRANSACTION):
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO products (sku, name, description, price, category, stock) VALUES (?, ?, ?, ?, ?, ?)",
                       rows[first:first + ROWS_A_TRANSACTION])
        db.execute("COMMIT")
    db.close()
    ended = os.times()
    return (ended.user + ended.system - began.user - began.system) * 1e6 / len(rows)


def main():
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--binary", default=str(ROOT / "build/release/stoa"))
    given.add_argument("--rows", type=int, default=100_000)
    given.add_argument("--runs", type=int, default=3, help="of both, in turn; the median counts")
    given.add_argument("--any-order", action="store_true", help="skus come in no order")
    given.add_argument("--folder", help="where the shop's files lie (default: where temporary files do)")
    given.add_argument("--results", default=str(ROOT / "bench/results"))
    args = given.parse_args()
    if not pathlib.Path(args.binary).exists():
        raise SystemExit(f"bench: there is no {args.binary}; run ./dev build first")
    os.environ["STOA_TEST_BINARY"] = args.binary
    began = {"at": time.monotonic(), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=args.folder) as folder:
        folder = pathlib.Path(folder)
        bench = run.Bench(args, folder, baseline=False)
        bench.how = "CPU per product or row, all of one run of the shop; both in turn, the median of the runs."
        rows, shops, plain = list(rows_of(args.rows, 11, args.any_order)), [], []
        for i in range(args.runs):
            plain.append(plain_sqlite(folder / f"plain{i}", rows))
            shops.append(shop(bench, folder / f"shop{i}", rows))
            say(f"  run {i + 1}: plain {plain[-1]:.1f}; " + ", ".join(f"{k} {v:.1f}" for k, v in shops[-1].items()))
        middle = {each: statistics.median(one[each] for one in shops) for each in shops[0]}
        beside = statistics.median(plain)
        bench.row(f"a product imported, the thread that writes, {args.rows:,} rows{', skus in no order' if args.any_order else ''}", middle["writer"], "µs CPU", GOAL_US,
                  user=round(middle["user"], 1), system=round(middle["system"], 1),
                  of_plain=round(middle["writer"] / beside, 2))
        bench.row("a product imported, the whole process", middle["process"], "µs CPU")
        bench.row("a product imported, elapsed", middle["elapsed"], "µs")
        bench.row("a product imported, written", middle["bytes"], "bytes")
        bench.row("baseline: a row in one table of SQLite", beside, "µs CPU")
    run.write_results(bench, began, "-imports", [f"SQLite {sqlite3.sqlite_version} (the baseline's)"])


if __name__ == "__main__":
    main()
