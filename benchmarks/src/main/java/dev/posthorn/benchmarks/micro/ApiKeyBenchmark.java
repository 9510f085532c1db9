package dev.posthorn.benchmarks.micro;

import dev.posthorn.apikeys.ApiKey;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** What a presented API key costs before anything is looked up. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ApiKeyBenchmark {
    private final ApiKey key = ApiKey.generate(ApiKey.Mode.LIVE);
    private final String text = key.text();
    private final String mistyped = text.substring(0, text.length() - 1) + (text.endsWith("0") ? '1' : '0');
    private final byte[] stored = key.hash();

    /** Making a key. */
    @Benchmark
    public ApiKey generate() {
        return ApiKey.generate(ApiKey.Mode.LIVE);
    }

    /** SHA-256 of a key. */
    @Benchmark
    public byte[] hash() {
        return key.hash();
    }

    /** Shape, checksum, SHA-256 and the comparison with what is stored. */
    @Benchmark
    public boolean verify() {
        return ApiKey.parse(text)
                .map(parsed -> MessageDigest.isEqual(parsed.hash(), stored))
                .orElse(false);
    }

    /** A key whose checksum is wrong, refused without a look into the database. */
    @Benchmark
    public Optional<ApiKey> refuseMistyped() {
        return ApiKey.parse(mistyped);
    }
}
