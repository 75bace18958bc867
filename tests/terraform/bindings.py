"""A provider's schema, read from its published bindings.

The bindings of a Terraform provider (npm packages made for its CDK) carry a description of every resource: names, types,
which arguments there must be, which are blocks. That is what `terraform validate` and `plan` ask a provider for. Values a
provider would accept or refuse (enumerations, ARNs, what conflicts with what) are not in it.
"""
import gzip
import json
import re
import tarfile
from pathlib import Path

LINK = re.compile(r"#([a-z0-9_]+) [A-Za-z0-9]+#[a-z0-9_]+\}")
KIND = re.compile(r"docs/(resources|data-sources)/\S+ ([a-z0-9_]+)\}")


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda m: "_" + m.group(1), name).lower()


class Bindings:
    def __init__(self, package):
        with tarfile.open(package) as packed:
            described = packed.extractfile("package/.jsii").read()
            about = json.load(packed.extractfile("package/package.json"))
        if described[:2] == b"\x1f\x8b":
            described = gzip.decompress(described)
        self.types = json.loads(described)["types"]
        self.source = about["cdktf"]["provider"]["name"]  # host/namespace/name
        self.version = about["cdktf"]["provider"]["version"]

    def schema(self):
        """{provider, resources, data}: each block is {attributes: {name: [type, use]}, blocks: {name: {...}}}."""
        out = {"source": self.source, "version": self.version, "provider": None, "resources": {}, "data": {}}
        for fqn, each in self.types.items():
            if each["kind"] != "class":
                continue
            config = self.types.get(fqn + "Config")
            if not config:
                continue
            found = KIND.search(each.get("docs", {}).get("summary", ""))
            if found:
                place = out["resources"] if found[1] == "resources" else out["data"]
                place[found[2]] = self.block(config, each)
            elif fqn.split(".")[1] == "provider":
                out["provider"] = self.block(config, None)
        return out

    def block(self, config, computing):
        """What can be written (`config`, a struct) and what is only read (getters of `computing`, a class)."""
        attributes, blocks = {}, {}
        for each in config.get("properties", []):
            docs = each.get("docs", {})
            link = LINK.search(docs.get("summary", "")) or LINK.search(docs.get("remarks", ""))
            if not link:  # the CDK's own: provider, count …
                continue
            if config.get("name", "").endswith("ProviderConfig") and link[1] == "alias":
                continue
            needed = not each.get("optional")
            struct, many = self.struct_of(each["type"])
            if struct and docs.get("summary", "").endswith(" block."):
                # The struct stands beside the class that reads it.
                reading = self.types.get(struct["fqn"] + "OutputReference")
                inner = self.block(struct, reading)
                blocks[link[1]] = {
                    **inner,
                    "nesting": "single" if link[1] == "timeouts" else "list",
                    "min": 1 if needed else 0,
                    "max": 0 if many else 1,
                }
            else:
                attributes[link[1]] = [self.type_of(each["type"]), "required" if needed else "optional"]
        for each in (computing or {}).get("properties", []):
            name = snake(each["name"])
            written = each["name"].endswith("Input") or each.get("static") or each["name"] == "internalValue"
            if written or name in attributes or name in blocks or each["name"] in ("fqn", "isComplexObject"):
                continue
            kind = self.read_type(each["type"])
            if kind:
                attributes[name] = [kind, "computed"]
        return {"attributes": attributes, "blocks": blocks}

    def struct_of(self, kind):
        """The struct that a property takes, and whether it takes several; None for plain values."""
        if "union" in kind:
            for each in kind["union"]["types"]:
                found = self.struct_of(each)
                if found[0]:
                    return found
            return None, False
        if "collection" in kind:
            if kind["collection"]["kind"] != "array":
                return None, False
            return self.struct_of(kind["collection"]["elementtype"])[0], True
        found = self.types.get(kind.get("fqn", ""))
        return (found, False) if found and found["kind"] == "interface" else (None, False)

    def type_of(self, kind):
        if "primitive" in kind:
            return {"boolean": "bool", "any": "dynamic"}.get(kind["primitive"], kind["primitive"])
        if "union" in kind:
            return next(self.type_of(each) for each in kind["union"]["types"] if each.get("fqn") != "cdktf.IResolvable")
        if "collection" in kind:
            inner = kind["collection"]
            return ["map" if inner["kind"] == "map" else "list", self.type_of(inner["elementtype"])]
        struct = self.types.get(kind["fqn"])
        if struct and struct["kind"] == "interface":
            # An attribute that holds an object: all its members are there, if only as null.
            inner = self.block(struct, None)
            members = {name: of[0] for name, of in inner["attributes"].items()}
            return ["object", members]
        return "dynamic"

    def read_type(self, kind):
        """The type of a getter; None for what is no value of the resource."""
        if "primitive" in kind or "collection" in kind:
            return self.type_of(kind)
        if "union" in kind:
            return self.type_of(kind)
        name = kind["fqn"]
        if name.startswith("cdktf."):
            return {
                "cdktf.StringMap": ["map", "string"],
                "cdktf.NumberMap": ["map", "number"],
                "cdktf.BooleanMap": ["map", "bool"],
                "cdktf.IResolvable": "bool",
                "cdktf.StringMapList": ["list", ["map", "string"]],
            }.get(name)
        found = self.types.get(name)
        if not found or found["kind"] != "class":
            return None
        getters = [each for each in found.get("methods", []) if each["name"] == "get"]
        element = self.types[getters[0]["returns"]["type"]["fqn"]] if getters else found
        members = {}
        for each in element.get("properties", []):
            if each["name"].endswith("Input") or each["name"] in ("internalValue", "fqn"):
                continue
            inner = self.read_type(each["type"])
            if inner:
                members[snake(each["name"])] = inner
        return ["list", ["object", members]] if getters else ["object", members]


def write_schema(package, to):
    Path(to).write_text(json.dumps(Bindings(package).schema(), separators=(",", ":")))
