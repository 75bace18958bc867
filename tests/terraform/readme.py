"""`./dev terraform docs`: the tables of a module's README, from its variables.tf and outputs.tf."""
import re
import sys
from pathlib import Path

MODULES = Path(__file__).resolve().parents[2] / "deploy" / "terraform" / "modules"
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.M | re.S)
BEGIN, END = "<!-- variables and outputs: ./dev terraform docs -->", "<!-- end -->"


def value_of(name, body):
    """What stands behind `name =`, with the lines that belong to it."""
    found = re.search(rf"^  {name} += (.*?)(?=^  \w|^  \}}\n|\Z)", body, re.M | re.S)
    if not found:
        return None
    text = found[1]
    if text.startswith(("{", "[", "map(", "object(", "list(")) and text.count("\n") > 1:
        closing = re.search(rf"^  {name} += (.*?\n  [\]}}]\)*)\n", body, re.M | re.S)
        text = closing[1] if closing else text
    return re.sub(r"\s+", " ", re.sub(r"#[^\n]*", "", text)).strip()


def tables(folder):
    rows = {"variable": [], "output": []}
    for file in ("variables.tf", "outputs.tf"):
        for kind, name, body in BLOCK.findall((folder / file).read_text()):
            about = value_of("description", body).strip('"').replace('\\"', '"').replace("|", "\\|")
            default = value_of("default", body)
            default = "required" if default is None else f"`{default}`" if len(default) < 60 else "see variables.tf"
            rows[kind].append(f"| `{name}` | {about} | {default.replace('|', chr(92) + '|')} |" if kind == "variable" else f"| `{name}` | {about} |")
    out = ["| variable | what | default |", "|---|---|---|", *rows["variable"], ""]
    return "\n".join([BEGIN, "", *out, "| output | what |", "|---|---|", *rows["output"], "", END])


def written(folder):
    text = (folder / "README.md").read_text()
    before, _, rest = text.partition(BEGIN)
    return before + tables(folder) + rest.partition(END)[2]


def main():
    for each in sorted(MODULES.glob("*/*/README.md")):
        text = written(each.parent)
        if text != each.read_text():
            each.write_text(text)
            print(f"wrote {each.relative_to(MODULES.parent)}")


if __name__ == "__main__":
    sys.exit(main())
