#!/usr/bin/env bash
# DynamoDB Local, Amazon's own stand-in, bound to loopback: by itself it listens on every address and has no option
# that says otherwise. `run DIR PORT` keeps its tables in DIR.
set -euo pipefail
name=dynamodb title="DynamoDB Local" version=2.6.1
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

install() { make_place "fetching $title $version with Maven (about 50 MB)"; }
fill() {
    need javac openjdk-17-jdk-headless
    fetch_jars "$1" "com.amazonaws:DynamoDBLocal:$version"
    cat >"$1/OnLoopback.java" <<'END'
import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

public class OnLoopback {
    public static void main(String[] given) throws Exception {
        DynamoDBProxyServer made = ServerRunner.createServerFromCommandLineArgs(given);
        var field = DynamoDBProxyServer.class.getDeclaredField("server");
        field.setAccessible(true);
        for (Connector each : ((Server) field.get(made)).getConnectors())
            ((ServerConnector) each).setHost("127.0.0.1");
        made.start();
        made.join();
    }
}
END
    javac -cp "$1/lib/*" -d "$1" "$1/OnLoopback.java"
}

run() {
    exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m -Dsqlite4java.library.path="$place/lib" \
        -DDDBLOCAL_TELEMETRY=0 -cp "$place:$place/lib/*" OnLoopback -port "$2" -sharedDb -dbPath "$1" -disableTelemetry
}

dispatch "$@"
