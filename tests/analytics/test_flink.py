"""The Flink job on a real cluster and a real broker, against a plain batch over the same log.

    ./dev test analytics
"""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import golden  # noqa: E402
from broker import Broker, eventually  # noqa: E402
from flink import Job, Places, dead, late, published  # noqa: E402

ON_TOPICS = ("product_viewers", "orders_by_minute", "captured_by_minute")
RUN = tuple(golden.COLUMNS)


def of_topics(expected):
    return {name: rows for name, rows in expected.items() if name in ON_TOPICS}


@pytest.mark.parametrize("time", ["events", "marks"])
def test_every_pipeline_on_kafka_is_what_a_batch_gives(flink_cluster, time):
    broker = Broker("flink")
    places = Places(broker.prefix).make()
    log = golden.generated(seed=31)
    good, are_late, are_bad = golden.sifted(log, RUN, moved_by_events=time == "events")
    expected = golden.rows(good)
    assert len(are_late) > 20 and len(are_bad) == sum(map(len, golden.BAD.values()))
    broker.write(log.records)
    with Job(flink_cluster, broker, f"--time={time}", "--dynamodb-region=us-east-1",
             f"--dynamodb-endpoint={places.dynamo.meta.endpoint_url}", f"--table-prefix={broker.prefix}",
             f"--objects=s3://{places.bucket}/", f"--s3-endpoint={places.s3.meta.endpoint_url}",
             "--console") as job:
        job.finished(of_topics(expected), lambda: published(broker))
        job.finished(expected, places.rows)
        eventually(lambda: late(broker) == sorted(are_late), 60, lambda: f"late: {late(broker)} for {sorted(are_late)}")
        assert dead(broker) == sorted(are_bad)
        objects = {name.removeprefix("payments_"): rows for name, rows in expected.items() if name.startswith("payments_")}
        assert golden.unlike(objects, places.objects()) == ""
        said = (flink_cluster.data.parent / "said.log").read_text(errors="replace")
        assert '{"pipeline":"orders_by_minute","currency":"EUR"' in said, "the console has rows too"
        assert job.restarts() == 0


def test_kill_9_of_the_task_manager_changes_no_row(flink_cluster):
    broker = Broker("flink-kill")
    places = Places(broker.prefix).make()
    log = golden.generated(seed=47, count=6_000)
    good, are_late, are_bad = golden.sifted(log, RUN, moved_by_events=True)
    expected = golden.rows(good)
    third = len(log.records) // 3
    with Job(flink_cluster, broker, "--dynamodb-region=us-east-1", f"--dynamodb-endpoint={places.dynamo.meta.endpoint_url}",
             f"--table-prefix={broker.prefix}") as job:
        for part in range(3):
            seen, done = sum(map(len, published(broker).values())), job.checkpoints()
            broker.write(log.records[part * third:(part + 1) * third if part < 2 else None])
            # In the middle: some of its rows are out, in a checkpoint, and the rest is on its way.
            eventually(lambda: sum(map(len, published(broker).values())) > seen and job.checkpoints() > done, 120, job.why)
            flink_cluster.kill_task_manager()
            eventually(lambda: job.restarts() > part and job.state() == "RUNNING", 120, job.why)
        job.finished(of_topics(expected), lambda: published(broker))
        job.finished(expected, places.rows)
        eventually(lambda: late(broker) == sorted(are_late), 60, "late events")
        assert dead(broker) == sorted(are_bad)


def test_a_real_shops_views_and_orders_are_what_a_batch_gives(flink_cluster):
    log = golden.real_shop()
    expected = of_topics(golden.rows(golden.sifted(log, ON_TOPICS, moved_by_events=True)[0]))
    assert len(expected["product_viewers"]) == 168_744
    broker = Broker("flink-real")
    broker.write(log.records)
    with Job(flink_cluster, broker, "--pipelines=product_viewers,orders_by_minute,captured_by_minute") as job:
        job.finished(expected, lambda: published(broker), within_s=400)
        assert late(broker) == [] and dead(broker) == []
