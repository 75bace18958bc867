"""The shop on the cluster, on paper: autoscalers follow the documented behaviour, drains keep the budgets, rollouts end."""

import calendar
import json
import time

import pytest

from delivery import objects

STATEFUL = ("ServiceAccount", "ConfigMap", "PriorityClass", "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget")


@pytest.fixture(scope="module")
def shop(cluster):
    """The overlay `default`; its windows of minutes are made seconds, its policies' counts and percentages stay."""
    for each in objects("overlays/default"):
        if each["kind"] == "Namespace":
            cluster.must("apply", "-f", "-", input=json.dumps(each))
    secrets = [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "ecommerce"}, "stringData": {key: "none"}}
               for name, key in (("db-credentials", "DATABASE_URL"), ("stripe-credentials", "STRIPE_API_KEY"), ("signing-keys", "keys.json"))]
    wanted = [shortened(each) for each in objects("overlays/default") if each["kind"] in STATEFUL] + secrets
    cluster.kubelet.used.update({"order-service": (100, 100), "payment-service": (100, 100), "product-service": (50, 100), "api-gateway": (30, 50),
                                 "activity-service": (30, 50)})
    cluster.must("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": wanted}))
    for each in objects("overlays/default"):
        if each["kind"] == "Deployment":
            cluster.wait_for(lambda n=each["metadata"]["name"]: replicas(cluster, n)[1] >= 1, f"{each['metadata']['name']} runs", 90)
    yield cluster
    cluster.kubelet.used.clear()
    cluster.must("delete", "namespace", "ecommerce", "--wait=false")
    cluster.wait_for(lambda: not cluster._has("/api/v1/namespaces/ecommerce"), "the namespace is gone", 120)


def shortened(each):
    if each["kind"] != "HorizontalPodAutoscaler":
        return each
    each = json.loads(json.dumps(each))
    for way in each["spec"].get("behavior", {}).values():
        way["stabilizationWindowSeconds"] = 2 if way.get("stabilizationWindowSeconds") else 0
        for policy in way["policies"]:
            policy["periodSeconds"] = 4
    return each


def replicas(cluster, name):
    spec = cluster.api("GET", f"/apis/apps/v1/namespaces/ecommerce/deployments/{name}")
    return spec["spec"]["replicas"], spec["status"].get("availableReplicas", 0)


def steps(cluster, name, until, within_s=90):
    """Each count of replicas, in its order, until one is `until`."""
    seen, end = [replicas(cluster, name)[0]], time.monotonic() + within_s
    while seen[-1] != until:
        now = replicas(cluster, name)[0]
        if now != seen[-1]:
            seen.append(now)
        assert time.monotonic() < end, (name, seen)
        time.sleep(0.05)
    return seen


def age_of_last_step(cluster, name):
    last = cluster.get("hpa", f"{name}-hpa", "-n", "ecommerce")["status"]["lastScaleTime"]
    return time.time() - calendar.timegm(time.strptime(last, "%Y-%m-%dT%H:%M:%SZ"))


def test_orders_scale_from_two_to_ten_and_back(shop):
    assert steps(shop, "order-service", 2) and shop.get("hpa", "order-service-hpa", "-n", "ecommerce")["spec"]["minReplicas"] == 2
    shop.kubelet.used["order-service"] = (400, 100)  # twice what is asked for, against 70 %
    up = steps(shop, "order-service", 10)
    # At most doubled, or two more, in one step.
    assert all(b <= max(2 * a, a + 2) for a, b in zip(up, up[1:])), up
    shop.wait_for(lambda: replicas(shop, "order-service")[1] == 10, "ten run", 60)
    shop.wait_for(lambda: age_of_last_step(shop, "order-service") > 6, "the period is over", 30)
    shop.kubelet.used["order-service"] = (10, 100)
    down = steps(shop, "order-service", 2)
    assert all(b >= a // 2 for a, b in zip(down, down[1:])) and down[-1] == 2, down  # half at most


def test_payments_scale_by_memory_too_and_slower(shop):
    shop.kubelet.used["payment-service"] = (10, 250)  # of 256 MiB, against 80 %
    up = steps(shop, "payment-service", 8)
    assert all(b <= max(-(-3 * a // 2), a + 1) for a, b in zip(up, up[1:])), up  # half more, or one
    # What was added within the period counts against what may go: until that is over.
    shop.wait_for(lambda: age_of_last_step(shop, "payment-service") > 6, "the period is over", 30)
    shop.kubelet.used["payment-service"] = (10, 20)
    down = steps(shop, "payment-service", 2)
    assert all(b >= int(0.75 * a) for a, b in zip(down, down[1:])) and down[-1] == 2, down  # a quarter at most


def test_products_scale_by_memory_alone(shop):
    shop.kubelet.used["product-service"] = (500, 100)  # busy, and small
    metrics = shop.get("hpa", "product-service-hpa", "-n", "ecommerce")["spec"]["metrics"]
    assert [each["resource"]["name"] for each in metrics] == ["memory"]
    shop.kubelet.used["product-service"] = (10, 255)
    assert steps(shop, "product-service", 3)[-1] == 3
    shop.kubelet.used["product-service"] = (50, 100)


def test_users_stay_as_many_as_they_are(shop):
    assert shop.kubectl("get", "hpa", "user-service-hpa", "-n", "ecommerce").returncode != 0
    assert replicas(shop, "user-service")[0] == 2


def test_replicas_are_spread_over_zones(shop):
    shop.must("scale", "deployment/cart-service", "--replicas=3", "-n", "ecommerce")
    shop.wait_for(lambda: replicas(shop, "cart-service")[1] == 3, "three run", 60)
    pods = shop.get("pods", "-n", "ecommerce", "-l", "app.kubernetes.io/name=cart-service")["items"]
    assert sorted(pod["spec"]["nodeName"] for pod in pods) == ["node-1", "node-2", "node-3"]
    shop.must("scale", "deployment/cart-service", "--replicas=2", "-n", "ecommerce")
    shop.wait_for(lambda: len(shop.get("pods", "-n", "ecommerce", "-l", "app.kubernetes.io/name=cart-service")["items"]) == 2, "two run", 60)


def test_a_drain_takes_one_at_a_time_and_waits_for_its_successor(shop):
    """While a successor is not ready, the eviction API takes no second replica; when it is, the drain goes on."""
    shop.wait_for(lambda: replicas(shop, "user-service")[1] == 2, "two run", 60)
    pods = shop.get("pods", "-n", "ecommerce", "-l", "app.kubernetes.io/name=user-service")["items"]
    shop.kubelet.holding.add("user-service")

    def evict(pod):
        from control_plane import Refused
        name = pod["metadata"]["name"]
        try:
            shop.api("POST", f"/api/v1/namespaces/ecommerce/pods/{name}/eviction", {
                "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "ecommerce"}})
            return 201
        except Refused as no:
            return no.status

    allowed = lambda: shop.get("pdb", "user-service", "-n", "ecommerce")["status"].get("disruptionsAllowed", 0)  # noqa: E731
    shop.wait_for(lambda: allowed() == 1, "one may go", 30)
    assert evict(pods[0]) == 201
    shop.wait_for(lambda: allowed() == 0, "no other may go", 30)
    assert evict(pods[1]) == 429
    shop.kubelet.holding.clear()
    shop.must("annotate", "pods", "-n", "ecommerce", "-l", "app.kubernetes.io/name=user-service", "seen=again", "--overwrite")
    shop.wait_for(lambda: allowed() == 1, "one may go again", 30)
    drained = shop.kubectl("drain", pods[1]["spec"]["nodeName"], "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=90s", within_s=100)
    assert drained.returncode == 0, drained.stderr
    shop.must("uncordon", pods[1]["spec"]["nodeName"])
    shop.wait_for(lambda: replicas(shop, "user-service")[1] == 2, "two run again", 60)


def test_a_rollout_keeps_every_replica_until_its_successor_is_ready(shop):
    fewest = []
    shop.wait_for(lambda: replicas(shop, "cart-service")[1] == 2, "two run", 60)
    shop.must("set", "image", "deployment/cart-service", "stoa=example.test/ecommerce/cart-service:0.2.0", "-n", "ecommerce")

    def done():
        one = shop.api("GET", "/apis/apps/v1/namespaces/ecommerce/deployments/cart-service")
        fewest.append(one["status"].get("availableReplicas", 0))
        return one["status"].get("observedGeneration") == one["metadata"]["generation"] and \
            one["status"].get("updatedReplicas") == one["status"].get("replicas") == 2

    shop.wait_for(done, "the rollout is over", 90)
    assert min(fewest) >= 2, fewest
