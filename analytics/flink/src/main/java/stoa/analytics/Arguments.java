package stoa.analytics;

import java.io.IOException;
import java.io.Reader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;

/** What the job is started with, checked before anything is. */
public final class Arguments {
    static final String HELP = """
            The shop's analytics pipelines on Flink (docs/analytics.md).

              flink run flink-analytics.jar --brokers=HOST:PORT[,…] [options]

            --brokers=LIST             Kafka's bootstrap servers; required
            --kafka-properties=FILE    further client properties, as of security; on the machine that submits
            --topic-prefix=TEXT        in front of every topic's name
            --group=NAME               consumer group, and the name in dead letters; analytics-flink
            --from=earliest|committed  where a job without a checkpoint begins; earliest
            --pipelines=NAME[,…]       default: all of the definitions that Flink runs
            --time=events|marks        what closes windows: events and marks, or marks alone, as the C++ engine; events
            --parallelism=N            1 to 1024; 4
            --shares=N                 1 to 4096: shares of a pipeline that takes each event once; 32. Part of the state
            --checkpoint-dir=URI       default: the cluster's execution.checkpointing.dir
            --checkpoint-every-ms=N    1000 to 600000; 10000. Results can be read a checkpoint after their window closed
            --transaction-timeout-ms=N 60000 to 86400000, at most the brokers' transaction.max.timeout.ms; 900000
            --dynamodb-region=NAME     items into ecommerce-analytics and ecommerce-analytics-windows there
            --dynamodb-endpoint=URL    instead of the region's own
            --table-prefix=TEXT        in front of the tables' names
            --objects=URI              payments' windows as JSON below there: s3://bucket/…; or gs://…, file:///…, by the
                                       cluster's own file systems
            --s3-region=NAME           of an s3:// bucket; us-east-1
            --s3-endpoint=URL          instead of Amazon's
            --console                  rows on the task managers' standard output too
            --describe                 print the pipelines as this jar runs them, and end
            --help
            """;
    private static final Set<String> FLAGS = Set.of("help", "describe", "console");
    private static final Set<String> VALUES = Set.of("brokers", "kafka-properties", "topic-prefix", "group", "from",
            "pipelines", "time", "parallelism", "shares", "checkpoint-dir", "checkpoint-every-ms",
            "transaction-timeout-ms", "dynamodb-region", "dynamodb-endpoint", "table-prefix", "objects", "s3-region", "s3-endpoint");

    public boolean help;
    public boolean describe;
    public boolean console;
    public String brokers;
    public final Properties kafka = new Properties();
    public String topicPrefix = "";
    public String group = "analytics-flink";
    public boolean fromCommitted;
    public List<String> pipelines = List.of();
    PartitionTime.Moved time = PartitionTime.Moved.BY_EVENTS_AND_MARKS;
    public int parallelism = 4;
    public int shares = 32;
    public String checkpointDir;
    public long checkpointEveryMs = 10_000;
    public long transactionTimeoutMs = 900_000;
    DynamoSink.Settings dynamo;
    Objects.Settings objects;

    private String bucket;
    private String s3Region;
    private String s3Endpoint = "";
    private String region;
    private String endpoint = "";
    private String tablePrefix = "";

    /** Only checks, for scripts that submit; without Flink. */
    public static void main(String[] given) {
        try {
            read(given).plans(Definitions.packaged());
        } catch (Refusal why) {
            System.err.println("flink-analytics: " + why.getMessage());
            System.exit(2);
        }
    }

    public static Arguments read(String... given) {
        var out = new Arguments();
        var seen = new HashSet<String>();
        for (String each : given) {
            if (!each.startsWith("--")) throw new Refusal("unknown argument '" + each + "'; see --help");
            int equals = each.indexOf('=');
            String name = each.substring(2, equals < 0 ? each.length() : equals);
            if (!FLAGS.contains(name) && !VALUES.contains(name))
                throw new Refusal("unknown argument '--" + name + "'; see --help");
            if (FLAGS.contains(name) && equals >= 0) throw new Refusal("--" + name + " takes no value");
            if (VALUES.contains(name) && (equals < 0 || equals == each.length() - 1))
                throw new Refusal("--" + name + " needs a value: --" + name + "=…");
            if (!seen.add(name)) throw new Refusal("--" + name + " is given twice");
            out.set(name, equals < 0 ? "" : each.substring(equals + 1));
        }
        out.finish();
        return out;
    }

    private void set(String name, String value) {
        switch (name) {
            case "help" -> help = true;
            case "describe" -> describe = true;
            case "console" -> console = true;
            case "brokers" -> brokers = checkedBrokers(value);
            case "kafka-properties" -> readProperties(value);
            case "topic-prefix" -> topicPrefix = matched(name, value, "[A-Za-z0-9._-]{1,100}", "letters, digits, '.', '_', '-'");
            case "group" -> group = matched(name, value, "[A-Za-z0-9._-]{1,100}", "letters, digits, '.', '_', '-'");
            case "from" -> fromCommitted = oneOf(name, value, "earliest", "committed").equals("committed");
            case "pipelines" -> pipelines = list(value);
            case "time" -> time = oneOf(name, value, "events", "marks").equals("marks")
                    ? PartitionTime.Moved.BY_MARKS : PartitionTime.Moved.BY_EVENTS_AND_MARKS;
            case "parallelism" -> parallelism = (int) number(name, value, 1, 1_024);
            case "shares" -> shares = (int) number(name, value, 1, 4_096);
            case "checkpoint-dir" -> checkpointDir = uri(name, value);
            case "checkpoint-every-ms" -> checkpointEveryMs = number(name, value, 1_000, 600_000);
            case "transaction-timeout-ms" -> transactionTimeoutMs = number(name, value, 60_000, 86_400_000);
            case "dynamodb-region" -> region = checkedRegion(name, value);
            case "dynamodb-endpoint" -> endpoint = checkedEndpoint(name, value);
            case "s3-region" -> s3Region = checkedRegion(name, value);
            case "s3-endpoint" -> s3Endpoint = checkedEndpoint(name, value);
            case "table-prefix" -> tablePrefix = matched(name, value, "[A-Za-z0-9._-]{1,100}", "letters, digits, '.', '_', '-'");
            case "objects" -> bucket = uri(name, value);
            default -> throw new IllegalStateException(name);
        }
    }

    private void finish() {
        if (help || describe) return;
        if (brokers == null) throw new Refusal("--brokers is required; see --help");
        if (region == null && !endpoint.isEmpty()) throw new Refusal("--dynamodb-endpoint goes with --dynamodb-region");
        if (region == null && !tablePrefix.isEmpty()) throw new Refusal("--table-prefix goes with --dynamodb-region");
        if (region != null) dynamo = new DynamoSink.Settings(region, endpoint, tablePrefix);
        if ((bucket == null || !bucket.startsWith("s3://")) && (s3Region != null || !s3Endpoint.isEmpty()))
            throw new Refusal("--s3-region and --s3-endpoint go with --objects=s3://…");
        if (bucket != null) objects = new Objects.Settings(bucket, s3Region == null ? "us-east-1" : s3Region, s3Endpoint);
        if (transactionTimeoutMs <= 2 * checkpointEveryMs)
            throw new Refusal("--transaction-timeout-ms must be more than twice --checkpoint-every-ms: "
                    + "a transaction lives from one checkpoint to the next");
        kafka.setProperty("bootstrap.servers", brokers);
    }

    /** The pipelines to run, of those that there are. */
    public List<Plan> plans(Definitions all) {
        var out = new ArrayList<Plan>();
        var wanted = new LinkedHashSet<>(pipelines);
        for (var each : all.pipelines()) {
            boolean named = wanted.remove(each.name());
            if (named || (pipelines.isEmpty() && Plan.notRun(each) == null)) out.add(Plan.of(all, each));
        }
        if (!wanted.isEmpty())
            throw new Refusal("no pipeline '" + wanted.iterator().next() + "'; there are: "
                    + String.join(", ", all.pipelines().stream().map(Definitions.Pipeline::name).toList()));
        return out;
    }

    private static List<String> list(String value) {
        var out = Arrays.asList(value.split(",", -1));
        if (out.contains("")) throw new Refusal("--pipelines: an empty name in '" + value + "'");
        if (new HashSet<>(out).size() != out.size()) throw new Refusal("--pipelines: a name stands there twice");
        return out;
    }

    private static String checkedBrokers(String value) {
        for (String each : value.split(",", -1)) {
            int colon = each.lastIndexOf(':');
            if (colon < 1 || !each.substring(0, colon).matches("[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:]+\\]"))
                throw new Refusal("--brokers: '" + each + "' is not HOST:PORT");
            number("brokers", each.substring(colon + 1), 1, 65_535);
        }
        return value;
    }

    private static String checkedRegion(String name, String value) {
        return matched(name, value, "[a-z]{2}(-[a-z]+)+-\\d", "a region such as us-east-1");
    }

    private static String checkedEndpoint(String name, String value) {
        try {
            URI at = URI.create(value);
            if (at.getHost() != null && Set.of("http", "https").contains(at.getScheme())) return value;
        } catch (IllegalArgumentException why) {
            throw new Refusal("--" + name + ": " + why.getMessage());
        }
        throw new Refusal("--" + name + ": '" + value + "' is no http:// or https:// address");
    }

    private void readProperties(String file) {
        try (Reader in = Files.newBufferedReader(Path.of(file), StandardCharsets.UTF_8)) {
            kafka.load(in);
        } catch (IOException | IllegalArgumentException why) {
            throw new Refusal("--kafka-properties: " + file + " cannot be read: " + why.getMessage());
        }
        for (String ours : List.of("bootstrap.servers", "group.id", "isolation.level", "transactional.id", "enable.auto.commit"))
            if (kafka.containsKey(ours)) throw new Refusal("--kafka-properties: " + ours + " is the job's own");
    }

    private static String matched(String name, String value, String pattern, String wanted) {
        if (!value.matches(pattern)) throw new Refusal("--" + name + ": '" + value + "' must be " + wanted);
        return value;
    }

    private static String oneOf(String name, String value, String one, String other) {
        if (!value.equals(one) && !value.equals(other))
            throw new Refusal("--" + name + ": '" + value + "' must be " + one + " or " + other);
        return value;
    }

    private static long number(String name, String value, long least, long most) {
        if (value.matches("\\d{1,12}")) {
            long out = Long.parseLong(value);
            if (out >= least && out <= most) return out;
        }
        throw new Refusal("--" + name + ": '" + value + "' must be a whole number of " + least + " to " + most);
    }

    private static String uri(String name, String value) {
        if (!value.matches("[a-z][a-z0-9+.-]*://.+"))
            throw new Refusal("--" + name + ": '" + value + "' must be an address such as gs://bucket/folder");
        return value;
    }
}
