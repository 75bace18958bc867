"""analytics/pipelines.json, read and checked: the one definition of all engines."""

import json
import pathlib
import pkgutil

TREE = pathlib.Path(__file__).resolve().parents[2]  # where it is not packaged, it is the project's
TEXT_FIELDS = ("user", "product", "order", "word", "currency", "event")
NUMBERS = ("amount", "quantity")
TOPIC_MEMBERS = {"name", "time", "user", "product", "order", "word", "amount", "currency", "quantity", "word_is",
                 "word_unless", "word_otherwise"}
PIPELINE_MEMBERS = {"name", "says", "inputs", "key", "once_by", "window", "out_of_orderness_ms", "allowed_lateness_ms",
                    "aggregates", "results"}


class Refusal(Exception):
    """What was given cannot be run; the message says why."""


def packaged(name):
    try:
        found = pkgutil.get_data(__package__, name)
    except OSError:
        found = None
    return (found if found is not None else (TREE / name).read_bytes()).decode()


def not_run(pipeline):
    """Why Spark does not run a pipeline of the file; None where it does."""
    kind = pipeline["window"]["kind"]
    if kind != "tumbling":
        return f"its windows are {kind}, and the Spark job runs tumbling windows"
    for each in pipeline["aggregates"]:
        if each["kind"] == "top":
            return f"aggregate {each['name']} is a top list, which the Spark job does not count"
        if each.get("distinct") == "hll":
            return f"aggregate {each['name']} is counted by hll, and the Spark job counts exactly"
    if pipeline["allowed_lateness_ms"]:
        return "it allows lateness, which Spark has none of"
    return None


class Plan:
    """One pipeline as Spark runs it."""

    def __init__(self, definitions, of):
        self.of, self.name, self.topics = of, of["name"], {}
        why = not_run(of)
        unknown = set(of) - PIPELINE_MEMBERS
        if why or unknown:
            raise Refusal(f"pipeline {self.name}: {why or 'unknown member ' + min(unknown)}")
        self.size_ms, self.disorder_ms = of["window"]["size_ms"], of["out_of_orderness_ms"]
        self.key = [(each["name"], each["field"]) for each in of["key"]]
        self.once_by, self.results = of.get("once_by"), of["results"]
        self.words = {each["topic"]: each.get("words") for each in of["inputs"]}
        fields = [field for _, field in self.key]
        self.currency_part = fields.index("currency") if "currency" in fields else None
        if self.size_ms < 1_000 or self.disorder_ms < 0 or not self.words:
            raise Refusal(f"pipeline {self.name}: a window has at least a second, and a pipeline an input")
        if set(fields) & set(NUMBERS):
            raise Refusal(f"pipeline {self.name}: a number is no key")
        self.steps = []
        for each in of["aggregates"]:
            self.steps.append(self._step(each))
        for topic in self.words:
            self._check_topic(definitions.topic(topic))

    def _step(self, of):
        before = [each["name"] for each in self.steps]
        step = {"name": of["name"], "kind": of["kind"], "field": of.get("field"), "words": of.get("words"), "money": False}
        if of["kind"] == "sum" and step["field"] not in NUMBERS:
            raise Refusal(f"pipeline {self.name}: {of['name']} sums an amount or a quantity")
        if of["kind"] == "distinct" and step["field"] not in TEXT_FIELDS:
            raise Refusal(f"pipeline {self.name}: {of['name']} needs a text field")
        if "distinct" in of:
            if of["kind"] != "distinct":
                raise Refusal(f"pipeline {self.name}: {of['name']} counts nothing distinct: `distinct` goes with that kind only")
            if of["distinct"] != "exact":
                raise Refusal(f"pipeline {self.name}: {of['name']} is counted by '{of['distinct']}': must be exact or hll")
            step["distinct"] = "exact"
        if of["kind"] in ("average", "difference"):
            if of.get("of") not in before or of.get("per") not in before:
                raise Refusal(f"pipeline {self.name}: {of['name']} names aggregates that stand before it")
            step["of"], step["per"] = before.index(of["of"]), before.index(of["per"])
            step["money"] = self.steps[step["of"]]["money"]
        elif of["kind"] not in ("count", "sum", "distinct"):
            raise Refusal(f"pipeline {self.name}: unknown aggregate {of['kind']}")
        if step["field"] == "amount":
            step["money"] = True
            if self.currency_part is None:
                raise Refusal(f"pipeline {self.name}: {of['name']} sums money: the currency must be in the key")
        return step

    def _check_topic(self, topic):
        wanted = {field for _, field in self.key} | {each["field"] for each in self.steps if each["field"]}
        wanted |= {self.once_by} if self.once_by else set()
        for field in wanted - {"event"}:
            if field not in topic and not (field == "word" and "word_is" in topic):
                raise Refusal(f"pipeline {self.name}: topic {topic['name']} has no {field}")

    @property
    def is_by_product(self):
        return [name for name, _ in self.key] == ["product_id"]

    @property
    def is_one_set(self):
        """Its only aggregate is a set: then distinct rows are counted, and no set is kept in one piece."""
        return self.once_by is None and [each["kind"] for each in self.steps] == ["distinct"] and not self.steps[0]["words"]

    def described(self, definitions):
        """As it is run: from the plan, not from the file."""
        def step(each):
            out = {"name": each["name"], "kind": each["kind"]}
            if each["field"]:
                out["field"] = each["field"]
            if each["words"]:
                out["words"] = sorted(each["words"])
            if "distinct" in each:
                out["distinct"] = each["distinct"]
            for other in ("of", "per"):
                if other in each:
                    out[other] = self.steps[each[other]]["name"]
            return out

        inputs = []
        for topic, words in self.words.items():
            one = {"topic": topic, "members": {k: v for k, v in definitions.topic(topic).items() if k != "name"}}
            inputs.append(one | ({"words": sorted(words)} if words else {}))
        out = {"inputs": inputs, "key": [list(each) for each in self.key],
               "window": {"kind": "tumbling", "size_ms": self.size_ms}, "closes_after_ms": self.disorder_ms,
               "aggregates": [step(each) for each in self.steps], "results": self.results}
        return out | ({"once_by": self.once_by} if self.once_by else {})


class Definitions:
    def __init__(self, text):
        try:
            read = json.loads(text)
        except ValueError as why:
            raise Refusal(f"pipelines.json cannot be read: {why}") from None
        if read.get("version") != 1:
            raise Refusal(f"pipelines.json: the version must be 1, it is {read.get('version')}")
        self.topics = {each["name"]: each for each in read["topics"]}
        self.pipelines = {each["name"]: each for each in read["pipelines"]}
        for each in self.topics.values():
            if set(each) - TOPIC_MEMBERS:
                raise Refusal(f"topic {each['name']}: unknown member {min(set(each) - TOPIC_MEMBERS)}")

    def topic(self, name):
        if name not in self.topics:
            raise Refusal(f"pipelines.json does not describe topic {name}")
        return self.topics[name]

    def plans(self, names=()):
        for name in names:
            if name not in self.pipelines:
                raise Refusal(f"no pipeline '{name}'; there are: {', '.join(self.pipelines)}")
        return [Plan(self, each) for name, each in self.pipelines.items()
                if name in names or (not names and not not_run(each))]

    def described(self, names=()):
        return {"engine": "spark", "pipelines": {each.name: each.described(self) for each in self.plans(names)},
                "not_run": {name: not_run(each) for name, each in self.pipelines.items() if not_run(each)}}
