"""What the Kubernetes manifests and the functions say, against the code and the configuration; see drift."""
import json
import re
from pathlib import Path

import drift
import schema_check
import yaml

FOLDER = schema_check.ROOT / "deploy" / "kubernetes"


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


def roles(state):
    """Roles that service accounts are given, without the account's number."""
    named = set()
    for path in FOLDER.rglob("*.yaml"):
        named |= set(re.findall(r"arn:aws:iam::[0-9A-Z_]+:role/([\w-]+)", path.read_text()))
    return drift.differences("roles", named, set(drift.service_accounts(state))) if named else []


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
             if not values["name"].startswith("AmazonMSK_") and not values["name"].endswith("/tunnels")}
    return drift.differences("secrets", named, found) if named else []


def told(state, overlay):
    """An overlay's cluster.env against the output `environment`: the same, but for the brokers' hosts."""
    path = FOLDER / "overlays" / overlay / "cluster.env"
    if not path.is_file():
        return [f"{path.relative_to(schema_check.ROOT)} is missing"]
    there = read_environment(path)
    given = state["outputs"]["environment"]["value"]
    out = []
    for name in sorted(set(there) & set(given)):
        one, other = there[name], str(given[name])
        if name == "KAFKA_BOOTSTRAP_SERVERS":
            one, other = (sorted(set(re.findall(r":(\d+)", each))) for each in (one, other))
        if one != other:
            out.append(f"{name}: the overlay {overlay} says {there[name]}, Terraform {given[name]}")
    return out


# A picture's function comes as an image and says its needs there.
WITHOUT_REQUIREMENTS = {"product-image-processor"}


def functions(folder, state):
    """Each deploy/functions/NAME/requirements.json, {"environment": [NAME…], "permissions": [action…]}, against its function."""
    out = []
    made = {values["function_name"]: values for _, values in drift.resources(state).get("aws_lambda_function", [])}
    named = {each.parent.name: json.loads(each.read_text()) for each in sorted(Path(folder).glob("*/requirements.json"))}
    out += drift.differences("functions", set(named), set(made) - WITHOUT_REQUIREMENTS)
    for name, needed in named.items():
        if name not in made:
            continue
        told_here = {key for block in made[name]["environment"] for key in block["variables"] or {}}
        out += drift.differences(f"{name}: variables", set(needed["environment"]), told_here)
        program = [values["policy"] for address, values in drift.resources(state)["aws_iam_role_policy"]
                   if values["role"] == f"{name}-function" and address.endswith(".program[0]")]
        allowed = {action for policy in program for action, _ in drift.allowed_by_policy(policy)}
        keys = {"kms:Decrypt", "kms:GenerateDataKey"}  # of what is encrypted, not of the program
        out += drift.differences(f"{name}: actions", set(needed["permissions"]) - keys, allowed - keys)
    return out
