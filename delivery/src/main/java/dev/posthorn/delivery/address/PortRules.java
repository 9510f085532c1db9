package dev.posthorn.delivery.address;

import java.util.BitSet;
import java.util.Optional;

/** Which ports may be sent to. */
final class PortRules {
    private static final int FIRST_UNPRIVILEGED = 1024;
    private static final BitSet REFUSED = new BitSet(65536);

    static {
        for (String[] fields : DataFile.lines("refused-ports.csv")) {
            String[] range = fields[0].split("-", 2);
            REFUSED.set(Integer.parseInt(range[0]), Integer.parseInt(range[range.length - 1]) + 1);
        }
    }

    private PortRules() {}

    /** Why not, if it may not. */
    static Optional<String> refusal(boolean https, int port) {
        if (port < FIRST_UNPRIVILEGED) {
            return port == 443 || (port == 80 && !https)
                    ? Optional.empty()
                    : Optional.of("the port " + port + " may not be sent to; take 443" + (https ? "" : ", 80")
                            + " or one from 1024");
        }
        return REFUSED.get(port)
                ? Optional.of("the port " + port
                        + " is that of a well-known internal service; take another, such as 443 or 8443")
                : Optional.empty();
    }
}
