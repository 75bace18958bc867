"""What an operator is told of one order: its events in the log, its hold, and the spans of its traces, with no collector."""

import pytest

from shop import ADDRESS, Shop, eventually

NOBODY = "00000000-0000-7000-8000-000000000000"


def product_of(shop, stock=100):
    got = shop.operator().post("/api/v1/products", {"name": "Thing", "price": 12.5, "stock": stock})
    assert got.status == 201, got
    return got.json


def place(client, product, method="tok_ok", quantity=1):
    got = client.post("/api/v1/orders", {"items": [{"product_id": product["id"], "quantity": quantity}],
                                         "shipping_address": ADDRESS, "payment_method": method})
    assert got.status == 201, got
    return got.json["id"]


def reaches(client, order, status):
    eventually(lambda: client.get(f"/api/v1/orders/{order}").json["status"] == status, what=f"the order {status}")


def story_of(shop, order):
    got = shop.operator().get(f"/api/v1/orders/{order}/story")
    assert got.status == 200, got
    return got.json


def types(story):
    return [each["type"] for each in story["events"]]


def attributes(span):
    return {each["key"]: each["value"] for each in span["attributes"]}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with Shop(tmp_path_factory.mktemp("story") / "data") as running:
        yield running


def test_a_paid_order_is_told_by_its_events_its_hold_and_one_trace(shop):
    product, customer = product_of(shop), shop.customer("told@example.com")
    order = place(customer, product, quantity=3)
    reaches(customer, order, "paid")
    groups = {"order", "payment", "product", "cart", "notification"}

    def groups_of(story):
        return {attributes(span).get("messaging.consumer.group.name") for span in story["spans"]} - {None}

    eventually(lambda: groups_of(story_of(shop, order)) >= groups, what="spans of all groups")
    story = story_of(shop, order)
    assert story["order_id"] == order and story["whole"] and story["traced"]
    assert types(story) == ["order.created", "payment.requested", "payment.succeeded", "order.paid"]
    assert [each["occurred_at"] for each in story["events"]] == sorted(each["occurred_at"] for each in story["events"])
    assert {each["key"] for each in story["events"]} == {order}
    created = story["events"][0]
    assert created["topic"] == "orders" and created["payload"]["order_id"] == order and created["offset"] >= 0

    traces = {each["trace_id"] for each in story["events"]}
    assert len(traces) == 1 and {span["trace_id"] for span in story["spans"]} == traces
    ids = {span["span_id"] for span in story["spans"]}
    assert len(ids) == len(story["spans"])
    roots = [span for span in story["spans"] if "parent_id" not in span]
    assert [span["name"] for span in roots] == ["CreateOrder"] and roots[0]["kind"] == "server"
    assert all(span["parent_id"] in ids for span in story["spans"] if span not in roots)
    assert all(0 <= span["duration_us"] < 30_000_000 for span in story["spans"])
    assert {each["span_id"] for each in story["events"]} <= ids, "each event says under which span it came about"

    hold = shop.operator().get(f"/api/v1/holds/{order}").json
    assert hold["status"] == "committed" and hold["lines"] == [{"product_id": product["id"], "quantity": 3}]
    assert [(each["delta"], each["reason"], each["reference"]) for each in hold["movements"]] == [(-3, "sold", order)]


def test_what_operators_do_later_is_part_of_it_with_traces_of_its_own(shop):
    product, customer, operator = product_of(shop), shop.customer("later@example.com"), shop.operator()
    order = place(customer, product)
    reaches(customer, order, "paid")
    for word, status in (("ship", "shipped"), ("deliver", "delivered")):
        assert operator.post(f"/api/v1/orders/{order}/{word}", {}).status == 200
        reaches(customer, order, status)
    assert operator.post(f"/api/v1/orders/{order}/refund", {"amount": 12.5, "restock": True}).status in (200, 202)
    reaches(customer, order, "refunded")
    story = eventually(lambda: (lambda s: s if "order.refunded" in types(s) else None)(story_of(shop, order)), what="the refund told")
    assert types(story) == ["order.created", "payment.requested", "payment.succeeded", "order.paid", "order.shipped",
                            "order.delivered", "refund.requested", "payment.refunded", "order.refunded"]
    by_type = {each["type"]: each["trace_id"] for each in story["events"]}
    assert len(set(by_type.values())) == 4
    assert by_type["refund.requested"] == by_type["payment.refunded"] == by_type["order.refunded"]
    assert {"ShipOrder", "DeliverOrder", "RefundOrder"} <= {span["name"] for span in story["spans"]}
    hold = eventually(lambda: (lambda h: h if h["status"] == "returned" else None)(operator.get(f"/api/v1/holds/{order}").json),
                      what="the units back")
    assert [(each["delta"], each["reason"]) for each in hold["movements"]] == [(-1, "sold"), (1, "returned")]


def test_a_refused_order_has_a_hold_that_says_so(shop):
    product, customer = product_of(shop, stock=1), shop.customer("refused@example.com")
    first = place(customer, product)
    got = customer.post("/api/v1/orders", {"items": [{"product_id": product["id"], "quantity": 5}], "shipping_address": ADDRESS})
    assert got.status == 409, got
    assert shop.operator().get(f"/api/v1/holds/{first}").json["status"] in ("held", "committed")


def test_only_operators_are_told(shop):
    product, customer = product_of(shop), shop.customer("curious@example.com")
    order = place(customer, product)
    for path in (f"/api/v1/orders/{order}/story", f"/api/v1/holds/{order}", "/api/v1/log", "/api/v1/log/orders"):
        assert shop.client().get(path).status == 401, path
        got = customer.get(path)
        assert got.status == 403 and got.json["code"] == "not_permitted", path
    operator = shop.operator()
    assert operator.get(f"/api/v1/orders/{NOBODY}/story").json["code"] == "order_not_found"
    got = operator.get(f"/api/v1/holds/{NOBODY}")
    assert got.status == 404 and got.json["code"] == "no_such_hold"


def test_the_log_shows_its_topics_and_a_topics_latest_events_but_no_secrets(shop):
    operator, customer = shop.operator(), shop.customer("tail@example.com")
    product = product_of(shop)
    orders = [place(customer, product) for _ in range(3)]
    for order in orders:
        reaches(customer, order, "paid")
    topics = {each["topic"]: each for each in operator.get("/api/v1/log").json["topics"]}
    assert {"orders", "payment.requested", "payment.succeeded", "ecom-raw-events"} <= set(topics)
    assert "notifications" not in topics, "it carries tokens for new passwords"
    assert topics["orders"]["events"] >= 6 and {"product", "cart", "notification"} <= {g["group"] for g in topics["orders"]["groups"]}
    eventually(lambda: all(g["behind"] == 0 for t in operator.get("/api/v1/log").json["topics"] for g in t["groups"]), what="all read")
    tail = operator.get("/api/v1/log/orders?limit=5").json
    times = [each["occurred_at"] for each in tail["events"]]
    assert len(times) == 5 and times == sorted(times, reverse=True)
    assert tail["events"][0]["key"] in orders and tail["events"][0]["payload"]["order_id"] == tail["events"][0]["key"]
    for path, status, code in (("/api/v1/log/notifications", 404, "no_such_topic"), ("/api/v1/log/nothing", 404, "no_such_topic"),
                               ("/api/v1/log/orders?limit=0", 422, "validation_failed"), ("/api/v1/log/orders?limit=201", 422, "validation_failed"),
                               ("/api/v1/log/orders?limit=ten", 422, "validation_failed")):
        got = operator.get(path)
        assert got.status == status and got.json["code"] == code, (path, got)


def test_few_spans_are_remembered_where_the_setting_says_so_and_none_where_it_is_zero(tmp_path):
    with Shop(tmp_path / "few", "--trace-memory", "10") as shop:
        product, customer = product_of(shop), shop.customer()
        orders = [place(customer, product) for _ in range(4)]
        for order in orders:
            reaches(customer, order, "paid")
        stories = [story_of(shop, order) for order in orders]
        assert sum(len(each["spans"]) for each in stories) <= 10
        assert all(len(each["events"]) == 4 for each in stories), "the log forgets nothing"
    with Shop(tmp_path / "none", "--trace-memory", "0") as shop:
        product, customer = product_of(shop), shop.customer()
        order = place(customer, product)
        reaches(customer, order, "paid")
        story = story_of(shop, order)
        assert story["spans"] == [] and not story["traced"] and len(story["events"]) == 4


@pytest.mark.parametrize("value", ["1000001", "-1", "some"])
def test_a_memory_that_does_not_fit_stops_the_start(tmp_path, value):
    shop = Shop(tmp_path / "data", "--trace-memory", value)
    with pytest.raises(AssertionError):
        shop.start()
    assert shop.process.wait(30) != 0
    eventually(lambda: any("trace_memory" in line for line in shop.errors), what="an error that names the setting")
