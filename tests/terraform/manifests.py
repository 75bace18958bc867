"""What the Kubernetes manifests and the functions say, against the code and the configuration; see drift."""
import functools
import json
import re
import subprocess
from pathlib import Path

import drift
import schema_check
import yaml

FOLDER = schema_check.ROOT / "deploy" / "kubernetes"


@functools.cache
def rendered(overlay):
    """An overlay's documents, as kustomize makes them."""
    said = subprocess.run(["kubectl", "kustomize", FOLDER / "overlays" / overlay], capture_output=True, text=True, check=True)
    return [each for each in yaml.safe_load_all(said.stdout) if each]


def of_kind(overlay, kind):
    return {each["metadata"]["name"]: each for each in rendered(overlay) if each["kind"] == kind}


def settings(overlay):
    return next(each["data"] for name, each in of_kind(overlay, "ConfigMap").items() if name.startswith("shop-config"))


def documents(folder):
    for path in sorted(folder.rglob("*.yaml")):
        for each in yaml.safe_load_all(path.read_text()):
            if isinstance(each, dict):
                yield path, each


def services():
    return FOLDER / "base" / "services" if (FOLDER / "base" / "services").is_dir() else FOLDER / "base"


def ports(needs):
    """Container ports of each Deployment, by its service account, and the ports of the Services before them."""
    wanted = {each["service_account"]: {each.get(port) for port in ("http_port", "grpc_port", "admin_port")} - {None}
              for each in needs["roles"] if each.get("http_port")}
    found = {}
    for _, each in documents(services()):
        if each.get("kind") not in ("Deployment", "StatefulSet"):
            continue
        pod = each["spec"]["template"]["spec"]
        if "serviceAccountName" not in pod:
            continue  # a patch
        listening = {port["containerPort"] for container in pod["containers"] for port in container.get("ports", [])}
        if listening:
            found[pod["serviceAccountName"]] = found.get(pod["serviceAccountName"], set()) | listening
    pairs = lambda all_: {(account, port) for account, some in all_.items() for port in some}
    return drift.differences("container ports", pairs(wanted), {pair for pair in pairs(found) if pair[0] in wanted}) + [
        f"container ports: {account} is no target of the code" for account in sorted(set(found) - set(wanted))]


def accounts(needs):
    found = {each["metadata"]["name"] for _, each in documents(services()) if each.get("kind") == "ServiceAccount"}
    return drift.differences("service accounts", {each["service_account"] for each in needs["roles"]}, found)


def environment_files():
    return sorted(FOLDER.rglob("*.env"))


def read_environment(path):
    lines = (line.strip() for line in path.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def variables(needs):
    known = {each["name"] for each in needs["variables"]}
    out = []
    for path in environment_files():
        out += [f"{path.name}: no code reads {name}" for name in read_environment(path) if name not in known]
    for path, each in documents(FOLDER):
        for container in shop_containers(each):
            names = [item["name"] for item in container.get("env", [])]
            # A variable that others are made of, by $(NAME), is read by Kubernetes.
            used = " ".join(str(item.get("value", "")) for item in container.get("env", []))
            out += [f"{path.name}: no code reads {name}" for name in names if name not in known and f"$({name})" not in used]
    return out


def shop_containers(node):
    """Containers of the shop's own program, wherever they stand in a document or a patch."""
    if isinstance(node, list):
        return [found for each in node for found in shop_containers(each)]
    if not isinstance(node, dict):
        return []
    found = [node] if node.get("name") == "stoa" and ("env" in node or "image" in node) else []
    return found + [each for value in node.values() for each in shop_containers(value)]


def roles(state, overlay):
    """The role of each service account of an overlay, by ARN, against who may take it; an overlay without External Secrets has
    no account for them."""
    named = {}
    for name, each in of_kind(overlay, "ServiceAccount").items():
        role = (each["metadata"].get("annotations") or {}).get("eks.amazonaws.com/role-arn")
        if role:
            named[role] = f"system:serviceaccount:{each['metadata']['namespace']}:{name}"
    arn = {values["name"]: values["arn"] for _, values in drift.resources(state)["aws_iam_role"]}
    trusted = {arn[role]: who for role, who in drift.service_accounts(state).items() if f":{drift.PROJECT}:" in who}
    if not any(each["kind"] == "SecretStore" for each in rendered(overlay)):
        trusted = {role: who for role, who in trusted.items() if not who.endswith(":secrets")}
    return drift.differences("roles", set(named.items()), set(trusted.items()))


def secrets_of(cloud):
    return {item["remoteRef"]["key"] for path, each in documents(FOLDER)
            if each.get("kind") == "ExternalSecret" and path.parent.name.endswith(f"-{cloud}") for item in each["spec"].get("data", [])}


def secrets_of_google(state):
    named = secrets_of("gcp")
    found = {values["secret_id"] for _, values in drift.resources(state).get("google_secret_manager_secret", [])}
    return drift.differences("secrets", named, found) if named else []


def secrets(state):
    named = secrets_of("aws")
    found = {values["name"] for _, values in drift.resources(state)["aws_secretsmanager_secret"]
             if not values["name"].startswith("AmazonMSK_") and not values["name"].endswith("/tunnels")
             and values["arn"] not in drift.secrets_of_functions(state)}
    return drift.differences("secrets", named, found) if named else []


# What the program takes for itself where it is told nothing, and what stands in the secret DATABASE_URL.
UNTOLD = {"KAFKA_REPLICATION_FACTOR": "3", "KAFKA_MIN_INSYNC_REPLICAS": "2"}
IN_SECRETS = {"DB_HOST", "DB_NAME"}


def told(state, overlay):
    """An overlay's settings against the output `environment`: the same, but for the brokers' hosts."""
    there = settings(overlay)
    given = state["outputs"]["environment"]["value"]
    out = []
    for name in sorted(set(given) - IN_SECRETS):
        # Where customers are not told, the queue's function does not tell them either.
        if name in ("SNS_TOPIC_ARN", "SQS_QUEUE_URL") and there["STOA_NOTIFIER"] != "sns":
            continue
        one, other = there.get(name, UNTOLD.get(name, "")), str(given[name])
        if name == "KAFKA_BOOTSTRAP_SERVERS":
            one, other = ([broker.rsplit(":", 1)[1] for broker in each.split(",")] for each in (one, other))
        if one != other:
            out.append(f"{name}: the overlay {overlay} says {one}, Terraform {other}")
    return out


def balancer(state, overlay):
    """One way in: Terraform's balancer, whose target group the overlay names, or the controller's, under another name."""
    made = {values["name"] for _, values in drift.resources(state).get("aws_lb", [])}
    groups = {values["name"] for _, values in drift.resources(state).get("aws_lb_target_group", [])}
    bound = {each["spec"]["targetGroupName"] for each in of_kind(overlay, "TargetGroupBinding").values()}
    ports = {port["name"] for port in of_kind(overlay, "Service")["api-gateway"]["spec"]["ports"]}
    out = drift.differences("target groups", bound, groups)
    for each in of_kind(overlay, "TargetGroupBinding").values():
        if each["spec"]["serviceRef"]["name"] != "api-gateway" or each["spec"]["serviceRef"]["port"] not in ports:
            out.append(f"target groups: {each['spec']['serviceRef']} is no port of the gateway's Service")
    for each in of_kind(overlay, "Ingress").values():
        name = each["metadata"]["annotations"]["alb.ingress.kubernetes.io/load-balancer-name"]
        if made:
            out.append(f"balancers: Terraform makes {made}, and the Ingress of {overlay} asks for {name}")
        allowed = {arn for role, some in drift.policies(state).items() if role.endswith("-aws-load-balancer-controller") for _, arn in some}
        if not any(arn.endswith(f":loadbalancer/app/{name}/*") for arn in allowed):
            out.append(f"balancers: the controller may not make {name}")
    return out


def reached(state, overlay):
    """Where pods may go for Kafka and PostgreSQL, against where those stand and listen."""
    found = drift.resources(state)
    address = {values["id"]: values["cidr_block"] for _, values in found["aws_subnet"]}
    brokers = next(values for _, values in found["aws_msk_cluster"])["broker_node_group_info"][0]["client_subnets"]
    database = next(values for _, values in found["aws_db_subnet_group"])["subnet_ids"]
    port = {each.rsplit(":", 1)[1] for each in state["outputs"]["environment"]["value"]["KAFKA_BOOTSTRAP_SERVERS"].split(",")}
    out = []
    for policy, subnets, ports in (("to-kafka", brokers, port), ("to-postgres", database, {"5432"})):
        (rule,) = of_kind(overlay, "NetworkPolicy")[policy]["spec"]["egress"]
        out += drift.differences(f"{policy}: networks", {address[each] for each in subnets}, {each["ipBlock"]["cidr"] for each in rule["to"]})
        out += drift.differences(f"{policy}: ports", ports, {str(each["port"]) for each in rule["ports"]})
    return out
