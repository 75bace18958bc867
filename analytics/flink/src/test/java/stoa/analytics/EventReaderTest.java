package stoa.analytics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EventReaderTest {
    private static final String ORDER = "{\"order_id\":\"o\",\"user_id\":\"u\",\"total_amount\":%s,\"currency\":\"%s\","
            + "\"items_count\":%s,\"event_type\":\"order.created\",\"occurred_at\":\"2011-12-01T00:00:00.123456Z\"}";

    private static Event order(String amount, String currency, String items) {
        return Given.order(ORDER.formatted(amount, currency, items));
    }

    @ParameterizedTest
    @CsvSource({"12.30,EUR,1230", "12.3,EUR,1230", "12,EUR,1200", "-0.01,EUR,-1", "12.300,EUR,1230", "7,JPY,7",
        "1.234,BHD,1234", "0,EUR,0"})
    void amounts_are_whole_numbers_of_the_smallest_unit(String digits, String currency, long minor) {
        var event = order(digits, currency, "1");
        assertEquals(Event.Kind.EVENT, event.kind, event.detail);
        assertEquals(minor, event.amount);
        assertEquals(1_322_697_600_123L, event.ms);
    }

    @ParameterizedTest
    @CsvSource({"1.234,EUR,is no amount", "1e2,EUR,is no amount", "'\"1\"',EUR,must be a number", "1,EUX,is no currency",
        "99999999999999999999,EUR,is no amount", "1.5,JPY,is no amount"})
    void what_is_no_amount_is_refused(String digits, String currency, String why) {
        var event = order(digits, currency, "1");
        assertEquals(Event.Kind.BAD, event.kind);
        assertEquals("field_ill_formed", event.code);
        assertEquals(why, event.detail.substring(event.detail.indexOf(' ') + 1).substring(0, why.length()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "no json|payload_ill_formed", "[1]|payload_ill_formed", "{}|field_missing", "{\"user_id\":\"u\"}|field_missing",
        "{\"user_id\":\"u\",\"user_id\":\"u\"}|field_ill_formed", "{\"user_id\":\"\"}|field_ill_formed",
        "{\"user_id\":7}|field_ill_formed", "{\"timestamp\":\"2011-02-30T00:00:00Z\"}|time_ill_formed",
        "{\"timestamp\":-1}|time_ill_formed", "{\"user_id\":\"a\\u001fb\"}|field_ill_formed",
        "{\"user_id\":\"u\",\"product_id\":\"p\",\"event_type\":\"v\",\"timestamp\":5} x|payload_ill_formed",
        "{\"user_id\":\"u\",\"product_id\":\"p\",\"event_type\":\"v\",\"timestamp\":5|payload_ill_formed"})
    void what_is_no_event_is_refused_with_its_cause(String payload, String code) {
        var event = Given.read("ecom-raw-events", payload, "v", null, 0, 0, Given.BEGIN);
        assertEquals(Event.Kind.BAD, event.kind);
        assertEquals(code, event.code, event.detail);
    }

    @Test
    void members_that_nobody_asked_for_may_be_anything() {
        var event = Given.read("ecom-raw-events", "{\"metadata\":{\"user_id\":[1,{}]},\"user_id\":\"u\",\"product_id\":\"p\","
                + "\"event_type\":\"new\",\"timestamp\":\"2011-12-01T01:00:00+01:00\",\"x\":null}", "v", null, 0, 0, -1);
        assertEquals(Event.Kind.EVENT, event.kind, event.detail);
        assertEquals(1_322_697_600_000L, event.ms);
        assertEquals("u", event.user);
    }

    @Test
    void a_refund_that_failed_has_another_word() {
        String refund = "{\"orderId\":\"o\",\"userId\":\"u\",\"amount\":1,\"currency\":\"EUR\",\"succeeded\":%s}";
        assertEquals("refunded", Given.read("payment.refunded", refund.formatted("true"), "x", null, 0, 0, 5).word);
        assertEquals("refund_failed", Given.read("payment.refunded", refund.formatted("false"), "x", null, 0, 0, 5).word);
    }

    @Test
    void times_are_cut_to_milliseconds() {
        assertEquals(1_322_697_600_999L, EventReader.rfc3339("2011-12-01T00:00:00.9999999999Z"));
        assertEquals(1_322_697_600_100L, EventReader.rfc3339("2011-12-01t00:00:00.1z"));
        for (String each : new String[] {"", "2011-12-01", "2011-12-01T24:00:00Z", "2011-12-01T00:00:60Z",
            "2011-12-01T00:00:00", "2011-12-01T00:00:001Z", "2011-12-01T00:00:00.Z", "2011-12-01T00:00:00+24:00"})
            assertNull(EventReader.rfc3339(each), each);
    }
}
