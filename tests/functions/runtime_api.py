"""A stand-in for AWS Lambda's runtime API: its four routes, and a function's process that lives off them."""

import collections
import http.server
import json
import os
import pathlib
import queue
import signal
import subprocess
import threading
import time
import uuid

PREFIX = "/2018-06-01/runtime/"


class RuntimeApi:
    def __init__(self):
        self.events, self.answers, self.asked = queue.Queue(), queue.Queue(), threading.Event()
        self.asked_at = None
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                assert self.path == PREFIX + "invocation/next", self.path
                api.asked_at = api.asked_at or time.monotonic()
                api.asked.set()
                event = api.events.get()
                if event is None:
                    return self.close_connection_now()
                request_id, body, timeout_s = event
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + timeout_s) * 1000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111122223333:function:f")
                self.send_header("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kind = self.path.removeprefix(PREFIX).split("/")
                assert kind == ["init", "error"] or (kind[0] == "invocation" and kind[2] in ("response", "error")), self.path
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                api.answers.put((kind[-1] if kind[0] == "invocation" else "init", kind[1] if kind[0] == "invocation" else None,
                                 json.loads(body), self.headers.get("Lambda-Runtime-Function-Error-Type")))

            def close_connection_now(self):
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.events.put(None)
        self.server.shutdown()
        self.server.server_close()


class Function:
    """A zip's bootstrap in a root that holds nothing but the unpacked zip, where Lambda unpacks it."""

    def __init__(self, root, name, environment, folder):
        self.api, self.root, self.folder = RuntimeApi(), root, pathlib.Path(folder)
        # Nothing of this process's environment: Lambda gives what is configured.
        self.environment = {"AWS_LAMBDA_RUNTIME_API": self.api.address, "_HANDLER": name, "LAMBDA_TASK_ROOT": "/var/task",
                            "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "stoalocal", "AWS_SECRET_ACCESS_KEY": "stoalocalsecret",
                            **environment}
        self.process = None

    def command(self):
        change = ["chroot"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "chroot"]
        return [*change, str(self.root), "/var/task/bootstrap"]

    def start(self):
        self.log = (self.folder / f"function-{uuid.uuid4().hex}.log").open("w+")
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(self.command(), env=self.environment | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, stdout=self.log, stderr=self.log)
        return self

    def said(self):
        return pathlib.Path(self.log.name).read_text()

    def counted(self):
        """What its log says that its counters grew by, in CloudWatch's embedded metric format: {(name, dimensions): sum}"""
        out = collections.Counter()
        for line in self.said().splitlines():
            told = json.loads(line)
            for directive in told.get("_aws", {}).get("CloudWatchMetrics", []):
                assert directive["Namespace"] == "Stoa" and abs(told["_aws"]["Timestamp"] / 1000 - time.time()) < 600, line
                (dimensions,) = directive["Dimensions"]
                for metric in directive["Metrics"]:
                    out[metric["Name"], *(told[each] for each in dimensions)] += told[metric["Name"]]
        return dict(out)

    def begin(self, event, timeout_s=60):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        request_id = str(uuid.uuid4())
        self.api.events.put((request_id, body, timeout_s))
        return request_id

    def answer(self, within_s=60):
        """(response | error | init, request id, what it says, error type)"""
        try:
            return self.api.answers.get(timeout=within_s)
        except queue.Empty:
            raise AssertionError(f"no answer within {within_s} s; exit code {self.process.poll()}\n{self.said()}") from None

    def call(self, event, timeout_s=60):
        wanted = self.begin(event, timeout_s)
        kind, request_id, body, _ = self.answer(timeout_s + 10)
        assert request_id == wanted, (kind, body)
        return kind, body

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, within_s=10):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        return self.process and self.process.returncode

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        try:
            if self.process.poll() is None:
                self.kill()
        finally:
            self.api.close()


PODMAN = ["podman", "--storage-driver", "vfs", "--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]


class ContainerFunction(Function):
    """A function's image as Lambda runs it: a user of its own, nothing to write to but /tmp, no capabilities. `name`: None for the
    image's own command."""

    def __init__(self, image, storage, name, environment, folder):
        super().__init__(None, name, environment, folder)
        if name is None:
            del self.environment["_HANDLER"]  # Lambda gives an image its command
        self.image, self.name, self.container = image, name, f"function-{uuid.uuid4().hex}"
        self.podman = [*PODMAN, "--root", f"{storage}/podman", "--runroot", f"{storage}/podman-run"]

    def command(self):
        given = [word for name, value in self.environment.items() for word in ("--env", f"{name}={value}")]
        return [*self.podman, "run", "--rm", "--name", self.container, "--network", "host", "--user", "993:990", "--read-only", "--tmpfs", "/tmp",
                "--cap-drop=all", "--security-opt=no-new-privileges", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", *given,
                self.image, *([self.name] if self.name else [])]

    def pid(self):
        """Of the function's process, where this machine sees it."""
        said = subprocess.run([*self.podman, "inspect", "--format", "{{.State.Pid}}", self.container], capture_output=True, text=True, check=True)
        return int(said.stdout)

    def kill(self):
        subprocess.run([*self.podman, "kill", "--signal", "KILL", self.container], capture_output=True)
        self.process.wait(30)
