"""Topics in, windows out: a streaming query a pipeline, and one for what cannot be read."""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.streaming import StreamingQueryListener

from stoa_analytics import arguments, events, rows
from stoa_analytics.definitions import Definitions, Refusal, packaged

NAME = "ecommerce-analytics"
RECORD = "key string, value string, id string"


class Progress(StreamingQueryListener):
    """A line of JSON a batch: what was late is counted by Spark alone, in its progress."""

    def onQueryStarted(self, event):
        pass

    def onQueryProgress(self, event):
        of = event.progress
        # The first stateful operator sees every event; those behind it see what it let through.
        late = of.stateOperators[-1].numRowsDroppedByWatermark if of.stateOperators else 0
        print(json.dumps({"query": of.name, "batch": of.batchId, "read": of.numInputRows, "late": late,
                          "dropped": [each.numRowsDroppedByWatermark for each in of.stateOperators],
                          "watermark": of.eventTime.get("watermark")}), flush=True)

    def onQueryIdle(self, event):
        pass

    def onQueryTerminated(self, event):
        pass


class Job:
    def __init__(self, spark, given, definitions):
        self.spark, self.given, self.definitions = spark, given, definitions
        self.currencies = json.loads(packaged("currencies.json"))
        self.plans = definitions.plans(given.pipelines)

    def topic(self, name):
        return self.given.topic_prefix + name

    def kafka(self, made):
        made = made.format("kafka").option("kafka.bootstrap.servers", self.given.brokers)
        for name, value in self.given.kafka_option:
            made = made.option(name, value)
        return made

    def events(self, topics):
        """Records of topics, each read once: its place, what it came with, and `e`, of events.SCHEMA."""
        reader = events.Reader({each: self.definitions.topic(each) for each in topics}, self.currencies)
        cut = len(self.given.topic_prefix)

        def read(topic, payload, headers, partition, offset, recorded):
            return reader.read(topic[cut:], payload, headers, f"{topic[cut:]}/{partition}/{offset}", recorded)

        # Not deterministic, it says, so that no optimiser calls it once for each member.
        as_event = F.udf(read, T._parse_datatype_string(events.SCHEMA)).asNondeterministic()
        source = self.kafka(self.spark.readStream).option("subscribe", ",".join(map(self.topic, topics)))
        source = source.option("startingOffsets", "earliest").option("includeHeaders", "true")
        source = source.option("kafka.isolation.level", "read_committed").option("failOnDataLoss", "true").load()
        return source.withColumn("e", as_event("topic", "value", "headers", "partition", "offset",
                                               F.unix_millis("timestamp")))

    def wanted(self, plan):
        """Whether the pipeline counts an event."""
        out = F.lit(False)
        for topic, words in plan.words.items():
            of_topic = F.col("topic") == self.topic(topic)
            out = out | (of_topic & F.col("e.word").isin(words) if words else of_topic)
        return out & (F.col("e.status") == "ok")

    def windows(self, plan):
        """key parts and what was counted, of each closed window."""
        read = self.events(list(plan.words)).where(F.col("e.status") != "bad")
        read = read.withColumn("at", F.timestamp_millis("e.ms")).withWatermark("at", f"{plan.disorder_ms} milliseconds")
        # Marks move the watermark and are in no window. The condition names `at`: one that does not would be applied
        # before the watermark has seen them.
        read = read.where(F.when(F.col("at").isNotNull(), self.wanted(plan)).otherwise(F.lit(False)))
        columns = [F.window("at", f"{plan.size_ms} milliseconds").alias("window"), F.col("e.event").alias("event")]
        columns += [F.col("e." + each).alias(each) for each in (*events.FIELDS, "amount", "quantity")]
        read = read.select(*columns)
        key = [field for _, field in plan.key]
        if plan.is_one_set:
            read = read.dropDuplicates(["window", *key, plan.steps[0]["field"]])
            counted = [F.count(F.lit(1)).alias("c0")]
        else:
            if plan.once_by:
                read = read.dropDuplicates(["window", plan.once_by])
            direct = [each for each in plan.steps if each["kind"] in ("count", "sum", "distinct")]
            counted = [self.counted(each).alias(f"c{i}") for i, each in enumerate(direct)]
        out = read.groupBy("window", *key).agg(*counted)
        return out.select(F.unix_millis("window.start").alias("start_ms"),
                          F.array(*(F.col(each) for each in key)).cast("array<string>").alias("key"),
                          F.array(*(F.col(f"c{i}") for i in range(len(counted)))).cast("array<bigint>").alias("counted"))

    @staticmethod
    def counted(step):
        takes = F.col("word").isin(step["words"]) if step["words"] else F.lit(True)
        if step["kind"] == "count":
            return F.count(F.when(takes, F.lit(1)))
        if step["kind"] == "sum":
            return F.coalesce(F.sum(F.when(takes, F.col(step["field"]))), F.lit(0))
        return F.size(F.collect_set(F.when(takes, F.col(step["field"]))))

    def records(self, plan):
        writer = rows.Writer(plan, self.currencies)
        written = F.udf(lambda start, key, counted: writer.record(start, key, counted),
                        T._parse_datatype_string(RECORD)).asNondeterministic()
        found = self.windows(plan).withColumn("r", written("start_ms", "key", "counted"))
        return found.select("start_ms", F.col("r.key").alias("key"), F.col("r.value").alias("value"), F.col("r.id").alias("id"))

    def put_out(self, plan):
        """What is done with each batch's rows. Run again after a death, it writes the same rows again."""
        def header(name, value):
            return F.struct(F.lit(name).alias("key"), value.cast("binary").alias("value"))

        def put(batch, number):
            batch.persist()
            try:
                if plan.results.get("topic") and not self.given.no_kafka_results:
                    ended = F.date_format(F.timestamp_millis(F.col("start_ms") + plan.size_ms), "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")
                    headers = F.array(header("id", F.col("id")), header("type", F.lit(plan.name)), header("version", F.lit("0")),
                                      header("schema_version", F.lit("1")), header("occurred_at", ended))
                    out = batch.select("key", "value", headers.alias("headers"))
                    self.kafka(out.write).option("topic", self.topic(plan.results["topic"])).option(
                        "includeHeaders", "true").save()
                if self.given.files:
                    # A folder a batch, written anew where the batch is: files that are read have each row once.
                    batch.select("value").write.mode("overwrite").text(
                        f"{self.given.files.rstrip('/')}/{plan.name}/batch={number:012d}")
                if self.given.bigquery:
                    project, dataset = self.given.bigquery.rsplit(".", 1)
                    batch.select("id", "start_ms", "key", "value").write.format("bigquery").option("writeMethod", "direct").option(
                        "table", f"{project}.{dataset}.{plan.name}").mode("append").save()
                if self.given.console:
                    for each in batch.select("value").toLocalIterator():
                        print(each.value, flush=True)
            finally:
                batch.unpersist()
        return put

    def start(self, query, name):
        query = query.queryName(name).option("checkpointLocation", f"{self.given.checkpoint_dir.rstrip('/')}/{name}")
        if self.given.once:
            return query.trigger(availableNow=True).start()
        return query.trigger(processingTime=f"{self.given.every_ms} milliseconds").start()

    def dead_letters(self):
        """As they came, with their cause, to the topics of what cannot be read."""
        topics = list(dict.fromkeys(topic for plan in self.plans for topic in plan.words))
        bad = self.events(topics).where(F.col("e.status") == "bad")
        more = {"dlq_group": F.lit(self.given.group), "dlq_code": F.col("e.code"), "dlq_detail": F.col("e.detail"),
                "dlq_attempts": F.lit("1"), "dlq_partition": F.col("partition").cast("string"),
                "dlq_offset": F.col("offset").cast("string"),
                "dlq_at": F.date_format(F.current_timestamp(), "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")}
        origin = F.array(*(F.struct(F.lit(name).alias("key"), value.cast("binary").alias("value")) for name, value in more.items()))
        kept = F.filter(F.coalesce(F.col("headers"), F.array().cast("array<struct<key:string,value:binary>>")),
                        lambda each: ~each["key"].startswith("dlq_"))
        out = bad.select(F.concat("topic", F.lit(".dlq")).alias("topic"), "key", "value", F.concat(kept, origin).alias("headers"))
        return self.kafka(out.writeStream).option("includeHeaders", "true").outputMode("append")

    def run(self):
        self.spark.streams.addListener(Progress())
        running = [self.start(self.records(plan).writeStream.outputMode("append").foreachBatch(self.put_out(plan)), plan.name)
                   for plan in self.plans]
        running.append(self.start(self.dead_letters(), "dead_letters"))
        print(json.dumps({"running": [each.name for each in running]}), flush=True)
        if self.given.once:
            for each in running:
                each.awaitTermination()
        else:
            self.spark.streams.awaitAnyTermination()


def session(given):
    made = SparkSession.builder.appName(NAME)
    for name, value in {
            "spark.sql.shuffle.partitions": str(given.partitions),
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.streaming.stateStore.providerClass":
                "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
            "spark.sql.streaming.metricsEnabled": "true"}.items():
        made = made.config(name, value)
    return made.getOrCreate()


def main(given=None):
    try:
        given = arguments.read(given)
        definitions = Definitions(packaged("pipelines.json"))
        if given.describe:
            print(json.dumps(definitions.described(given.pipelines), indent=2))
            return 0
        definitions.plans(given.pipelines)  # refused before Spark is started
        for name, why in definitions.described(given.pipelines)["not_run"].items():
            print(f"not run here: {name}: {why}", flush=True)
    except Refusal as why:
        print(f"spark-analytics: {why}", file=sys.stderr)
        return 2
    spark = session(given)
    spark.sparkContext.setLogLevel("WARN")
    Job(spark, given, definitions).run()
    return 0
