"""Words that have no business in the tree: promises, places of one machine, download hosts, secrets."""

import re
import subprocess
from pathlib import Path

import tree

# Written in pieces, so that this file does not hold what it looks for.
PROMISES = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")
MACHINE_PATHS = re.compile(r"(?<![\w.~$}/-])/(?:work/(?:main|shared|data)|home/[a-z]\w*|root|Users/\w+)/")
HOSTS = re.compile(
    "|".join(re.escape(a + b) for a, b in [
        ("registry.npm", "js.org"), ("npm", "js.com"), ("py", "pi.org"), ("files.python", "hosted.org"),
        ("docker", ".io"), ("gh", "cr.io"), ("qu", "ay.io"), ("gc", "r.io"), ("registry.k", "8s.io"),
        ("public.ec", "r.aws"), ("mcr.micro", "soft.com"), ("crates", ".io"), ("proxy.go", "lang.org"),
        ("deb.deb", "ian.org"), ("repo.maven.", "apache.org"), ("registry.terra", "form.io"), ("conda", ".anaconda.org"),
    ]) + r"|\b(?:artifactory|artifact-registry|nexus)\.[a-z]")
# Made by tools, and these name where their parts come from by necessity.
HOSTS_EXEMPT = re.compile(r"(^|/)\.terraform\.lock\.hcl$")

SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\b[sr]k_live_[0-9A-Za-z]{8,}"
    r"|\bgh[pousr]_[0-9A-Za-z]{36}\b|\bgithub_pat_\w{40,}"
    r"|\bxox[abprs]-[0-9A-Za-z-]{10,}"
    r"|\bAIza[0-9A-Za-z_-]{35}\b"
    r"|\bya29\.[0-9A-Za-z_-]{20,}")
# Printed in Amazon's own documentation and test vectors.
PUBLISHED = {"AKIA" + "IOSFODNN7EXAMPLE", "AKIA" + "I44QH8DHBEXAMPLE"}


def secrets_in(text):
    return [m for m in SECRETS.finditer(text) if m[0] not in PUBLISHED]


def matches(root, pattern, what, exempt=None):
    out = []
    for path in tree.files(root):
        if exempt and exempt.search(path):
            continue
        text = tree.text_of(root, path)
        for m in pattern.finditer(text or ""):
            out.append(f"{path}:{text.count(chr(10), 0, m.start()) + 1}: {what}: {m[0]}")
    return out


def check_promises(root):
    return matches(root, PROMISES, "do it or write it in an issue")


def check_machine_paths(root):
    return matches(root, MACHINE_PATHS, "a path of one machine")


def check_hosts(root):
    return matches(root, HOSTS, "a download host (mirrors are the user's choice)", HOSTS_EXEMPT)


def check_secrets(root):
    out = []
    for path in tree.files(root):
        text = tree.text_of(root, path)
        for m in secrets_in(text or ""):
            out.append(f"{path}:{text.count(chr(10), 0, m.start()) + 1}: looks like a secret: {m[0][:12]}…")
    return out


def has_history(root):
    if not (Path(root) / ".git").exists():
        return False
    return git(root, "rev-parse", "--verify", "-q", "HEAD").returncode == 0


def git(root, *words):
    # A tree of another owner (a mounted checkout) is read as well: nothing of it is executed.
    return subprocess.run(["git", "-c", "safe.directory=*", "-C", str(root), *words], capture_output=True,
                          text=True, errors="replace")


def check_history(root):
    """Every line that any commit added."""
    log = git(root, "log", "--all", "-p", "-U0", "--no-color", "--no-textconv", "--no-ext-diff", "--format=commit %h")
    if log.returncode:
        return [f"git log failed: {log.stderr.strip()}"]
    out, commit, path = [], "?", "?"
    for line in log.stdout.splitlines():
        if line.startswith("commit "):
            commit = line[7:]
        elif line.startswith("+++ "):
            path = line[6:]
        elif line.startswith("+"):
            out += [f"{path} in commit {commit}: looks like a secret: {m[0][:12]}…" for m in secrets_in(line)]
    return out
