package stoa.analytics;

/** One key's result of one closed window: a value for each aggregate, money in minor units. */
public class Row {
    public String pipeline;
    public long startMs;
    public String key;
    public long[] values;

    public Row() {}

    Row(String pipeline, long startMs, String key, long[] values) {
        this.pipeline = pipeline;
        this.startMs = startMs;
        this.key = key;
        this.values = values;
    }
}
