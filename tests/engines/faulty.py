"""Servers that are wrong in one way, for a test to point the program at. Standard library only."""

import pathlib
import socket
import ssl
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/local"))

from engines import Engine, free_port  # noqa: E402,F401


def certificate(folder, name, days=2, start=None, host="localhost"):
    """A certificate that is its own authority; its file, with the key in it."""
    key, made, both = folder / f"{name}.key", folder / f"{name}.crt", folder / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-keyout", str(key), "-out",
               str(made), "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1"]
    # A clock in the past makes one that has expired by now.
    subprocess.run(["faketime", start, *command] if start else command, check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + made.read_bytes())
    return both, made


class Listener:
    """Takes connections on a port of its own and does one thing with each; ends with its `with` block."""

    def __init__(self, answer=b"", certificate=None):
        self.answer, self.certificate = answer, certificate
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.open = []

    def __enter__(self):
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for each in self.open:
            each.close()

    def _serve(self):
        context = None
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
        while True:
            try:
                taken, _ = self.socket.accept()
            except OSError:
                return
            self.open.append(taken)
            threading.Thread(target=self._one, args=(taken, context), daemon=True).start()

    def _one(self, taken, context):
        try:
            if context:
                taken = context.wrap_socket(taken, server_side=True)
            if self.answer:
                taken.recv(65_536)
                taken.sendall(self.answer)
                taken.close()
        except OSError:
            pass  # who came did not like the certificate: that is the test
