"""What becomes of an order is told once a channel, whichever way its event came and however often."""

import json
import os
import pathlib
import uuid

import events
import pytest

from conftest import amazon, engine
from runtime_api import Function


@pytest.fixture
def table():
    """A prefix with the table behind it."""
    prefix = f"t{uuid.uuid4().hex[:10]}-"
    amazon("dynamodb").create_table(
        TableName=prefix + "ecommerce-notifications", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "event_id", "KeyType": "HASH"}, {"AttributeName": "channel", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("event_id", "channel")])
    return prefix


@pytest.fixture
def topic():
    """A topic's ARN, and what its one subscriber has got so far."""
    name = f"told-{uuid.uuid4().hex[:10]}"
    arn = amazon("sns").create_topic(Name=name)["TopicArn"]
    queue = amazon("sqs", at="sns").create_queue(QueueName=name)["QueueUrl"]
    amazon("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:123456789012:{name}")
    got = []

    def received():
        sqs = amazon("sqs", at="sns")
        while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for each in found:
                got.append(json.loads(each["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
        return got
    return arn, received


@pytest.fixture
def notifier(notification_root, tmp_path, table, topic):
    def make(**environment):
        return Function(notification_root, "ecommerce-notification", {
            "SNS_TOPIC_ARN": topic[0], "DYNAMODB_TABLE_PREFIX": table, "AWS_ENDPOINT_URL_DYNAMODB": engine("dynamodb"),
            "AWS_ENDPOINT_URL_SNS": engine("sns"), "AWS_ENDPOINT_URL_SQS": engine("sqs"), **environment}, tmp_path)
    return make


def order(kind="order.paid", **more):
    event = json.loads(events.recorded("sqs")["Records"][0]["body"])
    event.update(id=str(uuid.uuid4()), event_type=kind, **more)
    return event


def records(table, event):
    found = amazon("dynamodb").query(TableName=table + "ecommerce-notifications", KeyConditionExpression="event_id = :e",
                                     ExpressionAttributeValues={":e": {"S": event["id"]}})["Items"]
    return {each["channel"]["S"]: {name: next(iter(value.values())) for name, value in each.items()} for each in found}


@pytest.mark.parametrize("way", ["sqs", "sns", "sns_in_sqs", "msk"])
def test_each_way_of_an_event_tells_it_once(notifier, table, topic, way):
    event = order()
    wrapped = getattr(events, way)(json.dumps(event))
    with notifier() as one:
        for _ in range(3):
            assert one.call(wrapped)[0] == "response", one.said()
        status = pathlib.Path(f"/proc/{one.process.pid}/status").read_text()
        assert int(status.split("VmHWM:")[1].split()[0]) <= 30_000  # kB, after real work
        assert one.counted() == {("notifications_total", "ecommerce-notification", "sent"): 1}
    with notifier() as again:  # a new process knows it, too
        assert again.call(events.sqs(json.dumps(event))) == ("response", {"batchItemFailures": []})
    told = topic[1]()
    assert [each["Subject"] for each in told] == ["Stoa: Your payment has been received"]
    assert told[0]["MessageAttributes"]["message_id"]["Value"] == event["id"] + ".email"
    found = records(table, event)
    assert list(found) == ["email"] and found["email"]["status"] == "sent" and found["email"]["order_id"] == event["order_id"]


def test_events_of_one_order_out_of_order_are_told_each_once(notifier, table, topic):
    kinds = ["order.delivered", "order.paid", "order.shipped", "order.created"]
    all_of_them = [order(kind) for kind in kinds]
    with notifier() as one:
        for batch in (all_of_them, list(reversed(all_of_them)), all_of_them[1:3]):
            assert one.call(events.sqs(*map(json.dumps, batch))) == ("response", {"batchItemFailures": []})
    assert len(topic[1]()) == 4
    assert all(records(table, each)["email"]["status"] == "sent" for each in all_of_them)


def test_two_processes_at_once_tell_it_once(notifier, topic):
    event = events.sqs(json.dumps(order()))
    with notifier() as one, notifier() as other:
        for each in (one, other):
            each.begin(event)
        answers = [each.answer()[2] for each in (one, other)]
    assert len(topic[1]()) == 1
    assert {"batchItemFailures": []} in answers


def test_text_messages_need_a_number_and_mails_an_address(notifier, table, topic):
    reached, unknown = order(phone="+4915112345678"), order()
    with notifier(NOTIFICATION_CHANNELS="email,sms") as one:
        assert one.call(events.sqs(json.dumps(reached), json.dumps(unknown))) == ("response", {"batchItemFailures": []}), one.said()
    assert records(table, reached)["sms"]["status"] == "sent" and records(table, reached)["email"]["status"] == "sent"
    assert records(table, unknown)["sms"]["status"] == "skipped" and records(table, unknown)["sms"]["reason"] == "no_phone"
    assert len(topic[1]()) == 2


def test_mails_by_a_mail_server(notifier, table):
    event = order(email=f"ann-{uuid.uuid4().hex[:8]}@example.com")
    with notifier(SMTP_URL="smtp://" + os.environ["STOA_TEST_SMTP"].removeprefix("smtp://"), MAIL_FROM="shop@example.com") as one:
        for _ in range(2):
            assert one.call(events.sqs(json.dumps(event))) == ("response", {"batchItemFailures": []}), one.said()
        refused = order(email="nobody@example.com")
        assert one.call(events.sqs(json.dumps(refused))) == ("response", {"batchItemFailures": []})
        later = order(email="full@example.com")
        assert one.call(events.sqs(json.dumps(later))) == ("response", {"batchItemFailures": [{"itemIdentifier": "message-0"}]})
    folder = pathlib.Path(os.environ["STOA_TEST_SMTP_DIR"]) / "mail"
    mails = [each.read_text(errors="replace") for each in folder.iterdir()]
    assert sum(event["email"] in each for each in mails) == 1
    assert records(table, refused)["email"]["status"] == "failed"
    assert records(table, later)["email"]["status"] == "pending"


def test_what_is_no_order_event_fails_alone_and_stops_no_partition(notifier, topic):
    queue = amazon("sqs").create_queue(QueueName=f"dead-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    good = order()
    with notifier(DEAD_LETTER_QUEUE_URL=queue) as one:
        kind, body = one.call(events.sqs("no order", json.dumps(good), "{}"))
        assert kind == "response" and [each["itemIdentifier"] for each in body["batchItemFailures"]] == ["message-0", "message-2"]
        assert one.call(events.msk("no order", json.dumps(order())))[0] == "response"
    assert len(topic[1]()) == 2
    dead = amazon("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [each["Body"] for each in dead] == ["no order"]
    with notifier() as one:
        kind, body = one.call(events.msk("no order"))
        assert kind == "error" and body["errorType"] == "no_order_event" and "orders-0@0" in body["errorMessage"]


def test_what_was_not_remembered_is_told_again_under_the_same_id(notifier, table, topic):
    """Killed between sending and remembering, or before sending: who comes later waits for the time that the first had."""
    event = order()
    with notifier() as one:
        assert one.call(events.sqs(json.dumps(event)))[0] == "response"
    # As it stands when the process died right after the claim.
    amazon("dynamodb").update_item(TableName=table + "ecommerce-notifications", Key={"event_id": {"S": event["id"]}, "channel": {"S": "email"}},
                                   UpdateExpression="SET #s = :p, due_at = :d", ExpressionAttributeNames={"#s": "status"},
                                   ExpressionAttributeValues={":p": {"S": "pending"}, ":d": {"S": "2099-01-01T00:00:00.000000Z"}})
    with notifier() as one:
        assert one.call(events.sqs(json.dumps(event)))[1] == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
        amazon("dynamodb").update_item(TableName=table + "ecommerce-notifications", Key={"event_id": {"S": event["id"]}, "channel": {"S": "email"}},
                                       UpdateExpression="SET due_at = :d", ExpressionAttributeValues={":d": {"S": "2020-01-01T00:00:00.000000Z"}})
        assert one.call(events.sqs(json.dumps(event))) == ("response", {"batchItemFailures": []})
    told = topic[1]()
    assert [each["MessageAttributes"]["message_id"]["Value"] for each in told] == [event["id"] + ".email"] * 2
    assert records(table, event)["email"]["status"] == "sent"


def test_engines_that_are_away_bring_the_event_back(notifier, topic):
    with notifier(AWS_ENDPOINT_URL_DYNAMODB="http://127.0.0.1:9") as one:
        kind, body = one.call(events.msk(json.dumps(order())))
        assert kind == "error" and body["errorType"].startswith("aws_"), body
    assert not topic[1]()
