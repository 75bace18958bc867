"""`stoa load`: a load that does not wait, what it says of the shop, and that the shop's books are right after it."""

import json
import signal
import subprocess

from shop import Shop, binary


def load(*arguments, **more):
    got = subprocess.run([binary(), "load", *map(str, arguments)], capture_output=True, text=True, timeout=90, **more)
    return got.returncode, got.stdout, got.stderr


def at(shop):
    return f"http://127.0.0.1:{shop.port}"


def test_a_load_is_measured_and_the_books_are_right_after_it(tmp_path):
    with Shop(tmp_path, "--rate-login-burst", "0", demo=True) as shop:
        code, said, _ = load(at(shop), "--for", 4, "--browse", 100, "--search", 20, "--event", 30, "--order", 20, "--json")
        assert code == 0, said
        told = json.loads(said)
        kinds = {each["kind"]: each for each in told["kinds"]}
        assert set(kinds) == {"browse", "search", "event", "order"} and told["out_of_bounds"] == []
        for each in kinds.values():
            assert each["offered"] == each["good"] + each["refused"] > 0 and each["dropped"] == each["failed"] == 0, each
            assert 0 < each["p50_us"] <= each["p99_us"] <= each["max_us"], each
        placed = kinds["order"]["good"]
        assert placed > 40 and told["last_order_settled_ms"] >= 0
        listed = shop.operator().get("/api/v1/orders?limit=100").json
        assert min(100, placed) == len(listed["orders"])
        audit = subprocess.run([binary(), "audit", "--data-dir", shop.data_dir], capture_output=True, text=True, timeout=60)
        assert audit.returncode == 0, audit.stdout
        # What the bounds say is looked at.
        code, said, _ = load(at(shop), "--for", 1, "--browse", 300, "--p99-ms", 1, "--in-flight", 1)
        assert code == 1 and "OUT OF BOUNDS browse" in said and "in flight" in said, said


def test_a_shop_that_dies_is_told_as_failures(tmp_path):
    with Shop(tmp_path, demo=True) as shop:
        run = subprocess.Popen([binary(), "load", at(shop), "--for", "60", "--browse", "100", "--order", "0"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert run.stderr.readline().split()[1] == "s"
        shop.kill()
        assert run.stderr.readline()
        run.send_signal(signal.SIGINT)  # told what it saw until then
        said, _ = run.communicate(timeout=60)
        assert run.returncode == 1 and "no_connection" in said and "OUT OF BOUNDS browse" in said, said


def test_what_cannot_be_done_is_said():
    for arguments, code, words in (
            (["http://127.0.0.1:1"], 1, "no connection"), (["ftp://shop"], 2, "http"), (["--for", 0], 2, "--for"),
            (["--browse", -1], 2, "--browse"), (["--browse", "x"], 2, "--browse"), (["--most-failed", 101], 2, "--most-failed"),
            (["--for", 2, "--ramp", 3], 2, "--ramp is longer than --for"),
            (["--browse", 0, "--search", 0, "--event", 0, "--order", 0], 2, "every rate is 0")):
        got, said, complaint = load(*arguments)
        assert got == code and words in complaint and not said, (arguments, got, said, complaint)


def test_an_empty_shop_is_told_to_be_one(tmp_path):
    with Shop(tmp_path) as shop:
        code, _, complaint = load(at(shop), "--for", 1)
        assert code == 1 and "nothing in stock" in complaint, complaint
