package stoa.analytics;

/**
 * How far time has come in a partition: a function of its records alone, event by event, with no clock and no timer.
 * Marks move it and, unless the job goes by marks only, events: an event at most to the time its record was written, so
 * that one that claims to be of next year closes nobody's windows but up to now.
 */
final class PartitionTime {
    enum Moved { BY_EVENTS_AND_MARKS, BY_MARKS }

    static final long NONE = Long.MIN_VALUE;

    private PartitionTime() {}

    /** The time that a record says; NONE: it says none. */
    static long said(Event of, Moved moved) {
        return switch (of.kind) {
            case BAD, ASSIGNED -> NONE;
            case MARK -> of.ms;
            case EVENT -> moved == Moved.BY_MARKS ? NONE : of.recordMs < 0 ? of.ms : Math.min(of.ms, of.recordMs);
        };
    }
}
