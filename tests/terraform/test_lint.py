"""Formatting, tflint, checkov and the modules' README files."""
import json
import os
import subprocess

import pytest
import readme
import schema_check
from test_modules import MODULES

TOOLS = schema_check.cache()
EXCEPTIONS = schema_check.CONFIGURATION / "checkov.json"


def test_everything_is_formatted(workspace):
    said = workspace.run(".", "fmt", "-check", "-recursive", "-no-color", may_fail=True)
    # What the check itself puts there is formatted, too.
    assert said.returncode == 0, f"./dev terraform fmt would change: {said.stdout}{said.stderr}"


@pytest.mark.parametrize("module", MODULES)
def test_a_readme_has_the_variables_and_outputs_of_today(module):
    folder = schema_check.CONFIGURATION / module
    assert readme.written(folder) == (folder / "README.md").read_text(), "./dev terraform docs writes it again"


def test_tflint_finds_nothing():
    command = [TOOLS / "tflint", "--recursive", "--format=json", f"--config={schema_check.CONFIGURATION}/.tflint.hcl"]
    said = subprocess.run(command, cwd=schema_check.CONFIGURATION, capture_output=True, text=True)
    report = json.loads(said.stdout)
    found = [f"{each['range']['filename']}:{each['range']['start']['line']}: {each['rule']['name']}: {each['message']}" for each in report["issues"]]
    assert not found and not report["errors"], (found, report["errors"], said.stderr)


def test_tflint_finds_what_is_planted(tmp_path):
    (tmp_path / "main.tf").write_text('variable "unused" {}\n')
    command = [TOOLS / "tflint", "--format=json", f"--config={schema_check.CONFIGURATION}/.tflint.hcl"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert {"terraform_unused_declarations", "terraform_typed_variables"} <= {each["rule"]["name"] for each in json.loads(said.stdout)["issues"]}


def scan(folder):
    command = [TOOLS / "python/bin/checkov", "-d", folder, "--framework", "terraform", "-o", "json", "--quiet", "--compact",
               "--skip-download", "--soft-fail", "--skip-path", "examples", "--skip-path", "tests"]
    keep = {each: os.environ[each] for each in ("PATH", "HOME", "TMPDIR") if each in os.environ}
    said = subprocess.run(command, capture_output=True, text=True, env={**keep, "LOG_LEVEL": "ERROR"})
    report = json.loads(said.stdout)
    return [each for part in (report if isinstance(report, list) else [report]) for each in part["results"]["failed_checks"]]


def test_checkov_finds_nothing_without_a_written_reason():
    # {check: {"reason": …, "resources": [address without modules and indexes, …]}}
    exceptions = json.loads(EXCEPTIONS.read_text())
    open_, used = [], set()
    for each in scan(schema_check.CONFIGURATION):
        name = ".".join(each["resource"].split(".")[-2:]).split("[")[0]
        if name in exceptions.get(each["check_id"], {}).get("resources", []):
            used.add((each["check_id"], name))
        else:
            open_.append(f"{each['check_id']} {each['check_name']}: {each['resource']} ({each['file_path']})")
    assert not open_, "\n".join(sorted(set(open_)))
    unused = {(check, name) for check, each in exceptions.items() for name in each["resources"]} - used
    assert not unused, f"exceptions that nothing needs any more: {unused}"
    assert all(each["reason"] for each in exceptions.values())


def test_checkov_finds_what_is_planted(tmp_path):
    (tmp_path / "main.tf").write_text('resource "aws_s3_bucket" "open" {\n  bucket = "open"\n  acl    = "public-read"\n}\n')
    assert any(each["check_id"] == "CKV_AWS_20" for each in scan(tmp_path))
