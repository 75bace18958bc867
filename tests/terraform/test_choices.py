"""Choices of the variables that no environment makes: each is planned, so that none is there in name alone."""
import json
import re
from concurrent.futures import ThreadPoolExecutor

import drift
import facts
import pytest

TUNNELS = ",".join(f'{{address="198.51.100.{n}",inside_here="169.254.{n}.1",inside_there="169.254.{n}.2"}}' for n in range(1, 5))
VPN = ("kafka_edge=vpn", 'gcp_addresses=["203.0.113.1","203.0.113.2"]')
IMAGE = f"{facts.ACCOUNT}.dkr.ecr.{facts.REGION}.amazonaws.com/ecommerce/product-image-processor@sha256:00"
# On dev of Google's cloud, which has neither cluster nor database.
NONE = ["kafka_edge=none", "bigquery=false", "dataproc=false"]
CHOICES = {
    "another project's name": ("aws", "prod", ["project=shop"]),
    "no function": ("aws", "dev", ["functions={}"]),
    "one function": ("aws", "dev", ['functions={product-import={key="product-import.zip"}}']),
    "a function by its image": ("aws", "dev", [f'functions={{product-image-processor={{image="{IMAGE}"}}}}']),
    "a VPN": ("aws", "dev", [*VPN, "kafka_open=true"]),
    "no edge": ("aws", "prod", ["kafka_edge=none", "gcp_addresses=[]", "kafka_open=false"]),
    "public brokers": ("aws", "prod", []),
    "public brokers before they are opened": ("aws", "prod", ["kafka_open=false"]),
    "pod identity": ("aws", "prod", ["identity=pod_identity"]),
    "pod identity in the cluster": ("aws-cluster", "prod", ["identity=pod_identity"]),
    "nothing by Helm": ("aws-cluster", "prod", ["controllers={load_balancer=false,external_secrets=false,autoscaler=false}", "argocd=false"]),
    "no controller's role": ("aws", "prod", ["controllers={load_balancer=false,autoscaler=false}"]),
    "applications from a repository": ("aws-cluster", "prod", ["gitops_repository=https://git.example/shop.git"]),
    "one zone's database": ("aws", "prod", ["db_multi_az=false"]),
    "two zones' database": ("aws", "dev", ["db_multi_az=true"]),
    "a NAT a zone": ("aws", "dev", ["nat=per_zone"]),
    "one NAT": ("aws", "prod", ["nat=single"]),
    "no NAT": ("aws", "dev", ["nat=none", 'interface_endpoints=["ec2","logs","sns","sqs"]']),
    "an API for some networks": ("aws", "prod", ['api_access_cidrs=["198.51.100.0/24"]']),
    "another region": ("aws", "dev", ["region=ap-south-1"]),
    "another project's name in Google's cloud": ("gcp", "prod", ["project=shop"]),
    "nothing by choice in Google's cloud": ("gcp", "dev", NONE),
    "GKE": ("gcp", "dev", [*NONE, "gke=true"]),
    "documents": ("gcp", "dev", [*NONE, "firestore=true"]),
    "Cloud SQL": ("gcp", "dev", [*NONE, "cloudsql=true"]),
    "BigQuery": ("gcp", "dev", [*NONE, "bigquery=true"]),
    "Dataproc": ("gcp", "dev", [*NONE, "dataproc=true"]),
    "a VPN before its tunnels": ("gcp", "dev", [*NONE, "kafka_edge=vpn"]),
    "a VPN with its tunnels": ("gcp", "dev", ["kafka_edge=vpn", f"vpn_tunnels=[{TUNNELS}]", 'vpn_tunnel_keys=["aaaaaaaa","bbbbbbbb","cccccccc","dddddddd"]']),
}
REFUSED = {
    "a VPN with one address": ("aws", "dev", ["kafka_edge=vpn", 'gcp_addresses=["203.0.113.1"]'], "Google's gateway has two interfaces"),
    "a function without a program": ("aws", "dev", ["functions={product-import={}}"], "A function has a key or an image"),
    "the image function by a zip": ("aws", "dev", ['functions={product-image-processor={key="product-image-processor.zip"}}'], "product-image-processor is built as an image"),
}


@pytest.fixture(scope="module")
def planned(initialised):
    """{choice: what Terraform said, and, of those that can be, every resource that is planned: {type: [(address, values)]}}"""

    def plan(each):
        name, (cloud, environment, variables) = each[0], each[1][:3]
        out = f"choice-{list(every).index(name)}.plan"
        # A state of its own, that there is not.
        said = initialised.run(cloud, "plan", "-input=false", "-no-color", "-lock=false", "-state=none.tfstate", f"-out={out}",
                             f"-var-file=environments/{environment}.tfvars", *(f"-var={variable}" for variable in variables), may_fail=True)
        if said.returncode:
            return said, None
        return said, drift.resources(json.loads(initialised.terraform(cloud, "show", "-json", out))["planned_values"])

    every = {**CHOICES, **REFUSED}
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(every, pool.map(plan, every.items())))


def values(planned, choice, kind):
    assert planned[choice][1] is not None, planned[choice][0].stderr
    return [each for _, each in planned[choice][1].get(kind, [])]


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_can_be_planned(planned, choice):
    assert planned[choice][0].returncode == 0, planned[choice][0].stderr


@pytest.mark.parametrize("choice", REFUSED)
def test_a_choice_that_lacks_something_is_refused(planned, choice):
    said = planned[choice][0]
    assert said.returncode == 1 and REFUSED[choice][3] in " ".join(said.stderr.replace("│", " ").split())


# --- the edge between the clouds

SCRAM, VPN_KINDS = "aws_msk_scram_secret_association", ("aws_vpn_gateway", "aws_customer_gateway", "aws_vpn_connection")


def broker(planned, choice):
    (it,) = values(planned, choice, "aws_msk_cluster")
    group = it["broker_node_group_info"][0]
    # What is not known yet is left out of a plan's values.
    access = [each for info in group.get("connectivity_info", []) for each in info.get("public_access", [])]
    opened = {(rule["cidr_ipv4"], rule["from_port"], rule["to_port"]) for address, rule in planned[choice][1]["aws_vpc_security_group_ingress_rule"]
              if address.startswith("module.kafka.") and rule.get("cidr_ipv4")}
    return access[0]["type"] if access else "DISABLED", opened


def test_without_an_edge_nobody_outside_reaches_kafka(planned):
    assert broker(planned, "no edge") == ("DISABLED", set())
    assert not any(values(planned, "no edge", kind) for kind in (*VPN_KINDS, SCRAM))
    assert not [each for each in values(planned, "no edge", "aws_secretsmanager_secret") if each["name"].startswith("AmazonMSK_")]


def test_public_brokers_take_a_user_by_tls_from_the_other_clouds_address_alone(planned):
    access, opened = broker(planned, "public brokers")
    assert access == "SERVICE_PROVIDED_EIPS" and opened == {("203.0.113.10/32", 9196, 9196), ("203.0.113.10/32", 9198, 9198)}
    (it,) = values(planned, "public brokers", "aws_msk_cluster")
    assert it["encryption_info"][0]["encryption_in_transit"][0]["client_broker"] == "TLS" and it["client_authentication"][0]["sasl"][0] == {"iam": True, "scram": True}
    assert not it["client_authentication"][0].get("unauthenticated")
    assert len(values(planned, "public brokers", SCRAM)) == 1 and not any(values(planned, "public brokers", kind) for kind in VPN_KINDS)
    assert broker(planned, "public brokers before they are opened")[0] == "DISABLED"


def test_brokers_take_a_user_when_they_are_opened(planned):
    """The secret has no value in the apply that makes it: MSK would refuse it."""
    assert values(planned, "a VPN", SCRAM) and not values(planned, "public brokers before they are opened", SCRAM)


def test_a_vpn_has_two_connections_and_brokers_stay_inside(planned):
    access, opened = broker(planned, "a VPN")
    assert access == "DISABLED" and opened == {("10.10.0.0/20", 9094, 9098)}
    assert [len(values(planned, "a VPN", kind)) for kind in VPN_KINDS] == [1, 2, 2]
    assert {each["ip_address"] for each in values(planned, "a VPN", "aws_customer_gateway")} == {"203.0.113.1", "203.0.113.2"}
    assert values(planned, "a VPN", "aws_vpn_gateway_route_propagation")
    assert [each["name"] for each in values(planned, "a VPN", "aws_secretsmanager_secret") if "tunnels" in each["name"]] == ["dev-ecommerce-edge/tunnels"]


def test_the_other_clouds_vpn_waits_for_the_tunnels_and_then_has_four(planned):
    kinds = ("google_compute_ha_vpn_gateway", "google_compute_external_vpn_gateway", "google_compute_vpn_tunnel", "google_compute_router_peer")
    assert [len(values(planned, "a VPN before its tunnels", kind)) for kind in kinds] == [1, 0, 0, 0]
    assert [len(values(planned, "a VPN with its tunnels", kind)) for kind in kinds] == [1, 1, 4, 4]
    assert [each["vpn_gateway_interface"] for each in values(planned, "a VPN with its tunnels", "google_compute_vpn_tunnel")] == [0, 0, 1, 1]
    assert {each["peer_ip_address"] for each in values(planned, "a VPN with its tunnels", "google_compute_router_peer")} == {f"169.254.{n}.1" for n in range(1, 5)}


# --- who pods are

def test_by_pod_identity_every_role_has_one_account_and_no_issuer(planned):
    bound = {(each["namespace"], each["service_account"]) for each in values(planned, "pod identity", "aws_eks_pod_identity_association")}
    accounts = {("ecommerce", name) for name in ("cart-service", "order-service", "product-service", "user-service", "payment-service", "notification-service",
                                                 "activity-service", "analytics-service", "migrate", "audit", "secrets")}
    assert bound == accounts | {("kube-system", "aws-load-balancer-controller"), ("kube-system", "cluster-autoscaler"), ("monitoring", "loki")}
    roles = {values_["name"]: json.loads(values_["assume_role_policy"])["Statement"] for values_ in values(planned, "pod identity", "aws_iam_role")
             if values_.get("assume_role_policy")}
    service = {name for name, (statement, *_) in roles.items() if statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}}
    assert len(service) == len(bound) and not values(planned, "public brokers", "aws_eks_pod_identity_association")
    for each in values(planned, "pod identity in the cluster", "helm_release"):
        assert "eks.amazonaws.com/role-arn" not in each["values"][0]


def test_a_controller_that_is_not_wanted_has_neither_chart_nor_role(planned):
    assert not values(planned, "nothing by Helm", "helm_release")
    names = {each["name"] for each in values(planned, "no controller's role", "aws_iam_role")}
    assert not names & {"ecommerce-aws-load-balancer-controller", "ecommerce-cluster-autoscaler"} and "ecommerce-order-service" in names


def test_argo_cd_reads_the_environments_folder_of_the_repository(planned):
    (root,) = [each for each in values(planned, "applications from a repository", "helm_release") if each["name"] == "ecommerce-app-of-apps"]
    assert "https://git.example/shop.git" in root["values"][0] and "deploy/argocd/environments/prod" in root["values"][0]


# --- sizes of AWS

@pytest.mark.parametrize("choice, copies", [("one zone's database", False), ("two zones' database", True)])
def test_a_database_stands_in_as_many_zones_as_are_chosen(planned, choice, copies):
    assert [each["multi_az"] for each in values(planned, choice, "aws_db_instance")] == [copies]


@pytest.mark.parametrize("choice, nats", [("a NAT a zone", 3), ("one NAT", 1), ("no NAT", 0)])
def test_there_are_as_many_nats_as_are_chosen(planned, choice, nats):
    assert len(values(planned, choice, "aws_nat_gateway")) == nats
    routes = [each for each in values(planned, choice, "aws_route") if each["destination_cidr_block"] == "0.0.0.0/0"]
    assert len(routes) == (4 if nats else 1), "of each zone's private subnet to a NAT, and of the public ones"
    if not nats:
        asked = {each["service_name"].rsplit(".", 1)[1] for each in values(planned, choice, "aws_vpc_endpoint")}
        assert {"s3", "dynamodb", "api", "dkr", "sts", "lambda", "ec2", "logs", "sns", "sqs"} <= asked


def test_the_clusters_api_is_open_to_the_networks_that_are_named(planned):
    (open_,) = values(planned, "an API for some networks", "aws_eks_cluster")
    assert open_["vpc_config"][0]["endpoint_public_access"] and open_["vpc_config"][0]["public_access_cidrs"] == ["198.51.100.0/24"]
    assert not values(planned, "public brokers", "aws_eks_cluster")[0]["vpc_config"][0]["endpoint_public_access"]


def test_what_is_not_named_is_not_made(planned):
    assert not values(planned, "no function", "aws_lambda_function") and len(values(planned, "one function", "aws_lambda_function")) == 1


def test_a_function_by_its_image_has_neither_zip_nor_runtime(planned):
    (it,) = values(planned, "a function by its image", "aws_lambda_function")
    assert it["package_type"] == "Image" and it["image_uri"] == IMAGE and it["image_config"][0]["command"] == ["product-image-processor"]
    assert not it.get("s3_key") and not it.get("runtime") and not it.get("handler")


# --- what Google's cloud has by choice

OPTIONS = {
    "GKE": {"google_container_cluster", "google_container_node_pool", "google_artifact_registry_repository", "google_secret_manager_secret"},
    "documents": {"google_firestore_database"},
    "Cloud SQL": {"google_sql_database_instance", "google_sql_database", "google_service_networking_connection"},
    "BigQuery": {"google_bigquery_dataset", "google_bigquery_table"},
    "Dataproc": {"google_dataproc_cluster"},
}


@pytest.mark.parametrize("choice", OPTIONS)
def test_a_choice_of_googles_cloud_makes_what_it_says_and_no_others_choice(planned, choice):
    bare = set(planned["nothing by choice in Google's cloud"][1])
    assert not bare & set().union(*OPTIONS.values())
    made = set(planned[choice][1]) - bare
    assert OPTIONS[choice] <= made and not made & set().union(*(kinds for other, kinds in OPTIONS.items() if other != choice))


def test_options_of_googles_cloud_are_private_and_of_the_documented_kind(planned):
    (cluster,) = values(planned, "GKE", "google_container_cluster")
    assert cluster["private_cluster_config"][0]["enable_private_nodes"] and cluster["workload_identity_config"][0]["workload_pool"] == f"{facts.PROJECT}-dev.svc.id.goog"
    (database,) = values(planned, "Cloud SQL", "google_sql_database_instance")
    assert (database["name"], database["database_version"], database["settings"][0]["availability_type"]) == ("ecommerce-analytics-pg", "POSTGRES_15", "ZONAL")
    assert not database["settings"][0]["ip_configuration"][0]["ipv4_enabled"] and not database["deletion_protection"]
    (documents,) = values(planned, "documents", "google_firestore_database")
    assert documents["type"] == "DATASTORE_MODE"
    roles = {each["role"] for each in values(planned, "documents", "google_project_iam_member")}
    assert "roles/datastore.user" in roles and "roles/datastore.user" not in {each["role"] for each in values(planned, "Cloud SQL", "google_project_iam_member")}


# One value for each rule of the compositions' own variables that breaks it, together: Terraform names every one. A rule that
# looks at another variable too is asked only where that one is good.
PLACE = {"environment": "test", "project": "X", "account_id": "1", "region": "here", "created_at": "today", "resource_prefix": "dev"}
BAD = {
    "aws": [{
        **PLACE, "deployer_role_arn": "me",
        "kafka_edge": "cable", "shop_url": "http://shop.example", "functions": "{other={},product-image-processor={key=\"p.zip\"}}",
    }, {"kafka_edge": "public", "gcp_addresses": "[]"}],
    "aws-cluster": [PLACE],
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
    assert len(rules) >= 6 and [each for each in rules if each not in text] == []
