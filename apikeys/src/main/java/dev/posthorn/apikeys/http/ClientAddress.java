package dev.posthorn.apikeys.http;

import dev.posthorn.apikeys.Network;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a request comes from: the peer of the connection, or what trusted proxies say in {@code X-Forwarded-For}. That header is read from
 * its end, where each proxy adds the peer it saw, up to the first address that is no trusted proxy; what stands before it anybody may have
 * written. Immutable.
 */
public final class ClientAddress {
    private final List<Network> trusted;

    private ClientAddress(List<Network> trusted) {
        this.trusted = List.copyOf(trusted);
    }

    /** Believes the peers in these networks; an empty list believes nobody. */
    public static ClientAddress trusting(List<Network> proxies) {
        return new ClientAddress(proxies);
    }

    /**
     * The address of the caller; null if it cannot be told.
     *
     * @param peer address of the connection's other end
     * @param forwardedFor the header {@code X-Forwarded-For}, all its lines joined by commas
     */
    public @Nullable InetAddress of(@Nullable String peer, @Nullable String forwardedFor) {
        Optional<InetAddress> client = peer == null ? Optional.empty() : Network.address(withoutZone(peer));
        List<String> hops = new ArrayList<>();
        if (forwardedFor != null) {
            hops.addAll(List.of(forwardedFor.split(",", -1)));
        }
        while (!hops.isEmpty() && client.isPresent() && isTrusted(client.get())) {
            client = Network.address(hops.remove(hops.size() - 1).strip());
        }
        return client.orElse(null);
    }

    /**
     * Whether the connection's other end is one of the trusted proxies, whose word counts for what stands in headers.
     *
     * @param peer its address; null or no address: no
     */
    public boolean isTrustedProxy(@Nullable String peer) {
        return peer != null
                && Network.address(withoutZone(peer)).filter(this::isTrusted).isPresent();
    }

    private boolean isTrusted(InetAddress address) {
        return trusted.stream().anyMatch(network -> network.contains(address));
    }

    /** A link-local peer comes as {@code fe80::1%eth0}, from servlet containers in brackets. */
    private static String withoutZone(String peer) {
        String bare = peer.startsWith("[") && peer.endsWith("]") ? peer.substring(1, peer.length() - 1) : peer;
        int zone = bare.indexOf('%');
        return zone < 0 ? bare : bare.substring(0, zone);
    }
}
