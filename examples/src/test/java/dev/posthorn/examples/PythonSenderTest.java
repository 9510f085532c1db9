package dev.posthorn.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.posthorn.schema.Migrator;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.testkit.PostgresServer;
import dev.posthorn.testkit.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The example sender in Python: its receiver verifies every signature and counts that nothing is lost. */
class PythonSenderTest {
    private static final int EVENTS = 100;

    @Test
    void a_sender_on_sql_alone_delivers_everything() throws Exception {
        assumeTrue(
                Programs.run(null, "python3", "--version").succeeded()
                        && Programs.run(null, "psql", "--version").succeeded(),
                "skipped: python3 or psql is not installed");
        String secret = WebhookSecret.generate().encoded();
        PostgresServer server = PostgresServer.fifteen().orElseGet(PostgresServer::embedded);
        try (TestDatabase database = server.createDatabase()) {
            new Migrator(database.dataSource()).migrate();
            Process receiver = python(
                    database, "receiver.py", "--port", "0", "--secret", secret, "--expect", Integer.toString(EVENTS));
            BufferedReader output =
                    new BufferedReader(new InputStreamReader(receiver.getInputStream(), StandardCharsets.UTF_8));
            String listening = String.valueOf(output.readLine());
            database.administrate("INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme');"
                    + " INSERT INTO posthorn.webhook_endpoints (community_id, url, retry_schedule) SELECT id, '"
                    + listening.substring(listening.indexOf("http")) + "', '{0 seconds}' FROM posthorn.communities;"
                    + " SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received', to_jsonb(n))"
                    + " FROM generate_series(1, " + EVENTS + ") AS n");
            List<Process> senders = List.of(
                    python(database, "sender.py", "--secret", secret, "--until-idle"),
                    python(database, "sender.py", "--secret", secret, "--until-idle"));
            for (Process sender : senders) {
                String said = sender.inputReader().lines().collect(Collectors.joining("\n"));
                assertThat(sender.waitFor(2, TimeUnit.MINUTES)).isTrue();
                assertThat(sender.exitValue()).as(said).isZero();
            }
            // What one sender held when the other found nothing more may have failed after that.
            Process last = python(database, "sender.py", "--secret", secret, "--until-idle");
            assertThat(last.waitFor(2, TimeUnit.MINUTES)).isTrue();
            assertThat(output.lines().toList())
                    .containsExactly("receiver: " + EVENTS + " events, 0 duplicates, 0 refused");
            assertThat(receiver.waitFor()).isZero();
            assertThat(database.query("SELECT status, count(*) FROM posthorn.webhook_deliveries GROUP BY status"))
                    .containsExactly(List.of("delivered", Integer.toString(EVENTS)));
            assertThat(database.query("SELECT * FROM posthorn.check_invariants()"))
                    .isEmpty();
        }
    }

    private static Process python(TestDatabase database, String script, String... arguments) throws IOException {
        List<String> command = new java.util.ArrayList<>(List.of("python3", "python-sender/" + script));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment()
                .put(
                        "PSQL",
                        "psql postgres://" + PostgresServer.OWNER + ":" + PostgresServer.PASSWORD + "@127.0.0.1:"
                                + database.server().port() + "/" + database.name());
        return builder.start();
    }
}
