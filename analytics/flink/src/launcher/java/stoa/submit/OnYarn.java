package stoa.submit;

import java.util.Arrays;
import java.util.List;
import org.apache.flink.client.deployment.DefaultClusterClientServiceLoader;
import org.apache.flink.client.deployment.application.ApplicationConfiguration;
import org.apache.flink.client.deployment.application.cli.ApplicationClusterDeployer;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.flink.configuration.PipelineOptions;

/**
 * Starts the job as a YARN application with a Flink of its own: `OnYarn KEY=VALUE… JAR [job arguments]`, the keys being
 * Flink's. It ends when the application runs, with 1 and the cause where that cannot be.
 *
 * It runs as a Hadoop job on a cluster's master, whose Java is older than the job's: compiled for Java 11, and alone.
 */
public final class OnYarn {
    private OnYarn() {}

    public static void main(String[] args) throws Exception {
        Configuration settings = new Configuration();
        int jar = 0;
        for (; jar < args.length && args[jar].indexOf('=') > 0; ++jar) {
            int at = args[jar].indexOf('=');
            settings.setString(args[jar].substring(0, at), args[jar].substring(at + 1));
        }
        if (jar == args.length || !args[jar].endsWith(".jar")) {
            System.err.println("OnYarn: KEY=VALUE… JAR [job arguments]");
            System.exit(2);
        }
        settings.set(DeploymentOptions.TARGET, "yarn-application");
        settings.set(PipelineOptions.JARS, List.of(args[jar]));
        String[] job = Arrays.copyOfRange(args, jar + 1, args.length);
        new ApplicationClusterDeployer(new DefaultClusterClientServiceLoader())
                .run(settings, new ApplicationConfiguration(job, "stoa.analytics.AnalyticsJob"));
    }
}
