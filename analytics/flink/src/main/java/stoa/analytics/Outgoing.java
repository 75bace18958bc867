package stoa.analytics;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;

/** A record on its way to a topic; the topic is ours, without the prefix. */
public class Outgoing {
    public static final String LATE = "ecom-analytics-late";
    private static final int LARGEST_QUOTED = 200_000;

    public static final TypeInformation<Outgoing> TYPE = Types.POJO(Outgoing.class, Map.of("topic", Types.STRING,
            "key", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO,
            "value", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO,
            "headers", Types.MAP(Types.STRING, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)));

    public String topic;
    public byte[] key;
    public byte[] value;
    public Map<String, byte[]> headers = new LinkedHashMap<>();

    public Outgoing() {}

    private void header(String name, String value) {
        headers.put(name, value.getBytes(StandardCharsets.UTF_8));
    }

    /** An event that came too late: where it stands, for which pipelines, and what it was. */
    static Outgoing late(Event of, List<String> pipelines) {
        var out = new Outgoing();
        out.topic = LATE;
        out.key = of.key;
        var text = new StringBuilder("{\"topic\":").append(quoted(of.topic)).append(",\"partition\":").append(of.partition)
                .append(",\"offset\":").append(of.offset).append(",\"pipelines\":[");
        for (int i = 0; i < pipelines.size(); ++i) text.append(i > 0 ? "," : "").append(quoted(pipelines.get(i)));
        text.append(']');
        if (of.payload.length <= LARGEST_QUOTED)
            text.append(",\"event\":").append(new String(of.payload, StandardCharsets.UTF_8));
        out.value = text.append('}').toString().getBytes(StandardCharsets.UTF_8);
        out.headers.putAll(of.headers);
        out.header("id", of.id);
        out.header("type", "late");
        out.headers.putIfAbsent("version", new byte[] {'0'});
        return out;
    }

    /** What could not be read, as it came, with its cause. */
    static Outgoing dead(Event of, String group) {
        var out = new Outgoing();
        out.topic = of.topic + ".dlq";
        out.key = of.key;
        out.value = of.payload;
        of.headers.forEach((name, value) -> {
            if (!name.startsWith("dlq_")) out.headers.put(name, value);
        });
        out.header("dlq_group", group);
        out.header("dlq_code", of.code);
        out.header("dlq_detail", of.detail);
        out.header("dlq_attempts", "1");
        out.header("dlq_partition", Integer.toString(of.partition));
        out.header("dlq_offset", Long.toString(of.offset));
        out.header("dlq_at", Instant.now().toString());
        return out;
    }

    /** A row as one event: the same row has the same id, whoever writes it and however often. */
    static Outgoing row(Plan plan, Row row) {
        var out = new Outgoing();
        out.topic = plan.is.results().topic();
        String key = row.key.isEmpty() ? plan.name() : row.key;
        out.key = key.getBytes(StandardCharsets.UTF_8);
        out.value = Rows.json(plan, row).getBytes(StandardCharsets.UTF_8);
        String named = plan.name() + "\n" + row.key + "\n" + row.startMs;
        out.header("id", UUID.nameUUIDFromBytes(named.getBytes(StandardCharsets.UTF_8)).toString());
        out.header("type", plan.name());
        out.header("version", "0");
        out.header("schema_version", "1");
        out.header("occurred_at", Rows.time(plan.endOf(row.startMs)));
        return out;
    }

    static String quoted(String text) {
        return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + '"';
    }
}
