package dev.posthorn.delivery.claim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.claim.Lanes.Sample;
import dev.posthorn.delivery.claim.Lanes.Turn;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Whose turn it is, and how far a mark may go. */
class LanesTest {
    private static final UUID A = new UUID(0, 1);
    private static final UUID B = new UUID(0, 2);
    private static final UUID C = new UUID(0, 3);
    private static final long SECOND = 1_000_000_000L;

    private UUID epoch = new UUID(0, 0);
    private final Map<UUID, Integer> held = new HashMap<>();
    private final Lanes lanes = new Lanes(lane -> held.getOrDefault(lane, 0));

    @Test
    void lanes_take_turns_and_those_that_gave_nothing_are_closed() {
        List.of(A, B, C).forEach(lanes::arrived);
        List<Turn> turns = lanes.turns(10);
        assertThat(turns).extracting(Turn::lane).containsExactly(A, B, C);
        lanes.asked(turns, gave(A, C), Set.of(), true);
        assertThat(lanes.turns(10)).extracting(Turn::lane).containsExactly(A, C);
        lanes.asked(lanes.turns(1), gave(A), Set.of(), true);
        assertThat(lanes.turns(10)).extracting(Turn::lane).containsExactly(C, A);
        lanes.arrived(B);
        assertThat(lanes.turns(2)).extracting(Turn::lane).containsExactly(C, A);
    }

    @Test
    void a_claim_that_was_not_full_has_taken_all_that_its_lanes_may_give() {
        List.of(A, B, C).forEach(lanes::arrived);
        lanes.asked(lanes.turns(2), gave(A), Set.of(), false);
        assertThat(lanes.turns(10)).extracting(Turn::lane).containsExactly(C);
        lanes.arrived(A);
        assertThat(lanes.turns(10)).extracting(Turn::lane).containsExactly(C, A);
    }

    @Test
    void a_claim_that_was_full_says_nothing_of_the_lanes_that_it_did_not_reach() {
        List.of(A, B, C).forEach(lanes::arrived);
        lanes.asked(lanes.turns(10), gave(B), Set.of(), true);
        assertThat(lanes.turns(10)).extracting(Turn::lane).containsExactly(C, B);
    }

    @Test
    void a_mark_follows_the_head_of_its_lane() {
        use(A);
        observe(sample(1, 100, 10), 10, A, 90L);
        assertThat(mark(A)).isEqualTo(89);
        observe(sample(2, 200, 20), 20, A, 150L);
        assertThat(mark(A)).isEqualTo(149);
    }

    @Test
    void a_mark_never_passes_a_place_that_an_open_transaction_may_still_fill() {
        use(A);
        observe(sample(1, 100, 10), 10, A, 50L);
        // Transaction 15 is open and has drawn a place somewhere up to 200.
        observe(sample(2, 200, 20), 15, A, 180L);
        assertThat(mark(A)).as("place 101 may still be filled").isEqualTo(100);
        observe(sample(3, 300, 30), 15, A, null);
        assertThat(mark(A)).isEqualTo(100);
        // It has ended: everything up to 300 is filled or never will be.
        observe(sample(4, 400, 40), 35, A, null);
        assertThat(mark(A)).isEqualTo(300);
    }

    @Test
    void a_transaction_that_never_ends_holds_a_mark_for_ten_seconds_or_20000_places() {
        use(A);
        observe(sample(1, 100, 10), 5, A, null);
        assertThat(mark(A)).isZero();
        observe(sample(10, 20_000, 20), 5, A, null);
        assertThat(mark(A)).isZero();
        observe(sample(12, 20_050, 30), 5, A, null);
        assertThat(mark(A)).as("after ten seconds").isEqualTo(100);
        observe(sample(13, 50_000, 40), 5, A, null);
        assertThat(mark(A)).as("20,000 places behind").isEqualTo(20_050);
    }

    @Test
    void the_mark_of_an_ordered_lane_waits_for_a_transaction_however_long() {
        observeOrdered(sample(1, 100, 10), 10, A, null);
        observeOrdered(sample(2, 200, 20), 15, A, null);
        assertThat(mark(A)).as("place 101 may still be filled").isEqualTo(100);
        observeOrdered(sample(60, 50_000, 30), 15, A, null);
        observeOrdered(sample(120, 100_000, 40), 15, A, null);
        assertThat(mark(A)).isEqualTo(100);
        observeOrdered(sample(121, 100_100, 50), 45, A, 90_000L);
        assertThat(mark(A)).as("it has ended").isEqualTo(200);
        observeOrdered(sample(122, 100_200, 60), 55, A, 90_000L);
        assertThat(mark(A)).isEqualTo(89_999);
        assertThat(turn(A).strict()).isTrue();
    }

    @Test
    void a_lane_that_turns_out_to_be_ordered_is_read_from_its_beginning_once() {
        observe(sample(1, 100, 10), 10, A, null);
        assertThat(turn(A)).isEqualTo(new Turn(A, 100, false, 0));
        lanes.asked(lanes.turns(1), Map.of(A, true), Set.of(), true);
        assertThat(turn(A)).isEqualTo(new Turn(A, 0, true, 0));
        observeOrdered(sample(2, 200, 20), 20, A, 150L);
        assertThat(turn(A)).as("up to where was sure when it was last looked").isEqualTo(new Turn(A, 100, true, 0));
        lanes.asked(lanes.turns(1), gave(A), Set.of(), true);
        assertThat(turn(A)).as("not ordered any more").isEqualTo(new Turn(A, 100, false, 0));
    }

    @Test
    void nothing_that_was_seen_holds_in_another_epoch() {
        observeOrdered(sample(1, 100, 10), 10, A, null);
        observeOrdered(sample(2, 200, 20), 20, A, null);
        assertThat(mark(A)).isEqualTo(100);
        assertThat(lanes.safeMillis()).isPositive();
        epoch = new UUID(0, 1);
        observeOrdered(sample(3, 90, 30), 10, A, null);
        assertThat(turn(A)).isEqualTo(new Turn(A, 0, true, 0));
        assertThat(lanes.safeMillis()).isZero();
        assertThat(lanes.epoch()).isEqualTo(epoch);
        observeOrdered(sample(4, 95, 40), 35, A, null);
        assertThat(mark(A)).isEqualTo(90);
    }

    @Test
    void what_came_back_before_the_mark_sets_it_back() {
        use(A);
        observe(sample(1, 100, 10), 10, A, null);
        assertThat(mark(A)).isEqualTo(100);
        lanes.openFrom(A, 101);
        assertThat(mark(A)).isEqualTo(100);
        lanes.openFrom(A, 40);
        assertThat(mark(A)).isEqualTo(39);
    }

    @Test
    void a_mark_is_kept_while_its_lane_is_closed() {
        use(A);
        observe(sample(1, 100, 10), 10, A, null);
        lanes.asked(lanes.turns(1), gave(), Set.of(), false);
        assertThat(lanes.anyOpen()).isFalse();
        lanes.arrived(A);
        assertThat(mark(A)).isEqualTo(100);
    }

    @Test
    void lanes_that_wait_for_their_moment_open_then() {
        lanes.pacedUntil(A, A, 5 * SECOND);
        lanes.pacedUntil(B, B, 3 * SECOND);
        assertThat(lanes.nextOpening()).isEqualTo(3 * SECOND);
        lanes.openWaiting(4 * SECOND);
        assertThat(lanes.turns(10)).extracting(Turn::lane).containsExactly(B);
        lanes.openWaiting(5 * SECOND);
        assertThat(lanes.turns(10)).extracting(Turn::lane).containsExactly(B, A);
        assertThat(lanes.nextOpening()).isNull();
    }

    @Test
    void a_lane_whose_deliveries_others_hold_is_asked_ever_more_rarely() {
        lanes.heldByOthers(A, 0);
        assertThat(lanes.nextOpening()).isEqualTo(50_000_000);
        lanes.openWaiting(SECOND);
        lanes.heldByOthers(A, 0);
        assertThat(lanes.nextOpening()).isEqualTo(100_000_000);
        lanes.openWaiting(SECOND);
        lanes.asked(lanes.turns(1), gave(A), Set.of(), false);
        lanes.heldByOthers(A, 0);
        assertThat(lanes.nextOpening()).as("after it gave something").isEqualTo(50_000_000);
    }

    @Test
    void a_lane_without_tokens_is_opened_by_nothing_but_its_moment_and_a_sweep() {
        lanes.pacedUntil(A, A, 5 * SECOND);
        lanes.arrived(A);
        lanes.ended(A);
        assertThat(lanes.anyOpen()).isFalse();
        lanes.openFrom(A, 1);
        assertThat(lanes.anyOpen()).as("a retry that is due is none").isFalse();
        lanes.swept(List.of(new LaneSweeper.Head(A, 1)), SECOND);
        // The limit has been lifted meanwhile: a claim says nothing of a moment any more.
        lanes.asked(lanes.turns(1), gave(A), Set.of(), false);
        lanes.arrived(A);
        assertThat(lanes.anyOpen()).isTrue();
    }

    @Test
    void a_retry_that_comes_back_to_a_lane_that_waits_for_a_token_is_seen_with_it() {
        for (boolean stillOpen : List.of(false, true)) {
            observe(sample(1, 100, 10), 10, A, 90L);
            observe(sample(2, 100, 20), 20, A, 90L);
            assertThat(mark(A)).isEqualTo(89);
            lanes.asked(lanes.turns(1), gave(A), Set.of(), stillOpen);
            assertThat(lanes.anyOpen()).isEqualTo(stillOpen);
            lanes.pacedUntil(B, A, 5 * SECOND);
            lanes.openFrom(A, 20);
            lanes.openWaiting(5 * SECOND);
            assertThat(mark(A)).as("also open: " + stillOpen).isEqualTo(19);
            lanes.asked(lanes.turns(1), gave(), Set.of(), false);
        }
    }

    @Test
    void of_many_keys_that_wait_for_the_tokens_of_one_endpoint_some_are_asked_in_turn() {
        List<UUID> keys = Stream.iterate(1, n -> n + 1)
                .limit(100)
                .map(n -> new UUID(1, n))
                .toList();
        keys.forEach(lanes::arrived);
        askAndPace(keys.size(), SECOND);
        assertThat(lanes.anyOpen()).isFalse();
        List<UUID> asked = new ArrayList<>();
        for (int token = 1; token <= 4; token++) {
            lanes.openWaiting(token * SECOND - 1);
            assertThat(lanes.anyOpen()).as("before the token").isFalse();
            lanes.openWaiting(token * SECOND);
            asked.addAll(askAndPace(100, (token + 1) * SECOND));
        }
        assertThat(asked).startsWith(keys.toArray(UUID[]::new)).hasSize(128);
        lanes.openWaiting(5 * SECOND);
        lanes.asked(lanes.turns(100), gave(), Set.of(), false);
        lanes.openWaiting(5 * SECOND + 5_000_000);
        assertThat(lanes.turns(100))
                .as("nobody was told to wait: the next ones follow")
                .hasSize(32);
    }

    private List<UUID> askAndPace(int atMost, long until) {
        List<Turn> turns = lanes.turns(atMost);
        lanes.asked(turns, gave(), Set.of(), false);
        turns.forEach(turn -> lanes.pacedUntil(new UUID(9, 9), turn.lane(), until));
        return turns.stream().map(Turn::lane).toList();
    }

    @Test
    void the_sooner_of_two_moments_counts() {
        lanes.pacedUntil(A, A, 60 * SECOND);
        lanes.pacedUntil(A, A, 5 * SECOND);
        lanes.openWaiting(5 * SECOND);
        lanes.asked(lanes.turns(1), gave(), Set.of(), false);
        lanes.openWaiting(60 * SECOND);
        assertThat(lanes.anyOpen()).as("the later one is forgotten").isFalse();
    }

    @Test
    void what_ended_opens_only_a_lane_that_gave_as_much_as_it_may() {
        lanes.arrived(A);
        lanes.asked(lanes.turns(1), gave(A), Set.of(), false);
        held.put(A, 3);
        lanes.ended(A);
        assertThat(lanes.anyOpen()).as("it gave all that was there").isFalse();
        lanes.arrived(A);
        lanes.asked(lanes.turns(1), gave(A), Set.of(A), false);
        held.put(A, 4);
        lanes.arrived(A);
        assertThat(lanes.anyOpen()).as("it is full").isFalse();
        lanes.ended(A);
        assertThat(lanes.anyOpen()).isTrue();
    }

    @Test
    void what_ended_opens_a_full_lane_that_gave_nothing() {
        held.put(A, 2);
        lanes.arrived(A);
        lanes.asked(lanes.turns(1), gave(), Set.of(A), false);
        lanes.arrived(A);
        assertThat(lanes.anyOpen()).as("it is full").isFalse();
        lanes.ended(A);
        assertThat(lanes.anyOpen()).as("its limit may have shrunk").isTrue();
    }

    @Test
    void what_arrives_opens_a_lane_in_which_there_was_nothing_though_others_of_it_are_under_way() {
        held.put(A, 2);
        lanes.arrived(A);
        lanes.asked(lanes.turns(1), gave(), Set.of(), false);
        lanes.ended(A);
        assertThat(lanes.anyOpen()).as("there is no more").isFalse();
        lanes.arrived(A);
        assertThat(lanes.anyOpen()).isTrue();
    }

    @Test
    void what_ended_or_arrives_opens_a_lane_of_which_a_full_claim_said_nothing() {
        held.put(A, 2);
        for (Consumer<UUID> opening : List.<Consumer<UUID>>of(lanes::ended, lanes::arrived)) {
            List.of(A, B).forEach(lanes::arrived);
            lanes.asked(lanes.turns(2), gave(B), Set.of(B), true);
            lanes.asked(lanes.turns(1), gave(), Set.of(), false);
            assertThat(lanes.anyOpen()).isFalse();
            opening.accept(A);
            assertThat(lanes.turns(10)).extracting(Turn::lane).containsExactly(A);
        }
    }

    /** Opens a lane and claims something from it, so that its mark may move. */
    private void use(UUID lane) {
        lanes.arrived(lane);
        lanes.asked(lanes.turns(1), gave(lane), Set.of(), true);
    }

    private static Map<UUID, Boolean> gave(UUID... lanes) {
        return Stream.of(lanes).collect(Collectors.toMap(lane -> lane, lane -> false));
    }

    private void observe(Sample seen, long oldestXid, UUID lane, @Nullable Long head) {
        use(lane);
        move(seen, oldestXid, head);
    }

    private void observeOrdered(Sample seen, long oldestXid, UUID lane, @Nullable Long head) {
        lanes.arrived(lane);
        lanes.asked(lanes.turns(1), Map.of(lane, true), Set.of(), true);
        move(seen, oldestXid, head);
    }

    private void move(Sample seen, long oldestXid, @Nullable Long head) {
        lanes.observed(epoch, seen, oldestXid, lanes.toObserve(10), new @Nullable Long[] {head});
    }

    private static Sample sample(long second, long position, long nextXid) {
        return new Sample(second * 1000, position, nextXid, second * SECOND);
    }

    private long mark(UUID lane) {
        return turn(lane).mark();
    }

    private Turn turn(UUID lane) {
        return lanes.turns(10).stream()
                .filter(turn -> turn.lane().equals(lane))
                .findFirst()
                .orElseThrow();
    }
}
