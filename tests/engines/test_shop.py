"""The whole shop, in one process, on engines that run as servers: PostgreSQL or DynamoDB, Kafka, S3.

    ./dev test engines
"""

import itertools
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import retail  # noqa: E402
from shop import ADDRESS, Shop, binary, eventually  # noqa: E402
from test_online_retail import UNLIMITED, Replay  # noqa: E402

INVOICES = int(os.environ.get("STOA_TEST_INVOICES") or 150)


def address(name):
    """Of an engine that ./dev test engines has started."""
    given = os.environ.get(f"STOA_TEST_{name.upper()}")
    assert given, f"STOA_TEST_{name.upper()} is not set: run ./dev test engines, which starts the engines"
    return given


def database(name):
    """A database of its own; its address."""
    url = address("postgres")
    subprocess.run(["psql", "-q", "-X", url, "-c", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', "-c",
                    f'CREATE DATABASE "{name}"'], check=True, capture_output=True)
    return url.rsplit("/", 1)[0] + "/" + name


made_before = itertools.count()


class Places:
    """Settings of a shop that shares its engines with other tests."""

    def __init__(self, folder, name, key_value):
        own = f"{name}-{os.getpid()}-{next(made_before)}-"  # topics and tables outlive a test
        self.settings = {
            "sql": "postgres", "key_value": key_value, "event_log": "kafka", "blob": "s3",
            "database_url": database("shop_" + name), "kafka_brokers": address("kafka"),
            "kafka_topic_prefix": own, "kafka_replication_factor": "1",
            # Killed and back within the session's 6 s: the same member, which goes on at once.
            "kafka_min_insync_replicas": "1", "kafka_group_instance_id": "all-0", "aws_region": "us-east-1", "aws_access_key_id": "stoalocal",
            "aws_secret_access_key": "stoalocalsecret", "aws_endpoint_url_dynamodb": os.environ.get("STOA_TEST_DYNAMODB", ""),
            "aws_endpoint_url_s3": address("s3"), "dynamodb_table_prefix": own,
            "s3_bucket_prefix": own, "s3_make_buckets": "yes"}
        self.folder = folder

    def file(self, **changed):
        path = self.folder / "stoa.toml"
        lines = (f'{key} = "{value}"' for key, value in {**self.settings, **changed}.items() if value != "")
        path.write_text("\n".join(lines) + "\n")
        return str(path)


def stoa(verb, *more, within_s=60):
    return subprocess.run([binary(), verb, *more], capture_output=True, text=True, timeout=within_s)


@pytest.fixture(params=["postgres", "dynamodb"])
def places(tmp_path, request):
    made = Places(tmp_path, request.param, request.param)
    got = stoa("migrate", "--config", made.file(), "--data-dir", str(tmp_path / "data"))
    assert got.returncode == 0, got.stderr
    assert "Kafka has its topics" in got.stdout
    return made


def must_be_clean(*where):
    """By `stoa audit`, which reads the engines past every service."""
    done = stoa("audit", *where, within_s=300)
    assert done.returncode == 0 and "Clean:" in done.stdout, done.stdout[-4_000:] + done.stderr


class ReplayOnEngines(Replay):
    def _audit(self, orders):
        assert self.shop.stop() == 0
        must_be_clean("--data-dir", self.shop.data_dir, *self.shop.flags)


def test_invoices_come_to_the_independent_totals(tmp_path, places):
    folder = retail.generate(tmp_path / "set", seed=20_111_209, invoices=INVOICES, products=120, customers=40, long_order=95)
    with Shop(tmp_path / "data", *UNLIMITED, "--config", places.file()) as shop:
        replay = ReplayOnEngines(shop, folder, threads=16)
        replay.load_catalogue(folder)
        replay.run()
        assert replay.check().orders == INVOICES
        print("on real engines:", replay.story())


def test_kill_9_changes_no_total_and_doubles_nothing(tmp_path, places):
    folder = retail.generate(tmp_path / "set", seed=7, invoices=INVOICES, products=120, customers=40, long_order=95)
    with Shop(tmp_path / "data", *UNLIMITED, "--config", places.file()) as shop:
        replay = ReplayOnEngines(shop, folder, threads=16)
        replay.load_catalogue(folder)
        kills = replay.run_with_kills(every_s=6.0)
        assert kills
        assert replay.check().orders == INVOICES
        print(f"{len(kills)} kills:", replay.story())


def test_migrate_again_changes_nothing(tmp_path, places):
    again = stoa("migrate", "--config", places.file(), "--data-dir", str(tmp_path / "data"))
    assert again.returncode == 0 and "(0 made)" in again.stdout, again


def test_a_shop_that_was_not_migrated_says_so(tmp_path):
    fresh = Places(tmp_path, "fresh", "postgres")
    got = stoa("serve", "--config", fresh.file(), "--data-dir", str(tmp_path / "data"), "--http", "127.0.0.1:0",
               "--admin", "127.0.0.1:0")
    assert got.returncode == 1 and "stoa migrate" in got.stderr, got


@pytest.mark.parametrize("changed, told", [
    ({"sql": "sqlite"}, "sqlite"), ({"database_url": ""}, "database_url"), ({"kafka_brokers": ""}, "kafka_brokers"),
    ({"kafka_security_protocol": "TELNET"}, "kafka_security_protocol"), ({"key_value": "redis"}, "dynamodb"),
    ({"target": "order"}, "target"), ({"aws_region": ""}, "AWS_REGION"),
])
def test_settings_that_do_not_fit_are_named(tmp_path, changed, told):
    places = Places(tmp_path, "unfit", "dynamodb")
    got = stoa("serve", "--config", places.file(**changed), "--data-dir", str(tmp_path / "data"), "--http", "127.0.0.1:0",
               "--admin", "127.0.0.1:0")
    assert got.returncode != 0 and told in got.stderr, got


def test_an_order_stands_in_postgresql_dynamodb_and_s3(tmp_path):  # R102, R108
    places = Places(tmp_path, "three", "dynamodb")
    assert stoa("migrate", "--config", places.file(), "--data-dir", str(tmp_path / "data")).returncode == 0
    with Shop(tmp_path / "data", *UNLIMITED, "--config", places.file()) as shop:
        operator, customer = shop.operator(), shop.customer()
        product = operator.post("/api/v1/products", {"name": "Mug", "price": 5, "stock": 9}).json
        order = customer.post("/api/v1/orders", {"items": [{"product_id": product["id"], "quantity": 2}],
                                                 "shipping_address": ADDRESS, "payment_method": "credit_card"}).json
        eventually(lambda: customer.get(f"/api/v1/orders/{order['id']}").json["status"] == "paid", within_s=60, what="paid")
        eventually(lambda: operator.get(f"/api/v1/products/{product['id']}/stock").json["on_hand"] == 7, within_s=60,
                   what="sold")
        url = places.settings["database_url"]
        sold = subprocess.run(["psql", "-X", "-At", url, "-c", "SELECT delta FROM stock_movements WHERE reason = 'sold'"],
                              capture_output=True, text=True, check=True).stdout.strip()
        assert sold == "-2"
        invoices = eventually(lambda: operator.get(f"/api/v1/orders/{order['id']}/details").json.get("notifications"),
                              within_s=60, what="the mail with its invoice")
        assert invoices
