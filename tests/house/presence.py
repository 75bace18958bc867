"""Files that every reader looks for."""

from pathlib import Path

WANTED = ["README.md", "LICENSE", "CHANGELOG.md", "dev", ".ci/run", "docs/requirements.md"]


def check(root):
    out = []
    for name in WANTED:
        path = Path(root) / name
        if not path.is_file() or not path.read_text().strip():
            out.append(f"{name} is missing or empty")
    for name in ("dev", ".ci/run"):
        path = Path(root) / name
        if path.is_file() and not path.stat().st_mode & 0o100:
            out.append(f"{name} is not executable")
    return out
