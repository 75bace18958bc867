package stoa.analytics;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.KafkaSourceEnumState;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * Kafka's source, and before the first record of a partition that a task is given, now or by a checkpoint, word of it:
 * Route keeps the times of partitions and must know which it waits for.
 */
final class TopicSource implements Source<Event, KafkaPartitionSplit, KafkaSourceEnumState>, ResultTypeQueryable<Event> {
    private static final long serialVersionUID = 1;

    private final KafkaSource<Event> kafka;
    private final String topic;

    TopicSource(KafkaSource<Event> kafka, String topic) {
        this.kafka = kafka;
        this.topic = topic;
    }

    @Override
    public SourceReader<Event, KafkaPartitionSplit> createReader(SourceReaderContext context) throws Exception {
        return new Reader(kafka.createReader(context), topic);
    }

    @Override
    public Boundedness getBoundedness() {
        return kafka.getBoundedness();
    }

    @Override
    public SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> createEnumerator(
            SplitEnumeratorContext<KafkaPartitionSplit> context) {
        return kafka.createEnumerator(context);
    }

    @Override
    public SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> restoreEnumerator(
            SplitEnumeratorContext<KafkaPartitionSplit> context, KafkaSourceEnumState from) throws java.io.IOException {
        return kafka.restoreEnumerator(context, from);
    }

    @Override
    public SimpleVersionedSerializer<KafkaPartitionSplit> getSplitSerializer() {
        return kafka.getSplitSerializer();
    }

    @Override
    public SimpleVersionedSerializer<KafkaSourceEnumState> getEnumeratorCheckpointSerializer() {
        return kafka.getEnumeratorCheckpointSerializer();
    }

    @Override
    public TypeInformation<Event> getProducedType() {
        return kafka.getProducedType();
    }

    /** On the task's thread, all of it. */
    static final class Reader implements SourceReader<Event, KafkaPartitionSplit> {
        private final SourceReader<Event, KafkaPartitionSplit> kafka;
        private final String topic;
        private final List<Integer> untold = new ArrayList<>();

        Reader(SourceReader<Event, KafkaPartitionSplit> kafka, String topic) {
            this.kafka = kafka;
            this.topic = topic;
        }

        @Override
        public void addSplits(List<KafkaPartitionSplit> splits) {
            for (var each : splits) untold.add(each.getPartition());
            kafka.addSplits(splits);
        }

        @Override
        public InputStatus pollNext(ReaderOutput<Event> output) throws Exception {
            if (!untold.isEmpty()) {
                // All at once: told of one alone, Route would not wait for the others.
                output.collect(Event.assigned(topic, untold.stream().mapToInt(each -> each).toArray()));
                untold.clear();
            }
            return kafka.pollNext(output);
        }

        @Override
        public CompletableFuture<Void> isAvailable() {
            return untold.isEmpty() ? kafka.isAvailable() : CompletableFuture.completedFuture(null);
        }

        @Override
        public void start() {
            kafka.start();
        }

        @Override
        public List<KafkaPartitionSplit> snapshotState(long checkpointId) {
            return kafka.snapshotState(checkpointId);
        }

        @Override
        public void notifyNoMoreSplits() {
            kafka.notifyNoMoreSplits();
        }

        @Override
        public void handleSourceEvents(SourceEvent event) {
            kafka.handleSourceEvents(event);
        }

        @Override
        public void notifyCheckpointComplete(long checkpointId) throws Exception {
            kafka.notifyCheckpointComplete(checkpointId);
        }

        @Override
        public void notifyCheckpointAborted(long checkpointId) throws Exception {
            kafka.notifyCheckpointAborted(checkpointId);
        }

        @Override
        public void close() throws Exception {
            kafka.close();
        }
    }
}
