package dev.posthorn.benchmarks.faults.stage;

import java.util.List;
import java.util.Optional;

/**
 * What a run consists of, before anything goes wrong.
 *
 * @param name of its database
 * @param nodes how many
 * @param older class path of the server of another version, which the last node runs; empty if all are of this one
 */
public record Scene(
        String name,
        int nodes,
        List<Community> communities,
        Acknowledgement acknowledgement,
        Senders senders,
        Optional<String> older) {
    /** With all nodes of this version. */
    public Scene(
            String name, int nodes, List<Community> communities, Acknowledgement acknowledgement, Senders senders) {
        this(name, nodes, communities, acknowledgement, senders, Optional.empty());
    }

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
