"""Reading a source tree: the files that count, and C++ text without comments and literals."""

import os
import re
from pathlib import Path

PRUNED = {"build", ".git", ".stoa", ".cache", "node_modules", "dist", "__pycache__", ".pytest_cache", ".venv"}
LARGEST_TEXT_BYTES = 5_000_000


def files(root, suffixes=None, under=""):
    """Paths relative to root, with '/', sorted; pruned folders are left out."""
    root = Path(root)
    found = []
    for folder, folders, names in os.walk(root / under):
        folders[:] = sorted(f for f in folders if f not in PRUNED)
        for name in names:
            if suffixes is None or name.endswith(suffixes):
                found.append((Path(folder) / name).relative_to(root).as_posix())
    return sorted(found)


def cpp_files(root, under="src"):
    return files(root, (".cpp", ".hpp"), under)


def text_of(root, path):
    """None for what is not text."""
    whole = Path(root) / path
    if not whole.is_file() or whole.stat().st_size > LARGEST_TEXT_BYTES:
        return None
    data = whole.read_bytes()
    if b"\0" in data:
        return None
    return data.decode("utf-8", errors="replace")


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(text):
    """(line, quoted?, name) of each include."""
    return [(text.count("\n", 0, m.start()) + 1, m[1] == '"', m[2]) for m in INCLUDE.finditer(text)]


TOKEN = re.compile(
    r"""//(?:[^\n\\]|\\.|\\\n)*
      | /\*.*?\*/
      | R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"
      | "(?:[^"\\\n]|\\.)*"
      | (?<![0-9A-Fa-f])'(?:[^'\\\n]|\\.)*'
    """,
    re.DOTALL | re.VERBOSE,
)


def code_only(text):
    """Comments become blanks and literals empty ones; line numbers stay."""

    def blank(match):
        token = match[0]
        lines = "\n" * token.count("\n")
        if token.startswith(("//", "/*")):
            return " " + lines
        return token[0] + token[-1] + lines if token[0] in "\"'" else '""' + lines

    return TOKEN.sub(blank, text)
