"""Clients race over HTTP: for the last units, with one key, and for one order's end. What the shop answers and what it
holds afterwards must be what some order of the requests explains.

Seeds are printed; STOA_TEST_SEED repeats what is chosen here (the machine's own timing is not repeated).
"""

import concurrent.futures
import dataclasses
import itertools
import json
import os
import random
import select
import socket
import subprocess
import threading
import time
import uuid

import pytest

import linearizable
from linearizable import FOR_EVER, Call, Seen
from shop import ADDRESS, Shop, binary, eventually

UNLIMITED = ("--rate-login-burst", "0", "--rate-principal-burst", "0", "--access-log", "off")


def seeded():
    seed = int(os.environ.get("STOA_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed}")
    return random.Random(seed)


# --- connections as fast as Python has them ---


@dataclasses.dataclass
class Reply:
    status: int
    headers: bytes
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def request_bytes(method, path, token, body=None, key=None):
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(data)}\r\n"
    if body is not None:
        head += "Content-Type: application/json\r\n"
    if key:
        head += f"Idempotency-Key: {key}\r\n"
    return head.encode() + b"\r\n" + data


class Line:
    """A kept connection: send() and answer() apart, so that one thread has many requests on their way."""

    def __init__(self, port):
        self.port = port
        self._connect()

    def _connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def send(self, request):
        # A connection that was idle for too long has been closed, with nothing on its way.
        if select.select([self.socket], [], [], 0)[0] and not self.socket.recv(1, socket.MSG_PEEK):
            self.close()
            self._connect()
        self.socket.sendall(request)

    def answer(self):
        data = self.rest
        while (cut := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:cut].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15:].split(b"\r\n", 1)[0]) if at >= 0 else 0
        while len(data) < cut + 4 + length:
            data += self._more()
        self.rest = data[cut + 4 + length:]
        return Reply(int(data[9:12]), data[:cut], data[cut + 4:cut + 4 + length])

    def _more(self):
        got = self.socket.recv(65536)
        if not got:
            raise ConnectionError("the shop closed a connection without an answer")
        return got

    def ask(self, request):
        self.send(request)
        return self.answer()

    def close(self):
        self.socket.close()


def volley(lines, requests):
    """All requests on their way before the first answer is read."""
    for line, request in zip(lines, requests):
        line.send(request)
    return [line.answer() for line, _ in zip(lines, requests)]


def add_product(shop, stock, price=2.5):
    got = shop.operator().post("/api/v1/products", {"name": "Thing", "price": price, "stock": stock})
    assert got.status == 201, got
    return got.json["id"]


def shelf_of(shop, product):
    now = shop.operator().get(f"/api/v1/products/{product}/stock").json
    return now["on_hand"], now["reserved"]


def order_of(product, quantity=1, **more):
    return {"items": [{"product_id": product, "quantity": quantity}], "shipping_address": ADDRESS} | more


def audit(shop):
    for running in (True, False):
        if not running:
            assert shop.stop() == 0
        told = subprocess.run([binary(), "audit", "--data-dir", shop.data_dir], capture_output=True, text=True,
                              timeout=300)
        assert told.returncode == 0, told.stdout + told.stderr


# --- the last units ---


def test_500_clients_for_100_units_get_exactly_100_in_each_of_20_rounds(tmp_path):
    with Shop(tmp_path / "data", *UNLIMITED) as shop:
        lines = [Line(shop.port) for _ in range(500)]
        joined = volley(lines, [request_bytes("POST", "/api/v1/auth/guest", "", {}).replace(
            b"Authorization: Bearer \r\n", b"")] * 500)
        assert {each.status for each in joined} == {201}
        tokens = [each.json["token"] for each in joined]
        began, took = time.monotonic(), 0.0
        for round_ in range(20):
            product = add_product(shop, 100)
            requests = [request_bytes("POST", "/api/v1/orders", token, order_of(product), str(uuid.uuid4()))
                        for token in tokens]
            began = time.monotonic()
            answers = volley(lines, requests)
            took += time.monotonic() - began
            sold = [each for each in answers if each.status == 201]
            refused = [each for each in answers if each.status != 201]
            assert len(sold) == 100, f"round {round_}: {len(sold)} of 100 units sold"
            assert len({each.json["id"] for each in sold}) == 100
            for each in refused:
                told = each.json
                assert (each.status, told["code"]) == (409, "out_of_stock"), told
                assert told["errors"][0]["available"] == 0, told
            assert shelf_of(shop, product) == (100, 100)
        for each in lines:
            each.close()
        audit(shop)
        print(f"20 rounds of 500 clients for 100 units: {took:.1f} s")


# --- one key ---


def definite(reply):
    return not (reply.status == 409 and reply.json["code"] == "request_in_progress") and reply.status not in (429, 503)


def race_with_one_key(lines, request):
    """How many answers said that the request was in progress; each is sent again until it has its answer."""
    waiting, got, told_to_wait = list(lines), [], 0
    end = time.monotonic() + 30
    while waiting:
        answers = volley(waiting, [request] * len(waiting))
        got += [each for each in answers if definite(each)]
        again = [line for line, each in zip(waiting, answers) if not definite(each)]
        told_to_wait += len(again)
        waiting = again
        assert time.monotonic() < end, "no definite answer within 30 s"
    assert len(got) == len(lines)
    first = got[0]
    assert first.status == 201, first
    assert all((each.status, each.body) == (201, first.body) for each in got), "one key, other bytes"
    fresh = [each for each in got if b"idempotent-replayed: true" not in each.headers.lower()]
    assert len(fresh) <= 1, "two requests with one key think that they were the first"
    return first.json["id"], told_to_wait


def test_10000_races_with_one_key_have_one_effect_and_equal_bytes(tmp_path):
    races, threads = 10_000, 4
    chance = seeded()
    # Most sets are small, where the timing is tight; every tenth is of up to fifty.
    sizes = [chance.randint(2, 50) if i % 10 == 0 else chance.randint(2, 6) for i in range(races)]
    with Shop(tmp_path / "data", *UNLIMITED) as shop:
        product = add_product(shop, 1_000_000)

        def work(n):
            token = shop.guest().token
            lines = [Line(shop.port) for _ in range(50)]
            ids, told_to_wait = [], 0
            for i in range(n, races, threads):
                request = request_bytes("POST", "/api/v1/orders", token, order_of(product, reference=f"race-{i}"),
                                        f"key-{i}")
                id_, waits = race_with_one_key(lines[:sizes[i]], request)
                ids.append(id_)
                told_to_wait += waits
            for each in lines:
                each.close()
            listed = shop.client(token).get("/api/v1/orders?limit=1")
            assert listed.json["total"] == len(ids) == len(set(ids)), "one order a key, no more"
            return len(ids), told_to_wait

        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            done = list(pool.map(work, range(threads)))
        took = time.monotonic() - began
        assert sum(n for n, _ in done) == races
        assert shelf_of(shop, product) == (1_000_000, races)
        waits = sum(n for _, n in done)
        assert waits > 0, "no request ever met another with its key: these were no races"
        audit(shop)
        print(f"{races} races, {sum(sizes)} requests and {waits} told to wait: {took:.1f} s")


# --- one order's end ---

KINDS = ("confirm", "webhook", "deadline", "cancel")
METHODS = ("tok_ok", "tok_double_webhook", "tok_500_then_ok", "tok_timeout_after_capture", "tok_declined")


class Contest:
    """One order, and the four things that want to end it. The deadline is the sweeper's: its moment is known from the
    one before, and the other three are sent before or after it."""

    def __init__(self, shop, token, product, order_of_start, method):
        self.shop, self.token, self.product, self.starts, self.method = shop, token, product, order_of_start, method

    def place(self, line):
        got = line.ask(request_bytes("POST", "/api/v1/orders", self.token, order_of(self.product), str(uuid.uuid4())))
        assert got.status == 201, got
        self.order = got.json

    def request(self, kind):
        id_ = self.order["id"]
        if kind == "confirm":
            return request_bytes("POST", "/api/v1/payments", self.token, {
                "order_id": id_, "amount": self.order["total_amount"], "method": self.method})
        if kind == "webhook":
            return request_bytes("POST", "/api/v1/payments/webhooks/simulator", self.shop.local_token,
                                 {"order_id": id_})
        return request_bytes("PUT", f"/api/v1/orders/{id_}/cancel", self.token, {})


def next_deadlines(shop, token, product):
    """The moment at which the sweeper came last: when an order without time to pay began to end."""
    line = Line(shop.port)
    placed = line.ask(request_bytes("POST", "/api/v1/orders", token, order_of(product), str(uuid.uuid4())))
    assert placed.status == 201, placed
    ask = request_bytes("GET", f"/api/v1/orders/{placed.json['id']}", token)
    end = time.monotonic() + 10
    while line.ask(ask).json["status"] == "awaiting_payment":
        assert time.monotonic() < end, "the sweeper does not come"
    line.close()
    return time.monotonic()


def fire(contests, lines, deadline_at, spread_s, chance):
    """Each contest's requests in its order, those before its deadline before the sweeper comes, the rest after."""
    shots = []
    for n, each in enumerate(contests):
        at_deadline = each.starts.index("deadline")
        for i, kind in enumerate(each.starts):
            if kind != "deadline":
                when = deadline_at + (i - at_deadline) * spread_s + chance.uniform(-0.5, 0.5) * spread_s
                shots.append((when, lines[n][kind], each.request(kind)))
    shots.sort(key=lambda shot: shot[0])
    for when, line, request in shots:
        while (left := when - time.monotonic()) > 0:
            time.sleep(min(left, 0.001))
        line.send(request)


def test_confirm_webhook_deadline_and_cancellation_at_once_agree_in_all_24_orders(tmp_path):
    rounds, chance = 8, seeded()
    orders_of_start = list(itertools.permutations(KINDS))
    assert len(orders_of_start) == 24
    # One loop has one sweeper; an order without time to pay is due when it next comes.
    with Shop(tmp_path / "data", *UNLIMITED, "--payment-minutes", "0", "--loops", "1") as shop:
        product, token = add_product(shop, 100_000), shop.guest().token
        lines = [{kind: Line(shop.port) for kind in KINDS if kind != "deadline"} for _ in orders_of_start]
        contests, outcomes = [], {}
        for round_ in range(rounds):
            now = [Contest(shop, token, product, starts, METHODS[(round_ + n) % len(METHODS)])
                   for n, starts in enumerate(orders_of_start)]
            came = next_deadlines(shop, token, product)
            for each, line in zip(now, lines):
                each.place(line["cancel"])
            # The wider the spread, the surer the order of start; the narrower, the closer the race.
            fire(now, lines, came + 1.0, chance.choice([0.002, 0.01, 0.04]), chance)
            for each, line in zip(now, lines):
                confirmed, webhook, cancelled = (line[kind].answer() for kind in ("confirm", "webhook", "cancel"))
                assert confirmed.status in (200, 201, 202, 402, 409), confirmed
                assert webhook.status in (200, 202, 204), webhook
                assert cancelled.status in (200, 202), cancelled
                each.paid_answer = confirmed.status
            contests += now
        client, operator = shop.client(token), shop.operator()

        def at_rest(each):
            def ended():
                got = client.get(f"/api/v1/orders/{each.order['id']}").json
                return got["status"] == "cancelled" and got["refund_status"] != "pending" and got
            return eventually(ended, within_s=60, what=f"the end of a contest {each.starts}, {each.method}")

        for each in contests:
            got = at_rest(each)
            payments = operator.get(f"/api/v1/payments?order_id={got['id']}").json["payments"]
            captured = [p for p in payments if p["status"] == "succeeded"]
            assert len(captured) <= 1, (each.starts, payments)
            assert got["captured_amount"] == sum(p["amount"] for p in captured), (each.starts, got, payments)
            assert got["refunded_amount"] == got["captured_amount"], (each.starts, got)
            assert not any(p["status"] == "processing" for p in payments), (each.starts, payments)
            if each.paid_answer in (200, 201):
                assert captured, (each.starts, "a payment that was answered as made is not there", payments)
            what = f"{'captured and refunded' if captured else 'never charged'}, {got['reason']}"
            outcomes[what] = outcomes.get(what, 0) + 1
        assert any(what.startswith("captured") for what in outcomes), outcomes
        assert any(what.startswith("never") for what in outcomes), outcomes
        eventually(lambda: shelf_of(shop, product) == (100_000, 0), what="every unit back on the shelf")
        audit(shop)
        print(f"{len(contests)} contests in {len(orders_of_start)} orders of start: {outcomes}")


# --- histories ---


class Recorder:
    """One client of a history: each request with its start, its end and what it told."""

    def __init__(self, shop, token, chance, products):
        self.line, self.operator_token = Line(shop.port), shop.local_token
        self.token, self.chance, self.products = token, chance, products
        self.calls = {product: [] for product in products}
        self.seen, self.open_orders = [], []

    def ask(self, request):
        start = time.monotonic()
        got = self.line.ask(request)
        return start, time.monotonic(), got

    def saw(self, start, end, order, body):
        self.seen.append(Seen(start, end, order["id"], order["version"], order["status"], body))

    def step(self):
        product, dice = self.chance.choice(self.products), self.chance.random()
        if dice < 0.35:
            start, end, got = self.ask(request_bytes("GET", f"/api/v1/products/{product}", self.token))
            assert got.status == 200, got
            self.calls[product].append(Call(start, end, "read", result=got.json["stock"]))
        elif dice < 0.62:
            self.place(product)
        elif dice < 0.85 and self.open_orders:
            self.cancel()
        elif dice < 0.91:
            count = self.chance.randint(4, 14)
            start, end, got = self.ask(request_bytes(
                "POST", f"/api/v1/products/{product}/stock", self.operator_token, {"count": count}, str(uuid.uuid4())))
            assert got.status in (200, 409), got
            self.calls[product].append(Call(start, end, "recount", count, got.status == 200))
        elif self.open_orders:
            _, id_, _ = self.chance.choice(self.open_orders)
            start, end, got = self.ask(request_bytes("GET", f"/api/v1/orders/{id_}", self.token))
            self.saw(start, end, got.json, got.body)

    def place(self, product):
        units = self.chance.randint(1, 3)
        start, end, got = self.ask(request_bytes("POST", "/api/v1/orders", self.token, order_of(product, units),
                                                 str(uuid.uuid4())))
        assert got.status in (201, 409), got
        told = got.json
        refused = told["errors"][0]["available"] if got.status == 409 else None
        self.calls[product].append(Call(start, end, "hold", units, refused))
        if got.status == 201:
            self.open_orders.append((product, told["id"], units))
            self.saw(start, end, told, got.body)

    def cancel(self):
        product, id_, units = self.open_orders.pop(self.chance.randrange(len(self.open_orders)))
        start, end, got = self.ask(request_bytes("PUT", f"/api/v1/orders/{id_}/cancel", self.token, {}))
        assert got.status in (200, 202), got
        self.saw(start, end, got.json, got.body)
        # The units return by an event, after the answer.
        self.calls[product].append(Call(start, FOR_EVER, "release", units))


def run_window(recorders, steps):
    failures = []

    def work(one):
        try:
            for _ in range(steps):
                one.step()
        except Exception as why:  # told below, in the test's own thread
            failures.append(why)

    threads = [threading.Thread(target=work, args=(one,)) for one in recorders]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if failures:
        raise failures[0]


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A recorded run: for each window and product what was on the shelf before, and the calls; and all orders seen."""
    windows, steps, clients, chance = 40, 12, 8, seeded()
    with Shop(tmp_path_factory.mktemp("history") / "data", *UNLIMITED) as shop:
        products = [add_product(shop, 8) for _ in range(3)]
        token = shop.guest().token
        recorders = [Recorder(shop, token, random.Random(chance.getrandbits(64)), products) for _ in range(clients)]
        recorded, seen = [], []
        for _ in range(windows):
            before = {product: shelf_of(shop, product) for product in products}
            run_window(recorders, steps)
            held = {product: sum(units for one in recorders for p, _, units in one.open_orders if p == product)
                    for product in products}
            eventually(lambda: all(shelf_of(shop, p)[1] == held[p] for p in products), what="released units")
            quiet = time.monotonic()
            for product in products:
                calls = [call for one in recorders for call in one.calls[product]]
                calls = [dataclasses.replace(call, end=min(call.end, quiet)) for call in calls]
                start, shelf = time.monotonic(), shelf_of(shop, product)
                calls.append(Call(start, time.monotonic(), "look", result=shelf))
                recorded.append((before[product], calls))
            for one in recorders:
                one.calls = {product: [] for product in products}
        for one in recorders:
            seen += one.seen
        audit(shop)
    return recorded, seen


def test_the_stock_of_each_product_is_one_register_to_all_who_ask(history):
    recorded, _ = history
    kinds = {}
    for (on_hand, reserved), calls in recorded:
        wrong = linearizable.first_impossible(calls, on_hand, reserved)
        assert wrong is None, (f"nothing explains {wrong}, from {on_hand} on hand and {reserved} reserved:\n" +
                               "\n".join(str(c) for c in sorted(calls, key=lambda c: c.start)))
        for call in calls:
            kinds[call.kind] = kinds.get(call.kind, 0) + 1
    assert all(kinds.get(kind, 0) > 50 for kind in ("read", "hold", "release", "recount")), kinds
    overlapping = sum(1 for _, calls in recorded for a, b in itertools.combinations(calls, 2)
                      if a.start < b.end and b.start < a.end)
    assert overlapping > 500, "these clients hardly ever met"
    print(f"{len(recorded)} windows, {kinds}, {overlapping} pairs at the same time")


def test_orders_only_go_forward_to_all_who_ask(history):
    _, seen = history
    assert linearizable.first_step_back(seen) is None
    assert len(seen) > 500


# --- the checker itself ---


def test_the_checker_accepts_what_some_order_explains():
    calls = [Call(0, 10, "hold", 3), Call(1, 2, "read", result=5), Call(3, 4, "read", result=2),
             Call(5, FOR_EVER, "release", 3), Call(6, 7, "read", result=2), Call(8, 9, "read", result=5)]
    assert linearizable.first_impossible(calls, 5) is None


@pytest.mark.parametrize("calls", [
    [Call(0, 1, "hold", 3), Call(2, 3, "read", result=5)],  # a stale read
    [Call(0, 10, "hold", 3), Call(1, 2, "read", result=2), Call(3, 4, "read", result=5)],  # there and back
    [Call(0, 10, "hold", 3), Call(0, 10, "hold", 3)],  # sold twice
    [Call(0, 1, "hold", 6, 4)],  # refused with a number that was never true
    [Call(0, 1, "hold", 2, 5)],  # refused though it fits
    [Call(0, 1, "hold", 3), Call(2, FOR_EVER, "release", 3), Call(3, 4, "hold", 5, 2), Call(5, 6, "read", result=6)],
    [Call(0, 1, "hold", 3), Call(2, 3, "recount", 2, True)],  # counted below what is held
    [Call(2, FOR_EVER, "release", 1), Call(3, 4, "read", result=6)],  # units out of nothing
], ids=["stale", "there_and_back", "sold_twice", "wrong_number", "refused_though_it_fits", "too_many_released",
        "below_reserved", "out_of_nothing"])
def test_the_checker_rejects_a_planted_history_that_nothing_explains(calls):
    assert linearizable.first_impossible(calls, 5) is not None


def test_the_checker_rejects_recorded_histories_that_were_tampered_with(history):
    recorded, seen = history
    caught = tried = 0
    for (on_hand, reserved), calls in recorded[::7]:
        refused = [i for i, c in enumerate(calls) if c.kind == "hold" and c.result is not None]
        last, shelf = len(calls) - 1, calls[-1].result
        forged = [(i, dataclasses.replace(calls[i], result=None)) for i in refused[:1]]  # one more was sold
        forged.append((last, dataclasses.replace(calls[last], result=(shelf[0], shelf[1] + 1))))
        for i, call in forged:
            tried += 1
            other = calls[:i] + [call] + calls[i + 1:]
            caught += linearizable.first_impossible(other, on_hand, reserved) is not None
    assert tried > 10 and caught == tried, f"{caught} of {tried}"
    changed = next(each for each in seen if each.status == "cancelled")
    forged = dataclasses.replace(changed, version=changed.version + 1, status="awaiting_payment")
    assert linearizable.first_step_back(seen + [forged]) is not None
    late = dataclasses.replace(next(e for e in seen if e.order_id == changed.order_id and e.version < changed.version),
                               start=changed.end + 1, end=changed.end + 2)
    assert linearizable.first_step_back(seen + [late]) is not None


def test_the_checker_gives_up_with_an_error_rather_than_an_answer(monkeypatch):
    monkeypatch.setattr(linearizable, "MOST_STATES", 50)
    with pytest.raises(linearizable.TooManyStates):
        linearizable.first_impossible([Call(0, 10 + i, "hold", i + 1) for i in range(12)], 1_000)
