package dev.posthorn.delivery.address;

import static dev.posthorn.delivery.address.RefusalClass.ADDRESS;
import static dev.posthorn.delivery.address.RefusalClass.DNS;
import static dev.posthorn.delivery.address.RefusalClass.PORT;
import static dev.posthorn.delivery.address.RefusalClass.SCHEME;

import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Which targets may be sent to: public ones over {@code https}, and what the operator permits besides. Thread-safe.
 *
 * <p>A target is judged twice: for what its URL is ({@link #accept}), when it is stored and again at each attempt; and for what its name
 * leads to ({@link #resolve}), at each connection, on the very answer that is connected to. One refused address refuses them all.
 */
public final class AddressPolicy {
    /** Public addresses over {@code https} only. */
    public static final AddressPolicy PUBLIC_ONLY = builder().build();

    private final List<AllowedTarget> allowed;
    private final List<Network> refused;
    private final Set<IpAddress> own;
    private final Supplier<Set<IpAddress>> machine;
    private final boolean allowHttp;
    private final boolean nat64;

    private AddressPolicy(Builder builder) {
        allowed = List.copyOf(builder.allowed);
        refused = List.copyOf(builder.refused);
        own = Set.copyOf(builder.own);
        machine = builder.machine;
        allowHttp = builder.allowHttp;
        nat64 = builder.nat64;
    }

    /** What is spoken to a target besides HTTP, each with the port of its own, which the rules for HTTP refuse. */
    public enum Service {
        /** Files over SSH. */
        SFTP(22),
        /** PostgreSQL's own protocol. */
        POSTGRESQL(5432);

        private final int port;

        Service(int port) {
            this.port = port;
        }

        /** Where it is usually found. */
        public int port() {
            return port;
        }
    }

    /** Begins with {@link #PUBLIC_ONLY}. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Public addresses over {@code https}, and these targets besides.
     *
     * @param targets each as {@link Builder#allow} takes it
     * @throws IllegalArgumentException naming the one that is malformed, and the mend
     */
    public static AddressPolicy allowing(List<String> targets) {
        Builder builder = builder();
        targets.forEach(builder::allow);
        return builder.build();
    }

    /**
     * Judges a URL for what it is: grammar, scheme, port, name, literal address. Asks no name service.
     *
     * @return its canonical form
     * @throws TargetRefusedException if it may not be sent to, whatever its name leads to
     */
    public TargetUrl accept(String url) throws TargetRefusedException {
        TargetUrl target = UrlParser.parse(url);
        if (target.literal().isPresent()) {
            judge(target, Optional.empty(), target.literal().get());
        } else if (allowed.stream().noneMatch(entry -> entry.port() == target.port())) {
            // Where an entry names the port, whether it is meant is known once the name is resolved.
            judgeSchemeAndPort(target, Optional.empty());
        }
        return target;
    }

    /**
     * Finds the addresses of a target and judges every one of them.
     *
     * @return the whole answer, never empty; a literal is its own
     * @throws TargetRefusedException if there is no address, or one that may not be sent to; may be otherwise at another time
     */
    public List<IpAddress> resolve(TargetUrl target, HostResolver resolver) throws TargetRefusedException {
        return resolve(target, Optional.empty(), resolver);
    }

    /**
     * The same for a service that is no HTTP: the host by the grammar of URLs, the port {@link Service#port} or one that HTTP may use.
     *
     * @param host a name, an IPv4 address or an IPv6 address without brackets
     * @return the whole answer, never empty
     * @throws TargetRefusedException if it may not be connected to
     */
    public List<IpAddress> resolve(Service service, String host, int port, HostResolver resolver)
            throws TargetRefusedException {
        String bracketed = host.indexOf(':') < 0 ? host : "[" + host + "]";
        TargetUrl target = UrlParser.parse("https://" + bracketed + ":" + port);
        if (!target.pathAndQuery().isEmpty()) {
            throw new TargetRefusedException(RefusalClass.SYNTAX, "the host must be a name or an address alone");
        }
        return resolve(target, Optional.of(service), resolver);
    }

    private List<IpAddress> resolve(TargetUrl target, Optional<Service> service, HostResolver resolver)
            throws TargetRefusedException {
        List<IpAddress> answer;
        try {
            answer = target.literal().isPresent() ? List.of(target.literal().get()) : resolver.resolve(target.host());
        } catch (UnknownHostException e) {
            throw new TargetRefusedException(DNS, "the host's name could not be resolved");
        }
        if (answer.isEmpty()) {
            throw new TargetRefusedException(DNS, "the host's name has no address");
        }
        for (IpAddress address : answer) {
            judge(target, service, address);
        }
        return answer;
    }

    /** What is in force, in a line for the operator. */
    public String describe() {
        List<String> parts = new ArrayList<>();
        parts.add("public addresses over https" + (allowHttp ? " and http" : ""));
        if (nat64) {
            parts.add("NAT64");
        }
        if (!allowed.isEmpty()) {
            parts.add("allowed besides: " + allowed);
        }
        if (!refused.isEmpty()) {
            parts.add("refused besides: " + refused);
        }
        if (!own.isEmpty()) {
            parts.add("own: " + own);
        }
        return String.join("; ", parts);
    }

    private void judge(TargetUrl target, Optional<Service> service, IpAddress address) throws TargetRefusedException {
        boolean translated = nat64 && AddressRules.isNat64(address);
        IpAddress judged = translated ? address.embedded() : address;
        for (Network network : refused) {
            if (network.holds(address)) {
                throw refused(target, address, judged, "refused by the operator (" + network + ")");
            }
        }
        if (allowed.stream().anyMatch(entry -> entry.holds(address, target.port()))) {
            return;
        }
        judgeSchemeAndPort(target, service);
        if (own.contains(judged) || machine.get().contains(judged)) {
            throw refused(target, address, judged, "one of Posthorn's own");
        }
        if (translated && refused.stream().anyMatch(network -> network.holds(judged))) {
            throw refused(target, address, judged, "translated to " + judged + ", which the operator refuses");
        }
        Optional<String> kind = AddressRules.refusal(judged);
        if (kind.isPresent()) {
            throw refused(target, address, judged, kind.get());
        }
    }

    private void judgeSchemeAndPort(TargetUrl target, Optional<Service> service) throws TargetRefusedException {
        if (service.isPresent() && service.get().port() == target.port()) {
            return;
        }
        if (!target.https() && !allowHttp) {
            throw new TargetRefusedException(SCHEME, "the URL must begin with https://; http is not allowed here");
        }
        Optional<String> port = PortRules.refusal(target.https(), target.port());
        if (port.isPresent()) {
            throw new TargetRefusedException(PORT, port.get());
        }
    }

    /**
     * Of a literal the sentence says what the registry says, and no more: else our own addresses could be told from their neighbours. Of a
     * resolved address it says nothing.
     */
    private static TargetRefusedException refused(
            TargetUrl target, IpAddress address, IpAddress judged, String detail) {
        if (target.literal().isPresent()) {
            String sentence = "the address " + address + " may not be sent to";
            return new TargetRefusedException(
                    ADDRESS,
                    AddressRules.refusal(judged)
                            .map(meaning -> sentence + ": it is " + meaning)
                            .orElse(sentence),
                    sentence + ": it is " + detail);
        }
        return new TargetRefusedException(
                ADDRESS,
                "the host's name leads to an address that may not be sent to",
                "the host's name leads to " + address + ", which may not be sent to: it is " + detail);
    }

    /** What the operator says. */
    public static final class Builder {
        private final List<AllowedTarget> allowed = new ArrayList<>();
        private final List<Network> refused = new ArrayList<>();
        private final Set<IpAddress> own = new HashSet<>();
        private Supplier<Set<IpAddress>> machine = OwnAddresses.OF_THIS_MACHINE;
        private boolean allowHttp;
        private boolean nat64;

        private Builder() {}

        /**
         * Permits what the rules for schemes, ports and addresses refuse: every address of a network, at one port or at all.
         *
         * @param target {@code 10.1.0.0/16}, {@code 10.1.0.0/16:8080}, {@code fd00::/8:8080}
         * @throws IllegalArgumentException if it is malformed; the message says how to mend it
         */
        public Builder allow(String target) {
            allowed.add(AllowedTarget.parse(target));
            return this;
        }

        /**
         * Refuses a network, even where it is allowed.
         *
         * @throws IllegalArgumentException if it is malformed; the message says how to mend it
         */
        public Builder refuse(String network) {
            refused.add(Network.parse(network));
            return this;
        }

        /**
         * Names an address that leads back to this installation, such as that of a load balancer. Those of the machine's interfaces are known.
         *
         * @throws IllegalArgumentException if it is no address
         */
        public Builder own(String address) {
            own.add(IpAddress.parse(address)
                    .orElseThrow(() -> new IllegalArgumentException("\"" + address + "\" is no address")));
            return this;
        }

        /** Whether public addresses may be sent to over {@code http}, without encryption; not unless said. */
        public Builder allowHttp(boolean allow) {
            this.allowHttp = allow;
            return this;
        }

        /** Whether the network translates {@code 64:ff9b::/96} (RFC 6052), so that such an address is judged by the IPv4 one in it. */
        public Builder nat64(boolean translates) {
            this.nat64 = translates;
            return this;
        }

        Builder machine(Set<IpAddress> addresses) {
            this.machine = () -> addresses;
            return this;
        }

        /** The policy. */
        public AddressPolicy build() {
            return new AddressPolicy(this);
        }
    }
}
