"""A backup of a shop that is being bought from, and the shop that is restored from it."""

import json
import os
import pathlib
import signal
import sqlite3
import stat
import subprocess
import threading
import time

import pytest

from shop import ADDRESS, Shop, binary, eventually

UNLIMITED = ("--rate-login-burst", "0", "--rate-principal-burst", "0")


def stoa(verb, *words, data_dir, check=True):
    done = subprocess.run([binary(), verb, *map(str, words), "--data-dir", str(data_dir)], capture_output=True,
                          text=True, timeout=120)
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def audit(data_dir):
    done = stoa("audit", "--json", data_dir=data_dir, check=False)
    report = json.loads(done.stdout)
    assert done.returncode == 0 and report["clean"], report["findings"]
    return report


class Buyers:
    """Customers who order until they are told to stop; `acknowledged` has what they were answered."""

    def __init__(self, shop, product_id, n=4):
        self.acknowledged, self.failures, self.over = [], [], threading.Event()
        self.threads = [threading.Thread(target=self._buy, args=(shop, product_id, i), daemon=True) for i in range(n)]
        for each in self.threads:
            each.start()

    def _buy(self, shop, product_id, i):
        try:
            client = shop.customer(f"buyer{i}@example.com")
            while not self.over.is_set():
                got = client.post("/api/v1/orders", {
                    "items": [{"product_id": product_id, "quantity": 1}], "shipping_address": ADDRESS,
                    "payment_method": "credit_card"})
                assert got.status == 201, got
                self.acknowledged.append(got.json["id"])
        except Exception as why:
            self.failures.append(why)

    def stop(self):
        self.over.set()
        for each in self.threads:
            each.join(30)
        if self.failures:
            raise self.failures[0]


def add_product(shop, stock=1_000_000):
    got = shop.operator().post("/api/v1/products", {"name": "Mug", "price": 12.50, "stock": stock})
    assert got.status == 201, got
    return got.json["id"]


def events_of(data_dir):
    with sqlite3.connect(pathlib.Path(data_dir, "shop.db")) as db:
        return db.execute("SELECT p.topic, p.partition, e.position & ((1 << 40) - 1), e.id, e.type, e.payload FROM "
                          "events e JOIN log_partitions p ON p.id = e.position >> 40 ORDER BY 1, 2, 3").fetchall()


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A stopped shop with some orders, and its backup."""
    root = tmp_path_factory.mktemp("lived")
    with Shop(root / "data", *UNLIMITED) as shop:
        buyers = Buyers(shop, add_product(shop))
        eventually(lambda: len(buyers.acknowledged) > 50, what="orders")
        buyers.stop()
        shop.stop()
    stoa("backup", root / "lived.bak", data_dir=root / "data")
    return root


def test_a_backup_under_load_restores_to_a_clean_shop_with_everything_acknowledged_before_it(tmp_path):
    with Shop(tmp_path / "data", *UNLIMITED) as shop:
        product = add_product(shop)
        buyers = Buyers(shop, product)
        eventually(lambda: len(buyers.acknowledged) > 100, what="orders before the backup")
        before = list(buyers.acknowledged)
        told = stoa("backup", tmp_path / "live.bak", data_dir=tmp_path / "data").stdout
        assert "guard it" in told
        reached = len(buyers.acknowledged)
        eventually(lambda: len(buyers.acknowledged) > reached, what="orders go on")
        buyers.stop()
        audit(tmp_path / "data")

    stoa("restore", tmp_path / "live.bak", data_dir=tmp_path / "copy")
    report = audit(tmp_path / "copy")
    assert len(before) <= report["orders"]
    with Shop(tmp_path / "copy", *UNLIMITED) as again:
        operator = again.operator()
        # What was on its way at the moment of the backup goes on from there. A request that was being answered then
        # left a pending order, which nobody was told of: it ends by itself after its two minutes.
        eventually(lambda: operator.get("/api/v1/orders?status=awaiting_payment&limit=1").json["total"] == 0,
                   what="the open orders are paid")
        for order in before:
            got = operator.get(f"/api/v1/orders/{order}")
            assert got.status == 200 and got.json["status"] == "paid", got
        paid = operator.get("/api/v1/orders?status=paid&limit=1").json["total"]
        assert len(before) <= paid and report["orders"] - paid <= 4
        eventually(lambda: operator.get(f"/api/v1/products/{product}/stock").json["on_hand"] == 1_000_000 - paid,
                   what="every paid unit left the shelf once")
        # Accounts and their passwords are in it.
        again.login("buyer0@example.com", "correct horse 9")
        audit(tmp_path / "copy")


def test_the_restored_shop_has_the_same_events_at_the_same_offsets_and_the_same_totals(tmp_path, lived):
    stoa("restore", lived / "lived.bak", data_dir=tmp_path / "copy")
    assert events_of(tmp_path / "copy") == events_of(lived / "data")
    assert audit(tmp_path / "copy") == audit(lived / "data")
    # A backup of the copy differs from the first in nothing but its own time.
    stoa("backup", tmp_path / "second.bak", data_dir=tmp_path / "copy")
    sizes = [p.stat().st_size for p in (lived / "lived.bak", tmp_path / "second.bak")]
    assert abs(sizes[0] - sizes[1]) < 1000, sizes


def test_the_file_is_for_its_owner_alone_and_never_overwrites(lived):
    backup = lived / "lived.bak"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    before = backup.read_bytes()
    refused = stoa("backup", backup, data_dir=lived / "data", check=False)
    assert refused.returncode == 1 and "is there already" in refused.stderr
    assert backup.read_bytes() == before


def test_only_the_program_itself_gets_a_shop_with_its_secrets(tmp_path):
    with Shop(tmp_path / "data", demo=True) as shop:
        operator = shop.login("operator@example.com", shop.operator_password)
        admin = shop.admin()
        assert admin.get("/local/backup").status == 401
        admin.token = operator.token
        assert admin.get("/local/backup").status == 403
        assert admin.get("/local/audit").status == 403
        assert operator.get("/local/backup").status == 404, "not on the public listener"


def test_a_directory_with_something_in_it_is_left_as_it_is(tmp_path, lived):
    refused = stoa("restore", lived / "lived.bak", data_dir=lived / "data", check=False)
    assert refused.returncode == 1 and "empty directory" in refused.stderr
    (tmp_path / "notes.txt").write_text("mine")
    refused = stoa("restore", lived / "lived.bak", data_dir=tmp_path, check=False)
    assert refused.returncode == 1 and "notes.txt" in refused.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "mine"
    audit(lived / "data")


def test_damaged_foreign_and_missing_files_are_refused_and_leave_nothing(tmp_path, lived):
    whole = (lived / "lived.bak").read_bytes()
    middle = len(whole) // 2
    for name, content, why in (
            ("cut", whole[:middle], "damaged"), ("end", whole[:-1], "damaged"), ("long", whole + b"x", "damaged"),
            ("flipped", whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:], "damaged"),
            ("foreign", b"PK\x03\x04 and so on", "no backup of Stoa"), ("empty", b"", "no backup of Stoa")):
        file, into = tmp_path / name, tmp_path / (name + ".d")
        file.write_bytes(content)
        refused = stoa("restore", file, data_dir=into, check=False)
        assert refused.returncode == 1 and why in refused.stderr, (name, refused.stderr)
        assert not into.exists() or {p.name for p in into.iterdir()} <= {"shop.lock"}, name
    refused = stoa("restore", tmp_path / "nowhere", data_dir=tmp_path / "x", check=False)
    assert refused.returncode == 1 and "No such file" in refused.stderr
    refused = stoa("restore", lived / "lived.bak", "--currency", "JPY", data_dir=tmp_path / "x", check=False)
    assert refused.returncode == 1 and "--currency" in refused.stderr


def killed_in_the_middle(command, ready):
    """Starts it, waits until `ready`, kills it; False where it was faster than that."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while not ready() and process.poll() is None and time.monotonic() < end:
        pass
    process.send_signal(signal.SIGKILL)
    return process.wait(30) == -signal.SIGKILL


def test_a_backup_that_is_killed_leaves_no_file_of_its_name(tmp_path, lived):
    file, part = tmp_path / "a.bak", tmp_path / "a.bak.part"
    command = [binary(), "backup", str(file), "--data-dir", str(lived / "data")]
    assert any(killed_in_the_middle(command, part.exists) and not file.exists() or file.unlink()
               for _ in range(20)), "never killed in the middle"
    assert not file.exists()
    stoa("backup", file, data_dir=lived / "data")  # what it left is no obstacle
    assert not part.exists()
    stoa("restore", file, data_dir=tmp_path / "copy")
    audit(tmp_path / "copy")


def test_a_restore_that_is_killed_leaves_nothing_that_is_served_and_is_done_again(tmp_path, lived):
    for n in range(20):
        into = tmp_path / f"copy{n}"
        command = [binary(), "restore", str(lived / "lived.bak"), "--data-dir", str(into)]
        if killed_in_the_middle(command, (into / "restore.part/shop.db").exists) and (into / "restore.part").exists() \
                and not (into / "restore.part/complete").exists():
            break
    else:
        raise AssertionError("never killed in the middle")
    assert not (into / "shop.db").exists()
    refused = stoa("audit", data_dir=into, check=False)
    assert refused.returncode == 1 and "stoa restore" in refused.stderr, refused
    assert not (into / "shop.db").exists()
    stoa("restore", lived / "lived.bak", data_dir=into)
    assert audit(into) == audit(lived / "data")


def test_a_restore_that_died_in_its_last_step_is_ended_by_the_next_start(tmp_path, lived):
    stoa("restore", lived / "lived.bak", data_dir=tmp_path / "copy")
    # As if it had died with half of it moved up.
    staging = tmp_path / "copy/restore.part"
    staging.mkdir()
    for name in ("shop.db", "blobs"):
        os.rename(tmp_path / "copy" / name, staging / name)
    (staging / "complete").write_text("1\n")
    assert audit(tmp_path / "copy") == audit(lived / "data")
    assert not staging.exists()


def test_a_directory_without_a_shop_is_told_and_gets_none(tmp_path):
    for verb in ("audit", "backup"):
        refused = stoa(verb, *(["x.bak"] if verb == "backup" else []), data_dir=tmp_path / "nowhere", check=False)
        assert refused.returncode == 1 and "there is no shop" in refused.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_backup_is_refused_where_it_cannot_be_written(tmp_path, lived):
    refused = stoa("backup", tmp_path / "no/such/folder.bak", data_dir=lived / "data", check=False)
    assert refused.returncode == 1 and "No such file" in refused.stderr
