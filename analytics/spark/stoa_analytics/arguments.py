"""What the job is started with, checked before anything is."""

import argparse
import re
import sys

from stoa_analytics.definitions import Definitions, Refusal, packaged

NAME = r"[A-Za-z0-9._-]{1,100}"
OURS = ("kafka.bootstrap.servers", "subscribe", "assign", "subscribepattern", "startingoffsets", "includeheaders", "topic",
        "kafka.isolation.level", "kafka.group.id")


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Refusal(message + "; see --help")


def matching(pattern, says):
    def check(value):
        if not re.fullmatch(pattern, value):
            raise argparse.ArgumentTypeError(f"'{value}' must be {says}")
        return value
    return check


def number(least, most):
    def check(value):
        if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise argparse.ArgumentTypeError(f"'{value}' must be a whole number of {least} to {most}")
        return int(value)
    return check


def brokers(value):
    for each in value.split(","):
        host, _, port = each.rpartition(":")
        if not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]", host) or not re.fullmatch(r"[0-9]{1,5}", port) or \
                not 1 <= int(port) <= 65_535:
            raise argparse.ArgumentTypeError(f"'{each}' is not HOST:PORT")
    return value


def names(value):
    out = value.split(",")
    if "" in out or len(set(out)) != len(out):
        raise argparse.ArgumentTypeError(f"'{value}' must be names, each once, with commas between them")
    return out


def option(value):
    name, equals, text = value.partition("=")
    if not equals or not name.startswith("kafka.") or name.lower() in OURS:
        raise argparse.ArgumentTypeError(f"'{value}' must be kafka.NAME=VALUE, and none of the job's own: {', '.join(OURS)}")
    return name, text


def parser():
    uri = matching(r"[a-z][a-z0-9+.-]*://?/?.+", "an address such as gs://bucket/folder")
    out = Parser(prog="main.py", description=__doc__.splitlines()[0], allow_abbrev=False, exit_on_error=False,
                 epilog="Pipelines: analytics/pipelines.json. What Spark does and does not do: docs/analytics.md.")
    out.add_argument("--brokers", type=brokers, metavar="HOST:PORT[,…]", help="Kafka's bootstrap servers; required")
    out.add_argument("--kafka-option", type=option, action="append", default=[], metavar="kafka.NAME=VALUE",
                     help="a further property of Kafka's clients, as of security")
    prefix = matching(NAME, "letters, digits, '.', '_', '-'")
    out.add_argument("--topic-prefix", type=prefix, help="in front of every topic's name")
    out.add_argument("--group", type=prefix, default="analytics-spark", help="the name in dead letters")
    out.add_argument("--checkpoint-dir", type=uri, metavar="URI", help="where offsets and state are; required")
    out.add_argument("--pipelines", type=names, default=[], metavar="NAME[,…]",
                     help="default: all of the definitions that Spark runs")
    out.add_argument("--files", type=uri, metavar="URI", help="rows as JSON lines below there too: s3a://…, gs://…, file:///…")
    out.add_argument("--bigquery", type=matching(r"[a-z][a-z0-9:.-]{4,60}\.[A-Za-z0-9_]{1,1024}", "PROJECT.DATASET"),
                     metavar="PROJECT.DATASET", help="rows into a table a pipeline there too")
    out.add_argument("--no-kafka-results", action="store_true", help="rows into files or BigQuery alone")
    out.add_argument("--once", action="store_true", help="take what is there and end; what is open stays in the checkpoint")
    out.add_argument("--every-ms", type=number(100, 600_000), default=5_000, metavar="N", help="100 to 600000; 5000")
    out.add_argument("--partitions", type=number(1, 4_096), default=8, metavar="N",
                     help="1 to 4096: of the state; 8. A checkpoint keeps those that it was made with")
    out.add_argument("--console", action="store_true", help="rows on standard output too")
    out.add_argument("--describe", action="store_true", help="print the pipelines as this job runs them, and end")
    return out


def read(given):
    try:
        out = parser().parse_args(given)
    except argparse.ArgumentError as why:
        raise Refusal(f"{why}; see --help") from None
    out.topic_prefix = out.topic_prefix or ""
    if out.describe:
        return out
    for name in ("brokers", "checkpoint_dir"):
        if not getattr(out, name):
            raise Refusal(f"--{name.replace('_', '-')} is required; see --help")
    if out.no_kafka_results and not (out.files or out.bigquery or out.console):
        raise Refusal("--no-kafka-results leaves nowhere to write: give --files, --bigquery or --console")
    return out


if __name__ == "__main__":  # only checks, for scripts that submit; without Spark
    try:
        Definitions(packaged("pipelines.json")).plans(read(sys.argv[1:]).pipelines)
    except Refusal as refusal:
        print(f"spark-analytics: {refusal}", file=sys.stderr)
        sys.exit(2)
