"""Nothing is called otherwise in one place than in another: the code, the configuration, the manifests, the functions.

Each comparison is made in both directions: what the code needs and the configuration does not give fails, and so does what is
given and no code needs.
"""
import copy
import json
import re
import subprocess

import allowances
import drift
import manifests
import pytest
import schema_check

ENVIRONMENTS = {"dev": "dev-", "prod": ""}


@pytest.fixture(params=ENVIRONMENTS)
def given(request, applied):
    return applied["aws", request.param].state, ENVIRONMENTS[request.param]


def test_the_configuration_reads_what_the_program_says_today(needs):
    kept = json.loads((schema_check.CONFIGURATION / "shop.json").read_text())
    assert kept == needs, "deploy/terraform/shop.json is of another version: ./dev terraform needs writes it again"


def test_tables_have_the_keys_indexes_and_times_to_live_of_the_code(needs, given):
    assert not drift.tables(needs, *given)


def test_buckets_are_those_of_the_code(needs, given):
    assert not drift.buckets(needs, *given)


def test_buckets_of_a_shop_in_googles_cloud_are_those_of_the_code(needs, applied):
    assert not drift.buckets_of_google(needs, applied["gcp", "prod"].state)


def test_roles_may_do_what_the_code_does_and_no_more(needs, given):
    assert not drift.permissions(needs, *given)


def test_roles_have_no_policies_but_their_own_and_use_the_key_through_services(given):
    assert not drift.attached(*given)
    assert not drift.unconditional(given[0])


def test_groups_let_through_who_has_to_come(given):
    assert not drift.unreached(given[0])


def test_topics_are_those_of_the_code(needs, given):
    assert not drift.topics(needs, *given)


@pytest.mark.parametrize("environment", ["dev", "prod", "prod-ingress"])
def test_no_policy_has_a_pattern_for_an_action_or_is_too_long(applied, environment):
    assert not drift.patterns(applied["aws", environment].state)
    assert not drift.too_long(applied["aws", environment].state)


def test_ports_and_variables_are_those_of_the_code(needs, given):
    assert not drift.ports(needs, given[0])
    assert not drift.variables(needs, given[0])


def test_the_program_takes_what_the_configuration_tells_it(program, given):
    told = given[0]["outputs"]["environment"]["value"]
    said = subprocess.run([program, "config"], env=told, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    for name in ("s3_bucket_suffix", "kafka_brokers", "sns_topic_arn", "db_host"):
        assert re.search(rf'^{name} = "[^"]+"', said.stdout, re.M), name


def calls_of(folder, pattern):
    text = "".join(each.read_text() for each in sorted((schema_check.ROOT / "src/adapters" / folder).glob("*.cpp"))
                   if not each.name.endswith("_test.cpp"))
    return set(re.findall(pattern, text))


def declared(needs, service, more=()):
    actions = [action for role in needs["roles"] for grant in role["grants"] for action in grant["actions"]]
    return {action.removeprefix(f"{service}:") for action in [*actions, *more] if action.startswith(f"{service}:")}


def test_dynamodb_is_asked_what_the_code_declares(needs):
    kinds = "(?:Get|Put|Update|Delete|Create|Describe|Batch)[A-Za-z]*(?:Item|Table|ToLive)|TransactWriteItems|Query|Scan"
    made = calls_of("dynamodb", f'"({kinds})"')
    # A transaction is allowed by its parts; tables are dropped by tests alone.
    assert {"TransactWriteItems", "DeleteTable"} <= made
    assert made - {"TransactWriteItems", "DeleteTable"} | {"ConditionCheckItem"} == declared(needs, "dynamodb", needs["making"])


def test_s3_is_asked_what_the_code_declares(needs):
    # What each request of the adapter asks for: https://docs.aws.amazon.com/AmazonS3/latest/API, "Permissions".
    by_request = {
        "GET": {"GetObject", "ListBucket"}, "HEAD": {"GetObject", "ListBucket"}, "PUT": {"PutObject"}, "POST": {"PutObject"},
        "DELETE": {"DeleteObject", "AbortMultipartUpload"},
    }
    made = calls_of("s3", r'call\("([A-Z]+)"')
    assert set().union(*(by_request[each] for each in made)) == declared(needs, "s3")


def test_sns_is_asked_what_the_code_declares(needs):
    made = calls_of("sns", r"Action=([A-Za-z]+)")
    # `stoa doctor` looks at the topic with its user's credentials; the tests make one, and a queue that listens.
    assert made - {"GetTopicAttributes", "CreateTopic", "Subscribe"} == declared(needs, "sns")


def test_sqs_is_asked_what_the_code_declares(needs):
    sent = (schema_check.ROOT / "src/adapters/outbox/relay.cpp").read_text()
    assert set(re.findall(r"queues->(\w+)\(", sent)) == {"send"} and declared(needs, "sqs") == {"SendMessage"}


def test_the_jobs_of_the_other_cloud_may_do_what_flink_does_to_what_it_writes(needs, applied):
    assert not allowances.jobs(needs, applied["aws", "prod"].state, "")


# --- the manifests, once there are any

kubernetes = pytest.mark.skipif(not manifests.FOLDER.is_dir(), reason="there is no deploy/kubernetes yet")


@kubernetes
def test_manifests_have_the_ports_and_accounts_of_the_code(needs):
    assert not manifests.ports(needs)
    assert not manifests.accounts(needs)


@kubernetes
def test_manifests_tell_variables_that_the_code_reads(needs):
    assert not manifests.variables(needs)


@kubernetes
def test_manifests_name_the_secrets_of_the_configuration(applied):
    assert not manifests.secrets(applied["aws", "prod"].state)
    assert not manifests.secrets_of_google(applied["gcp", "prod"].state)


# Which environment an overlay's cluster is of.
OVERLAYS = {"dev": "dev", "prod": "prod", "prod-ingress": "prod-ingress", "default": "prod", "loadtest": "prod"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_manifests_name_the_roles_of_the_configuration(applied, overlay):
    assert not manifests.roles(applied["aws", OVERLAYS[overlay]].state, overlay)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_manifests_tell_what_the_configuration_gives(applied, overlay):
    assert not manifests.told(applied["aws", OVERLAYS[overlay]].state, overlay)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_reach_the_engines_where_they_stand(applied, overlay):
    assert not manifests.reached(applied["aws", OVERLAYS[overlay]].state, overlay)


@pytest.mark.parametrize("overlay", ["dev", "prod", "prod-ingress"])
def test_there_is_one_balancer_and_it_is_the_overlays(applied, overlay):
    assert not manifests.balancer(applied["aws", OVERLAYS[overlay]].state, overlay)


@pytest.mark.parametrize("compare, words", [
    (manifests.balancer, ["target groups: the code needs ecommerce-alb-gateway"]),
    (manifests.roles, ["arn:aws:iam::111122223333:role/dev-ecommerce-cart-service"]),
    (manifests.told, ["KAFKA_TOPIC_PREFIX: the overlay prod says , Terraform dev-", "S3_BUCKET_PREFIX"]),
    (manifests.reached, ["to-kafka: networks: the code needs 10.0.11.0/24", "10.0.1.0/24 is there, and no code needs it"]),
])
def test_an_overlay_of_another_environment_is_found(applied, compare, words):
    found = "\n".join(compare(applied["aws", "dev"].state, "prod"))
    assert all(each in found for each in words), found


def test_two_balancers_at_once_are_found(applied):
    found = manifests.balancer(applied["aws", "prod"].state, "prod-ingress")
    assert "balancers: Terraform makes {'ecommerce-alb'}, and the Ingress of prod-ingress asks for ecommerce-ingress" in found
    assert "balancers: the controller may not make ecommerce-ingress" in found


def test_brokers_for_jobs_in_the_other_cloud_are_named_by_its_shop(applied):
    """Jobs and a shop on GKE reach the same public brokers, by the port that Terraform opens for SCRAM."""
    there = applied["gcp", "prod"].plan["variables"]["kafka_brokers"]["value"]
    assert manifests.settings("prod-gke")["KAFKA_BOOTSTRAP_SERVERS"] == there
    given = applied["aws", "prod"].state["outputs"]["kafka_edge_brokers"]["value"]
    ports = [{broker.rsplit(":", 1)[1] for broker in each.split(",")} for each in (there, given)]
    assert ports[0] == ports[1] == {"9196"}
    (rule,) = manifests.of_kind("prod-gke", "NetworkPolicy")["to-kafka"]["spec"]["egress"]
    assert {str(each["port"]) for each in rule["ports"]} == ports[0]


# --- the functions

FUNCTIONS = schema_check.ROOT / "deploy/functions"


def test_functions_have_what_they_need_and_no_more(given):
    assert not allowances.functions(FUNCTIONS, *given)


def test_functions_are_called_by_what_the_shop_writes(needs, given):
    assert not allowances.callers(needs, *given)
    assert not allowances.senders(needs, *given)


def test_lambda_may_do_with_a_functions_role_what_its_callers_need(given):
    assert not allowances.hosts(*given)


# --- the check's own check: a difference that is put in is found, in either direction

def changed(needs, change):
    out = copy.deepcopy(needs)
    change(out)
    return out


PLANTED = {
    "a table that is not made": (drift.tables, lambda n: n["tables"].append({"name": "new", "hash": "id", "numbers": [], "indexes": []})),
    "a table that nobody needs": (drift.tables, lambda n: n["tables"].pop()),
    "a key of another name": (drift.tables, lambda n: n["tables"][0].update(hash="other")),
    "a key of another type": (drift.tables, lambda n: n["tables"][0].update(numbers=[n["tables"][0]["hash"]])),
    "a time to live of another attribute": (drift.tables, lambda n: n["tables"][0].update(ttl="gone_at")),
    "an index that is not there": (drift.tables, lambda n: n["tables"][0]["indexes"].append({"name": "by_x", "hash": "x"})),
    "a bucket that is not made": (drift.buckets, lambda n: n["buckets"].append("more")),
    "a bucket that nobody needs": (drift.buckets, lambda n: n["buckets"].pop()),
    "a topic of another name": (drift.topics, lambda n: n["topics"][0].update(name="renamed")),
    "an action that is not allowed": (drift.permissions, lambda n: n["roles"][4]["grants"][0]["actions"].append("dynamodb:Scan")),
    "an action that no code uses": (drift.permissions, lambda n: n["roles"][4]["grants"][0]["actions"].pop()),
    "a resource that no code uses": (drift.permissions, lambda n: n["roles"][4]["grants"][0]["resources"].pop()),
    "an account that has no role": (drift.permissions, lambda n: n["roles"][4].update(service_account="renamed")),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_difference_is_found(needs, applied, what):
    compare, change = PLANTED[what]
    assert compare(changed(needs, change), applied["aws", "prod"].state, ""), what


def test_a_planted_port_or_variable_is_found(needs, applied):
    state = applied["aws", "prod"].state
    assert drift.ports(changed(needs, lambda n: n["roles"][0].update(http_port=1)), state)
    gone = changed(needs, lambda n: n.update(variables=[each for each in n["variables"] if each["name"] != "S3_BUCKET_SUFFIX"]))
    assert drift.variables(gone, state)


def rewritten(found, kind, change):
    """The policies of that kind, as `change` of their text."""
    key = {"aws_iam_role_policy": "policy", "aws_iam_role": "assume_role_policy"}[kind]
    for _, values in found[kind]:
        values[key] = change(values[key])


# {what: (which comparison, a change of prod's applied resources)}
LOST = {
    "a whole policy of AWS' for the shop": (lambda needs, state: drift.attached(state, ""), lambda found: found["aws_iam_role_policy_attachment"].append(
        ("planted", {"role": "ecommerce-cart-service", "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}))),
    "a policy that nodes need": (lambda needs, state: drift.attached(state, ""), lambda found: next(
        each for _, each in found["aws_iam_role_policy_attachment"] if "CNI" in each["policy_arn"]).update(role="other")),
    "writing for who reads secrets": (lambda needs, state: drift.permissions(needs, state, ""), lambda found: rewritten(
        found, "aws_iam_role_policy", lambda text: text.replace('"secretsmanager:DescribeSecret"', '"secretsmanager:DescribeSecret","secretsmanager:PutSecretValue"'))),
    "a key without its service": (lambda needs, state: drift.unconditional(state), lambda found: rewritten(found, "aws_iam_role_policy", lambda text: text.replace("kms:ViaService", "kms:Other"))),
    "a token that was made for others": (lambda needs, state: drift.unconditional(state), lambda found: rewritten(found, "aws_iam_role", lambda text: text.replace(":aud", ":other"))),
    "the way to the database": (lambda needs, state: drift.unreached(state), lambda found: next(
        each for address, each in found["aws_vpc_security_group_ingress_rule"] if address.startswith("module.database.")).update(to_port=5433)),
    "the functions' way to Kafka": (lambda needs, state: drift.unreached(state), lambda found: next(
        each for address, each in found["aws_vpc_security_group_egress_rule"] if address.endswith(".functions_kafka")).update(to_port=9094)),
}


@pytest.mark.parametrize("what", LOST)
def test_what_is_lost_or_too_much_around_a_policy_is_found(needs, applied, what):
    compare, change = LOST[what]
    state = copy.deepcopy(applied["aws", "prod"].state)
    assert not compare(needs, state)
    # Lists of a state's own parts: what is added to them is added to a copy.
    found = drift.resources(state)
    change(found)
    extra = [values for address, values in found.get("aws_iam_role_policy_attachment", []) if address == "planted"]
    state["root_module"].setdefault("resources", []).extend(
        {"mode": "managed", "type": "aws_iam_role_policy_attachment", "address": "planted", "values": values} for values in extra)
    assert compare(needs, state), what


# Of prod's applied state: {what: (which comparison, the policy's address, a change of its first statement that has the action)}
POLICIES = {
    "an action of a function that no code uses": ("functions", 'module.function["product-import"].aws_iam_role_policy.program[0]', "s3:GetObject", lambda s: s["Action"].append("s3:DeleteObject")),
    "an action of a function that is missing": ("functions", 'module.function["product-import"].aws_iam_role_policy.program[0]', "s3:GetObject", lambda s: s["Action"].remove("s3:GetObject")),
    "another bucket of a function": ("functions", 'module.function["product-import"].aws_iam_role_policy.program[0]', "s3:GetObject",
                                     lambda s: s["Resource"].append("arn:aws:s3:::ecommerce-order-documents-111122223333/*")),
    "another table of a function": ("functions", 'module.function["ecommerce-notification"].aws_iam_role_policy.program[0]', "dynamodb:GetItem",
                                    lambda s: s.update(Resource=[each.replace("ecommerce-notifications", "ecommerce-orders") for each in s["Resource"]])),
    "a secret of somebody else": ("functions", 'module.function["product-import"].aws_iam_role_policy.program[0]', "secretsmanager:GetSecretValue",
                                  lambda s: s.update(Resource=[each.replace("product-api-key", "signing-keys") for each in s["Resource"]])),
    "a topic that calls nobody": ("hosts", 'module.function["ecommerce-notification"].aws_iam_role_policy.host', "kafka-cluster:ReadData",
                                  lambda s: s["Resource"].append(s["Resource"][0].replace("/orders", "/payment.failed"))),
    "an action of a host that is missing": ("hosts", 'module.function["ecommerce-notification"].aws_iam_role_policy.host', "sqs:ReceiveMessage", lambda s: s["Action"].remove("sqs:DeleteMessage")),
    "the network for a function outside it": ("hosts", 'module.function["product-import"].aws_iam_role_policy.host', "sqs:SendMessage",
                                              lambda s: s.update(Action=["ec2:CreateNetworkInterface"], Resource=["*"])),
    "objects that jobs do not write": ("jobs", "aws_iam_role_policy.jobs[0]", "s3:PutObject", lambda s: s["Resource"].append("arn:aws:s3:::ecommerce-product-images-111122223333/*")),
    "reading for jobs": ("jobs", "aws_iam_role_policy.jobs[0]", "s3:PutObject", lambda s: s["Action"].append("s3:GetObject")),
    "a table that jobs do not write": ("jobs", "aws_iam_role_policy.jobs[0]", "dynamodb:BatchWriteItem", lambda s: s["Resource"].append(s["Resource"][0].replace("analytics", "orders"))),
    "a table that jobs need": ("jobs", "aws_iam_role_policy.jobs[0]", "dynamodb:BatchWriteItem", lambda s: s["Resource"].pop()),
}


def compared(which, needs, state):
    return {"functions": lambda: allowances.functions(FUNCTIONS, state, ""), "hosts": lambda: allowances.hosts(state, ""),
            "jobs": lambda: allowances.jobs(needs, state, ""), "callers": lambda: allowances.callers(needs, state, "") + allowances.senders(needs, state, "")}[which]()


@pytest.mark.parametrize("what", POLICIES)
def test_a_planted_permission_is_found(needs, applied, what):
    which, address, action, change = POLICIES[what]
    state = copy.deepcopy(applied["aws", "prod"].state)
    (values,) = [each for at, each in drift.resources(state)["aws_iam_role_policy"] if at == address]
    policy = json.loads(values["policy"])
    change(next(each for each in policy["Statement"] if action in each["Action"]))
    values["policy"] = json.dumps(policy)
    assert compared(which, needs, state), what


@pytest.mark.parametrize("change", [
    lambda found, state: found["aws_lambda_event_source_mapping"].__getitem__(0)[1].update(event_source_arn="arn:aws:sqs:us-east-1:111122223333:other"),
    lambda found, state: [values.update(source_arn="arn:aws:s3:::other") for _, values in found["aws_lambda_permission"]],
    lambda found, state: state["outputs"]["environment"]["value"].pop("SQS_QUEUE_URL"),
    lambda found, state: [values.update(policy=values["policy"].replace("sqs:SendMessage", "sqs:GetQueueUrl")) for address, values in found["aws_iam_role_policy"] if "order-service" in address],
])
def test_a_planted_caller_or_a_queue_without_a_sender_is_found(needs, applied, change):
    state = copy.deepcopy(applied["aws", "prod"].state)
    change(drift.resources(state), state)
    assert compared("callers", needs, state)


@pytest.mark.parametrize("statement", [
    {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::x"]},
    {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]},
    {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "x", "Principal": "*"},
])
def test_a_planted_pattern_is_found(statement):
    policy = {"address": "x", "mode": "managed", "type": "aws_iam_role_policy", "values": {"policy": json.dumps({"Statement": [statement]})}}
    assert drift.patterns({"root_module": {"resources": [policy]}})
