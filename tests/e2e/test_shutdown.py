"""SIGTERM while customers are served: what is in flight is answered, nobody new is let in, the exit is clean."""

import json
import signal
import socket

import pytest

from shop import ADDRESS, Client, Shop, eventually
from test_order_saga import add_product


@pytest.mark.parametrize("loops", ["1", "2"])
def test_what_is_in_flight_at_sigterm_is_answered_and_readiness_says_why_not(tmp_path, loops):
    shop = Shop(tmp_path / "data", "--rate-login-burst", "0", "--loops", loops, "--drain-seconds", "15").start()
    try:
        product, customer, admin = add_product(shop), shop.customer(), shop.admin()
        assert admin.get("/ready").status == 200
        body = json.dumps({"items": [{"product_id": product["id"], "quantity": 1}], "shipping_address": ADDRESS}).encode()
        with socket.create_connection(("127.0.0.1", shop.port), timeout=30) as slow:
            slow.sendall(b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + customer.token.encode() +
                         b"\r\nIdempotency-Key: slow\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
                         b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n")
            assert slow.recv(100).startswith(b"HTTP/1.1 100"), "the server has begun with it"
            slow.sendall(body[:10])
            shop.process.send_signal(signal.SIGTERM)
            shop.wait_for(r"Stopping", 10)
            ready = eventually(lambda: (got := admin.get("/ready")).status == 503 and got, what="not ready")
            assert ready.json["dependencies"]["startup"] == "starting or draining", ready
            assert ready.json["dependencies"]["storage"] == "ready", "only what is missing is named"
            assert admin.get("/health").status == 200, "alive all the while"
            with pytest.raises(ConnectionRefusedError):
                Client(shop.port).get("/api/v1/products")
            slow.sendall(body[10:])
            answer = b""
            while chunk := slow.recv(65_536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 201"), answer[:300]
        placed = json.loads(answer.split(b"\r\n\r\n", 1)[1])
        assert shop.process.wait(30) == 0, shop.errors
        shop.start()
        assert shop.client(customer.token).get(f"/api/v1/orders/{placed['id']}").json["status"] == "awaiting_payment"
        assert shop.stop() == 0
    finally:
        if shop.process.poll() is None:
            shop.kill()
