"""Each house rule sees a violation that was planted, and passes the same tree without it."""

import shutil
import tempfile
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
import tree
import words


class Planted(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="stoa-house-"))
        self.addCleanup(shutil.rmtree, self.root)

    def put(self, path, text):
        whole = self.root / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text)
        return whole

    def sees(self, check, words_, path, text):
        """One violation with these words, at this file; none when the file is gone."""
        whole = self.put(path, text)
        found = check(self.root)
        self.assertEqual(len(found), 1, f"{path}: {text!r}: {found}")
        self.assertIn(words_, found[0])
        whole.unlink()
        self.assertEqual(check(self.root), [])

    def passes(self, check, path, text):
        whole = self.put(path, text)
        self.assertEqual(check(self.root), [])
        whole.unlink()


class Layers(Planted):
    def bad(self, path, name):
        self.sees(layers.check, f"may not include {name}", path, f'#include "{name}"\n')

    def good(self, path, name):
        self.passes(layers.check, path, f'#include "{name}"\n')

    def test_lower_rooms_do_not_see_higher_ones(self):
        self.bad("src/base/a.hpp", "runtime/task.hpp")
        self.bad("src/runtime/a.cpp", "ports/sql.hpp")
        self.bad("src/ports/a.hpp", "services/order/order.hpp")
        self.bad("src/ports/a.hpp", "adapters/sqlite/a.hpp")
        self.bad("src/transport/a.cpp", "apps/stoa/wiring.hpp")
        self.bad("src/transport/a.cpp", "stoa/v1/order.pb.h")
        self.bad("src/transport/a.cpp", "adapters/sqlite/a.hpp")
        self.good("src/ports/a.hpp", "runtime/task.hpp")
        self.good("src/transport/http/a.cpp", "services/order/order_api.hpp")

    def test_adapters_see_neither_services_nor_each_other(self):
        self.bad("src/adapters/sqlite/a.cpp", "services/order/order.hpp")
        self.bad("src/adapters/s3/a.cpp", "adapters/sqlite/b.hpp")
        self.bad("src/adapters/s3/a.cpp", "transport/operation.hpp")
        self.good("src/adapters/s3/a.cpp", "adapters/s3/b.hpp")
        self.good("src/adapters/s3/a.cpp", "adapters/aws/b.hpp")
        self.bad("src/adapters/aws/a.cpp", "adapters/s3/b.hpp")
        self.bad("src/adapters/sqlite/a.cpp", "adapters/aws/b.hpp")
        self.good("src/adapters/s3/a_test.cpp", "support/test_loop.hpp")
        self.bad("src/adapters/s3/a.cpp", "support/test_loop.hpp")

    def test_services_see_only_the_nouns_api_and_payloads_of_others(self):
        self.bad("src/services/order/a.cpp", "services/product/product_store.hpp")
        self.bad("src/services/order/a.cpp", "services/product/product_service.hpp")
        self.bad("src/services/order/a.cpp", "adapters/sqlite/a.hpp")
        self.bad("src/services/order/order_service.cpp", "transport/operation.hpp")
        self.bad("src/services/order/order_operations.cpp", "transport/http/server.hpp")
        self.bad("src/services/order/a.cpp", "runtime/loops.hpp")
        self.bad("src/services/order/a.cpp", "runtime/deadlines.hpp")
        for name in ("product", "product_api", "product_events"):
            self.good("src/services/order/a.cpp", f"services/product/{name}.hpp")
        self.good("src/services/order/order_operations.cpp", "transport/operation.hpp")
        self.good("src/services/order/order_events.cpp", "transport/events/consumer.hpp")
        self.good("src/services/order/a.cpp", "runtime/task.hpp")
        self.good("src/services/order/a_test.cpp", "adapters/sqlite/a.hpp")

    def test_only_the_wiring_knows_adapters_and_services(self):
        both = '#include "adapters/sqlite/a.hpp"\n#include "services/order/order_service.hpp"\n'
        self.sees(layers.check, "only an app's wiring.cpp", "src/apps/stoa/audit.cpp", both)
        self.passes(layers.check, "src/apps/stoa/wiring.cpp", both)
        self.good("src/apps/stoa/audit.cpp", "services/order/order_service.hpp")

    def test_includes_are_written_from_src(self):
        self.sees(layers.check, "not written from src/", "src/base/a.cpp", '#include "money.hpp"\n')
        self.sees(layers.check, "not written from src/", "src/base/a.cpp", '#include "../ports/sql.hpp"\n')
        self.sees(layers.check, "write #include", "src/base/a.cpp", "#include <base/money.hpp>\n")


class FireWall(Planted):
    def bad(self, path, text, why="may not be included"):
        self.sees(fire_wall.check, why, path, text + "\n")

    def good(self, path, text):
        self.passes(fire_wall.check, path, text + "\n")

    def test_engines_stay_in_their_adapters(self):
        for header, home in [("boost/beast/http.hpp", "src/transport/http/a.cpp"),
                             ("sqlite3.h", "src/adapters/sqlite/a.cpp"),
                             ("libpq-fe.h", "src/adapters/postgres/a.cpp"),
                             ("librdkafka/rdkafkacpp.h", "src/adapters/kafka/a.cpp"),
                             ("grpcpp/grpcpp.h", "src/transport/grpc/a.cpp"),
                             ("vips/vips8", "src/adapters/vips/a.cpp"),
                             ("spdlog/spdlog.h", "src/runtime/log.cpp"),
                             ("boost/asio/post.hpp", "src/runtime/loops.cpp")]:
            for path in ("src/base/a.cpp", "src/services/order/a.cpp", "src/ports/a.hpp"):
                self.bad(path, f"#include <{header}>")
            self.good(home, f"#include <{header}>")
        self.bad("src/transport/http/server.hpp", "#include <boost/beast/http.hpp>")
        self.bad("src/transport/grpc/a.cpp", "#include <boost/beast/http.hpp>")

    def test_pure_rooms_read_no_clock_chance_environment_or_thread(self):
        for line in ["auto t = std::chrono::system_clock::now();", "auto t = steady_clock::now();",
                     "std::random_device chance;", "int n = rand();", "int n = std::rand();", "srand(1);",
                     'auto s = std::getenv("HOME");', "std::this_thread::yield();", "std::thread t(f);", "usleep(5);", "::sleep(5);",
                     "auto t = time(nullptr);", "auto f = std::async(g);", "clock_gettime(a, b);"]:
            for room in ("base", "ports", "services/order"):
                self.bad(f"src/{room}/a.cpp", line, "")
            self.good("src/adapters/system/a.cpp", line)
            self.good("src/services/order/a_test.cpp", line)

    def test_services_and_ports_see_no_loop(self):
        for line in ["boost::asio::steady_timer t(loop);", "asio::co_spawn(l, f, d);", "asio::ip::tcp::socket s;"]:
            self.bad("src/services/order/a.cpp", line, "never a timer")
            self.bad("src/ports/a.hpp", line, "never a timer")
            self.good("src/runtime/a.cpp", line)
        self.bad("src/services/order/a.cpp", "asio::post(loop, f);", "never post")
        self.good("src/ports/a.hpp", "asio::post(loop, f);")

    def test_nothing_is_swallowed_and_no_warning_switched_off(self):
        self.bad("src/runtime/a.cpp", "try { f(); } catch (...) { }", "swallows")
        self.bad("src/runtime/a.cpp", '#pragma clang diagnostic ignored "-Wshadow"', "warning off")

    def test_comments_literals_and_members_are_no_code(self):
        self.good("src/base/a.cpp", "// system_clock::now() is not read here")
        self.good("src/base/a.cpp", '/* getenv("A") */ auto s = "getenv(x)"; auto r = R"(rand())";')
        self.good("src/base/a.cpp", "auto t = order.time(0); int grand(int); clock.now(); task<> sleep(int ms);")
        self.good("src/base/a.cpp", "constexpr auto n = 1'000'000; char c = '\"'; int getenvy(int);")


class OneDefinition(Planted):
    def test_two_types_of_one_name_are_seen(self):
        self.put("src/apps/stoa/a.hpp", "namespace stoa {\n\nstruct group {\n    int a;\n};\n\n}  // namespace stoa\n")
        for other in ("struct group {\n    long b;\n};", "class group final : public base {\n};", "class group\n    : public base {\n};",
                      "enum class group { a, b };", "void f() {\n}\n\nstruct group {\n};"):
            self.sees(one_definition.check, "stoa::group is defined in src/apps/stoa/a.hpp too", "src/ports/b.cpp",
                      f"namespace stoa {{\n\n{other}\n\n}}  // namespace stoa\n")

    def test_what_cannot_collide_is_passed(self):
        self.put("src/apps/stoa/a.hpp", "namespace stoa {\n\nstruct group {\n    int a;\n};\n\n}  // namespace stoa\n")
        for inside in ("struct group;", "struct group::part {\n};", "namespace {\n\nstruct group {\n};\n\n}  // namespace",
                       "template <>\nstruct group<int> {\n};", "group f(struct group a) {\n}"):
            self.passes(one_definition.check, "src/ports/b.cpp", f"namespace stoa {{\n\n{inside}\n\n}}  // namespace stoa\n")
        self.passes(one_definition.check, "src/ports/b.cpp", "namespace stoa::http {\nstruct group {\n};\n}  // namespace stoa::http\n")


class Sizes(Planted):
    def body(self, lines):
        return "void f(int x) {\n" + "    g(x);\n" * (lines - 2) + "}\n"

    def test_long_files_functions_and_lines_are_seen(self):
        self.sees(sizes.check, "a file of 701", "src/base/a.cpp", "int a;\n" * 701)
        self.sees(sizes.check, "f() of 101", "src/base/a.cpp", self.body(101))
        self.sees(sizes.check, "1 lines of more than 100 columns", "src/base/a.cpp", "//" + "x" * 99 + "\n")
        self.passes(sizes.check, "src/base/a.cpp", self.body(100))
        self.passes(sizes.check, "src/base/a.cpp", "//" + "x" * 98 + "\n")

    def test_functions_are_found_inside_their_surroundings(self):
        text = ('namespace a {\nclass b : public c {\n public:\n    explicit b(int x)\n        : x_{x}, y_(2) {\n'
                + "        g();\n" * 98 + "    }\n};\nconst int table[] = {\n" + "    1,\n" * 150 + "};\n}\n")
        found = {name: count for name, _, count in sizes.functions(text)}
        self.assertEqual(found, {"b": 101})
        lambdas = "const auto f = [](int x) {\n" + "    g(x);\n" * 5 + "};\nTEST(a, b) {\n    if (x) {\n    }\n}\n"
        self.assertEqual([count for _, _, count in sizes.functions(lambdas)], [7, 4])

    def test_the_ratchet_lets_a_size_shrink_and_never_grow(self):
        self.put("tests/house/ratchet.txt", "# why\nsrc/base/a.cpp 720\nsrc/base/b.cpp::f 120\n")
        self.passes(sizes.check, "src/base/a.cpp", "int a;\n" * 720)
        self.passes(sizes.check, "src/base/b.cpp", self.body(120))
        self.sees(sizes.check, "at most 720", "src/base/a.cpp", "int a;\n" * 721)
        self.sees(sizes.check, "at most 120", "src/base/b.cpp", self.body(121))


class Words(Planted):
    def test_promises(self):
        for word in ("TO" + "DO", "FIX" + "ME"):
            self.sees(words.check_promises, word, "src/base/a.cpp", f"// {word}: later\n")
        self.passes(words.check_promises, "src/base/a.cpp", "auto_todo(mastodon);\n")

    def test_paths_of_one_machine(self):
        for path in ("/ro" + "ot/.cache", "/ho" + "me/anna/x", "/wo" + "rk/main/src"):
            self.sees(words.check_machine_paths, path[:5], "dev", f'cd "{path}"\n')
        self.passes(words.check_machine_paths, "dev", "$HOME/root/x build/tree/main https://x.org/home/anna/\n")

    def test_download_hosts(self):
        for host in ("docker" + ".io/library/debian", "https://py" + "pi.org/simple", "gh" + "cr.io/a/b"):
            self.sees(words.check_hosts, "download host", "deploy/Dockerfile", f"FROM {host}\n")
        self.passes(words.check_hosts, "deploy/Dockerfile", "FROM debian:bookworm-slim\n")

    def planted_secrets(self):
        return ["-----BEGIN RSA PRIVATE " + "KEY-----", "AKIA" + "ABCDEFGHIJKLMNOP", "sk_" + "live_0123456789abcdef",
                "gh" + "p_" + "a" * 36, "AIza" + "b" * 35]

    def test_secrets_in_the_tree(self):
        for secret in self.planted_secrets():
            self.sees(words.check_secrets, "looks like a secret", "deploy/a.env", f"KEY={secret}\n")
        self.passes(words.check_secrets, "a.cpp", "AKIA" + "IOSFODNN7EXAMPLE sk_test_0123456789\n")

    def test_secrets_that_were_committed_and_removed_are_still_seen(self):
        def git(*arguments):
            done = words.git(self.root, "-c", "user.name=a", "-c", "user.email=a@example.org",
                             "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)

        self.assertFalse(words.has_history(self.root))
        git("init", "-q")
        for n, text in enumerate(["clean", f"KEY={self.planted_secrets()[1]}", "clean again"]):
            self.put("a.env", text + "\n")
            git("add", "a.env")
            git("commit", "-q", "-m", f"step {n}")
            self.assertEqual(len(words.check_history(self.root)), 0 if n == 0 else 1)
        self.assertEqual(words.check_secrets(self.root), [])
        self.assertIn("a.env in commit", words.check_history(self.root)[0])


class RequirementsTable(Planted):
    def setUp(self):
        super().setUp()
        self.put("src/base/a_test.cpp", "TEST(money, adds_up) {}\n")
        self.rows = {n: f"R{n} | `src/base` | open" for n in range(1, requirements_table.LAST + 1)}

    def table(self):
        self.put(requirements_table.TABLE, "# Requirements\n\n" + "\n".join(self.rows.values()) + "\n")
        return requirements_table.check(self.root)

    def wrong(self, n, row):
        kept, self.rows[n] = self.rows[n], row
        found = self.table()
        self.rows[n] = kept
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_a_full_table_passes(self):
        self.rows[1] = "R1 | money | `src/base/a_test.cpp`"
        self.rows[2] = "| R2 | money | `src/base/a_test.cpp::money.adds_up`, `src/base/a_test.cpp::adds_up` |"
        self.assertEqual(self.table(), [])

    def test_proofs_must_exist(self):
        self.assertIn("does not exist", self.wrong(3, "R3 | x | `src/base/b_test.cpp`"))
        self.assertIn("has no adds", self.wrong(3, "R3 | x | `src/base/a_test.cpp::money.adds`"))
        self.assertIn("the proof is", self.wrong(3, "R3 | x | we looked at it"))
        self.assertIn("the proof is", self.wrong(3, "R3 | x | "))
        self.assertIn("no path of this project", self.wrong(3, "R3 | x | `/etc/hosts`"))
        self.assertIn("a row is", self.wrong(3, "R3 | open"))

    def test_rows_must_be_there_once(self):
        self.assertIn("R7 is missing", self.wrong(7, ""))
        self.assertIn("stands twice", self.wrong(7, self.rows[7] + "\n" + self.rows[7]))
        self.assertIn("there is no R260", self.wrong(7, self.rows[7] + "\nR260 | x | open"))

    def test_a_missing_table_is_seen(self):
        self.assertIn("missing", requirements_table.check(self.root)[0])


class Acceptance(Planted):
    def table(self, point="| e | streams | `here` | `here` |", points="abcdfgh"):
        self.put("here", "kind\n")
        rows = [f"| {p} | asked | `here` | `here` |" for p in points]
        self.put(acceptance.TABLE, "\n".join([*rows[:4], point, *rows[4:]]) + "\n")
        return [each for each in acceptance.check(self.root) if "are asked" not in each]

    def test_a_full_table_passes(self):
        self.assertEqual(self.table(), [])

    def test_points_stand_once_with_a_place_and_a_proof(self):
        self.assertIn("each once", self.table(points="abcdfg")[0])
        self.assertIn("each once", self.table(point="| d | streams | `here` | `here` |")[0])
        self.assertIn("e has no proof", self.table("| e | streams | `here` | seen |")[0])
        self.assertIn("e does not say where", self.table("| e | streams | there | `here` |")[0])
        self.assertIn("there does not exist", self.table("| e | streams | `there` | `here` |")[0])

    def test_too_few_are_counted(self):
        self.table()
        found = " ".join(acceptance.check(self.root))
        for what in ("modules of AWS", "Deployments", "autoscalers", "applications", "pipelines", "stores", "alerts", "load tests"):
            self.assertIn(f"0 {what}", found)

    def test_a_missing_table_is_seen(self):
        self.assertIn("missing", acceptance.check(self.root)[0])


class Presence(Planted):
    def test_missing_empty_and_not_executable_files_are_seen(self):
        for name in presence.WANTED:
            self.put(name, "text\n").chmod(0o755)
        self.assertEqual(presence.check(self.root), [])
        (self.root / "LICENSE").write_text(" \n")
        (self.root / "README.md").unlink()
        (self.root / "dev").chmod(0o644)
        self.assertEqual(len(presence.check(self.root)), 3)


class Headers(Planted):
    """What is remembered is remembered by content; the compiler itself runs under --headers only."""

    def test_the_fingerprint_follows_what_a_header_includes(self):
        self.put("src/base/b.hpp", "#pragma once\nint b;\n")
        self.put("src/base/a.hpp", '#pragma once\n#include "base/b.hpp"\n')
        first = headers.fingerprint(self.root, "src/base/a.hpp", ["src"])
        self.assertEqual(first, headers.fingerprint(self.root, "src/base/a.hpp", ["src"]))
        self.put("src/base/b.hpp", "#pragma once\nlong b;\n")
        self.assertNotEqual(first, headers.fingerprint(self.root, "src/base/a.hpp", ["src"]))

    @unittest.skipUnless(shutil.which(headers.COMPILER), "no compiler here")
    def test_a_header_that_leans_on_its_includer_is_seen(self):
        self.put("src/base/a.hpp", "#pragma once\ninline std::size_t a() { return 0; }\n")
        found = headers.check(self.root, self.root / "kept")
        self.assertEqual(len(found), 1)
        self.assertIn("does not compile alone", found[0])
        self.put("src/base/a.hpp", "#pragma once\n#include <cstddef>\ninline std::size_t a() { return 0; }\n")
        self.assertEqual(headers.check(self.root, self.root / "kept"), [])
        self.assertEqual(len(list((self.root / "kept").iterdir())), 1)

    def test_a_header_that_its_source_includes_first_is_compiled_with_it(self):
        self.put("src/base/a.hpp", "#pragma once\n")
        self.put("src/base/b.hpp", "#pragma once\n")
        self.put("src/base/a.cpp", '#include "base/a.hpp"\n#include "base/b.hpp"\n')
        self.assertTrue(headers.leads_its_source(self.root, "src/base/a.hpp"))
        self.assertFalse(headers.leads_its_source(self.root, "src/base/b.hpp"))
        self.put("src/base/a.cpp", '#include "base/b.hpp"\n#include "base/a.hpp"\n')
        self.assertFalse(headers.leads_its_source(self.root, "src/base/a.hpp"))


class CodeOnly(unittest.TestCase):
    def test_lines_stay_where_they_were(self):
        text = 'a /* b\nc */ d // e\n"f\\"g" R"x(\n)y" )x" \'h\' 1\'000 // i\nj\n'
        blank = tree.code_only(text)
        self.assertEqual(blank.count("\n"), text.count("\n"))
        for gone in "bceghy":
            self.assertNotIn(gone, blank)
        for kept in ("a", "d", "1'000", "j"):
            self.assertIn(kept, blank)


