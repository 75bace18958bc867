package stoa.analytics;

import java.util.Map;
import java.util.TreeMap;

/**
 * A record of a topic, read: an event, a mark (an event of type `stoa.mark`, whose time says how far the partition is),
 * or a bad one; or no record, but word of the partitions that the task has been given. Lives inside one task: what goes over the network is a Fact.
 */
public final class Event {
    public enum Kind { EVENT, MARK, BAD, ASSIGNED }

    public static final String MARK_TYPE = "stoa.mark";

    public Kind kind = Kind.EVENT;
    public String topic;
    public int partition;
    public long offset;
    /** When the record was written, by its producer's or broker's clock; negative: unknown. */
    public long recordMs;
    public long ms;
    public String id;
    public String user;
    public String product;
    public String order;
    public String word;
    public String currency;
    public long amount;
    public long quantity;
    /** What is wrong with a bad one, for machines and for people. */
    public String code;
    public String detail;
    /** As it came, for the topics of late and of bad ones. */
    public byte[] key;
    public byte[] payload;
    public Map<String, byte[]> headers;

    /** Of ASSIGNED: all that were given at once. */
    public int[] partitions;

    static Event assigned(String topic, int... partitions) {
        var out = new Event();
        out.kind = Kind.ASSIGNED;
        out.topic = topic;
        out.partitions = partitions;
        return out;
    }

    public String text(Definitions.Field of) {
        return switch (of) {
            case USER -> user;
            case PRODUCT -> product;
            case ORDER -> order;
            case WORD -> word;
            case CURRENCY -> currency;
            case EVENT -> id;
            case AMOUNT, QUANTITY -> throw new IllegalArgumentException(of + " is a number");
        };
    }

    public long number(Definitions.Field of) {
        return of == Definitions.Field.AMOUNT ? amount : quantity;
    }

    /** Which member of a payload is what, as EventReader takes it. */
    static Map<String, Object> described(Definitions.Topic of) {
        var out = new TreeMap<String, Object>();
        for (var each : EventReader.members(of)) out.put(each.what().name().toLowerCase(java.util.Locale.ROOT), each.name());
        if (of.wordIs() != null) out.put("word_is", of.wordIs());
        if (of.wordOtherwise() != null) out.put("word_otherwise", of.wordOtherwise());
        return out;
    }
}
