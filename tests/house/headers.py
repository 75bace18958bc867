"""Every header compiles alone. One that its own source includes before all else is compiled so in each build (the dev
build's has no precompiled header); the others are compiled here. Results are kept by content (the header and all of the
project that it includes), so that only what changed is compiled again."""

import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree

COMPILER = "clang++-19"
FLAGS = [
    "-std=c++23", "-fsyntax-only", "-x", "c++", "-Werror", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow",
    "-Wnon-virtual-dtor", "-Wconversion", "-Wno-missing-field-initializers",
    "-Wno-missing-designated-field-initializers", "-Wno-pragma-once-outside-header",
    "-DBOOST_ASIO_SEPARATE_COMPILATION", "-DBOOST_BEAST_SEPARATE_COMPILATION", "-DBOOST_ASIO_NO_DEPRECATED",
    "-DBOOST_ASIO_DISABLE_BOOST_COROUTINE", "-DSPDLOG_COMPILED_LIB", "-DSPDLOG_FMT_EXTERNAL",
    "-DTOML_HEADER_ONLY=0",
]


def fingerprint(root, path, folders):
    """A hash over the flags, the header and everything of the project that it reaches."""
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    todo, seen = [path], set()
    while todo:
        each = todo.pop()
        if each in seen:
            continue
        seen.add(each)
        text = tree.text_of(root, each) or ""
        digest.update(each.encode() + b"\0" + text.encode() + b"\0")
        for _, quoted, name in tree.includes(text):
            if quoted:
                todo += [f"{folder}/{name}" for folder in folders if (Path(root) / folder / name).is_file()]
    return digest.hexdigest()


def compile_alone(root, path, folders):
    """The compiler's words, or None when it has none."""
    command = [COMPILER, *FLAGS, *(f"-I{folder}" for folder in folders), "-"]
    run = subprocess.run(command, cwd=root, input=f'#include "{path}"\n', capture_output=True, text=True)
    return None if run.returncode == 0 else f"{path} does not compile alone:\n{run.stderr.strip()}"


def leads_its_source(root, path):
    text = tree.text_of(root, path.removesuffix(".hpp") + ".cpp")
    first = tree.includes(text)[:1] if text else []
    return any(path.endswith("/" + name) for _, _, name in first)


def check(root, kept):
    """`kept`: the folder of remembered successes."""
    folders = ["src", "tests", "."] + [f"build/{p}/generated" for p in ("tidy", "dev", "release")
                                       if (Path(root) / f"build/{p}/generated").is_dir()][:1]
    kept = Path(kept)
    kept.mkdir(parents=True, exist_ok=True)
    headers = [path for path in tree.files(root, (".hpp",), "src") + tree.files(root, (".hpp",), "tests")
               if not leads_its_source(root, path)]

    def one(path):
        mark = kept / fingerprint(root, path, folders)
        if mark.exists():
            return None
        wrong = compile_alone(root, path, folders)
        if wrong is None:
            mark.touch()
        return wrong

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [wrong for wrong in pool.map(one, headers) if wrong]
