"""docs/acceptance.md: each point stands once, all that is named exists, and what can be counted is enough."""

import re
from pathlib import Path

from requirements_table import REFERENCE, exists

TABLE = "docs/acceptance.md"
POINTS = "abcdefgh"
POINT = re.compile(r"^\| ([a-h]) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$")


def count(root, pattern, text):
    """Files of this pattern in which the expression is found, once a finding."""
    return sum(len(re.findall(text, path.read_text(errors="replace"), re.M)) for path in Path(root).glob(pattern) if path.is_file())


# point: what is counted, where, and how many there must be
COUNTED = {
    "a": [("modules of AWS", "deploy/terraform/modules/aws/*/main.tf", r"\A", 10), ("modules of GCP", "deploy/terraform/modules/gcp/*/main.tf", r"\A", 8)],
    "b": [("Deployments", "deploy/kubernetes/base/services/*.yaml", r"^kind: Deployment$", 9)],
    "c": [("autoscalers", "deploy/kubernetes/base/services/scaling.yaml", r"^kind: HorizontalPodAutoscaler$", 3)],
    "d": [("applications", "deploy/argocd/apps/*.yaml", r"^kind: Application$", 3), ("workflows", ".github/workflows/*.yaml", r"^jobs:$", 2)],
    "e": [("pipelines", "analytics/pipelines.json", r'"says": "P[1-3]', 3)],
    "f": [("stores", "src/adapters/%s" % name, r"\A", 1) for name in ("postgres/postgres_sql.cpp", "dynamodb/dynamodb_key_value.cpp", "s3/s3_blob.cpp")],
    "g": [("alerts", "deploy/observability/prometheus/alerts-*.yaml", r"^ *- alert:", 25), ("dashboards", "deploy/observability/grafana/dashboards/*.json", r"\A", 6)],
    "h": [("load tests", "tests/load/*load-test.js", r"^export const options", 3)],
}


def check(root):
    table = Path(root) / TABLE
    if not table.is_file():
        return [f"{TABLE} is missing"]
    out, seen = [], []
    for number, line in enumerate(table.read_text().splitlines(), 1):
        at = f"{TABLE}:{number}"
        point = POINT.match(line)
        if point:
            seen.append(point[1])
            for cell, what in ((point[2], "does not say where it lives"), (point[3], "has no proof")):
                if not REFERENCE.search(cell):
                    out.append(f"{at}: point {point[1]} {what}")
        # The documented tree's names are in the first column, and are not ours.
        cells = line.split(" | ")[1:] if line.startswith("| ") else []
        out += [f"{at}: {why}" for cell in cells for ref in REFERENCE.findall(cell) if (why := exists(root, ref))]
    if "".join(seen) != POINTS:
        out.append(f"{TABLE}: the points are {', '.join(seen) or 'none'}; asked are a to h, each once")
    for point, wanted in COUNTED.items():
        for what, pattern, text, least in wanted:
            have = count(root, pattern, text)
            if have < least:
                out.append(f"{TABLE}: point {point}: {have} {what} in {pattern}, {least} are asked")
    return out
