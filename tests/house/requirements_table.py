"""docs/requirements.md: one line a row, `R<n> | where | proof`; every proof exists."""

import re
from pathlib import Path

TABLE = "docs/requirements.md"
LAST = 259
ROW = re.compile(r"^\|?\s*R(\d+)\s*\|(.*)$")
REFERENCE = re.compile(r"`([^`]+)`")


def exists(root, reference):
    """None, or what is wrong with `path` or `path::name` (name may be suite.test)."""
    path, _, name = reference.partition("::")
    whole = Path(root) / path
    if not path or path.startswith(("/", "..")):
        return f"`{reference}` is no path of this project"
    if not whole.exists():
        return f"{path} does not exist"
    if not name:
        return None
    if not whole.is_file():
        return f"{path} is no file, so it has no {name}"
    text = whole.read_text(errors="replace")
    missing = [part for part in re.split(r"::|\.", name) if not re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text)]
    return f"{path} has no {missing[0]}" if missing else None


def check(root):
    table = Path(root) / TABLE
    if not table.is_file():
        return [f"{TABLE} is missing"]
    out, seen = [], {}
    for number, line in enumerate(table.read_text().splitlines(), 1):
        row = ROW.match(line)
        if not row:
            continue
        at = f"{TABLE}:{number}: R{row[1]}"
        n = int(row[1])
        if n in seen:
            out.append(f"{at} stands twice, first in line {seen[n]}")
        seen[n] = number
        # A row may be written as one of a Markdown table, between bars.
        rest = row[2].rstrip().removesuffix("|") if line.startswith("|") else row[2]
        cells = [c.strip() for c in rest.split("|")]
        if len(cells) != 2:
            out.append(f"{at}: a row is `R<n> | where | proof`")
            continue
        where, proof = cells
        if proof == "open":
            continue
        references = REFERENCE.findall(proof)
        if not where:
            out.append(f"{at} does not say where it lives")
        if not references:
            out.append(f"{at}: the proof is `path`, `path::name` or open, not '{proof}'")
        out += [f"{at}: {why}" for why in (exists(root, r) for r in references) if why]
    out += [f"{TABLE}: R{n} is missing" for n in range(1, LAST + 1) if n not in seen]
    out += [f"{TABLE}:{seen[n]}: there is no R{n}" for n in sorted(seen) if not 1 <= n <= LAST]
    return out
