"""Both clouds in both environments: valid, planned, applied, and the same when they are planned again."""
import pytest
import schema_check
from conftest import ENVIRONMENTS


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_a_composition_is_valid(workspace, applied, cloud):
    assert "configuration is valid" in workspace.terraform(cloud, "validate", "-no-color")


@pytest.mark.parametrize("cloud,environment", ENVIRONMENTS)
def test_a_plan_creates_and_destroys_nothing(applied, cloud, environment):
    changes = applied[cloud, environment].plan["resource_changes"]
    actions = {tuple(each["change"]["actions"]) for each in changes if each["mode"] == "managed"}
    assert actions == {("create",)}
    assert len(changes) > 25


@pytest.mark.parametrize("cloud,environment", ENVIRONMENTS)
def test_a_second_plan_has_no_changes(applied, cloud, environment):
    again = applied[cloud, environment].again
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_where_the_state_lies_is_valid(workspace, cloud):
    workspace.init(f"state/{cloud}")
    assert "configuration is valid" in workspace.terraform(f"state/{cloud}", "validate", "-no-color")


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_the_example_of_variables_names_variables(workspace, applied, cloud):
    # Terraform warns of a variable that is not declared, and goes on; the values are placeholders.
    given = ("-var-file=terraform.tfvars.example", "-input=false", "-no-color", "-state=example.tfstate")
    said = workspace.run(cloud, "plan", *given, may_fail=True)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "undeclared variable" not in said.stdout


def test_every_state_has_a_place_with_a_lock(workspace):
    for environment in ("dev", "prod"):
        aws = (workspace.folder / f"aws/environments/{environment}.backend.hcl").read_text()
        assert "use_lockfile = true" in aws and f"/{environment}.tfstate" in aws
        # With the key of the bucket, which the role of pull requests may use; encrypt alone would be without it.
        assert 'kms_key_id   = "alias/ecommerce-terraform-state"' in aws
        # Cloud Storage's backend locks by itself.
        assert f"/{environment}\"" in (workspace.folder / f"gcp/environments/{environment}.backend.hcl").read_text()
    assert 'name        = "${var.project}-terraform-state"' in (workspace.folder / "state/aws/main.tf").read_text()
    assert 'backend "s3"' in (workspace.folder / "aws/versions.tf").read_text()
    assert 'backend "gcs"' in (workspace.folder / "gcp/versions.tf").read_text()


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_everything_is_tagged_with_a_day_that_stays(applied, environment):
    configuration = applied["aws", environment].plan["configuration"]["provider_config"]["aws"]
    assert "default_tags" in configuration["expressions"]
    tags = applied["aws", environment].plan["variables"]
    assert tags["created_at"]["value"] == "2026-11-28"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_googles_composition_fits_the_documented_provider_too(tmp_path, environment):
    older = schema_check.Workspace(tmp_path / "older", {**schema_check.BINDINGS, "google": 13})
    assert older.providers["google"]["version"].startswith("5.")
    older.init("gcp")
    older.terraform("gcp", "plan", "-input=false", "-no-color", f"-var-file=environments/{environment}.tfvars")
