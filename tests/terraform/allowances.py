"""What functions and the jobs of the other cloud may do, action by action and thing by thing, against their programs; see drift.

A function's program says its variables and actions (deploy/functions/NAME/requirements.json). What it does them to is said here,
and compared with its policy pair by pair; what Lambda itself needs of its role follows from what calls it.
"""
import json
import re
from pathlib import Path

import drift
import facts
import schema_check

KEY_ACTIONS = {"kms:Decrypt", "kms:GenerateDataKey"}  # of what is encrypted, not of the program
FLINK = schema_check.ROOT / "analytics/flink/src/main/java/stoa/analytics"


def sqs(prefix, name):
    return f"{drift.ARN.format(service='sqs')}{prefix}{name}"


def topic(prefix, name):
    return f"{drift.ARN.format(service='kafka')}topic/{prefix}{drift.KAFKA}/{prefix}{name}"


def cluster(prefix):
    return f"{drift.ARN.format(service='kafka')}cluster/{prefix}{drift.KAFKA}"


def bucket(prefix, name):
    return f"arn:aws:s3:::{prefix}{name}-{facts.ACCOUNT}"


def works_on(name, prefix):
    """{action: the one thing that a function's program does it to}"""
    pictures = bucket(prefix, "ecommerce-product-images")
    return {
        "product-import": {
            "s3:GetObject": bucket(prefix, "ecommerce-products") + "/*",
            "s3:PutObject": bucket(prefix, "ecommerce-products") + "/*",
            "secretsmanager:GetSecretValue": f"{drift.ARN.format(service='secretsmanager')}secret:{prefix}ecommerce/product-api-key-AbCdEf",
        },
        "ecommerce-notification": {
            "dynamodb:GetItem": f"{drift.ARN.format(service='dynamodb')}table/{prefix}ecommerce-notifications",
            "dynamodb:PutItem": f"{drift.ARN.format(service='dynamodb')}table/{prefix}ecommerce-notifications",
            "sns:Publish": f"{drift.ARN.format(service='sns')}{prefix}ecommerce-notifications",
            "sqs:SendMessage": sqs(prefix, "ecommerce-notification"),
        },
        "product-image-processor": {
            "s3:GetObject": pictures + "/*", "s3:PutObject": pictures + "/*", "s3:ListBucket": pictures,
            "kafka-cluster:Connect": cluster(prefix), "kafka-cluster:DescribeCluster": cluster(prefix),
            "kafka-cluster:WriteDataIdempotently": cluster(prefix),
            "kafka-cluster:DescribeTopic": topic(prefix, "product-images.processed"), "kafka-cluster:WriteData": topic(prefix, "product-images.processed"),
        },
    }[name]


def policies_of(state, name):
    """{program, host: what that policy of the function's role allows}"""
    out = {"program": set(), "host": set()}
    for address, values in drift.resources(state)["aws_iam_role_policy"]:
        which = re.search(r"\.(program|host)(\[0\])?$", address)
        if which and values["role"] == f"{name}-function":
            out[which[1]] |= drift.allowed_by_policy(values["policy"])
    return out


def made_functions(state, prefix):
    return {values["function_name"].removeprefix(prefix): values for _, values in drift.resources(state).get("aws_lambda_function", [])}


def functions(folder, state, prefix):
    """Variables, actions and things of each function."""
    made = made_functions(state, prefix)
    named = {each.parent.name: json.loads(each.read_text()) for each in sorted(Path(folder).glob("*/requirements.json"))}
    out = drift.differences("functions", set(), set(made) - set(named))
    for name, values in made.items():
        if name not in named:
            continue
        told = {key for block in values["environment"] for key in block["variables"] or {}}
        out += drift.differences(f"{name}: variables", set(named[name]["environment"]), told)
        does = works_on(name, prefix)
        out += drift.differences(f"{name}: actions", set(named[name]["permissions"]) - KEY_ACTIONS, set(does))
        wanted = set(does.items()) | {(action, drift.KEY) for action in KEY_ACTIONS}
        out += drift.differences(name, wanted, policies_of(state, prefix + name)["program"])
    return out


def calls(state):
    """{function: {(what calls it, as an ARN; the topics)}}"""
    out = {}
    found = drift.resources(state)
    for _, values in found.get("aws_lambda_event_source_mapping", []):
        out.setdefault(values["function_name"].rsplit(":", 1)[1], set()).add((values["event_source_arn"], tuple(values["topics"] or ())))
    for _, values in found.get("aws_lambda_permission", []):
        out.setdefault(values["function_name"], set()).add((values["source_arn"], ()))
    return out


def callers(needs, state, prefix):
    """What calls each function: the bucket, the queue and the topic that the code writes, and nothing else."""
    assert "orders" in {each["name"] for each in needs["topics"]} and "ecommerce-product-images" in needs["buckets"]
    wanted = {
        "product-import": {(bucket(prefix, "ecommerce-products"), ())},
        "product-image-processor": {(bucket(prefix, "ecommerce-product-images"), ())},
        "ecommerce-notification": {(sqs(prefix, "ecommerce-order-notifications"), ()), (cluster(prefix), (f"{prefix}orders",))},
    }
    found = calls(state)
    return [each for name in made_functions(state, prefix)
            for each in drift.differences(f"{name}: callers", wanted[name], found.get(prefix + name, set()))]


def senders(needs, state, prefix):
    """A queue that calls a function is one that some role of the shop sends to, and the shop is told its address."""
    out = []
    for name, some in calls(state).items():
        for source, _ in some:
            if ":sqs:" not in source:
                continue
            may = {role for role, allowed in drift.policies(state).items() if ("sqs:SendMessage", source) in allowed and not role.endswith("-function")}
            shop = {f"{prefix}ecommerce-{role['service_account']}" for role in needs["roles"] for grant in role["grants"] if "sqs:SendMessage" in grant["actions"]}
            if not shop:
                out.append(f"{name}: nobody sends to {source}")
            out += drift.differences(f"{source}: senders", shop, may)
            address = state["outputs"]["environment"]["value"].get("SQS_QUEUE_URL", "")
            if not address.endswith("/" + source.rsplit(":", 1)[1]):
                out.append(f"{name}: the shop is told to send to {address or 'nothing'}, and not to {source}")
    return out


def hosts(state, prefix):
    """What Lambda does with the role: its log, its dead letters, its place in the network, and its callers; no more."""
    found = drift.resources(state)
    out = []
    for name, values in made_functions(state, prefix).items():
        wanted = {(action, f"{drift.ARN.format(service='logs')}log-group:/aws/lambda/{prefix}{name}:log-stream:*") for action in ("logs:CreateLogStream", "logs:PutLogEvents")}
        wanted.add(("sqs:SendMessage", sqs(prefix, name)))
        network = {"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}
        # As AWSLambdaVPCAccessExecutionRole, AWS' own for it.
        needed = network | {"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"} if values["vpc_config"] and values["vpc_config"][0]["subnet_ids"] else set()
        for _, each in found["aws_lambda_event_source_mapping"]:
            if each["function_name"].rsplit(":", 1)[1] != prefix + name:
                continue
            source = each["event_source_arn"]
            if ":sqs:" in source:
                wanted |= {(f"sqs:{action}", source) for action in ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage")}
                continue
            group = each["amazon_managed_kafka_event_source_config"][0]["consumer_group_id"]
            wanted |= {(f"kafka:{action}", source) for action in ("DescribeClusterV2", "GetBootstrapBrokers")}
            wanted |= {(f"kafka-cluster:{action}", source) for action in ("Connect", "DescribeClusterDynamicConfiguration")}
            wanted |= {(f"kafka-cluster:{action}", f"{source.replace(':cluster/', ':topic/')}/{one}") for one in each["topics"] for action in ("DescribeTopic", "ReadData")}
            wanted |= {(f"kafka-cluster:{action}", f"{source.replace(':cluster/', ':group/')}/{group}") for action in ("AlterGroup", "DescribeGroup")}
            needed |= network | {"ec2:DescribeSecurityGroups", "ec2:DescribeVpcs"}
        wanted |= {(action, "*") for action in needed}
        out += drift.differences(f"{name}: host", wanted, policies_of(state, prefix + name)["host"])
    return out


# What a job asks AWS for: a method of a client, and the folder or table beside it.
CALLS = {"batchWriteItem": "dynamodb:BatchWriteItem", "putObject": "s3:PutObject"}


def allowed_by_jobs(needs, prefix):
    """From Flink's sources: which clients are asked what, and the tables that its rows go to."""
    text = {each.name: each.read_text() for each in sorted(FLINK.glob("*.java"))}
    asked = {each for name in ("DynamoSink.java", "Objects.java") for each in re.findall(r"client\.(\w+)\(", text[name])} - {"close"}
    assert asked == set(CALLS), asked
    tables = {each for each in re.findall(r'"(ecommerce-[a-z-]+)"', "".join(text.values()))} & {each["name"] for each in needs["tables"]}
    results = json.loads((schema_check.ROOT / "analytics/pipelines.json").read_text())
    assert any(each["results"].get("object") for each in results["pipelines"]), "some results are objects"
    out = {("dynamodb:BatchWriteItem", f"{drift.ARN.format(service='dynamodb')}table/{prefix}{each}") for each in tables}
    out.add(("s3:PutObject", bucket(prefix, "ecommerce-analytics-results") + "/*"))
    return out | {(action, drift.KEY) for action in KEY_ACTIONS}


def jobs(needs, state, prefix):
    return drift.differences("jobs", allowed_by_jobs(needs, prefix), drift.policies(state).get(f"{prefix}ecommerce-jobs", set()))
