"""Who asks whom and where, read from the program's own source: src/apps/stoa/targets.cpp."""

import functools
import re

from delivery import ROOT

SERVICES = {"gateway": "api-gateway", **{name: f"{name}-service" for name in (
    "user", "product", "cart", "order", "payment", "notification", "activity", "analytics")}}


@functools.cache
def source():
    return (ROOT / "src/apps/stoa/targets.cpp").read_text()


@functools.cache
def ports():
    """Target: its HTTP port and its gRPC port."""
    table = re.search(r"target_facts facts\[\] = \{(.*?)\n\};", source(), re.DOTALL)[1]
    found = {name: (int(http), int(grpc)) for name, http, grpc in re.findall(r'\{target::\w+, "(\w+)", (\d+), (\d+),', table)}
    assert set(found) == set(SERVICES), found
    return found


@functools.cache
def asked():
    """Target: whom it asks, by its own setting of hosts."""
    found = {name: re.findall(r"\w+", names) for name, names in re.findall(r"static constexpr target by_(\w+)\[\] = \{(.*?)\};", source(), re.DOTALL)}
    assert set(found) == set(SERVICES) and all(set(each) <= set(SERVICES) for each in found.values()), found
    return found


@functools.cache
def edges():
    """(from, to, port) of services, by targets. Between services gRPC; the gateway passes requests on by HTTP besides; several
    processes of analytics ask each other what is open, by both."""
    out = set()
    for caller, callees in asked().items():
        for callee in callees:
            http, grpc = ports()[callee]
            out |= {(caller, callee, grpc)} | ({(caller, callee, http)} if caller == "gateway" else set())
    return out | {("analytics", "analytics", port) for port in ports()["analytics"]}


@functools.cache
def stores():
    """Target: the engines it opens, from the table in docs/operations.md, which tests/engines holds against the program."""
    text = (ROOT / "docs/operations.md").read_text()
    rows = re.findall(r"^\| (\w+) \| (?:`http` \()?\d+\)? \|[^|]*\| ([^|]+) \|$", text, re.MULTILINE)
    out = {name: set(re.findall(r"sql|key_value|event_log|blob", words)) for name, words in rows}
    assert set(out) == set(SERVICES), out
    return out
