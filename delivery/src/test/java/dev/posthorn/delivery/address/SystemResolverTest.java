package dev.posthorn.delivery.address;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SystemResolverTest {
    private static final IpAddress ANSWER = IpAddress.parse("93.184.216.34").orElseThrow();

    private static InetAddress[] answer(String name) {
        return new InetAddress[] {ANSWER.toInetAddress(name)};
    }

    @Test
    void a_silent_name_service_is_an_error_in_time_and_holds_up_no_other_name() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        SystemResolver resolver = new SystemResolver(Duration.ofSeconds(2), name -> {
            if (name.startsWith("silent")) {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return answer(name);
        });
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> silent = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                String name = "silent" + i + ".example.com";
                silent.add(threads.submit(() -> assertThatThrownBy(() -> resolver.resolve(name))
                        .isInstanceOf(UnknownHostException.class)
                        .hasMessageContaining("within 2000 ms")));
            }
            assertThat(threads.submit(() -> resolver.resolve("example.com")).get())
                    .containsExactly(ANSWER);
            for (Future<?> each : silent) {
                each.get();
            }
        }
        release.countDown();
    }

    @Test
    void a_name_is_asked_for_once_at_a_time_and_again_afterwards() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        CountDownLatch release = new CountDownLatch(1);
        SystemResolver resolver = new SystemResolver(Duration.ofMinutes(1), name -> {
            asked.incrementAndGet();
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return answer(name);
        });
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<List<IpAddress>>> all = new ArrayList<>();
            CountDownLatch begun = new CountDownLatch(20);
            for (int i = 0; i < 20; i++) {
                all.add(threads.submit(() -> {
                    begun.countDown();
                    return resolver.resolve("example.com");
                }));
            }
            begun.await();
            release.countDown();
            for (Future<List<IpAddress>> each : all) {
                assertThat(each.get()).containsExactly(ANSWER);
            }
        }
        int before = asked.get();
        assertThat(resolver.resolve("example.com")).containsExactly(ANSWER);
        assertThat(asked).hasValue(before + 1);
    }

    @Test
    void a_failure_is_an_error_and_not_remembered() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        SystemResolver resolver = new SystemResolver(Duration.ofMinutes(1), name -> {
            if (asked.incrementAndGet() == 1) {
                throw new UnknownHostException(name);
            }
            if (asked.get() == 2) {
                throw new IllegalStateException("broken");
            }
            return answer(name);
        });
        assertThatThrownBy(() -> resolver.resolve("example.com")).isInstanceOf(UnknownHostException.class);
        assertThatThrownBy(() -> resolver.resolve("example.com")).isInstanceOf(UnknownHostException.class);
        assertThat(resolver.resolve("example.com")).containsExactly(ANSWER);
    }

    @Test
    void the_machines_own_way_is_the_usual_one() throws Exception {
        assertThat(new SystemResolver().resolve("localhost"))
                .isNotEmpty()
                .allMatch(address -> List.of("127.0.0.1", "::1").contains(address.toString()));
    }
}
