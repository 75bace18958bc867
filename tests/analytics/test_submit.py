"""What the scripts ask Google Cloud for, by a stand-in on PATH, and what they refuse before they ask."""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import zipfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from flink import JAR, ROOT  # noqa: E402

FLINK, SPARK = ROOT / "analytics/flink/submit.sh", ROOT / "analytics/spark/submit.sh"
VERSION = re.search("<flink.version>(.*)</", (ROOT / "analytics/flink/pom.xml").read_text())[1]
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


@pytest.fixture
def bundle(tmp_path):
    """As analytics/flink/yarn.sh makes it, but empty: nothing here looks into it."""
    folder = tmp_path / "bundle"
    (folder / "lib").mkdir(parents=True)
    (folder / f"lib/flink-dist-{VERSION}.jar").touch()
    (folder / "java.tar.gz").touch()
    return folder


def test_flink_goes_to_the_cluster_as_an_application_that_brings_its_own_flink_and_java(gcloud, bundle):
    run, asked = gcloud
    made = run(FLINK, *ON_FLINK, f"--bundle={bundle}", "--savepoint=gs://shop-analytics/checkpoints/x", "--slots=4", "--", "--brokers=kafka:9092", "--time=marks")
    assert made.returncode == 0, made.stderr
    at, there = "gs://shop-analytics/jobs/flink-analytics.jar", f"gs://shop-analytics/flink/{VERSION}"
    *copies, job = asked()
    assert copies == [
        ["storage", "cp", str(JAR), at, "--project=shop-123"],
        ["storage", "rsync", f"{bundle}/lib", f"{there}/lib", "--project=shop-123", "--checksums-only"],
        ["storage", "cp", "--no-clobber", f"{bundle}/java.tar.gz", f"{there}/java.tar.gz", "--project=shop-123"]]
    end = job.index("--")
    assert job[:end] == ["dataproc", "jobs", "submit", "hadoop", "--project=shop-123", "--region=europe-west1", "--cluster=stream",
                         "--class=stoa.submit.OnYarn", f"--jars={there}/lib/flink-dist-{VERSION}.jar,{at}", "--labels=job=ecommerce-analytics", "--async"]
    # One list: what stands behind a second -- would be the script's word against gcloud's.
    words = job[end + 1:]
    settings, (jar, *arguments) = words[:words.index(at)], words[words.index(at):]
    told = dict(each.split("=", 1) for each in settings)
    assert told["yarn.application.name"] == "ecommerce-analytics" and told["yarn.provided.lib.dirs"] == f"{there}/lib"
    assert told["yarn.ship-archives"] == f"{there}/java.tar.gz"
    assert told["containerized.master.env.JAVA_HOME"] == told["containerized.taskmanager.env.JAVA_HOME"] == "./java.tar.gz"
    assert told["execution.savepoint.path"] == "gs://shop-analytics/checkpoints/x" and told["taskmanager.numberOfTaskSlots"] == "4"
    assert (jar, arguments) == (at, ["--brokers=kafka:9092", "--time=marks", "--checkpoint-dir=gs://shop-analytics/checkpoints"])


def class_version(jar, name):
    with zipfile.ZipFile(jar) as packed:
        return int.from_bytes(packed.read(name)[6:8], "big") - 44


def test_what_starts_the_job_runs_on_the_clusters_own_java(gcloud):
    """Dataproc's images 2.2 and 2.3 have Java 11; the job itself is for 17, which it brings."""
    assert class_version(JAR, "stoa/submit/OnYarn.class") == 11 and class_version(JAR, "stoa/analytics/AnalyticsJob.class") == 17


@pytest.mark.parametrize("wrong, says", [("--slots=0", "a number from 1 to 99"), ("--memory-mb=64", "at least 1000"), ("--savepoint=x", "an address gs://")])
def test_a_wrong_size_of_flink_is_named(gcloud, wrong, says):
    run, asked = gcloud
    made = run(FLINK, *ON_FLINK, wrong, "--", "--brokers=kafka:9092")
    assert made.returncode == 2 and says in made.stderr and asked() == []


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
