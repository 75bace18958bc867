"""The check's own check: errors that are put into a configuration are found, each by what it is."""
import shutil

import pytest
import schema_check

MODULE = "modules/aws/queue"
PLANTED = {
    "an argument that there is not": (
        "  receive_wait_time_seconds  = 20\n", "  recieve_wait_time_seconds  = 20\n", "Unsupported argument"),
    "a required argument that is missing": (
        "  comparison_operator = \"GreaterThanThreshold\"\n", "", "Missing required argument"),
    "a value of the wrong type": (
        "  period              = 60\n", "  period              = [60]\n", "Incorrect attribute value type"),
    "a resource type that there is not": (
        'resource "aws_sqs_queue_redrive_allow_policy" "dead"', 'resource "aws_sqs_queue_redrive_policies" "dead"',
        "Invalid resource type"),
    "a block that there is not": (
        "  alarm_actions       = var.alarm_topic_arns\n", "  alarm_actions       = var.alarm_topic_arns\n  metric {}\n",
        "Unsupported block type"),
    "an attribute that is not there to be read": (
        "aws_sqs_queue.dead.arn", "aws_sqs_queue.dead.address", "Unsupported attribute"),
    "a reference to nothing": ("aws_sqs_queue.dead.url", "aws_sqs_queue.lost.url", "Reference to undeclared resource"),
}


def plant(workspace, tmp_path, change):
    """The module with `change`, in a place of its own beside the providers that are there already."""
    copy = tmp_path / "module"
    shutil.copytree(workspace.folder / MODULE, copy, ignore=shutil.ignore_patterns("examples", "tests", ".terraform*"))
    text = (copy / "main.tf").read_text()
    assert change[0] in text, "what is changed stands in the file"
    (copy / "main.tf").write_text(text.replace(change[0], change[1], 1))
    workspace.init(copy)
    return workspace.run(copy, "validate", "-no-color", may_fail=True)


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_error_is_found(workspace, tmp_path, what):
    said = plant(workspace, tmp_path, PLANTED[what])
    assert said.returncode == 1 and PLANTED[what][2] in said.stdout + said.stderr, said.stdout + said.stderr


def test_without_an_error_it_is_valid(workspace, tmp_path):
    said = plant(workspace, tmp_path, ("  period              = 60\n", "  period              = 120\n", None))
    assert said.returncode == 0, said.stdout + said.stderr


def test_a_required_argument_of_a_block_is_missed(workspace, tmp_path):
    text = 'resource "aws_eks_cluster" "this" {\n  name     = "x"\n  role_arn = "x"\n  vpc_config {}\n}\n'
    (tmp_path / "main.tf").write_text(text)
    workspace.init(tmp_path)
    said = workspace.run(tmp_path, "validate", "-no-color", may_fail=True)
    assert said.returncode == 1 and "subnet_ids" in said.stdout + said.stderr


def test_every_type_that_is_used_is_in_the_bindings(workspace):
    used = schema_check.used_types(schema_check.CONFIGURATION)
    for kind, names in used.items():
        known = set().union(*(each[kind] for each in workspace.providers.values()))
        assert names <= known | {"terraform_data"}, names - known


def test_a_schema_is_of_the_provider_that_is_asked_for(workspace):
    versions = {name: each["version"] for name, each in workspace.providers.items()}
    assert versions["aws"].startswith("5.") and versions["google"].startswith("6.") and versions["helm"].startswith("2.")
    assert len(workspace.providers["aws"]["resources"]) > 1400 and len(workspace.providers["google"]["resources"]) > 900
