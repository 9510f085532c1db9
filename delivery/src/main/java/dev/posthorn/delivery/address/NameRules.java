package dev.posthorn.delivery.address;

import java.util.Set;
import java.util.regex.Pattern;

/** Which names may be sent to, by their looks alone; they are refused by suffix only. */
final class NameRules {
    private static final int LONGEST = 253;
    private static final Pattern LABEL = Pattern.compile("[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?");

    /** IANA special-use names, names that ICANN keeps back, and what private networks call themselves. */
    private static final Set<String> SPECIAL_USE = Set.of(
            // RFC 6761, 6762, 7686, 8375, 9476; .internal by ICANN's resolution of 2024-07-29.
            "localhost",
            "local",
            "invalid",
            "onion",
            "arpa",
            "alt",
            "internal",
            // SSAC 045 and 062, and RFC 6762, appendix G.
            "corp",
            "home",
            "mail",
            "lan",
            "intranet",
            "private",
            "localdomain",
            "domain",
            // Common in containers, clusters and routers.
            "svc",
            "cluster",
            "consul",
            "docker",
            "kubernetes",
            "localhost4",
            "localhost6",
            "localdomain4",
            "localdomain6",
            "localnet",
            "workgroup",
            "dmz",
            "router",
            "gateway",
            "fritz",
            "belkin",
            "i2p",
            "gnu");

    private NameRules() {}

    /** The canonical name: one trailing dot is removed. */
    static String check(String lower) throws TargetRefusedException {
        String name = lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
        if (name.length() > LONGEST) {
            throw refused("the host is longer than " + LONGEST + " characters");
        }
        String[] labels = name.split("\\.", -1);
        for (String label : labels) {
            if (!LABEL.matcher(label).matches()) {
                throw refused(
                        "every part of the host has 1 to 63 letters, digits, hyphens or underscores, and no hyphen"
                                + " at its ends");
            }
        }
        String last = labels[labels.length - 1];
        if (SPECIAL_USE.contains(last)) {
            throw refused("names in ." + last + " do not exist in the public DNS");
        }
        if (labels.length < 2) {
            throw refused("the host must be a full name with a dot, such as hooks.example.com");
        }
        return name;
    }

    private static TargetRefusedException refused(String sentence) {
        return new TargetRefusedException(RefusalClass.NAME, sentence);
    }
}
