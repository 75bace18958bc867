package stoa.analytics;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * A window of a key: sums, and distinct members as one state entry each, so that an event reads and writes what it
 * touches and not the whole set. Closed, it is a row.
 */
final class Counting extends KeyedProcessFunction<String, Fact, Row> {
    private static final long serialVersionUID = 1;

    private final Plan plan;
    private final long lagMs;
    private transient ValueState<long[]> numbers;
    private transient ValueState<long[]> sizes;
    private transient MapState<String, Boolean> members;

    Counting(Plan plan, long lagMs) {
        this.plan = plan;
        this.lagMs = lagMs;
    }

    static String key(Fact of) {
        return of.startMs + Plan.PART + of.key;
    }

    @Override
    public void open(OpenContext context) {
        var array = PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO;
        numbers = getRuntimeContext().getState(new ValueStateDescriptor<>("numbers", array));
        sizes = getRuntimeContext().getState(new ValueStateDescriptor<>("sizes", array));
        members = getRuntimeContext().getMapState(new MapStateDescriptor<>("members", Types.STRING, Types.BOOLEAN));
    }

    /** Route lets nothing late through; what comes behind its window all the same would make it a second time. */
    static void closeLater(KeyedProcessFunction<?, ?, ?>.Context context, long atMs) {
        if (context.timerService().currentWatermark() >= atMs)
            throw new IllegalStateException("a fact came behind its window's watermark " + atMs);
        context.timerService().registerEventTimeTimer(atMs);
    }

    static long[] added(long[] to, long[] more) {
        long[] out = to == null ? new long[more.length] : to;
        for (int i = 0; i < more.length; ++i) out[i] = Money.saturated(out[i], more[i]);
        return out;
    }

    @Override
    public void processElement(Fact fact, Context context, Collector<Row> out) throws Exception {
        closeLater(context, plan.firesAt(fact.startMs, lagMs));
        numbers.update(added(numbers.value(), fact.numbers));
        long[] counted = null;
        for (int i = 0; i < fact.members.length; ++i) {
            if (fact.members[i].isEmpty()) continue;
            String member = i + Plan.PART + fact.members[i];
            if (members.contains(member)) continue;
            members.put(member, true);
            if (counted == null) counted = sizes.value();
            if (counted == null) counted = new long[plan.sets];
            ++counted[i];
        }
        if (counted != null) sizes.update(counted);
    }

    @Override
    public void onTimer(long atMs, OnTimerContext context, Collector<Row> out) throws Exception {
        String at = context.getCurrentKey();
        int between = at.indexOf(Plan.PART);
        long[] counted = sizes.value();
        out.collect(Rows.of(plan, Long.parseLong(at.substring(0, between)), at.substring(between + 1), numbers.value(),
                counted == null ? new long[plan.sets] : counted));
        numbers.clear();
        sizes.clear();
        members.clear();
    }
}
