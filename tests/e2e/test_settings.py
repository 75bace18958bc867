"""`stoa config`: where settings come from, and what is never shown (R251)."""

import os
import subprocess

from shop import binary

DOCUMENTED = {
    "DB_HOST": "db_host", "DB_PORT": "db_port", "DB_NAME": "db_name", "DB_USER": "db_user", "DB_PASSWORD": "db_password",
    "DATABASE_URL": "database_url", "KAFKA_BOOTSTRAP_SERVERS": "kafka_brokers", "KAFKA_BROKERS": "kafka_brokers",
    "KAFKA_TOPIC": "kafka_raw_topic", "KAFKA_INPUT_TOPIC": "kafka_raw_topic", "KAFKA_OUTPUT_TOPIC": "kafka_results_topic",
    "KAFKA_ORDERS_TOPIC": "kafka_orders_topic", "AWS_REGION": "aws_region", "DYNAMODB_TABLE": "dynamodb_table",
    "AWS_ACCESS_KEY_ID": "aws_access_key_id", "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
    "PRODUCT_API_URL": "product_api_url", "STRIPE_API_KEY": "stripe_api_key", "SNS_TOPIC_ARN": "sns_topic_arn",
    "ORDER_SERVICE_HOST": "order_service_host", "LOG_LEVEL": "log_level",
}
SECRET = {"db_password", "database_url", "aws_access_key_id", "aws_secret_access_key", "stripe_api_key"}


def config(*flags, **environment):
    clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    return subprocess.run([binary(), "config", *flags], capture_output=True, text=True, timeout=30, env=clean | environment)


def value_of(printed, key):
    line = next(line for line in printed.splitlines() if line.startswith(key + " = "))
    return line.split('"')[1], line.split("#", 1)[1]


def test_every_documented_variable_is_understood():
    for name, key in DOCUMENTED.items():
        text = {"DB_PORT": "6543", "LOG_LEVEL": "debug"}.get(name, "some-value")
        got = config(**{name: text})
        assert got.returncode == 0, (name, got.stderr)
        shown, source = value_of(got.stdout, key)
        assert shown == ("****" if key in SECRET else text), name
        assert name in source, name
        if key in SECRET:
            assert text not in got.stdout, "secrets are masked"


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path):
    file = tmp_path / "stoa.toml"
    file.write_text('currency = "EUR"\npayment_minutes = 20\nlog_level = "error"\n')
    got = config("--config", str(file), "--log-level", "debug", STOA_CURRENCY="GBP", LOG_LEVEL="warning").stdout
    assert value_of(got, "payment_minutes")[0] == "20"
    assert value_of(got, "currency")[0] == "GBP"
    assert value_of(got, "log_level")[0] == "debug"


def test_a_typo_is_an_error_that_names_the_right_word():
    for got in (config(STOA_CURENCY="EUR"), config("--curency", "EUR")):
        assert got.returncode == 2
    assert "did you mean `currency`" in config(STOA_CURENCY="EUR").stderr


def test_the_variables_of_the_build_and_the_tests_are_no_settings():
    got = config(STOA_DEV_JOBS="2", STOA_TEST_BINARY="x", STOA_ONLINE_RETAIL="x")
    assert got.returncode == 0, got.stderr
