#!/usr/bin/env python3
"""Kubernetes' secrets of a file with lines NAMESPACE/SECRET/KEY=VALUE, to the standard output, as JSON. `@path` is the content of a file.
`--check FILE` only looks whether all is well, `--namespaces FILE` says whose they are. No value is in a message. Standard library only."""

import base64
import json
import pathlib
import re
import sys

LINE = re.compile(r"([a-z]+)/([a-z-]+)/([A-Za-z_.-]+)=(.*)")


def read(file):
    """{(namespace, secret): {key: bytes}}"""
    made = {}
    for number, line in enumerate(pathlib.Path(file).read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        found = LINE.fullmatch(line)
        if not found:
            sys.exit(f"deploy: {file}:{number}: not NAMESPACE/SECRET/KEY=VALUE")
        namespace, name, key, value = found.groups()
        at = f"{namespace}/{name}/{key}"
        if not value:
            sys.exit(f"deploy: {file}:{number}: {at} has no value")
        if key in made.setdefault((namespace, name), {}):
            sys.exit(f"deploy: {file}:{number}: {at} stands there twice")
        try:
            made[namespace, name][key] = pathlib.Path(value[1:]).read_bytes() if value.startswith("@") else value.encode()
        except OSError as no:
            sys.exit(f"deploy: {file}:{number}: {at}: {no.strerror}: {no.filename}")
    if not made:
        sys.exit(f"deploy: {file} has no secrets")
    return made


def main():
    wanted, file = (sys.argv[1] if len(sys.argv) == 3 else "", sys.argv[-1])
    made = read(file)
    if wanted == "--namespaces":
        print("\n".join(sorted({namespace for namespace, _ in made})))
    elif wanted != "--check":
        print(json.dumps({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": name, "namespace": namespace},
             "data": {key: base64.b64encode(value).decode() for key, value in values.items()}}
            for (namespace, name), values in sorted(made.items())]}))


if __name__ == "__main__":
    main()
