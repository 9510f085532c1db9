package dev.posthorn.benchmarks;

import dev.posthorn.benchmarks.load.Latencies;
import dev.posthorn.benchmarks.receiver.SlowReceivers;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.IpAddress;
import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.claim.Lease;
import dev.posthorn.delivery.endpoint.EndpointProfile;
import dev.posthorn.delivery.endpoint.SecretMask;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.delivery.send.RequestSender;
import dev.posthorn.delivery.sign.SignedRequest;
import dev.posthorn.server.PosthornException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "deadlines",
        mixinStandardHelpOptions = true,
        description = {
            "Measures how long after their deadline attempts end, by what makes them slow, while the same sender serves healthy receivers",
            "without a pause. Needs no database."
        })
final class DeadlinesCommand implements Callable<Integer> {
    private static final int SECONDS = 2;
    /** A JVM that has just started is busy with itself. */
    private static final Duration WARM_UP = Duration.ofSeconds(5);
    /** An endpoint with nothing special about it. */
    private static final EndpointProfile PLAIN = new EndpointProfile(
            List.of(), List.of(), Set.of(), "posthorn-signature", Map.of(), null, null, SecretMask.NONE);
    /** The client's clock and ours may differ by so much. */
    private static final int EARLY_MS = 50;

    private static final byte[] SMALL = new byte[1024];
    /** More than the sockets' buffers of both sides take. */
    private static final byte[] LARGE = new byte[8 << 20];

    @Option(names = "--attempts", defaultValue = "200", description = "at once of each kind (${DEFAULT-VALUE})")
    private int attempts;

    @Option(
            names = "--healthy",
            defaultValue = "16",
            description = "requests under way to healthy receivers (${DEFAULT-VALUE})")
    private int healthy;

    @Option(names = "--json", description = "the last line is one JSON object")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        Scenario.atLeast(1, "--attempts", attempts);
        Scenario.atLeast(0, "--healthy", healthy);
        AddressPolicy policy = AddressPolicy.builder().allow("127.0.0.0/8").build();
        IpAddress loopback = IpAddress.parse("127.0.0.1").orElseThrow();
        Figures figures = new Figures();
        try (SlowReceivers receivers = SlowReceivers.start();
                RequestSender sender = new RequestSender(
                        policy,
                        name -> {
                            receivers.silentNameService();
                            return List.of(loopback);
                        },
                        new OwnSide(null))) {
            AtomicBoolean stop = new AtomicBoolean();
            AtomicLong served = new AtomicLong();
            List<Thread> load = new ArrayList<>();
            for (int i = 0; i < healthy; i++) {
                load.add(Thread.ofVirtual().start(() -> {
                    while (!stop.get()) {
                        attempt(sender, receivers.healthy(), SMALL);
                        served.incrementAndGet();
                    }
                }));
            }
            Thread.sleep(WARM_UP);
            for (Map.Entry<String, String> each : receivers.slow().entrySet()) {
                long before = served.get();
                long begun = System.nanoTime();
                long[] overshoot =
                        together(sender, each.getValue(), each.getKey().equals("shut_window") ? LARGE : SMALL);
                double seconds = (System.nanoTime() - begun) / 1e9;
                Latencies latencies = new Latencies(overshoot);
                if (latencies.percentile(0) < -EARLY_MS) {
                    throw new PosthornException(
                            70, each.getKey() + ": an attempt ended before its deadline, so nothing was measured");
                }
                figures.add(latencies.figures(each.getKey() + "_overshoot_"));
                figures.add("healthy_per_s", (served.get() - before) / seconds);
            }
            stop.set(true);
            for (Thread thread : load) {
                thread.join();
            }
        }
        figures.print();
        Map<String, Object> result = new LinkedHashMap<>(figures.asMap());
        result.put("attempts", attempts);
        result.put("cores", Runtime.getRuntime().availableProcessors());
        if (json) {
            System.out.println(JsonMapper.builder().build().writeValueAsString(result));
        }
        return 0;
    }

    /** How long after the deadline each attempt ended, in nanoseconds. */
    private long[] together(RequestSender sender, String url, byte[] body) throws InterruptedException {
        long[] overshoot = new long[attempts];
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < attempts; i++) {
            int number = i;
            threads.add(Thread.ofVirtual().start(() -> {
                long begun = System.nanoTime();
                attempt(sender, url, body);
                overshoot[number] = System.nanoTime() - begun - SECONDS * 1_000_000_000L;
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        return overshoot;
    }

    private static void attempt(RequestSender sender, String url, byte[] body) {
        UUID id = new UUID(0, 1);
        ClaimedDelivery delivery = new ClaimedDelivery(
                id, new Lease(id, 1), id, id, id, id, "a", 1, Instant.EPOCH, 0, url, "raw", body, 1, SECONDS);
        try {
            var unused = sender.send(new SignedRequest(delivery, PLAIN, Map.of("webhook-id", "1"), body));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
