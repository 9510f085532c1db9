package dev.posthorn.benchmarks.faults.stage;

import dev.posthorn.benchmarks.faults.receiver.Loopback;

/** The route to the receivers of the honest run, in the kernel of this machine; no other address is concerned. */
public final class ReceiverRoute {
    private static final String TARGET = Loopback.ROUTED.getHostAddress() + "/32";

    private ReceiverRoute() {}

    /** Whether we may cut it: tried, and mended at once. */
    public static boolean canBeCut() {
        return change("add") && change("del");
    }

    /** Leads it nowhere, until {@link #mend}. */
    public static void cut() {
        change("add");
    }

    /** Leads it to the receivers again; nothing if it does. */
    public static void mend() {
        change("del");
    }

    private static boolean change(String action) {
        return Command.run("ip", "route", action, "unreachable", TARGET, "table", "local");
    }
}
