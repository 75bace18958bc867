"""A shop of one process a target, as tests use it: like e2e's Shop, and its processes by name."""

import pathlib
import re
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.path.insert(0, str(ROOT / "deploy/local"))

import local_shop  # noqa: E402
from engines import free_port  # noqa: E402
from shop import Shop, binary  # noqa: E402

TWO = {"product": 2, "order": 2, "payment": 2}


class Topology(Shop):
    """Processes under a supervisor, which starts again what ends."""

    def __init__(self, folder, settings, network, replicas=None):
        super().__init__(folder)
        self.port = free_port()
        self.local = local_shop.LocalShop(binary(), folder, TWO if replicas is None else replicas, demo=False, network=network,
                                          public=f"127.0.0.1:{self.port}", ports={}, settings=settings)
        self._over, self._ended = threading.Event(), threading.Event()
        self._supervisor, self._operator, self.told = None, None, []
        self._lock = threading.Lock()

    def start(self, within_s=120):
        self.local.start(self.told.append, within_s)
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()
        return self

    def _supervise(self):
        while not self._over.wait(0.05):
            with self._lock:
                self.local.bring_back(self.told.append)
        self._ended.wait()  # a child is told to end when the thread that started it does

    def paused(self):
        """While it is held, nothing is started again."""
        return self._lock

    def operator(self):
        if not self._operator:
            made = subprocess.run([binary(), "operator", "boss@example.com", "--config", str(self.local.settings), "--data-dir",
                                   str(self.local.data / "verbs")], capture_output=True, text=True, timeout=60)
            assert made.returncode == 0, made.stderr
            self._operator = re.search(r"Password: (\S+)", made.stdout).group(1)
        return self.login("boss@example.com", self._operator)

    def replicas(self, target):
        return self.local.of(target)

    def stop(self, within_s=60):
        self._over.set()
        with self._lock:
            codes = self.local.stop(within_s)
        self._ended.set()
        assert not any(codes.values()), codes
        return 0

    def __exit__(self, *_):
        if not self._over.is_set():
            self.stop()
