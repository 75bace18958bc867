package stoa.analytics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArgumentsTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--x|unknown argument '--x'", "brokers|unknown argument 'brokers'", "--brokers|--brokers needs a value",
        "--brokers=|--brokers needs a value", "--brokers=host|'host' is not HOST:PORT", "--brokers=h:0|whole number of 1 to 65535",
        "--brokers=a:1,|'' is not HOST:PORT", "--console=yes|--console takes no value", "--parallelism=0|of 1 to 1024",
        "--parallelism=x|of 1 to 1024", "--shares=5000|of 1 to 4096", "--time=now|must be events or marks",
        "--from=latest|must be earliest or committed", "--checkpoint-dir=/tmp|must be an address",
        "--checkpoint-every-ms=10|of 1000 to 600000", "--dynamodb-region=mars|a region such as",
        "--dynamodb-endpoint=host|no http:// or https:// address", "--pipelines=a,|an empty name", "--pipelines=a,a|twice",
        "--topic-prefix=a b|must be letters", "--kafka-properties=/no/such|cannot be read", "--objects=bucket|must be an address"})
    void every_argument_is_checked(String given, String why) {
        var said = assertThrows(Refusal.class, () -> Arguments.read("--brokers=h:9092".equals(given) ? "" : given));
        assertTrue(said.getMessage().contains(why), said.getMessage());
    }

    @Test
    void what_goes_together_is_checked() {
        for (String[] each : new String[][] {{"--brokers is required"}, {"is given twice", "--brokers=h:1", "--brokers=h:1"},
            {"goes with --dynamodb-region", "--brokers=h:1", "--table-prefix=x"},
            {"go with --objects=s3://", "--brokers=h:1", "--objects=gs://b", "--s3-region=us-east-1"},
            {"more than twice", "--brokers=h:1", "--checkpoint-every-ms=600000", "--transaction-timeout-ms=900000"}}) {
            var given = java.util.Arrays.copyOfRange(each, 1, each.length);
            assertTrue(assertThrows(Refusal.class, () -> Arguments.read(given)).getMessage().contains(each[0]), each[0]);
        }
    }

    @Test
    void pipelines_are_chosen_by_name_and_what_flink_does_not_run_says_why() {
        assertEquals(10, Arguments.read("--brokers=h:1").plans(Given.ALL).size());
        assertEquals(1, Arguments.read("--brokers=h:1", "--pipelines=funnel").plans(Given.ALL).size());
        for (String[] each : new String[][] {{"top_products", "sliding"}, {"product_interest", "sessions"}, {"nope", "no pipeline 'nope'"}}) {
            var given = Arguments.read("--brokers=h:1", "--pipelines=" + each[0]);
            assertTrue(assertThrows(Refusal.class, () -> given.plans(Given.ALL)).getMessage().contains(each[1]));
        }
    }

    @Test
    void help_names_every_argument() {
        for (String each : new String[] {"brokers", "kafka-properties", "topic-prefix", "group", "from", "pipelines", "time",
            "parallelism", "shares", "checkpoint-dir", "checkpoint-every-ms", "transaction-timeout-ms", "dynamodb-region",
            "dynamodb-endpoint", "table-prefix", "objects", "s3-region", "s3-endpoint", "console", "describe", "help"})
            assertTrue(Arguments.HELP.contains("--" + each), each);
    }
}
