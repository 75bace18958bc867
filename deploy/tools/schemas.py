#!/usr/bin/env python3
"""JSON Schemas, a file a kind, of Kubernetes' OpenAPI document and of custom resource definitions.

    schemas.py swagger.json CRDS_FOLDER OUT_FOLDER"""

import json
import pathlib
import sys

import yaml

# A lone = is a text, whatever YAML 1.1 made of it.
yaml.SafeLoader.add_constructor("tag:yaml.org,2002:value", yaml.SafeLoader.construct_yaml_str)


def strict(node):
    """What has properties has no others, unless it says so; references are resolved by the caller."""
    if isinstance(node, list):
        return [strict(each) for each in node]
    if not isinstance(node, dict):
        return node
    out = {key: strict(value) for key, value in node.items()}
    if out.get("x-kubernetes-int-or-string") or out.get("format") == "int-or-string":
        return {"oneOf": [{"type": "string"}, {"type": "integer"}]}
    if isinstance(out.get("properties"), dict) and "additionalProperties" not in out and \
            not out.get("x-kubernetes-preserve-unknown-fields"):
        out["additionalProperties"] = False
    return out


def resolved(node, definitions, above=()):
    if isinstance(node, list):
        return [resolved(each, definitions, above) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):  # and no property of that name
        name = node["$ref"].rsplit("/", 1)[1]
        if name in above:  # JSONSchemaProps holds itself
            return {}
        return resolved(definitions[name], definitions, (*above, name))
    return {key: resolved(value, definitions, above) for key, value in node.items()}


def put(out, group, version, kind, schema):
    schema = strict(schema)
    properties = schema.setdefault("properties", {})
    for always, what in (("apiVersion", "string"), ("kind", "string"), ("metadata", "object")):
        properties.setdefault(always, {"type": what})
    short = f"{group.split('.')[0]}-" if group else ""
    (out / f"{kind.lower()}-{short}{version}.json").write_text(json.dumps(schema))


def main():
    swagger, crds, out = (pathlib.Path(word) for word in sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    definitions = json.loads(swagger.read_text())["definitions"]
    for name, each in definitions.items():
        for known in each.get("x-kubernetes-group-version-kind", []):
            if known["kind"].endswith("List") or "properties" not in each or "kind" not in each["properties"]:
                continue
            if len(each["x-kubernetes-group-version-kind"]) == 1:
                put(out, known["group"], known["version"], known["kind"], resolved(each, definitions, (name,)))
    for file in sorted(crds.glob("*.yaml")):
        for crd in yaml.safe_load_all(file.read_text()):
            if not crd or crd.get("kind") != "CustomResourceDefinition":
                continue
            spec = crd["spec"]
            for version in spec["versions"]:
                put(out, spec["group"], version["name"], spec["names"]["kind"], version["schema"]["openAPIV3Schema"])


if __name__ == "__main__":
    main()
