"""Real engines on loopback, each as its script beside this file starts it."""

import pathlib
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
ADDRESS = {  # what clients are given
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


class EngineError(Exception):
    """An engine that did not start; the message says what it said."""


class Engine:
    """One running engine. `address` is what its clients are given; `more` are further words for its script."""

    def __init__(self, name, folder, port=None, more=()):
        self.name, self.folder, self.port = name, pathlib.Path(folder), port or free_port()
        self.more = [str(each) for each in more]
        self.script = HERE / f"{name}.sh"
        self.address = ADDRESS.get(name, PLAIN).format(port=self.port)
        self.process = None

    def start(self, within_s=90):
        self.folder.mkdir(parents=True, exist_ok=True)
        began, said = time.monotonic(), open(self.folder / "said.log", "ab")
        self.process = subprocess.Popen([self.script, "run", str(self.folder / "data"), str(self.port), *self.more],
                                        stdout=said, stderr=said, start_new_session=True)
        said.close()
        while subprocess.run([self.script, "ready", str(self.port)], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > began + within_s:
                self.stop()
                tail = (self.folder / "said.log").read_text(errors="replace")[-2_000:]
                raise EngineError(f"{self.name} did not start within {within_s} s; it said:\n{tail}")
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
