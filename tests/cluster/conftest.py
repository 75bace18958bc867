"""One control plane for all tests of this folder, with the real resource definitions of what else the manifests speak of."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "deploy"))
sys.path.insert(0, str(HERE))

from control_plane import ControlPlane  # noqa: E402
from delivery import tools  # noqa: E402


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    one = ControlPlane(tmp_path_factory.mktemp("cluster"), tools("kubernetes"))
    try:
        one.start()
        one.must("apply", "--server-side", "-f", tools("crds") / "crds", within_s=180)
        one.must("wait", "--for=condition=Established", "--all", "crd", "--timeout=60s")
        yield one
    finally:
        one.stop()
