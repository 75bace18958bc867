"""The documented names and sizes, in what both compositions make together: rows R94, R107–R118 and R142–R168 of the requirements.

A module's own test says that its default is the documented one; here it is looked for in the whole, where a composition could
have said otherwise.
"""
import json
import re

import drift
import facts
import manifests
import pytest
import schema_check


@pytest.fixture(scope="module")
def aws(applied):
    return drift.resources(applied["aws", "prod"].state)


@pytest.fixture(scope="module")
def gcp(applied):
    return drift.resources(applied["gcp", "prod"].state)


def values(found, kind):
    return [each for _, each in found[kind]]


def one(found, kind):
    (only,) = values(found, kind)
    return only


def test_postgresql(aws):
    it = one(aws, "aws_db_instance")
    assert (it["engine"], it["engine_version"], it["instance_class"], it["allocated_storage"], it["backup_retention_period"]) == ("postgres", "15", "db.t3.micro", 20, 30)
    assert it["storage_encrypted"] and not it["publicly_accessible"] and it["multi_az"]
    private = {each["id"] for address, each in aws["aws_subnet"] if ".private[" in address}
    assert set(one(aws, "aws_db_subnet_group")["subnet_ids"]) == private
    assert ("rds.force_ssl", "1") in {(each["name"], each["value"]) for each in one(aws, "aws_db_parameter_group")["parameter"]}


@pytest.mark.parametrize("name", ["ecommerce-product-images", "ecommerce-order-documents", "ecommerce-analytics-results", "ecommerce-products"])
def test_buckets(aws, name):
    bucket = f"{name}-{facts.ACCOUNT}"
    assert bucket in {each["bucket"] for each in values(aws, "aws_s3_bucket")}
    of = lambda kind: next(each for each in values(aws, kind) if each["bucket"] == bucket)  # noqa: E731
    assert of("aws_s3_bucket_versioning")["versioning_configuration"][0]["status"] == "Enabled"
    (rule,) = of("aws_s3_bucket_server_side_encryption_configuration")["rule"]
    assert rule["apply_server_side_encryption_by_default"][0]["sse_algorithm"] == "aws:kms"
    closed = of("aws_s3_bucket_public_access_block")
    assert all(closed[each] for each in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"))


def test_a_csv_that_is_put_there_calls_the_import(aws):
    (told,) = [each for each in values(aws, "aws_s3_bucket_notification") if each["bucket"] == f"ecommerce-products-{facts.ACCOUNT}"]
    (call,) = told["lambda_function"]
    assert call["filter_suffix"] == ".csv" and call["lambda_function_arn"].endswith(":function:product-import")


def test_functions_and_what_calls_them(aws):
    assert {each["function_name"] for each in values(aws, "aws_lambda_function")} == {"product-import", "product-image-processor", "ecommerce-notification"}
    calls = {(each["function_name"].rsplit(":", 1)[1], each["event_source_arn"].split(":")[2]) for each in values(aws, "aws_lambda_event_source_mapping")}
    assert calls == {("ecommerce-notification", "sqs"), ("ecommerce-notification", "kafka")}
    timeout = {each["function_name"]: each["timeout"] for each in values(aws, "aws_lambda_function")}
    hidden = {each["name"]: each["visibility_timeout_seconds"] for each in values(aws, "aws_sqs_queue")}
    assert hidden["ecommerce-order-notifications"] >= 6 * timeout["ecommerce-notification"], "AWS' own rule"


def test_pollers_of_kafka_reach_lambda_sts_and_the_queue_for_what_failed(aws):
    """They have no address that a NAT serves where brokers are public: each of these has an endpoint."""
    inside = {each["service_name"].rsplit(".", 1)[1] for each in values(aws, "aws_vpc_endpoint") if each["vpc_endpoint_type"] == "Interface"}
    failed = {each["destination_config"][0]["on_failure"][0]["destination_arn"].split(":")[2]
              for address, each in aws["aws_lambda_event_source_mapping"] if ".kafka[" in address}
    assert failed == {"sqs"} and {"lambda", "sts", *failed} <= inside


def test_budgets_are_of_an_environment(applied):
    """Project is the same in both: each would count what the other spends, too."""
    filters = [one(drift.resources(applied["aws", name].state), "aws_budgets_budget")["cost_filter"][0]["values"] for name in ("dev", "prod")]
    assert filters == [["user:Environment$dev"], ["user:Environment$prod"]]


def test_kafka(aws):
    it = one(aws, "aws_msk_cluster")
    (group,) = it["broker_node_group_info"]
    assert (it["cluster_name"], it["kafka_version"], it["number_of_broker_nodes"], group["instance_type"]) == ("ecommerce-kafka", "3.9.x", 3, "kafka.t3.small"), "3.5.1 is out of support"
    assert group["storage_info"][0]["ebs_storage_info"][0]["volume_size"] == 100
    assert it["logging_info"][0]["broker_logs"][0]["cloudwatch_logs"][0]["enabled"]


def test_the_network(aws):
    assert one(aws, "aws_vpc")["cidr_block"] == "10.0.0.0/16"
    assert {each["cidr_block"] for each in values(aws, "aws_subnet")} == {f"10.0.{n}.0/24" for n in (1, 2, 3, 11, 12, 13)}
    assert {each["availability_zone"] for each in values(aws, "aws_subnet")} == {"us-east-1a", "us-east-1b", "us-east-1c"}
    assert len(aws["aws_nat_gateway"]) == 3 and len(aws["aws_internet_gateway"]) == 1


@pytest.mark.parametrize("environment, nodes", [("prod", (3, 3, 10)), ("dev", (2, 2, 4))])
def test_nodes_and_brokers_stand_in_private_subnets(applied, environment, nodes):
    """Brokers but for the choice that the other cloud reaches them at public addresses, which MSK gives in public subnets alone."""
    found = drift.resources(applied["aws", environment].state)
    private = {each["id"] for address, each in found["aws_subnet"] if ".private[" in address}
    group = one(found, "aws_eks_node_group")
    assert set(group["subnet_ids"]) == private and group["instance_types"] == ["t3.medium"]
    (size,) = group["scaling_config"]
    assert (size["min_size"], size["desired_size"], size["max_size"]) == nodes
    brokers = set(one(found, "aws_msk_cluster")["broker_node_group_info"][0]["client_subnets"])
    edge = applied["aws", environment].plan["variables"].get("kafka_edge", {"value": "none"})["value"]
    assert (brokers == private) == (edge != "public")


def test_the_cluster(aws):
    it = one(aws, "aws_eks_cluster")
    assert it["name"] == "ecommerce-eks" and it["vpc_config"][0]["endpoint_private_access"] and not it["vpc_config"][0]["endpoint_public_access"]
    (template,) = values(aws, "aws_launch_template")
    assert template["block_device_mappings"][0]["ebs"][0]["volume_size"] == 50 and template["metadata_options"][0]["http_put_response_hop_limit"] == 1


def test_the_balancer_and_who_reaches_it(aws):
    it = one(aws, "aws_lb")
    assert it["name"] == "ecommerce-alb" and not it["internal"] and it["enable_http2"] and it["enable_cross_zone_load_balancing"] and it["enable_deletion_protection"]
    open_ = {(each["security_group_id"], each["from_port"]) for each in values(aws, "aws_vpc_security_group_ingress_rule") if each["cidr_ipv4"] == "0.0.0.0/0"}
    assert {port for _, port in open_} == {80, 443} and len({group for group, _ in open_}) == 1, "the balancer alone, on two ports"
    redirect = next(each for each in values(aws, "aws_lb_listener") if each["port"] == 80)["default_action"][0]["redirect"][0]
    assert (redirect["protocol"], redirect["port"]) == ("HTTPS", "443")
    (balancer,) = {group for group, _ in open_}
    assert any("functions_alb" in address and each["referenced_security_group_id"] == balancer for address, each in aws["aws_vpc_security_group_ingress_rule"])


def test_a_log_may_be_written_before_its_balancer_is_made(applied):
    """A balancer tries at once whether it may write there; an order that only the ids say is not enough."""
    calls = applied["aws", "prod"].plan["configuration"]["root_module"]["module_calls"]
    assert calls["balancer"]["expressions"]["log_bucket"]["references"][0] == "module.logs.name"
    assert calls["logs"]["module"]["outputs"]["name"]["depends_on"] == ["aws_s3_bucket_policy.this"]


def test_the_key_is_given_to_services_that_use_it_and_no_other(aws):
    given = {}
    for each in json.loads(one(aws, "aws_kms_key")["policy"])["Statement"]:
        for service in drift.listed(each["Principal"].get("Service", [])):
            given[service] = each["Condition"]
    # Alarms write to an encrypted topic, and logs are encrypted; everything else uses the key as the role that asks for it.
    assert set(given) == {"cloudwatch.amazonaws.com", f"logs.{facts.REGION}.amazonaws.com"}
    assert given[f"logs.{facts.REGION}.amazonaws.com"] == {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{facts.REGION}:{facts.ACCOUNT}:*"}}


def test_topics_queues_and_repositories(aws, needs):
    assert "ecommerce-notifications" in {each["name"] for each in values(aws, "aws_sns_topic")}
    queues = {each["name"] for each in values(aws, "aws_sqs_queue")}
    assert {"ecommerce-order-notifications", "ecommerce-order-notifications-dlq"} <= queues
    services = {each["service_account"] for each in needs["roles"] if each.get("http_port")}
    images = {f"ecommerce/{name}" for name in (*services, "product-image-processor")}
    assert {each["name"] for each in values(aws, "aws_ecr_repository")} == images and len(services) == 9


def test_a_function_by_its_image_is_fetched_by_lambda_from_its_own_repository(aws):
    (it,) = [each for each in values(aws, "aws_lambda_function") if each["function_name"] == "product-image-processor"]
    assert it["package_type"] == "Image" and it["image_uri"].startswith(f"{facts.ACCOUNT}.dkr.ecr.{facts.REGION}.amazonaws.com/ecommerce/product-image-processor@sha256:")
    assert it["image_config"][0]["command"] == ["product-image-processor"]
    (policy,) = values(aws, "aws_ecr_repository_policy")
    assert policy["repository"] == "ecommerce/product-image-processor"
    (statement,) = json.loads(policy["policy"])["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"} and statement["Action"] == ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    (told,) = [each for each in values(aws, "aws_s3_bucket_notification") if each["bucket"] == f"ecommerce-product-images-{facts.ACCOUNT}"]
    (call,) = told["lambda_function"]
    assert call["filter_prefix"] == "originals/" and call["lambda_function_arn"].endswith(":function:product-image-processor"), "not by what it writes itself"


def test_images_of_overlays_lie_in_repositories_that_are_made(applied, aws, gcp):
    for overlay in ("prod", "prod-ingress", "dev", "default", "loadtest"):
        named = {image.split(".amazonaws.com/")[1].split(":")[0].split("@")[0] for image in images(overlay)}
        assert named <= {each["name"] for each in values(aws, "aws_ecr_repository")}, overlay
    url = applied["gcp", "prod"].state["outputs"]["images"]["value"]
    assert all(image.startswith(f"{url}/") for image in images("prod-gke"))


def images(overlay):
    return {container["image"] for each in manifests.rendered(overlay) for container in manifests.shop_containers(each)}


def test_one_environment_of_an_account_makes_the_repositories(applied):
    makers = [name for name in ("dev", "prod") if drift.resources(applied["aws", name].state).get("aws_ecr_repository")]
    assert makers == ["prod"], "their names have no prefix: the second would be refused"


def test_names_of_two_environments_in_one_account_do_not_meet(applied):
    unique = {"aws_s3_bucket": "bucket", "aws_dynamodb_table": "name", "aws_iam_role": "name", "aws_sqs_queue": "name", "aws_sns_topic": "name", "aws_lambda_function": "function_name",
              "aws_db_instance": "identifier", "aws_msk_cluster": "cluster_name", "aws_eks_cluster": "name", "aws_lb": "name", "aws_kms_alias": "name", "aws_secretsmanager_secret": "name",
              "aws_cloudwatch_metric_alarm": "alarm_name", "aws_cloudwatch_log_group": "name", "aws_ecr_repository": "name", "aws_budgets_budget": "name", "aws_msk_configuration": "name",
              "aws_db_subnet_group": "name", "aws_lb_target_group": "name"}
    one, other = (drift.resources(applied["aws", name].state) for name in ("dev", "prod"))
    for kind, key in unique.items():
        both = {each[key] for each in values(one, kind)} & {each[key] for each in values(other, kind)} if kind in one and kind in other else set()
        assert not both, (kind, both)


@pytest.mark.parametrize("name, also", [
    ("ecommerce-flink-code", {}), ("ecommerce-analytics-results", {}), ("ecommerce-dataproc-staging", {}), ("ecommerce-dataproc-temp", {})])
def test_googles_buckets(gcp, name, also):
    it = next(each for each in values(gcp, "google_storage_bucket") if each["name"] == f"{name}-{facts.PROJECT}")
    assert it["uniform_bucket_level_access"] and it["force_destroy"] and it["public_access_prevention"] == "enforced"
    assert it["labels"] == {"environment": "prod", "project": "ecommerce", "managed_by": "terraform", "created_at": "2026-11-28"}


def test_googles_network(gcp):
    assert one(gcp, "google_compute_network")["name"] == "ecommerce-network" and one(gcp, "google_compute_network")["routing_mode"] == "REGIONAL"
    assert one(gcp, "google_compute_subnetwork")["name"] == "ecommerce-subnet" and one(gcp, "google_compute_subnetwork")["private_ip_google_access"]


def test_dataproc(gcp):
    it = one(gcp, "google_dataproc_cluster")
    (config,) = it["cluster_config"]
    assert (it["name"], it["region"]) == ("ecommerce-analytics", "us-central1")
    assert config["master_config"][0]["machine_type"] == config["worker_config"][0]["machine_type"] == "n1-standard-4" and config["worker_config"][0]["num_instances"] == 2
    assert config["master_config"][0]["disk_config"][0]["boot_disk_size_gb"] == 50 and config["software_config"][0]["image_version"] == "2.3-debian12", "2.1 is out of support"
    assert {"FLINK", "JUPYTER", "DOCKER"} <= set(config["software_config"][0]["optional_components"]) and config["endpoint_config"][0]["enable_http_port_access"]
    assert config["gce_cluster_config"][0]["service_account_scopes"] == ["cloud-platform"] and config["gce_cluster_config"][0]["internal_ip_only"]


def roles_of(gcp, account):
    member = next(each["email"] for each in values(gcp, "google_service_account") if each["account_id"] == account)
    return {each["role"] for each in values(gcp, "google_project_iam_member") if each["member"] == f"serviceAccount:{member}"}


def test_googles_accounts_have_narrow_roles_and_no_key(gcp):
    assert roles_of(gcp, "ecommerce-flink") == {"roles/dataproc.worker", "roles/logging.logWriter"}
    assert roles_of(gcp, "analytics-runner") == {"roles/dataproc.worker", "roles/logging.logWriter", "roles/bigquery.jobUser", "roles/datastore.user"}
    assert not {"roles/storage.admin", "roles/editor", "roles/owner"} & {each["role"] for each in values(gcp, "google_project_iam_member")}
    assert "google_service_account_key" not in gcp and "google_storage_hmac_key" not in gcp


def test_jobs_may_write_where_the_submit_scripts_put_their_checkpoints(applied, gcp):
    bucket = applied["gcp", "prod"].state["outputs"]["submit"]["value"]["bucket"]
    for script in ("flink", "spark"):
        assert "job_arguments checkpoints" in (schema_check.ROOT / f"analytics/{script}/submit.sh").read_text(), "in the bucket that is named"
    emails = {each["account_id"]: each["email"] for each in values(gcp, "google_service_account")}
    writers = {each["member"] for each in values(gcp, "google_storage_bucket_iam_member") if each["bucket"] == bucket and each["role"] == "roles/storage.objectAdmin"}
    assert {f"serviceAccount:{emails[each]}" for each in ("ecommerce-flink", "analytics-runner")} <= writers


def test_googles_choices(applied, gcp):
    it = one(gcp, "google_sql_database_instance")
    assert (it["name"], it["database_version"], it["settings"][0]["availability_type"]) == ("ecommerce-analytics-pg", "POSTGRES_15", "ZONAL") and not it["deletion_protection"]
    assert one(gcp, "google_firestore_database")["type"] == "DATASTORE_MODE"
    assert one(gcp, "google_bigquery_dataset")["dataset_id"] == "ecommerce_analytics"
    small = drift.resources(applied["gcp", "dev"].state)
    assert not {"google_sql_database_instance", "google_firestore_database", "google_container_cluster"} & set(small), "by choice"


def test_googles_apis(gcp):
    on = {each["service"].removesuffix(".googleapis.com") for each in values(gcp, "google_project_service")}
    assert {"compute", "container", "dataproc", "storage", "sqladmin", "cloudresourcemanager"} <= on
    # An API that a resource belongs to is switched on.
    needed = {"google_firestore_database": "firestore", "google_artifact_registry_repository": "artifactregistry", "google_bigquery_dataset": "bigquery", "google_bigquery_table": "bigquery",
              "google_container_cluster": "container", "google_secret_manager_secret": "secretmanager", "google_sql_database_instance": "sqladmin",
              "google_service_networking_connection": "servicenetworking", "google_service_account": "iam", "google_iam_workload_identity_pool": "iam", "google_logging_project_sink": "logging"}
    assert {api for kind, api in needed.items() if kind in gcp} <= on
    assert "binaryauthorization" in on and one(gcp, "google_container_cluster")["binary_authorization"], "the cluster asks it about every pod"


def test_googles_apis_are_on_before_what_asks_for_them(applied):
    """A project that is new has none: what does not wait for them is refused on some days and made on others."""
    root = applied["gcp", "prod"].plan["configuration"]["root_module"]
    calls = root["module_calls"]

    def waits(name, seen=()):
        said = calls[name].get("depends_on", []) + re.findall(r"module\.\w+", json.dumps(calls[name].get("expressions", {})))
        return name == "apis" or any(waits(each.split(".")[1], (*seen, name)) for each in said if each.split(".")[1] not in seen)

    assert [name for name in calls if not waits(name)] == []
    assert all(any(each.startswith("module.") for each in it.get("depends_on", [])) for it in root.get("resources", []) if it["mode"] == "managed")


def test_what_submits_jobs_may_act_as_those_who_run_them_without_servers(applied, gcp):
    emails = {each["account_id"]: each["email"] for each in values(gcp, "google_service_account")}
    users = {each["member"] for address, each in gcp["google_service_account_iam_member"] if address.startswith("module.runner.") and ".users[" in address}
    assert users == {f"serviceAccount:ecommerce-submitter@{facts.PROJECT}.iam.gserviceaccount.com"} == {f"serviceAccount:{emails['ecommerce-submitter']}"}
    # The role that may be it, in AWS, is the one that Terraform runs as there.
    trusted = one(gcp, "google_iam_workload_identity_pool_provider")["attribute_condition"]
    role = applied["aws", "prod"].plan["variables"]["deployer_role_arn"]["value"].rsplit("/", 1)[1]
    assert f"'{role}'" in trusted


def test_tags(applied):
    for environment in ("dev", "prod"):
        text = (schema_check.CONFIGURATION / "aws/main.tf").read_text()
        (block,) = re.findall(r"  tags = \{\n(.*?)\n  \}", text, re.S)
        assert re.findall(r"^ +(\w+) +=", block, re.M) == ["Environment", "Project", "ManagedBy", "CreatedAt"]
        charts = {each["name"]: each for each in values(drift.resources(applied["aws-cluster", environment].state), "helm_release")}
        tags = {"Environment": environment, "Project": "ecommerce", "ManagedBy": "terraform", "CreatedAt": "2026-11-28"}
        assert manifests.yaml.safe_load(charts["aws-load-balancer-controller"]["values"][0])["defaultTags"] == tags, "what the controller makes is tagged, too"
        (volumes,) = [each for address, each in drift.resources(applied["aws", environment].state)["aws_eks_addon"] if "aws-ebs-csi-driver" in address]
        assert json.loads(volumes["configuration_values"])["controller"]["extraVolumeTags"] == tags, "and pods' disks"
