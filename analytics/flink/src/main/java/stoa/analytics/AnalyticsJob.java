package stoa.analytics;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;

/** The job: topics in, windows out. Everything about the windows is in analytics/pipelines.json. */
public final class AnalyticsJob {
    public static final String NAME = "ecommerce-analytics";

    private final Definitions all;
    private final Arguments given;
    private final List<Plan> plans;
    /** How far watermarks are behind the newest time: the shortest disorder of the pipelines. */
    private final long lagMs;

    private AnalyticsJob(Definitions all, Arguments given) {
        this.all = all;
        this.given = given;
        plans = given.plans(all);
        lagMs = plans.stream().mapToLong(each -> each.is.outOfOrdernessMs()).min().orElseThrow();
    }

    public static void main(String[] args) throws Exception {
        try {
            Arguments given = Arguments.read(args);
            if (given.help) {
                System.out.print(Arguments.HELP);
                return;
            }
            Definitions all = Definitions.packaged();
            if (given.describe) {
                System.out.println(described(all, given));
                return;
            }
            var job = new AnalyticsJob(all, given);
            for (var each : all.pipelines())
                if (Plan.notRun(each) != null) System.out.println("not run here: " + each.name() + ": " + Plan.notRun(each));
            job.build(job.partitions()).execute(NAME);
        } catch (Refusal why) {
            System.err.println("flink-analytics: " + why.getMessage());
            System.exit(2);
        }
    }

    static String described(Definitions all, Arguments given) throws Exception {
        var out = new LinkedHashMap<String, Object>();
        var notRun = new LinkedHashMap<String, Object>();
        var run = new LinkedHashMap<String, Object>();
        for (var each : given.plans(all)) run.put(each.name(), each.described(all));
        for (var each : all.pipelines()) if (Plan.notRun(each) != null) notRun.put(each.name(), Plan.notRun(each));
        out.put("engine", "flink");
        out.put("pipelines", run);
        out.put("not_run", notRun);
        return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(out);
    }

    private List<String> inputs() {
        return plans.stream().flatMap(p -> p.is.inputs().stream()).map(Definitions.Input::topic).distinct().toList();
    }

    private List<String> outputs() {
        var out = new ArrayList<String>(List.of(Outgoing.LATE));
        for (var each : inputs()) out.add(each + ".dlq");
        for (var each : plans) if (each.is.results().topic() != null) out.add(each.is.results().topic());
        return out.stream().distinct().toList();
    }

    /** Of each topic that is read. Asked before the job starts, so that a missing topic is said to who starts it. */
    private Map<String, Integer> partitions() throws InterruptedException {
        var found = new HashMap<String, Integer>();
        var asked = new Properties();
        asked.putAll(given.kafka);
        asked.setProperty("default.api.timeout.ms", "20000");
        asked.setProperty("request.timeout.ms", "10000");
        try (Admin admin = Admin.create(asked)) {
            var names = new ArrayList<String>(inputs());
            names.addAll(outputs());
            var told = admin.describeTopics(names.stream().map(each -> given.topicPrefix + each).toList()).topicNameValues();
            for (var each : names) {
                TopicDescription one = told.get(given.topicPrefix + each).get();
                found.put(each, one.partitions().size());
            }
        } catch (ExecutionException why) {
            throw new Refusal("Kafka at " + given.brokers + ": " + why.getCause().getMessage()
                    + "; `stoa migrate` makes the shop's topics");
        } catch (KafkaException why) {
            throw new Refusal("Kafka at " + given.brokers + ": " + why.getMessage());
        }
        return found;
    }

    private StreamExecutionEnvironment environment() {
        var settings = new Configuration();
        settings.set(StateBackendOptions.STATE_BACKEND, "rocksdb");
        settings.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
        if (given.checkpointDir != null) settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, given.checkpointDir);
        settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(given.checkpointEveryMs));
        settings.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
        settings.set(CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
                ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        settings.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, 3);
        settings.set(RestartStrategyOptions.RESTART_STRATEGY, "exponential-delay");
        settings.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF, Duration.ofMinutes(1));
        var out = StreamExecutionEnvironment.getExecutionEnvironment(settings);
        out.setParallelism(given.parallelism);
        out.setMaxParallelism(Math.max(128, Integer.highestOneBit(given.parallelism) * 4));
        out.getConfig().enableObjectReuse();
        return out;
    }

    private StreamExecutionEnvironment build(Map<String, Integer> partitions) {
        var env = environment();
        var facts = new LinkedHashMap<String, DataStream<Fact>>();
        DataStream<Outgoing> outgoing = null;
        for (String topic : inputs()) {
            // A source task without a partition would hold time back for everybody.
            int tasks = Math.min(given.parallelism, partitions.get(topic));
            var routed = env.fromSource(source(topic), WatermarkStrategy.noWatermarks(), topic, TypeInformation.of(Event.class))
                    .setParallelism(tasks).uid("source-" + topic)
                    .transform("route " + topic, Outgoing.TYPE, new Route(reading(topic), given.time, lagMs, given.group))
                    .setParallelism(tasks).uid("route-" + topic);
            outgoing = outgoing == null ? routed : outgoing.union(routed);
            for (var plan : reading(topic)) facts.merge(plan.name(), routed.getSideOutput(Route.tag(plan)), DataStream::union);
        }
        DataStream<Row> stored = null;
        for (var plan : plans) {
            var rows = rows(plan, facts.get(plan.name()));
            stored = stored == null ? rows : stored.union(rows);
            if (plan.is.results().topic() != null)
                outgoing = outgoing.union(rows.map(row -> Outgoing.row(plan, row), Outgoing.TYPE)
                        .uid("records-" + plan.name()).name("records of " + plan.name()));
            if (plan.is.results().object() != null && given.objects != null)
                rows.keyBy(row -> row.startMs, Types.LONG).process(new Objects.Gather(plan, lagMs))
                        .returns(Types.TUPLE(Types.STRING, Types.STRING))
                        .uid("gather-" + plan.name()).name("windows of " + plan.name())
                        .sinkTo(new Objects.ToBucket(given.objects)).uid("objects-" + plan.name());
        }
        outgoing.sinkTo(sink()).uid("kafka").name("Kafka");
        if (given.dynamo != null) stored.sinkTo(new DynamoSink(plans, given.dynamo)).uid("dynamodb").name("DynamoDB");
        if (given.console) {
            var byName = new HashMap<String, Plan>();
            for (var each : plans) byName.put(each.name(), each);
            stored.map(row -> Rows.json(byName.get(row.pipeline), row)).returns(Types.STRING).print().uid("console");
        }
        return env;
    }

    private List<Plan> reading(String topic) {
        return plans.stream().filter(p -> p.is.inputs().stream().anyMatch(i -> i.topic().equals(topic))).toList();
    }

    private SingleOutputStreamOperator<Row> rows(Plan plan, DataStream<Fact> facts) {
        int shares = given.shares;
        DataStream<Fact> counted = facts;
        if (plan.is.onceBy() != null)
            counted = facts.keyBy(fact -> Shares.key(fact, shares), Types.STRING).process(new Shares(plan, lagMs))
                    .returns(Types.POJO(Fact.class)).uid("shares-" + plan.name()).name("shares of " + plan.name());
        return counted.keyBy(Counting::key, Types.STRING).process(new Counting(plan, lagMs))
                .returns(Types.POJO(Row.class)).uid("rows-" + plan.name()).name(plan.name());
    }

    private TopicSource source(String topic) {
        var from = given.fromCommitted ? OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST)
                : OffsetsInitializer.earliest();
        return new TopicSource(KafkaSource.<Event>builder()
                .setProperties(given.kafka)
                .setProperty("isolation.level", "read_committed")
                .setTopics(given.topicPrefix + topic)
                .setGroupId(given.group)
                .setStartingOffsets(from)
                .setDeserializer(new RecordReader(all.topic(topic)))
                .build(), topic);
    }

    /** One transaction a task and checkpoint holds results, late events and dead letters. */
    private KafkaSink<Outgoing> sink() {
        String prefix = given.topicPrefix;
        KafkaRecordSerializationSchema<Outgoing> records = (one, context, at) -> {
            var out = new ProducerRecord<byte[], byte[]>(prefix + one.topic, one.key, one.value);
            one.headers.forEach((name, value) -> out.headers().add(name, value));
            return out;
        };
        return KafkaSink.<Outgoing>builder()
                .setKafkaProducerConfig(given.kafka)
                .setProperty("transaction.timeout.ms", Long.toString(given.transactionTimeoutMs))
                .setProperty("max.request.size", "2000000")
                .setProperty("compression.type", "lz4")
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(prefix + given.group)
                .setRecordSerializer(records)
                .build();
    }
}
