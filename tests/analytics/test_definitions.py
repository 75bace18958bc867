"""What each job runs is what analytics/pipelines.json says; a definition changed in one of them is seen."""

import json
import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from flink import JAR, ROOT  # noqa: E402
from spark import package  # noqa: E402

FILE = ROOT / "analytics/pipelines.json"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "stoa/engines"


def said_by_file(text):
    """The definitions in the words of --describe, computed here and by nobody else."""
    file = json.loads(text)
    topics = {each["name"]: {k: v for k, v in each.items() if k != "name"} for each in file["topics"]}
    out = {}
    for each in file["pipelines"]:
        inputs = [{"topic": i["topic"], "members": topics[i["topic"]]} | ({"words": sorted(i["words"])} if "words" in i else {})
                  for i in each["inputs"]]
        aggregates = [{k: sorted(v) if k == "words" else v for k, v in a.items()} for a in each["aggregates"]]
        out[each["name"]] = {
            "inputs": inputs, "key": [[k["name"], k["field"]] for k in each["key"]],
            "window": {"kind": each["window"]["kind"], "size_ms": each["window"]["size_ms"]},
            "closes_after_ms": each["out_of_orderness_ms"] + each["allowed_lateness_ms"], "aggregates": aggregates,
            "results": each["results"]} | ({"once_by": each["once_by"]} if "once_by" in each else {})
    return out


def differences(described):
    """Of what an engine says that it runs from the file: (pipeline, what)."""
    wanted = said_by_file(FILE.read_text())
    out = [(name, "is not known") for name in wanted if name not in described["pipelines"] and name not in described["not_run"]]
    for name, runs in described["pipelines"].items():
        for what in sorted({*runs, *wanted.get(name, {})}):
            if runs.get(what) != wanted.get(name, {}).get(what):
                out.append((name, what))
    return out


def flink_says(tmp_path, definitions=None):
    path = JAR
    if definitions is not None:
        jar = tmp_path / "changed.jar"  # the job's own classes with other definitions; what they need is in the whole one
        path = f"{jar}:{JAR}"
        with zipfile.ZipFile(JAR) as old, zipfile.ZipFile(jar, "w") as new:
            for each in old.infolist():
                if each.filename.startswith("stoa/"):
                    new.writestr(each, old.read(each))
            new.writestr("pipelines.json", definitions)
    lib = next(CACHE.glob("flink-*/lib"))
    return subprocess.run(["java", "-cp", f"{path}:{lib}/*", "stoa.analytics.AnalyticsJob", "--describe"],
                          capture_output=True, text=True, timeout=120)


def spark_says(tmp_path, definitions=None):
    file = tmp_path / "pipelines.json"
    file.write_text(definitions or FILE.read_text())
    package.package(tmp_path / "job.zip", file)
    python = next(CACHE.glob("spark-*/bin/python"))
    run = "import sys; from stoa_analytics.job import main; sys.exit(main(['--describe']))"
    return subprocess.run([python, "-B", "-c", run], capture_output=True, text=True, timeout=120, cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(tmp_path / "job.zip")})


ENGINES = {"flink": flink_says, "spark": spark_says}


def of(said):
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_job_runs_the_definitions_of_the_file(tmp_path, engine):
    said = of(ENGINES[engine](tmp_path))
    assert said["engine"] == engine and differences(said) == []
    assert set(said["pipelines"]) >= {"product_viewers", "orders_by_minute", "payments_overall", "payments_by_status",
                                      "payments_by_user"}
    assert set(said["not_run"]) == {"top_products", "product_interest"}
    assert "sliding" in said["not_run"]["top_products"] and "session" in said["not_run"]["product_interest"]


def change(plant):
    file = json.loads(FILE.read_text())
    pipelines = {each["name"]: each for each in file["pipelines"]}
    plant(pipelines, {each["name"]: each for each in file["topics"]})
    return json.dumps(file)


PLANTS = {
    "window": (lambda p, t: p["product_viewers"]["window"].update(size_ms=120_000), ("product_viewers", "window")),
    "disorder": (lambda p, t: p["orders_by_minute"].update(out_of_orderness_ms=20_000), ("orders_by_minute", "closes_after_ms")),
    "key": (lambda p, t: p["payments_by_status"].update(key=p["payments_overall"]["key"]), ("payments_by_status", "key")),
    "aggregate": (lambda p, t: p["orders_by_minute"]["aggregates"][1].update(field="quantity"),
                  ("orders_by_minute", "aggregates")),
    "once_by": (lambda p, t: p["payments_overall"].update(once_by="order"), ("payments_overall", "once_by")),
    "words": (lambda p, t: p["orders_by_minute"]["inputs"][0].update(words=["order.paid"]), ("orders_by_minute", "inputs")),
    "member": (lambda p, t: t["orders"].update(amount="subtotal"), ("orders_by_minute", "inputs")),
    "results": (lambda p, t: p["product_viewers"].update(results={"topic": "analytics-results"}), ("product_viewers", "results")),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("plant", PLANTS)
def test_a_definition_that_was_changed_in_one_engine_is_seen(tmp_path, engine, plant):
    planted, seen = PLANTS[plant]
    assert seen in differences(of(ENGINES[engine](tmp_path, change(planted))))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_definition_that_an_engine_cannot_run_is_refused_by_name(tmp_path, engine):
    def sums_a_text(pipelines, _):
        pipelines["orders_by_minute"]["aggregates"][1]["field"] = "user"
    said = ENGINES[engine](tmp_path, change(sums_a_text))
    assert said.returncode == 2 and "pipeline orders_by_minute: total_revenue sums an amount or a quantity" in said.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_a_count_by_hll_is_the_cpp_engines_alone(tmp_path, engine):
    def by(method):
        return lambda pipelines, _: pipelines["product_viewers"]["aggregates"][0].update(distinct=method)
    said = of(ENGINES[engine](tmp_path, change(by("hll"))))
    assert "product_viewers" not in said["pipelines"]
    assert said["not_run"]["product_viewers"].startswith("aggregate unique_user_count is counted by hll")
    said = of(ENGINES[engine](tmp_path, change(by("exact"))))
    assert said["pipelines"]["product_viewers"]["aggregates"][0]["distinct"] == "exact"
    refused = ENGINES[engine](tmp_path, change(by("hyperlog")))
    assert refused.returncode == 2 and "hyperlog" in refused.stderr


def test_currencies_are_those_of_the_program():
    """analytics/currencies.json against src/base/money.cpp: the jobs' table has no life of its own."""
    import re
    source = (ROOT / "src/base/money.cpp").read_text()
    codes = re.findall(r'"([A-Z]{3})"', source[source.index("codes[] ="):source.index("static_assert")])
    decimals = dict(re.findall(r'\{"([A-Z]{3})", (\d)\}', source))
    assert json.loads((ROOT / "analytics/currencies.json").read_text()) == {c: int(decimals.get(c, 2)) for c in codes}
