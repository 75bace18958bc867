#!/usr/bin/env bash
# DynamoDB Local, Amazon's own stand-in, bound to loopback: by itself it listens on every address and has no option
# that says otherwise. `run DIR PORT` keeps its tables in DIR.
set -euo pipefail

version=2.6.1
place=${XDG_CACHE_HOME:-$HOME/.cache}/stoa/engines/dynamodb-$version

need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null || { echo "dynamodb: $1 is missing: install the Debian package $2" >&2; exit 1; }
}

install() {
    [[ ! -f $place/complete ]] || return 0
    need javac openjdk-17-jdk-headless
    need mvn maven
    echo "dynamodb: fetching DynamoDB Local $version with Maven (about 50 MB) into $place"
    work=$place.$$
    rm -rf "$work"
    mkdir -p "$work"
    trap 'rm -rf "$work"' EXIT  # a failed install leaves nothing
    cat >"$work/pom.xml" <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>stoa</groupId><artifactId>dynamodb-local</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>com.amazonaws</groupId><artifactId>DynamoDBLocal</artifactId><version>$version</version></dependency>
  </dependencies>
</project>
END
    cat >"$work/OnLoopback.java" <<'END'
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
    mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/lib"
    javac -cp "$work/lib/*" -d "$work" "$work/OnLoopback.java"
    touch "$work/complete"
    rm -rf "$place"
    mv "$work" "$place"
}

run() {
    install
    mkdir -p "$1"
    cd "$1"
    exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m -Dsqlite4java.library.path="$place/lib" \
        -DDDBLOCAL_TELEMETRY=0 -cp "$place:$place/lib/*" OnLoopback -port "$2" -sharedDb -dbPath "$1" -disableTelemetry
}

# Any answer will do: a request without a signature is refused, but answered.
ready() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
    read -r -t 2 line <&3 && [[ $line == HTTP/1.* ]]
}

case ${1-} in
install) install ;;
run) run "$(realpath -m "${2:?a directory}")" "${3:?a port}" ;;
ready) ready "${2:?a port}" 2>/dev/null ;;
version) echo "DynamoDB Local $version" ;;
*) echo "usage: dynamodb.sh install | run DIR PORT | ready PORT | version" >&2; exit 2 ;;
esac
