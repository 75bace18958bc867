"""A real broker, as these tests use it: topics of their own, what is written as it stands, what was committed."""

import decimal
import itertools
import json
import os
import time

import confluent_kafka
import confluent_kafka.admin

from golden import PARTITIONS

numbers = itertools.count()
RESULTS = ("ecom-analytics-results", "analytics-results", "ecom-analytics-late")


def eventually(condition, within_s, what):
    """The first true answer."""
    end = time.monotonic() + within_s
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < end, f"{what() if callable(what) else what}: not within {within_s} s"
        time.sleep(0.2)


class Broker:
    def __init__(self, name, made_elsewhere=False):
        self.brokers = os.environ["STOA_TEST_KAFKA"]
        self.prefix = f"{name}-{os.getpid()}-{next(numbers)}-"
        self.admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.brokers})
        if not made_elsewhere:
            # Events of 2011 are kept, however long that is ago.
            made = [confluent_kafka.admin.NewTopic(self.prefix + topic, partitions, 1, config={"retention.ms": "-1"})
                    for topic, partitions in [*PARTITIONS.items(), *((t + ".dlq", 1) for t in PARTITIONS),
                                              *((t, 2) for t in RESULTS)]]
            for each in self.admin.create_topics(made).values():
                each.result(30)

    def keep(self):
        """Events of 2011 in topics that somebody else has made."""
        admin = confluent_kafka.admin
        changed = [admin.ConfigResource(admin.ConfigResource.Type.TOPIC, self.prefix + topic, incremental_configs=[
            admin.ConfigEntry("retention.ms", "-1", incremental_operation=admin.AlterConfigOpType.SET)]) for topic in PARTITIONS]
        for each in self.admin.incremental_alter_configs(changed).values():
            each.result(30)

    def write(self, records):
        """In their partitions, in their order."""
        producer = confluent_kafka.Producer({"bootstrap.servers": self.brokers, "enable.idempotence": True,
                                             "linger.ms": 20, "queue.buffering.max.messages": 2_000_000})
        failed = []
        for number, each in enumerate(records):
            producer.produce(self.prefix + each.topic, partition=each.partition, key=each.key(), value=each.value().encode(),
                             headers=each.headers(number), timestamp=each.record_ms,
                             on_delivery=lambda error, _: error and failed.append(error))
            if number % 10_000 == 0:
                producer.poll(0)
        assert producer.flush(120) == 0 and not failed, failed[:3]

    def committed(self, topic):
        """Everything that stands there, without what was not committed: [message]."""
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.brokers, "group.id": f"reader-{os.getpid()}-{next(numbers)}",
                                             "isolation.level": "read_committed", "enable.auto.commit": False,
                                             "enable.partition.eof": True, "auto.offset.reset": "earliest"})
        try:
            found = consumer.list_topics(self.prefix + topic, timeout=20).topics[self.prefix + topic].partitions
            consumer.assign([confluent_kafka.TopicPartition(self.prefix + topic, each, 0) for each in found])
            out, ended, end = [], set(), time.monotonic() + 60
            while len(ended) < len(found):
                assert time.monotonic() < end, f"{topic} cannot be read"
                for one in consumer.consume(10_000, timeout=0.2):
                    if one.error() and one.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                        ended.add(one.partition())
                    else:
                        assert not one.error(), one.error()
                        out.append(one)
            return out
        finally:
            consumer.close()

    def rows(self, topic):
        return [json.loads(each.value(), parse_float=decimal.Decimal) for each in self.committed(topic)]


def header(message, name):
    return dict(message.headers() or []).get(name, b"").decode()
