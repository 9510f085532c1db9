package dev.posthorn.apikeys.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LookupBudgetTest {
    private static final int PER_SECOND = 1_000;
    private static final int PER_ADDRESS = 100;
    private static final Optional<CachedKey> KEY = Optional.of(new CachedKey(
            new StoredKey(
                    UUID.randomUUID(), null, "a", null, "live", List.of(), List.of(), "{}", null, Map.of(), false),
            null,
            Instant.EPOCH,
            0));

    private final AtomicLong nanos = new AtomicLong();
    private final LookupBudget budget = new LookupBudget(PER_SECOND, nanos::get);

    @Test
    void keys_that_exist_are_never_charged() throws Exception {
        for (int i = 0; i < 10 * PER_SECOND; i++) {
            assertThat(budget.spend(address("192.0.2.1"), () -> KEY)).isPresent();
        }
    }

    @Test
    void an_address_has_its_share_and_gets_it_back_in_a_second() throws Exception {
        assertThat(unknownUntilRefused("192.0.2.1")).isEqualTo(PER_ADDRESS);
        // What is not looked up cannot be told from what does not exist, so a key that exists has to wait too.
        assertThatThrownBy(() -> budget.spend(address("192.0.2.1"), () -> KEY))
                .isInstanceOf(TooManyUnknownKeysException.class);
        assertThat(budget.spend(address("192.0.2.2"), () -> KEY)).isPresent();
        nanos.addAndGet(Duration.ofMillis(100).toNanos());
        assertThat(unknownUntilRefused("192.0.2.1")).isEqualTo(PER_ADDRESS / 10);
        nanos.addAndGet(Duration.ofDays(1).toNanos());
        assertThat(unknownUntilRefused("192.0.2.1")).isEqualTo(PER_ADDRESS);
    }

    @Test
    void those_who_invent_keys_share_a_half_and_leave_the_other_to_newcomers() throws Exception {
        int unknown = 0;
        for (int i = 0; i < 50; i++) {
            unknown += unknownUntilRefused("198.51.100." + i);
        }
        // The first of each address was a newcomer's.
        assertThat(unknown).isEqualTo(PER_SECOND / 2 + 50);
        assertThatThrownBy(() -> budget.spend(address("198.51.100.1"), () -> KEY))
                .isInstanceOf(TooManyUnknownKeysException.class);
        assertThat(budget.spend(address("192.0.2.1"), () -> KEY)).isPresent();
        nanos.addAndGet(Duration.ofMinutes(11).toNanos());
        assertThat(budget.spend(address("198.51.100.1"), () -> KEY)).isPresent();
    }

    @Test
    void newcomers_together_have_a_half_too() throws Exception {
        int unknown = 0;
        for (int i = 0; i < 2 * PER_SECOND; i++) {
            try {
                budget.spend(address("10.0." + i / 250 + "." + i % 250), Optional::empty);
                unknown++;
            } catch (TooManyUnknownKeysException e) {
                // Nothing is left.
            }
        }
        assertThat(unknown).isEqualTo(PER_SECOND / 2);
    }

    @Test
    void a_network_of_ipv6_is_one_address_and_so_is_every_caller_without_one() throws Exception {
        assertThat(unknownUntilRefused("2001:db8::1")).isEqualTo(PER_ADDRESS);
        assertThat(unknownUntilRefused("2001:db8::ffff:1")).isZero();
        assertThat(unknownUntilRefused("2001:db8:0:1::1")).isEqualTo(PER_ADDRESS);
        assertThat(unknownUntilRefused(null)).isEqualTo(PER_ADDRESS);
        assertThat(unknownUntilRefused(null)).isZero();
    }

    @Test
    void four_are_looked_up_at_once_and_whoever_waits_too_long_is_refused() throws Exception {
        CountDownLatch begun = new CountDownLatch(4);
        CountDownLatch answer = new CountDownLatch(1);
        try (Closing threads = new Closing(Executors.newCachedThreadPool())) {
            List<Future<Optional<CachedKey>>> running = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                running.add(threads.pool()
                        .submit(() -> budget.spend(null, () -> {
                            begun.countDown();
                            await(answer);
                            return KEY;
                        })));
            }
            await(begun);
            assertThatThrownBy(() -> budget.spend(address("192.0.2.1"), () -> KEY))
                    .isInstanceOf(TooManyUnknownKeysException.class);
            answer.countDown();
            for (Future<Optional<CachedKey>> one : running) {
                assertThat(one.get()).isPresent();
            }
            assertThat(budget.spend(address("192.0.2.1"), () -> KEY)).isPresent();
        }
    }

    @Test
    void a_lookup_that_fails_gives_its_place_back_and_is_not_charged() throws Exception {
        for (int i = 0; i < 10 * PER_ADDRESS; i++) {
            assertThatThrownBy(() -> budget.spend(null, () -> {
                        throw new SQLException("away");
                    }))
                    .hasMessage("away");
        }
        assertThat(unknownUntilRefused(null)).isEqualTo(PER_ADDRESS);
    }

    private int unknownUntilRefused(@Nullable String address) throws Exception {
        int unknown = 0;
        while (true) {
            try {
                assertThat(budget.spend(address(address), Optional::empty)).isEmpty();
                unknown++;
            } catch (TooManyUnknownKeysException e) {
                return unknown;
            }
        }
    }

    private static @Nullable InetAddress address(@Nullable String text) throws Exception {
        return text == null ? null : InetAddress.getByName(text);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private record Closing(ExecutorService pool) implements AutoCloseable {
        @Override
        public void close() {
            pool.shutdownNow();
        }
    }
}
