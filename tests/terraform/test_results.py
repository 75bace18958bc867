"""Results in BigQuery: tables over the objects that the engines write, a line of JSON each.

BigQuery itself is not here. What stands in for it is DuckDB, a columnar engine that reads the same lines by the same columns
and refuses what does not fit; the lines are the program's own, and the sums are those of a plain batch.
"""
import decimal
import json
import subprocess
import sys

import drift
import duckdb
import pytest
import schema_check

sys.path.insert(0, str(schema_check.ROOT / "tests/e2e"))

import windows  # noqa: E402

# As DuckDB calls them. NUMERIC of BigQuery has 29 digits before the point and 9 behind it.
TYPES = {"STRING": "VARCHAR", "INT64": "BIGINT", "NUMERIC": "DECIMAL(38, 9)", "TIMESTAMP": "TIMESTAMPTZ"}


@pytest.fixture(scope="module")
def tables(applied):
    """folder → columns, as they are made"""
    out = {}
    for _, each in drift.resources(applied["gcp", "prod"].state)["google_bigquery_table"]:
        (of,) = each["external_data_configuration"]
        (uri,) = of["source_uris"]
        bucket, _, path = uri.removeprefix("gs://").partition("/")
        assert bucket.startswith("ecommerce-analytics-results-")
        assert of["source_format"] == "NEWLINE_DELIMITED_JSON" and each["table_id"] == f"payment_windows_{path.split('/')[1]}"
        out[path] = {column["name"]: column["type"] for column in json.loads(of["schema"])}
    return out


def objects():
    """folder → pipeline, of those whose rows are objects"""
    return {f"analytics/{each['results']['object']}/*": each for each in windows.PIPELINES.values() if "object" in each["results"]}


def test_there_is_a_table_over_the_objects_of_each_pipeline_with_the_columns_of_its_rows(tables):
    assert tables.keys() == objects().keys()
    for path, pipeline in objects().items():
        names = {"pipeline", "window_start", "window_end", *(each["name"] for each in (*pipeline["key"], *pipeline["aggregates"]))}
        assert tables[path].keys() == names


@pytest.fixture(scope="module")
def events():
    return windows.generated(7)


@pytest.fixture(scope="module")
def lines(program, events, tmp_path_factory):
    """pipeline → the file of its rows, which are an object's lines"""
    folder = tmp_path_factory.mktemp("results")
    windows.write(folder / "in.jsonl", events)
    subprocess.run([program, "replay", f"--source={folder / 'in.jsonl'}", f"--results={folder / 'out'}"], check=True, capture_output=True)
    return folder / "out"


def loaded(columns, file):
    """A table of those lines in a columnar engine; a value that is not of its column's type is refused."""
    types = "{" + ", ".join(f"'{name}': '{TYPES[kind]}'" for name, kind in columns.items()) + "}"
    database = duckdb.connect(config={"TimeZone": "UTC"})
    database.execute(f"CREATE TABLE rows AS SELECT * FROM read_json('{file}', format = 'newline_delimited', columns = {types})")
    return database


@pytest.mark.parametrize("path", sorted(objects()))
def test_rows_are_what_their_table_says_and_add_up(tables, lines, events, path):
    pipeline, columns = objects()[path], tables[path]
    file = lines / f"{pipeline['name']}.jsonl"
    rows = [json.loads(each, parse_float=decimal.Decimal) for each in file.read_text().splitlines()]
    assert rows and all(each.keys() == columns.keys() for each in rows), "BigQuery refuses a member that no column has"
    key = {"overall": lambda e: e.fields["currency"], "by_status": lambda e: (e.fields["word"], e.fields["currency"]),
           "by_user": lambda e: (e.fields["user"], e.fields["currency"])}[path.split("/")[1]]
    good, _ = windows.on_time(events, 60_000)
    expected = windows.payments(good, key)
    found = loaded(columns, file).execute("SELECT count(*), sum(payment_count), sum(total_amount) FROM rows").fetchone()
    assert found == (len(expected), sum(count for count, _ in expected.values()),
                     decimal.Decimal(sum(amount for _, amount in expected.values())) / 100)


def test_a_row_that_is_no_longer_what_its_table_says_is_refused(tables, lines, tmp_path):
    path, pipeline = next(iter(objects().items()))
    text = (lines / f"{pipeline['name']}.jsonl").read_text()
    (tmp_path / "wrong.jsonl").write_text(text.replace('"payment_count":', '"payment_count":"many","was":', 1))
    with pytest.raises(duckdb.Error):
        loaded(tables[path], tmp_path / "wrong.jsonl")
