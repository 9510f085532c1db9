package dev.posthorn.delivery.claim;

import java.util.UUID;

/**
 * The fencing token of what was claimed at once. No crash can repeat it: the dispatcher's id is new at each start, the number counts up.
 */
public record Lease(UUID dispatcher, long number) {
    /** As the SQL functions write it. */
    public String token() {
        return dispatcher + "-" + number;
    }
}
