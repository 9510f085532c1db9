package dev.posthorn.benchmarks.micro;

import dev.posthorn.delivery.send.AddressPolicy;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** The decision about one address, which each new connection asks for. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class AddressPolicyBenchmark {
    /** Public, private, and their like of version 6. */
    @Param({"93.184.215.14", "10.1.2.3", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "fd00::1"})
    public String address = "";

    private final AddressPolicy publicOnly = AddressPolicy.PUBLIC_ONLY;
    private final AddressPolicy allowing = AddressPolicy.allowing(List.of("10.9.0.0/16:8080", "192.168.7.0/24"));
    private InetAddress parsed = InetAddress.getLoopbackAddress();

    /** Parses the address, so that only the decision is measured. */
    @Setup
    public void parse() throws UnknownHostException {
        parsed = InetAddress.getByName(address);
    }

    /** As it is by default. */
    @Benchmark
    public boolean publicOnly() {
        return publicOnly.permits(parsed, 443);
    }

    /** With two networks that the operator allows. */
    @Benchmark
    public boolean withAllowedNetworks() {
        return allowing.permits(parsed, 443);
    }
}
