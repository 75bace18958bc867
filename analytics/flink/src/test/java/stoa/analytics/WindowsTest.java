package stoa.analytics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static stoa.analytics.Given.BEGIN;
import static stoa.analytics.Given.LAG;
import static stoa.analytics.Given.view;

import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.contrib.streaming.state.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class WindowsTest {
    private static final Plan VIEWERS = Given.plan("product_viewers");
    private static final Plan ORDERS = Given.plan("orders_by_minute");

    private static <Out> KeyedOneInputStreamOperatorTestHarness<String, Fact, Out> on(
            KeyedProcessFunction<String, Fact, Out> function, boolean shares) throws Exception {
        var out = new KeyedOneInputStreamOperatorTestHarness<>(new KeyedProcessOperator<>(function),
                fact -> shares ? Shares.key(fact, 4) : Counting.key(fact), Types.STRING);
        out.setStateBackend(new EmbeddedRocksDBStateBackend(true));
        return out;
    }

    private static Fact order(String id, String user, String amount, long ms) {
        return Fact.of(ORDERS, Given.order("{\"order_id\":\"" + id + "\",\"user_id\":\"" + user + "\",\"total_amount\":" + amount
                + ",\"currency\":\"EUR\",\"items_count\":2,\"event_type\":\"order.created\",\"occurred_at\":" + ms + "}"));
    }

    @Test
    void people_are_counted_once_a_product_and_minute() throws Exception {
        try (var counting = on(new Counting(VIEWERS, LAG), false)) {
            counting.open();
            for (var each : List.of(view(0, 1, "ann", "p", BEGIN), view(0, 2, "bob", "p", BEGIN + 59_999),
                    view(0, 3, "ann", "p", BEGIN + 1), view(0, 4, "ann", "q", BEGIN), view(0, 5, "ann", "p", BEGIN + 60_000)))
                counting.processElement(Fact.of(VIEWERS, each), each.ms);
            counting.processWatermark(BEGIN + 59_998);
            assertEquals(0, counting.extractOutputValues().size());
            counting.processWatermark(BEGIN + 59_999);
            var rows = counting.extractOutputValues();
            assertEquals(2, rows.size());
            for (var each : rows) assertArrayEquals(new long[] {each.key.equals("p") ? 2 : 1}, each.values);
            counting.processWatermark(BEGIN + 119_999);
            assertEquals(3, counting.extractOutputValues().size());
        }
    }

    @Test
    void a_closed_window_leaves_no_state() throws Exception {
        // On the heap, whose entries can be counted.
        try (var counting = new KeyedOneInputStreamOperatorTestHarness<String, Fact, Row>(
                new KeyedProcessOperator<>(new Counting(VIEWERS, LAG)), Counting::key, Types.STRING);
                var shares = new KeyedOneInputStreamOperatorTestHarness<String, Fact, Fact>(
                        new KeyedProcessOperator<>(new Shares(ORDERS, LAG)), fact -> Shares.key(fact, 4), Types.STRING)) {
            counting.open();
            shares.open();
            counting.processElement(Fact.of(VIEWERS, view(0, 1, "ann", "p", BEGIN)), BEGIN);
            shares.processElement(order("o1", "ann", "1.01", BEGIN), BEGIN);
            assertEquals(3, counting.numKeyedStateEntries());
            assertEquals(3, shares.numKeyedStateEntries());
            counting.processWatermark(BEGIN + 59_999);
            shares.processWatermark(BEGIN + 59_999);
            assertEquals(0, counting.numKeyedStateEntries() + counting.numEventTimeTimers());
            assertEquals(0, shares.numKeyedStateEntries() + shares.numEventTimeTimers());
        }
    }

    @Test
    void what_comes_behind_its_window_stops_the_job_and_makes_no_second_row() throws Exception {
        try (var counting = on(new Counting(VIEWERS, LAG), false)) {
            counting.open();
            counting.processWatermark(BEGIN + 59_999);
            var behind = Fact.of(VIEWERS, view(0, 1, "ann", "p", BEGIN));
            assertThrows(IllegalStateException.class, () -> counting.processElement(behind, BEGIN));
        }
    }

    @Test
    void an_open_window_goes_on_from_its_checkpoint() throws Exception {
        org.apache.flink.runtime.checkpoint.OperatorSubtaskState saved;
        try (var counting = on(new Counting(VIEWERS, LAG), false)) {
            counting.open();
            counting.processElement(Fact.of(VIEWERS, view(0, 1, "ann", "p", BEGIN)), BEGIN);
            saved = counting.snapshot(1, 1);
        }
        try (var counting = on(new Counting(VIEWERS, LAG), false)) {
            counting.initializeState(saved);
            counting.open();
            counting.processElement(Fact.of(VIEWERS, view(0, 2, "ann", "p", BEGIN)), BEGIN);
            counting.processElement(Fact.of(VIEWERS, view(0, 3, "bob", "p", BEGIN)), BEGIN);
            counting.processWatermark(BEGIN + 59_999);
            assertArrayEquals(new long[] {2}, counting.extractOutputValues().get(0).values);
        }
    }

    @Test
    void orders_are_summed_once_over_both_stages() throws Exception {
        try (var shares = on(new Shares(ORDERS, LAG), true); var counting = on(new Counting(ORDERS, LAG), false)) {
            shares.open();
            counting.open();
            for (var each : List.of(order("o1", "ann", "1.01", BEGIN), order("o1", "ann", "1.01", BEGIN + 5),
                    order("o2", "bob", "2", BEGIN + 6), order("o3", "ann", "0.50", BEGIN + 7)))
                shares.processElement(each, BEGIN);
            shares.processWatermark(BEGIN + 59_999);
            for (var each : shares.extractOutputValues()) counting.processElement(each, BEGIN);
            counting.processWatermark(BEGIN + 59_999);
            var row = counting.extractOutputValues().get(0);
            assertArrayEquals(new long[] {3, 351, 6, 2, 117}, row.values);
            assertEquals("{\"pipeline\":\"orders_by_minute\",\"currency\":\"EUR\","
                    + "\"window_start\":\"2011-11-22T22:14:00.000000Z\",\"window_end\":\"2011-11-22T22:15:00.000000Z\","
                    + "\"order_count\":3,\"total_revenue\":3.51,\"total_items\":6,\"unique_users\":2,\"average_order_value\":1.17}",
                    Rows.json(ORDERS, row));
        }
    }

    @Test
    void a_windows_object_has_its_rows_in_the_order_of_their_keys() throws Exception {
        var plan = Given.plan("payments_by_user");
        try (var gather = new KeyedOneInputStreamOperatorTestHarness<Long, Row, Tuple2<String, String>>(
                new KeyedProcessOperator<>(new Objects.Gather(plan, LAG)), row -> row.startMs, Types.LONG)) {
            gather.open();
            for (String user : List.of("bob", "ann"))
                gather.processElement(new Row(plan.name(), BEGIN, user + Plan.PART + "EUR", new long[] {1, 250}), BEGIN);
            gather.processWatermark(BEGIN + 59_999);
            var object = gather.extractOutputValues().get(0);
            assertEquals("analytics/by_user/2011-11-22T22-14-00Z.json", object.f0);
            var lines = object.f1.split("\n", -1);
            assertEquals(3, lines.length, object.f1);
            assertEquals(true, lines[0].startsWith("{\"pipeline\":\"payments_by_user\",\"user_id\":\"ann\""), object.f1);
            assertEquals(true, lines[1].endsWith("\"total_amount\":2.50}"), object.f1);
            assertEquals("", lines[2]);
        }
    }
}
