"""Heavy or foreign headers stay in the few files that need them, and the pure rooms touch no clock, thread, chance
or environment: those come in through ports, so that a simulation can replace them."""

import re

import tree

# A header's name → the files that may include it.
PLACES = [
    (r"boost/beast.*", r"src/transport/http/[a-z_0-9]+\.cpp"),
    (r"sqlite3(ext)?\.h", r"src/adapters/sqlite/.*"),
    (r"(postgresql/)?libpq.*", r"src/adapters/postgres/.*"),
    (r"librdkafka/.*|rdkafka.*", r"src/adapters/kafka/.*"),
    (r"grpc(pp)?/.*|google/protobuf/.*|.*\.pb\.h", r"src/transport/grpc/.*"),
    (r"vips/.*|vips.*\.h", r"src/adapters/vips/.*"),
    (r"spdlog/.*|prometheus/.*", r"src/runtime/.*"),
    (r"openssl/.*|sodium.*", r"src/(adapters|transport)/.*"),
    (r"boost/asio.*", r"src/(runtime|adapters|transport|apps)/.*"),
    (r"CLI/.*", r"src/apps/.*"),
    (r"toml\+\+/.*|toml\.hpp", r"src/(base|runtime|apps)/.*"),
    (r"simdjson.*", r"src/(base|transport|services/analytics|adapters/(aws|dynamodb|sqs))/.*"),
    (r"curl/.*|boost/(mysql|cobalt|redis|thread).*", r"(?!)"),
]

PURE = re.compile(r"src/(base|ports|services)/")
PURE_WORDS = [
    (r"\b\w+_clock\s*::\s*now\b", "reads a clock: ask ports/clock.hpp"),
    (r"\b(clock_gettime|gettimeofday|localtime(_r)?)\s*\(", "reads a clock: ask ports/clock.hpp"),
    (r"(?<![\w.>])(std\s*::\s*)?time\s*\(\s*(nullptr|NULL|0)\s*\)", "reads a clock: ask ports/clock.hpp"),
    (r"\brandom_device\b|(?<![\w.>])s?rand\s*\(|\bgetrandom\s*\(|\bgetentropy\s*\(",
     "takes chance from the system: ask ports/clock.hpp's random"),
    (r"\bgetenv\s*\(", "reads the environment: settings come by constructor"),
    (r"\bthis_thread\b|\bstd\s*::\s*(jthread|thread|async)\b|\bsleep_(for|until)\b|\b(u|nano)sleep\s*\(|(?<!\w)::\s*sleep\s*\(",
     "threads and sleeping belong to the runtime"),
]
# A port may post a completion back to the loop of who waits; a service may not even that.
TIMER_WORDS = (
    r"\basio\s*::\s*(co_spawn|steady_timer|system_timer|ip\s*::|local\s*::|detached)",
    "services and ports see tasks only, never a timer, a socket or a spawned coroutine")
POST_WORDS = (r"\basio\s*::\s*(post|dispatch|defer)\b", "services see tasks only, never post")
# Everywhere in src/: a bare detached loses exceptions.
ALL_WORDS = [
    (r"\bcatch\s*\(\s*\.\.\.\s*\)\s*\{\s*\}", "an empty catch (...) swallows what it should tell"),
    (r"#\s*pragma\s+(GCC|clang)\s+diagnostic\s+ignored", "switches a warning off"),
]


def check(root):
    out = []
    for path in tree.cpp_files(root):
        text = tree.text_of(root, path) or ""
        is_test = path.endswith("_test.cpp")
        for line, _, name in tree.includes(text):
            for header, place in PLACES:
                if re.fullmatch(header, name) and not re.fullmatch(place, path):
                    if is_test and re.match(r"boost/asio|openssl|sodium|simdjson", name):
                        continue
                    out.append(f"{path}:{line}: {name} may not be included here")
        code = tree.code_only(text)
        rules = list(ALL_WORDS)
        if PURE.match(path) and not is_test:
            rules += PURE_WORDS
            if not path.startswith("src/base/"):
                rules.append(TIMER_WORDS)
            if path.startswith("src/services/"):
                rules.append(POST_WORDS)
        for pattern, why in rules:
            for match in re.finditer(pattern, code):
                out.append(f"{path}:{code.count(chr(10), 0, match.start()) + 1}: `{match[0].strip()}` {why}")
    return out
