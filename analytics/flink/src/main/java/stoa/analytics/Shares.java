package stoa.analytics;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * The first of two stages, for pipelines that take an event once: keyed by window and a share of the `once` values, so
 * that a pipeline of one key still spreads over all tasks. What has come more than once is dropped here; a closed share
 * goes on as its sums and its distinct members.
 */
final class Shares extends KeyedProcessFunction<String, Fact, Fact> {
    private static final long serialVersionUID = 1;

    private final Plan plan;
    private final long lagMs;
    private transient MapState<String, Boolean> once;
    private transient MapState<String, long[]> numbers;
    private transient MapState<String, Boolean> members;

    Shares(Plan plan, long lagMs) {
        this.plan = plan;
        this.lagMs = lagMs;
    }

    static String key(Fact of, int shares) {
        return of.startMs + Plan.PART + of.share(shares);
    }

    @Override
    public void open(OpenContext context) {
        once = getRuntimeContext().getMapState(new MapStateDescriptor<>("once", Types.STRING, Types.BOOLEAN));
        numbers = getRuntimeContext().getMapState(
                new MapStateDescriptor<>("numbers", Types.STRING, PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
        members = getRuntimeContext().getMapState(new MapStateDescriptor<>("members", Types.STRING, Types.BOOLEAN));
    }

    @Override
    public void processElement(Fact fact, Context context, Collector<Fact> out) throws Exception {
        Counting.closeLater(context, plan.firesAt(fact.startMs, lagMs));
        if (once.contains(fact.once)) return;
        once.put(fact.once, true);
        long[] sums = numbers.get(fact.key);
        numbers.put(fact.key, Counting.added(sums, fact.numbers));
        for (int i = 0; i < fact.members.length; ++i)
            if (!fact.members[i].isEmpty()) members.put(fact.key + Plan.PART + i + Plan.PART + fact.members[i], true);
    }

    @Override
    public void onTimer(long atMs, OnTimerContext context, Collector<Fact> out) throws Exception {
        String at = context.getCurrentKey();
        long startMs = Long.parseLong(at.substring(0, at.indexOf(Plan.PART)));
        for (var each : numbers.entries()) {
            var share = new Fact(plan, startMs, each.getKey());
            share.numbers = each.getValue();
            out.collect(share);
        }
        for (String each : members.keys()) {
            int last = each.lastIndexOf(Plan.PART);
            int middle = each.lastIndexOf(Plan.PART, last - 1);
            var member = new Fact(plan, startMs, each.substring(0, middle));
            member.members[Integer.parseInt(each.substring(middle + 1, last))] = each.substring(last + 1);
            out.collect(member);
        }
        once.clear();
        numbers.clear();
        members.clear();
    }
}
