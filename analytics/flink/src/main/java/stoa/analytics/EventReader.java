package stoa.analytics;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import stoa.analytics.Definitions.Topic;

/** Payloads to the fields that pipelines need, by the same rules as the C++ engine's reader. One thread. */
final class EventReader {
    enum What { USER, PRODUCT, ORDER, WORD, CURRENCY, TIME, AMOUNT, QUANTITY, WORD_UNLESS }

    record Member(String name, What what) {}

    static final int LONGEST_FIELD = 256;
    private static final long LAST_MS = 253_402_300_799_999L;
    private static final Pattern RFC_3339 = Pattern.compile(
            "(\\d{4})-(\\d\\d)-(\\d\\d)[Tt ](\\d\\d):([0-5]\\d):([0-5]\\d)(?:(\\.\\d{1,9})\\d*)?([Zz]|[+-]\\d\\d:[0-5]\\d)");
    private static final JsonFactory FACTORY = new JsonFactory();

    private final Topic topic;
    private final List<Member> members;

    EventReader(Topic of) {
        topic = of;
        members = members(of);
    }

    static List<Member> members(Topic of) {
        var out = new ArrayList<Member>();
        add(out, of.user(), What.USER);
        add(out, of.product(), What.PRODUCT);
        add(out, of.order(), What.ORDER);
        add(out, of.word(), What.WORD);
        add(out, of.currency(), What.CURRENCY);
        add(out, of.time(), What.TIME);
        add(out, of.amount(), What.AMOUNT);
        add(out, of.quantity(), What.QUANTITY);
        add(out, of.wordUnless(), What.WORD_UNLESS);
        return out;
    }

    private static void add(List<Member> to, String name, What what) {
        if (name != null) to.add(new Member(name, what));
    }

    /** Why a payload is refused. Not an error of ours, and made often: it has no stack. */
    private static final class Bad extends Exception {
        final String code;

        Bad(String code, String detail) {
            super(detail, null, false, false);
            this.code = code;
        }
    }

    /** Sets the event's fields from its payload, or its kind to BAD. `occurredMs` is the record's own time. */
    void read(Event into, long occurredMs) {
        try {
            into.ms = occurredMs;
            parse(into);
            if (into.ms < 0 || into.ms > LAST_MS)
                throw new Bad("time_ill_formed", "the record's time is not between 1970 and 9999");
        } catch (JsonParseException | com.fasterxml.jackson.core.exc.StreamConstraintsException why) {
            refuse(into, "payload_ill_formed", "the payload is no JSON object");
        } catch (Bad why) {
            refuse(into, why.code, why.getMessage());
        } catch (IOException why) {
            // Bytes that are no UTF-8: there is no other input behind the parser than the payload.
            refuse(into, "payload_ill_formed", "the payload is no JSON object");
        }
    }

    static void refuse(Event what, String code, String detail) {
        what.kind = Event.Kind.BAD;
        what.code = code;
        what.detail = detail;
    }

    private void parse(Event into) throws IOException, Bad {
        int seen = 0;
        String amount = null;
        String otherwise = null;
        try (JsonParser in = FACTORY.createParser(into.payload)) {
            if (in.nextToken() != JsonToken.START_OBJECT) throw new Bad("payload_ill_formed", "the payload is no JSON object");
            while (in.nextToken() != JsonToken.END_OBJECT) {
                int which = find(in.currentName());
                JsonToken value = in.nextToken();
                if (which < 0) {
                    in.skipChildren();
                    continue;
                }
                var of = members.get(which);
                if ((seen & 1 << which) != 0) throw bad(of, "stands there twice");
                seen |= 1 << which;
                switch (of.what()) {
                    case TIME -> into.ms = time(in, value, of);
                    case AMOUNT -> {
                        if (value != JsonToken.VALUE_NUMBER_INT && value != JsonToken.VALUE_NUMBER_FLOAT)
                            throw bad(of, "must be a number");
                        amount = in.getText();  // its digits: the currency may come later
                    }
                    case QUANTITY -> into.quantity = quantity(in, value, of);
                    case WORD_UNLESS -> {
                        if (value != JsonToken.VALUE_TRUE && value != JsonToken.VALUE_FALSE)
                            throw bad(of, "must be true or false");
                        if (value == JsonToken.VALUE_FALSE) otherwise = topic.wordOtherwise();
                    }
                    default -> set(into, of, text(in, value, of));
                }
            }
            if (in.nextToken() != null) throw new Bad("payload_ill_formed", "the payload is no JSON object");
        }
        for (int i = 0; i < members.size(); ++i)
            if ((seen & 1 << i) == 0) throw new Bad("field_missing", members.get(i).name() + ": is required");
        if (topic.wordIs() != null) into.word = otherwise != null ? otherwise : topic.wordIs();
        if (topic.amount() != null) into.amount = amount(amount, into.currency);
    }

    private int find(String name) {
        for (int i = 0; i < members.size(); ++i)
            if (members.get(i).name().equals(name)) return i;
        return -1;
    }

    private static void set(Event into, Member of, String text) {
        switch (of.what()) {
            case USER -> into.user = text;
            case PRODUCT -> into.product = text;
            case ORDER -> into.order = text;
            case WORD -> into.word = text;
            default -> into.currency = text;
        }
    }

    private static String text(JsonParser in, JsonToken value, Member of) throws IOException, Bad {
        if (value != JsonToken.VALUE_STRING) throw bad(of, "must be text");
        String out = in.getText();
        if (out.isEmpty() || out.length() > LONGEST_FIELD
                || out.getBytes(StandardCharsets.UTF_8).length > LONGEST_FIELD)
            throw bad(of, "must have 1 to 256 bytes");
        if (out.contains(Plan.PART)) throw bad(of, "has a control character");
        return out;
    }

    private static long time(JsonParser in, JsonToken value, Member of) throws IOException, Bad {
        if (value == JsonToken.VALUE_NUMBER_INT) {
            // Producers of other houses write milliseconds.
            if (in.getNumberType() == JsonParser.NumberType.BIG_INTEGER) throw bad("time_ill_formed", of);
            long ms = in.getLongValue();
            if (ms < 0 || ms > LAST_MS) throw bad("time_ill_formed", of);
            return ms;
        }
        if (value != JsonToken.VALUE_STRING) throw bad("time_ill_formed", of);
        Long ms = rfc3339(in.getText());
        if (ms == null || ms < 0) throw bad("time_ill_formed", of);
        return ms;
    }

    /** Milliseconds, cut off; null where it is no time. */
    static Long rfc3339(String text) {
        var parts = RFC_3339.matcher(text);
        if (!parts.matches()) return null;
        try {
            String plain = parts.group(1) + "-" + parts.group(2) + "-" + parts.group(3) + "T" + parts.group(4) + ":"
                    + parts.group(5) + ":" + parts.group(6) + (parts.group(7) == null ? "" : parts.group(7))
                    + "Z";
            String zone = parts.group(8);
            long ms = OffsetDateTime.parse(plain).toInstant().toEpochMilli();
            if (zone.equalsIgnoreCase("z")) return ms;
            int hours = Integer.parseInt(zone.substring(1, 3));
            if (hours > 23) return null;
            long minutes = hours * 60L + Integer.parseInt(zone.substring(4, 6));
            return ms + (zone.charAt(0) == '-' ? minutes : -minutes) * 60_000;
        } catch (DateTimeException why) {
            return null;
        }
    }

    private static long quantity(JsonParser in, JsonToken value, Member of) throws IOException, Bad {
        if (value != JsonToken.VALUE_NUMBER_INT || in.getNumberType() == JsonParser.NumberType.BIG_INTEGER)
            throw bad(of, "must be a whole number");
        long out = in.getLongValue();
        if (out < 0 || out > Money.LARGEST) throw bad(of, "must be a whole number");
        return out;
    }

    private long amount(String digits, String currency) throws Bad {
        if (!Money.isCurrency(currency)) throw new Bad("field_ill_formed", topic.currency() + ": is no currency");
        Long out = Money.minor(digits, currency);
        if (out == null) throw new Bad("field_ill_formed", topic.amount() + ": is no amount of its currency");
        return out;
    }

    private static Bad bad(Member of, String why) {
        return new Bad("field_ill_formed", of.name() + ": " + why);
    }

    private static Bad bad(String code, Member of) {
        return new Bad(code, of.name() + ": must be an RFC 3339 time");
    }
}
