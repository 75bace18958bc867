package stoa.analytics;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import stoa.analytics.Definitions.AggregateKind;

/** Rows as topics, objects and tables show them: byte for byte what the C++ engine writes. */
final class Rows {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter OBJECT_TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH-mm-ss'Z'").withZone(ZoneOffset.UTC);

    private Rows() {}

    static String time(long ms) {
        return TIME.format(Instant.ofEpochMilli(ms));
    }

    static String[] parts(Plan plan, String key) {
        return plan.is.key().isEmpty() ? new String[0] : key.split(Plan.PART, -1);
    }

    static Row of(Plan plan, long startMs, String key, long[] numbers, long[] distinct) {
        var values = new long[plan.steps.size()];
        for (int i = 0; i < values.length; ++i) {
            var step = plan.steps.get(i);
            AggregateKind kind = step.is().kind();
            values[i] = switch (kind) {
                case COUNT, SUM -> numbers[step.slot()];
                case DISTINCT -> distinct[step.slot()];
                case AVERAGE -> Money.average(values[step.of()], values[step.per()]);
                case DIFFERENCE -> Money.saturated(values[step.of()], -Math.max(values[step.per()], -Long.MAX_VALUE));
                case TOP -> throw new IllegalStateException("refused when planned");
            };
        }
        return new Row(plan.name(), startMs, key, values);
    }

    static String json(Plan plan, Row row) {
        var out = new StringBuilder("{");
        if (!plan.isByProduct()) out.append("\"pipeline\":").append(Outgoing.quoted(plan.name())).append(',');
        String[] parts = parts(plan, row.key);
        for (int i = 0; i < parts.length; ++i)
            out.append(Outgoing.quoted(plan.is.key().get(i).name())).append(':').append(Outgoing.quoted(parts[i])).append(',');
        out.append("\"window_start\":\"").append(time(row.startMs)).append("\",\"window_end\":\"")
                .append(time(plan.endOf(row.startMs))).append('"');
        for (int i = 0; i < row.values.length; ++i) {
            var step = plan.steps.get(i);
            out.append(',').append(Outgoing.quoted(step.is().name())).append(':');
            if (step.money()) out.append(Money.text(row.values[i], parts[plan.currencyPart]));
            else out.append(row.values[i]);
        }
        return out.append('}').toString();
    }

    /** Text and whole numbers, in the order of the documented items. */
    static Map<String, Object> item(Plan plan, Row row) {
        var out = new LinkedHashMap<String, Object>();
        String start = time(row.startMs);
        if (!plan.isByProduct()) {
            out.put("series", plan.name());
            out.put("window", start + '#' + row.key.replace(Plan.PART, "|"));
        }
        String[] parts = parts(plan, row.key);
        for (int i = 0; i < parts.length; ++i) out.put(plan.is.key().get(i).name(), parts[i]);
        out.put("window_start", start);
        out.put("window_end", time(plan.endOf(row.startMs)));
        for (int i = 0; i < row.values.length; ++i) out.put(plan.steps.get(i).is().name(), row.values[i]);
        return out;
    }

    static String objectKey(Plan plan, long startMs) {
        return "analytics/" + plan.is.results().object() + '/' + OBJECT_TIME.format(Instant.ofEpochMilli(startMs)) + ".json";
    }
}
