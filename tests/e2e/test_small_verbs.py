"""Verbs for what runs the program: `stoa healthcheck` for a container, `stoa keys` for the secret that its processes share."""

import json
import stat
import subprocess

import pytest

from shop import Shop, binary


def stoa(*words):
    return subprocess.run([binary(), *map(str, words)], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("flags", [(), ("--ready",)])
def test_a_shop_that_is_well_says_so_and_one_that_is_gone_is_named(tmp_path, flags):
    with Shop(tmp_path / "data") as shop:
        address = f"127.0.0.1:{shop.admin_port}"
        well = stoa("healthcheck", *flags, "--admin", address)
        assert well.returncode == 0, well.stderr
        everywhere = stoa("healthcheck", *flags, "--admin", f"0.0.0.0:{shop.admin_port}")
        assert everywhere.returncode == 0, "the address that it listens at may stand for all of the machine's"
    gone = stoa("healthcheck", *flags, "--admin", address)
    assert gone.returncode == 1 and address in gone.stderr and "--admin" in gone.stderr, gone.stderr


def test_what_answers_and_is_no_shop_is_not_well(tmp_path):
    with Shop(tmp_path / "data", "--request-seconds", "5") as shop:
        # The public listener has no /ready.
        other = stoa("healthcheck", "--ready", "--admin", f"127.0.0.1:{shop.port}")
        assert other.returncode == 1, other.stdout


def test_keys_are_made_once_for_their_owner_alone_and_a_shop_signs_with_them(tmp_path):
    keys = tmp_path / "keys.json"
    made = stoa("keys", keys)
    assert made.returncode == 0, made.stderr
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    first = keys.read_bytes()
    json.loads(first)
    again = stoa("keys", keys)
    assert again.returncode == 1 and "keys are made once" in again.stderr, again.stderr
    assert keys.read_bytes() == first
    with Shop(tmp_path / "data", "--keys-file", keys) as shop:
        assert shop.client().get("/.well-known/jwks.json").json["keys"]
    assert keys.read_bytes() == first
    assert not (tmp_path / "data/keys.json").exists(), "a shop that is given keys makes none"


def test_a_damaged_file_of_keys_is_kept_and_a_folder_that_is_not_there_is_named(tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_text("{")
    keys.chmod(0o600)
    damaged = stoa("keys", keys)
    assert damaged.returncode == 1 and str(keys) in damaged.stderr, damaged.stderr
    assert keys.read_text() == "{"
    nowhere = stoa("keys", tmp_path / "no/such/keys.json")
    assert nowhere.returncode == 1 and "no/such" in nowhere.stderr, nowhere.stderr
