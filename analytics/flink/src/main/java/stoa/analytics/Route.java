package stoa.analytics;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;

/**
 * Events of one topic to the pipelines that read it; what is late or bad goes out as a record of its own topic; and the
 * watermarks, event by event, of the slowest of the task's partitions.
 *
 * <p>Whether an event is late is decided here, by the time of its own partition: windows see the slowest partition's,
 * which is earlier, so nothing is late to them, and how fast partitions are read changes nothing. The times are in the
 * checkpoint. An event that was late stays so after a restart, and a partition to which nothing more is written holds no
 * window back, as it would where watermarks began anew. Chained to the source, whose partitions it sees in order.
 */
final class Route extends AbstractStreamOperator<Outgoing> implements OneInputStreamOperator<Event, Outgoing> {
    private static final long serialVersionUID = 1;
    /** Windows close at whole seconds: watermarks between them would only be traffic. */
    private static final long GRID_MS = 1_000;

    private final List<Plan> plans;
    private final Map<String, OutputTag<Fact>> tags = new LinkedHashMap<>();
    private final PartitionTime.Moved moved;
    private final long lagMs;
    private final String group;
    private transient Map<Integer, Long> newestMs;
    private transient Set<Integer> assigned;
    private transient long slowestMs;
    private transient ListState<Tuple2<Integer, Long>> stored;
    private transient Counter late;
    private transient Counter bad;
    private transient Counter marks;

    Route(List<Plan> plans, PartitionTime.Moved moved, long lagMs, String group) {
        this.plans = plans;
        this.moved = moved;
        this.lagMs = lagMs;
        this.group = group;
        for (var each : plans) tags.put(each.name(), tag(each));
        chainingStrategy = ChainingStrategy.ALWAYS;
    }

    static OutputTag<Fact> tag(Plan of) {
        return new OutputTag<>(of.name(), Types.POJO(Fact.class));
    }

    @Override
    public void open() throws Exception {
        super.open();
        late = getMetricGroup().counter("events_late");
        bad = getMetricGroup().counter("events_bad");
        marks = getMetricGroup().counter("marks");
    }

    @Override
    public void processElement(StreamRecord<Event> record) {
        Event event = record.getValue();
        long nowMs = newestMs.getOrDefault(event.partition, PartitionTime.NONE);
        switch (event.kind) {
            case ASSIGNED -> {
                take(event.partitions);
                return;
            }
            case BAD -> {
                bad.inc();
                output.collect(new StreamRecord<>(Outgoing.dead(event, group)));
                return;
            }
            case MARK -> marks.inc();
            case EVENT -> deal(event, nowMs);
        }
        long said = PartitionTime.said(event, moved);
        if (said <= nowMs) return;
        newestMs.put(event.partition, said);
        if (nowMs == PartitionTime.NONE || Math.floorDiv(said - lagMs, GRID_MS) != Math.floorDiv(nowMs - lagMs, GRID_MS)) move();
    }

    private void take(int[] partitions) {
        for (int each : partitions) {
            // A partition that is new to a topic that we have read begins where we are: what is older in it is late.
            if (slowestMs != PartitionTime.NONE) newestMs.putIfAbsent(each, slowestMs);
            assigned.add(each);
        }
        move();
    }

    private void deal(Event event, long nowMs) {
        List<String> missed = null;
        for (var plan : plans) {
            if (!plan.reads(event.topic, event.word)) continue;
            if (plan.closesAt(plan.startOf(event.ms)) <= nowMs) {
                if (missed == null) missed = new ArrayList<>();
                missed.add(plan.name());
            } else {
                output.collect(tags.get(plan.name()), new StreamRecord<>(Fact.of(plan, event)));
            }
        }
        if (missed == null) return;
        late.inc();
        output.collect(new StreamRecord<>(Outgoing.late(event, missed)));
    }

    private void move() {
        long slowest = Long.MAX_VALUE;
        for (int each : assigned) slowest = Math.min(slowest, newestMs.getOrDefault(each, PartitionTime.NONE));
        if (assigned.isEmpty() || slowest <= slowestMs) return;
        slowestMs = slowest;
        output.emitWatermark(new Watermark(slowest - lagMs - 1));
    }

    /** The source has none of its own, but the last, of a source that ends. */
    @Override
    public void processWatermark(Watermark mark) throws Exception {
        if (mark.equals(Watermark.MAX_WATERMARK)) super.processWatermark(mark);
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        var all = new ArrayList<Tuple2<Integer, Long>>();
        newestMs.forEach((partition, ms) -> all.add(Tuple2.of(partition, ms)));
        stored.update(all);
    }

    /** Everybody gets everybody's: partitions may be dealt out anew, and time never goes back. */
    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        newestMs = new HashMap<>();
        assigned = new TreeSet<>();
        slowestMs = PartitionTime.NONE;
        stored = context.getOperatorStateStore().getUnionListState(
                new ListStateDescriptor<>("newest", Types.TUPLE(Types.INT, Types.LONG)));
        for (var each : stored.get()) newestMs.merge(each.f0, each.f1, Math::max);
    }
}
