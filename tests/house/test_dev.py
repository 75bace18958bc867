"""The task runner, run in a copied tree with stand-ins for the tools that it calls."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASE_TOOLS = ["bash", "tee", "env", "dirname", "grep", "sed", "id", "mktemp", "chmod", "nproc", "rm", "mkdir", "cat",
              "cksum", "cut", "tr", "tail", "stat", "touch", "find", "sort", "xargs", "sleep"]


class Dev(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="stoa-dev-")).resolve()
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copy(ROOT / "dev", self.root / "dev")
        # Links to the system's tools have a folder of their own, in which nothing is ever written: writing to a
        # stand-in of the same name would go through the link.
        (self.root / "system").mkdir()
        for tool in BASE_TOOLS:
            (self.root / "system" / tool).symlink_to(shutil.which(tool))
        (self.root / "tests").mkdir()
        self.environment = {"PATH": f"{self.root}/bin:{self.root}/system", "HOME": str(self.root), "STOA_DEV_NO_INSTALL": "1"}

    def stand_in(self, path, script):
        whole = self.root / path
        self.assertFalse(whole.is_symlink() or "system" in whole.relative_to(self.root).parts)
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(f"#!/bin/bash\n{script}\n")
        whole.chmod(0o755)

    def dev(self, *arguments):
        return subprocess.run([str(self.root / "dev"), *arguments], env=self.environment,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def test_every_verb_has_help(self):
        verbs = self.dev("help").stdout
        for verb in ("build", "up", "test", "bench", "fmt", "lint", "setup", "clean", "help"):
            self.assertIn(verb, verbs)
            for asked in ((verb, "--help"), (verb, "-h"), ("help", verb)):
                shown = self.dev(*asked)
                self.assertEqual(shown.returncode, 0, shown.stderr)
                self.assertTrue(shown.stdout.startswith("./dev "), asked)
        self.assertEqual(self.dev().stdout, verbs)

    def test_an_unknown_verb_is_refused_with_a_suggestion(self):
        for wrong, meant in [("tets", "test"), ("buid", "build"), ("cl", "clean"), ("xyzzy", "help")]:
            shown = self.dev(wrong)
            self.assertEqual(shown.returncode, 2)
            self.assertIn(f"Did you mean ./dev {meant}?", shown.stderr)
            self.assertEqual(shown.stdout, "")

    def test_unknown_arguments_are_refused(self):
        for wrong in (("build", "fast"), ("clean", "all"), ("lint", "--most"), ("test", "--quick")):
            self.assertEqual(self.dev(*wrong).returncode, 2, wrong)

    def test_without_apt_the_missing_packages_are_named_and_nothing_is_built(self):
        del self.environment["STOA_DEV_NO_INSTALL"]
        self.stand_in("bin/dpkg-query", "echo installed cmake")
        self.stand_in("bin/cmake", "touch built")
        shown = self.dev("build")
        self.assertEqual(shown.returncode, 1)
        self.assertRegex(shown.stderr, r"apt-get install .*\bclang-19 .*ninja-build")
        self.assertNotIn(" cmake ", shown.stderr)
        self.assertFalse((self.root / "built").exists())

    def with_apt(self, install):
        del self.environment["STOA_DEV_NO_INSTALL"]
        self.stand_in("bin/dpkg-query", "true")
        self.stand_in("bin/id", "echo 0")
        self.stand_in("bin/apt-cache", "[[ -e lists ]]")
        self.stand_in("bin/apt-get", 'echo "apt: $*" >>calls; [[ $* != *" update" ]] || touch lists\n' + install)
        self.stand_in("bin/clang-format-19", "echo formatted >>calls")
        shown = self.dev("fmt", "a.cpp")
        calls = (self.root / "calls").read_text().splitlines()
        return shown, [c.split()[-1] for c in calls]

    def test_with_empty_lists_apt_updates_first_and_installs_only_what_is_missing(self):
        shown, calls = self.with_apt("true")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual(calls, ["update", "clang-format-19", "formatted"])
        self.assertEqual(len(shown.stdout.splitlines()), 1)

    def test_when_apt_fails_its_words_are_shown_and_the_verb_stops(self):
        shown, calls = self.with_apt('[[ $* != *install* ]] || { echo "E: no space" >&2; exit 100; }')
        self.assertEqual(shown.returncode, 1)
        self.assertIn("E: no space", shown.stderr)
        self.assertNotIn("formatted", calls)

    def with_builds(self):
        self.stand_in("bin/cmake", "mkdir -p build/dev build/release build/asan build/tsan\n"
                      "printf 'unit base\\nunit service_order\\n' >build/dev/stoa_tests.txt")
        self.stand_in("bin/ninja", 'echo "ninja $*" >>calls; [[ $* != *"$BROKEN"* || -z $BROKEN ]]')
        self.stand_in("bin/ctest", 'echo "ctest $*"; [[ $* != *contract* || -z $FAILING ]]')
        self.stand_in("bin/python3", "echo house")
        for name in ("base", "service_order"):
            self.stand_in(f"build/dev/tests/test_{name}", f'echo "{name} $*"; exit ${{CODE:-0}}')
        self.stand_in("build/release/stoa", 'echo "$@"\n[[ -z $WAIT ]] || {\ntrap "echo stopped; exit 0" TERM\n'
                      "echo ready\nwhile :; do sleep 0.05; done\n}")

    def test_a_failed_part_does_not_stop_the_others_and_fails_the_run(self):
        self.with_builds()
        self.environment["FAILING"] = "yes"
        shown = self.dev("test", "house", "unit", "contract", "tsan")
        self.assertEqual(shown.returncode, 1)
        summary = shown.stdout.split("== summary\n")[1]
        self.assertRegex(summary, r"house: passed.*\nunit: passed.*\ncontract: FAILED.*\ntsan: passed")
        self.assertIn("1 of 4 parts failed: contract", summary)
        del self.environment["FAILING"]
        shown = self.dev("test", "house", "unit", "contract", "tsan")
        self.assertEqual(shown.returncode, 0)
        self.assertIn("all 4 parts passed", shown.stdout)

    def test_a_part_that_does_not_build_has_failed(self):
        self.with_builds()
        self.environment["BROKEN"] = "tests_unit"
        shown = self.dev("test", "unit")
        self.assertNotEqual(shown.returncode, 0)
        self.assertNotIn("ctest", shown.stdout)

    def test_one_room_is_found_by_its_short_name(self):
        self.with_builds()
        shown = self.dev("test", "order", "--", "--gtest_filter=a*")
        self.assertEqual((shown.returncode, shown.stdout), (0, "service_order --gtest_filter=a*\n"))
        self.assertIn("ninja -C build/dev", (self.root / "calls").read_text())
        self.environment["CODE"] = "3"
        self.assertEqual(self.dev("test", "order").returncode, 3)
        self.assertEqual(self.dev("test", "odrer").returncode, 2)
        self.assertIn("binaries: base order", self.dev("test", "list").stdout)

    def with_fuzzers(self):
        self.with_builds()
        self.stand_in("bin/cmake", "mkdir -p build/fuzz/fuzz")
        shutil.copytree(ROOT / "tests/fuzz", self.root / "tests/fuzz", ignore=shutil.ignore_patterns("corpus"))
        (self.root / "system/head").symlink_to(shutil.which("head"))
        for name in ("json", "csv", "gone"):
            self.stand_in(f"build/fuzz/fuzz/fuzz_{name}",
                          f'echo "$@" >{name}.called; echo "stat::number_of_executed_units: 7"\n'
                          f'[[ $BAD != {name} ]] || {{ echo "does not hold: a rule"; '
                          'echo "Test unit written to build/fuzz/x-crash"; exit 77; }')
            (self.root / "tests/fuzz/corpus" / name).mkdir(parents=True)

    def test_each_fuzzer_runs_a_second_on_the_kept_inputs_without_writing_there(self):
        self.with_fuzzers()
        shown = self.dev("test", "fuzz")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("2 fuzzers, 1 s each", shown.stdout)
        self.assertIn("ninja -C build/fuzz", (self.root / "calls").read_text())
        called = (self.root / "json.called").read_text().split()
        self.assertIn("-max_total_time=1", called)
        # libFuzzer writes what it finds into the first of its folders.
        self.assertEqual(called[-2:], ["build/fuzz/found/json", "tests/fuzz/corpus/json"])
        self.assertFalse((self.root / "gone.called").exists(), "its source is no more")

    def test_a_fuzzer_that_finds_something_fails_the_part_and_says_how_to_repeat_it(self):
        self.with_fuzzers()
        self.environment["BAD"] = "csv"
        shown = self.dev("test", "fuzz")
        self.assertEqual(shown.returncode, 1)
        self.assertIn("does not hold: a rule", shown.stderr)
        self.assertIn("repeat: build/fuzz/fuzz/fuzz_csv build/fuzz/x-crash", shown.stderr)
        self.assertTrue((self.root / "json.called").exists(), "the others run")

    def test_one_fuzzer_is_run_by_name_with_options(self):
        self.with_fuzzers()
        self.assertEqual(self.dev("test", "fuzz", "--", "csv", "-max_total_time=5").returncode, 0)
        self.assertIn("-max_total_time=5", (self.root / "csv.called").read_text())
        self.assertFalse((self.root / "json.called").exists())
        shown = self.dev("test", "fuzz", "--", "cvs")
        self.assertEqual(shown.returncode, 2)
        self.assertIn("csv_fuzz.cpp", shown.stderr)

    def test_nightly_and_soak_are_not_in_the_default_and_run_longer(self):
        self.with_fuzzers()
        self.stand_in("build/dev/tests/test_simulation", 'echo "$STOA_TEST_SEEDS seeds" >>simulated')
        self.assertEqual(self.dev("test", "nightly").returncode, 0)
        self.assertIn("-max_total_time=60", (self.root / "json.called").read_text())
        self.assertEqual((self.root / "simulated").read_text(), "20000 seeds\n")
        self.stand_in("bin/python3", 'echo "python $*"')
        shown = self.dev("test", "soak", "--", "--minutes", "3")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("tests/soak/soak.py --minutes 3", shown.stdout)
        self.assertIn("1000000 seeds", (self.root / "simulated").read_text())
        self.assertRegex(self.dev("test", "list").stdout, r"parts: .*\bfuzz engines functions deploy\nlonger: analytics cluster terraform nightly soak\n")
        self.assertNotRegex(self.dev("test", "list").stdout, r"parts: .*(nightly|soak)")

    def test_files_of_tests_lie_where_tmpdir_says_and_nothing_is_left(self):
        self.with_builds()
        self.stand_in("bin/ctest", 'echo "$TMPDIR" >place; mkdir "$TMPDIR/left"')
        place = self.root / "mine"
        place.mkdir()
        self.environment["TMPDIR"] = str(place)
        self.assertEqual(self.dev("test", "unit").returncode, 0)
        self.assertEqual((self.root / "place").read_text(), f"{place}\n")
        del self.environment["TMPDIR"]
        # A memory of its own, with room in it.
        self.stand_in("bin/stat", "echo 9000000 4096")
        self.stand_in("bin/mktemp", f'mkdir -p {self.root}/memory && echo {self.root}/memory')
        self.assertEqual(self.dev("test", "unit").returncode, 0)
        self.assertEqual((self.root / "place").read_text(), f"{self.root}/memory\n")
        self.assertFalse((self.root / "memory").exists())
        # None, or a small one.
        self.stand_in("bin/stat", "echo 10 4096")
        self.stand_in("bin/ctest", 'echo "${TMPDIR-none}" >place')
        self.assertEqual(self.dev("test", "unit").returncode, 0)
        self.assertEqual((self.root / "place").read_text(), "none\n")

    def test_up_hands_on_arguments_and_keeps_data_in_the_tree_by_default(self):
        self.with_builds()
        shown = self.dev("up", "--shoppers", "3").stdout.splitlines()[-1]
        self.assertEqual(shown, f"serve --demo --data-dir {self.root}/.stoa --shoppers 3")
        shown = self.dev("up", "--data-dir=x").stdout.splitlines()[-1]
        self.assertEqual(shown, "serve --demo --data-dir=x")

    def test_up_lets_signals_reach_the_shop(self):
        self.with_builds()
        self.environment["WAIT"] = "yes"
        run = subprocess.Popen([str(self.root / "dev"), "up"], env=self.environment, text=True,
                               stdout=subprocess.PIPE, cwd=self.root)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.wait)
        for line in run.stdout:
            if line == "ready\n":
                break
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.stdout.read(), "stopped\n")
        self.assertEqual(run.wait(), 0)

    def test_clean_keeps_the_shops_data(self):
        self.stand_in("build/release/stoa", "true")
        self.stand_in(".stoa/shop.db", "data")
        self.assertEqual(self.dev("clean").returncode, 0)
        self.assertFalse((self.root / "build").exists())
        self.assertTrue((self.root / ".stoa/shop.db").exists())


class Ci(unittest.TestCase):
    def test_it_passes_and_fails_with_the_tests(self):
        for code in (0, 1):
            with tempfile.TemporaryDirectory(prefix="stoa-ci-") as root:
                (Path(root) / ".ci").mkdir()
                shutil.copy(ROOT / ".ci/run", Path(root) / ".ci/run")
                stand_in = Path(root) / "dev"
                stand_in.write_text(f"#!/bin/bash\necho \"$*\"\nexit {code}\n")
                stand_in.chmod(0o755)
                shown = subprocess.run([f"{root}/.ci/run"], capture_output=True, text=True, env={**os.environ, "XDG_CACHE_HOME": root})
                self.assertEqual(shown.returncode, code)
                self.assertEqual(shown.stdout.splitlines()[:-1], [f"test {each}" for each in ("quick", "functions", "deploy", "engines", "cluster")])
                self.assertIn("ci: passed" if code == 0 else "ci: FAILED", shown.stdout.splitlines()[-1])
