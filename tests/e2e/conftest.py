import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from shop import Shop  # noqa: E402


@pytest.fixture
def shop(tmp_path):
    with Shop(tmp_path / "data", "--rate-login-burst", "0") as one:
        yield one


@pytest.fixture(scope="module")
def demo_shop(tmp_path_factory):
    """One shop with the demo catalogue for the reading tests of a file."""
    with Shop(tmp_path_factory.mktemp("demo"), "--rate-login-burst", "0", demo=True) as one:
        yield one
