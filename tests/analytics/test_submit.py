"""What the scripts ask Google Cloud for, by a stand-in on PATH, and what they refuse before they ask."""

import os
import pathlib
import shlex
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from flink import JAR, ROOT  # noqa: E402

FLINK, SPARK = ROOT / "analytics/flink/submit.sh", ROOT / "analytics/spark/submit.sh"
WHERE = ["--project=shop-123", "--region=europe-west1", "--bucket=shop-analytics"]
ON_FLINK = [*WHERE, "--cluster=stream", f"--jar={JAR}"]


@pytest.fixture
def gcloud(tmp_path):
    """→ (run, what was asked)."""
    calls = tmp_path / "calls"
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin/gcloud"
    stand_in.write_text(f'#!/bin/bash\nprintf "%q " "$@" >>{calls}\necho >>{calls}\n')
    stand_in.chmod(0o755)

    def run(script, *arguments):
        return subprocess.run([script, *arguments], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})

    def asked():
        return [shlex.split(line) for line in calls.read_text().splitlines()] if calls.exists() else []
    return run, asked


def test_flinks_jar_goes_to_the_bucket_and_the_job_to_the_cluster(gcloud):
    run, asked = gcloud
    made = run(FLINK, *ON_FLINK, "--savepoint=gs://shop-analytics/checkpoints/x", "--", "--brokers=kafka:9092", "--time=marks")
    assert made.returncode == 0, made.stderr
    at = "gs://shop-analytics/jobs/flink-analytics.jar"
    assert asked() == [
        ["storage", "cp", str(JAR), at, "--project=shop-123"],
        ["dataproc", "jobs", "submit", "flink", "--project=shop-123", "--region=europe-west1", "--cluster=stream", f"--jar={at}",
         "--labels=job=ecommerce-analytics", "--async", "--savepoint=gs://shop-analytics/checkpoints/x", "--",
         "--brokers=kafka:9092", "--time=marks", "--checkpoint-dir=gs://shop-analytics/checkpoints"]]


def test_spark_goes_to_serverless_with_its_runtime(gcloud):
    run, asked = gcloud
    made = run(SPARK, *WHERE, "--batch=nightly", "--subnet=inner", "--", "--brokers=kafka:9092", "--bigquery=shop-123.analytics")
    assert made.returncode == 0, made.stderr
    files, batch = asked()
    assert files[:2] == ["storage", "cp"] and files[-2:] == ["gs://shop-analytics/jobs/spark/", "--project=shop-123"]
    assert batch == [
        "dataproc", "batches", "submit", "pyspark", "gs://shop-analytics/jobs/spark/main.py", "--project=shop-123",
        "--region=europe-west1", "--py-files=gs://shop-analytics/jobs/spark/stoa_analytics.zip", "--labels=job=ecommerce-analytics",
        "--batch=nightly", "--version=2.2", "--async", "--subnet=inner",
        "--properties=spark.jars.packages=org.apache.spark:spark-sql-kafka-0-10_2.13:3.5.7", "--", "--brokers=kafka:9092",
        "--bigquery=shop-123.analytics", "--checkpoint-dir=gs://shop-analytics/checkpoints/spark"]


def test_spark_goes_to_a_cluster_that_is_named(gcloud):
    run, asked = gcloud
    made = run(SPARK, *WHERE, "--cluster=stream", "--", "--brokers=kafka:9092", "--checkpoint-dir=gs://other/place")
    assert made.returncode == 0, made.stderr
    assert asked()[1][:4] == ["dataproc", "jobs", "submit", "pyspark"] and "--cluster=stream" in asked()[1]
    assert asked()[1][-3:] == ["--", "--brokers=kafka:9092", "--checkpoint-dir=gs://other/place"]


WRONG = [  # argument in place of a good one, and what is said
    ("--project=No", "a project id"), ("--region=mars", "a region such as"), ("--bucket=gs://b", "a bucket name without gs://"),
    ("--cluster=Big_One", "a Dataproc cluster name"), ("--project=", "--project needs a value"), ("--what=1", "unknown argument"),
    ("extra", "unknown argument")]


@pytest.mark.parametrize("script", [FLINK, SPARK], ids=["flink", "spark"])
@pytest.mark.parametrize("given, says", WRONG)
def test_a_wrong_argument_is_named_and_nothing_is_asked(gcloud, script, given, says):
    run, asked = gcloud
    name = given.split("=")[0] + "="
    good = [each for each in (ON_FLINK if script == FLINK else WHERE) if not each.startswith(name)]
    made = run(script, *good, given, "--", "--brokers=kafka:9092")
    assert made.returncode == 2 and says in made.stderr and asked() == [], made.stderr


@pytest.mark.parametrize("script", [FLINK, SPARK], ids=["flink", "spark"])
@pytest.mark.parametrize("job, says", [
    ([], "the job's arguments are missing"), (["--brokers=kafka"], "is not HOST:PORT"), (["--nothing=1"], "nothing"),
    (["--brokers=kafka:9092", "--pipelines=top_products"], "sliding"), (["--time=1"], "time")])
def test_a_wrong_argument_of_the_job_is_named_and_nothing_is_asked(gcloud, script, job, says):
    run, asked = gcloud
    made = run(script, *(ON_FLINK if script == FLINK else WHERE), "--", *job)
    assert made.returncode == 2 and says in made.stderr and asked() == [], made.stderr


@pytest.mark.parametrize("script", [FLINK, SPARK], ids=["flink", "spark"])
def test_what_is_missing_twice_or_only_shown(gcloud, script):
    run, asked = gcloud
    good = ON_FLINK if script == FLINK else WHERE
    assert run(script, "--help").stdout.startswith("analytics/")
    for i, each in enumerate(good[:3]):
        said = run(script, *good[:i], *good[i + 1:], "--", "--brokers=kafka:9092").stderr
        assert f"{each.split('=')[0]} is required" in said
    assert "is given twice" in run(script, *good, good[0], "--", "--brokers=kafka:9092").stderr
    shown = run(script, *good, "--dry-run", "--", "--brokers=kafka:9092")
    assert shown.returncode == 0 and "gcloud dataproc" in shown.stdout and asked() == [], shown.stderr
