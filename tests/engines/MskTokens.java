import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.security.auth.callback.Callback;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerExtensionsValidatorCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

/**
 * What a broker of Amazon MSK does with an IAM token, for a broker of the tests: one key of one region is let in, where
 * the token is a presigned kafka-cluster:Connect that holds now and whose signature is right. Written from Amazon's
 * description of Signature Version 4, without a line of the shop's.
 */
public class MskTokens implements AuthenticateCallbackHandler {
    static final String KEY = "AKIDEXAMPLE", SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", REGION = "eu-west-1";

    record Known(String value, String principalName, Long startTimeMs, long lifetimeMs) implements OAuthBearerToken {
        public Set<String> scope() { return Set.of(); }
    }

    @Override public void configure(Map<String, ?> settings, String mechanism, List<AppConfigurationEntry> jaas) {}
    @Override public void close() {}

    @Override public void handle(Callback[] asked) {
        for (Callback each : asked) {
            if (each instanceof OAuthBearerExtensionsValidatorCallback more)
                more.inputExtensions().map().keySet().forEach(more::valid);
            if (!(each instanceof OAuthBearerValidatorCallback one)) continue;
            try {
                one.token(verified(one.tokenValue()));
            } catch (Exception why) {
                one.error("access_denied", null, null);
                System.err.println("MskTokens refused: " + why.getMessage());
            }
        }
    }

    static void must(boolean holds, String what) {
        if (!holds) throw new IllegalArgumentException(what);
    }

    static Known verified(String token) throws Exception {
        URI url = URI.create(new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8));
        must(url.getHost().equals("kafka." + REGION + ".amazonaws.com") && url.getPath().equals("/"), "host");
        TreeMap<String, String> raw = new TreeMap<>(), told = new TreeMap<>();
        for (String pair : url.getRawQuery().split("&")) {
            String[] both = pair.split("=", 2);
            raw.put(both[0], both[1]);
            told.put(both[0], URLDecoder.decode(both[1], StandardCharsets.UTF_8));
        }
        must("kafka-cluster:Connect".equals(told.get("Action")), "action");
        must("900".equals(told.get("X-Amz-Expires")), "lifetime");
        must(told.get("User-Agent").startsWith("stoa"), "user agent");
        String date = told.get("X-Amz-Date"), scope = date.substring(0, 8) + "/" + REGION + "/kafka-cluster/aws4_request";
        must((KEY + "/" + scope).equals(told.get("X-Amz-Credential")), "credential");
        Instant signed = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC).parse(date, Instant::from);
        Instant ends = signed.plusSeconds(900), now = Instant.now();
        must(now.isBefore(ends) && now.plus(Duration.ofMinutes(5)).isAfter(signed), "time");
        String query = raw.entrySet().stream()
            .filter(each -> !each.getKey().equals("X-Amz-Signature") && !each.getKey().equals("User-Agent"))
            .map(each -> each.getKey() + "=" + each.getValue()).collect(Collectors.joining("&"));
        String request = "GET\n/\n" + query + "\nhost:" + url.getHost() + "\n\nhost\n" + hash("");
        byte[] key = ("AWS4" + SECRET).getBytes(StandardCharsets.UTF_8);
        for (String part : scope.split("/")) key = mac(key, part);
        String text = "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hash(request);
        must(HexFormat.of().formatHex(mac(key, text)).equals(told.get("X-Amz-Signature")), "signature");
        return new Known(token, KEY, signed.toEpochMilli(), ends.toEpochMilli());
    }

    static String hash(String text) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    static byte[] mac(byte[] key, String text) throws Exception {
        Mac by = Mac.getInstance("HmacSHA256");
        by.init(new SecretKeySpec(key, "HmacSHA256"));
        return by.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }
}
