package dev.posthorn.benchmarks.faults.stage;

import dev.posthorn.benchmarks.faults.log.LogFiles;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.PGConnection;

/** What the database knows at the end of a run, written to files. */
final class DatabaseLog {
    private static final String EVENTS = """
            SELECT e.id, c.external_id
            FROM posthorn.webhook_events AS e JOIN posthorn.communities AS c ON c.id = e.community_id
            WHERE e.event_type NOT LIKE 'posthorn.%'
            """;
    private static final String DELIVERIES = """
            SELECT d.id, d.event_id, c.external_id, d.endpoint_id, d.status, d.attempt_count
            FROM posthorn.webhook_deliveries AS d JOIN posthorn.communities AS c ON c.id = d.community_id
            """;
    private static final String ATTEMPTS = """
            SELECT a.delivery_id, coalesce(a.number::text, '-'), coalesce(a.dispatcher_id::text, '-'),
                   (extract(epoch FROM a.recorded_at) * 1000000)::bigint, a.outcome, coalesce(a.error_class, '-')
            FROM posthorn.webhook_attempts AS a
            """;
    private static final String LEASES =
            "SELECT delivery_id, dispatcher_id, (extract(epoch FROM at) * 1000000)::bigint FROM faults_log.leases";
    private static final String DISPATCHERS = "SELECT id, split_part(name, '@', 1) FROM faults_log.dispatchers";
    private static final String SWITCHES = """
            SELECT endpoint_id, state, (extract(epoch FROM at) * 1000000)::bigint FROM faults_log.switches ORDER BY at
            """;
    private static final String SILENCES = """
            SELECT split_part(p.name, '@', 1), (extract(epoch FROM s.heard_at) * 1000000)::bigint,
                   (extract(epoch FROM s.ended_at) * 1000000)::bigint, s.how
            FROM faults_log.silences AS s JOIN faults_log.dispatchers AS p ON p.id = s.dispatcher_id
            ORDER BY s.ended_at
            """;
    private static final String INVARIANTS = "SELECT delivery_id, problem FROM posthorn.check_invariants()";

    private DatabaseLog() {}

    static void write(Connection superuser, LogFiles files) throws SQLException, IOException {
        copy(superuser, EVENTS, files.events());
        copy(superuser, DELIVERIES, files.deliveries());
        copy(superuser, ATTEMPTS, files.attempts());
        copy(superuser, LEASES, files.leases());
        copy(superuser, DISPATCHERS, files.dispatchers());
        copy(superuser, SWITCHES, files.switches());
        copy(superuser, SILENCES, files.silences());
        copy(superuser, INVARIANTS, files.invariants());
    }

    private static void copy(Connection superuser, String query, Path file) throws SQLException, IOException {
        try (OutputStream out = Files.newOutputStream(file)) {
            superuser.unwrap(PGConnection.class).getCopyAPI().copyOut("COPY (" + query + ") TO STDOUT", out);
        }
    }
}
