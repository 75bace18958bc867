"""One workspace a run: providers are made, both compositions are applied in both environments, and asked again."""
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import schema_check

# What is applied: the two environments of each composition, and prod where the cluster makes the balancer.
ENVIRONMENTS = [(cloud, name) for cloud in schema_check.COMPOSITIONS for name in ("dev", "prod")] + [("aws", "prod-ingress")]
GIVEN = {"prod-ingress": ["-var-file=environments/prod.tfvars", "-var=alb=false"]}


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    return schema_check.Workspace(tmp_path_factory.mktemp("workspace"))


class Applied:
    """A composition in an environment: its plan, its state, and what a second plan says."""

    def __init__(self, workspace, cloud, environment):
        given = GIVEN.get(environment, [f"-var-file=environments/{environment}.tfvars"])
        state = f"-state={environment}.tfstate"
        common = ("-input=false", "-no-color")
        workspace.terraform(cloud, "plan", *common, *given, state, f"-out={environment}.plan")
        self.plan = json.loads(workspace.terraform(cloud, "show", "-json", f"{environment}.plan"))
        workspace.terraform(cloud, "apply", *common, "-parallelism=30", f"-state-out={environment}.tfstate", f"{environment}.plan")
        self.state = json.loads(workspace.terraform(cloud, "show", "-json", f"{environment}.tfstate"))["values"]
        self.again = workspace.run(cloud, "plan", *common, *given, state, "-detailed-exitcode", may_fail=True)


@pytest.fixture(scope="session")
def initialised(workspace):
    for cloud in schema_check.COMPOSITIONS:
        workspace.init(cloud)
    return workspace


@pytest.fixture(scope="session")
def applied(initialised):
    workspace = initialised
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(ENVIRONMENTS, pool.map(lambda each: Applied(workspace, *each), ENVIRONMENTS)))


@pytest.fixture(scope="session")
def program():
    found = os.environ.get("STOA_TEST_BINARY")
    if not found:
        pytest.fail("STOA_TEST_BINARY must name the program; ./dev test terraform sets it")
    return Path(found)


@pytest.fixture(scope="session")
def needs(program):
    """What the code needs, asked of the program itself."""
    said = subprocess.run([program, "config", "--requirements"], capture_output=True, text=True, env={}, check=True)
    return json.loads(said.stdout)
