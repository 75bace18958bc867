#!/usr/bin/env python3
"""Packs the Spark job's modules and the definitions into one file for spark-submit --py-files: package.py FILE.zip"""

import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent


def package(to, definitions=HERE.parent / "pipelines.json"):
    files = {each.relative_to(HERE).as_posix(): each for each in sorted((HERE / "stoa_analytics").glob("*.py"))}
    files |= {"stoa_analytics/pipelines.json": definitions, "stoa_analytics/currencies.json": HERE.parent / "currencies.json"}
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as out:
        for name, path in files.items():
            # No times: the same sources make the same file.
            out.writestr(zipfile.ZipInfo(name), pathlib.Path(path).read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].endswith(".zip"):
        sys.exit("usage: package.py FILE.zip")
    package(sys.argv[1])
