package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What one claim takes of which lane, and what it tells of those of which it takes nothing, where limits are in the way. */
@Timeout(120)
class ClaimTest {
    private static final String FIRST = "018f0000-0000-7000-8000-000000000001";
    private static final String SECOND = "018f0000-0000-7000-8000-000000000002";
    private static final String ONE_A_MINUTE = ", rate_limit, rate_period";
    private static final String ONE_A_MINUTE_VALUES = ", 1, 'minute'";

    private final EngineFixture world = new EngineFixture();
    private int lease;

    @BeforeEach
    void signOn() {
        world.database.administrate("""
                SELECT posthorn.register_dispatcher(id, 'test', '') FROM unnest(ARRAY['%s', '%s']::uuid[]) AS d (id);
                UPDATE posthorn.dispatchers SET expires_at = now() + interval '1 year';
                """.formatted(FIRST, SECOND));
    }

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void what_a_rate_limit_holds_back_takes_nobodys_place() {
        String limited =
                world.endpoint("/limited", ONE_A_MINUTE + ", event_types", ONE_A_MINUTE_VALUES + ", '{limited}'");
        String free = world.endpoint("/free", ", event_types", ", '{free}'");
        queue("limited", 30, "'a'");
        queue("free", 30, "'a'");
        assertThat(claim(FIRST, 10, List.of(limited, free)))
                .containsExactly(limited + " 1", free + " 9", limited + " full", free + " full", limited + " paced");
        assertThat(claim(FIRST, 10, List.of(limited, free)))
                .containsExactly(free + " 7", limited + " full", free + " full", limited + " paced");
    }

    @Test
    void nor_do_the_keys_of_an_endpoint_whose_rate_limit_has_no_token_for_them() {
        String limited = keyed("limited");
        String free = world.endpoint("/free", ", event_types", ", '{free}'");
        for (String key : List.of("a", "b", "c", "d", "e")) {
            queue("limited", 1, "'" + key + "'");
        }
        queue("free", 30, "'a'");
        List<String> lanes = lanesOf(limited);
        lanes.add(free);
        List<String> told = claim(FIRST, 4, lanes);
        assertThat(told.stream().filter(line -> line.endsWith(" 1")).count()).isEqualTo(1);
        assertThat(told).contains(free + " 3");
    }

    @Test
    void a_lane_that_is_full_is_told_also_beside_keys_without_a_token() {
        String limited = keyed("limited");
        String full = world.endpoint("/full", ", event_types, max_in_flight", ", '{full}', 4");
        queue("full", 10, "'a'");
        assertThat(claim(FIRST, 10, List.of(full))).containsExactly(full + " 4", full + " full");
        for (String key : List.of("a", "b", "c", "d", "e")) {
            queue("limited", 1, "'" + key + "'");
        }
        List<String> lanes = lanesOf(limited);
        lanes.addFirst(full);
        assertThat(claim(FIRST, 3, lanes)).contains(full + " full");
    }

    @Test
    void each_key_of_an_endpoint_with_a_rate_limit_has_its_turn() {
        String limited = keyed("limited");
        for (String key : List.of("a", "b", "c")) {
            queue("limited", 70, "'" + key + "'");
        }
        List<String> lanes = lanesOf(limited);
        Set<String> served = new HashSet<>();
        for (int minute = 0; minute < 70 && served.size() < 3; minute++) {
            claim(FIRST, 10, lanes).stream().filter(line -> line.endsWith(" 1")).forEach(served::add);
            world.database.administrate("DELETE FROM posthorn.webhook_deliveries WHERE status = 'sending'");
            world.database.advanceClock(Duration.ofSeconds(61));
        }
        // By chance one of the three has none of 70 turns once in 700 billion times.
        assertThat(served).hasSize(3);
    }

    @Test
    void a_rate_limit_holds_for_what_is_left_of_keys_by_which_nothing_is_ordered_any_more() {
        String limited = keyed("limited");
        for (String key : List.of("a", "b", "c")) {
            queue("limited", 1, "'" + key + "'");
        }
        world.database.administrate("UPDATE posthorn.webhook_endpoints SET ordering = 'none', ordering_key = NULL");
        List<String> told = claim(FIRST, 10, lanesOf(limited));
        assertThat(told.stream().filter(line -> line.endsWith(" 1")).count()).isEqualTo(1);
        assertThat(told.stream().filter(line -> line.endsWith(" paced")).count())
                .isEqualTo(3);
        assertThat(claim(FIRST, 10, lanesOf(limited)).stream().filter(line -> line.endsWith(" 1")))
                .isEmpty();
    }

    @Test
    void few_free_slots_see_beyond_what_is_under_way() {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 6");
        queue("any", 3, "'a'");
        assertThat(claim(FIRST, 10, List.of(endpoint))).containsExactly(endpoint + " 3");
        queue("any", 2, "'a'");
        assertThat(claim(FIRST, 1, List.of(endpoint))).containsExactly(endpoint + " 1");
        assertThat(claim(FIRST, 1, List.of(endpoint))).containsExactly(endpoint + " 1");
        assertThat(claim(FIRST, 1, List.of(endpoint)))
                .as("there is room, and nothing more")
                .isEmpty();
    }

    @Test
    void a_key_on_which_the_lot_did_not_fall_is_not_forgotten_where_the_claim_had_no_place_for_the_other() {
        String limited = keyed("limited");
        String free = world.endpoint("/free", ", event_types", ", '{free}'");
        queue("limited", 1, "'a'");
        queue("limited", 1, "'b'");
        List<String> lanes = lanesOf(limited);
        lanes.add(1, free);
        boolean cut = false;
        for (int draw = 0; draw < 70 && !cut; draw++) {
            queue("free", 2, "'a'");
            List<String> told = claim(FIRST, 2, lanes);
            cut = told.contains(free + " 2");
            assertThat(told).contains(lanes.getFirst() + (cut ? " paced" : " 1"));
            world.database.administrate(
                    "UPDATE posthorn.webhook_deliveries SET status = 'pending', dispatcher_id = NULL, lease_no = NULL"
                            + " WHERE ordered_lane IS NOT NULL; DELETE FROM posthorn.webhook_deliveries WHERE ordered_lane IS NULL");
            world.database.advanceClock(Duration.ofSeconds(61));
        }
        assertThat(cut).as("the lot fell on the second key once").isTrue();
    }

    @Test
    void the_oldest_goes_first_wherever_it_lies() {
        String endpoint = world.endpoint("/hook");
        queue("any", 3, "'a'");
        // It comes to lie behind the others.
        world.database.administrate(
                "UPDATE posthorn.webhook_deliveries SET event_type = event_type WHERE id = (SELECT min(id::text)::uuid FROM posthorn.webhook_deliveries)");
        assertThat(claim(FIRST, 1, List.of(endpoint))).contains(endpoint + " 1");
        assertThat(
                        world.database.one(
                                "SELECT id = (SELECT min(id::text)::uuid FROM posthorn.webhook_deliveries) FROM posthorn.webhook_deliveries WHERE status = 'sending'"))
                .isEqualTo("t");
    }

    @Test
    void what_somebody_else_has_just_locked_is_asked_for_again() throws Exception {
        String endpoint = world.endpoint("/hook");
        queue("any", 1, "'a'");
        try (Connection other = world.database.superuser()) {
            other.setAutoCommit(false);
            TestDatabase.query(other, "SELECT id FROM posthorn.webhook_deliveries FOR UPDATE");
            assertThat(claim(FIRST, 10, List.of(endpoint))).containsExactly(endpoint + " held by others");
            other.rollback();
        }
        assertThat(claim(FIRST, 10, List.of(endpoint))).containsExactly(endpoint + " 1");
    }

    @Test
    void others_hold_up_only_a_lane_that_they_fill() {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 2");
        queue("any", 1, "'a'");
        assertThat(claim(FIRST, 10, List.of(endpoint))).containsExactly(endpoint + " 1");
        assertThat(claim(SECOND, 10, List.of(endpoint))).isEmpty();
        queue("any", 2, "'a'");
        assertThat(claim(FIRST, 1, List.of(endpoint))).containsExactly(endpoint + " 1", endpoint + " full");
        assertThat(claim(SECOND, 10, List.of(endpoint)))
                .containsExactly(endpoint + " full", endpoint + " held by others");
    }

    @Test
    void an_ordered_lane_gives_nothing_while_one_behind_a_late_commit_is_under_way() throws Exception {
        String ordered = world.endpoint("/hook", ", ordering", ", 'endpoint'");
        try (Connection late = world.database.superuser()) {
            late.setAutoCommit(false);
            TestDatabase.query(late, "SELECT event_id FROM posthorn.queue_webhook('ext:acme', 'any', '{}')");
            queue("any", 1, "'a'");
            assertThat(claim(FIRST, 10, List.of(ordered))).containsExactly(ordered + " 1", ordered + " full");
            late.commit();
        }
        assertThat(claim(SECOND, 10, List.of(ordered))).containsExactly(ordered + " full", ordered + " held by others");
        assertThat(claim(FIRST, 10, List.of(ordered))).containsExactly(ordered + " full");
        record(200);
        assertThat(claim(SECOND, 10, List.of(ordered))).containsExactly(ordered + " 1", ordered + " full");
        assertThat(world.invariants()).isEmpty();
        record(200);
        world.database.query("SELECT posthorn.forget_lane_turns()");
        assertThat(world.database.one("SELECT count(*) FROM posthorn.webhook_lane_turns"))
                .isEqualTo("0");
    }

    @Test
    void nor_while_one_behind_a_dead_letter_that_came_back_is() {
        String ordered = world.endpoint("/hook", ", ordering, on_dead_letter, max_attempts", ", 'endpoint', 'hold', 1");
        queue("any", 2, "'a'");
        assertThat(claim(FIRST, 10, List.of(ordered))).contains(ordered + " 1");
        record(500);
        assertThat(claim(FIRST, 10, List.of(ordered))).isEmpty();
        onDeadLetter("pass");
        assertThat(claim(FIRST, 10, List.of(ordered))).contains(ordered + " 1");
        onDeadLetter("hold");
        world.database.query(
                "SELECT posthorn.retry_dead_letter(id) FROM posthorn.webhook_deliveries WHERE status = 'dead_letter'");
        assertThat(claim(SECOND, 10, List.of(ordered))).containsExactly(ordered + " full", ordered + " held by others");
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void of_two_claims_at_once_only_one_enters_an_ordered_lane() throws Exception {
        String ordered = world.endpoint("/hook", ", ordering", ", 'endpoint'");
        world.database.administrate("UPDATE posthorn.webhook_endpoint_health SET secret_version = 1");
        for (boolean known : List.of(false, true)) {
            try (Connection late = world.database.superuser();
                    Connection other = world.database.superuser()) {
                late.setAutoCommit(false);
                TestDatabase.query(late, "SELECT event_id FROM posthorn.queue_webhook('ext:acme', 'any', '{}')");
                queue("any", 1, "'a'");
                other.setAutoCommit(false);
                assertThat(claim(other, FIRST, 10, List.of(ordered))).contains(ordered + " 1");
                late.commit();
                assertThat(claim(SECOND, 10, List.of(ordered)))
                        .as("with another claim before it: " + known)
                        .contains(ordered + " held by others")
                        .noneMatch(line -> line.endsWith(" 1"));
                other.commit();
            }
            assertThat(world.invariants()).isEmpty();
            record(200);
            assertThat(claim(SECOND, 10, List.of(ordered))).contains(ordered + " 1");
            record(200);
        }
    }

    @Test
    void an_endpoint_whose_limit_somebody_has_locked_holds_nobody_up() throws Exception {
        String limited = world.endpoint("/limited", ", rate_limit, event_types", ", 100, '{limited}'");
        String free = world.endpoint("/free", ", event_types", ", '{free}'");
        queue("limited", 3, "'a'");
        queue("free", 3, "'a'");
        world.database.administrate("UPDATE posthorn.webhook_endpoint_health SET secret_version = 1");
        try (Connection other = world.database.superuser()) {
            other.setAutoCommit(false);
            TestDatabase.query(other, "SELECT posthorn.disable_webhook_endpoint('" + limited + "')::text");
            assertThat(claim(FIRST, 10, List.of(limited, free)))
                    .containsExactly(free + " 3", limited + " full", limited + " held by others");
            queue("free", 3, "'a'");
            assertThat(claim(FIRST, 2, List.of(limited, free)))
                    .as("also by a claim that is full")
                    .contains(free + " 2", limited + " held by others");
            other.rollback();
        }
        assertThat(claim(FIRST, 10, List.of(limited, free))).contains(limited + " 3");
    }

    private void onDeadLetter(String what) {
        world.database.administrate("UPDATE posthorn.webhook_endpoints SET on_dead_letter = '" + what + "'");
    }

    /** All that is under way was answered so. */
    private void record(int status) {
        world.database.query("""
                SELECT r.delivery_id
                FROM (SELECT array_agg(d.id) AS ids, array_agg(d.dispatcher_id) AS dispatchers, array_agg(d.lease_no) AS leases,
                             array_agg(%d) AS answers, array_agg(1) AS durations, array_agg(NULL::text) AS texts, array_agg(NULL::integer) AS none
                      FROM posthorn.webhook_deliveries AS d WHERE d.status = 'sending') AS s,
                     posthorn.record_claimed_results(s.ids, s.dispatchers, s.leases, s.answers, s.texts, s.texts, s.durations, s.texts, s.none) AS r
                """.formatted(status));
    }

    private String keyed(String type) {
        return world.endpoint(
                "/keyed",
                ONE_A_MINUTE + ", event_types, ordering, ordering_key",
                ONE_A_MINUTE_VALUES + ", '{" + type + "}', 'key', '$'");
    }

    private List<String> lanesOf(String endpoint) {
        return new ArrayList<>(world
                .database
                .query(
                        "SELECT DISTINCT coalesce(ordered_lane, endpoint_id) FROM posthorn.webhook_deliveries WHERE endpoint_id = '"
                                + endpoint + "' AND stage = 'ready'")
                .stream()
                .map(row -> String.valueOf(row.getFirst()))
                .toList());
    }

    /** What a claim answers: how many deliveries of each lane, and what else it says of lanes, each in the order of the lanes. */
    private List<String> claim(String dispatcher, int rows, List<String> lanes) {
        world.database.administrate(
                "UPDATE posthorn.webhook_endpoint_health SET secret_version = 1 WHERE secret_version IS NULL");
        try (Connection connection = world.database.superuser()) {
            return claim(connection, dispatcher, rows, lanes);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private List<String> claim(Connection connection, String dispatcher, int rows, List<String> lanes)
            throws SQLException {
        return TestDatabase.query(connection, """
                WITH asked AS (
                    SELECT l.lane::uuid AS lane, l.ordinal,
                           (SELECT count(*)::integer FROM posthorn.webhook_deliveries_ready AS d
                            WHERE d.dispatcher_id = '%1$s' AND coalesce(d.ordered_lane, d.endpoint_id) = l.lane::uuid) AS held
                    FROM unnest('{%2$s}'::text[]) WITH ORDINALITY AS l (lane, ordinal)
                )
                SELECT c.lane || ' ' || CASE WHEN c.open_after_ms > 0 THEN 'paced'
                                             WHEN c.open_after_ms = 0 THEN 'held by others'
                                             WHEN c.open_after_ms < 0 THEN 'full'
                                             ELSE count(*)::text
                                        END
                FROM posthorn.claim_webhook_deliveries(
                    '%1$s', %3$d, %4$d,
                    (SELECT array_agg(a.lane ORDER BY a.ordinal) FROM asked AS a),
                    (SELECT array_agg(0::bigint) FROM asked),
                    (SELECT array_agg(true) FROM asked),
                    NULL,
                    (SELECT array_agg(a.held ORDER BY a.ordinal) FROM asked AS a)) AS c
                JOIN asked AS a ON a.lane = c.lane
                GROUP BY c.lane, c.open_after_ms, a.ordinal
                ORDER BY c.open_after_ms IS NOT NULL, c.open_after_ms, a.ordinal
                """.formatted(dispatcher, String.join(",", lanes), ++lease, rows))
                .stream()
                .map(ClaimTest::line)
                .toList();
    }

    private static String line(List<@Nullable String> row) {
        return String.valueOf(row.getFirst());
    }

    private void queue(String type, int events, String payload) {
        world.database.administrate("SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', '" + type
                + "', to_jsonb(" + payload + "::text)) FROM generate_series(1, " + events + ")");
    }
}
