package stoa.analytics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static stoa.analytics.Given.BEGIN;
import static stoa.analytics.Given.LAG;
import static stoa.analytics.Given.mark;
import static stoa.analytics.Given.view;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class RouteTest {
    private static final Plan VIEWERS = Given.plan("product_viewers");

    private static OneInputStreamOperatorTestHarness<Event, Outgoing> route(PartitionTime.Moved moved) throws Exception {
        return new OneInputStreamOperatorTestHarness<>(new Route(List.of(VIEWERS), moved, LAG, "group"));
    }

    private static void send(OneInputStreamOperatorTestHarness<Event, Outgoing> to, Event... events) throws Exception {
        for (var each : events) to.processElement(new StreamRecord<>(each));
    }

    private static long watermark(OneInputStreamOperatorTestHarness<Event, Outgoing> of) {
        return of.getOutput().stream().filter(each -> each instanceof Watermark).mapToLong(each -> ((Watermark) each).getTimestamp())
                .reduce(Long.MIN_VALUE, (a, b) -> {
                    assertTrue(b > a, "a watermark goes on");
                    return b;
                });
    }

    private static int facts(OneInputStreamOperatorTestHarness<Event, Outgoing> of) {
        var out = of.getSideOutput(Route.tag(VIEWERS));
        return out == null ? 0 : out.size();
    }

    @Test
    void the_slowest_partition_is_time_and_each_event_moves_it() throws Exception {
        try (var route = route(PartitionTime.Moved.BY_EVENTS_AND_MARKS)) {
            route.open();
            send(route, Event.assigned("ecom-raw-events", 0, 1), view(0, 1, "u", "p", BEGIN));
            assertEquals(Long.MIN_VALUE, watermark(route));
            send(route, view(1, 1, "u", "p", BEGIN + 5_000));
            assertEquals(BEGIN - LAG - 1, watermark(route));
            send(route, view(0, 2, "u", "p", BEGIN + 9_000));
            assertEquals(BEGIN + 5_000 - LAG - 1, watermark(route));
        }
    }

    @Test
    void a_partition_without_events_goes_by_its_marks() throws Exception {
        try (var route = route(PartitionTime.Moved.BY_EVENTS_AND_MARKS)) {
            route.open();
            send(route, Event.assigned("ecom-raw-events", 0, 1), view(0, 1, "u", "p", BEGIN), mark(1, BEGIN + 60_000));
            assertEquals(BEGIN - LAG - 1, watermark(route));
        }
    }

    @Test
    void by_marks_alone_no_event_closes_anything() throws Exception {
        try (var route = route(PartitionTime.Moved.BY_MARKS)) {
            route.open();
            send(route, Event.assigned("ecom-raw-events", 0), view(0, 1, "u", "p", BEGIN + 500_000), view(0, 2, "u", "p", BEGIN));
            assertEquals(Long.MIN_VALUE, watermark(route));
            assertEquals(2, facts(route));
            send(route, mark(0, BEGIN + 70_000), view(0, 3, "u", "p", BEGIN));
            assertEquals(BEGIN + 60_000 - 1, watermark(route));
            assertEquals(2, facts(route));
        }
    }

    @Test
    void what_is_late_is_put_out_and_in_no_window() throws Exception {
        try (var route = route(PartitionTime.Moved.BY_EVENTS_AND_MARKS)) {
            route.open();
            // A millisecond before its window closes, and when it has closed.
            send(route, Event.assigned("ecom-raw-events", 0), view(0, 1, "u", "p", BEGIN + 69_999), view(0, 2, "u", "p", BEGIN),
                    view(0, 3, "u", "p", BEGIN + 70_000), view(0, 4, "u", "p", BEGIN + 59_999));
            assertEquals(3, facts(route));
            var late = route.extractOutputValues();
            assertEquals(1, late.size());
            assertEquals(Outgoing.LATE, late.get(0).topic);
            String text = new String(late.get(0).value, StandardCharsets.UTF_8);
            assertTrue(text.startsWith("{\"topic\":\"ecom-raw-events\",\"partition\":0,\"offset\":4,"
                    + "\"pipelines\":[\"product_viewers\"],\"event\":{\"user_id\""), text);
        }
    }

    @Test
    void an_event_that_claims_the_future_moves_time_to_its_record_and_no_further() throws Exception {
        try (var route = route(PartitionTime.Moved.BY_EVENTS_AND_MARKS)) {
            route.open();
            var future = view(0, 1, "u", "p", BEGIN + 86_400_000);
            future.recordMs = BEGIN + 20_000;
            send(route, Event.assigned("ecom-raw-events", 0), future, view(0, 2, "u", "p", BEGIN));
            assertEquals(BEGIN + 10_000 - 1, watermark(route));
            assertEquals(2, facts(route));
        }
    }

    @Test
    void a_bad_record_is_a_dead_letter_with_its_cause_and_moves_nothing() throws Exception {
        try (var route = route(PartitionTime.Moved.BY_EVENTS_AND_MARKS)) {
            route.open();
            send(route, Event.assigned("ecom-raw-events", 0),
                    Given.read("ecom-raw-events", "no json", "v", Rows.time(BEGIN), 0, 7, BEGIN));
            assertEquals(Long.MIN_VALUE, watermark(route));
            var dead = route.extractOutputValues().get(0);
            assertEquals("ecom-raw-events.dlq", dead.topic);
            assertEquals("no json", new String(dead.value, StandardCharsets.UTF_8));
            assertEquals("payload_ill_formed", new String(dead.headers.get("dlq_code"), StandardCharsets.UTF_8));
            assertEquals("7", new String(dead.headers.get("dlq_offset"), StandardCharsets.UTF_8));
        }
    }

    @Test
    void restored_times_hold_though_nothing_more_comes() throws Exception {
        org.apache.flink.runtime.checkpoint.OperatorSubtaskState saved;
        try (var route = route(PartitionTime.Moved.BY_EVENTS_AND_MARKS)) {
            route.open();
            send(route, Event.assigned("ecom-raw-events", 0, 1), view(0, 1, "u", "p", BEGIN + 100_000),
                    view(1, 1, "u", "p", BEGIN));
            saved = route.snapshot(1, 1);
        }
        try (var route = route(PartitionTime.Moved.BY_EVENTS_AND_MARKS)) {
            route.initializeState(saved);
            route.open();
            // Told of both at once: of one alone, time would run ahead of the other.
            send(route, Event.assigned("ecom-raw-events", 0, 1));
            assertEquals(BEGIN - LAG - 1, watermark(route));
            send(route, view(0, 2, "u", "p", BEGIN));
            assertEquals(0, facts(route));
            send(route, view(1, 2, "u", "p", BEGIN + 200_000));
            assertEquals(BEGIN + 90_000 - 1, watermark(route));
        }
    }

    @Test
    void a_partition_that_is_new_to_the_topic_begins_where_time_is() throws Exception {
        try (var route = route(PartitionTime.Moved.BY_EVENTS_AND_MARKS)) {
            route.open();
            send(route, Event.assigned("ecom-raw-events", 0), view(0, 1, "u", "p", BEGIN + 100_000),
                    Event.assigned("ecom-raw-events", 1), view(1, 0, "u", "p", BEGIN));
            assertEquals(1, facts(route));
            assertEquals(1, route.extractOutputValues().size());
            assertEquals(BEGIN + 90_000 - 1, watermark(route));
        }
    }
}
