"""A real Flink cluster and a job on it, with what it wrote to where."""

import collections
import decimal
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.request

import boto3

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/local"))

import golden  # noqa: E402
from broker import Broker, eventually, header  # noqa: E402
from engines import Engine  # noqa: E402

JAR = pathlib.Path(os.environ.get("STOA_TEST_FLINK_JAR", ROOT / "build/flink/flink-analytics.jar"))
SCRIPT = ROOT / "deploy/local/flink.sh"
KEYS = {"aws_access_key_id": "stoalocal", "aws_secret_access_key": "stoalocalsecret", "region_name": "us-east-1"}
TABLES = {"ecommerce-analytics": ("product_id", "window_start"), "ecommerce-analytics-windows": ("series", "window")}
BUCKET = "ecommerce-analytics-results"


class Cluster:
    def __init__(self, folder):
        os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"] = "stoalocal", "stoalocalsecret"
        self.engine, self.address = None, os.environ.get("STOA_TEST_FLINK")
        self.data = pathlib.Path(os.environ.get("STOA_TEST_FLINK_DIR", folder / "data"))
        if not self.address:
            self.engine = Engine("flink", folder)
            self.engine.start(within_s=240)
            self.address = self.engine.address
        self.port = self.address.rsplit(":", 1)[1]

    def ask(self, path):
        with urllib.request.urlopen(self.address + path, timeout=20) as got:
            return json.load(got)

    def task_manager(self):
        return int((self.data / "taskmanager.pid").read_text())

    def kill_task_manager(self):
        """As the kernel would: no word to anybody. The script starts another."""
        was = self.task_manager()
        os.kill(was, signal.SIGKILL)
        eventually(lambda: self.task_manager() != was, 60, "a task manager is started again")

    def stop(self):
        if self.engine:
            self.engine.stop()


class Places:
    """Tables and a bucket of a test."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.dynamo = boto3.client("dynamodb", endpoint_url=os.environ["STOA_TEST_DYNAMODB"], **KEYS)
        self.s3 = boto3.client("s3", endpoint_url=os.environ["STOA_TEST_S3"], **KEYS)
        self.bucket = (prefix + BUCKET).lower()

    def make(self):
        for name, (of, by) in TABLES.items():
            self.dynamo.create_table(
                TableName=self.prefix + name, BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": of, "KeyType": "HASH"}, {"AttributeName": by, "KeyType": "RANGE"}],
                AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in (of, by)])
        self.s3.create_bucket(Bucket=self.bucket)
        return self

    def rows(self):
        """pipeline → rows of the tables."""
        out = collections.defaultdict(dict)
        for name in TABLES:
            for page in self.dynamo.get_paginator("scan").paginate(TableName=self.prefix + name):
                for item in page["Items"]:
                    of = item.get("series", {"S": "product_viewers"})["S"]
                    if of not in golden.COLUMNS:
                        continue  # what C++ alone runs
                    plain = {key: int(v["N"]) if "N" in v else v["S"] for key, v in item.items()}
                    at, values = golden.row_of(of, plain, minor=True)
                    out[of][at] = values
        return out

    def objects(self):
        """folder → rows of its objects; each says one window."""
        out = collections.defaultdict(dict)
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="analytics/"):
            for one in page.get("Contents", []):
                text = self.s3.get_object(Bucket=self.bucket, Key=one["Key"])["Body"].read().decode()
                folder = one["Key"].split("/")[1]
                assert text.endswith("\n"), one["Key"]
                for line in text.splitlines():
                    row = json.loads(line, parse_float=decimal.Decimal)
                    at, values = golden.row_of("payments_" + folder, row, minor=False)
                    assert at not in out[folder], one["Key"]
                    out[folder][at] = values
        return out


def published(broker):
    """pipeline → rows of the results' topics; a row that stands there twice fails."""
    out = collections.defaultdict(dict)
    for topic in ("ecom-analytics-results", "analytics-results"):
        for row in broker.rows(topic):
            name = row.get("pipeline", "product_viewers")
            at, values = golden.row_of(name, row, minor=False)
            assert at not in out[name], f"{name} {at} stands there twice"
            out[name][at] = values
    return out


def late(broker):
    return sorted((row["topic"], row["partition"], row["offset"], tuple(row["pipelines"]))
                  for row in broker.rows("ecom-analytics-late"))


def dead(broker):
    out = []
    for topic in golden.TOPICS:
        for one in broker.committed(topic + ".dlq"):
            assert header(one, "dlq_code") and header(one, "dlq_detail"), one.headers()
            out.append((topic, int(header(one, "dlq_partition")), int(header(one, "dlq_offset"))))
    return sorted(out)


class Job:
    def __init__(self, cluster, broker: Broker, *more, checkpoint_every_ms=1_000):
        self.cluster, self.broker = cluster, broker
        made = subprocess.run([SCRIPT, "submit", cluster.port, JAR, f"--brokers={broker.brokers}",
                               f"--topic-prefix={broker.prefix}", f"--checkpoint-every-ms={checkpoint_every_ms}",
                               "--transaction-timeout-ms=120000", "--parallelism=2", *more],
                              capture_output=True, text=True, timeout=300)
        found = re.search(r"JobID ([0-9a-f]{32})", made.stdout)
        assert made.returncode == 0 and found, made.stdout + made.stderr
        self.id = found[1]

    def state(self):
        return self.cluster.ask(f"/jobs/{self.id}")["state"]

    def restarts(self):
        got = self.cluster.ask(f"/jobs/{self.id}/metrics?get=numRestarts")
        return int(float(got[0]["value"])) if got else 0

    def checkpoints(self):
        return self.cluster.ask(f"/jobs/{self.id}/checkpoints")["counts"]["completed"]

    def why(self):
        return json.dumps(self.cluster.ask(f"/jobs/{self.id}/exceptions"))[:3_000]

    def finished(self, expected, found, within_s=240):
        """Until as many rows stand there as are wanted; then they must be these."""
        wanted = sum(map(len, expected.values()))
        eventually(lambda: sum(map(len, found().values())) >= wanted, within_s,
                   lambda: f"{self.state()}; {golden.unlike(expected, found())}; {self.why()}")
        assert golden.unlike(expected, found()) == ""

    def cancel(self):
        subprocess.run([SCRIPT, "cancel", self.cluster.port, self.id], capture_output=True, timeout=120)
        eventually(lambda: self.state() in ("CANCELED", "FAILED", "FINISHED"), 60, "the job has ended")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cancel()
