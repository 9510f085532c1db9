package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.apikeys.ApiKeys;
import dev.posthorn.apikeys.KeySettings;
import dev.posthorn.apikeys.verify.KeyRequest;
import dev.posthorn.apikeys.verify.KeyVerifier;
import dev.posthorn.benchmarks.Figures;
import dev.posthorn.benchmarks.NodeProcess;
import dev.posthorn.benchmarks.Scenario;
import dev.posthorn.benchmarks.Stage;
import dev.posthorn.benchmarks.Usage;
import dev.posthorn.benchmarks.keys.KeyCallers;
import dev.posthorn.benchmarks.keys.KeyRequests;
import dev.posthorn.benchmarks.keys.KeyTiming;
import dev.posthorn.benchmarks.load.Latencies;
import dev.posthorn.server.PosthornException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What the verification of API keys can take. */
@Command(
        name = "keys",
        mixinStandardHelpOptions = true,
        description = {
            "Verifies API keys in this process and over HTTP, as fast as it goes and at a fixed rate, beside a flood of invented keys,",
            "and asks whether an invented key that begins like a real one can be told from others by the time it takes."
        })
public final class KeysScenario extends Scenario {
    private static final int BESIDE_A_FLOOD = 1_000;
    private static final int OK = 200;
    private static final int UNAUTHORIZED = 401;
    private static final int UNAVAILABLE = 503;
    /** Keys a second that are used for the first time beside the flood. */
    private static final int FIRST_USES = 5;

    /** What can be measured. */
    enum Part {
        PROCESS,
        HTTP,
        FLOOD
    }

    @Option(
            names = "--parts",
            split = ",",
            defaultValue = "process,http,flood",
            description = "of ${COMPLETION-CANDIDATES} (${DEFAULT-VALUE})")
    private Set<Part> parts = EnumSet.allOf(Part.class);

    @Option(names = "--keys", defaultValue = "1000", description = "that are used in turn (${DEFAULT-VALUE})")
    private int keys;

    @Option(names = "--seconds", defaultValue = "10", description = "of each part (${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--rounds", defaultValue = "3", description = "that count, after one to warm up (${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--threads", defaultValue = "2", description = "in this process (${DEFAULT-VALUE})")
    private int threads;

    @Option(names = "--connections", defaultValue = "16", description = "over HTTP (${DEFAULT-VALUE})")
    private int connections;

    @Option(names = "--rate", defaultValue = "5000", description = "calls a second at a fixed rate (${DEFAULT-VALUE})")
    private int rate;

    @Option(names = "--wrong", defaultValue = "20000", description = "invented keys of the flood (${DEFAULT-VALUE})")
    private int wrong;

    @Option(names = "--wrong-rate", defaultValue = "2000", description = "of them a second (${DEFAULT-VALUE})")
    private int wrongRate;

    @Option(
            names = "--wrong-addresses",
            defaultValue = "10000",
            description = "from which they come in turn, 0 for that of the good ones (${DEFAULT-VALUE})")
    private int wrongAddresses;

    @Option(
            names = "--unknown-per-second",
            defaultValue = "1000",
            description = "which the server looks up, as POSTHORN_API_KEY_UNKNOWN_PER_SECOND (${DEFAULT-VALUE})")
    private int unknownPerSecond;

    @Option(names = "--samples", defaultValue = "50000", description = "durations of each kind (${DEFAULT-VALUE})")
    private int samples;

    @Override
    protected Figures run(Stage stage) throws Exception {
        atLeast(1, "--keys", keys);
        atLeast(1, "--seconds", seconds);
        atLeast(1, "--rounds", rounds);
        atLeast(1, "--threads", threads);
        atLeast(2, "--connections", connections);
        atLeast(1, "--rate", rate);
        atLeast(1, "--wrong", wrong);
        atLeast(1, "--wrong-rate", wrongRate);
        atLeast(0, "--wrong-addresses", wrongAddresses);
        atLeast(1, "--unknown-per-second", unknownPerSecond);
        atLeast(100, "--samples", samples);
        List<String> issued = issue(stage, keys);
        Figures figures = new Figures();
        if (parts.contains(Part.PROCESS)) {
            inProcess(stage, issued, figures);
        }
        if (parts.contains(Part.HTTP) || parts.contains(Part.FLOOD)) {
            overHttp(stage, issued, figures);
        }
        if (figures.total("wrong_accepted") + figures.total("good_refused") > 0) {
            throw new PosthornException(
                    1,
                    figures.total("wrong_accepted") + " invented keys were not refused, "
                            + figures.total("good_refused") + " good ones not accepted");
        }
        return figures;
    }

    private void inProcess(Stage stage, List<String> issued, Figures figures) throws Exception {
        KeyVerifier.Options options = KeyVerifier.Options.usual().unknownPerSecond(KeyTiming.UNLIMITED);
        try (KeyVerifier verifier =
                new KeyVerifier(stage.database().pool(), stage.database().ownConnections(), options)) {
            verifier.start();
            for (int round = 0; round <= rounds; round++) {
                inProcess(verifier, issued, round == 0 ? new Figures() : figures);
            }
            double t = KeyTiming.measure(verifier, issued, samples);
            figures.add("unknown_key_timing_t", t);
            say("unknown keys with and without a known prefix: |t| %.2f", t);
        }
    }

    private void overHttp(Stage stage, List<String> issued, Figures figures) throws Exception {
        Map<String, String> settings = Map.of(
                "POSTHORN_TRUSTED_PROXIES",
                "127.0.0.1",
                "POSTHORN_API_KEY_UNKNOWN_PER_SECOND",
                String.valueOf(unknownPerSecond));
        try (NodeProcess server = stage.server(settings, "-Xmx512m")) {
            KeyRequests requests = new KeyRequests(server.address(), issued);
            for (int round = 0; round <= rounds && parts.contains(Part.HTTP); round++) {
                overHttp(stage, server, requests, round == 0 ? new Figures() : figures);
            }
            if (parts.contains(Part.FLOOD)) {
                callers(server, requests::forward).asFastAsItGoes(Duration.ofSeconds(seconds));
                flood(stage, server, requests, figures);
            }
        }
        figures.count(
                "failure_rows",
                Long.parseLong(stage.database().text("SELECT count(*) FROM posthorn.api_key_failures")));
    }

    private List<String> issue(Stage stage, int count) throws SQLException {
        ApiKeys making = new ApiKeys();
        List<String> issued = new ArrayList<>();
        try (Connection connection = stage.database().pool().getConnection()) {
            for (int i = 0; i < count; i++) {
                String settings = KeySettings.named("key " + i)
                        .scopes(List.of("keys:verify", "orders:*"))
                        .json();
                issued.add(making.create(connection, ApiKey.Mode.LIVE, null, settings, null)
                        .key()
                        .text());
            }
        }
        return issued;
    }

    private void inProcess(KeyVerifier verifier, List<String> issued, Figures figures) throws Exception {
        LongAdder verified = new LongAdder();
        long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        long begun = System.nanoTime();
        List<Future<?>> running = new ArrayList<>();
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            for (int thread = 0; thread < threads; thread++) {
                int offset = thread * 7;
                running.add(pool.submit(() -> {
                    for (int i = offset; System.nanoTime() < end; i++) {
                        KeyRequest request =
                                KeyRequest.of(issued.get(i % issued.size())).scopes(List.of(KeyRequests.SCOPE));
                        if (!verifier.verify(request).code().equals("valid")) {
                            throw new IllegalStateException("a key that is good was refused");
                        }
                        verified.increment();
                    }
                    return true;
                }));
            }
            for (Future<?> one : running) {
                one.get();
            }
        }
        double perSecond = verified.sum() / ((System.nanoTime() - begun) / 1e9);
        figures.add("process_verifications_per_s", perSecond);
        say("in process      %9.0f verifications/s", perSecond);
    }

    private void overHttp(Stage stage, NodeProcess server, KeyRequests requests, Figures figures) throws Exception {
        asFastAsItGoes(stage, server, figures, "forward", requests::forward);
        asFastAsItGoes(stage, server, figures, "verify", requests::verify);
        KeyCallers callers = callers(server, requests::forward);
        Latencies latencies = callers.atRate(rate, (long) rate * seconds);
        figures.count("good_refused", callers.answered() - callers.answered(OK));
        latencies.figures("paced_").forEach(figures::add);
        figures.add("paced_overslept_p99_ms", callers.overslept().percentile(99));
        figures.add("paced_awake_p99_ms", callers.withoutOversleeping().percentile(99));
        say("forward, %d/s  p50 %.3f ms, p99 %.3f ms", rate, latencies.percentile(50), latencies.percentile(99));
    }

    private void asFastAsItGoes(
            Stage stage, NodeProcess server, Figures figures, String door, LongFunction<byte[]> requests)
            throws Exception {
        KeyCallers callers = callers(server, requests);
        Usage before = Usage.now(stage, server.pid());
        callers.asFastAsItGoes(Duration.ofSeconds(seconds));
        Usage after = Usage.now(stage, server.pid());
        double perSecond = callers.answered() / after.secondsSince(before);
        figures.count("good_refused", callers.answered() - callers.answered(OK));
        figures.add(door + "_verifications_per_s", perSecond);
        after.since(before, callers.answered(), "verification").forEach((figure, value) -> {
            if (figure.startsWith("engine_cpu") || figure.startsWith("statements")) {
                figures.add(door + "_" + figure, value);
            }
        });
        say("%-8s        %9.0f verifications/s", door, perSecond);
    }

    /**
     * Good callers at a fixed rate, first alone, then beside somebody who invents keys at a fixed rate, while a few keys that the server
     * has not seen are used for the first time: those may have to wait, but are never refused.
     */
    private void flood(Stage stage, NodeProcess server, KeyRequests requests, Figures figures) throws Exception {
        callers(server, requests::forward)
                .atRate(BESIDE_A_FLOOD, (long) BESIDE_A_FLOOD * seconds)
                .figures("alone_")
                .forEach(figures::add);
        long floodSeconds = Math.max(1, wrong / wrongRate);
        int firstUses = Math.toIntExact(Math.max(1, floodSeconds * FIRST_USES));
        List<String> fresh = issue(stage, firstUses);
        KeyCallers flooding = callers(server, number -> requests.invented(number, wrongAddresses));
        KeyCallers good = callers(server, requests::forward);
        KeyCallers firstUse =
                new KeyCallers(server.address().getPort(), 1, number -> requests.forward(fresh.get((int) number)));
        long lookupsBefore = lookups(stage);
        long walBefore = stage.database().walBytes();
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<Latencies> flood = threads.submit(() -> flooding.atRate(wrongRate, wrong));
            Future<Latencies> first = threads.submit(() -> firstUse.atRate(FIRST_USES, firstUses));
            good.atRate(BESIDE_A_FLOOD, BESIDE_A_FLOOD * floodSeconds)
                    .figures("flooded_")
                    .forEach(figures::add);
            flood.get().figures("wrong_").forEach(figures::add);
            first.get().figures("first_use_").forEach(figures::add);
        }
        figures.ratio("flooded_to_alone_p99", "flooded_p99_ms", "alone_p99_ms");
        figures.add("wrong_wal_bytes_per_key", (stage.database().walBytes() - walBefore) / (double) wrong);
        figures.add("lookups_per_s", (lookups(stage) - lookupsBefore) / ((double) wrong / wrongRate));
        figures.count("wrong", flooding.answered());
        figures.count("wrong_refused", flooding.answered(UNAUTHORIZED));
        figures.count("wrong_not_judged", flooding.answered(UNAVAILABLE));
        figures.count(
                "wrong_accepted",
                flooding.answered() - flooding.answered(UNAUTHORIZED) - flooding.answered(UNAVAILABLE));
        figures.count("first_uses", firstUse.answered());
        figures.count("first_uses_not_judged", firstUse.answered(UNAVAILABLE));
        figures.count("good_refused", good.answered() - good.answered(OK));
        figures.count("good_refused", firstUse.answered() - firstUse.answered(OK) - firstUse.answered(UNAVAILABLE));
        say(
                "1000/s alone p99 %.3f ms, beside %d invented keys a second %.3f ms",
                figures.median("alone_p99_ms"), wrongRate, figures.median("flooded_p99_ms"));
    }

    /** Questions to the database whether there is a key, so far; 0 where statements are not counted. */
    private static long lookups(Stage stage) throws SQLException {
        return stage.database().statements().isEmpty()
                ? 0
                : Long.parseLong(stage.database()
                        .text("SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements"
                                + " WHERE toplevel AND query LIKE '%FROM posthorn.validate_api_key_hash(%'"));
    }

    private KeyCallers callers(NodeProcess server, LongFunction<byte[]> requests) {
        return new KeyCallers(server.address().getPort(), connections, requests);
    }
}
