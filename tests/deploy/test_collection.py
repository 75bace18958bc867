"""The Bruno collection: made of the API's own document, and run headless against a shop."""

import json

from delivery import ROOT, must, run, tools
from shop import Shop


def test_it_is_what_the_document_says():
    must("python3", "-B", "api/bruno.py", "--check")
    document = json.loads((ROOT / "api/openapi.json").read_text())
    names = {path.stem for folder in ("External", "Internal") for path in (ROOT / "api/bruno" / folder).rglob("*.bru")}
    every = {each["operationId"] for path, verbs in document["paths"].items() for each in verbs.values() if not path.endswith("/live")}
    assert every == names
    internal = {path.stem for path in (ROOT / "api/bruno/Internal").rglob("*.bru")}
    assert "ReserveProduct" in internal or any("Reserve" in name for name in internal)
    urls = (ROOT / "api/bruno/environments/local.bru").read_text() + (ROOT / "api/bruno/environments/cluster.bru").read_text()
    assert "http://localhost:8080" in urls and "http://api-gateway.ecommerce.local" in urls


def test_every_request_is_answered_as_documented(tmp_path):
    with Shop(tmp_path / "data", "--rate-login-burst", "0", demo=True) as shop:
        told = tmp_path / "told.json"
        done = run(tools("bruno") / "bru", "run", "-r", "--env", "local", "--env-var", f"base_url=http://127.0.0.1:{shop.port}",
                   "--env-var", "operator_email=operator@example.com", "--env-var", f"operator_password={shop.operator_password}",
                   "--reporter-json", told, "Session", "External", "Internal", cwd=ROOT / "api/bruno", within_s=300)
        results = json.loads(told.read_text())
        results = results[0] if isinstance(results, list) else results
        wrong = [(one.get("name") or one["test"]["filename"], one.get("error"), one["response"]["status"], [t for t in one["testResults"] if t["status"] != "pass"])
                 for one in results["results"] if one.get("error") or any(t["status"] != "pass" for t in one["testResults"])]
        assert done.returncode == 0 and not wrong, wrong[:10] or done.stdout[-3000:]
        asked = results["summary"]["totalRequests"]
        assert asked == len([path for path in (ROOT / "api/bruno").rglob("*.bru") if path.parent.name != "environments"]) > 60
