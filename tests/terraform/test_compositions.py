"""Every composition in both environments: valid, planned, applied, and the same when they are planned again."""
import json
import re

import drift
import pytest
import yaml
import schema_check
from conftest import ENVIRONMENTS


@pytest.mark.parametrize("cloud", schema_check.COMPOSITIONS)
def test_a_composition_is_valid(workspace, applied, cloud):
    assert "configuration is valid" in workspace.terraform(cloud, "validate", "-no-color")


@pytest.mark.parametrize("cloud,environment", ENVIRONMENTS)
def test_a_plan_creates_and_destroys_nothing(applied, cloud, environment):
    changes = applied[cloud, environment].plan["resource_changes"]
    actions = {tuple(each["change"]["actions"]) for each in changes if each["mode"] == "managed"}
    assert actions == {("create",)}
    assert len(changes) > (3 if cloud == "aws-cluster" else 25)


@pytest.mark.parametrize("cloud,environment", ENVIRONMENTS)
def test_a_second_plan_has_no_changes(applied, cloud, environment):
    again = applied[cloud, environment].again
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_where_the_state_lies_is_valid(workspace, cloud):
    workspace.init(f"state/{cloud}")
    assert "configuration is valid" in workspace.terraform(f"state/{cloud}", "validate", "-no-color")


@pytest.mark.parametrize("cloud", schema_check.COMPOSITIONS)
def test_the_example_of_variables_names_variables(workspace, applied, cloud):
    # Terraform warns of a variable that is not declared, and goes on; the values are placeholders.
    given = ("-var-file=terraform.tfvars.example", "-input=false", "-no-color", "-state=example.tfstate")
    said = workspace.run(cloud, "plan", *given, may_fail=True)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "undeclared variable" not in said.stdout


def test_every_state_has_a_place_of_its_own_with_a_lock(workspace):
    for environment in ("dev", "prod"):
        places = set()
        for composition in ("aws", "aws-cluster"):
            aws = (workspace.folder / f"{composition}/environments/{environment}.backend.hcl").read_text()
            assert "use_lockfile = true" in aws
            places.add(re.search(r'^key += "(.*)"$', aws, re.M)[1])
            # With the key of the bucket, which the role of pull requests may use; encrypt alone would be without it.
            assert 'kms_key_id   = "alias/ecommerce-terraform-state"' in aws
        assert places == {f"shop/{environment}.tfstate", f"shop/{environment}-cluster.tfstate"}
        # Cloud Storage's backend locks by itself.
        assert f"/{environment}\"" in (workspace.folder / f"gcp/environments/{environment}.backend.hcl").read_text()
    assert 'name        = "${var.project}-terraform-state"' in (workspace.folder / "state/aws/main.tf").read_text()
    assert 'backend "s3"' in (workspace.folder / "aws/versions.tf").read_text()
    assert 'backend "gcs"' in (workspace.folder / "gcp/versions.tf").read_text()


# Types that AWS tags as what they belong to, or not at all, though the provider's schema has tags_all for them: none.
def tags_of(plan):
    """{address: all tags} of what can be tagged, as the provider works them out while it plans."""
    return {address: values["tags_all"] for kind in drift.resources(plan["planned_values"]).values() for address, values in kind if "tags_all" in values}


@pytest.mark.parametrize("environment", ["dev", "prod", "prod-ingress"])
def test_everything_that_can_be_tagged_has_the_tags_and_a_day_that_stays(applied, workspace, environment):
    made = applied["aws", environment]
    wanted = {"Environment": environment.split("-")[0], "Project": "ecommerce", "ManagedBy": "terraform", "CreatedAt": "2026-11-28"}
    found = tags_of(made.plan)
    assert len(found) > 80 and [address for address, tags in found.items() if not wanted.items() <= tags.items()] == []
    taggable = {kind for kind, schema in workspace.providers["aws"]["resources"].items() if "tags_all" in schema["attributes"]}
    planned = {address for kind, some in drift.resources(made.plan["planned_values"]).items() if kind in taggable for address, _ in some}
    assert planned == set(found)
    applied_tags = {address: values["tags_all"] for kind in drift.resources(made.state).values() for address, values in kind if values.get("tags_all")}
    assert applied_tags == found, "and the second plan is clean: test_a_second_plan_has_no_changes"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_machines_and_disks_that_others_make_are_tagged_too(applied, environment):
    """A provider's tags do not reach what a launch template, or a controller in the cluster, makes."""
    (template,) = [values for _, values in drift.resources(applied["aws", environment].state)["aws_launch_template"]]
    tagged = {each["resource_type"]: each["tags"] for each in template["tag_specifications"]}
    wanted = {"Environment": environment, "Project": "ecommerce", "ManagedBy": "terraform", "CreatedAt": "2026-11-28"}
    assert {"instance", "volume"} <= set(tagged) and all(wanted.items() <= tags.items() for tags in tagged.values())


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_everything_that_can_be_labelled_in_googles_cloud_has_the_labels(applied, environment):
    wanted = {"environment": environment, "project": "ecommerce", "managed_by": "terraform", "created_at": "2026-11-28"}
    found = {address: values["effective_labels"] for kind in drift.resources(applied["gcp", environment].plan["planned_values"]).values()
             for address, values in kind if "effective_labels" in values}
    assert len(found) > 5 and [address for address, labels in found.items() if not wanted.items() <= labels.items()] == []


def test_tags_that_are_left_out_are_missed(workspace, tmp_path):
    text = 'provider "aws" {\n  region = "us-east-1"\n  default_tags {\n    tags = { Project = "x" }\n  }\n}\nresource "aws_sqs_queue" "one" {\n  name = "one"\n  tags = { Name = "one" }\n}\n'
    (tmp_path / "main.tf").write_text(text)
    workspace.init(tmp_path)
    workspace.terraform(tmp_path, "plan", "-input=false", "-out=plan")
    (tags,) = tags_of(json.loads(workspace.terraform(tmp_path, "show", "-json", "plan"))).values()
    assert tags == {"Project": "x", "Name": "one"}, "no more than what is said"


# --- what pull requests plan

def providers_of(plan):
    return set(plan["configuration"]["provider_config"])


def planned_by_pull_requests():
    jobs = yaml.safe_load((schema_check.ROOT / ".github/workflows/ci.yaml").read_text())["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "deploy plan" in step.get("run", "")]
    return [tuple(each.split("deploy plan ")[1].split()) for each in runs]


def test_a_pull_requests_plan_asks_aws_and_no_cluster(applied):
    """A runner outside the network reaches AWS' interfaces and not the cluster's private one, which a provider for Helm asks."""
    asked = planned_by_pull_requests()
    assert asked == [("aws", "dev")]
    for composition, environment in asked:
        plan = applied[composition, environment].plan
        assert providers_of(plan) == {"aws"}
        assert not any(values["vpc_config"][0]["endpoint_public_access"] for _, values in drift.resources(applied[composition, environment].state)["aws_eks_cluster"])
        assert {address.split(".")[0] for each in plan["resource_changes"] for address in [each["type"]]} and not any(
            each["type"].startswith(("helm_", "kubernetes_")) for each in plan["resource_changes"])


def test_a_pull_request_may_read_the_states_that_it_plans_and_no_other(applied, workspace):
    keys = {re.search(r'^key += "(.*)"$', (workspace.folder / f"{composition}/environments/{name}.backend.hcl").read_text(), re.M)[1]
            for composition, name in planned_by_pull_requests()}
    bucket = re.search(r'^bucket += "(.*)"$', (workspace.folder / "aws/environments/dev.backend.hcl").read_text(), re.M)[1]
    read = {arn for action, arn in drift.policies(applied["aws", "prod"].state)["ecommerce-ci-plan"] if action == "s3:GetObject"}
    assert read == {f"arn:aws:s3:::{bucket}/{key}{end}" for key in keys for end in ("", ".tflock")}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_both_clouds_make_the_same_choice_of_edge(applied, environment):
    chosen = {cloud: applied[cloud, environment].plan["variables"].get("kafka_edge", {"value": "none"})["value"] for cloud in ("aws", "gcp")}
    assert chosen["aws"] == chosen["gcp"]


def test_what_asks_the_cluster_is_planned_inside_the_network_alone(applied):
    assert providers_of(applied["aws-cluster", "dev"].plan) == {"aws", "helm"}
    assert not any(composition == "aws-cluster" for composition, _ in planned_by_pull_requests())


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_googles_composition_fits_the_documented_provider_too(tmp_path, environment):
    older = schema_check.Workspace(tmp_path / "older", {**schema_check.BINDINGS, "google": 13})
    assert older.providers["google"]["version"].startswith("5.")
    older.init("gcp")
    older.terraform("gcp", "plan", "-input=false", "-no-color", f"-var-file=environments/{environment}.tfvars")
