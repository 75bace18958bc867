"""A real Spark driver, local[2], with what it wrote and what it said of its batches."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy/local/spark.sh"
JOB = ROOT / "analytics/spark"
sys.path.insert(0, str(JOB))

import package  # noqa: E402
from broker import eventually  # noqa: E402


class Driver:
    def __init__(self, folder, broker, *more):
        self.folder, self.broker, self.more = pathlib.Path(folder), broker, more
        package.package(self.folder / "stoa_analytics.zip")
        shutil.copy(JOB / "main.py", self.folder)  # away from the tree: what is packed is what runs
        self.checkpoints = self.folder / "checkpoints"
        self.process, self.said, self.progress = None, [], []

    def start(self):
        self.process = subprocess.Popen(
            [SCRIPT, "submit", "--py-files", self.folder / "stoa_analytics.zip", self.folder / "main.py",
             f"--brokers={self.broker.brokers}", f"--topic-prefix={self.broker.prefix}",
             f"--checkpoint-dir=file://{self.checkpoints}", "--partitions=1", "--every-ms=500", *self.more],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        threading.Thread(target=self._listen, args=[self.process], daemon=True).start()
        return self

    def _listen(self, process):
        for line in process.stdout:
            self.said.append(line)
            if line.startswith('{"query"'):
                self.progress.append(json.loads(line))

    def story(self):
        return "".join(self.said[-60:])[-4_000:]

    def late(self):
        """query → events that came too late, over all its batches."""
        out = {}
        for each in self.progress:
            out[each["query"]] = out.get(each["query"], 0) + each["late"]
        return out

    def planned(self, query, records):
        """Whether a batch of the query holds these records: its offsets are written before it begins."""
        plans = sorted((self.checkpoints / query / "offsets").glob("[0-9]*"), key=lambda each: int(each.name))
        if not plans:
            return False
        ends = {}
        for line in plans[-1].read_text().splitlines()[2:]:
            ends.update(json.loads(line))
        return all(ends[self.broker.prefix + each.topic][str(each.partition)] > each.offset
                   for each in records if self.broker.prefix + each.topic in ends)

    def wait_until(self, condition, within_s, what):
        def true():
            assert self.process.poll() is None, self.story()
            return condition()
        return eventually(true, within_s, lambda: f"{what() if callable(what) else what}; Spark said: {self.story()}")

    def kill(self):
        """kill -9 of the driver, and of the Python that works for it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
