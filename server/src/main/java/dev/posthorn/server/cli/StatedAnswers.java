package dev.posthorn.server.cli;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.IpAddress;
import dev.posthorn.delivery.address.TargetRefusedException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A name service that knows what it was told, {@code host=addr,addr}, and nothing else. */
record StatedAnswers(Map<String, List<IpAddress>> answers) implements HostResolver {
    /**
     * Reads what was said; what is said of a name twice is added up.
     *
     * @throws IllegalArgumentException if something is not {@code host=} and addresses
     */
    static StatedAnswers parse(String... given) {
        Map<String, List<IpAddress>> answers = new HashMap<>();
        for (String answer : given) {
            int equals = answer.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException(
                        "\"" + answer + "\" is not like hooks.example.com=192.0.2.1,192.0.2.2");
            }
            List<IpAddress> addresses =
                    answers.computeIfAbsent(canonical(answer.substring(0, equals)), name -> new ArrayList<>());
            String list = answer.substring(equals + 1);
            if (!list.isEmpty()) {
                for (String address : list.split(",", -1)) {
                    addresses.add(address(address));
                }
            }
        }
        return new StatedAnswers(answers);
    }

    /** A zone, as a resolver may add it to a link-local address, says nothing about the address. */
    private static IpAddress address(String text) {
        int zone = text.indexOf('%');
        return IpAddress.parse(zone < 0 ? text : text.substring(0, zone))
                .orElseThrow(() -> new IllegalArgumentException("\"" + text + "\" is no address"));
    }

    private static String canonical(String host) {
        try {
            return AddressPolicy.PUBLIC_ONLY
                    .accept("https://" + Escapes.decode(host))
                    .host();
        } catch (TargetRefusedException e) {
            // No URL that is accepted leads here.
            return host.toLowerCase(Locale.ROOT);
        }
    }

    @Override
    public List<IpAddress> resolve(String name) throws UnknownHostException {
        return answers.getOrDefault(name, List.of());
    }
}
