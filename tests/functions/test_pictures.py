"""The image of product-image-processor as Lambda starts it: a picture in real S3 becomes sizes there and an event in real Kafka, from
which a split shop shows them."""

import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import tarfile
import uuid

import events
import pytest

from conftest import ROOT, ZIPS, amazon, engine
from pictures import gaping_png, png
from runtime_api import PODMAN, ContainerFunction
from shop import eventually
from test_shop import Places
from topology import Topology

OUT = ZIPS / "image"
BINARY = ROOT / "build/release/picture_function"
NAME = "product-image-processor"


@pytest.fixture(scope="module")
def storage():
    """Beside the build: memory has no room for images."""
    podman = [*PODMAN, "--root", f"{OUT}/podman", "--runroot", f"{OUT}/podman-run"]
    subprocess.run([*podman, "load", "--quiet", "--input", OUT / f"{NAME}.tar"], check=True, capture_output=True)
    yield OUT
    subprocess.run([*podman, "rm", "--all", "--force"], capture_output=True)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("split")
    place = Places(folder, "pictures", "postgres")
    place.settings.pop("kafka_group_instance_id")
    place.settings["db_connections"] = "8"  # nine processes share a server of a hundred
    with Topology(folder / "shop", {**place.settings, "rate_principal_burst": 0, "rate_login_burst": 0}, network=77, replicas={}) as running:
        running.prefix = place.settings["kafka_topic_prefix"]
        running.bucket = place.settings["s3_bucket_prefix"] + "ecommerce-product-images"
        yield running


@pytest.fixture
def processor(storage, shop, tmp_path):
    def make(name=NAME, **environment):
        given = {"KAFKA_BROKERS": engine("kafka").removeprefix("http://"), "KAFKA_TOPIC_PREFIX": shop.prefix, "AWS_ENDPOINT_URL_S3": engine("s3")}
        return ContainerFunction(f"{NAME}:0.1.0", storage, name, given | environment, tmp_path)
    return make


def product(shop):
    sku = uuid.uuid4().hex[:10]
    got = shop.operator().post("/api/v1/products", {"sku": sku, "name": "A jug", "price": 3.5, "stock": 10})
    assert got.status == 201, got
    return got.json["id"], sku


def put(s3, shop, key, body, sequencer=""):
    made = s3.put_object(Bucket=shop.bucket, Key=key, Body=body)
    return events.s3(shop.bucket, key, made["ETag"].strip('"'), len(body), sequencer)


def shown(shop, of, count=1, done=lambda images: all(each["status"] != "processing" for each in images)):
    def looked():
        now = shop.client().get(f"/api/v1/products/{of}/images").json["images"]
        return len(now) == count and done(now) and now
    return eventually(looked, 60, f"{count} pictures")


def bodies_of(shop, images):
    return {each["url"]: shop.client().get(each["url"]) for image in images for each in image["variants"]}


@pytest.mark.parametrize("way", ["s3", "sqs", "sns_in_sqs"])
def test_an_upload_to_a_split_shop_is_shown_in_its_sizes(processor, shop, s3, way):
    of, _ = product(shop)
    made = shop.operator().post(f"/api/v1/products/{of}/images", raw=png(1000, 500))
    assert made.status == 201 and made.json["status"] == "processing", made
    key = f"originals/{of}/{made.json['id']}"
    head = s3.head_object(Bucket=shop.bucket, Key=key)
    event = events.s3(shop.bucket, key, head["ETag"].strip('"'), head["ContentLength"], "0055AED6DCD90281E5")
    if way != "s3":
        event = getattr(events, way)(json.dumps(event))
    answer = {} if way == "s3" else {"batchItemFailures": []}
    with processor() as one:
        assert one.call(event) == ("response", answer), one.said()
        (ready,) = shown(shop, of)
        assert (ready["id"], ready["status"], ready["width"], ready["height"]) == (made.json["id"], "ready", 1000, 500), ready
        assert [(each["size"], each["width"], each["height"], each["content_type"]) for each in ready["variants"]] == [
            (size, size, size // 2, kind) for size in (150, 400, 800) for kind in ("image/jpeg", "image/webp")]
        served = bodies_of(shop, [ready])
        for url, got in served.items():
            assert got.status == 200 and got.body[:3] == b"\xff\xd8\xff" if url.endswith(".jpg") else got.body[8:12] == b"WEBP", (url, got)
        # Told again, and by a process that is new: nothing is different.
        for _ in range(3):
            assert one.call(event) == ("response", answer)
    with processor() as again:
        assert again.call(event) == ("response", answer)
    version = lambda: shop.client().get(f"/api/v1/products/{of}").json["version"]  # noqa: E731
    # What came behind those repeats has been taken, so they have been, too.
    other, sku = product(shop)
    with processor() as one:
        assert one.call(put(s3, shop, f"originals/{of}/last", png(60, 40)))[0] == "response"
    assert [each["id"] for each in shown(shop, of, 2)] == [ready["id"], "last"]
    assert shown(shop, of, 2)[0] == ready and {url: got.body for url, got in bodies_of(shop, [ready]).items()} == {url: got.body for url, got in served.items()}
    assert version() == 4, "made, the upload, its sizes, and the last"


def test_an_object_that_others_put_there_is_the_skus_and_the_newest_stays(processor, shop, s3):
    of, sku = product(shop)
    key = f"originals/{sku}/front"
    old = put(s3, shop, key, png(300, 200, 1), "0055AED6DCD90281E5")
    new = put(s3, shop, key, png(200, 300, 2), "0055AED6DCD90281E6")
    with processor(name=None) as one:  # by the image's own command
        for event in (new, old, new, old):
            assert one.call(event) == ("response", {}), one.said()
        (ready,) = shown(shop, of)
        assert (ready["id"], ready["width"], ready["height"]) == ("front", 200, 300)
        # Keys of others, variants among them, are passed over.
        for other in (f"variants/{of}/front/150-x.jpg", "originals/deep/er/front", "originals/x", "report.csv"):
            assert one.call(put(s3, shop, other, b"x")) == ("response", {}), one.said()
        gone = put(s3, shop, f"originals/{sku}/gone", png(60, 40))
        s3.delete_object(Bucket=shop.bucket, Key=f"originals/{sku}/gone")
        assert one.call(gone) == ("response", {})
    assert [each["id"] for each in shown(shop, of)] == ["front"]


def test_hostile_pictures_are_refused_and_harm_nobody(processor, shop, s3):
    of, sku = product(shop)
    hostile = {"bomb": gaping_png(16_000, 16_000), "wide": gaping_png(7_000, 7_000), "page": b"<html>", "empty": b"", "large": png(60, 40) + bytes(20 << 20)}
    with processor() as one:
        for name, body in hostile.items():
            assert one.call(put(s3, shop, f"originals/{sku}/{name}", body)) == ("response", {}), (name, one.said())
        assert one.call(put(s3, shop, f"originals/{sku}/good", png(60, 40))) == ("response", {}), one.said()
        assert all("VmHWM" in line and int(line.split()[1]) <= 150_000 for line in memory_of(one.pid())), memory_of(one.pid())
    told = {each["id"]: (each["status"], bool(each.get("problem"))) for each in shown(shop, of, len(hostile) + 1)}
    assert told.pop("good") == ("ready", False)
    told.pop("wide")  # 49 megapixels may be had or not, by the machine's speed
    assert told == {name: ("refused", True) for name in hostile if name != "wide"}


def memory_of(pid):
    return re.findall(r"VmHWM.*", pathlib.Path(f"/proc/{pid}/status").read_text())


def test_cut_off_at_a_hundred_places_and_put_again_it_ends_the_same(processor, shop, s3):
    of, sku = product(shop)
    whole = png(1000, 500)  # whose last hundredth has pixels: one that lacks no more than its end mark may be shown
    key = f"originals/{sku}/cut"
    with processor() as one:
        for i in range(100):
            assert one.call(put(s3, shop, key, whole[:len(whole) * i // 100], f"{i:016X}")) == ("response", {}), (i, one.said())
        # What came behind those has been taken, so they all have been.
        assert one.call(put(s3, shop, f"originals/{sku}/last", png(60, 40))) == ("response", {})
        refused, _ = shown(shop, of, 2)
        assert (refused["id"], refused["status"], refused["variants"]) == ("cut", "refused", []) and refused["problem"], refused
        assert one.call(put(s3, shop, key, whole, f"{200:016X}")) == ("response", {})
    ready, _ = shown(shop, of, 2, done=lambda images: images[0]["status"] == "ready")
    assert len(ready["variants"]) == 6 and all(got.status == 200 for got in bodies_of(shop, [ready]).values())


def test_killed_in_the_middle_it_ends_the_same(processor, shop, s3):
    of, sku = product(shop)
    pick = random.Random(5)
    made = {f"k{i}": put(s3, shop, f"originals/{sku}/k{i}", png(900, 600, i), f"{i:016X}") for i in range(4)}
    for name, event in made.items():
        before = len(list(objects(s3, shop, f"variants/{sku}/{name}/")))
        with processor() as one:
            assert one.api.asked.wait(30), one.said()
            one.begin(event)
            wanted = pick.randint(1, 5)
            eventually(lambda: len(list(objects(s3, shop, f"variants/{sku}/{name}/"))) - before >= wanted, 30, "some of its sizes")  # noqa: B023
            one.kill()
    with processor() as one:
        for event in made.values():
            assert one.call(event) == ("response", {}), one.said()
    for each in shown(shop, of, len(made)):
        assert each["status"] == "ready" and len(each["variants"]) == 6, each
        assert len(list(objects(s3, shop, f"variants/{sku}/{each['id']}/"))) == 6


def objects(s3, shop, prefix):
    return s3.list_objects_v2(Bucket=shop.bucket, Prefix=prefix).get("Contents", [])


def test_a_bucket_or_a_log_that_is_away_brings_the_event_back(processor, shop, s3):
    of, sku = product(shop)
    event = put(s3, shop, f"originals/{sku}/late", png(60, 40))
    queued = events.sqs(json.dumps(event))
    with processor(AWS_ENDPOINT_URL_S3="http://127.0.0.1:9") as one:
        kind, body = one.call(event)
        assert kind == "error" and body["errorType"].startswith("aws_"), body
        assert one.call(queued) == ("response", {"batchItemFailures": [{"itemIdentifier": "message-0"}]})
    with processor(KAFKA_BROKERS="127.0.0.1:9") as one:
        kind, body = one.call(event)
        assert kind == "error" and body["errorType"] == "kafka_unreachable", body
        assert one.call(queued) == ("response", {"batchItemFailures": [{"itemIdentifier": "message-0"}]})
    with processor() as one:
        assert one.call(queued) == ("response", {"batchItemFailures": []}), one.said()
    assert [each["status"] for each in shown(shop, of)] == ["ready"]


@pytest.mark.parametrize("given, code", [
    ({"KAFKA_BROKERS": ""}, "setting_missing"), ({"AWS_REGION": ""}, "aws_region_missing"), ({"KAFKA_TOPIC_PREFIX": "nobody-made-"}, "topic_missing"),
    ({"KAFKA_SECURITY_PROTOCOL": "QUIC"}, "setting"), ({"KAFKA_SASL_MECHANISM": "SCRAM-SHA-512", "KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "setting"),
    ({"KAFKA_SSL_CA_FILE": "/none.pem", "KAFKA_SECURITY_PROTOCOL": "SSL"}, "setting"), ({"_HANDLER": "other"}, "handler_unknown")])
def test_a_start_that_cannot_be_says_why(processor, given, code):
    with processor(name=given.get("_HANDLER", NAME), **{name: value for name, value in given.items() if name != "_HANDLER"}) as one:
        kind, _, body, error_type = one.answer()
        assert (kind, body["errorType"], error_type) == ("init", code, "Runtime." + code), body
        assert any(name in body["errorMessage"] or value in body["errorMessage"] for name, value in given.items()), body
        assert one.process.wait(10) != 0


# --- the image ----------

def config():
    with tarfile.open(OUT / f"{NAME}.tar") as archive:
        blob = lambda digest: json.load(archive.extractfile("blobs/" + digest.replace(":", "/")))  # noqa: E731
        manifest = blob(json.load(archive.extractfile("index.json"))["manifests"][0]["digest"])
        return manifest, blob(manifest["config"]["digest"])


def test_the_same_program_makes_the_same_image():
    first = (OUT / "digest").read_text()
    subprocess.run([ROOT / "deploy/image/image.sh", "function", BINARY], check=True, capture_output=True, cwd=ROOT)
    assert (OUT / "digest").read_text() == first and first.startswith("sha256:")


def test_the_image_is_what_lambda_takes_and_no_more():
    manifest, made = config()
    packed = sum(layer["size"] for layer in manifest["layers"])
    files = [path for path in (OUT / "root").rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    print(f"\n{size / 1e6:.1f} MB, {packed / 1e6:.1f} MB packed")
    assert size <= 50_000_000 and packed <= 25_000_000, (size, packed)
    assert made["config"]["Entrypoint"] == ["/usr/bin/picture_function"] and made["config"]["Cmd"] == [NAME]
    assert made["config"]["User"] not in ("", "0", "root")
    assert sorted(path.name for path in files if os.access(path, os.X_OK)) == ["ld-linux-x86-64.so.2", "picture_function"]
    assert all(name in {path.name for path in files} for name in ("libvips.so.42", "libjpeg.so.62", "libwebp.so.7", "librdkafka.so.1"))
    links = {path.name: os.readlink(path) for path in (OUT / "root/usr/lib/x86_64-linux-gnu").iterdir() if path.is_symlink()}
    assert set(links.values()) == {"libleft-out.so"} and "librsvg-2.so.2" in links and "libicudata.so.72" not in {path.name for path in files}


def test_the_written_requirements_are_the_programs():
    said = subprocess.run([BINARY, "--requirements", NAME], check=True, capture_output=True, text=True).stdout
    assert (ROOT / f"deploy/functions/{NAME}/requirements.json").read_text() == said
    assert subprocess.run([BINARY, "--list"], check=True, capture_output=True, text=True).stdout == f"{NAME}\n"
