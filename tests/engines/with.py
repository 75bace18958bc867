#!/usr/bin/env python3
"""Starts real engines on loopback, runs a command beside them, and ends them.

    tests/engines/with.py postgres kafka -- build/dev/tests/engines

Each engine is deploy/local/NAME.sh, in a folder of its own that is removed afterwards. The command finds an engine's
address in STOA_TEST_NAME. An engine that does not start fails the run, with the end of what it said.
"""

import argparse
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADDRESS = {  # what STOA_TEST_NAME holds
    "postgres": "postgresql://app@127.0.0.1:{port}/postgres",
    "kafka": "127.0.0.1:{port}",
    "smtp": "127.0.0.1:{port}",
}
PLAIN = "http://127.0.0.1:{port}"  # of the others


def free_port():
    """A port with a free one behind it: some engines take two."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


class Engine:
    """One running engine. `address` is what its clients are given."""

    def __init__(self, name, folder, port=None):
        self.name, self.folder, self.port = name, pathlib.Path(folder), port or free_port()
        self.script = ROOT / f"deploy/local/{name}.sh"
        self.address = ADDRESS.get(name, PLAIN).format(port=self.port)
        self.process = None

    def start(self, within_s=90):
        self.folder.mkdir(parents=True, exist_ok=True)
        began, said = time.monotonic(), open(self.folder / "said.log", "ab")
        self.process = subprocess.Popen([self.script, "run", str(self.folder / "data"), str(self.port)], stdout=said,
                                        stderr=said, start_new_session=True)
        said.close()
        while subprocess.run([self.script, "ready", str(self.port)], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > began + within_s:
                self.stop()
                tail = (self.folder / "said.log").read_text(errors="replace")[-2_000:]
                raise SystemExit(f"engines: {self.name} did not start within {within_s} s; it said:\n{tail}")
            time.sleep(0.05)
        return time.monotonic() - began

    def stop(self, how=signal.SIGTERM, within_s=20):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def version(self):
        return subprocess.run([self.script, "version"], capture_output=True, text=True, check=True).stdout.strip()


class Engines:
    """Several of them, for a `with` block; by name."""

    def __init__(self, names):
        self.names, self.running = names, {}

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stoa-engines-"))
        self.folder.chmod(0o755)  # PostgreSQL runs as another user
        try:
            for name in self.names:
                engine = Engine(name, self.folder / name)
                took = engine.start()
                self.running[name] = engine
                print(f"engines: {engine.version()} on {engine.address}, ready in {took:.1f} s", flush=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for engine in reversed(self.running.values()):
            engine.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        return {f"STOA_TEST_{name.upper()}": engine.address for name, engine in self.running.items()}


def main():
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("names", nargs="+", metavar="NAME", help="an engine of deploy/local")
    mine, command = sys.argv[1:], []
    if "--" in mine:
        mine, command = mine[:mine.index("--")], mine[mine.index("--") + 1:]
    args = given.parse_args(mine)
    known = sorted(path.stem for path in (ROOT / "deploy/local").glob("*.sh"))
    for name in args.names:
        if name not in known:
            given.error(f"no engine '{name}'; there are: {', '.join(known)}")
    if not command:
        given.error("give a command after --")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, which ends the engines
    with Engines(args.names) as engines:
        return subprocess.run(command, env={**os.environ, **engines.environment()}).returncode


if __name__ == "__main__":
    sys.exit(main())
