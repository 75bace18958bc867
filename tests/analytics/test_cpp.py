"""The C++ engine, `stoa serve --target=analytics` on a real broker, against the plain batch over the same log.

    ./dev test analytics
"""

import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import golden  # noqa: E402
from broker import Broker, eventually  # noqa: E402
from flink import Places, dead, late, published  # noqa: E402
from engines import free_port  # noqa: E402
from shop import binary  # noqa: E402

ON_TOPICS = ("product_viewers", "orders_by_minute", "captured_by_minute")
RUN = tuple(golden.COLUMNS)


class Analytics:
    """One process of the target."""

    def __init__(self, folder, broker, places, **settings):
        self.folder, self.child = folder, None
        self.config = folder / "stoa.toml"
        settings |= {
            "sql": "postgres", "database_url": os.environ["STOA_TEST_POSTGRES"], "key_value": "dynamodb", "event_log": "kafka", "blob": "s3", "kafka_brokers": broker.brokers,
            "kafka_topic_prefix": broker.prefix, "kafka_replication_factor": "1", "kafka_min_insync_replicas": "1",
            "aws_region": "us-east-1", "aws_access_key_id": "stoalocal", "aws_secret_access_key": "stoalocalsecret",
            "aws_endpoint_url_dynamodb": os.environ["STOA_TEST_DYNAMODB"], "aws_endpoint_url_s3": os.environ["STOA_TEST_S3"],
            "dynamodb_table_prefix": broker.prefix, "s3_bucket_prefix": broker.prefix, "s3_make_buckets": "yes",
            "user_service_host": "127.0.0.1"}  # nobody calls, so nobody is asked who it is
        self.config.write_text("".join(f'{key} = "{value}"\n' for key, value in settings.items()))
        self.log = folder / "said.log"
        places.bucket = broker.prefix + "ecommerce-analytics-results"
        made = subprocess.run([binary(), "migrate", "--config", self.config, "--data-dir", folder / "migrate"],
                              capture_output=True, text=True, timeout=120)
        assert made.returncode == 0, made.stderr

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [binary(), "serve", "--config", self.config, "--target", "analytics", "--data-dir", self.folder / "data",
                 "--listen-host", "127.0.77.19", "--admin", f"127.0.77.19:{free_port()}"], stdout=log, stderr=log)
        return self

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(20)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def said(self):
        return self.log.read_text(errors="replace")[-2_000:]

    def wait_until(self, condition, within_s, what):
        def true():
            assert self.child.poll() is None, self.said()
            return condition()
        return eventually(true, within_s, lambda: f"{what()}; it said: {self.said()}")


def test_the_cpp_engine_on_kafka_is_what_a_batch_gives_with_kill_9(tmp_path):
    broker = Broker("cpp", made_elsewhere=True)
    places = Places(broker.prefix)
    engine = Analytics(tmp_path, broker, places)
    broker.keep()
    log = golden.generated(seed=31, partitions=dict.fromkeys(golden.TOPICS, 4))
    good, are_late, are_bad = golden.sifted(log, RUN, moved_by_events=False)
    expected = golden.rows(good)
    assert len(are_late) > 20
    broker.write(log.records)
    with engine:
        # In the middle of its work, three times.
        for part in range(1, 4):
            engine.wait_until(lambda: sum(map(len, places.rows().values())) > part * 200, 180, lambda: "rows")
            engine.kill()
            engine.start()
        wanted = sum(map(len, expected.values()))
        engine.wait_until(lambda: sum(map(len, places.rows().values())) >= wanted, 180,
                          lambda: golden.unlike(expected, places.rows()))
        assert golden.unlike(expected, places.rows()) == ""
        on_topics = {name: expected[name] for name in ON_TOPICS}
        engine.wait_until(lambda: golden.unlike(on_topics, published(broker)) == "", 120,
                          lambda: golden.unlike(on_topics, published(broker)))
        engine.wait_until(lambda: late(broker) == sorted(are_late), 60, lambda: f"{late(broker)} for {sorted(are_late)}")
        # Read again after a death, what cannot be read is said again.
        assert sorted(set(dead(broker))) == sorted(are_bad)
        objects = {name.removeprefix("payments_"): rows for name, rows in expected.items() if name.startswith("payments_")}
        assert golden.unlike(objects, places.objects()) == ""
