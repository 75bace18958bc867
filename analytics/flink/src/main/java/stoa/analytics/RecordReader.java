package stoa.analytics;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/**
 * Records of one topic to events. Stoa's producers say id, type and time in headers; a record of another house without
 * them has its place as its id and Kafka's timestamp as its time.
 */
final class RecordReader implements KafkaRecordDeserializationSchema<Event> {
    private static final long serialVersionUID = 1;

    private final Definitions.Topic topic;
    private transient EventReader reader;

    RecordReader(Definitions.Topic topic) {
        this.topic = topic;
    }

    @Override
    public void open(DeserializationSchema.InitializationContext context) {
        reader = new EventReader(topic);
    }

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Event> out) {
        out.collect(read(record));
    }

    Event read(ConsumerRecord<byte[], byte[]> record) {
        if (reader == null) reader = new EventReader(topic);
        var event = new Event();
        event.topic = topic.name();
        event.partition = record.partition();
        event.offset = record.offset();
        event.recordMs = record.timestamp();
        event.key = record.key();
        event.payload = record.value() == null ? new byte[0] : record.value();
        event.headers = new LinkedHashMap<>();
        for (Header each : record.headers()) event.headers.put(each.key(), each.value() == null ? new byte[0] : each.value());
        String id = header(event, "id");
        event.id = id != null && !id.isEmpty() ? id
                : topic.name() + "/" + record.partition() + "/" + record.offset();
        long occurred = record.timestamp();
        String at = header(event, "occurred_at");
        if (at != null) {
            Long ms = EventReader.rfc3339(at);
            if (ms == null) {
                EventReader.refuse(event, "header_ill_formed", "header `occurred_at` is no RFC 3339 time");
                return event;
            }
            occurred = ms;
        }
        if (Event.MARK_TYPE.equals(header(event, "type"))) {
            event.kind = Event.Kind.MARK;
            event.ms = occurred;
            return event;
        }
        reader.read(event, occurred);
        return event;
    }

    private static String header(Event of, String name) {
        byte[] value = of.headers.get(name);
        return value == null ? null : new String(value, StandardCharsets.UTF_8);
    }

    @Override
    public TypeInformation<Event> getProducedType() {
        return TypeInformation.of(Event.class);
    }
}
