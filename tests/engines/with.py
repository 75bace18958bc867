#!/usr/bin/env python3
"""Starts real engines on loopback, runs a command beside them, and ends them.

    tests/engines/with.py postgres kafka -- build/dev/tests/engines

Each engine is deploy/local/NAME.sh, in a folder of its own that is removed afterwards. The command finds an engine's
address in STOA_TEST_NAME and its folder in STOA_TEST_NAME_DIR. An engine that does not start fails the run, with the end
of what it said.
"""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/local"))

from engines import Engine, EngineError  # noqa: E402


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
        except EngineError as why:
            self.__exit__()
            raise SystemExit(f"engines: {why}") from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for engine in reversed(self.running.values()):
            engine.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        given = {f"STOA_TEST_{name.upper()}": engine.address for name, engine in self.running.items()}
        return given | {f"STOA_TEST_{name.upper()}_DIR": str(engine.folder / "data")
                        for name, engine in self.running.items()}


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
