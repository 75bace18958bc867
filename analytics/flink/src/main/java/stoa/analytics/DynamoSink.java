package stoa.analytics;

import java.io.IOException;
import java.io.Serializable;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BatchWriteItemRequest;
import software.amazon.awssdk.services.dynamodb.model.PutRequest;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

/**
 * Rows as items, keyed by their window: a row that is put again after a restart is the same item. One client a task,
 * puts of 25, and no checkpoint is done before all before it are in the table. Credentials: the SDK's default chain
 * (workload identity, or keys in the job's environment).
 */
final class DynamoSink implements Sink<Row> {
    private static final long serialVersionUID = 1;

    /** Where and how; `endpoint` empty: the region's own. */
    record Settings(String region, String endpoint, String tablePrefix) implements Serializable {}

    private final Map<String, Plan> plans;
    private final Settings settings;

    DynamoSink(List<Plan> plans, Settings settings) {
        this.plans = new HashMap<>();
        for (var each : plans) this.plans.put(each.name(), each);
        this.settings = settings;
    }

    static String table(Plan of) {
        return of.isByProduct() ? "ecommerce-analytics" : "ecommerce-analytics-windows";
    }

    @Override
    @SuppressWarnings("deprecation")  // abstract in 1.20; Flink itself calls the one below
    public SinkWriter<Row> createWriter(InitContext context) {
        return writer();
    }

    @Override
    public SinkWriter<Row> createWriter(WriterInitContext context) {
        return writer();
    }

    private Writer writer() {
        var made = DynamoDbClient.builder().region(Region.of(settings.region()))
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                // Retries are counted once, by us.
                .overrideConfiguration(o -> o.retryStrategy(r -> r.maxAttempts(1)));
        if (!settings.endpoint().isEmpty()) made.endpointOverride(URI.create(settings.endpoint()));
        DynamoDbClient client = made.build();
        return new Writer(plans, settings.tablePrefix(), new Puts() {
            @Override
            public Map<String, List<WriteRequest>> put(Map<String, List<WriteRequest>> all) {
                return client.batchWriteItem(BatchWriteItemRequest.builder().requestItems(all).build()).unprocessedItems();
            }

            @Override
            public void close() {
                client.close();
            }
        }, Thread::sleep);
    }

    /** One request; what the table did not take comes back. */
    interface Puts extends AutoCloseable {
        Map<String, List<WriteRequest>> put(Map<String, List<WriteRequest>> all);

        @Override
        void close();
    }

    interface Sleep {
        void of(long ms) throws InterruptedException;
    }

    static final class Writer implements SinkWriter<Row> {
        static final int AT_ONCE = 25;  // DynamoDB's most in one request
        static final int ATTEMPTS = 10;
        private static final long FIRST_WAIT_MS = 50;
        private static final long LONGEST_WAIT_MS = 10_000;

        private final Map<String, Plan> plans;
        private final String prefix;
        private final Puts puts;
        private final Sleep sleep;
        /** By table and key: a request may hold an item once. The last row of a window is the one. */
        private final Map<List<Object>, Put> waiting = new LinkedHashMap<>();

        private record Put(String table, Map<String, AttributeValue> item) {}

        Writer(Map<String, Plan> plans, String prefix, Puts puts, Sleep sleep) {
            this.plans = plans;
            this.prefix = prefix;
            this.puts = puts;
            this.sleep = sleep;
        }

        @Override
        public void write(Row row, Context context) throws IOException, InterruptedException {
            Plan plan = plans.get(row.pipeline);
            var item = new LinkedHashMap<String, AttributeValue>();
            Rows.item(plan, row).forEach((name, value) -> item.put(name, value instanceof Long number
                    ? AttributeValue.fromN(Long.toString(number)) : AttributeValue.fromS((String) value)));
            waiting.put(List.of(row.pipeline, row.key, row.startMs), new Put(prefix + table(plan), item));
            if (waiting.size() >= AT_ONCE) flush(false);
        }

        @Override
        public void flush(boolean endOfInput) throws IOException, InterruptedException {
            if (waiting.isEmpty()) return;
            Map<String, List<WriteRequest>> left = new HashMap<>();
            for (var each : waiting.values())
                left.computeIfAbsent(each.table(), t -> new ArrayList<>()).add(WriteRequest.builder()
                        .putRequest(PutRequest.builder().item(each.item()).build()).build());
            SdkException last = null;
            for (int attempt = 0; attempt < ATTEMPTS; ++attempt) {
                if (attempt > 0) sleep.of(wait(attempt));
                try {
                    left = puts.put(left);
                } catch (SdkException why) {
                    if (!why.retryable() && !(why.getCause() instanceof IOException) && !isThrottled(why))
                        throw new IOException("DynamoDB refused rows: " + why.getMessage(), why);
                    last = why;
                    continue;
                }
                if (left.isEmpty()) {
                    waiting.clear();
                    return;
                }
            }
            throw new IOException("DynamoDB did not take rows in " + ATTEMPTS + " attempts", last);
        }

        private static boolean isThrottled(SdkException why) {
            return why instanceof software.amazon.awssdk.awscore.exception.AwsServiceException service
                    && (service.isThrottlingException() || service.statusCode() >= 500);
        }

        /** Twice as long each time, and a random part of it, so that tasks do not come together. */
        static long wait(int attempt) {
            long most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS << Math.min(attempt - 1, 20));
            return ThreadLocalRandom.current().nextLong(most / 2, most + 1);
        }

        @Override
        public void close() {
            puts.close();
        }
    }
}
