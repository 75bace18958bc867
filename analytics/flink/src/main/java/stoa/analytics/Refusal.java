package stoa.analytics;

/** What the user gave cannot be run; the message says why. */
public final class Refusal extends RuntimeException {
    public Refusal(String why) {
        super(why);
    }
}
