"""The image: built twice alike without an engine's daemon, small, and really run: as nobody, read-only, without capabilities; it takes an
order and drains."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import time
import urllib.request

import pytest
import yaml

from delivery import ROOT, must, run, tools
from engines import free_port
from pictures import png
from shop import ADDRESS, Client, binary, eventually

OUT = ROOT / "build/image"
PODMAN = ["podman", "--storage-driver", "vfs", "--root", str(OUT / "podman"), "--runroot", str(OUT / "podman-run"), "--runtime", "runc",
          "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
RUN = ["--network", "host", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--read-only", "--cap-drop=all",
       "--security-opt=no-new-privileges"]


@pytest.fixture(scope="module")
def image():
    said = must("deploy/image/image.sh", "build", binary(), within_s=300)
    must(*PODMAN, "load", "--quiet", "--input", OUT / "stoa.tar", within_s=120)
    yield said.strip().splitlines()[-1]
    run(*PODMAN, "rm", "--all", "--force")


def config():
    with tarfile.open(OUT / "stoa.tar") as archive:
        blob = lambda digest: json.load(archive.extractfile("blobs/" + digest.replace(":", "/")))  # noqa: E731
        manifest = blob(json.load(archive.extractfile("index.json"))["manifests"][0]["digest"])
        return manifest, blob(manifest["config"]["digest"])


def test_two_builds_are_one_image(image):
    first = (OUT / "digest").read_text()
    must("deploy/image/image.sh", "build", binary(), within_s=300)
    assert (OUT / "digest").read_text() == first and first.startswith("sha256:")


def test_it_is_small_and_says_what_it_is(image):
    root = OUT / "root"
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    assert size <= 80_000_000, size
    assert sum(layer["size"] for layer in config()[0]["layers"]) <= 40_000_000
    made = config()[1]
    labels = made["config"]["Labels"]
    for key in ("title", "version", "revision", "licenses", "source"):
        assert labels[f"org.opencontainers.image.{key}"]
    assert made["config"]["User"] == "10001:10001" and made["config"]["Entrypoint"] == ["/usr/bin/stoa"]
    assert made["config"]["StopSignal"] == "SIGTERM" and made["created"].startswith("1970-01-01")


def test_nothing_is_in_it_that_need_not_be():
    root = OUT / "root"
    programs = [path for path in root.rglob("*") if path.is_file() and os.access(path, os.X_OK) and not path.is_symlink()]
    assert sorted(path.name for path in programs) == ["ld-linux-x86-64.so.2", "stoa"]
    assert not [path for path in root.rglob("*") if path.is_file() and path.stat().st_mode & 0o6000]
    needed = set(re.findall(r"=> \S*/(\S+) ", must("ldd", binary())))
    here = {path.name for path in (root / "usr/lib/x86_64-linux-gnu").iterdir()}
    vips = set(re.findall(r"=> \S*/(\S+) ", must("ldd", root / "usr/lib/x86_64-linux-gnu/libvips.so.42")))
    assert needed <= here and here - needed - vips <= {"libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2", "libvips.so.42", "libleft-out.so"}
    left_out = {path.name for path in (root / "usr/lib/x86_64-linux-gnu").iterdir() if path.is_symlink()}
    assert {"librsvg-2.so.2", "libtiff.so.6", "libfftw3.so.3"} <= left_out and not {"libjpeg.so.62", "libwebp.so.7", "libpng16.so.16"} & left_out


def test_its_bill_of_materials_names_every_file_and_package():
    root = OUT / "root"
    bill = json.loads((root / "usr/share/stoa/sbom.spdx.json").read_text())
    listed = {each["fileName"]: each["checksums"][0]["checksumValue"] for each in bill["files"]}
    for path in filter(lambda each: not each.is_symlink(), (root / "usr/lib/x86_64-linux-gnu").iterdir()):
        assert listed[f"./usr/lib/x86_64-linux-gnu/{path.name}"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert listed["./usr/bin/stoa"] == hashlib.sha256((root / "usr/bin/stoa").read_bytes()).hexdigest()
    packages = {each["name"]: each for each in bill["packages"]}
    assert {"stoa", "libssl3", "librdkafka1", "libpq5", "libgrpc++1.51", "ca-certificates", "tzdata"} <= set(packages)
    for name in ("libssl3", "libc6"):
        installed = must("dpkg-query", "-W", "-f", "${Version}", name)
        assert packages[name]["versionInfo"] == installed


class Container:
    def __init__(self, name, *words, flags=()):
        self.name = name
        run(*PODMAN, "rm", "--force", name)
        must(*PODMAN, "run", "--detach", "--name", name, *RUN, *flags, "stoa:0.1.0", *words, within_s=120)

    def exec(self, *words):
        return run(*PODMAN, "exec", self.name, *words)

    def said(self):
        got = run(*PODMAN, "logs", self.name)
        return got.stdout + got.stderr

    def state(self):
        return json.loads(must(*PODMAN, "inspect", self.name))[0]


def volume(folder):
    """A data directory of the container's user, as a cluster gives it."""
    folder.mkdir()
    os.chown(folder, 10001, 10001)
    for each in [folder, *folder.parents]:
        if each.stat().st_uid == os.getuid() and each != pathlib.Path("/"):
            each.chmod(each.stat().st_mode | 0o011)
    return ["--volume", f"{folder}:/var/lib/stoa", "--tmpfs", "/tmp"]


@pytest.fixture(scope="module")
def container(image, tmp_path_factory):
    http, admin = free_port(), free_port()
    one = Container("stoa-under-test", "serve", "--demo", f"--http=127.0.0.1:{http}", f"--admin=127.0.0.1:{admin}",
                    flags=volume(tmp_path_factory.mktemp("data") / "shop"))
    one.http, one.admin = http, admin

    def ready():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/ready", timeout=2) as got:
                return got.status == 200
        except OSError:
            assert one.state()["State"]["Running"], one.said()
            return False

    eventually(ready, 60, "the shop in the container is ready")
    yield one
    run(*PODMAN, "rm", "--force", one.name)


def status_of(container):
    pid = container.state()["State"]["Pid"]
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def test_it_runs_as_nobody_with_nothing(container):
    status = status_of(container)
    assert status["Uid"].split() == ["10001"] * 4 and status["Gid"].split() == ["10001"] * 4
    assert status["CapEff"].strip() == "0" * 16 and status["CapBnd"].strip() == "0" * 16 and status["NoNewPrivs"].strip() == "1"
    pid = container.state()["State"]["Pid"]
    mounts = pathlib.Path(f"/proc/{pid}/mounts").read_text()
    assert re.search(r"^\S+ / \S+ ro,", mounts, re.MULTILINE), mounts[:300]


def test_it_has_no_shell_and_knows_its_health(container):
    assert container.exec("/bin/sh", "-c", "true").returncode != 0
    well = container.exec("/usr/bin/stoa", "healthcheck", f"--admin=127.0.0.1:{container.admin}")
    assert well.returncode == 0 and "healthy" in well.stdout, well
    ready = container.exec("/usr/bin/stoa", "healthcheck", "--ready", f"--admin=127.0.0.1:{container.admin}")
    assert ready.returncode == 0 and '"ready"' in ready.stdout
    away = container.exec("/usr/bin/stoa", "healthcheck", f"--admin=127.0.0.1:{free_port()}")
    assert away.returncode == 1 and "no shop answers" in away.stderr


def test_it_makes_sizes_of_pictures_of_every_format(container):
    """With what is left of libvips, in the sandbox, as nobody on a read-only root."""
    made = container.exec("/usr/bin/stoa", "operator", "pictures@example.com")
    password = re.search(r"Password: (\S+)", made.stdout)
    assert password, made
    client = Client(container.http)
    client.token = client.post("/api/v1/auth/login", {"email": "pictures@example.com", "password": password[1]}).json["token"]
    of = client.post("/api/v1/products", {"sku": "IN-A-BOX", "name": "A box", "price": 1, "stock": 1}).json["id"]
    path = f"/api/v1/products/{of}/images"
    settled = lambda: all(each["status"] != "processing" for each in client.get(path).json["images"])  # noqa: E731
    assert client.post(path, raw=png(640, 480)).status == 201
    eventually(settled, 60, "the first picture's sizes")
    made = {each["content_type"]: client.get(each["url"]).body for each in client.get(path).json["images"][0]["variants"]}
    gif = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
    for body in (made["image/jpeg"], made["image/webp"], gif):
        assert client.post(path, raw=body).status == 201
    eventually(settled, 60, "the others' sizes")
    images = client.get(path).json["images"]
    assert [(each["status"], len(each["variants"])) for each in images] == [("ready", 6)] * 4, images
    assert "pictures that are uploaded stay" not in container.said()
    client.close()


def test_it_takes_an_order_and_drains(container):
    client = Client(container.http)
    client.token = client.post("/api/v1/auth/guest", {}).json["token"]
    product = client.get("/api/v1/products?limit=1&in_stock=true").json["products"][0]["id"]
    got = client.post("/api/v1/orders", {"items": [{"product_id": product, "quantity": 1}], "shipping_address": ADDRESS,
                                         "payment_method": "credit_card"}, headers={"Idempotency-Key": "in a container"})
    assert got.status == 201, got
    eventually(lambda: client.get(f"/api/v1/orders/{got.json['id']}").json["status"] == "paid", 30, "the order is paid")
    client.close()
    audit = container.exec("/usr/bin/stoa", "audit")
    assert audit.returncode == 0, audit
    began = time.monotonic()
    must(*PODMAN, "stop", "--time", "30", container.name, within_s=60)
    assert time.monotonic() - began < 20
    assert container.state()["State"]["ExitCode"] == 0, container.said()[-1000:]


def test_a_root_that_may_not_be_written_and_no_data_directory_is_said(image):
    done = run(*PODMAN, "run", "--rm", *RUN, "stoa:0.1.0", "serve", within_s=60)
    assert done.returncode == 1 and "data" in done.stderr, done


@pytest.mark.parametrize("service", ["api-gateway", "notification-service"])
def test_it_starts_with_the_volumes_that_compose_gives_it(image, service):
    """Its root is read-only, the volume new: it makes the keys and the files of its own. The engines are away, which it waits for."""
    made = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())["services"][service]
    here, gone = "127.0.0.81", f"127.0.0.1:{free_port()}"
    settings = {**made["environment"], "STOA_LISTEN_HOST": here, "STOA_HTTP": f"{here}:{free_port()}", "STOA_ADMIN": f"{here}:{free_port()}",
                "DATABASE_URL": f"postgresql://stoa:local@{gone}/stoa?sslmode=disable", "KAFKA_BOOTSTRAP_SERVERS": gone,
                "AWS_ENDPOINT_URL_DYNAMODB": f"http://{gone}", "AWS_ENDPOINT_URL_S3": f"http://{gone}"}
    settings.update({key: here for key in settings if key.endswith("_SERVICE_HOST")})
    assert made["read_only"] and made["cap_drop"] == ["ALL"]
    flags = [word for key, value in settings.items() for word in ("--env", f"{key}={value}")]
    flags += [word for each in made["tmpfs"] for word in ("--tmpfs", each)]
    volumes = [f"compose-{each}" for each in made["volumes"]]
    flags += [word for each in volumes for word in ("--volume", each)]
    one = Container("stoa-of-compose", *made["command"], flags=flags)
    try:
        well = lambda: one.exec("/usr/bin/stoa", "healthcheck").returncode == 0 or not one.state()["State"]["Running"]  # noqa: E731
        eventually(well, 60, "it is alive, or has ended")
        assert one.state()["State"]["Running"], one.said()
        listed = json.loads(must(*PODMAN, "volume", "inspect", volumes[0].split(":")[0]))[0]["Mountpoint"]
        assert [each.name for each in pathlib.Path(listed).iterdir()] == ["keys.json"]
    finally:
        run(*PODMAN, "rm", "--force", one.name)
        for each in volumes:
            run(*PODMAN, "volume", "rm", "--force", each.split(":")[0])


def test_keys_come_from_a_mounted_secret(image, tmp_path):
    """As Kubernetes mounts one: root's, readable by the pod's group."""
    tmp_path.chmod(0o755)
    keys = tmp_path / "keys.json"
    must(binary(), "keys", keys)
    os.chown(keys, 0, 10001)
    keys.chmod(0o440)
    flags = ["--volume", f"{tmp_path}:/run/secrets:ro", *volume(tmp_path / "data")]
    told = []
    for mode in (0o440, 0o444):
        keys.chmod(mode)
        port, admin = free_port(), free_port()
        one = Container("stoa-with-keys", "serve", "--keys-file=/run/secrets/keys.json", f"--http=127.0.0.1:{port}", f"--admin=127.0.0.1:{admin}", flags=flags)
        eventually(lambda: "Stoa is ready" in one.said() or not one.state()["State"]["Running"], 60, "it has started or refused")
        told.append(one.said())
        run(*PODMAN, "rm", "--force", one.name)
    assert "Stoa is ready" in told[0] and "key_file_permissions" not in told[0], told[0]
    assert "others may read" in told[1] and "Stoa is ready" not in told[1], told[1]


def test_the_dockerfile_has_nothing_to_complain_of(tmp_path):
    file = ROOT / "deploy/image/Dockerfile"
    must(tools("hadolint") / "hadolint", file)
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian\nRUN apt-get install curl\n")
    assert subprocess.run([tools("hadolint") / "hadolint", bad], capture_output=True).returncode != 0


def test_pinning_an_image_changes_its_overlay_alone(tmp_path):
    work = tmp_path / "tree"
    must("git", "-C", ROOT, "worktree", "add", "--detach", work, "HEAD")
    try:
        digest = "sha256:" + "ab" * 32
        must(work / "deploy/image/image.sh", "pin", "loadtest", digest, cwd=work)
        changed = must("git", "diff", "--name-only", cwd=work).split()
        assert changed == ["deploy/kubernetes/overlays/loadtest/images/kustomization.yaml"]
        made = must("kubectl", "kustomize", "deploy/kubernetes/overlays/loadtest", cwd=work)
        images = set(re.findall(r"image: (\S+)", made))
        assert len(images) == 9 and all(each.endswith("@" + digest) for each in images), images
        assert run(work / "deploy/image/image.sh", "pin", "loadtest", "two words", cwd=work).returncode == 1
        must(work / "deploy/image/image.sh", "pin", "loadtest", "0.1.0", cwd=work)
        assert not must("git", "diff", "--name-only", cwd=work).split(), "and back is what it was"
    finally:
        must("git", "-C", ROOT, "worktree", "remove", "--force", work)


def test_what_it_is_compiled_from_is_the_source_and_no_secret(tmp_path):
    """The context of the Dockerfile's first stage, as buildah copies it."""
    context = tmp_path / "context"
    kept = {"dev", "src/main.cpp", "deploy/image/stage.sh", "deploy/secrets.example"}
    left = {"build/release/stoa", "deploy/secrets", "keys.json", ".git/config", ".stoa/keys.json", "web/node_modules/a/index.js", "deploy/terraform/aws/dev.tfplan",
            "deploy/terraform/state/aws/terraform.tfstate", "deploy/terraform/aws/.terraform/x"}
    for each in kept | left:
        (context / each).parent.mkdir(parents=True, exist_ok=True)
        (context / each).write_text("x")
    shutil.copy(ROOT / ".dockerignore", context)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /source\n")
    storage = ["--root", tmp_path / "storage", "--runroot", tmp_path / "run", "--storage-driver", "vfs"]
    must("buildah", *storage, "bud", "--quiet", "--isolation", "chroot", "--file", tmp_path / "Dockerfile", "--tag", "context", context)
    must("buildah", *storage, "push", "--quiet", "context", f"dir:{tmp_path / 'out'}")
    layers = [tarfile.open(each) for each in (tmp_path / "out").iterdir() if tarfile.is_tarfile(each)]
    found = {name.removeprefix("source/") for layer in layers for name in layer.getnames()}
    assert kept <= found and not left & found, (kept - found, left & found)
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()} - {"compile_commands.json", ".pytest_cache"}
    said = {line.removeprefix("**/").strip("/") for line in (ROOT / ".dockerignore").read_text().splitlines()}
    assert ignored <= said, "what Git does not keep is not compiled from"


def test_a_pushed_tag_is_of_one_commit(tmp_path):
    """Repositories refuse a tag that is there already: a version is that of many commits."""
    tree = tmp_path / "tree"
    for each in ("deploy/image/image.sh", "CMakeLists.txt"):
        (tree / each).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / each, tree / each)
    (tree / "build/image").mkdir(parents=True)
    (tree / "build/image/stoa.tar").write_text("")
    (tree / "build/image/digest").write_text("sha256:0")
    (tmp_path / "skopeo").write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\n')
    (tmp_path / "skopeo").chmod(0o755)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    must("git", "-C", tree, "init", "--quiet")
    for _ in range(2):
        must("git", "-C", tree, *identity, "commit", "--quiet", "--allow-empty", "-m", "one")
        must(tree / "deploy/image/image.sh", "push", "registry.example", cwd=tree, env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    tags = [line.rsplit(":", 1)[1] for line in (tmp_path / "asked").read_text().splitlines()]
    assert all("--preserve-digests" in line for line in (tmp_path / "asked").read_text().splitlines()), "what is pinned is what was built"
    assert len(tags) == 18 and len(set(tags)) == 2 and all(re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{12}", each) for each in tags), tags
