"""Files that can be read at a sitting, functions that are one thought. What is larger today stands in ratchet.txt
with its size, which may only shrink."""

import re
from pathlib import Path

import tree

FILE_LINES = 700
FUNCTION_LINES = 100
COLUMNS = 100

CONTAINER = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b[^()=]*$|^\s*extern\s*\"\"\s*$")

ACCESS = {"public", "protected", "private"}


def functions(text):
    """(name, first line, lines) of each function with a body, by its braces; good enough for formatted code."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: "\n" * m[0].count("\n"), tree.code_only(text),
                  flags=re.MULTILINE | re.DOTALL)
    found = []
    stack = []  # of (kind, name, line, statement before it)
    statement = ""
    line = statement_line = 1
    for char in code:
        if char == "\n":
            line += 1
        if char == "{":
            inside = any(kind == "function" for kind, *_ in stack)
            head = statement.strip()
            if inside:
                kind = "block"
            elif CONTAINER.search(head) and not re.search(r"\)\s*(const|noexcept|override|final|->.*)*$", head):
                kind = "container"
            elif re.search(r"\)[^()]*:\s*[^:].*\w$", head, re.DOTALL) and re.search(r"[\w>]$", head) and \
                    not re.search(r"\b(const|noexcept|override|final|try|mutable)$", head):
                kind = "init"  # a member initialised with braces, before the body
            elif "(" in head and not re.search(r"=$", head):
                kind = "function"
            else:
                kind = "data"
            name = re.search(r"([\w~:]+)\s*\(", head)
            stack.append((kind, name[1] if name else "?", statement_line, statement))
            statement = ""
        elif char == "}":
            if stack:
                kind, name, first, before = stack.pop()
                if kind == "function":
                    found.append((name, first, line - first + 1))
                statement = ""
                if kind == "init":
                    statement, statement_line = before + "{}", first
        elif char == ";" or (char == ":" and statement.strip() in ACCESS):
            statement = ""
        else:
            if not statement.strip() and not char.isspace():
                statement_line = line
                statement = ""
            statement += char
    return found


def ratchet(root):
    """path or path::function → the size it had when the rule came; only smaller is allowed."""
    at = Path(root) / "tests/house/ratchet.txt"
    entries = {}
    for line in at.read_text().splitlines() if at.exists() else []:
        if line.strip() and not line.startswith("#"):
            name, size = line.split()
            entries[name] = int(size)
    return entries


def check(root):
    known = ratchet(root)
    out = []
    for under in ("src", "tests", "bench"):
        for path in tree.files(root, (".cpp", ".hpp", ".py"), under):
            text = tree.text_of(root, path) or ""
            lines = text.splitlines()
            sizes = [(path, path, 1, len(lines), FILE_LINES, "a file")]
            if not path.endswith(".py"):
                sizes += [(f"{path}::{name}", path, first, count, FUNCTION_LINES, f"{name}()")
                          for name, first, count in functions(text)]
                wide = [n for n, each in enumerate(lines, 1) if len(each) > COLUMNS and "://" not in each]
                if wide:
                    out.append(f"{path}:{wide[0]}: {len(wide)} lines of more than {COLUMNS} columns (./dev fmt)")
            for key, where, first, count, most, what in sizes:
                limit = max(known.get(key, most), most)
                if count > limit:
                    out.append(f"{where}:{first}: {what} of {count} lines, at most {limit}")
    return out
