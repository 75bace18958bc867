"""Each module's own tests, and that no rule of a variable goes without a case that breaks it."""
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from schema_check import CONFIGURATION

MODULES = sorted(each.parent.relative_to(CONFIGURATION).as_posix() for each in CONFIGURATION.glob("modules/*/*/main.tf"))
VARIABLE = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.M | re.S)
FAILING = re.compile(r"expect_failures = \[var\.(\w+)\]")


@pytest.fixture(scope="session")
def tested(workspace):
    """All of them, two at a time: {module: what `terraform test` said}."""

    def test(module):
        made = workspace.run(module, "init", "-input=false", "-no-color", may_fail=True)
        return made if made.returncode else workspace.run(module, "test", "-no-color", may_fail=True)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(MODULES, pool.map(test, MODULES)))


@pytest.mark.parametrize("module", MODULES)
def test_a_modules_tests_pass(tested, module):
    said = tested[module]
    assert said.returncode == 0, said.stdout + said.stderr
    assert re.search(r"Success! [1-9]\d* passed, 0 failed", said.stdout)


@pytest.mark.parametrize("module", MODULES)
def test_every_rule_of_a_variable_has_a_case_that_breaks_it(module):
    rules = {name: body.count("validation {") for name, body in VARIABLE.findall((CONFIGURATION / module / "variables.tf").read_text())}
    cases = FAILING.findall("".join(each.read_text() for each in sorted((CONFIGURATION / module).glob("tests/*.hcl"))))
    short = {name: n for name, n in rules.items() if cases.count(name) < n}
    assert not short, f"rules without a failing case: {short}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_described_typed_and_shown(module):
    folder = CONFIGURATION / module
    for each in ("README.md", "versions.tf", "outputs.tf", "examples/basic/main.tf"):
        assert (folder / each).is_file(), f"{module} has no {each}"
    for name, body in VARIABLE.findall((folder / "variables.tf").read_text()):
        assert "description" in body and re.search(r"^  type +=", body, re.M), f"{module}: {name} has no type or description"
    assert "./examples/basic" in (folder / "tests/module.tftest.hcl").read_text(), "its example is planned by its tests"


RULE = re.compile(r"^  validation \{\n.*?^  \}\n", re.M | re.S)
RULES = [(module, n) for module in MODULES for n in range(len(RULE.findall((CONFIGURATION / module / "variables.tf").read_text())))]


# Each is a run of a module's tests: minutes for all.
@pytest.mark.skipif(not os.environ.get("STOA_TEST_RULES"), reason="STOA_TEST_RULES=1 takes every rule away, one after another")
@pytest.mark.parametrize("module,n", RULES)
def test_a_rule_that_is_taken_away_is_missed(workspace, tmp_path, module, n):
    copy = tmp_path / "module"
    shutil.copytree(workspace.folder / module, copy, ignore=shutil.ignore_patterns(".terraform*"))
    text = (copy / "variables.tf").read_text()
    at = list(RULE.finditer(text))[n]
    (copy / "variables.tf").write_text(text[: at.start()] + text[at.end():])
    workspace.init(copy)
    said = workspace.run(copy, "test", "-no-color", may_fail=True)
    assert said.returncode == 1, f"no test misses this rule:\n{at[0]}"
