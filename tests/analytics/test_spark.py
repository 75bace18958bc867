"""The Spark job, local[2], on a real broker, against a plain batch over the same log.

    ./dev test analytics
"""

import collections
import decimal
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import golden  # noqa: E402
from broker import Broker  # noqa: E402
from flink import dead  # noqa: E402
from spark import Driver  # noqa: E402

ON_TOPICS = ("product_viewers", "orders_by_minute")
RUN = (*ON_TOPICS, "payments_overall", "payments_by_status", "payments_by_user")


def in_files(folder):
    """pipeline → rows; one that stands there twice fails."""
    out = collections.defaultdict(dict)
    for path in sorted(pathlib.Path(folder).glob("*/batch=*/part-*")):
        for line in path.read_text().splitlines():
            row = json.loads(line, parse_float=decimal.Decimal)
            name = row.get("pipeline", "product_viewers")
            at, values = golden.row_of(name, row, minor=False)
            assert at not in out[name], f"{name} {at} stands there twice"
            out[name][at] = values
    return out


def published(broker):
    """pipeline → rows; Spark may write a row again after a death, and then the same."""
    out = collections.defaultdict(dict)
    for topic in ("ecom-analytics-results", "analytics-results"):
        for row in broker.rows(topic):
            name = row.get("pipeline", "product_viewers")
            at, values = golden.row_of(name, row, minor=False)
            assert out[name].setdefault(at, values) == values, f"{name} {at} stands there with other values"
    return out


def count(rows):
    return sum(map(len, rows.values()))


def of_topics(expected):
    return {name: rows for name, rows in expected.items() if name in ON_TOPICS}


def test_every_pipeline_on_kafka_is_what_a_batch_gives_and_late_is_late(tmp_path):
    broker = Broker("spark")
    log = golden.generated(seed=31, count=2_400)
    half = len(log.records) // 2
    first, second = log.records[:half], log.records[half:]
    second = golden.with_late(second, first)
    expected, late = golden.rows_in_batches(RUN, [first, second])
    assert min(late[name] for name in RUN) > 0
    broker.write(first)  # before a query begins, and so in its first batch
    with Driver(tmp_path, broker, f"--pipelines={','.join(RUN)}", f"--files=file://{tmp_path}/rows") as driver:
        closed = golden.rows_in_batches(RUN, [first])[0]
        driver.wait_until(lambda: count(in_files(tmp_path / "rows")) >= count(closed), 420,
                          lambda: golden.unlike(closed, in_files(tmp_path / "rows")))
        broker.write(second)
        driver.wait_until(lambda: count(in_files(tmp_path / "rows")) >= count(expected), 420,
                          lambda: golden.unlike(expected, in_files(tmp_path / "rows")))
        assert golden.unlike(expected, in_files(tmp_path / "rows")) == ""
        driver.wait_until(lambda: {name: driver.late().get(name) for name in RUN} == late, 120,
                          lambda: f"late {driver.late()} for {late}")
        assert golden.unlike(of_topics(expected), published(broker)) == ""
        driver.wait_until(lambda: dead(broker) == golden.spark_bad([*first, *second]), 120,
                          lambda: f"dead {dead(broker)} for {golden.spark_bad([*first, *second])}")


def test_kill_9_of_the_driver_changes_no_row(tmp_path):
    broker = Broker("spark-kill")
    log = golden.generated(seed=47, count=4_000, late=0)
    run = ("product_viewers", "orders_by_minute", "payments_by_user")
    expected, late = golden.rows_in_batches(run, [log.records])
    assert not any(late.values())
    driver = Driver(tmp_path, broker, f"--pipelines={','.join(run)}", f"--files=file://{tmp_path}/rows")
    fourth = len(log.records) // 4
    for part in range(4):
        more = log.records[part * fourth:(part + 1) * fourth if part < 3 else None]
        broker.write(more)  # while it is down: one batch of each query
        with driver:  # until the batch of each has begun; leaving kills
            driver.wait_until(lambda: all(driver.planned(name, more) for name in run), 420, "a batch begins")
    with driver:
        driver.wait_until(lambda: count(in_files(tmp_path / "rows")) >= count(expected), 420,
                          lambda: golden.unlike(expected, in_files(tmp_path / "rows")))
        assert golden.unlike(expected, in_files(tmp_path / "rows")) == ""
        driver.wait_until(lambda: golden.unlike(of_topics(expected), published(broker)) == "", 120, "the topics")
