#!/usr/bin/env python3
"""A shop of one process a target, beside the engines it stands on, all on this machine and on loopback addresses.

    deploy/local/local_shop.py --binary build/release/stoa [--data DIR] [--replicas order=2,payment=2] [--no-demo]

Runs in the foreground and supervises: a process that ends is started again at once, SIGTERM and Ctrl-C end everything.
`./dev up --engines` builds the binary, installs the engines and calls this.
"""

import argparse
import ctypes
import fcntl
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import engines

# The order in which they are started; each with the last byte of its address, 127.0.0.11 and so on. Replicas beyond
# the first have addresses from .31.
TARGETS = {"user": 12, "product": 13, "order": 15, "payment": 16, "cart": 14, "notification": 17, "activity": 18,
           "analytics": 19, "gateway": 11}
ENGINES = {"postgres": 15432, "kafka": 19092, "dynamodb": 18000, "s3": 18333}  # name: port; Kafka takes the next, too
FIRST_REPLICA = 31


class ShopError(Exception):
    """What stands in the way, for the user."""


def end_with_parent():
    """In a child: SIGTERM when the supervisor dies, whatever it died of; its own signals as at birth."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


class Process:
    """One replica of one target."""

    def __init__(self, shop, target, index, address):
        self.shop, self.target, self.index, self.address = shop, target, index, address
        self.name = f"{target}-{index}"
        self.child, self.began, self.starts = None, 0.0, 0
        self.log = shop.data / "logs" / f"{self.name}.log"
        self.read_to = 0  # of the log

    def command(self):
        words = [self.shop.binary, "serve", "--config", str(self.shop.settings), "--target", self.target,
                 "--data-dir", str(self.shop.data / self.name), "--listen-host", self.address,
                 "--admin", f"{self.address}:9090", "--kafka-group-instance-id", self.name, "--service-name", self.name]
        if self.target == "gateway" and self.index == 0:
            words += ["--http", self.shop.public]
        elif self.target == "gateway":
            words += ["--http", f"{self.address}:8080"]
        if self.shop.demo and self.index == 0 and self.target in ("user", "product") and self.starts == 0:
            words.append("--demo")
        return words

    def start(self):
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.starts == 0 and self.log.exists():
            self.read_to = self.log.stat().st_size
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                          preexec_fn=end_with_parent)
        self.began = time.monotonic()
        self.starts += 1

    def ended(self):
        return self.child is not None and self.child.poll() is not None

    def signal(self, which):
        if self.child and self.child.poll() is None:
            self.child.send_signal(which)

    def is_ready(self):
        try:
            with socket.create_connection((self.address, 9090), timeout=1) as at:
                at.sendall(b"GET /ready HTTP/1.1\r\nHost: local\r\nConnection: close\r\n\r\n")
                return at.recv(64).split(b" ")[1:2] == [b"200"]
        except OSError:
            return False

    def said(self):
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def says_now(self):
        """Whole lines since the last time."""
        with open(self.log, errors="replace") as log:
            log.seek(self.read_to)
            lines = log.read()
        whole = lines[:lines.rfind("\n") + 1]
        self.read_to += len(whole.encode())
        return whole.splitlines()


class LocalShop:
    """The engines and the processes. `network`: the addresses' third byte, so that two shops fit one machine. `settings`
    are for all processes; with `ports={}` no engine is started, and they say where the engines are."""

    def __init__(self, binary, data, replicas=None, demo=True, network=0, public="127.0.0.1:8080", ports=None,
                 settings=None):
        self.binary, self.data, self.demo, self.public = str(binary), pathlib.Path(data).resolve(), demo, public
        self.network, self.extra = network, dict(settings or {})
        self.settings = self.data / "stoa.toml"
        self.engines = {name: engines.Engine(name, self.data / "engines" / name, port)
                        for name, port in (ENGINES if ports is None else ports).items()}
        self.processes, spare = [], FIRST_REPLICA
        for target, own in TARGETS.items():
            for index in range((replicas or {}).get(target, 1)):
                last, spare = (own, spare) if index == 0 else (spare, spare + 1)
                self.processes.append(Process(self, target, index, f"127.0.{network}.{last}"))
        self.lock = None

    def of(self, target):
        return [each for each in self.processes if each.target == target]

    def hold_folder(self):
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o755)  # PostgreSQL runs as another user
        self.lock = open(self.data / "lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ShopError(f"{self.data} is in use by another shop: end it, or name another folder with --data") from None

    def check_ports(self):
        for engine in self.engines.values():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", engine.port))
                except OSError:
                    raise ShopError(f"port {engine.port}, which {engine.name} is to have, is in use: end what has it") from None

    def write_settings(self):
        """What all processes and the verbs (`--config FILE`) share."""
        values = {"keys_file": str(self.data / "keys.json"),
                  **{f"{target}_service_host": ",".join(each.address for each in self.of(target))
                     for target in TARGETS if target != "gateway"}}
        if self.engines:
            at = {name: engine.port for name, engine in self.engines.items()}
            values.update({
                "sql": "postgres", "key_value": "dynamodb", "event_log": "kafka", "blob": "s3",
                "database_url": f"postgresql://app@127.0.0.1:{at['postgres']}/stoa", "kafka_brokers": f"127.0.0.1:{at['kafka']}",
                "kafka_replication_factor": 1, "kafka_min_insync_replicas": 1, "aws_region": "us-east-1",
                "aws_access_key_id": "stoalocal", "aws_secret_access_key": "stoalocalsecret", "s3_make_buckets": "yes",
                "aws_endpoint_url_s3": f"http://127.0.0.1:{at['s3']}",
                "aws_endpoint_url_dynamodb": f"http://127.0.0.1:{at['dynamodb']}"})
        values.update(self.extra)
        text = "".join(f'{key} = "{value}"\n' for key, value in values.items())
        fresh = self.settings.with_suffix(".new")
        fresh.write_text(text)
        fresh.chmod(0o600)
        fresh.replace(self.settings)

    def start_engines(self, told):
        for engine in self.engines.values():
            took = engine.start()
            told(f"{engine.version()} on {engine.address}, ready in {took:.1f} s")
        url = self.engines["postgres"].address
        there = subprocess.run(["psql", "-XAtq", url, "-c", "SELECT 1 FROM pg_database WHERE datname = 'stoa'"],
                               capture_output=True, text=True, check=True).stdout.strip()
        if not there:
            subprocess.run(["psql", "-Xq", url, "-c", "CREATE DATABASE stoa"], check=True, capture_output=True)

    def migrate(self, told):
        made = subprocess.run([self.binary, "migrate", "--config", str(self.settings), "--data-dir", str(self.data / "migrate")],
                              capture_output=True, text=True)
        if made.returncode != 0:
            raise ShopError(f"`stoa migrate` failed: {made.stderr.strip()}")
        told("migrated: " + "; ".join(made.stdout.strip().splitlines()))

    def start(self, told=lambda line: None, within_s=120):
        self.hold_folder()
        self.check_ports()
        self.write_settings()
        if self.engines:
            self.start_engines(told)
        self.migrate(told)
        for each in self.processes:
            each.start()
        waiting, end = list(self.processes), time.monotonic() + within_s
        while waiting:
            for each in list(waiting):
                if each.ended():
                    raise ShopError(f"{each.name} did not start (its words are in {each.log}):\n" + "\n".join(each.said()[-5:]))
                if each.is_ready():
                    waiting.remove(each)
            if waiting and time.monotonic() > end:
                raise ShopError(f"not ready within {within_s} s: " + ", ".join(each.name for each in waiting))
            time.sleep(0.05)
        told(f"{len(self.processes)} processes are ready")

    def bring_back(self, told=lambda line: None):
        """Starts again what has ended. A process that ends at once is tried once a second."""
        for each in self.processes:
            if each.ended() and time.monotonic() - each.began >= min(1.0, each.starts * 0.2 - 0.2):
                told(f"{each.name} ended with {each.child.returncode}; starting it again (its words are in {each.log})")
                each.start()

    def stop(self, within_s=60):
        """Requests in flight end first: the gateway, then what it asks, then the engines. Exit codes by name."""
        codes = {}
        for target in reversed(TARGETS):
            for each in self.of(target):
                each.signal(signal.SIGTERM)
            for each in filter(lambda one: one.child, self.of(target)):
                try:
                    codes[each.name] = each.child.wait(within_s)
                except subprocess.TimeoutExpired:
                    each.child.kill()
                    codes[each.name] = each.child.wait()
        for engine in reversed(self.engines.values()):
            engine.stop()
        if self.lock:
            self.lock.close()
        return codes


def read_replicas(text):
    out = {}
    for each in filter(None, (text or "").split(",")):
        target, _, count = each.partition("=")
        if target not in TARGETS or not count.isdigit() or not 1 <= int(count) <= 20:
            raise argparse.ArgumentTypeError(f"'{each}': as order=2, with one of {', '.join(TARGETS)}")
        out[target] = int(count)
    return out


def main():
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--binary", required=True)
    given.add_argument("--data", default=".stoa-engines", help="where engines and processes keep everything")
    given.add_argument("--replicas", type=read_replicas, default={}, metavar="TARGET=N,…")
    given.add_argument("--http", default="127.0.0.1:8080", help="the public API, besides 127.0.0.11:8080")
    given.add_argument("--no-demo", action="store_true", help="an empty shop, without the demo catalogue and accounts")
    args = given.parse_args()

    wanted = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    shop = LocalShop(pathlib.Path(args.binary).resolve(), args.data, args.replicas, not args.no_demo, public=args.http)

    def told(line):
        print(line, flush=True)

    try:
        shop.start(told)
        told(f"settings: {shop.settings}")
        told(f"Stoa is ready at http://{shop.public} (one process a target; logs in {shop.data / 'logs'}; Ctrl-C ends all)")
        told(f"Storefront: http://{shop.public}/")
        told(f"Console:    http://{shop.public}/console  (sign in as the operator below, shown at the first start; "
             f"`stoa operator EMAIL --config {shop.settings}` makes another)")
        told(f"API:        http://{shop.public}/docs")
        while True:
            got = signal.sigtimedwait(wanted, 0.25)
            if got and got.si_signo != signal.SIGCHLD:
                told("Stopping: requests in flight are finished first")
                return 0
            for each in shop.of("product") + shop.of("user"):
                for line in each.says_now():
                    if line.startswith(("Demo catalogue", "Customers:", "Operator:")):
                        told(line)
            shop.bring_back(told)
    except (ShopError, engines.EngineError) as why:
        print(f"shop: {why}", file=sys.stderr, flush=True)
        return 1
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
        shop.stop()


if __name__ == "__main__":
    sys.exit(main())
