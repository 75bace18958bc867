"""Alertmanager as it is delivered, by the real program: who is told of what, what is left out because something greater says it, and what
it keeps when it is started again."""

import contextlib
import http.server
import json
import threading
import time
import urllib.request

import pytest

from shop_fixture import alertmanager_words, eventually, free_port, program
from test_alerts import alerts


class Alertmanager:
    def __init__(self, port, told):
        self.base, self.told = f"http://127.0.0.1:{port}/api/v2", told  # told: [(receiver, alert)]

    def ask(self, path, body=None):
        asked = urllib.request.Request(self.base + path, data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=10) as got:
            return json.loads(got.read() or b"null")

    def ready(self):
        try:
            return self.ask("/status")
        except OSError:
            return False

    def fire(self, *some):
        """Alerts by name, with labels of their own; their severity is their rule's."""
        self.ask("/alerts", [{"labels": {"alertname": name, "severity": alerts()[name]["labels"]["severity"], **labels}} for name, labels in some])

    def state(self, name, **labels):
        """Whom it goes to, and whether it is held back."""
        for each in self.ask("/alerts"):
            if {**each["labels"], "alertname": name, **labels} == each["labels"]:
                return sorted(one["name"] for one in each["receivers"]), bool(each["status"]["inhibitedBy"]), bool(each["status"]["silencedBy"])
        return None


@contextlib.contextmanager
def receivers():
    """What is sent, in its order, by the path that it is sent to."""
    told = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.extend((self.path.strip("/"), each["labels"]["alertname"], each["labels"].get("service")) for each in body["alerts"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def running(folder, to="http://127.0.0.1:9/", told=()):
    """Its own file but for the time that a group is waited for."""
    port = free_port()
    words = alertmanager_words(folder, port, "--cluster.listen-address=", to=to)
    file = folder / "alertmanager.yaml"
    assert "group_wait: 30s" in file.read_text()
    file.write_text(file.read_text().replace("group_wait: 30s", "group_wait: 1s"))
    with program(folder, "alertmanager", *words):
        one = Alertmanager(port, told)
        eventually(one.ready, 30, "Alertmanager answers")
        yield one


def test_each_severity_is_told_to_whom_it_is_for(tmp_path):
    with receivers() as (url, told), running(tmp_path, url, told) as one:
        one.fire(("ServiceAway", {"service": "cart-service"}), ("ServiceMissing", {"deployment": "cart-service"}), ("TracesDropped", {"service": "cart-service"}),
                 ("Watchdog", {}), ("AlertmanagerNotificationsFail", {"receiver_name": "pager"}))
        wanted = {("pager", "ServiceAway"), ("tickets", "ServiceMissing"), ("heartbeat", "Watchdog"), ("tickets", "AlertmanagerNotificationsFail"),
                  ("pager", "AlertmanagerNotificationsFail")}
        eventually(lambda: {each[:2] for each in told} >= wanted, 30, "all are told")
        assert {each[:2] for each in told} == wanted, "and of what is read on a dashboard nobody is"


@pytest.mark.parametrize("greater, lesser, held", [
    (("ShopAway", {"instance": "http://api-gateway.ecommerce.svc/health"}), ("PublicAddressAway", {"instance": "https://shop.example/health"}), True),
    (("ErrorBudgetBurnsFast", {}), ("ErrorBudgetBurns", {}), True),
    (("ErrorBudgetBurnsFast", {}), ("ErrorBudgetBurnsSlowly", {}), True),
    (("ErrorBudgetBurnsFast", {}), ("LatencyBudgetBurnsFast", {}), False),
    (("ServiceAway", {"service": "cart-service"}), ("ServiceFails", {"service": "cart-service"}), True),
    (("ServiceAway", {"service": "cart-service"}), ("CallsFail", {"service": "cart-service"}), True),
    (("ServiceAway", {"service": "cart-service"}), ("TargetDown", {"service": "cart-service", "job": "shop"}), True),
    (("ServiceAway", {"service": "cart-service"}), ("ServiceFails", {"service": "user-service"}), False),
    (("PublicAddressAway", {"instance": "https://shop.example/health"}), ("ShopAway", {"instance": "http://api-gateway.ecommerce.svc/health"}), False),
    (("ServiceAway", {"service": "cart-service"}), ("DeadLetters", {"group": "cart"}), False)])
def test_what_something_greater_says_already_is_held_back(tmp_path, greater, lesser, held):
    with running(tmp_path) as one:
        one.fire(greater)
        assert eventually(lambda: one.state(greater[0]), 10, "the greater is known")[1] is False
        one.fire(lesser)
        (_, inhibited, _) = eventually(lambda: one.state(lesser[0], **lesser[1]), 10, "the lesser is known")
        assert inhibited == held


def test_a_silence_and_what_was_told_outlast_the_process(tmp_path):
    """Which is why prod gives it a volume: without its folder both are gone."""
    now = time.time()
    stamp = lambda at: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))  # noqa: E731
    with receivers() as (url, told):
        with running(tmp_path, url, told) as one:
            one.ask("/silences", {"matchers": [{"name": "alertname", "value": "DeadLetters", "isRegex": False, "isEqual": True}], "startsAt": stamp(now),
                                  "endsAt": stamp(now + 3600), "createdBy": "somebody", "comment": "a redrive is on its way"})
            one.fire(("DeadLetters", {"group": "cart"}), ("OutboxWaits", {"service": "order-service"}))
            eventually(lambda: ("pager", "OutboxWaits", "order-service") in told, 30, "it is told")
            assert one.state("DeadLetters")[2] is True
        first = list(told)
        with running(tmp_path, url, told) as one:
            one.fire(("DeadLetters", {"group": "cart"}), ("OutboxWaits", {"service": "order-service"}), ("ServiceAway", {"service": "user-service"}))
            eventually(lambda: one.state("DeadLetters"), 10, "it is known")
            eventually(lambda: ("pager", "ServiceAway", "user-service") in told, 30, "what is new is told")
            assert one.state("DeadLetters")[2] is True
            assert told == [*first, ("pager", "ServiceAway", "user-service")], "and nothing a second time"
