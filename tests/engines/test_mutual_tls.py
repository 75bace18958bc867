"""A shop of one process a target whose services speak mutual TLS, and what is said of settings that cannot be right.

    ./dev test engines -k mutual_tls
"""

import pathlib
import subprocess
import sys

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from shop import ADDRESS, binary, eventually  # noqa: E402
from test_shop import Places  # noqa: E402
from topology import Topology  # noqa: E402

ORDER_PORT = 50053


class Authority:
    """Signs certificates; everything in one folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-addext",
                      "basicConstraints=critical,CA:TRUE")
        self.certificate = folder / f"{name}.pem"

    def _openssl(self, *words, at=None):
        subprocess.run([*(["faketime", at] if at else []), "openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def sign(self, name, addresses, at=None):
        """At a time in the past: one that has expired."""
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
                      f"{name}.key", "-out", f"{name}.csr")
        (self.folder / f"{name}.san").write_text("subjectAltName=" + ",".join("IP:" + each for each in addresses))
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem", "-CAkey", f"{self.name}.key",
                      "-CAcreateserial", "-days", "2", "-extfile", f"{name}.san", "-out", f"{name}.pem", at=at)
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mutual_tls")
    places = Places(folder, "mutual", "dynamodb")
    places.settings.pop("kafka_group_instance_id")
    made = Topology(folder / "shop", places.settings, network=61, replicas={"product": 2})
    made.authority, made.stranger = Authority(folder, "shop"), Authority(folder, "stranger")
    made.identity = made.authority.sign("all", [each.address for each in made.local.processes])
    made.local.extra |= {"grpc_certificate_file": made.identity[0], "grpc_key_file": made.identity[1],
                         "grpc_ca_file": made.authority.certificate}
    with made as one:
        yield one


def health(shop, shown=None, believed=None):
    """As somebody asks the order service: SERVING, or the error's words."""
    (process,) = shop.replicas("order")
    at = f"{process.address}:{ORDER_PORT}"
    if believed is None:
        channel = grpc.insecure_channel(at)
    else:
        certificate, key = (path.read_bytes() for path in shown) if shown else (None, None)
        channel = grpc.secure_channel(at, grpc.ssl_channel_credentials(believed.read_bytes(), key, certificate))
    with channel:
        try:
            got = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=15)
        except grpc.RpcError as why:
            assert why.code() == grpc.StatusCode.UNAVAILABLE, why
            return why.details()
        return health_pb2.HealthCheckResponse.ServingStatus.Name(got.status)


def test_services_that_know_each_other_sell(shop):
    """Two replicas of product by their numbers: each is believed."""
    operator, customer = shop.operator(), shop.customer()
    made = operator.post("/api/v1/products", {"name": "Mug", "price": 5, "stock": 20})
    assert made.status == 201, made
    wanted = {"items": [{"product_id": made.json["id"], "quantity": 1}], "shipping_address": ADDRESS,
              "payment_method": "credit_card"}
    orders = []
    for _ in range(10):  # the replicas take turns
        got = customer.post("/api/v1/orders", wanted)
        assert got.status == 201, got
        orders.append(got.json["id"])
    for each in orders:
        eventually(lambda: customer.get(f"/api/v1/orders/{each}").json["status"] == "paid", within_s=60, what="paid")


def test_only_who_shows_a_certificate_of_the_shop_is_served(shop):
    believed = shop.authority.certificate
    assert health(shop, shop.identity, believed) == "SERVING"
    assert health(shop) != "SERVING", "plain text"
    assert health(shop, None, believed) != "SERVING", "no certificate"
    assert health(shop, shop.stranger.sign("somebody", ["127.0.0.1"]), believed) != "SERVING"
    assert health(shop, shop.authority.sign("late", ["127.0.0.1"], at="2020-01-01"), believed) != "SERVING"
    assert "CERTIFICATE_VERIFY_FAILED" in health(shop, shop.identity, shop.stranger.certificate)


@pytest.mark.parametrize("what, setting, told", [
    ("missing", "grpc_key_file", "cannot be read"),
    ("mixed", "grpc_key_file", "is not the key of"),
    ("expired", "grpc_certificate_file", "expired at 2020"),
    ("stranger", "grpc_certificate_file", "would not be believed"),
    ("half", "grpc_ca_file", "takes all three"),
])
def test_settings_that_cannot_be_right_end_the_start(shop, tmp_path, what, setting, told):
    certificate, key = shop.identity
    ca = shop.authority.certificate
    if what == "missing":
        key = tmp_path / "nowhere.key"
    elif what == "mixed":
        key = shop.authority.sign("another", ["127.0.0.1"])[1]
    elif what == "expired":
        certificate, key = shop.authority.sign("old", ["127.0.0.1"], at="2020-01-01")
    elif what == "stranger":
        certificate, key = shop.stranger.sign("other", ["127.0.0.1"])
    elif what == "half":
        ca = ""
    flags = ["--grpc-certificate-file", str(certificate), "--grpc-key-file", str(key), "--grpc-ca-file", str(ca),
             "--config", str(shop.local.settings), "--data-dir", str(tmp_path / "data")]
    for verb in (["serve", "--target", "activity", "--listen-host", "127.0.61.99", "--admin", "127.0.61.99:9090"], ["doctor"]):
        got = subprocess.run([binary(), *verb, *flags], capture_output=True, text=True, timeout=60)
        assert got.returncode != 0 and setting in got.stdout + got.stderr and told in got.stdout + got.stderr, got
