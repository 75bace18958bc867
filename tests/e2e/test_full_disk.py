"""A disk that fills under a shop: writes are refused, reads are served, also after a restart; nothing is lost."""

import contextlib
import os
import subprocess


from shop import ADDRESS, Shop, binary, eventually
from test_bad_input import refused


@contextlib.contextmanager
def small_disk(folder, size_mb):
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)], capture_output=True,
                          text=True)
    assert made.returncode == 0, f"this test needs a small file system of its own, as root mounts one: {made.stderr}"
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_refuses_writes_serves_reads_and_loses_nothing(tmp_path):
    with small_disk(tmp_path / "disk", 48) as disk:
        shop = Shop(disk / "data", "--rate-login-burst", "0", "--rate-principal-burst", "0").start()
        try:
            customer, operator = shop.customer(), shop.operator()
            product = operator.post("/api/v1/products", {"name": "Mug", "price": 10, "stock": 1_000_000}).json
            body = {"items": [{"product_id": product["id"], "quantity": 1}], "shipping_address": ADDRESS}

            def place(key):
                return customer.post("/api/v1/orders", body, headers={"Idempotency-Key": key})

            taken = [place(f"before-{i}").json["id"] for i in range(20)]
            ballast = disk / "ballast"
            with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while file.write(b"\0" * 65_536):
                    pass
            refusals = []
            for i in range(3_000):  # what the log has room for is still taken
                got = place(f"full-{i}")
                if got.status == 201:
                    taken.append(got.json["id"])
                else:
                    refusals.append((f"full-{i}", got))
                    if len(refusals) == 5:
                        break
            assert len(refusals) == 5, "the disk was never full"
            for _, got in refusals:
                assert refused(got, 507)["detail"], got
            assert customer.get(f"/api/v1/orders/{taken[-1]}").status == 200
            assert shop.client().get(f"/api/v1/products/{product['id']}").status == 200
            big = operator.post("/api/v1/products/import?wait=10", raw=b"name,price\r\n" + b"Mug,1\r\n" * 100_000,
                                headers={"Content-Type": "text/csv"})
            assert big.status == 507, big
            assert shop.process.poll() is None, "it went on"
            told = shop.admin().get("/ready")
            assert told.status == 503 and "no space" in told.json["dependencies"]["storage"], told
            shop.kill()
            os.unlink(shop.data_dir + "/run.json")
            with open(disk / "more", "wb", buffering=0) as file, contextlib.suppress(OSError):
                while file.write(b"\0" * 1_024):
                    pass
            shop.start()  # still full
            eventually(lambda: any("run.json" in line for line in shop.errors), what="it says that no verb finds it")
            customer.port = shop.port
            customer.close()
            assert customer.get(f"/api/v1/orders/{taken[-1]}").status == 200
            assert shop.client().get(f"/api/v1/products/{product['id']}").status == 200
            for i in range(3_000):  # the log's own room may take some
                got = place(f"again-{i}")
                if got.status != 201:
                    break
                taken.append(got.json["id"])
            refused(got, 507)
            assert shop.admin().get("/ready").status == 503
            shop.kill()
            for verb in (["audit"], ["export", str(tmp_path / "all.csv")]):
                ran = subprocess.run([binary(), *verb, "--data-dir", shop.data_dir], capture_output=True, text=True)
                assert ran.returncode == 0, (verb, ran.stdout + ran.stderr)
            assert b"Mug" in (tmp_path / "all.csv").read_bytes()
            shop.start()
            customer.port = shop.port
            customer.close()
            ballast.unlink()
            (disk / "more").unlink()
            eventually(lambda: shop.admin().get("/ready").status == 200, what="it is ready again")
            eventually(lambda: place("after").status == 201, within_s=30, what="it takes orders again")
            for key, _ in refusals:  # the same keys
                again = eventually(lambda: (a := place(key)).status == 201 and a, what="the refused order is taken")
                taken.append(again.json["id"])
            taken.append(place("after").json["id"])
            shop.kill()
            shop.start()
            again, got = shop.client(customer.token), []
            cursor = ""
            while True:
                page = again.get("/api/v1/orders?limit=100" + cursor).json
                got += [order["id"] for order in page["orders"] if order["status"] == "awaiting_payment"]
                if not page.get("next_cursor"):
                    break
                cursor = "&cursor=" + page["next_cursor"]
            assert sorted(got) == sorted(taken), "what was acknowledged is there, and nothing else"
            assert shop.operator().get(f"/api/v1/products/{product['id']}/stock").json["reserved"] == len(taken)
            audit = subprocess.run([binary(), "audit", "--data-dir", shop.data_dir], capture_output=True, text=True)
            assert audit.returncode == 0, audit.stdout + audit.stderr
        finally:
            shop.kill()
