package stoa.analytics;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;

/** What tests are given. */
final class Given {
    static final Definitions ALL = Definitions.packaged();
    static final long BEGIN = 1_322_000_040_000L;  // a whole minute
    static final long LAG = 10_000;

    private Given() {}

    static Plan plan(String name) {
        return Plan.of(ALL, ALL.pipelines().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow());
    }

    static Event read(String topic, String payload, String type, String occurredAt, int partition, long offset, long recordMs) {
        var headers = new RecordHeaders();
        headers.add("id", ("id-" + partition + "-" + offset).getBytes(StandardCharsets.UTF_8));
        headers.add("type", type.getBytes(StandardCharsets.UTF_8));
        if (occurredAt != null) headers.add("occurred_at", occurredAt.getBytes(StandardCharsets.UTF_8));
        return new RecordReader(ALL.topic(topic)).read(new ConsumerRecord<>(topic, partition, offset, recordMs,
                TimestampType.CREATE_TIME, 0, 0, null, payload.getBytes(StandardCharsets.UTF_8), headers,
                java.util.Optional.empty()));
    }

    static Event view(int partition, long offset, String user, String product, long ms) {
        return read("ecom-raw-events", "{\"user_id\":\"" + user + "\",\"product_id\":\"" + product
                + "\",\"event_type\":\"VIEW_PRODUCT\",\"timestamp\":" + ms + "}", "VIEW_PRODUCT", null, partition, offset, ms);
    }

    static Event order(String payload) {
        return read("orders", payload, "order.created", null, 0, 0, BEGIN);
    }

    static Event mark(int partition, long ms) {
        return read("ecom-raw-events", "{}", Event.MARK_TYPE, Rows.time(ms), partition, 0, ms);
    }
}
