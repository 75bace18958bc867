package stoa.analytics;

import static stoa.analytics.Definitions.AggregateKind.AVERAGE;
import static stoa.analytics.Definitions.AggregateKind.COUNT;
import static stoa.analytics.Definitions.AggregateKind.DIFFERENCE;
import static stoa.analytics.Definitions.AggregateKind.DISTINCT;
import static stoa.analytics.Definitions.AggregateKind.SUM;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import stoa.analytics.Definitions.Aggregate;
import stoa.analytics.Definitions.Field;
import stoa.analytics.Definitions.Pipeline;

/** One pipeline as this job runs it: checked, with a place for each aggregate's state. */
public final class Plan implements Serializable {
    private static final long serialVersionUID = 1;

    /** Separates key parts, as in every engine; fields cannot hold it. */
    public static final String PART = "\u001f";

    /** `slot`: among the numbers or among the distinct sets; `of` and `per`: indexes of aggregates; -1: none. */
    public record Step(Aggregate is, int slot, int of, int per, boolean money, Set<String> words)
            implements Serializable {
        boolean takes(String word) {
            return words == null || words.contains(word);
        }
    }

    public final Pipeline is;
    public final List<Step> steps;
    public final int numbers;
    public final int sets;
    /** Which part of the key is the currency; -1: none. */
    public final int currencyPart;
    private final Map<String, Set<String>> words = new LinkedHashMap<>();

    private Plan(Pipeline is, List<Step> steps, int numbers, int sets, int currencyPart) {
        this.is = is;
        this.steps = steps;
        this.numbers = numbers;
        this.sets = sets;
        this.currencyPart = currencyPart;
        for (var input : is.inputs())
            words.put(input.topic(), input.words() == null ? null : new HashSet<>(input.words()));
    }

    /** Why this job does not run a pipeline of the file; null where it does. */
    public static String notRun(Pipeline of) {
        switch (of.window().kind()) {
            case SLIDING:
                return "its windows are sliding, and the Flink job runs tumbling windows";
            case SESSION:
                return "its windows are sessions, and the Flink job runs tumbling windows";
            default:
                break;
        }
        for (var each : of.aggregates()) {
            if (each.kind() == Definitions.AggregateKind.TOP)
                return "aggregate " + each.name() + " is a top list, which the Flink job does not count";
            if (each.distinct() == Definitions.DistinctCount.HLL)
                return "aggregate " + each.name() + " is counted by hll, and the Flink job counts exactly";
        }
        return null;
    }

    public static Plan of(Definitions all, Pipeline of) {
        String why = notRun(of);
        if (why != null) throw wrong(of, why);
        checkTimes(of);
        int currency = -1;
        for (int i = 0; i < of.key().size(); ++i) {
            Field field = of.key().get(i).field();
            if (isNumber(field)) throw wrong(of, "a number is no key");
            if (field == Field.CURRENCY) currency = i;
        }
        var steps = new ArrayList<Step>();
        int numbers = 0;
        int sets = 0;
        for (var each : of.aggregates()) {
            var kind = each.kind();
            if (each.distinct() != null && kind != DISTINCT)
                throw wrong(of, each.name() + " counts nothing distinct: `distinct` goes with that kind only");
            boolean counted = kind == COUNT || kind == SUM;
            int slot = counted ? numbers++ : kind == DISTINCT ? sets++ : -1;
            int left = indexOf(steps, each.of());
            int right = indexOf(steps, each.per());
            boolean money = kind == SUM && each.field() == Field.AMOUNT;
            if (kind == SUM && (each.field() == null || !isNumber(each.field())))
                throw wrong(of, each.name() + " sums an amount or a quantity");
            if (money && currency < 0) throw wrong(of, each.name() + " sums money: the currency must be in the key");
            if (kind == DISTINCT && (each.field() == null || isNumber(each.field())))
                throw wrong(of, each.name() + " needs a text field");
            if (kind == AVERAGE || kind == DIFFERENCE) {
                if (left < 0 || right < 0) throw wrong(of, each.name() + " names aggregates that stand before it");
                money = steps.get(left).money();
            }
            steps.add(new Step(each, slot, left, right, money,
                    each.words() == null ? null : new HashSet<>(each.words())));
        }
        for (var input : of.inputs()) checkTopic(of, all.topic(input.topic()));
        return new Plan(of, List.copyOf(steps), numbers, sets, currency);
    }

    private static void checkTimes(Pipeline of) {
        if (of.inputs() == null || of.inputs().isEmpty()) throw wrong(of, "has no input");
        if (of.window().sizeMs() < 1_000) throw wrong(of, "a window has at least a second");
        if (of.window().stepMs() != null) throw wrong(of, "step_ms goes with sliding windows");
        if (of.outOfOrdernessMs() < 0 || of.allowedLatenessMs() < 0) throw wrong(of, "times are not negative");
        for (long each : new long[] {of.window().sizeMs(), of.outOfOrdernessMs(), of.allowedLatenessMs()})
            if (each % 1_000 != 0) throw wrong(of, "the Flink job wants whole seconds, not " + each + " ms");
    }

    private static void checkTopic(Pipeline of, Definitions.Topic topic) {
        for (var part : of.key())
            if (!gives(topic, part.field())) throw wrong(of, topic.name() + " has no " + part.name());
        for (var each : of.aggregates())
            if (each.field() != null && !gives(topic, each.field()))
                throw wrong(of, topic.name() + " has nothing for " + each.name());
        if (of.onceBy() != null && !gives(topic, of.onceBy()))
            throw wrong(of, topic.name() + " has nothing for once_by");
    }

    private static boolean gives(Definitions.Topic topic, Field what) {
        return switch (what) {
            case USER -> topic.user() != null;
            case PRODUCT -> topic.product() != null;
            case ORDER -> topic.order() != null;
            case WORD -> topic.word() != null || topic.wordIs() != null;
            case CURRENCY -> topic.currency() != null;
            case EVENT -> true;
            case AMOUNT -> topic.amount() != null && topic.currency() != null;
            case QUANTITY -> topic.quantity() != null;
        };
    }

    static boolean isNumber(Field what) {
        return what == Field.AMOUNT || what == Field.QUANTITY;
    }

    private static int indexOf(List<Step> in, String name) {
        for (int i = 0; i < in.size(); ++i)
            if (in.get(i).is().name().equals(name)) return i;
        return -1;
    }

    private static Refusal wrong(Pipeline in, String what) {
        return new Refusal("pipeline " + in.name() + ": " + what);
    }

    public String name() {
        return is.name();
    }

    public boolean reads(String topic, String word) {
        return words.containsKey(topic) && (words.get(topic) == null || words.get(topic).contains(word));
    }

    /** Whether its rows are the items {product_id, window_start} of the documented table. */
    public boolean isByProduct() {
        return is.key().size() == 1 && is.key().get(0).name().equals("product_id");
    }

    public long startOf(long ms) {
        return ms - Math.floorMod(ms, is.window().sizeMs());
    }

    public long endOf(long startMs) {
        return startMs + is.window().sizeMs();
    }

    /** Events of a partition whose newest time is this or later are too late for the window. */
    public long closesAt(long startMs) {
        return endOf(startMs) + is.outOfOrdernessMs() + is.allowedLatenessMs();
    }

    /** The watermark, `lag` behind the newest time of the slowest partition, that closes the window. */
    public long firesAt(long startMs, long lagMs) {
        return closesAt(startMs) - lagMs - 1;
    }

    /** What the job runs, for who compares it with the definitions: from the plan, not from the file. */
    public Map<String, Object> described(Definitions all) {
        var out = new TreeMap<String, Object>();
        var inputs = new ArrayList<Object>();
        words.forEach((topic, which) -> {
            var one = new TreeMap<String, Object>();
            one.put("topic", topic);
            if (which != null) one.put("words", which.stream().sorted().toList());
            one.put("members", Event.described(all.topic(topic)));
            inputs.add(one);
        });
        out.put("inputs", inputs);
        out.put("key", is.key().stream().map(k -> List.of(k.name(), lower(k.field()))).toList());
        if (is.onceBy() != null) out.put("once_by", lower(is.onceBy()));
        out.put("window", Map.of("kind", lower(is.window().kind()), "size_ms", endOf(0)));
        out.put("closes_after_ms", closesAt(0) - endOf(0));
        out.put("aggregates", steps.stream().map(this::described).toList());
        var results = new TreeMap<String, Object>();
        if (is.results().topic() != null) results.put("topic", is.results().topic());
        if (is.results().object() != null) results.put("object", is.results().object());
        out.put("results", results);
        return out;
    }

    private Map<String, Object> described(Step of) {
        var out = new TreeMap<String, Object>();
        out.put("name", of.is().name());
        out.put("kind", lower(of.is().kind()));
        if (of.is().field() != null) out.put("field", lower(of.is().field()));
        if (of.is().distinct() != null) out.put("distinct", lower(of.is().distinct()));
        if (of.words() != null) out.put("words", of.words().stream().sorted().toList());
        if (of.of() >= 0) out.put("of", steps.get(of.of()).is().name());
        if (of.per() >= 0) out.put("per", steps.get(of.per()).is().name());
        return out;
    }

    private static String lower(Enum<?> word) {
        return word.name().toLowerCase(java.util.Locale.ROOT);
    }
}
