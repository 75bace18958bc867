"""The tree keeps its rules. That each rule can see a violation is shown in test_rules.py."""

import os
import unittest
from pathlib import Path

import acceptance
import fire_wall
import headers
import layers
import one_definition
import presence
import requirements_table
import sizes
import words

ROOT = Path(__file__).resolve().parents[2]


class House(unittest.TestCase):
    def clean(self, violations):
        shown = violations[:40]
        if len(violations) > len(shown):
            shown.append(f"and {len(violations) - len(shown)} more")
        if violations:
            self.fail("\n" + "\n".join(shown))

    def test_dependencies_point_one_way(self):
        self.clean(layers.check(ROOT))

    def test_heavy_headers_clocks_and_chance_stay_in_their_rooms(self):
        self.clean(fire_wall.check(ROOT))

    def test_files_and_functions_can_be_read_at_a_sitting(self):
        self.clean(sizes.check(ROOT))

    def test_a_type_is_defined_once(self):
        self.clean(one_definition.check(ROOT))

    def test_nothing_is_promised_in_comments(self):
        self.clean(words.check_promises(ROOT))

    def test_no_path_of_one_machine(self):
        self.clean(words.check_machine_paths(ROOT))

    def test_no_download_host(self):
        self.clean(words.check_hosts(ROOT))

    def test_no_secret_in_the_tree(self):
        self.clean(words.check_secrets(ROOT))

    def test_no_secret_in_the_history(self):
        if not words.has_history(ROOT):
            self.skipTest("no git history here")
        self.clean(words.check_history(ROOT))

    def test_every_requirement_has_a_place_and_a_proof_that_exists(self):
        self.clean(requirements_table.check(ROOT))

    def test_every_point_of_acceptance_stands_where_it_says(self):
        self.clean(acceptance.check(ROOT))

    def test_the_files_every_reader_looks_for_exist(self):
        self.clean(presence.check(ROOT))

    @unittest.skipUnless(os.environ.get("STOA_DEV_HEADERS"), "headers are compiled by ./dev lint and CI")
    def test_every_header_compiles_alone(self):
        self.clean(headers.check(ROOT, ROOT / "build/house/headers"))
