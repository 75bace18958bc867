"""Choices of the variables that no environment makes: each is planned, so that none is there in name alone."""
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

TUNNELS = ",".join(f'{{address="198.51.100.{n}",inside_here="169.254.{n}.1",inside_there="169.254.{n}.2"}}' for n in range(1, 5))
VPN = ("kafka_edge=vpn", 'gcp_addresses=["203.0.113.1","203.0.113.2"]')
CHOICES = {
    "another project's name": ("aws", "prod", ["project=shop"]),
    "no function": ("aws", "dev", ["functions={}"]),
    "one function": ("aws", "dev", ['functions={product-import={key="product-import.zip"}}']),
    "a function by its image": ("aws", "dev", ['functions={product-image-processor={image="111122223333.dkr.ecr.us-east-1.amazonaws.com/ecommerce/pictures@sha256:00"}}']),
    "a VPN": ("aws", "dev", [*VPN, "kafka_open=true"]),
    "public brokers before they are opened": ("aws", "prod", ["kafka_open=false"]),
    "pod identity": ("aws", "prod", ["identity=pod_identity"]),
    "nothing by Helm": ("aws", "prod", ["controllers={load_balancer=false,external_secrets=false,autoscaler=false}", "argocd=false"]),
    "no NAT": ("aws", "dev", ["nat=none", 'interface_endpoints=["ec2","logs","sns","sqs"]']),
    "another project's name in Google's cloud": ("gcp", "prod", ["project=shop"]),
    "a VPN with its tunnels": ("gcp", "dev", [f"vpn_tunnels=[{TUNNELS}]", 'vpn_tunnel_keys=["aaaaaaaa","bbbbbbbb","cccccccc","dddddddd"]']),
}
REFUSED = {
    "a VPN with one address": ("aws", "dev", ["kafka_edge=vpn", 'gcp_addresses=["203.0.113.1"]'], "Google's gateway has two interfaces"),
    "a function without a program": ("aws", "dev", ["functions={product-import={}}"], "A function has a key or an image"),
}


@pytest.fixture(scope="module")
def planned(workspace, applied):
    def plan(each):
        cloud, environment, variables = each[:3]
        # A state of its own, that there is not.
        return workspace.run(cloud, "plan", "-input=false", "-no-color", "-lock=false", "-state=none.tfstate",
                             f"-var-file=environments/{environment}.tfvars", *(f"-var={variable}" for variable in variables), may_fail=True)

    every = {**CHOICES, **REFUSED}
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(every, pool.map(plan, every.values())))


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_can_be_planned(planned, choice):
    assert planned[choice].returncode == 0, planned[choice].stderr


@pytest.mark.parametrize("choice", REFUSED)
def test_a_choice_that_lacks_something_is_refused(planned, choice):
    assert planned[choice].returncode == 1 and REFUSED[choice][3] in " ".join(planned[choice].stderr.replace("│", " ").split())


def made(said, kind):
    return {line.split("# ")[1].split(" will be")[0] for line in said.stdout.splitlines() if " will be created" in line and f".{kind}." in line}


def test_brokers_take_a_user_when_they_are_opened(planned):
    """The secret has no value in the apply that makes it: MSK would refuse it."""
    assert made(planned["a VPN"], "aws_msk_scram_secret_association") and not made(planned["public brokers before they are opened"], "aws_msk_scram_secret_association")


def test_what_is_not_named_is_not_made(planned):
    assert not made(planned["no function"], "aws_lambda_function") and len(made(planned["one function"], "aws_lambda_function")) == 1


# One value for each rule of the compositions' own variables that breaks it, together: Terraform names every one. A rule that
# looks at another variable too is asked only where that one is good.
BAD = {
    "aws": [{
        "environment": "test", "project": "X", "account_id": "1", "region": "here", "created_at": "today", "resource_prefix": "dev", "deployer_role_arn": "me",
        "kafka_edge": "cable", "shop_url": "http://shop.example", "functions": "{other={}}",
    }, {"kafka_edge": "public", "gcp_addresses": "[]"}],
    "gcp": [{
        "environment": "test", "project": "X", "project_id": "1", "region": "here", "created_at": "today", "kafka_edge": "cable", "kafka_brokers": "broker",
    }],
}


@pytest.mark.parametrize("cloud", BAD)
def test_every_rule_of_a_compositions_variables_is_broken_by_a_bad_value(workspace, cloud):
    workspace.init(cloud)
    text = ""
    for values in BAD[cloud]:
        said = workspace.run(cloud, "plan", "-input=false", "-no-color", "-lock=false", "-state=none.tfstate", "-var-file=environments/dev.tfvars",
                             *(f"-var={name}={value}" for name, value in values.items()), may_fail=True)
        assert said.returncode == 1
        text += " ".join(said.stderr.replace("│", " ").split())
    rules = re.findall(r'^    error_message = "(.*)"$', (workspace.folder / cloud / "variables.tf").read_text(), re.M)
    assert len(rules) >= 7 and [each for each in rules if each not in text] == []
