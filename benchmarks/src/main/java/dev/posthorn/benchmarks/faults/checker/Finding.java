package dev.posthorn.benchmarks.faults.checker;

import java.util.Locale;

/** What can be wrong with a run. */
public enum Finding {
    /** Acknowledged, or stored, and not taken by a receiver, though the database holds it for done or has forgotten it. */
    LOST,
    /** Taken, and sent again for no reason that is known. */
    DUPLICATE,
    /** Arrived where or what should not have: rolled back, another tenant's, where nobody may send to. */
    UNEXPECTED,
    /** The database's state or history is not what happened. */
    WRONG_STATE,
    /** Signed by another secret, or not at all, or other bytes than before. */
    BAD_SIGNATURE,
    /** Overtaken where order was promised. */
    OUT_OF_ORDER;

    /** As it stands in a verdict. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }
}
