"""`stoa config`: where settings come from, and what is never shown (R251)."""

import email
import email.policy
import mailbox
import os
import subprocess

import pytest

from shop import ADDRESS, Shop, binary, eventually

DOCUMENTED = {
    "DB_HOST": "db_host", "DB_PORT": "db_port", "DB_NAME": "db_name", "DB_USER": "db_user", "DB_PASSWORD": "db_password",
    "DATABASE_URL": "database_url", "KAFKA_BOOTSTRAP_SERVERS": "kafka_brokers", "KAFKA_BROKERS": "kafka_brokers",
    "KAFKA_TOPIC": "kafka_raw_topic", "KAFKA_INPUT_TOPIC": "kafka_raw_topic", "KAFKA_OUTPUT_TOPIC": "kafka_results_topic",
    "KAFKA_ORDERS_TOPIC": "kafka_orders_topic", "AWS_REGION": "aws_region", "DYNAMODB_TABLE": "dynamodb_table",
    "AWS_ACCESS_KEY_ID": "aws_access_key_id", "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
    "PRODUCT_API_URL": "product_api_url", "STRIPE_API_KEY": "stripe_api_key", "SNS_TOPIC_ARN": "sns_topic_arn",
    "SQS_QUEUE_URL": "sqs_queue_url",
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


REMOTE = {"STOA_SQL": "postgres", "STOA_KEY_VALUE": "postgres", "STOA_EVENT_LOG": "kafka", "DATABASE_URL": "postgres://shop@127.0.0.1:1/shop",
          "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "AWS_REGION": "eu-west-1"}


@pytest.mark.parametrize("environment, says", [
    ({"SQS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/orders"}, "goes with event_log = kafka"),
    ({**REMOTE, "SQS_QUEUE_URL": "orders"}, "must be a queue's address"),
    ({**REMOTE, "SQS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/orders", "AWS_REGION": ""}, "AWS_REGION is not set"),
])
def test_a_queue_that_no_event_can_go_to_is_refused(tmp_path, environment, says):
    clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    got = subprocess.run([binary(), "serve", "--data-dir", str(tmp_path / "data"), "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                         capture_output=True, text=True, timeout=30, env=clean | environment)
    assert got.returncode != 0 and says in got.stderr, got


def test_the_variables_of_the_build_and_the_tests_are_no_settings():
    got = config(STOA_DEV_JOBS="2", STOA_TEST_BINARY="x", STOA_ONLINE_RETAIL="x")
    assert got.returncode == 0, got.stderr


@pytest.mark.parametrize("key", ["reset_url", "verify_url"])
@pytest.mark.parametrize("wrong", ["shop.example/reset", "ftp://shop.example/", "javascript:alert(1)", "http://", "https:///reset",
                                   "https://shop.example/a b", "https://shop.example/\r\nBcc: x", 'https://shop.example/"',
                                   "//shop.example/", "https://?token="])
def test_a_link_that_no_mail_can_carry_is_refused(key, wrong):
    got = config("--" + key.replace("_", "-"), wrong)
    assert got.returncode == 2 and key in got.stderr and "https://shop.example/" in got.stderr, got
    assert config(**{"STOA_" + key.upper(): wrong}).returncode == 2, "whatever it comes from"


@pytest.mark.parametrize("good", ["https://shop.example/reset?token=", "http://127.0.0.1:3000/#/reset/", ""])
def test_a_link_is_a_web_address_or_nothing(good):
    got = config("--reset-url", good, "--verify-url", good)
    assert got.returncode == 0, got.stderr
    assert value_of(got.stdout, "reset_url")[0] == value_of(got.stdout, "verify_url")[0] == good


@pytest.mark.parametrize("wrong", ["", " Agora", "Agora ", "Agora\r\nBcc: all@example.com", "Agora\n", "a" * 101])
def test_a_name_that_no_subject_line_can_carry_is_refused(wrong):
    got = config("--shop-name", wrong)
    assert got.returncode == 2 and "shop_name" in got.stderr, got


def mails(shop):
    """(subject, text) of all that was sent."""
    box = mailbox.mbox(os.path.join(shop.data_dir, "mailbox.mbox"),
                       factory=lambda file: email.message_from_binary_file(file, policy=email.policy.default), create=False)
    try:
        return [(mail["Subject"], mail.get_content()) for mail in box]
    except mailbox.NoSuchMailboxError:
        return []
    finally:
        box.close()


def mail_of(shop, word):
    """The mail whose subject has the word, when it has come."""
    return eventually(lambda: next((mail for mail in mails(shop) if word in mail[0]), None), what=f"a mail about {word}")


def link_in(text, prefix):
    line, = [line for line in text.splitlines() if line.startswith(prefix)]
    return line[len(prefix):]


def test_messages_carry_the_shops_name_and_links_that_work(tmp_path):
    reset, verify = "https://agora.example/reset?token=", "https://agora.example/#/verify/"
    with Shop(tmp_path / "data", "--rate-login-burst", "0", "--shop-name", "Agora & Söhne", "--reset-url", reset,
              "--verify-url", verify) as shop:
        customer = shop.customer("someone@example.com")
        subject, text = mail_of(shop, "Confirming")
        assert subject.startswith("Agora & Söhne: ") and text.rstrip().endswith("Agora & Söhne")
        confirmed = customer.post("/api/v1/auth/verify-email", {"token": link_in(text, verify)})
        assert confirmed.status in (200, 204), confirmed

        assert shop.client().post("/api/v1/auth/password-reset", {"email": "someone@example.com"}).status in (200, 202, 204)
        subject, text = mail_of(shop, "new password")
        assert subject.startswith("Agora & Söhne: ")
        changed = shop.client().post("/api/v1/auth/password-reset/confirm",
                                     {"token": link_in(text, reset), "new_password": "battery staple 7"})
        assert changed.status in (200, 204), changed
        customer = shop.login("someone@example.com", "battery staple 7")

        product = shop.operator().post("/api/v1/products", {"name": "Mug", "price": 10, "stock": 5}).json
        placed = customer.post("/api/v1/orders", {"items": [{"product_id": product["id"], "quantity": 1}],
                                                  "shipping_address": ADDRESS, "payment_method": "credit_card"})
        assert placed.status == 201, placed
        path = f"/api/v1/orders/{placed.json['id']}/invoice"
        invoice = eventually(lambda: (got := customer.get(path)).status == 200 and got, what="the invoice")
        assert "Agora & Söhne" in invoice.body.decode()
        assert mail_of(shop, "payment has been received")[0].startswith("Agora & Söhne: ")
        assert shop.client().get("/openapi.json").json["info"]["title"] == "Agora & Söhne", "the API page's heading"
        assert shop.client().get("/api/v1/shop").json["name"] == "Agora & Söhne"


def test_without_a_link_the_mail_shows_the_token_alone(tmp_path):
    with Shop(tmp_path / "data", "--rate-login-burst", "0") as shop:
        shop.customer("someone@example.com")
        shop.client().post("/api/v1/auth/password-reset", {"email": "someone@example.com"})
        subject, text = mail_of(shop, "new password")
        assert subject.startswith("Stoa: ") and "http" not in text
        changed = shop.client().post("/api/v1/auth/password-reset/confirm",
                                     {"token": link_in(text, "Reset code: "), "new_password": "battery staple 7"})
        assert changed.status in (200, 204), changed
