"""What a person reads when a shop starts: where its pages are, and how to sign in."""

import re
import urllib.request

from shop import Shop


def pages(shop):
    told = {}
    while "API" not in told:
        line = shop.wait_for(r"^(Storefront|Console|API): ", 30)
        name, url, hint = re.fullmatch(r"(\w+): +(\S+)(?:  \((.*)\))?", line).groups()
        assert url.startswith(f"http://127.0.0.1:{shop.port}/"), line
        with urllib.request.urlopen(url) as page:
            assert page.status == 200 and page.headers["content-type"].startswith("text/html"), line
        told[name] = hint
    assert set(told) == {"Storefront", "Console", "API"}
    return told


def test_a_demo_names_its_pages_and_the_password_only_once(tmp_path):
    with Shop(tmp_path / "data", demo=True) as shop:
        assert pages(shop)["Console"] == "sign in as the operator above"
        assert shop.login("operator@example.com", shop.operator_password)
    shop.operator_password = "as before"  # it is not told again
    with shop:
        hint = pages(shop)["Console"]
    assert "operator@example.com" in hint and "first start" in hint and "stoa operator EMAIL" in hint
    assert not any(line.startswith("Operator:") for line in shop.lines)


def test_a_shop_without_a_demo_says_how_an_operator_is_made(tmp_path):
    with Shop(tmp_path / "data") as shop:
        assert "stoa operator EMAIL" in pages(shop)["Console"]
