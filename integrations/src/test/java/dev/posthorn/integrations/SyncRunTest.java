package dev.posthorn.integrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.RecordBatch.Rejection;
import dev.posthorn.integrations.engine.IntegrationEngine;
import dev.posthorn.testkit.Eventually;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of an integration that is read. */
class SyncRunTest {
    private final IntegrationFixture fixture = new IntegrationFixture();
    private final ScriptedSource source = new ScriptedSource();
    private final IntegrationEngine engine = fixture.engine(source);

    @AfterEach
    void close() {
        engine.close();
        fixture.close();
    }

    @Test
    void what_is_new_changed_same_and_gone_is_told_apart() throws Exception {
        UUID bank = fixture.integration("", "");
        for (String id : "a b c d e f g".split(" ", -1)) {
            source.put(id, "first " + id);
        }
        assertThat(fixture.health(bank)).isEqualTo("never_ran");
        UUID first = fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.counts(first)).isEqualTo("completed 7 7 0 0 0 0");
        assertThat(fixture.health(bank)).isEqualTo("healthy");

        source.put("b", "second b");
        source.content.remove("e");
        source.put("h", "first h");
        UUID second = fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.counts(second)).isEqualTo("completed 7 1 1 5 1 0");
        assertThat(fixture.events())
                .isEqualTo("integration.record.created ".repeat(7) + "sync.completed"
                        + " integration.record.updated integration.record.created"
                        + " integration.record.deleted sync.completed");
        assertThat(fixture.one("SELECT string_agg(external_id, '' ORDER BY external_id)"
                        + " FROM posthorn.integration_records WHERE deleted_at IS NULL AND community_id = :c"))
                .isEqualTo("abcdfgh");

        source.put("e", "first e");
        UUID third = fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.counts(third)).isEqualTo("completed 8 1 0 7 0 0");
    }

    @Test
    void without_a_snapshot_nothing_is_taken_for_deleted() throws Exception {
        source.snapshot = false;
        UUID bank = fixture.integration("record_events", "false");
        source.put("a", "a");
        source.put("b", "b");
        fixture.start(bank);
        engine.runDueOnce();
        source.content.remove("a");
        UUID second = fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.counts(second)).isEqualTo("completed 1 0 0 1 0 0");
        assertThat(fixture.events()).isEqualTo("sync.completed sync.completed");
    }

    @Test
    void a_failed_page_is_tried_again_from_the_cursor_before_it() throws Exception {
        UUID bank = fixture.integration("", "");
        for (int i = 0; i < 9; i++) {
            source.put("k" + i, "v");
        }
        source.failsBeforePage = 2;
        UUID run = fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.counts(run)).isEqualTo("retrying 6 6 0 0 0 0");
        assertThat(fixture.health(bank)).isEqualTo("never_ran");
        engine.runDueOnce();
        assertThat(source.cursors).containsExactly("null");

        fixture.database.advanceClock(Duration.ofSeconds(31));
        engine.runDueOnce();
        assertThat(fixture.counts(run)).isEqualTo("completed 9 9 0 0 0 0");
        assertThat(source.cursors).containsExactly("null", "{\"after\":\"k5\"}");
    }

    @Test
    void a_rate_limit_waits_as_long_as_the_other_side_says() throws Exception {
        UUID bank = fixture.integration("", "");
        source.put("a", "a");
        source.failsBeforePage = 0;
        source.failure = ConnectorException.rateLimited("slow down", Duration.ofMinutes(45));
        UUID run = fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.database.one("SELECT next_attempt_at - posthorn.clock_now() BETWEEN '44 min' AND '45 min'"
                        + " FROM posthorn.integration_sync_logs WHERE id = '" + run + "'"))
                .isEqualTo("t");
    }

    @Test
    void wrong_credentials_call_a_person_and_make_no_storm() throws Exception {
        UUID bank = fixture.integration("interval_seconds", "60");
        source.failure = new ConnectorException(Failure.CREDENTIALS, "the bank answered 401");
        source.failsBeforePage = 0;
        engine.runDueOnce();
        assertThat(fixture.health(bank)).isEqualTo("failing");
        assertThat(fixture.events()).isEqualTo("integration.issue.opened sync.failed");
        assertThat(
                        fixture.one(
                                "SELECT concat_ws(' ', kind, origin, person_must_act, message) FROM posthorn.integration_issues WHERE community_id = :c"))
                .isEqualTo("credentials credentials t the bank answered 401");
        // Fourteen minutes of a schedule of one minute: nobody asks the bank.
        source.failsBeforePage = 0;
        fixture.database.advanceClock(Duration.ofMinutes(14));
        engine.runDueOnce();
        assertThat(source.cursors).hasSize(1);
        fixture.database.advanceClock(Duration.ofMinutes(2));
        engine.runDueOnce();
        assertThat(source.cursors).hasSize(2);

        // Whoever stores other credentials has it tried at once.
        source.failure = null;
        source.failsBeforePage = -1;
        fixture.database.administrate("UPDATE posthorn.integration_configs SET vault_secret_id = '"
                + fixture.secret("token", "right") + "' WHERE id = '" + bank + "'");
        engine.runDueOnce();
        assertThat(fixture.health(bank)).isEqualTo("healthy");
        assertThat(fixture.events()).endsWith("integration.issue.resolved sync.completed");
    }

    @Test
    void what_needs_credentials_is_not_due_before_they_are_stored() throws Exception {
        source.needsCredentials = true;
        UUID bank = fixture.integration("interval_seconds", "60");
        engine.runDueOnce();
        fixture.database.advanceClock(Duration.ofMinutes(3));
        engine.runDueOnce();
        assertThat(source.cursors).isEmpty();
        assertThat(fixture.health(bank)).isEqualTo("never_ran");

        // By SQL alone.
        fixture.database.administrate("UPDATE posthorn.integration_configs SET vault_secret_id = '"
                + fixture.secret("token", "t") + "' WHERE id = '" + bank + "'");
        engine.runDueOnce();
        assertThat(source.cursors).hasSize(1);
        assertThat(fixture.health(bank)).isEqualTo("healthy");

        fixture.database.one("SELECT 1 FROM posthorn.set_integration_credentials('" + bank + "', NULL)");
        fixture.database.advanceClock(Duration.ofMinutes(3));
        engine.runDueOnce();
        assertThat(source.cursors).hasSize(1);
    }

    @Test
    void an_issue_that_needs_nobody_opens_at_the_second_failed_run_and_closes_at_the_second_good_one()
            throws Exception {
        UUID bank = fixture.integration("", "");
        source.put("a", "a");
        failWholeRun(bank);
        assertThat(fixture.health(bank)).isEqualTo("degraded");
        assertThat(fixture.events()).isEqualTo("sync.failed");
        failWholeRun(bank);
        assertThat(fixture.events()).isEqualTo("sync.failed integration.issue.opened sync.failed");
        fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.health(bank)).isEqualTo("degraded");
        assertThat(fixture.events()).doesNotContain("resolved");
        fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.health(bank)).isEqualTo("healthy");
        assertThat(fixture.events()).contains("integration.issue.resolved sync.completed");
    }

    private void failWholeRun(UUID bank) throws Exception {
        UUID run = fixture.start(bank);
        for (int attempt = 1; attempt <= 4; attempt++) {
            source.failsBeforePage = 0;
            engine.runDueOnce();
            fixture.database.advanceClock(Duration.ofMinutes(11));
        }
        assertThat(fixture.counts(run)).startsWith("failed");
    }

    @Test
    void what_fails_often_and_for_long_is_announced_and_then_disabled() throws Exception {
        UUID bank = fixture.integration("", "");
        source.failure = new ConnectorException(Failure.CONFIGURATION, "there is no such table");
        for (int run = 1; run <= 9; run++) {
            source.failsBeforePage = 0;
            fixture.start(bank);
            engine.runDueOnce();
            fixture.database.advanceClock(Duration.ofHours(2));
        }
        assertThat(fixture.events()).containsOnlyOnce("integration.disabling").doesNotContain("integration.disabled");
        for (int run = 10; run <= 13; run++) {
            source.failsBeforePage = 0;
            fixture.start(bank);
            engine.runDueOnce();
            fixture.database.advanceClock(Duration.ofHours(2));
        }
        assertThat(fixture.events()).containsOnlyOnce("integration.disabled");
        assertThat(fixture.health(bank)).isEqualTo("failing");
        assertThat(fixture.database.query(
                        "SELECT status FROM posthorn.integration_sync_logs WHERE ended_at IS NULL AND integration_id = '"
                                + bank + "'"))
                .isEmpty();

        source.failure = null;
        fixture.database.administrate("SELECT posthorn.resume_integration('" + bank + "')");
        fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.health(bank)).isEqualTo("healthy");
    }

    @Test
    void a_source_that_lost_most_of_its_content_is_not_believed() throws Exception {
        UUID bank = fixture.integration("", "");
        for (int i = 0; i < 40; i++) {
            source.put("k%02d".formatted(i), "v");
        }
        fixture.start(bank);
        engine.runDueOnce();
        source.content.tailMap("k05").clear();
        UUID second = fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.counts(second)).isEqualTo("failed 5 0 0 5 0 0");
        assertThat(fixture.database.one(
                        "SELECT error_message FROM posthorn.integration_sync_logs WHERE id = '" + second + "'"))
                .isEqualTo("35 of 40 records are gone at the other side, and max_deletions_percent is 50");
        fixture.database.administrate(
                "UPDATE posthorn.integration_configs SET max_deletions_percent = 100 WHERE id = '" + bank + "'");
        UUID third = fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.counts(third)).isEqualTo("completed 5 0 0 5 35 0");
    }

    @Test
    void what_cannot_be_kept_is_rejected_told_and_never_taken_for_deleted() throws Exception {
        UUID bank = fixture.integration("", "");
        source.put("a", "a");
        source.put("b", "b");
        fixture.start(bank);
        engine.runDueOnce();
        source.content.remove("b");
        source.put("c", "nul \0 inside");
        source.put("d", "half \uD83D inside");
        source.put("e", "backslash \\u0000 as text");
        source.rejected.add(new Rejection("/items/7", "it has no id"));
        UUID second = fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.counts(second)).isEqualTo("completed 5 1 0 1 0 3");
        assertThat(fixture.health(bank)).isEqualTo("degraded");
        assertThat(fixture.database.query("SELECT line FROM posthorn.integration_log_lines WHERE run_id = '" + second
                        + "' AND level = 'warn' ORDER BY number"))
                .map(row -> row.get(0))
                .contains(
                        "rejected: /items/7: it has no id",
                        "rejected: thing c: it holds a NUL or half a character, which PostgreSQL cannot keep");
    }

    @Test
    void what_does_not_fit_into_an_event_is_rejected() throws Exception {
        fixture.database.administrate("UPDATE posthorn.settings SET value = '8192' WHERE name = 'max_payload_bytes'");
        UUID bank = fixture.integration("", "");
        source.put("a", "x".repeat(5_000));
        source.put("b", "b");
        UUID run = fixture.start(bank);
        engine.runDueOnce();
        fixture.database.administrate(
                "UPDATE posthorn.settings SET value = '1048576' WHERE name = 'max_payload_bytes'");
        assertThat(fixture.counts(run)).isEqualTo("completed 2 1 0 0 0 1");
    }

    @Test
    void secrets_are_taken_out_of_logs_and_errors() throws Exception {
        UUID secret = fixture.secret("token", "hunter2/hunter2");
        UUID bank = fixture.integration("vault_secret_id", "'" + secret + "'");
        source.says = "asks with hunter2/hunter2, hunter2%2Fhunter2 and what was cut, hunter2/h…";
        source.failsBeforePage = 0;
        source.failure = new ConnectorException(Failure.CONFIGURATION, "no such account for hunter2/hunter2");
        UUID run = fixture.start(bank);
        engine.runDueOnce();
        assertThat(
                        fixture.one(
                                "SELECT string_agg(line, '; ' ORDER BY number) FROM posthorn.integration_log_lines WHERE community_id = :c"))
                .isEqualTo(
                        "reads from the beginning; asks with •••, ••• and what was cut, •••…; failed (configuration): no such account for •••");
        assertThat(fixture.database.one(
                        "SELECT error_message FROM posthorn.integration_sync_logs WHERE id = '" + run + "'"))
                .isEqualTo("no such account for •••");
        assertThat(engine.check(bank).orElseThrow().failure()).isNull();
    }

    @Test
    void a_wrong_configuration_and_an_unknown_connector_are_said_as_such() throws Exception {
        UUID bank = fixture.integration("config", "'{\"depth\": \"deep\"}'");
        UUID run = fixture.start(bank);
        engine.runDueOnce();
        assertThat(fixture.database.one(
                        "SELECT concat_ws(': ', error_class, error_message) FROM posthorn.integration_sync_logs"
                                + " WHERE id = '" + run + "'"))
                .startsWith("configuration: the configuration does not fit at /depth: ");
        UUID other = UUID.fromString(fixture.database.one(
                "INSERT INTO posthorn.integration_configs (community_id, name, connector) VALUES ('" + fixture.community
                        + "', 'x', 'carrier-pigeon') RETURNING id"));
        UUID second = fixture.start(other);
        engine.runDueOnce();
        assertThat(fixture.database.one(
                        "SELECT error_message FROM posthorn.integration_sync_logs WHERE id = '" + second + "'"))
                .isEqualTo("this program has no connector \"carrier-pigeon\"");
    }

    @Test
    void a_cancelled_run_keeps_what_it_has_and_the_next_goes_on_there() throws Exception {
        UUID bank = fixture.integration("", "");
        for (int i = 0; i < 9; i++) {
            source.put("k" + i, "v");
        }
        UUID run = hangAt(1, bank);
        fixture.database.administrate("SELECT posthorn.cancel_sync_run('" + run + "')");
        Eventually.until("cancelled", () -> fixture.counts(run).startsWith("cancelled"));
        assertThat(fixture.counts(run)).isEqualTo("cancelled 3 3 0 0 0 0");

        source.hangsBeforePage = -1;
        UUID second = fixture.start(bank);
        Eventually.until("completed", () -> fixture.counts(second).startsWith("completed"));
        assertThat(fixture.counts(second)).isEqualTo("completed 6 6 0 0 0 0");
        assertThat(source.cursors).containsExactly("null", "{\"after\":\"k2\"}");
    }

    @Test
    void a_node_that_stops_gives_its_run_back() throws Exception {
        UUID bank = fixture.integration("", "");
        for (int i = 0; i < 9; i++) {
            source.put("k" + i, "v");
        }
        UUID run = hangAt(2, bank);
        engine.close();
        assertThat(fixture.counts(run)).isEqualTo("queued 6 6 0 0 0 0");
        source.hangsBeforePage = -1;
        try (IntegrationEngine other = fixture.engine(source)) {
            other.runDueOnce();
        }
        assertThat(fixture.counts(run)).isEqualTo("completed 9 9 0 0 0 0");
    }

    @Test
    void a_run_whose_node_is_silent_is_taken_over_and_the_silent_one_can_save_nothing_more() throws Exception {
        UUID bank = fixture.integration("", "");
        for (int i = 0; i < 9; i++) {
            source.put("k" + i, "v");
        }
        CountDownLatch reached = new CountDownLatch(1);
        source.reached = reached;
        source.hangsBeforePage = 1;
        UUID run = fixture.start(bank);
        // Turned by hand, it has no heartbeat.
        Thread silent = Thread.ofVirtual().start(() -> {
            try {
                engine.runDueOnce();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();
        fixture.database.advanceClock(Duration.ofSeconds(16));
        ScriptedSource healthy = new ScriptedSource();
        healthy.content.putAll(source.content);
        try (IntegrationEngine other = fixture.engine(healthy)) {
            other.runDueOnce();
        }
        assertThat(fixture.counts(run)).isEqualTo("completed 9 9 0 0 0 0");
        assertThat(healthy.cursors).containsExactly("{\"after\":\"k2\"}");
        assertThat(fixture.database.one(
                        "SELECT lost_runners FROM posthorn.integration_sync_logs WHERE id = '" + run + "'"))
                .isEqualTo("1");
        engine.close();
        silent.join();
        assertThat(fixture.counts(run)).isEqualTo("completed 9 9 0 0 0 0");
        assertThat(fixture.events().split(" ", -1)).hasSize(10);
    }

    private UUID hangAt(int page, UUID bank) throws InterruptedException {
        CountDownLatch reached = new CountDownLatch(1);
        source.reached = reached;
        source.hangsBeforePage = page;
        UUID run = fixture.start(bank);
        engine.start();
        assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();
        return run;
    }
}
