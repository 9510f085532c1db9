package dev.posthorn.benchmarks.micro;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.address.TargetUrl;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The judgement of a URL, as an entry point asks for it; a sender asks for it once for each URL, and for each new connection. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class AddressPolicyBenchmark {
    /** A name, one that is converted, and addresses of both versions. */
    @Param({
        "https://hooks.example.com/webhooks/1?x=y",
        "https://b\u00fccher.example/",
        "https://93.184.215.14/",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/"
    })
    public String url = "";

    private final AddressPolicy publicOnly = AddressPolicy.PUBLIC_ONLY;
    private final AddressPolicy allowing = AddressPolicy.allowing(List.of("10.9.0.0/16:8080", "192.168.7.0/24"));

    /** As it is by default. */
    @Benchmark
    public TargetUrl publicOnly() throws TargetRefusedException {
        return publicOnly.accept(url);
    }

    /** With two networks that the operator allows. */
    @Benchmark
    public TargetUrl withAllowedNetworks() throws TargetRefusedException {
        return allowing.accept(url);
    }
}
