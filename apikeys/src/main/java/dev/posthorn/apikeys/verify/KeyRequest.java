package dev.posthorn.apikeys.verify;

import dev.posthorn.apikeys.RateLimit;
import java.net.InetAddress;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What is asked about a presented key. Immutable: the methods return copies.
 *
 * @param presented the text that a caller sent; a secret
 * @param scopes what the caller wants to do: the key must hold all of them
 * @param ip where the call comes from; null if that is not known, and then a key that is bound to networks is refused
 * @param cost how many tokens of the rate limit and how many credits the call takes, from 0; 1 if not said
 * @param limitName the rate limit to draw from
 * @param limit takes the place of what the key says; null normally
 * @param communityId refuse keys of other communities, and service keys, as unknown; null normally
 */
public record KeyRequest(
        String presented,
        List<String> scopes,
        @Nullable InetAddress ip,
        int cost,
        String limitName,
        @Nullable RateLimit limit,
        @Nullable UUID communityId) {
    /** Refuses a negative cost. */
    public KeyRequest {
        if (cost < 0) {
            throw new IllegalArgumentException("cost must be 0 or more");
        }
        scopes = List.copyOf(scopes);
    }

    /** Asks only whether the key is valid. */
    public static KeyRequest of(String presented) {
        return new KeyRequest(presented, List.of(), null, 1, RateLimit.DEFAULT, null, null);
    }

    /** Asks for scopes too. */
    public KeyRequest scopes(List<String> wanted) {
        return new KeyRequest(presented, wanted, ip, cost, limitName, limit, communityId);
    }

    /** Says where the call comes from. */
    public KeyRequest from(@Nullable InetAddress address) {
        return new KeyRequest(presented, scopes, address, cost, limitName, limit, communityId);
    }

    /** Says what the call costs. */
    public KeyRequest costing(int price) {
        return new KeyRequest(presented, scopes, ip, price, limitName, limit, communityId);
    }

    /** Draws from another rate limit, and if one is given by its measure instead of the key's. */
    public KeyRequest drawing(String name, @Nullable RateLimit instead) {
        return new KeyRequest(presented, scopes, ip, cost, name, instead, communityId);
    }

    /** Takes only keys of this community; null takes all. */
    public KeyRequest within(@Nullable UUID community) {
        return new KeyRequest(presented, scopes, ip, cost, limitName, limit, community);
    }

    /** Without the key. */
    @Override
    public String toString() {
        return "KeyRequest[scopes=" + scopes + ", ip=" + ip + ", cost=" + cost + ", limitName=" + limitName + "]";
    }
}
