"""A real Kubernetes control plane on loopback: etcd, API server, controller manager, scheduler.

No kubelet: pods run on paper only. `Kubelet` says what one would (bound pods run, and are ready; those that are deleted are
gone) and answers what the autoscaler asks of metrics. Images, probes and packets are tried elsewhere."""

import base64
import http.server
import itertools
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "deploy/local"))

from engines import free_port  # noqa: E402
from local_shop import end_with_parent  # noqa: E402

TOKEN = "the-test-administrator"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


class Refused(Exception):
    """The API server's own words."""

    def __init__(self, status, said):
        super().__init__(f"{status}: {said}")
        self.status, self.said = status, said


class Api:
    """A client of the API server, as JSON. Thread rule: any."""

    def __init__(self, port, authority):
        self.base = f"https://127.0.0.1:{port}"
        self.context = ssl.create_default_context(cafile=authority)

    def __call__(self, method, path, body=None, kind="application/json"):
        asked = urllib.request.Request(self.base + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                       headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": kind, "Accept": "application/json"})
        try:
            with urllib.request.urlopen(asked, context=self.context, timeout=30) as got:
                return json.loads(got.read() or b"null")
        except urllib.error.HTTPError as no:
            raise Refused(no.code, no.read().decode(errors="replace")[:2000]) from None

    def watch(self, path):
        """Changes, from now on."""
        asked = urllib.request.Request(self.base + path, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(asked, context=self.context, timeout=600) as stream:
            for line in stream:
                yield json.loads(line)


class Kubelet:
    """Stands in for the three nodes' kubelets, and for metrics-server. `used` is CPU and memory by Deployment, in millicores
    and MiB a pod."""

    def __init__(self, api, folder, port):
        self.api, self.used, self.over = api, {}, threading.Event()
        self.holding = set()  # Deployments whose pods are not to become ready
        self.addresses = itertools.count(257)  # of pods: 10.244.1.1 and on
        kubelet = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                body = json.dumps(kubelet.answer(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "serving.crt", folder / "serving.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        threading.Thread(target=self.follow, daemon=True).start()

    def answer(self, path):
        if "/pods" not in path:
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "metrics.k8s.io/v1beta1", "resources": [
                {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}]}
        namespace = re.search(r"/namespaces/([^/]+)/pods", path)[1]
        pods = self.api("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        items = []
        for pod in pods:
            name = pod["metadata"]["labels"].get("app.kubernetes.io/name", "")
            if name in self.used and pod["status"].get("phase") == "Running":
                cpu, memory = self.used[name]
                items.append({"metadata": {"name": pod["metadata"]["name"], "namespace": namespace, "labels": pod["metadata"]["labels"]},
                              "timestamp": now, "window": "15s",
                              "containers": [{"name": "stoa", "usage": {"cpu": f"{cpu}m", "memory": f"{memory}Mi"}}]})
        return {"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items}

    def follow(self):
        while not self.over.is_set():
            try:
                for pod in self.api("GET", "/api/v1/pods")["items"]:
                    self.see(pod)
                for change in self.api.watch("/api/v1/pods?watch=true&timeoutSeconds=300"):
                    if change["type"] in ("ADDED", "MODIFIED"):
                        self.see(change["object"])
            except (OSError, ValueError, Refused, KeyError):
                self.over.wait(0.2)

    def see(self, pod):
        meta, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        try:
            if meta.get("deletionTimestamp"):
                self.api("DELETE", path, {"gracePeriodSeconds": 0, "kind": "DeleteOptions", "apiVersion": "v1"})
            elif spec.get("nodeName") and status.get("phase") == "Pending":
                if meta.get("labels", {}).get("app.kubernetes.io/name") in self.holding:
                    return
                job = any(owner["kind"] == "Job" for owner in meta.get("ownerReferences", []))
                at = next(self.addresses)
                self.api("PATCH", path + "/status", self.running(spec, job, f"10.244.{at // 256}.{at % 256}"), "application/merge-patch+json")
        except Refused as no:
            if no.status not in (404, 409):
                raise

    @staticmethod
    def running(spec, ended, address):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        if ended:
            state = {"terminated": {"exitCode": 0, "startedAt": now, "finishedAt": now, "reason": "Completed"}}
        else:
            state = {"running": {"startedAt": now}}
        return {"status": {"phase": "Succeeded" if ended else "Running", "startTime": now, "podIP": address, "podIPs": [{"ip": address}], "conditions": [
            {"type": kind, "status": "False" if ended and kind != "PodScheduled" else "True", "lastTransitionTime": now,
             **({"reason": "PodCompleted"} if ended and kind != "PodScheduled" else {})}
            for kind in ("Initialized", "ContainersReady", "Ready", "PodScheduled")],
            "containerStatuses": [{"name": each["name"], "image": each["image"], "imageID": "", "ready": not ended, "started": not ended,
                                   "restartCount": 0, "state": state} for each in spec["containers"]]}}

    def stop(self):
        self.over.set()
        self.server.shutdown()


class ControlPlane:
    def __init__(self, folder, programs):
        self.folder, self.programs = pathlib.Path(folder), pathlib.Path(programs)
        self.children, self.kubelet = {}, None
        self.port, self.etcd_port, self.peer_port = free_port(), free_port(), free_port()
        self.kubeconfig = self.folder / "kubeconfig"

    # --- what it is made of

    def _openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=self.folder)

    def _keys(self):
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test")
        (self.folder / "names.cnf").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc\n")
        for name, subject in (("serving", "/CN=localhost"), ("proxy", "/CN=front-proxy")):
            self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
            self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                          "-extfile", "names.cnf", "-out", f"{name}.crt")
        self._openssl("genrsa", "-out", "accounts.key", "2048")
        (self.folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
        authority = base64.b64encode((self.folder / "ca.crt").read_bytes()).decode()
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": f"https://127.0.0.1:{self.port}", "certificate-authority-data": authority}}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}]}))

    def spawn(self, name, *words, env=None):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.children[name] = subprocess.Popen([str(word) for word in words], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                                   cwd=self.folder, env={**os.environ, **(env or {})}, preexec_fn=end_with_parent)

    def said(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def _answers(self, path):
        try:
            return self.api("GET", path) is not None or True
        except (OSError, Refused, ValueError):
            return False

    def wait_for(self, holds, what, within_s=60, child=None):
        end = time.monotonic() + within_s
        while True:
            got = holds()
            if got:
                return got
            for name in [child] if child else list(self.children):
                if self.children[name].poll() is not None:
                    raise AssertionError(f"{name} ended with {self.children[name].returncode}; it said:\n{self.said(name)}")
            if time.monotonic() > end:
                raise AssertionError(f"within {within_s} s not: {what}\n" + (self.said(child) if child else ""))
            time.sleep(0.05)

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self._keys()
        self.spawn("etcd", "etcd", "--data-dir", "etcd", "--unsafe-no-fsync", "--listen-client-urls", f"http://127.0.0.1:{self.etcd_port}",
                   "--advertise-client-urls", f"http://127.0.0.1:{self.etcd_port}", "--listen-peer-urls", f"http://127.0.0.1:{self.peer_port}",
                   "--initial-cluster", f"default=http://127.0.0.1:{self.peer_port}",
                   "--initial-advertise-peer-urls", f"http://127.0.0.1:{self.peer_port}")
        self.spawn("apiserver", self.programs / "kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{self.etcd_port}",
                   "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={self.port}", "--endpoint-reconciler-type=none",
                   "--tls-cert-file=serving.crt", "--tls-private-key-file=serving.key", "--token-auth-file=tokens.csv",
                   "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=accounts.key",
                   "--service-account-signing-key-file=accounts.key", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16",
                   "--client-ca-file=ca.crt", "--requestheader-client-ca-file=ca.crt", "--requestheader-username-headers=X-Remote-User",
                   "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                   "--proxy-client-cert-file=proxy.crt", "--proxy-client-key-file=proxy.key", "--allow-privileged=true", "--profiling=false",
                   "--event-ttl=10m")
        self.api = Api(self.port, self.folder / "ca.crt")
        self.wait_for(lambda: self._ready(), "the API server is ready", 90, "apiserver")
        self._machines()
        self.kubelet = Kubelet(self.api, self.folder, self.metrics_port)
        common = ["--kubeconfig=kubeconfig", "--leader-elect=false", "--secure-port=0"]
        self.spawn("controller-manager", self.programs / "kube-controller-manager", *common, "--service-account-private-key-file=accounts.key",
                   # No node says that it is well, so nobody may conclude that it is not.
                   "--controllers=*,-node-lifecycle-controller,-node-ipam-controller,-cloud-node-lifecycle-controller",
                   "--horizontal-pod-autoscaler-sync-period=1s", "--horizontal-pod-autoscaler-cpu-initialization-period=1s",
                   "--horizontal-pod-autoscaler-initial-readiness-delay=1s", "--root-ca-file=ca.crt", "--concurrent-horizontal-pod-autoscaler-syncs=5")
        self.spawn("scheduler", self.programs / "kube-scheduler", *common)
        self.wait_for(lambda: self._has("/api/v1/namespaces/default/serviceaccounts/default"), "the controllers work", 60)
        return self

    def _ready(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                pass
            asked = urllib.request.Request(self.api.base + "/readyz", headers={"Authorization": f"Bearer {TOKEN}"})
            with urllib.request.urlopen(asked, context=self.api.context, timeout=5) as got:
                return got.read() == b"ok" and self._has("/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical")
        except (OSError, urllib.error.URLError):
            return False

    def _has(self, path):
        try:
            return self.api("GET", path)
        except (Refused, OSError):
            return None

    def _machines(self):
        """Three nodes in three zones, and the way to the metrics stand-in."""
        self.metrics_port = free_port()
        for at, zone in enumerate(ZONES, 1):
            self.api("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{at}", "labels": {
                "topology.kubernetes.io/zone": zone, "kubernetes.io/hostname": f"node-{at}"}}})
            room = {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "200Gi"}
            self.api("PATCH", f"/api/v1/nodes/node-{at}/status", {"status": {"capacity": room, "allocatable": room, "conditions": [
                {"type": "Ready", "status": "True", "lastHeartbeatTime": None, "reason": "KubeletReady"}]}}, "application/merge-patch+json")
            self.api("PATCH", f"/api/v1/nodes/node-{at}", {"spec": {"taints": None}}, "application/merge-patch+json")
        self.api("POST", "/api/v1/namespaces/kube-system/services", {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "metrics"},
                                                                    "spec": {"type": "ExternalName", "externalName": "localhost"}})
        self.api("POST", "/apis/apiregistration.k8s.io/v1/apiservices", {
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "insecureSkipTLSVerify": True, "groupPriorityMinimum": 100,
                     "versionPriority": 100, "service": {"name": "metrics", "namespace": "kube-system", "port": self.metrics_port}}})

    # --- what tests do with it

    def kubectl(self, *words, input=None, within_s=120):
        return subprocess.run(["kubectl", "--kubeconfig", str(self.kubeconfig), *map(str, words)], input=input, capture_output=True, text=True,
                              timeout=within_s, cwd=self.folder)

    def must(self, *words, **more):
        done = self.kubectl(*words, **more)
        assert done.returncode == 0, f"kubectl {' '.join(map(str, words))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def get(self, *words):
        return json.loads(self.must("get", *words, "-o", "json"))

    def stop(self):
        if self.kubelet:
            self.kubelet.stop()
        for name in reversed(list(self.children)):
            child = self.children[name]
            if child.poll() is None:
                child.terminate()
        for child in self.children.values():
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
