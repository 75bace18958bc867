"""Dependencies point one way: base <- runtime <- ports <- {adapters | services} <- transport <- apps."""

import re

import tree

BELOW = {
    "base": {"base"},
    "runtime": {"base", "runtime"},
    "ports": {"base", "runtime", "ports"},
    "adapters": {"base", "runtime", "ports"},
    "services": {"base", "runtime", "ports"},
    "transport": {"base", "runtime", "ports", "transport"},
    "apps": {"base", "runtime", "ports", "adapters", "services", "transport", "apps"},
}
# What a service shows to others: its nouns, its api, and the payloads of its topics.
PUBLIC_HEADER = re.compile(r"services/([a-z_]+)/\1(_api|_events)?\.hpp")
# The two tables by which a service is reached are made of transport's plain rows.
TABLE_HEADERS = {
    "_operations": "transport/operation.hpp",
    "_events": "transport/events/consumer.hpp",
}
# A service sees tasks and what observes it; loops, timers and pools are the runtime's own.
RUNTIME_FOR_SERVICES = {"task", "metrics", "log", "trace", "supervisor", "crash_point"}
# Adapters that are no engine but what several engines share.
SHARED_ADAPTERS = {"aws": {"dynamodb", "s3", "sqs", "sns"}, "outbox": {"postgres"}}
WIRING = re.compile(r"src/apps/[a-z_]+/wiring(_[a-z]+)?\.(cpp|hpp)")


def allowed(path, name):
    """May the file at `path` (src/…) include `name` (written from src/)?"""
    room = path.split("/")
    target = name.split("/")
    layer, other = room[1], target[0]
    own_folder = "/".join(room[1:3])
    is_test = path.endswith("_test.cpp")
    if other == "embedded":
        return True
    if other == "stoa":  # what protoc makes of api/proto
        return path.startswith("src/transport/grpc/")
    if other == "support":
        return is_test
    if layer not in BELOW or other not in BELOW:
        return False
    if layer in ("adapters", "services") and "/".join(target[:2]) == own_folder:
        return True
    if layer == "adapters" and other == "adapters":
        return room[2] in SHARED_ADAPTERS.get(target[1], set())
    if layer == "services" and other == "runtime":
        return is_test or target[-1].removesuffix(".hpp") in RUNTIME_FOR_SERVICES
    if other in BELOW[layer]:
        return True
    if other == "services":
        return layer in ("services", "transport") and PUBLIC_HEADER.fullmatch(name) is not None
    # Tests of services and of transport run on the embedded engines.
    if other == "adapters":
        return is_test and layer in ("services", "transport")
    if layer == "services" and other == "transport":
        stem = re.sub(r"\.(cpp|hpp)$", "", room[-1])
        return is_test or any(stem.endswith(end) and name == header for end, header in TABLE_HEADERS.items())
    return False


def check(root):
    out = []
    for path in tree.cpp_files(root):
        text = tree.text_of(root, path) or ""
        seen = {}
        for line, quoted, name in tree.includes(text):
            if not quoted:
                if name.split("/")[0] in BELOW and name.endswith(".hpp") and "/" in name:
                    out.append(f'{path}:{line}: write #include "{name}"')
                continue
            if name.startswith(".") or "/" not in name:
                out.append(f'{path}:{line}: "{name}" is not written from src/')
                continue
            seen.setdefault(name.split("/")[0], line)
            if not allowed(path, name):
                out.append(f"{path}:{line}: {path.split('/')[1]} may not include {name}")
        if path.startswith("src/apps/") and "adapters" in seen and "services" in seen:
            if not WIRING.fullmatch(path) and not path.endswith("_test.cpp"):
                out.append(f"{path}:{seen['services']}: only an app's wiring.cpp knows adapters and services")
    return out
