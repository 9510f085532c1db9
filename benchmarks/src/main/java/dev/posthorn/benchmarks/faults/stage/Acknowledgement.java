package dev.posthorn.benchmarks.faults.stage;

/** When a producer by SQL writes into its log that an event is accepted. */
public enum Acknowledgement {
    /** When COMMIT has returned. */
    AFTER_COMMIT,
    /** Sabotage: when the event is queued, whatever becomes of COMMIT. */
    BEFORE_COMMIT,
    /** Sabotage: when COMMIT has returned, which does not wait for the disk. */
    AFTER_UNDURABLE_COMMIT
}
