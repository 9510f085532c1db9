package dev.posthorn.integrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorDescription;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordReader;
import dev.posthorn.integrations.connector.SourceRecord;
import dev.posthorn.integrations.engine.IntegrationEngine;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Two nodes share the schedule of many integrations. */
class TwoNodesTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Set<UUID> read = ConcurrentHashMap.newKeySet();
    private final ConcurrentLinkedQueue<UUID> twice = new ConcurrentLinkedQueue<>();

    @Test
    void each_integration_runs_when_it_is_due_and_never_twice_at_once() throws Exception {
        share(40, 10, 2);
    }

    @Test
    @Tag("soak")
    void a_thousand_of_them_every_minute() throws Exception {
        share(1_000, 60, 3);
    }

    /** So many, each at the given interval and all spread over it, until each has run so often. */
    private void share(int integrations, int interval, int rounds) throws Exception {
        try (IntegrationFixture fixture = new IntegrationFixture();
                IntegrationEngine one = fixture.engine(new Slow());
                IntegrationEngine other = fixture.engine(new Slow())) {
            fixture.database.administrate(
                    "INSERT INTO posthorn.integration_configs (community_id, name, connector, interval_seconds)"
                            + " SELECT '" + fixture.community + "', 'Bank ' || n, 'slow', " + interval
                            + " FROM generate_series(1, " + integrations + ") AS n;"
                            + " UPDATE posthorn.integration_health SET schedule_changed = false,"
                            + " next_run_at = posthorn.clock_now() + random() * interval '" + interval + " seconds'"
                            + " WHERE community_id = '" + fixture.community + "'");
            one.start();
            other.start();
            String least =
                    "SELECT coalesce(min(runs), 0) FROM (SELECT count(r.id) FILTER (WHERE r.status = 'completed') AS runs"
                            + " FROM posthorn.integration_configs AS c LEFT JOIN posthorn.integration_sync_logs AS r ON r.integration_id = c.id"
                            + " WHERE c.community_id = :c GROUP BY c.id) AS x";
            long end = System.nanoTime()
                    + Duration.ofSeconds(interval * (rounds + 1L) + 60).toNanos();
            while (Integer.parseInt(fixture.one(least)) < rounds) {
                assertThat(System.nanoTime())
                        .as("each has run " + rounds + " times")
                        .isLessThan(end);
                LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
            }
            assertThat(twice).isEmpty();
            assertThat(fixture.one(
                            "SELECT count(*) FROM posthorn.integration_sync_logs AS a JOIN posthorn.integration_sync_logs AS b"
                                    + " ON a.integration_id = b.integration_id AND a.id < b.id AND a.ended_at > b.started_at"
                                    + " WHERE a.community_id = :c"))
                    .isEqualTo("0");
            assertThat(
                            fixture.one(
                                    "SELECT count(*) FROM posthorn.integration_sync_logs WHERE community_id = :c"
                                            + " AND (status NOT IN ('completed', 'running', 'queued') OR attempt > 1 OR lost_runners > 0)"))
                    .isEqualTo("0");
            // The next run is due an interval after this one was queued; the first is left out, whose due time is
            // overwritten.
            List<@Nullable String> late = fixture.database
                    .query("SELECT count(*), round(max(late)::numeric, 3),"
                            + " round(percentile_cont(0.5) WITHIN GROUP (ORDER BY late)::numeric, 3),"
                            + " round(percentile_cont(0.99) WITHIN GROUP (ORDER BY late)::numeric, 3)"
                            + " FROM (SELECT extract(epoch FROM r.started_at - lag(r.created_at) OVER (PARTITION BY r.integration_id ORDER BY r.id)) - "
                            + interval + " AS late FROM posthorn.integration_sync_logs AS r WHERE r.community_id = '"
                            + fixture.community
                            + "') AS x WHERE late IS NOT NULL")
                    .get(0);
            System.out.printf(
                    "two nodes, %d integrations every %d s: %s runs, late by p50 %s s, p99 %s s, at most %s s%n",
                    integrations, interval, late.get(0), late.get(2), late.get(3), late.get(1));
            assertThat(Double.parseDouble(String.valueOf(late.get(3)))).isLessThan(interval);
        }
    }

    /** Takes a moment, in which nobody else may read the same integration. */
    private final class Slow implements PullConnector {
        @Override
        public ConnectorDescription describe() {
            return new ConnectorDescription(
                    "slow",
                    "Slow",
                    "For tests.",
                    JSON.readTree("{\"type\": \"object\"}"),
                    JSON.readTree("{\"type\": \"object\"}"));
        }

        @Override
        public void check(ConnectorContext context) {}

        @Override
        public RecordReader open(ConnectorContext context, @Nullable JsonNode cursor) {
            UUID integration = context.integrationId();
            if (!read.add(integration)) {
                twice.add(integration);
            }
            return new RecordReader() {
                private boolean done;

                @Override
                public @Nullable RecordBatch next() {
                    if (done) {
                        return null;
                    }
                    done = true;
                    LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
                    return RecordBatch.of(List.of(SourceRecord.of("thing", "1", JSON.createObjectNode())), null);
                }

                @Override
                public void close() {
                    read.remove(integration);
                }
            };
        }
    }
}
