package stoa.analytics;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** analytics/pipelines.json as it stands: the one definition of all engines. Members that are absent are null. */
public record Definitions(int version, List<Topic> topics, List<Pipeline> pipelines) implements Serializable {

    /** What an aggregate or a key can take from an event. */
    public enum Field { USER, PRODUCT, ORDER, WORD, CURRENCY, EVENT, AMOUNT, QUANTITY }

    public enum WindowKind { TUMBLING, SLIDING, SESSION }

    public enum AggregateKind { COUNT, SUM, DISTINCT, AVERAGE, DIFFERENCE, TOP }

    /** HLL: in bounded memory, with an error; absent is EXACT. */
    public enum DistinctCount { EXACT, HLL }

    /** Where a topic's payload has what. A member that is named must be there. */
    public record Topic(String name, String time, String user, String product, String order, String word, String amount,
            String currency, String quantity, String wordIs, String wordUnless, String wordOtherwise)
            implements Serializable {}

    public record Input(String topic, List<String> words) implements Serializable {}

    public record Key(String name, Field field) implements Serializable {}

    public record Window(WindowKind kind, long sizeMs, Long stepMs) implements Serializable {}

    public record Aggregate(String name, AggregateKind kind, Field field, List<String> words, String of, String per,
            Integer limit, DistinctCount distinct) implements Serializable {}

    public record Results(String topic, String object) implements Serializable {}

    public record Pipeline(String name, String says, List<Input> inputs, List<Key> key, Field onceBy, Window window,
            long outOfOrdernessMs, long allowedLatenessMs, List<Aggregate> aggregates, Results results)
            implements Serializable {}

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .build();

    public static Definitions read(String text) {
        try {
            Definitions out = MAPPER.readValue(text, Definitions.class);
            if (out.version != 1) throw new Refusal("pipelines.json: the version must be 1, it is " + out.version);
            if (out.topics == null || out.pipelines == null) throw new Refusal("pipelines.json: topics and pipelines");
            return out;
        } catch (JsonProcessingException why) {
            throw new Refusal("pipelines.json cannot be read: " + why.getOriginalMessage());
        }
    }

    /** The file that this jar was built with. */
    public static Definitions packaged() {
        return read(resource("/pipelines.json"));
    }

    static String resource(String name) {
        try (InputStream in = Definitions.class.getResourceAsStream(name)) {
            if (in == null) throw new Refusal("the jar has no " + name);
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException why) {
            throw new Refusal("the jar's " + name + " cannot be read: " + why.getMessage());
        }
    }

    public Topic topic(String name) {
        return topics.stream().filter(each -> each.name().equals(name)).findFirst()
                .orElseThrow(() -> new Refusal("pipelines.json does not describe topic " + name));
    }
}
