package dev.posthorn.apikeys.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.apikeys.ApiKeys;
import dev.posthorn.apikeys.IssuedKey;
import dev.posthorn.apikeys.KeySettings;
import dev.posthorn.apikeys.Network;
import dev.posthorn.apikeys.RateLimit;
import dev.posthorn.apikeys.verify.VerifiedKey.Denied;
import dev.posthorn.apikeys.verify.VerifiedKey.Valid;
import dev.posthorn.testkit.Eventually;
import java.net.InetAddress;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

class KeyVerifierTest {
    /** Each invented key is looked up. */
    private static final int UNLIMITED = 1_000_000_000;

    private static Verifiers verifiers;
    private static KeyVerifier node;

    @BeforeAll
    static void start() throws Exception {
        verifiers = new Verifiers();
        node = verifiers.start();
    }

    @AfterAll
    static void stop() {
        verifiers.close();
    }

    @Test
    void the_first_check_that_fails_is_the_answer_and_a_denied_call_consumes_nothing() throws Exception {
        IssuedKey issued = verifiers.key(KeySettings.named("ordered")
                .scopes(List.of("orders:*"))
                .allowedNetworks(List.of("10.0.0.0/8"))
                .rateLimits(Map.of("default", new RateLimit(2, 3600)))
                .credits(1));
        KeyRequest good = KeyRequest.of(issued.key().text())
                .scopes(List.of("orders:read", "orders:write"))
                .from(address("10.1.2.3"));
        assertThat(node.verify(good.costing(2)).code()).isEqualTo("credits_exhausted");
        assertThat(node.verify(good.scopes(List.of("orders:read", "bills:read")))
                        .code())
                .isEqualTo("scope_missing");
        assertThat(node.verify(good.from(address("11.1.2.3"))).code()).isEqualTo("ip_not_allowed");
        assertThat(node.verify(good.from(null)).code()).isEqualTo("ip_not_allowed");
        assertThat(node.verify(good).quota()).isEqualTo(new Quota("default", new RateLimit(2, 3600), 1, 1800, 0L));
        assertThat(node.verify(good)).isInstanceOfSatisfying(Denied.class, denied -> {
            assertThat(denied.code()).isEqualTo("credits_exhausted");
            assertThat(denied.retryAfterSeconds()).isNull();
        });
        verifiers.manage((keys, connection) -> {
            keys.change(connection, issued.id(), "{\"credits\":null}");
            return true;
        });
        untilHeard(good, "valid");
        assertThat(node.verify(good)).isInstanceOfSatisfying(Denied.class, denied -> {
            assertThat(denied.code()).isEqualTo("rate_limited");
            assertThat(denied.retryAfterSeconds()).isBetween(1, 1800);
        });
        verifiers.manage((keys, connection) -> keys.disable(connection, issued.id()));
        untilHeard(good, "disabled");
        verifiers.manage((keys, connection) -> keys.enable(connection, issued.id()));
        untilHeard(good, "rate_limited");
        verifiers.manage((keys, connection) -> keys.revoke(connection, issued.id(), null));
        untilHeard(good.from(address("11.1.2.3")), "revoked");
    }

    @Test
    void unknown_keys_are_all_the_same() throws Exception {
        IssuedKey issued = verifiers.key(KeySettings.named("acme's"));
        assertThat(node.verify(KeyRequest.of("nonsense"))).isEqualTo(Denied.because(VerifiedKey.Reason.UNKNOWN, null));
        assertThat(node.verify(KeyRequest.of(ApiKey.generate(ApiKey.Mode.LIVE).text())))
                .isEqualTo(Denied.because(VerifiedKey.Reason.UNKNOWN, null));
        assertThat(node.verify(KeyRequest.of(issued.key().text()).within(UUID.randomUUID())))
                .isEqualTo(Denied.because(VerifiedKey.Reason.UNKNOWN, null));
    }

    @Test
    void beside_invented_keys_a_good_one_waits_at_most_and_a_known_one_does_not() throws Exception {
        AtomicInteger refused = new AtomicInteger();
        KeyVerifierListener counting = new KeyVerifierListener() {
            @Override
            public void lookupRefused() {
                refused.incrementAndGet();
            }
        };
        KeyVerifier flooded = verifiers.start(
                new KeyVerifier.Options(100, true, 20, counting),
                verifiers.database.server().port());
        IssuedKey known = verifiers.key(KeySettings.named("known"));
        KeyRequest knownRequest = KeyRequest.of(known.key().text()).from(address("192.0.2.1"));
        assertThat(flooded.verify(knownRequest).code()).isEqualTo("valid");
        AtomicBoolean over = new AtomicBoolean();
        try (ExecutorService flooding = Executors.newSingleThreadExecutor()) {
            Future<Integer> unknown = flooding.submit(() -> {
                int judged = 0;
                for (int i = 0; !over.get(); i++) {
                    KeyRequest invented =
                            KeyRequest.of(ApiKey.generate(ApiKey.Mode.LIVE).text());
                    try {
                        assertThat(flooded.verify(invented.from(address("10.0.0." + i % 200)))
                                        .code())
                                .isEqualTo("unknown");
                        judged++;
                    } catch (TooManyUnknownKeysException e) {
                        // As it must be.
                    }
                }
                return judged;
            });
            Eventually.until("some are refused", () -> refused.get() > 1_000);
            for (int i = 0; i < 20; i++) {
                // Its settings change, so that it must be asked for again.
                String name = "{\"name\":\"known " + i + "\"}";
                verifiers.manage((keys, connection) -> {
                    keys.change(connection, known.id(), name);
                    return true;
                });
                assertThat(flooded.verify(knownRequest).code()).isEqualTo("valid");
                IssuedKey fresh = verifiers.key(KeySettings.named("fresh " + i));
                try {
                    assertThat(flooded.verify(KeyRequest.of(fresh.key().text())).code())
                            .isEqualTo("valid");
                } catch (TooManyUnknownKeysException e) {
                    assertThat(e.getMessage()).doesNotContain(fresh.key().prefix());
                }
            }
            over.set(true);
            assertThat(unknown.get()).isPositive();
        }
        IssuedKey after = verifiers.key(KeySettings.named("after"));
        Eventually.until("it is looked up", () -> {
            try {
                return flooded.verify(KeyRequest.of(after.key().text())).code().equals("valid");
            } catch (TooManyUnknownKeysException e) {
                return false;
            }
        });
    }

    @Test
    void a_key_that_does_not_exist_is_asked_for_once_in_a_while() throws Exception {
        KeyRequest invented =
                KeyRequest.of(ApiKey.generate(ApiKey.Mode.LIVE).text()).from(address("203.0.113.1"));
        // A hundred a second from one address would be too many, were each of them a question. They are while the node
        // does
        // not hear of changes, on a busy machine for a moment.
        Eventually.until("asked for once", () -> {
            try {
                for (int i = 0; i < 5_000; i++) {
                    assertThat(node.verify(invented).code()).isEqualTo("unknown");
                }
                return true;
            } catch (TooManyUnknownKeysException e) {
                return false;
            }
        });
    }

    @Test
    void the_making_of_a_key_is_told_to_whoever_remembers_that_there_is_none() throws Exception {
        try (Connection listening = verifiers.pool.getConnection();
                Statement listen = listening.createStatement()) {
            listen.execute("LISTEN " + ChangeListener.CHANNEL);
            IssuedKey made = verifiers.key(KeySettings.named("made"));
            PGConnection notified = listening.unwrap(PGConnection.class);
            List<String> heard = new ArrayList<>();
            while (!heard.contains(made.key().prefix())) {
                PGNotification[] next = notified.getNotifications(60_000);
                assertThat(next).as("heard within a minute").isNotEmpty();
                for (PGNotification one : next) {
                    heard.add(one.getParameter());
                }
            }
            listen.execute("UNLISTEN *");
        }
    }

    @Test
    void a_key_ends_at_its_time_though_it_is_remembered() throws Exception {
        IssuedKey issued =
                verifiers.key(KeySettings.named("short").expiresAt(Instant.now().plus(Duration.ofSeconds(5))));
        KeyRequest request = KeyRequest.of(issued.key().text());
        assertThat(node.verify(request).code()).isEqualTo("valid");
        untilHeard(request, "expired");
    }

    @Test
    void a_key_of_a_deleted_community_is_refused() throws Exception {
        verifiers.database.administrate("INSERT INTO posthorn.communities (external_id, name) VALUES ('gone', 'Gone')");
        IssuedKey issued = verifiers.manage(
                (keys, connection) -> keys.create(connection, ApiKey.Mode.LIVE, "ext:gone", "{\"name\":\"a\"}", null));
        KeyRequest request = KeyRequest.of(issued.key().text());
        assertThat(node.verify(request).code()).isEqualTo("valid");
        verifiers.database.administrate(
                "UPDATE posthorn.communities SET deleted_at = now() WHERE external_id = 'gone'");
        untilHeard(request, "revoked");
    }

    @Test
    void usage_is_written_together_and_last_used_at_at_most_once_a_minute() throws Exception {
        IssuedKey issued = verifiers.key(KeySettings.named("used").scopes(List.of("a:b")));
        KeyRequest request = KeyRequest.of(issued.key().text());
        for (int i = 0; i < 1000; i++) {
            node.verify(request.costing(3));
        }
        node.verify(request.scopes(List.of("c:d")));
        node.flush();
        assertThat(verifiers.database.query(
                        "SELECT code, sum(calls), sum(cost) FROM posthorn.api_key_usage WHERE api_key_id = '"
                                + issued.id() + "' GROUP BY code ORDER BY code"))
                .containsExactly(List.of("scope_missing", "1", "0"), List.of("valid", "1000", "3000"));
        String version = "SELECT xmin || ' ' || last_used_at FROM posthorn.api_keys WHERE id = '" + issued.id() + "'";
        String first = verifiers.database.one(version);
        for (int i = 0; i < 1000; i++) {
            node.verify(request);
        }
        node.flush();
        assertThat(verifiers.database.one(version)).isEqualTo(first);
    }

    @Test
    void not_one_call_is_refused_while_a_key_is_rotated_under_traffic() throws Exception {
        IssuedKey issued = verifiers.key(KeySettings.named("rotated"));
        KeyVerifier second = verifiers.start();
        AtomicReference<String> newest = new AtomicReference<>(issued.key().text());
        AtomicBoolean done = new AtomicBoolean();
        AtomicInteger calls = new AtomicInteger();
        List<Callable<List<String>>> callers = new ArrayList<>();
        for (KeyVerifier verifier : List.of(node, second)) {
            callers.add(() -> refusals(verifier, newest::get, done, calls));
            callers.add(() -> refusals(verifier, () -> issued.key().text(), done, calls));
        }
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            List<Future<List<String>>> running =
                    callers.stream().map(threads::submit).toList();
            for (int i = 0; i < 20; i++) {
                int before = calls.get();
                newest.set(verifiers
                        .manage((keys, connection) -> keys.rotate(connection, issued.id(), Duration.ofHours(1), null))
                        .issued()
                        .key()
                        .text());
                Eventually.until("some more calls", () -> calls.get() > before + 400);
            }
            done.set(true);
            for (Future<List<String>> caller : running) {
                assertThat(caller.get()).isEmpty();
            }
        } finally {
            done.set(true);
            threads.shutdownNow();
        }
    }

    private static List<String> refusals(
            KeyVerifier verifier, java.util.function.Supplier<String> key, AtomicBoolean done, AtomicInteger calls)
            throws SQLException {
        List<String> refusals = new ArrayList<>();
        while (!done.get()) {
            String code = verifier.verify(KeyRequest.of(key.get())).code();
            calls.incrementAndGet();
            if (!code.equals("valid")) {
                refusals.add(code);
            }
        }
        return refusals;
    }

    @Test
    void a_limit_holds_across_two_nodes() throws Exception {
        int limit = 2_000;
        int periodSeconds = 3_600;
        IssuedKey issued = verifiers.key(
                KeySettings.named("limited").rateLimits(Map.of("default", new RateLimit(limit, periodSeconds))));
        KeyVerifier second = verifiers.start();
        KeyRequest request = KeyRequest.of(issued.key().text());
        long begun = System.nanoTime();
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            List<Future<Integer>> callers = new ArrayList<>();
            for (KeyVerifier verifier : List.of(node, second, node, second)) {
                callers.add(threads.submit(() -> {
                    int allowed = 0;
                    for (int i = 0; i < 5_000; i++) {
                        allowed += verifier.verify(request) instanceof Valid ? 1 : 0;
                    }
                    return allowed;
                }));
            }
            int allowed = 0;
            for (Future<Integer> caller : callers) {
                allowed += caller.get();
            }
            double seconds = (System.nanoTime() - begun) / 1e9;
            // All that was let through had been drawn; what flowed in meanwhile may have been drawn too, and each node
            // may still hold a share.
            assertThat(allowed).isLessThanOrEqualTo((int) Math.ceil(limit * (1 + seconds / periodSeconds)));
            assertThat(allowed).isGreaterThanOrEqualTo(limit - 2 * limit / 20);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void a_limit_of_another_name_and_measure_is_drawn_apart() throws Exception {
        IssuedKey issued = verifiers.key(KeySettings.named("named")
                .rateLimits(Map.of("default", new RateLimit(1, 3600), "export", new RateLimit(1, 3600))));
        KeyRequest request = KeyRequest.of(issued.key().text());
        assertThat(node.verify(request).code()).isEqualTo("valid");
        assertThat(node.verify(request).code()).isEqualTo("rate_limited");
        assertThat(node.verify(request.drawing("export", null)).code()).isEqualTo("valid");
        assertThat(node.verify(request.drawing("export", null)).code()).isEqualTo("rate_limited");
        assertThat(node.verify(request.drawing("none", null)).code()).isEqualTo("valid");
        assertThat(node.verify(request.drawing("own", new RateLimit(1, 3600))).code())
                .isEqualTo("valid");
        assertThat(node.verify(request.drawing("own", new RateLimit(1, 3600))).code())
                .isEqualTo("rate_limited");
        assertThat(node.verify(request.costing(0)).code()).isEqualTo("valid");
    }

    @Test
    void credits_are_exact_across_two_nodes() throws Exception {
        IssuedKey issued = verifiers.key(KeySettings.named("credits").credits(100));
        KeyVerifier second = verifiers.start();
        KeyRequest request = KeyRequest.of(issued.key().text());
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            List<Future<Integer>> callers = new ArrayList<>();
            for (KeyVerifier verifier : List.of(node, second)) {
                callers.add(threads.submit(() -> {
                    int allowed = 0;
                    for (int i = 0; i < 80; i++) {
                        allowed += verifier.verify(request) instanceof Valid ? 1 : 0;
                    }
                    return allowed;
                }));
            }
            assertThat(callers.get(0).get() + callers.get(1).get()).isEqualTo(100);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void a_flood_of_wrong_keys_writes_a_bounded_number_of_rows() throws Exception {
        try (Verifiers flooded = new Verifiers()) {
            KeyVerifier victim = flooded.start(
                    KeyVerifier.Options.usual().unknownPerSecond(UNLIMITED),
                    flooded.database.server().port());
            for (int round = 0; round < 15; round++) {
                for (int i = 0; i < 2_000; i++) {
                    String key = i % 20 == 0 ? ApiKey.generate(ApiKey.Mode.LIVE).text() : "ph_live_" + i;
                    victim.verify(
                            KeyRequest.of(key).from(address("2001:db8::" + round + ":" + Integer.toHexString(i))));
                }
                victim.flush();
            }
            assertThat(flooded.database.one("SELECT sum(calls) FROM posthorn.api_key_failures"))
                    .isEqualTo("30000");
            // Two hours, if one begins while the test runs.
            assertThat(Integer.parseInt(flooded.database.one("SELECT count(*) FROM posthorn.api_key_failures")))
                    .isLessThanOrEqualTo(2 * 1_101);
            assertThat(flooded.database.one("SELECT count(*) FROM posthorn.api_key_usage"))
                    .isEqualTo("0");
            assertThat(flooded.database.one("SELECT count(*) FROM posthorn.audit_log"))
                    .isEqualTo("0");
        }
    }

    @Test
    @Tag("full")
    void not_one_of_a_million_invented_keys_is_accepted_and_what_they_write_is_bounded() throws Exception {
        try (Verifiers flooded = new Verifiers()) {
            KeyVerifier victim = flooded.start(
                    KeyVerifier.Options.usual().unknownPerSecond(UNLIMITED),
                    flooded.database.server().port());
            IssuedKey issued = flooded.key(KeySettings.named("real"));
            String real = issued.key().text();
            // Its first letter differs: with it as it is, one of the million numbers before it may make the real key.
            String end = (real.charAt(20) == '0' ? '1' : '0') + real.substring(21);
            for (int i = 0; i < 1_000_000; i++) {
                // Every hundredth has a checksum that is right, so that the database is asked; the others are refused
                // before.
                String key = i % 100 == 0
                        ? ApiKey.generate(ApiKey.Mode.LIVE).text()
                        : real.substring(0, 16) + Integer.toString(i, 36) + end;
                Denied denied = (Denied)
                        victim.verify(KeyRequest.of(key).from(address("2001:db8::" + Integer.toHexString(i & 0xFFFF))));
                assertThat(denied.reason()).isEqualTo(VerifiedKey.Reason.UNKNOWN);
            }
            victim.flush();
            assertThat(flooded.database.one("SELECT sum(calls) FROM posthorn.api_key_failures"))
                    .isEqualTo("1000000");
            assertThat(
                            Integer.parseInt(
                                    flooded.database.one(
                                            "SELECT max(rows) FROM (SELECT count(*) AS rows FROM posthorn.api_key_failures GROUP BY hour) AS h")))
                    .isLessThanOrEqualTo(1_101);
            assertThat(flooded.database.one("SELECT count(*) FROM posthorn.api_key_usage"))
                    .isEqualTo("0");
            assertThat(victim.verify(KeyRequest.of(real)).code()).isEqualTo("valid");
        }
    }

    @Test
    void a_limiter_that_fails_is_skipped_or_not_as_it_is_set() throws Exception {
        try (Verifiers broken = new Verifiers()) {
            AtomicInteger skipped = new AtomicInteger();
            KeyVerifierListener listener = new KeyVerifierListener() {
                @Override
                public void limitSkipped() {
                    skipped.incrementAndGet();
                }
            };
            int port = broken.database.server().port();
            KeyVerifier open = broken.start(new KeyVerifier.Options(100, true, 1_000, listener), port);
            KeyVerifier closed = broken.start(new KeyVerifier.Options(100, false, 1_000, listener), port);
            KeyRequest request = KeyRequest.of(
                    broken.key(KeySettings.named("a").credits(1)).key().text());
            broken.database.administrate("ALTER TABLE posthorn.api_key_credits RENAME COLUMN remaining TO gone");
            assertThat(open.verify(request).code()).isEqualTo("valid");
            assertThat(skipped).hasValue(1);
            assertThatThrownBy(() -> closed.verify(request)).isInstanceOf(SQLException.class);
        }
    }

    @Test
    void it_starts_and_stops_more_than_once_and_judges_before_it_starts() throws Exception {
        IssuedKey issued = verifiers.key(KeySettings.named("early"));
        KeyVerifier verifier = new KeyVerifier(verifiers.pool, verifiers.pool, KeyVerifier.Options.usual());
        assertThat(verifier.verify(KeyRequest.of(issued.key().text())).code()).isEqualTo("valid");
        verifiers.manage((keys, connection) -> new ApiKeys().revoke(connection, issued.id(), null));
        assertThat(verifier.verify(KeyRequest.of(issued.key().text())).code()).isEqualTo("revoked");
        verifier.start();
        verifier.start();
        verifier.close();
        verifier.close();
    }

    private static void untilHeard(KeyRequest request, String code) throws Exception {
        Eventually.until(code, () -> node.verify(request).code().equals(code));
    }

    private static InetAddress address(String literal) {
        return Network.address(literal).orElseThrow();
    }
}
