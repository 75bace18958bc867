"""The README's curl tour, word for word, against a fresh demo shop on the documented addresses."""

import json
import pathlib
import re
import socket
import subprocess

import pytest

from shop import ROOT, Shop, eventually


def blocks():
    text = (ROOT / "README.md").read_text()
    return re.findall(r"```sh\n(.*?)```", text, re.S)


def port_is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def documented_shop(tmp_path):
    assert port_is_free(8080), "the README's port 8080 is in use on this machine: stop what has it"
    # The documented data directory is the project's own ./.stoa; the tour's last command is given this one instead.
    shop = Shop(tmp_path / "data", demo=True)
    shop.fixed = ["--http", "127.0.0.1:8080", "--admin", "127.0.0.1:0"]
    with shop:
        yield shop


def run(script, shop):
    import shop as helper

    script = script.replace("build/release/stoa audit", f"{helper.binary()} audit --data-dir {shop.data_dir}")
    return subprocess.run(["bash", "-eu", "-c", script], capture_output=True, text=True, timeout=60)


def test_the_tour_does_what_it_says(documented_shop):
    script = blocks()
    assert len(script) == 4, "the tour has changed: look at this test"
    first = run(script[0], documented_shop)
    assert first.returncode == 0, first.stderr
    listed, searched = split_json(first.stdout)
    assert len(listed["products"]) == 2 and listed["total"] == 64
    assert searched["total"] >= 1 and "teapot" in searched["results"][0]["name"].lower()
    # The second and third block share their variables, so they run as one script.
    rest = run(script[1] + script[2], documented_shop)
    assert rest.returncode == 0, rest.stderr
    cart, order, orders = split_json(rest.stdout)
    assert cart["units"] == 1 and order["status"] == "awaiting_payment"
    assert orders["total"] == 1 and orders["orders"][0]["id"] == order["id"]
    operator = documented_shop.operator()
    eventually(lambda: operator.get(f"/api/v1/orders/{order['id']}").json["status"] == "paid", what="paid")
    audit = run(script[3], documented_shop)
    assert audit.returncode == 0 and audit.stdout.startswith("Clean"), audit


def split_json(text):
    """Several JSON values that curl wrote one after the other."""
    decoder, out, at = json.JSONDecoder(), [], 0
    text = text.strip()
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        out.append(value)
        while at < len(text) and text[at].isspace():
            at += 1
    return out


def test_the_documented_files_exist():
    text = (ROOT / "README.md").read_text()
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert (ROOT / pathlib.Path(target)).exists(), target
