#!/usr/bin/env python3
"""Runs the house tests: `tests/house/run.py [--headers] [unittest arguments]`. Standard library only.

--headers (or STOA_DEV_HEADERS=1) also compiles every header alone, which needs the compiler."""

import os
import sys
import unittest
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here))
sys.dont_write_bytecode = True

arguments = sys.argv[1:]
if "--headers" in arguments:
    arguments.remove("--headers")
    os.environ["STOA_DEV_HEADERS"] = "1"
if not any(not a.startswith("-") for a in arguments):
    arguments = ["discover", "-s", str(here), "-p", "test_*.py", *arguments]
unittest.main(module=None, argv=["house", *arguments], verbosity=1)
