"""What the tests stand on: the zips unpacked as Lambda does, the engines that tests/engines/with.py started, a shop."""

import os
import pathlib
import sys
import uuid
import zipfile

import boto3
import botocore.config
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
for each in ("tests/e2e", "tests/engines", "deploy/local"):
    sys.path.insert(0, str(ROOT / each))

from runtime_api import Function  # noqa: E402
from shop import Shop  # noqa: E402

ZIPS = pathlib.Path(os.environ["STOA_TEST_FUNCTIONS"])


def engine(name):
    return "http://" + os.environ[f"STOA_TEST_{name.upper()}"].removeprefix("http://")


def amazon(service, at=None):
    return boto3.client(service, endpoint_url=engine(at or service), region_name="us-east-1", aws_access_key_id="stoalocal",
                        aws_secret_access_key="stoalocalsecret",
                        config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}))


def unpacked(name, folder):
    root = pathlib.Path(folder) / name
    task = root / "var/task"
    task.mkdir(parents=True)
    with zipfile.ZipFile(ZIPS / f"{name}.zip") as archive:
        for each in archive.infolist():
            path = pathlib.Path(archive.extract(each, task))
            path.chmod(each.external_attr >> 16 & 0o777)
    return root


@pytest.fixture(scope="session")
def import_root(tmp_path_factory):
    return unpacked("product-import", tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="session")
def notification_root(tmp_path_factory):
    return unpacked("ecommerce-notification", tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="session")
def s3():
    return amazon("s3")


@pytest.fixture
def bucket(s3):
    name = f"products-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def shop(tmp_path):
    with Shop(tmp_path / "shop") as running:
        yield running


@pytest.fixture
def importer(import_root, tmp_path, shop):
    """Makes processes of the function, each a cold start."""
    def make(**environment):
        return Function(import_root, "product-import", {
            "PRODUCT_API_URL": f"http://127.0.0.1:{shop.port}", "PRODUCT_API_KEY": shop.local_token,
            "AWS_ENDPOINT_URL_S3": engine("s3"), **environment}, tmp_path)
    return make
