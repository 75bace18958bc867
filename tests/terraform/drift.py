"""What the code says it needs, and what the configuration gives: the differences, as sentences. Empty: none.

Everything is derived a second time here, from names and from how ARNs are written, so that a mistake in the configuration's
own expressions is a difference, too.
"""
import json
import re
from pathlib import Path

import facts
import schema_check

PROJECT = "ecommerce"
ARN = f"arn:aws:{{service}}:{facts.REGION}:{facts.ACCOUNT}:"
KAFKA = f"{PROJECT}-kafka/0a1b2c3d-0000-0000-0000-000000000000-1"
KEY = f"arn:aws:schema-check:{facts.REGION}:{facts.ACCOUNT}:aws_kms_key/none"
# Buckets that functions read and write, and that Terraform itself needs.
BUCKETS_OF_FUNCTIONS = {"ecommerce-products"}
BUCKETS_OF_TERRAFORM = {"ecommerce-functions", "ecommerce-logs"}
BUCKET_OF_LOKI = "ecommerce-loki"
# Services whose data is under the shop's key: who uses them uses the key through them.
UNDER_THE_KEY = ("dynamodb", "s3", "sns", "sqs")


def resources(state):
    """Every resource of a state or of a plan's values: {type: [(address, values)]}."""
    out = {}

    def walk(module):
        for each in module.get("resources", []):
            if each["mode"] == "managed":
                out.setdefault(each["type"], []).append((each["address"], each.get("values", {})))
        for child in module.get("child_modules", []):
            walk(child)

    walk(state["root_module"])
    return out


def differences(what, wanted, found):
    out = [f"{what}: the code needs {each}, which is not there" for each in sorted(map(str, wanted - found))]
    return out + [f"{what}: {each} is there, and no code needs it" for each in sorted(map(str, found - wanted))]


def table_of_needs(table):
    numbers = set(table["numbers"])
    keys = {table["hash"], table.get("range")} | {x for i in table["indexes"] for x in (i["hash"], i.get("range"))}
    return (
        table["hash"], table.get("range"), table.get("ttl"),
        tuple(sorted((i["name"], i["hash"], i.get("range") or "") for i in table["indexes"])),
        tuple(sorted((key, "N" if key in numbers else "S") for key in keys - {None})),
    )


def table_of_state(values):
    ttl = [each["attribute_name"] for each in values["ttl"] if each["enabled"]]
    return (
        values["hash_key"], values["range_key"] or None, ttl[0] if ttl else None,
        tuple(sorted((i["name"], i["hash_key"], i["range_key"] or "") for i in values["global_secondary_index"])),
        tuple(sorted((each["name"], each["type"]) for each in values["attribute"])),
    )


def tables(needs, state, prefix):
    wanted = {prefix + each["name"]: table_of_needs(each) for each in needs["tables"]}
    found = {values["name"]: table_of_state(values) for _, values in resources(state)["aws_dynamodb_table"]}
    made_up = lambda text: text and text.startswith("aws_dynamodb_table.")  # what the schema provider fills in
    found = {name: tuple(None if isinstance(part, str) and made_up(part) else part for part in each) for name, each in found.items()}
    found = {
        name: (*each[:3], tuple((n, h, "" if made_up(r) else r) for n, h, r in each[3]), each[4]) for name, each in found.items()
    }
    return differences("tables", set(wanted.items()), set(found.items()))


def buckets(needs, state, prefix):
    wanted = set(needs["buckets"]) | BUCKETS_OF_FUNCTIONS | BUCKETS_OF_TERRAFORM
    found = {values["bucket"] for _, values in resources(state)["aws_s3_bucket"]}
    found -= {f"{prefix}{BUCKET_OF_LOKI}-{facts.ACCOUNT}"}  # by choice; the chart's test looks for it
    return differences("buckets", {f"{prefix}{each}-{facts.ACCOUNT}" for each in wanted}, found)


def buckets_of_google(needs, state):
    """With a cluster there: the shop's buckets, beside those of the jobs."""
    of_jobs = {"ecommerce-flink-code", "ecommerce-analytics-results", "ecommerce-dataproc-staging", "ecommerce-dataproc-temp", "ecommerce-access-logs"}
    found = {values["name"] for _, values in resources(state)["google_storage_bucket"]}
    return differences("buckets", {f"{each}-{facts.PROJECT}" for each in set(needs["buckets"]) | of_jobs}, found)


def resource_arns(what, actions, needs, prefix):
    kind, _, name = what.partition("/")
    kafka = f"{ARN.format(service='kafka')}{{}}/{prefix}{KAFKA}"
    if kind == "table":
        arn = f"{ARN.format(service='dynamodb')}table/{prefix}{name}"
        indexed = any(each["name"] == name and each["indexes"] for each in needs["tables"])
        return [arn, arn + "/index/*"] if indexed and "dynamodb:Query" in actions else [arn]
    if kind in ("bucket", "objects"):
        return [f"arn:aws:s3:::{prefix}{name}-{facts.ACCOUNT}" + ("/*" if kind == "objects" else "")]
    if kind in ("topic", "group"):
        return [f"{kafka.format(kind)}/{prefix}{name}"]
    if kind == "cluster":
        return [kafka.format("cluster")]
    if kind == "order-notifications":
        return [f"{ARN.format(service='sqs')}{prefix}{PROJECT}-order-notifications"]
    assert kind == "notifications", what
    return [f"{ARN.format(service='sns')}{prefix}{PROJECT}-notifications"]


def allowed_by_needs(role, needs, prefix):
    out = set()
    for grant in role["grants"]:
        for what in grant["resources"]:
            out |= {(action, arn) for action in grant["actions"] for arn in resource_arns(what, grant["actions"], needs, prefix)}
    if any(action.split(":")[0] in UNDER_THE_KEY for action, _ in out):
        out |= {("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)}
    return out


def listed(value):
    return value if isinstance(value, list) else [value]


def allowed_by_policy(policy):
    return {
        (action, resource)
        for statement in json.loads(policy)["Statement"] if statement["Effect"] == "Allow"
        for action in listed(statement["Action"]) for resource in listed(statement["Resource"])
    }


def policies(state):
    """{role: everything its own policies allow}"""
    out = {}
    for _, values in resources(state)["aws_iam_role_policy"]:
        out.setdefault(values["role"], set()).update(allowed_by_policy(values["policy"]))
    return out


def service_accounts(state):
    """{role: the one service account that may take it}"""
    out = {}
    for _, values in resources(state)["aws_iam_role"]:
        for statement in json.loads(values["assume_role_policy"])["Statement"]:
            for key, value in statement.get("Condition", {}).get("StringEquals", {}).items():
                if key.endswith(":sub") and str(value).startswith("system:serviceaccount:"):
                    out[values["name"]] = value
    return out


# Accounts of the cluster itself that take a role, by what stands behind the project in the role's name.
OF_THE_CLUSTER = {
    "aws-load-balancer-controller": "kube-system:aws-load-balancer-controller",
    "cluster-autoscaler": "kube-system:cluster-autoscaler",
    "eks-volumes": "kube-system:ebs-csi-controller-sa",
    "loki": "monitoring:loki",
}


def permissions(needs, state, prefix):
    """Role by role: who may take it, and what it may do."""
    wanted = {f"{prefix}{PROJECT}-{each['service_account']}": each for each in needs["roles"] if each["grants"]}
    secrets = f"{prefix}{PROJECT}-secrets"  # of the external secrets operator, which is no process of the shop
    trusted = service_accounts(state)
    cluster = {f"{prefix}{PROJECT}-{role}": f"system:serviceaccount:{account}" for role, account in OF_THE_CLUSTER.items()}
    out = differences("roles", set(wanted), set(trusted) - {secrets, *cluster})
    out += [f"{role}: {trusted[role]} may take it, not {who}" for role, who in cluster.items() if trusted.get(role, who) != who]
    found = policies(state)
    for name, role in wanted.items():
        subject = f"system:serviceaccount:{PROJECT}:{role['service_account']}"
        if trusted.get(name, subject) != subject:
            out.append(f"{name}: {trusted[name]} may take it, not {subject}")
        out += differences(name, allowed_by_needs(role, needs, prefix), found.get(name, set()))
    kept = {values["arn"] for _, values in resources(state)["aws_secretsmanager_secret"] if "AmazonMSK_" not in values["name"]}
    kept = {each for each in kept if not each.endswith("/tunnels-AbCdEf")}
    read = {(f"secretsmanager:{action}Secret{of}", arn) for action, of in (("Describe", ""), ("Get", "Value")) for arn in kept - secrets_of_functions(state)}
    return out + differences(secrets, read | {("kms:Decrypt", KEY)}, found[secrets])


# Whole policies of AWS', by the end of the role's name; nothing of the shop has one.
ATTACHED = {
    "eks-cluster": {"AmazonEKSClusterPolicy"},
    "eks-nodes": {"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy"},
    "eks-volumes": {"service-role/AmazonEBSCSIDriverPolicy"},
    "postgres-monitoring": {"service-role/AmazonRDSEnhancedMonitoringRole"},
    "ci-plan": {"SecurityAudit", "job-function/ViewOnlyAccess"},
}


def attached(state, prefix):
    """What roles may by policies that are not their own: those are not seen by comparing actions."""
    found = {(values["role"], values["policy_arn"].split(":policy/")[1]) for _, values in resources(state)["aws_iam_role_policy_attachment"]}
    roles = {values["name"] for _, values in resources(state)["aws_iam_role"]}
    wanted = {(name, policy) for end, some in ATTACHED.items() for policy in some if (name := f"{prefix}{PROJECT}-{end}") in roles}
    return differences("attached policies", wanted, found)


def unconditional(state):
    """Pods' roles that use the key otherwise than through the service that holds the data, or that a token for others takes."""
    out = []
    accounts = service_accounts(state)
    for _, values in resources(state)["aws_iam_role_policy"]:
        for statement in json.loads(values["policy"])["Statement"]:
            if values["role"] in accounts and any(action.startswith("kms:") for action in listed(statement["Action"])):
                through = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", [])
                if not through or not all(each.endswith(f".{facts.REGION}.amazonaws.com") for each in through):
                    out.append(f"{values['role']}: uses the key by itself")
    for _, values in resources(state)["aws_iam_role"]:
        for statement in json.loads(values["assume_role_policy"])["Statement"]:
            equals = statement.get("Condition", {}).get("StringEquals", {})
            if "Federated" in statement["Principal"] and not any(key.endswith(":aud") for key in equals):
                out.append(f"{values['name']}: takes a token that was made for others")
    return out


def unreached(state):
    """{way: its port} that pods, functions and the balancer need, by the groups at both ends."""
    found = resources(state)
    (nodes,) = [values["vpc_config"][0]["cluster_security_group_id"] for _, values in found["aws_eks_cluster"]]
    group = {address: values["id"] for address, values in found["aws_security_group"]}
    brokers, functions = group["module.kafka.aws_security_group.this"], group["aws_security_group.functions"]
    wanted = {(group["module.database.aws_security_group.this"], nodes, 5432), (brokers, nodes, 9098), (brokers, functions, 9098), (brokers, brokers, 9098)}
    if "module.balancer[0].aws_security_group.this" in group:
        wanted.add((nodes, group["module.balancer[0].aws_security_group.this"], 8080))
    let_in = {(values["security_group_id"], values["referenced_security_group_id"], values["to_port"]) for _, values in found["aws_vpc_security_group_ingress_rule"]}
    let_out = {(values["security_group_id"], values["referenced_security_group_id"], values["to_port"]) for _, values in found["aws_vpc_security_group_egress_rule"]}
    out = [f"nobody lets {one} into {to} at {port}" for to, one, port in sorted(wanted - let_in)]
    # The cluster's own group, of EKS, lets everything out.
    return out + [f"{one} may not leave for {to} at {port}" for to, one, port in sorted(wanted) if one != nodes and (one, to, port) not in let_out]


def secrets_of_functions(state):
    """ARNs of secrets that functions are told of (…_SECRET), and read themselves."""
    return {value for _, values in resources(state).get("aws_lambda_function", []) for block in values["environment"]
            for name, value in (block["variables"] or {}).items() if name.endswith("_SECRET")}


def patterns(state):
    """Actions that are patterns, and statements about everything, of all policies that allow."""
    out = []
    for kind in ("aws_iam_role_policy", "aws_iam_policy", "aws_s3_bucket_policy", "aws_sqs_queue_policy", "aws_sns_topic_policy", "aws_kms_key"):
        for address, values in resources(state).get(kind, []):
            for statement in json.loads(values["policy"])["Statement"]:
                if statement["Effect"] != "Allow":
                    continue
                actions = listed(statement["Action"])
                out += [f"{address}: {action}" for action in actions if "*" in action]
                # A key's policy is about its key; for addresses in a network and for descriptions there is no narrower thing.
                narrow = kind == "aws_kms_key" or all(
                    re.fullmatch(r"ec2:(Create|Delete)NetworkInterface|ec2:(Assign|Unassign)PrivateIpAddresses|ecr:GetAuthorizationToken|(ec2|autoscaling|elasticloadbalancing):Describe\w+", action) for action in actions)
                if "*" in listed(statement["Resource"]) and not narrow:
                    out.append(f"{address}: everything may be {', '.join(actions)}")
                if statement.get("Principal") in ("*", {"AWS": "*"}):
                    out.append(f"{address}: everybody may {', '.join(actions)}")
    return out


def too_long(state):
    """A role's own policies have 10,240 characters together."""
    sizes = {}
    for _, values in resources(state)["aws_iam_role_policy"]:
        sizes[values["role"]] = sizes.get(values["role"], 0) + len(values["policy"].replace(" ", ""))
    return [f"{role}: its policies have {size} characters, IAM takes 10240" for role, size in sizes.items() if size > 10240]


def ports(needs, state):
    """The gateway's port, in the balancer and between it and the pods."""
    gateway = next(each for each in needs["roles"] if each["name"] == "gateway")["http_port"]
    targets = {values["port"] for _, values in resources(state)["aws_lb_target_group"]}
    rules = {values["to_port"] for kind in ("aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule")
             for address, values in resources(state)[kind] if address.startswith("module.balancer[0]") and ".targets[" in address}
    return differences("port of the gateway", {gateway}, targets | rules)


def variables(needs, state):
    """Environment variables that processes and functions are told, against those that the code reads."""
    known = {each["name"] for each in needs["variables"]}
    for each in Path(schema_check.ROOT, "deploy/functions").glob("*/requirements.json"):
        known |= set(json.loads(each.read_text())["environment"])
    out = []
    told = {"environment": set(state["outputs"]["environment"]["value"])}
    for address, values in resources(state).get("aws_lambda_function", []):
        told[address] = {name for block in values["environment"] for name in block["variables"] or {}}
    for where, names in told.items():
        out += [f"{where}: no code reads {name}" for name in sorted(names - known)]
    secret = {each["name"] for each in needs["variables"] if each["secret"]}
    return out + [f"{where}: {name} is a secret" for where, names in told.items() for name in sorted(names & secret)]


def topics(needs, state, prefix):
    """Topics that roles may write, against those that the code declares."""
    marker = f"{ARN.format(service='kafka')}topic/{prefix}{KAFKA}/"
    found = {arn.removeprefix(marker) for allowed in policies(state).values() for _, arn in allowed if arn.startswith(marker)}
    return differences("topics", {prefix + each["name"] for each in needs["topics"]}, found)
