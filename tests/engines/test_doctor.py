"""`stoa doctor` on real engines: all well, and each fault for real, named with what to do about it.

    ./dev test engines -k doctor
"""

import os
import pathlib
import shutil
import subprocess

import pytest

from faulty import Engine, Listener, certificate
from test_shop import Places, address, database, stoa


def doctor(places, folder, environment=None, **changed):
    got = subprocess.run([*(environment or []), *stoa_command(places, folder, changed)], capture_output=True, text=True,
                         timeout=90)
    return got.returncode, got.stdout + got.stderr


def stoa_command(places, folder, changed):
    from shop import binary
    return [binary(), "doctor", "--config", places.file(**changed), "--data-dir", str(folder / "data")]


def wrong(said):
    return [line for line in said.splitlines() if line.startswith("WRONG")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A shop's places, migrated once for all tests of this file that only look."""
    folder = tmp_path_factory.mktemp("doctor")
    places = Places(folder, "doctor", "dynamodb")
    places.settings |= {"payments": "stripe", "stripe_api_key": "sk_test_stoa", "stripe_api_url": address("stripe"),
                        "notifier": "smtp", "smtp_url": "smtp://" + address("smtp")}
    got = stoa("migrate", "--config", places.file(), "--data-dir", str(folder / "data"))
    assert got.returncode == 0, got.stderr
    return places, folder


def test_all_is_well(made):
    places, folder = made
    code, said = doctor(places, folder)
    assert code == 0 and not wrong(said), said
    for engine in ("PostgreSQL answers", "PostgreSQL has this version's schema", "PostgreSQL is version", "keeps what it commits",
                   "Kafka at", "every topic", "DynamoDB at", "S3 at", "SMTP at", "Stripe at", "for test payments",
                   "no dead letters"):
        assert engine in said, (engine, said)
    assert "sk_test_stoa" not in said and "stoalocalsecret" not in said


def test_postgresql_alone_keeps_items_too(tmp_path):
    places = Places(tmp_path, "doctorpg", "postgres")
    code, said = doctor(places, tmp_path)
    assert code == 1 and "stoa migrate" in said, said
    got = stoa("migrate", "--config", places.file(), "--data-dir", str(tmp_path / "data"))
    assert got.returncode == 0, got.stderr
    code, said = doctor(places, tmp_path)
    assert code == 0 and "DynamoDB" not in said, said


NOBODY = "127.0.0.1:1"


# What is changed; how many lines are wrong; what they say: the engine, the setting, the cause.
@pytest.mark.parametrize("changed, told", [
    ({"database_url": f"postgresql://app@{NOBODY}/postgres"}, ["PostgreSQL", "does not answer", "DATABASE_URL"]),
    ({"database_url": "no_such_db"}, ["PostgreSQL", "has no such database", "DB_NAME"]),
    ({"database_url": "no_such_user"}, ["PostgreSQL", "refused the login", "DB_USER"]),
    ({"database_url": "smtp"}, ["PostgreSQL", "does not speak PostgreSQL", "DATABASE_URL"]),
    ({"database_url": "kafka"}, ["PostgreSQL", "does not answer", "DATABASE_URL"]),
    ({"database_url": "empty"}, ["PostgreSQL's schema", "stoa migrate"]),
    ({"db_ssl_mode": "verify-full"}, ["PostgreSQL", "TLS", "DB_SSL_MODE"]),
    ({"kafka_brokers": NOBODY}, ["Kafka", "no broker answers", "KAFKA_BOOTSTRAP_SERVERS"]),
    ({"kafka_brokers": "postgres"}, ["Kafka", "does not answer as a broker"]),
    ({"kafka_brokers": "ill formed"}, ["Kafka", "KAFKA_BOOTSTRAP_SERVERS"]),
    ({"kafka_topic_prefix": "fresh-"}, ["Kafka's topics", "has no topic", "stoa migrate"]),
    ({"kafka_security_protocol": "SSL"}, ["Kafka", "SSL"]),
    ({"aws_endpoint_url_dynamodb": f"http://{NOBODY}"}, ["DynamoDB", "AWS_ENDPOINT_URL"]),
    ({"dynamodb_table_prefix": "fresh-"}, ["DynamoDB", "is missing", "stoa migrate"]),
    ({"aws_region": "eu-central-1"}, ["S3", "AWS_REGION"]),
    ({"aws_endpoint_url_s3": f"http://{NOBODY}"}, ["S3", "AWS_ENDPOINT_URL"]),
    ({"s3_bucket_prefix": "fresh-"}, ["S3", "lacks fresh-ecommerce-order-documents"]),
    ({"aws_secret_access_key": "wrong"}, ["S3", "AWS_SECRET_ACCESS_KEY"]),
    ({"smtp_url": f"smtp://{NOBODY}"}, ["SMTP", "Connection refused", "smtp_url"]),
    ({"smtp_url": "kafka"}, ["SMTP", "smtp_url"]),
    ({"smtp_url": "not one"}, ["SMTP", "smtp://"]),
    ({"stripe_api_url": f"http://{NOBODY}"}, ["Stripe", "stripe_api_url"]),
    ({"stripe_api_key": "pk_test_1"}, ["Stripe", "stripe_api_key"]),
    ({"stripe_api_url": "s3"}, ["Stripe", "answered 400", "stripe_api_url"]),
    ({"stripe_webhook_secret": "secret"}, ["Stripe", "whsec_"]),
])
def test_one_fault_is_named_and_hides_nothing_of_the_others(made, changed, told):
    places, folder = made
    url = places.settings["database_url"]
    stand_ins = {"no_such_db": url.rsplit("/", 1)[0] + "/no_such_db", "no_such_user": url.replace("app@", "nobody_here@"),
                 "postgres": address("postgres").split("@")[1].split("/")[0], "s3": address("s3")}
    (key, value), = changed.items()
    if value in ("kafka", "smtp"):
        value = f"postgresql://app@{address(value)}/postgres" if key == "database_url" else "smtp://" + address(value)
    elif value == "empty":
        value = database("doctor_empty")
    elif value in stand_ins:
        value = stand_ins[value]
    code, said = doctor(places, folder, **{key: value})
    assert code == 1, said
    lines = " ".join(wrong(said))
    for part in told:
        assert part in lines, (part, said)
    # One engine is wrong; of a region DynamoDB's shop has no tables either.
    assert len({line.split()[1].rstrip(":").removesuffix("'s") for line in wrong(said)}) <= (2 if key == "aws_region" else 1)
    assert said.count("ok   ") >= 6, said
    for secret in ("stoalocalsecret", "sk_test_stoa"):
        assert secret not in said


def test_a_wrong_password_is_named(made, tmp_path):
    """A server of its own, which asks for passwords."""
    places, folder = made
    engine = Engine("postgres", tmp_path / "postgres")
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_mode & 0o005 != 0o005 and os.access(parent, os.W_OK):
            parent.chmod(parent.stat().st_mode | 0o011)
    engine.start()
    try:
        said = subprocess.run(["psql", "-X", "-q", engine.address, "-c", "CREATE ROLE guarded LOGIN PASSWORD 'right'"],
                              capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        hba, = (tmp_path / "postgres/data").rglob("pg_hba.conf")
        hba.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
        assert subprocess.run(["psql", "-X", "-q", engine.address, "-c", "SELECT pg_reload_conf()"],
                              capture_output=True).returncode == 0
        url = engine.address.replace("app@", "guarded:wrong-secret@")
        code, said = doctor(places, folder, database_url=url)
        assert code == 1 and "refused the login" in said and "DB_PASSWORD" in said, said
        assert "wrong-secret" not in said
    finally:
        engine.stop()


def test_an_advertised_listener_that_nobody_reaches_is_named(made, tmp_path):
    """R33-R35: the port answers, the metadata comes, and the address in it is of no use."""
    places, folder = made
    properties = tmp_path / "lies.properties"
    engine = Engine("kafka", tmp_path / "kafka")
    properties.write_text(f"advertised.listeners=PLAINTEXT://127.0.0.1:{engine.port + 7}\n")
    engine.folder.mkdir()
    process = subprocess.Popen([engine.script, "run", str(engine.folder / "data"), str(engine.port), str(properties)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        from shop import eventually
        eventually(lambda: subprocess.run([engine.script, "ready", str(engine.port)]).returncode == 0, within_s=60,
                   what="the broker")
        code, said = doctor(places, folder, kafka_brokers=f"127.0.0.1:{engine.port}")
        assert code == 1, said
        line, = wrong(said)
        assert f"says it is reached at 127.0.0.1:{engine.port + 7}" in line and "advertised.listeners" in line, said
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("key, url", [("stripe_api_url", "https://localhost:{port}"),
                                      ("smtp_url", "smtps://localhost:{port}")])
def test_an_expired_certificate_is_named(made, tmp_path, key, url):
    places, folder = made
    assert shutil.which("faketime"), "faketime is missing: ./dev installs it for test engines"
    both, authority = certificate(tmp_path, "old", days=1, start="2020-01-01 12:00:00")
    with Listener(b"HTTP/1.1 200 OK\r\n\r\n", both) as server:
        trusted = {"stripe_api_url": "stripe_ca_file", "smtp_url": "smtp_ca_file"}[key]
        code, said = doctor(places, folder, **{key: url.format(port=server.port), trusted: str(authority)})
    assert code == 1, said
    line, = wrong(said)
    assert "expired" in line and key in line, said


@pytest.mark.parametrize("key, url", [("stripe_api_url", "http://127.0.0.1:{port}"),
                                      ("smtp_url", "smtp://127.0.0.1:{port}"),
                                      ("aws_endpoint_url_s3", "http://127.0.0.1:{port}"),
                                      ("kafka_brokers", "127.0.0.1:{port}")])
def test_who_takes_the_connection_and_says_nothing_is_given_up(made, key, url):
    places, folder = made
    with Listener() as server:
        code, said = doctor(places, folder, **{key: url.format(port=server.port)})
    assert code == 1 and wrong(said), said


def test_a_clock_that_is_minutes_off_is_named(made):
    """SigV4 carries the time: versitygw refuses it as Amazon does. librdkafka's waits never end in a faked time, so Kafka is
    left out."""
    places, folder = made
    for moved, word in (("20 minutes", "ahead of"), ("20 minutes ago", "behind")):
        code, said = doctor(places, folder, ["faketime", moved], kafka_brokers="left out")
        assert code == 1, said
        lines = [line for line in wrong(said) if "clock" in line]
        assert lines and all(word in line and "NTP" in line for line in lines), said
        assert [line for line in wrong(said) if line.startswith("WRONG S3 at")], said


def test_settings_that_make_commits_forgetful_are_named(made):
    places, folder = made
    url = places.settings["database_url"]
    name = url.rsplit("/", 1)[1]
    for value in ("off", "DEFAULT"):
        subprocess.run(["psql", "-X", "-q", url, "-c", f'ALTER DATABASE "{name}" SET synchronous_commit = {value}'], check=True,
                       capture_output=True)
        code, said = doctor(places, folder)
        assert (code == 1 and "synchronous_commit" in said) if value == "off" else code == 0, said


def test_a_schema_of_a_newer_version_is_named(made, tmp_path):
    places = Places(tmp_path, "newer", "postgres")
    assert stoa("migrate", "--config", places.file(), "--data-dir", str(tmp_path / "data")).returncode == 0
    url = places.settings["database_url"]
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", url, "-c", "INSERT INTO schema_migrations (component, version, "
                    "name, checksum, serves, applied_at) VALUES ('user', 9999, '9999_from_the_future.sql', 1, 9999, 'then')"],
                   check=True, capture_output=True)
    code, said = doctor(places, tmp_path)
    assert code == 1 and "9999_from_the_future" in said, said


def test_the_data_directory_must_be_writable(made, tmp_path):
    places, _ = made
    blocked = tmp_path / "data"
    pathlib.Path(blocked).write_text("a file")
    code, said = doctor(places, tmp_path)
    assert code == 1 and "data_dir" in said, said
