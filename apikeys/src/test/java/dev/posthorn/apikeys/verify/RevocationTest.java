package dev.posthorn.apikeys.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.apikeys.IssuedKey;
import dev.posthorn.apikeys.KeySettings;
import dev.posthorn.testkit.Eventually;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A revoked key is refused on every node: within 100 ms (p99) of the commit, within 2 seconds when notifications do not come through. The
 * bounds here are wide, because the machine may be busy with other things; {@code -Pfull} measures 500 and prints the figures that
 * docs/reliability.md has.
 */
@Tag("alone")
class RevocationTest {
    @Test
    void two_nodes_refuse_a_revoked_key_at_once() throws Exception {
        List<Double> millis = measure(100);
        assertThat(percentile(millis, 50)).isLessThan(100);
        assertThat(percentile(millis, 99)).isLessThan(1_000);
    }

    @Test
    @Tag("full")
    void five_hundred_revocations_are_measured_on_two_nodes() throws Exception {
        List<Double> millis = measure(500);
        System.out.printf(
                "revocation to refusal, %d on two nodes: p50 %.1f ms, p99 %.1f ms, max %.1f ms%n",
                millis.size(), percentile(millis, 50), percentile(millis, 99), percentile(millis, 100));
        assertThat(percentile(millis, 50)).isLessThan(100);
        assertThat(percentile(millis, 99)).isLessThan(1_000);
    }

    @Test
    void a_node_whose_line_is_cut_refuses_a_revoked_key_within_two_seconds() throws Exception {
        try (Verifiers verifiers = new Verifiers();
                CuttableProxy line =
                        new CuttableProxy(verifiers.database.server().port())) {
            KeyVerifier node = verifiers.start(KeyVerifier.Options.usual(), line.port());
            List<Double> millis = new ArrayList<>();
            for (int round = 0; round < 3; round++) {
                IssuedKey issued = verifiers.key(KeySettings.named("key"));
                KeyRequest request = KeyRequest.of(issued.key().text());
                assertThat(node.verify(request).code()).isEqualTo("valid");
                line.cut();
                verifiers.manage((keys, connection) -> keys.revoke(connection, issued.id(), "cut"));
                millis.add(untilRefused(System.nanoTime(), node, request));
                line.mend();
                Eventually.until("it hears again", node::isHearing);
                assertThat(node.verify(request).code()).isEqualTo("revoked");
            }
            System.out.printf("revocation to refusal with the listener's line cut: %s ms%n", millis);
            assertThat(Collections.max(millis)).isLessThan(2_000);
        }
    }

    @Test
    void a_node_whose_listener_was_ended_refuses_what_was_revoked_meanwhile() throws Exception {
        try (Verifiers verifiers = new Verifiers()) {
            KeyVerifier node = verifiers.start();
            IssuedKey issued = verifiers.key(KeySettings.named("key"));
            KeyRequest request = KeyRequest.of(issued.key().text());
            assertThat(node.verify(request).code()).isEqualTo("valid");
            verifiers.database.administrate(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query ~ 'posthorn_api_key'"
                            + " AND pid <> pg_backend_pid()");
            verifiers.manage((keys, connection) -> keys.revoke(connection, issued.id(), null));
            assertThat(untilRefused(System.nanoTime(), node, request)).isLessThan(2_000);
        }
    }

    @Test
    void a_change_that_is_not_committed_is_not_seen_and_one_rolled_back_never() throws Exception {
        try (Verifiers verifiers = new Verifiers()) {
            KeyVerifier node = verifiers.start();
            IssuedKey issued = verifiers.key(KeySettings.named("key"));
            KeyRequest request = KeyRequest.of(issued.key().text());
            try (var connection = verifiers.pool.getConnection()) {
                connection.setAutoCommit(false);
                new dev.posthorn.apikeys.ApiKeys().revoke(connection, issued.id(), null);
                assertThat(node.verify(request).code()).isEqualTo("valid");
                connection.rollback();
            }
            assertThat(node.verify(request).code()).isEqualTo("valid");
        }
    }

    private static List<Double> measure(int rounds) throws Exception {
        try (Verifiers verifiers = new Verifiers()) {
            List<KeyVerifier> nodes = List.of(verifiers.start(), verifiers.start());
            List<Double> millis = new ArrayList<>();
            for (int round = 0; round < rounds; round++) {
                IssuedKey issued = verifiers.key(KeySettings.named("key " + round));
                KeyRequest request = KeyRequest.of(issued.key().text());
                for (KeyVerifier node : nodes) {
                    assertThat(node.verify(request).code()).isEqualTo("valid");
                }
                verifiers.manage((keys, connection) -> keys.revoke(connection, issued.id(), "measured"));
                long committed = System.nanoTime();
                for (KeyVerifier node : nodes) {
                    millis.add(untilRefused(committed, node, request));
                }
            }
            return millis;
        }
    }

    private static double untilRefused(long since, KeyVerifier node, KeyRequest request) throws Exception {
        while (!node.verify(request).code().equals("revoked")) {
            if (System.nanoTime() - since > Duration.ofSeconds(60).toNanos()) {
                throw new AssertionError("a revoked key is valid after a minute");
            }
            Thread.onSpinWait();
        }
        return (System.nanoTime() - since) / 1e6;
    }

    private static double percentile(List<Double> values, int percent) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.get(Math.min(sorted.size() - 1, sorted.size() * percent / 100));
    }
}
