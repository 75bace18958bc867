package stoa.analytics;

/** What an event, or a share of a window, adds to one window of one pipeline. Goes over the network. */
public class Fact {
    public String pipeline;
    public long startMs;
    public String key;
    /** An event whose value was in the window before changes nothing; empty: all count. */
    public String once;
    public long[] numbers;
    /** One for each distinct set; empty: nothing for it. */
    public String[] members;

    public Fact() {}

    Fact(Plan of, long startMs, String key) {
        pipeline = of.name();
        this.startMs = startMs;
        this.key = key;
        once = "";
        numbers = new long[of.numbers];
        members = new String[of.sets];
        java.util.Arrays.fill(members, "");
    }

    static Fact of(Plan plan, Event event) {
        var key = new StringBuilder();
        for (var part : plan.is.key()) {
            if (key.length() > 0 || part != plan.is.key().get(0)) key.append(Plan.PART);
            key.append(event.text(part.field()));
        }
        var out = new Fact(plan, plan.startOf(event.ms), key.toString());
        if (plan.is.onceBy() != null) out.once = event.text(plan.is.onceBy());
        for (var step : plan.steps) {
            if (step.slot() < 0 || !step.takes(event.word)) continue;
            switch (step.is().kind()) {
                case COUNT -> out.numbers[step.slot()] = 1;
                case SUM -> out.numbers[step.slot()] = event.number(step.is().field());
                default -> out.members[step.slot()] = event.text(step.is().field());
            }
        }
        return out;
    }

    /** Which of the many shares of its window it belongs to. */
    int share(int of) {
        return Math.floorMod(once.hashCode(), of);
    }
}
