package stoa.analytics;

import java.io.IOException;
import java.io.Serializable;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.TreeMap;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** All rows of a window as one object in a bucket, a line of JSON each, in the order of their keys. */
final class Objects {
    /** `endpoint` empty: Amazon's. */
    record Settings(String root, String region, String endpoint) implements Serializable {}

    private Objects() {}

    /** Rows of a window to its object's name and content. Keyed by the window. */
    static final class Gather extends KeyedProcessFunction<Long, Row, Tuple2<String, String>> {
        private static final long serialVersionUID = 1;

        private final Plan plan;
        private final long lagMs;
        private transient MapState<String, String> rows;

        Gather(Plan plan, long lagMs) {
            this.plan = plan;
            this.lagMs = lagMs;
        }

        @Override
        public void open(OpenContext context) {
            rows = getRuntimeContext().getMapState(new MapStateDescriptor<>("rows", Types.STRING, Types.STRING));
        }

        @Override
        public void processElement(Row row, Context context, Collector<Tuple2<String, String>> out) throws Exception {
            Counting.closeLater(context, plan.firesAt(row.startMs, lagMs));
            rows.put(row.key, Rows.json(plan, row));
        }

        @Override
        public void onTimer(long atMs, OnTimerContext context, Collector<Tuple2<String, String>> out) throws Exception {
            var sorted = new TreeMap<byte[], String>(Arrays::compareUnsigned);
            for (var each : rows.entries()) sorted.put(each.getKey().getBytes(StandardCharsets.UTF_8), each.getValue());
            out.collect(Tuple2.of(Rows.objectKey(plan, context.getCurrentKey()),
                    String.join("\n", sorted.values()) + "\n"));
            rows.clear();
        }
    }

    /** Written again after a restart, an object has the same name and content. */
    static final class ToBucket implements Sink<Tuple2<String, String>> {
        private static final long serialVersionUID = 1;

        private final Settings settings;

        ToBucket(Settings settings) {
            this.settings = settings;
        }

        @Override
        @SuppressWarnings("deprecation")  // abstract in 1.20; Flink itself calls the one below
        public SinkWriter<Tuple2<String, String>> createWriter(InitContext context) {
            return writer();
        }

        @Override
        public SinkWriter<Tuple2<String, String>> createWriter(WriterInitContext context) {
            return writer();
        }

        private Writer writer() {
            return new Writer(settings.root().startsWith("s3://") ? new S3(settings) : new Files(settings.root()),
                    Thread::sleep);
        }
    }

    /** Where objects are put. One that cannot be put now throws IOException. */
    interface Store extends AutoCloseable {
        void put(String name, byte[] content) throws IOException;

        @Override
        default void close() {}
    }

    static final class Writer implements SinkWriter<Tuple2<String, String>> {
        static final int ATTEMPTS = 8;

        private final Store store;
        private final DynamoSink.Sleep sleep;

        Writer(Store store, DynamoSink.Sleep sleep) {
            this.store = store;
            this.sleep = sleep;
        }

        @Override
        public void write(Tuple2<String, String> one, Context context) throws IOException, InterruptedException {
            for (int attempt = 1;; ++attempt) {
                try {
                    store.put(one.f0, one.f1.getBytes(StandardCharsets.UTF_8));
                    return;
                } catch (IOException why) {
                    if (attempt == ATTEMPTS) throw new IOException(one.f0 + " was not put in " + ATTEMPTS + " attempts", why);
                }
                sleep.of(DynamoSink.Writer.wait(attempt));
            }
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {
            store.close();
        }
    }

    /** gs://, hdfs://, file:// …: what the cluster has a file system for. */
    private record Files(String root) implements Store {
        @Override
        public void put(String name, byte[] content) throws IOException {
            Path to = new Path(root, name);
            try (FSDataOutputStream out = FileSystem.get(to.toUri()).create(to, FileSystem.WriteMode.OVERWRITE)) {
                out.write(content);
            }
        }
    }

    private static final class S3 implements Store {
        private final S3Client client;
        private final String bucket;
        private final String folder;

        S3(Settings settings) {
            URI root = URI.create(settings.root());
            bucket = root.getHost();
            folder = root.getPath().isEmpty() ? "" : (root.getPath() + '/').replaceAll("/+", "/").substring(1);
            var made = S3Client.builder().region(Region.of(settings.region())).httpClient(UrlConnectionHttpClient.create());
            if (!settings.endpoint().isEmpty()) made.endpointOverride(URI.create(settings.endpoint())).forcePathStyle(true);
            client = made.build();
        }

        @Override
        public void put(String name, byte[] content) throws IOException {
            try {
                client.putObject(r -> r.bucket(bucket).key(folder + name).contentType("application/json"),
                        RequestBody.fromBytes(content));
            } catch (SdkException why) {
                throw new IOException("s3://" + bucket + '/' + folder + name + ": " + why.getMessage(), why);
            }
        }

        @Override
        public void close() {
            client.close();
        }
    }
}
