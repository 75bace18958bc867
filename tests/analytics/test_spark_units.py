"""The Spark job's reader, rows and arguments, without Spark."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "analytics/spark"))

from stoa_analytics import arguments, events, rows  # noqa: E402
from stoa_analytics.definitions import Definitions, Refusal, packaged  # noqa: E402

ALL = Definitions(packaged("pipelines.json"))
READER = events.Reader(ALL.topics, {"EUR": 2, "JPY": 0, "BHD": 3})
ORDER = ('{"order_id":"o","user_id":"u","total_amount":%s,"currency":"%s","items_count":%s,"event_type":"order.created",'
         '"occurred_at":"2011-12-01T00:00:00.123456Z"}')


def read(topic, payload, recorded_ms=1_322_697_700_000, **headers):
    given = [(name, value.encode()) for name, value in headers.items()]
    row = READER.read(topic, payload.encode(), given, "place", recorded_ms)
    return dict(zip((each.split()[0] for each in events.SCHEMA.split(", ")), row, strict=True))


@pytest.mark.parametrize("digits, currency, minor", [
    ("12.30", "EUR", 1230), ("12.3", "EUR", 1230), ("12", "EUR", 1200), ("-0.01", "EUR", -1), ("12.300", "EUR", 1230),
    ("7", "JPY", 7), ("1.234", "BHD", 1234)])
def test_amounts_are_whole_numbers_of_the_smallest_unit(digits, currency, minor):
    event = read("orders", ORDER % (digits, currency, "1"))
    assert (event["status"], event["amount"], event["ms"]) == ("ok", minor, 1_322_697_600_123), event


@pytest.mark.parametrize("digits, currency, items", [
    ("1.234", "EUR", "1"), ("1e2", "EUR", "1"), ('"1"', "EUR", "1"), ("1", "EUX", "1"), ("9" * 20, "EUR", "1"), ("1.5", "JPY", "1"),
    ("1", "EUR", "-1"), ("1", "EUR", "1.0"), ("NaN", "EUR", "1"), ("true", "EUR", "1")])
def test_what_is_no_amount_or_quantity_is_refused(digits, currency, items):
    assert read("orders", ORDER % (digits, currency, items))["status"] == "bad"


@pytest.mark.parametrize("payload, code", [
    ("no json", "payload_ill_formed"), ("[1]", "payload_ill_formed"), ("7", "payload_ill_formed"), ("{}", "field_missing"),
    ('{"user_id":"u","user_id":"u"}', "field_ill_formed"), ('{"user_id":""}', "field_ill_formed"),
    ('{"user_id":7}', "field_ill_formed"), ('{"timestamp":"2011-02-30T00:00:00Z"}', "time_ill_formed"),
    ('{"timestamp":-1}', "time_ill_formed"), ('{"user_id":"a\\u001fb"}', "field_ill_formed"),
    ('{"user_id":"u","product_id":"p","event_type":"v","timestamp":5} x', "payload_ill_formed"),
    ('{"user_id":"u","product_id":"p","event_type":"v","timestamp":4102444800000}', "time_in_the_future")])
def test_what_is_no_event_is_refused_with_its_cause(payload, code):
    assert read("ecom-raw-events", payload)["code"] == code


def test_a_refund_that_failed_has_another_word_and_a_mark_is_a_time():
    refund = '{"orderId":"o","userId":"u","amount":1,"currency":"EUR","succeeded":%s}'
    at = "2011-12-01T00:00:00Z"
    assert read("payment.refunded", refund % "true", occurred_at=at)["word"] == "refunded"
    assert read("payment.refunded", refund % "false", occurred_at=at)["word"] == "refund_failed"
    mark = read("orders", "{}", type="stoa.mark", occurred_at=at)
    assert (mark["status"], mark["ms"]) == ("mark", 1_322_697_600_000)


def test_rows_are_written_as_the_other_engines_write_them():
    plan = next(each for each in ALL.plans() if each.name == "orders_by_minute")
    key, value, name = rows.Writer(plan, {"EUR": 2}).record(1_322_000_040_000, ["EUR"], [3, 351, 6, 2])
    assert key == "EUR" and value == (
        '{"pipeline":"orders_by_minute","currency":"EUR","window_start":"2011-11-22T22:14:00.000000Z",'
        '"window_end":"2011-11-22T22:15:00.000000Z","order_count":3,"total_revenue":3.51,"total_items":6,"unique_users":2,'
        '"average_order_value":1.17}')
    assert name == rows.Writer(plan, {"EUR": 2}).record(1_322_000_040_000, ["EUR"], [1, 1, 1, 1])[2]
    assert [rows.average(*each) for each in [(5, 2), (-5, 2), (4, 3), (0, 0)]] == [3, -3, 1, 0]
    assert [rows.money(*each) for each in [(-5, 2), (1234, 3), (7, 0)]] == ["-0.05", "1.234", "7"]


@pytest.mark.parametrize("given, says", [
    (["--x"], "--x"), ([], "--brokers is required"), (["--brokers=h"], "HOST:PORT"), (["--brokers=h:1"], "--checkpoint-dir is required"),
    (["--brokers=h:1", "--checkpoint-dir=here"], "an address"), (["--every-ms=1"], "100 to 600000"), (["--partitions=0"], "1 to 4096"),
    (["--pipelines=a,a"], "each once"), (["--bigquery=x"], "PROJECT.DATASET"), (["--kafka-option=group.id=x"], "kafka.NAME=VALUE"),
    (["--kafka-option=kafka.group.id=x"], "none of the job's own"), (["--bro=h:1"], "--bro"),
    (["--brokers=h:1", "--checkpoint-dir=gs://b/c", "--no-kafka-results"], "nowhere to write")])
def test_every_argument_is_checked(given, says):
    with pytest.raises(Refusal, match=says.replace(".", r"\.")):
        arguments.read(given)


def test_what_spark_does_not_run_says_why():
    for name, why in (("top_products", "sliding"), ("product_interest", "session"), ("nope", "no pipeline 'nope'")):
        with pytest.raises(Refusal, match=why):
            ALL.plans([name])
    assert len(ALL.plans()) == 9
