"""A shop whose messages go to an SNS topic: what its subscribers get, and settings that cannot be right.

    ./dev test engines -k sns
"""

import json
import os
import re
import subprocess
import urllib.parse
import urllib.request

import pytest

from test_shop import address  # isort: skip: it knows where the next ones are
from shop import ADDRESS, Shop, binary, eventually

ACCOUNT = "123456789012"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "stoalocal", "AWS_SECRET_ACCESS_KEY": "stoalocalsecret"}


def ask(service, **form):
    """The local server finds the service by the signature's scope and does not look at the signature itself."""
    request = urllib.request.Request(address("sns"), urllib.parse.urlencode(form).encode(), headers={
        "Authorization": f"AWS4-HMAC-SHA256 Credential=stoalocal/20260101/us-east-1/{service}/aws4_request, "
                         "SignedHeaders=host, Signature=none",
        "Content-Type": "application/x-www-form-urlencoded"})
    with urllib.request.urlopen(request, timeout=20) as got:
        return got.read().decode()


@pytest.fixture
def topic():
    """A topic with a queue behind it; its ARN and the queue's address."""
    name = f"notifications-{os.getpid()}-{os.urandom(4).hex()}"
    arn = re.search(r"<TopicArn>(.*?)</TopicArn>", ask("sns", Action="CreateTopic", Name=name)).group(1)
    queue = re.search(r"<QueueUrl>(.*?)</QueueUrl>", ask("sqs", Action="CreateQueue", QueueName=name)).group(1)
    ask("sns", Action="Subscribe", TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}")
    return arn, queue


def flags(arn):
    return ["--notifier", "sns", "--sns-topic-arn", arn, "--aws-region", "us-east-1", "--aws-endpoint-url-sns", address("sns")]


def received(queue):
    """What has come since the last time, as SNS wraps it."""
    got = ask("sqs", Action="ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=600)
    bodies = re.findall(r"<Body>(.*?)</Body>", got, re.S)
    return [json.loads(each.replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")) for each in bodies]


def test_what_a_customer_is_told_is_published_once(tmp_path, topic, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    arn, queue = topic
    with Shop(tmp_path / "data", *flags(arn)) as shop:
        product = shop.operator().post("/api/v1/products", {"name": "Mug", "price": 5, "stock": 9}).json["id"]
        customer = shop.customer("ann@example.com")
        made = customer.post("/api/v1/orders", {"items": [{"product_id": product, "quantity": 1}], "shipping_address": ADDRESS,
                                                "payment_method": "credit_card"})
        assert made.status == 201, made
        seen = []

        def told():
            seen.extend(received(queue))
            return [each for each in seen if made.json["id"] in each["Message"] or "paid" in each.get("Subject", "").lower()]

        first = eventually(told, within_s=60, what="a message of the order")[0]
        assert first["TopicArn"] == arn
        assert first["MessageAttributes"]["to"]["Value"] == "ann@example.com"
        assert first["MessageAttributes"]["channel"]["Value"] == "email"
        ids = [each["MessageAttributes"]["message_id"]["Value"] for each in seen]
        assert len(set(ids)) == len(ids), ids
        got = subprocess.run([binary(), "doctor", "--data-dir", str(tmp_path / "data"), *flags(arn)], capture_output=True, text=True,
                             timeout=60)
        assert f"SNS's topic {arn} is there" in got.stdout, got


@pytest.mark.parametrize("changed, told", [
    ({"--sns-topic-arn": ""}, "sns_topic_arn"),
    ({"--sns-topic-arn": "ecommerce-notifications"}, "sns_topic_arn"),
    ({"--aws-region": ""}, "AWS_REGION"),
])
def test_settings_that_cannot_be_right_end_the_start(tmp_path, changed, told):
    given = flags(f"arn:aws:sns:us-east-1:{ACCOUNT}:any")
    given = [changed.get(before, word) for before, word in zip(["", *given], given)]
    got = subprocess.run([binary(), "serve", "--data-dir", str(tmp_path / "data"), "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                          *given], capture_output=True, text=True, timeout=60,
                         env={key: value for key, value in os.environ.items() if not key.startswith("AWS_")})
    assert got.returncode != 0 and told in got.stderr, got


def test_a_topic_that_is_missing_is_told_by_the_doctor(tmp_path, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with Shop(tmp_path / "data"):
        pass
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:nothing-{os.getpid()}"
    got = subprocess.run([binary(), "doctor", "--data-dir", str(tmp_path / "data"), *flags(arn)], capture_output=True, text=True,
                         timeout=60)
    assert got.returncode == 1 and "SNS_TOPIC_ARN" in got.stdout and "WRONG SNS's topic" in got.stdout, got
