package dev.posthorn.benchmarks.faults.stage;

import java.util.List;

/**
 * What a run consists of, before anything goes wrong.
 *
 * @param name of its database
 * @param nodes how many
 */
public record Scene(
        String name, int nodes, List<Community> communities, Acknowledgement acknowledgement, Senders senders) {
    /** What stands between nodes and receivers. */
    public enum Senders {
        /** Nothing. */
        DIRECT,
        /** Sabotage: a client that answers the next request with what the last one left unread. */
        LEFTOVERS,
        /** Sabotage: at each retry a client that connects wherever it is told to. */
        UNCHECKED_RETRIES
    }
}
