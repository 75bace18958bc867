"""The real program, as a user starts it, and a small client. Standard library only."""

import http.client
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    """STOA_BINARY, else the release build, else the dev build."""
    given = os.environ.get("STOA_TEST_BINARY")
    for path in [given] if given else [ROOT / "build/release/stoa", ROOT / "build/dev/stoa"]:
        if path and pathlib.Path(path).exists():
            return str(path)
    raise RuntimeError("no stoa binary: run ./dev build first")


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class Client:
    """One kept-alive connection; reconnects when the server closed it."""

    def __init__(self, port, token=None, timeout_s=30):
        self.port, self.token, self.timeout_s = port, token, timeout_s
        self.connection = None

    def request(self, method, path, body=None, headers=None, raw=None):
        sent = {"Authorization": "Bearer " + self.token} if self.token else {}
        sent.update(headers or {})
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_s)
            try:
                self.connection.request(method, path, data, sent)
                got = self.connection.getresponse()
                if got.getheader("Content-Type", "").startswith("text/event-stream"):
                    self.close()  # it has no end
                    return Answer(got.status, got.getheaders(), b"")
                return Answer(got.status, got.getheaders(), got.read())
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                # Only a kept-alive connection that had gone stale is tried again, and only where that is safe.
                if fresh or attempt == 2 or (method == "POST" and "Idempotency-Key" not in sent):
                    raise
        raise AssertionError("unreachable")

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.request("PUT", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None


class Shop:
    """`stoa serve` on free ports of the loopback address."""

    def __init__(self, data_dir, *flags, demo=False, program=None):
        self.data_dir, self.flags, self.demo = str(data_dir), list(flags), demo
        self.program, self.environment = program or binary(), dict(os.environ)
        self.process = None
        self.operator_password = None
        self.fixed = ["--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        self.lines = []

    def start(self, within_s=60):
        command = [self.program, "serve", "--data-dir", self.data_dir, *self.fixed, "--log-level", "warning",
                   *(["--demo"] if self.demo else []), *self.flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=self.environment)
        self._lines = queue.Queue()
        self.errors = []
        threading.Thread(target=self._pump, args=(self.process.stdout, self._lines.put), daemon=True).start()
        threading.Thread(target=self._pump, args=(self.process.stderr, self._error), daemon=True).start()
        self.lines = []
        told = self.wait_for(r"Stoa is ready at", within_s)
        self.port, self.admin_port = map(int, re.search(r"://[^ ]*:(\d+) .*://[^ ]*:(\d+)/metrics", told).groups())
        where = pathlib.Path(self.data_dir, "run.json")  # a full disk has no room for it
        self.local_token = json.loads(where.read_text())["token"] if where.exists() else None
        if self.demo and not self.operator_password:
            self.wait_for(r"Operator:", 30)
        return self

    def _error(self, line):
        if line is not None:
            self.errors.append(line)

    @staticmethod
    def _pump(stream, put):
        for line in stream:
            put(line.rstrip("\n"))
        put(None)

    def wait_for(self, pattern, within_s):
        """The first line on stdout that matches; fails at once when the program has ended."""
        end = time.monotonic() + within_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no line {pattern!r} within {within_s} s; got {self.lines}, {self.errors}, "
                                     f"exit code {self.process.poll()}")
            self.lines.append(line)
            found = re.search(pattern, line)
            if found:
                password = re.search(r"Operator:\s+\S+ / (\S+)", line)
                if password:
                    self.operator_password = password.group(1)
                return line

    def client(self, token=None):
        return Client(self.port, token)

    def admin(self):
        return Client(self.admin_port)

    def operator(self):
        return Client(self.port, self.local_token)

    def login(self, email, password):
        got = self.client().post("/api/v1/auth/login", {"email": email, "password": password})
        assert got.status == 200, got
        return Client(self.port, got.json["token"])

    def customer(self, email="someone@example.com", password="correct horse 9"):
        got = self.client().post("/api/v1/auth/register", {"email": email, "password": password,
                                                           "first_name": "Some", "last_name": "One"})
        assert got.status == 201, got
        one = Client(self.port, got.json["token"])
        one.user_id = got.json["id"]
        return one

    def guest(self):
        got = self.client().post("/api/v1/auth/guest", {})
        assert got.status == 201, got
        return Client(self.port, got.json["token"])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self, within_s=60):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(within_s)
        return self.process.returncode if self.process else None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.stop()


def eventually(holds, within_s=20, what="the condition"):
    """Asks until it holds: the shop's events are applied in their own time."""
    end = time.monotonic() + within_s
    wait = 0.002
    while True:
        got = holds()
        if got:
            return got
        assert time.monotonic() < end, f"{what} did not hold within {within_s} s"
        time.sleep(wait)
        wait = min(wait * 2, 0.1)


ADDRESS = {"street": "1 Stoa Way", "city": "Athens", "country": "GR"}
