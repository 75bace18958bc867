package stoa.analytics;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Map;

/** Amounts are whole numbers of a currency's smallest unit, as in every engine. */
public final class Money {
    /** Ten million million in minor units: more is a mistake, and a thousand of them still add up. */
    static final long LARGEST = 1_000_000_000_000_000L;
    private static final Map<String, Integer> DECIMALS = read();

    private Money() {}

    private static Map<String, Integer> read() {
        try {
            return new ObjectMapper().readerForMapOf(Integer.class).readValue(Definitions.resource("/currencies.json"));
        } catch (IOException why) {
            throw new Refusal("currencies.json cannot be read: " + why.getMessage());
        }
    }

    static boolean isCurrency(String code) {
        return DECIMALS.containsKey(code);
    }

    /** The digits of a JSON number in minor units; null where they are no amount of the currency. */
    static Long minor(String digits, String currency) {
        boolean negative = digits.startsWith("-");
        String number = negative ? digits.substring(1) : digits;
        int point = number.indexOf('.');
        String whole = point < 0 ? number : number.substring(0, point);
        String fraction = point < 0 ? "" : number.substring(point + 1);
        if (whole.isEmpty() || (point >= 0 && fraction.isEmpty())) return null;
        fraction = fraction.replaceFirst("0+$", "");
        int decimals = DECIMALS.get(currency);
        if (fraction.length() > decimals) return null;
        String all = whole + fraction + "0".repeat(decimals - fraction.length());
        if (!all.chars().allMatch(c -> c >= '0' && c <= '9') || all.length() > 100) return null;
        var out = new java.math.BigInteger((negative ? "-" : "") + all);
        return out.abs().compareTo(java.math.BigInteger.valueOf(LARGEST)) > 0 ? null : out.longValue();
    }

    static String text(long minor, String currency) {
        return java.math.BigDecimal.valueOf(minor, DECIMALS.get(currency)).toPlainString();
    }

    /** Sums that reach the end of the number range stay there. */
    static long saturated(long a, long b) {
        long out = a + b;
        if (((a ^ out) & (b ^ out)) >= 0) return out;
        return b < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
    }

    /** Half a minor unit goes away from zero. */
    static long average(long sum, long count) {
        if (count == 0) return 0;
        long whole = sum / count;
        long rest = Math.abs(sum % count);
        if (rest < Math.abs(count) - rest) return whole;
        return whole + (sum < 0 ? -1 : 1);
    }
}
