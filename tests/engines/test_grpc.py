"""The services' gRPC ports, asked by a client that is not ours and knows no more than reflection tells.

    ./dev test engines
"""

import pathlib
import re
import sys

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from shop import ADDRESS  # noqa: E402
from test_shop import Places  # noqa: E402
from topology import Topology  # noqa: E402

PORTS = {"user": 50051, "product": 50052, "order": 50053, "payment": 50054, "cart": 50055, "activity": 50056,
         "notification": 50057, "analytics": 50058}


def documented():
    """Service → its rpcs, as api/proto has them."""
    out = {}
    for file in sorted((ROOT / "api/proto/stoa/v1").glob("*.proto")):
        for name, body in re.findall(r"service (\w+) \{(.*?)\n\}", file.read_text(), re.S):
            out["stoa.v1." + name] = set(re.findall(r"rpc (\w+)", body))
    return out


class Service:
    """A service by name: service.call("GetOrder", {"id": …}) → the response message."""

    def __init__(self, process, port, service):
        self.channel, self.service = grpc.insecure_channel(f"{process.address}:{port}"), service
        self.known = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = descriptor_pool.DescriptorPool(self.known)
        self.of = self.pool.FindServiceByName(service)

    def call(self, rpc, fields=None, **metadata):
        method = self.of.FindMethodByName(rpc)
        request = message_factory.GetMessageClass(method.input_type)(**(fields or {}))
        ask = self.channel.unary_unary(f"/{self.service}/{rpc}", request_serializer=lambda m: m.SerializeToString(),
                                       response_deserializer=message_factory.GetMessageClass(method.output_type).FromString)
        return ask(request, timeout=15, metadata=[(name.replace("_", "-"), value) for name, value in metadata.items()])

    def refused(self, rpc, fields=None, **metadata):
        with pytest.raises(grpc.RpcError) as got:
            self.call(rpc, fields, **metadata)
        return got.value.code()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grpc")
    places = Places(folder, "grpc", "dynamodb")
    places.settings.pop("kafka_group_instance_id")
    with Topology(folder / "shop", places.settings, network=60, replicas={}) as one:
        yield one


def service(shop, target):
    (process,) = shop.replicas(target)
    return Service(process, PORTS[target], f"stoa.v1.{target.capitalize()}Service")


def test_each_port_serves_its_documented_service_and_says_so(shop):  # R62–R67
    seen = {}
    for target, port in PORTS.items():
        one = service(shop, target)
        seen[one.service] = {method.name for method in one.of.methods}
        assert one.call("HealthCheck").status == "serving"
        health = health_pb2_grpc.HealthStub(one.channel)
        for name in ("", "liveness", one.service):
            assert health.Check(health_pb2.HealthCheckRequest(service=name)).status == health_pb2.HealthCheckResponse.SERVING
        assert one.service in one.known.get_services()
    assert seen == documented()


def test_a_customer_orders_by_grpc_with_amounts_in_minor_units(shop):  # R64, R65, R68
    operator, customer = shop.operator(), shop.customer()
    product = operator.post("/api/v1/products", {"name": "Mug", "price": 12.1, "stock": 9}).json["id"]
    assert service(shop, "product").call("GetProduct", {"id": product}).price_minor == 1210
    mine = {"authorization": "Bearer " + customer.token}
    orders = service(shop, "order")
    wanted = {"items": [{"product_id": product, "quantity": 2}],
              "shipping_address_json": '{"street":"1 Stoa Way","city":"Athens","country":"GR"}'}
    first = orders.call("CreateOrder", wanted, idempotency_key="k-1", **mine)
    again = orders.call("CreateOrder", wanted, idempotency_key="k-1", **mine)
    assert first.id == again.id and first.total_amount_minor == 2420 and first.currency == "USD"
    assert orders.call("GetOrder", {"id": first.id}, **mine).status == "awaiting_payment"
    paid = service(shop, "payment").call("ProcessPayment", {"order_id": first.id, "amount_minor": 2420, "method": "credit_card"}, **mine)
    assert (paid.order_id, paid.amount_minor) == (first.id, 2420) and paid.status in ("pending", "succeeded"), paid
    assert customer.get(f"/api/v1/orders/{first.id}").json["total_amount"] == 24.2
    assert ADDRESS["city"] in str(customer.get(f"/api/v1/orders/{first.id}").json["shipping_address"])


def test_who_may_not_is_refused_by_status(shop):
    customer, other = shop.customer("one@example.com"), shop.customer("two@example.com")
    orders, users = service(shop, "order"), service(shop, "user")
    assert orders.refused("ListOrders") == grpc.StatusCode.UNAUTHENTICATED
    assert orders.refused("ListOrders", authorization="Bearer nonsense") == grpc.StatusCode.UNAUTHENTICATED
    mine = {"authorization": "Bearer " + customer.token}
    assert orders.refused("GetOrder", {"id": "no-such"}, **mine) == grpc.StatusCode.NOT_FOUND
    assert orders.refused("CreateOrder", {}, **mine) == grpc.StatusCode.INVALID_ARGUMENT
    # What only parts of the shop may ask.
    assert users.refused("ResolveCredential", {"credential": other.token}, **mine) == grpc.StatusCode.PERMISSION_DENIED
    assert users.refused("GetUser", {"id": other.user_id}, **mine) == grpc.StatusCode.NOT_FOUND
    assert users.call("GetUser", {"id": customer.user_id}, **mine).email == "one@example.com"
