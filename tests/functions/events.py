"""Events as AWS documents them (events/*.json), about the objects and messages of a test."""

import base64
import copy
import json
import pathlib
import urllib.parse

FOLDER = pathlib.Path(__file__).parent / "events"


def recorded(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def s3(bucket, key, etag, size, sequencer="", version=None):
    event = recorded("s3_put")
    at = event["Records"][0]["s3"]
    at["bucket"]["name"] = bucket
    at["object"] = {"key": urllib.parse.quote_plus(key, safe="/"), "size": size, "eTag": etag, "sequencer": sequencer}
    if version:
        at["object"]["versionId"] = version
    return event


def sqs(*bodies):
    event = recorded("sqs")
    one = event["Records"][0]
    event["Records"] = []
    for i, body in enumerate(bodies):
        record = copy.deepcopy(one)
        record["messageId"], record["body"] = f"message-{i}", body
        event["Records"].append(record)
    return event


def sns(body):
    event = recorded("sns")
    event["Records"][0]["Sns"]["Message"] = body
    return event


def sns_in_sqs(body):
    event = recorded("sqs_sns")
    envelope = json.loads(event["Records"][0]["body"])
    envelope["Message"] = body
    event["Records"][0]["body"] = json.dumps(envelope)
    return event


def msk(*bodies):
    event = recorded("msk")
    one = event["records"]["orders-0"][0]
    event["records"] = {"orders-0": [{**one, "offset": i, "value": base64.b64encode(body.encode()).decode()}
                                     for i, body in enumerate(bodies)]}
    return event
