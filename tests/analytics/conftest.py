import pathlib
import shutil
import tempfile

import pytest


@pytest.fixture(scope="session")
def flink_cluster():
    from flink import Cluster
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stoa-flink-"))
    cluster = Cluster(folder / "flink")
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)
