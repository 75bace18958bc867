package stoa.analytics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

class DynamoSinkTest {
    private static final Plan VIEWERS = Given.plan("product_viewers");

    /** Answers as it was told, and keeps what it was asked. */
    private static final class Table implements DynamoSink.Puts {
        final Deque<UnaryOperator<Map<String, List<WriteRequest>>>> answers = new ArrayDeque<>();
        final List<Integer> asked = new ArrayList<>();
        boolean closed;

        @Override
        public Map<String, List<WriteRequest>> put(Map<String, List<WriteRequest>> all) {
            asked.add(all.values().stream().mapToInt(List::size).sum());
            return answers.isEmpty() ? Map.of() : answers.remove().apply(all);
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    private final Table table = new Table();
    private final List<Long> slept = new ArrayList<>();
    private final DynamoSink.Writer writer = new DynamoSink.Writer(Map.of(VIEWERS.name(), VIEWERS), "test-", table, slept::add);

    private void write(int from, int until) throws Exception {
        for (int i = from; i < until; ++i) writer.write(new Row(VIEWERS.name(), Given.BEGIN, "p" + i, new long[] {i}), null);
    }

    @Test
    void rows_go_by_twenty_five_and_a_checkpoint_leaves_none() throws Exception {
        write(0, 60);
        assertEquals(List.of(25, 25), table.asked);
        writer.flush(false);
        assertEquals(List.of(25, 25, 10), table.asked);
        writer.flush(false);
        assertEquals(3, table.asked.size());
        writer.close();
        assertTrue(table.closed);
    }

    @Test
    void a_row_of_a_window_that_waits_is_put_once() throws Exception {
        write(0, 3);
        write(0, 3);
        writer.flush(false);
        assertEquals(List.of(3), table.asked);
    }

    @Test
    void what_the_table_did_not_take_is_sent_again_after_growing_waits() throws Exception {
        for (int left = 3; left > 0; --left) {
            int keep = left;
            table.answers.add(all -> Map.of("test-ecommerce-analytics",
                    all.get("test-ecommerce-analytics").subList(0, keep)));
        }
        write(0, 5);
        writer.flush(false);
        assertEquals(List.of(5, 3, 2, 1), table.asked);
        assertEquals(3, slept.size());
        for (int i = 0; i < 3; ++i) assertTrue(slept.get(i) >= 25L << i && slept.get(i) <= 50L << i, slept.toString());
    }

    @Test
    void a_table_that_is_away_is_asked_ten_times_and_then_fails_the_checkpoint() throws Exception {
        for (int i = 0; i < 10; ++i)
            table.answers.add(all -> {
                throw SdkClientException.create("refused", new IOException("connection refused"));
            });
        write(0, 1);
        assertThrows(IOException.class, () -> writer.flush(false));
        assertEquals(10, table.asked.size());
        assertTrue(slept.stream().allMatch(ms -> ms <= 10_000));
    }

    @Test
    void a_row_that_is_refused_fails_at_once() throws Exception {
        table.answers.add(all -> {
            throw DynamoDbException.builder().statusCode(400).message("no such table").build();
        });
        write(0, 1);
        var why = assertThrows(IOException.class, () -> writer.flush(false));
        assertTrue(why.getMessage().contains("no such table"));
        assertEquals(1, table.asked.size());
    }

    @Test
    void an_object_is_put_again_until_it_is_there() throws Exception {
        var failures = new ArrayDeque<>(List.of(1, 2));
        var stored = new ArrayList<String>();
        var objects = new Objects.Writer((name, content) -> {
            if (failures.poll() != null) throw new IOException("away");
            stored.add(name + new String(content));
        }, slept::add);
        objects.write(org.apache.flink.api.java.tuple.Tuple2.of("a", "[]"), null);
        assertEquals(List.of("a[]"), stored);
        assertEquals(2, slept.size());
    }
}
