#!/usr/bin/env python3
"""The Bruno collection, from openapi.json: writes bruno/ beside this file. `--check` fails where that is not what this would write.

`External` has what customers' programs call, `Internal` what operators and the services themselves do. `Session` comes first: it makes
the accounts and things that the others speak of. Standard library only."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
# Whom a path's {id} is of, by what comes before it.
IDS = {"products": "product_id", "items": "product_id", "orders": "order_id", "payments": "payment_id", "users": "user_id", "customers": "user_id",
       "api-keys": "api_key_id", "imports": "import_id"}
TOKEN = {"anyone": None, "signed_in": "customer_token", "registered": "customer_token", "operators": "operator_token", "services": "service_token"}
# Has no end, so a run of all requests would have none.
STREAM = "/live"
# Whoever these end is used no more: they come last.
LAST = ("Logout", "DeleteUser", "DeleteCustomer", "DeleteProduct", "CancelOrder")
SAMPLES = {"email": "{{$randomEmail}}", "currency": "USD", "method": "credit_card", "payment_method": "credit_card", "product_id": "{{product_id}}",
           "order_id": "{{order_id}}", "user_id": "{{user_id}}", "timestamp": "2026-01-02T03:04:05Z", "password": "correct horse 9", "country": "GR",
           "city": "Athens", "street": "1 Stoa Way", "event_type": "VIEW_PRODUCT", "sku": "SKU-{{$randomUUID}}", "status": "shipped"}


def sample(schema, document, name="", depth=0):
    if "$ref" in schema:
        return sample(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document, name, depth)
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema:
            return sample(schema[word][0], document, name, depth)
    if name in SAMPLES and schema.get("type") in ("string", None):
        return SAMPLES[name]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        return {key: sample(value, document, key, depth + 1) for key, value in schema.get("properties", {}).items()
                if key in schema.get("required", []) or (depth == 0 and key in ("payment_method", "shipping_address"))}
    if kind == "array":
        return [sample(schema.get("items", {}), document, name, depth + 1)]
    if kind == "integer":
        return max(1, schema.get("minimum", 1))
    if kind == "number":
        return 12.5
    if kind == "boolean":
        return False
    return "text" if schema.get("minLength", 1) <= 4 else "a longer text"


def block(name, lines):
    return f"{name} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def request(title, number, verb, url, token=None, body=None, headers=(), query=(), after=(), tests=()):
    out = [block("meta", [f"name: {title}", "type: http", f"seq: {number}"]),
           block(verb, [f"url: {url}", f"body: {'json' if body is not None else 'none'}", f"auth: {'bearer' if token else 'none'}"])]
    if query:
        out.append(block("params:query", [f"{key}: {value}" for key, value in query]))
    if headers:
        out.append(block("headers", [f"{key}: {value}" for key, value in headers]))
    if token:
        out.append(block("auth:bearer", [f"token: {{{{{token}}}}}"]))
    if body is not None:
        out.append("body:json {\n" + "\n".join("  " + line for line in json.dumps(body, indent=2).splitlines()) + "\n}\n")
    if after:
        out.append(block("script:post-response", after))
    out.append(block("tests", tests))
    return "\n".join(out)


def exactly(status):
    return [f'test("answers {status}", function () {{ expect(res.getStatus()).to.equal({status}); }});']


def keep(**variables):
    return [f'bru.setVar("{name}", res.getBody().{path});' for name, path in variables.items()]


def session():
    address = {"street": "1 Stoa Way", "city": "Athens", "country": "GR"}
    steps = [
        ("Operator logs in", "post", "/api/v1/auth/login", None, {"email": "{{operator_email}}", "password": "{{operator_password}}"}, 200, keep(operator_token="token"), ()),
        ("Product", "post", "/api/v1/products", "operator_token", {"name": "Mug", "price": 12.5, "stock": 1000}, 201, keep(product_id="id"), ()),
        ("Customer registers", "post", "/api/v1/auth/register", None, {"email": "{{$randomEmail}}", "password": "correct horse 9", "first_name": "A", "last_name": "B"},
         201, keep(customer_token="token", user_id="id"), ()),
        ("Cart", "post", "/api/v1/cart/items", "customer_token", {"product_id": "{{product_id}}", "quantity": 2}, 200, (), ()),
        ("Order", "post", "/api/v1/orders", "customer_token", {"items": [{"product_id": "{{product_id}}", "quantity": 1}], "shipping_address": address}, 201,
         keep(order_id="id"), (("Idempotency-Key", "{{$randomUUID}}"),)),
        ("Payment", "post", "/api/v1/payments", "customer_token", {"order_id": "{{order_id}}", "amount": 12.5, "method": "credit_card"}, 201, keep(payment_id="payment_id"),
         (("Idempotency-Key", "{{$randomUUID}}"),)),
    ]
    return {f"Session/{number:02} {name}.bru": request(name, number, verb, "{{base_url}}" + path, token, body, headers, after=after, tests=exactly(status))
            for number, (name, verb, path, token, body, status, after, headers) in enumerate(steps, 1)}


def url_of(path):
    parts = path.split("/")
    for at, part in enumerate(parts):
        if part.startswith("{"):
            parts[at] = "{{" + IDS.get(parts[at - 1], part.strip("{}")) + "}}"
    return "{{base_url}}" + "/".join(parts)


def operations(document):
    found = [(path, verb, each) for path, verbs in document["paths"].items() for verb, each in verbs.items()]
    aliases = {each.get("x-alias") for _, _, each in found}
    order = {name: at for at, name in enumerate(LAST)}
    return sorted(((path, verb, each) for path, verb, each in found if path not in aliases and not path.endswith(STREAM)),
                  key=lambda one: (order.get(one[2]["operationId"], -1), one[2]["tags"][0], one[0], one[1]))


def main_of(document):
    files, numbers = session(), {}
    for path, verb, each in operations(document):
        caller = each["x-callers"]
        folder = ("Internal" if caller in ("operators", "services") else "External") + "/" + each["tags"][0]
        numbers[folder] = number = numbers.get(folder, 0) + 1
        content = each.get("requestBody", {}).get("content", {})
        body = sample(content["application/json"]["schema"], document) if "application/json" in content else None
        query = [(p["name"], sample(p["schema"], document, p["name"])) for p in each.get("parameters", []) if p["in"] == "query" and p.get("required")]
        headers = [("Idempotency-Key", "{{$randomUUID}}") for p in each.get("parameters", []) if p["in"] == "header" and p["name"].lower() == "idempotency-key"]
        documented = sorted(int(code) for code in each["responses"] if code.isdigit())
        # What is the services' own is refused to everybody who has no token of theirs.
        allowed = [401, 403] if caller == "services" else documented
        tests = []
        if "default" in each["responses"]:
            # A problem document: what a client did wrong, or a thing that is not there. But the path and its verb are there.
            tests = [f'const known = {json.dumps(allowed)}.includes(res.getStatus());',
                     'const problem = res.getStatus() >= 400 && res.getStatus() < 500 && typeof res.getBody().code === "string";',
                     'test("answers as documented", function () { expect(known || problem, res.getStatus()).to.equal(true); });',
                     'test("the path is there", function () { expect(["no_such_path", "method_not_allowed"]).to.not.include(res.getBody()?.code); });']
        else:
            tests = [f'test("answers as documented", function () {{ expect({json.dumps(allowed)}).to.include(res.getStatus()); }});']
        if caller == "services":
            tests = ['const mine = bru.getEnvVar("service_token");', f'const allowed = mine ? {json.dumps(documented)} : [401, 403];',
                     'test("answers as documented", function () { expect(allowed).to.include(res.getStatus()); });']
        tests.append('test("no fault of the shop", function () { expect(res.getStatus()).to.be.below(500); });')
        files[f"{folder}/{each['operationId']}.bru"] = request(each["operationId"], number, verb, url_of(path), TOKEN[caller], body, headers, query, tests=tests)
    files["bruno.json"] = json.dumps({"version": "1", "name": "Stoa", "type": "collection"}, indent=2) + "\n"
    for name, url in (("local", "http://localhost:8080"), ("cluster", "http://api-gateway.ecommerce.local")):
        files[f"environments/{name}.bru"] = block("vars", [f"base_url: {url}", "operator_email: boss@example.com", "service_token: "]) + \
            "\nvars:secret [\n  operator_password\n]\n"
    return files


def main():
    files = main_of(json.loads((HERE / "openapi.json").read_text()))
    place = HERE / "bruno"
    there = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()} if place.exists() else set()
    if "--check" in sys.argv:
        wrong = sorted(there ^ set(files)) + [name for name in sorted(there & set(files)) if (place / name).read_text() != files[name]]
        if wrong:
            sys.exit(f"not as bruno.py writes them: {', '.join(wrong[:10])}; run api/bruno.py")
        return
    for name in there - set(files):
        (place / name).unlink()
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)


if __name__ == "__main__":
    main()
