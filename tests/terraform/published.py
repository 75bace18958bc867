"""What AWS publishes for controllers of EKS, and whether a policy of ours stays within it.

    policy()                        the policy of the AWS Load Balancer Controller, as statements
    version_of("metrics-server")    the version of an add-on's chart
    beyond(statements, policy())    what of ours that policy does not allow, as sentences; empty: nothing
"""
import fnmatch
import json
import re
import subprocess

import schema_check


def folder():
    (found,) = schema_check.cache().glob("published-*/package/dist/addons")
    return found


def policy():
    program = (f"const make = require('{folder()}/aws-loadbalancer-controller/iam-policy.js').AwsLoadbalancerControllerIamPolicy;"
               "console.log(JSON.stringify(make('aws')))")
    said = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    return json.loads(said.stdout)["Statement"]


def addon(name):
    return (folder() / name / "index.js").read_text()


def version_of(name):
    return re.search(r"version: ['\"]([\d.]+)['\"]", addon(name))[1]


def listed(value):
    return value if isinstance(value, list) else [value]


def facts(conditions):
    """Conditions as {(operator, key): values}."""
    return {(operator, key): set(listed(value)) for operator, keys in (conditions or {}).items() for key, value in keys.items()}


def implies(ours, theirs):
    """Whether what our conditions let through, theirs let through: each of theirs is among ours, or is that a key is there at
    all where ours want a value of it."""
    for (operator, key), values in theirs.items():
        mine = ours.get((operator, key))
        if mine is not None and mine <= values:
            continue
        if operator == "Null" and values == {"false"} and ("StringEquals", key) in ours:
            continue
        return False
    return True


def beyond(statements, published):
    out = []
    for ours in statements:
        for action in listed(ours["Action"]):
            for resource in listed(ours["Resource"]):
                if not any(action in listed(each["Action"])
                           and any(fnmatch.fnmatchcase(resource, pattern) for pattern in listed(each["Resource"]))
                           and implies(facts(ours.get("Condition")), facts(each.get("Condition"))) for each in published):
                    out.append(f"{action} on {resource}")
    return out
