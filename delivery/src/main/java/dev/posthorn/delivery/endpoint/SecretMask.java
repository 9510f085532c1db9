package dev.posthorn.delivery.endpoint;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Takes an endpoint's credentials out of what its receiver answers: many echo the request. Immutable and thread-safe. */
public final class SecretMask {
    /** Hides nothing. */
    public static final SecretMask NONE = new SecretMask(List.of());

    private static final String HIDDEN = "***";
    /** What is shorter would be found in ordinary words. */
    private static final int SHORTEST = 4;

    private final List<String> secrets;

    private SecretMask(List<String> secrets) {
        this.secrets = secrets;
    }

    /** Hides these, and what JSON makes of them. */
    public static SecretMask of(Collection<String> secrets) {
        Set<String> all = new LinkedHashSet<>();
        for (String secret : secrets) {
            if (secret.length() >= SHORTEST) {
                all.add(secret);
                all.add(secret.replace("\\", "\\\\").replace("\"", "\\\""));
                all.add(secret.replace("\\", "\\\\").replace("\"", "\\\"").replace("/", "\\/"));
            }
        }
        // The longest first, so that one that is part of another leaves nothing of it.
        List<String> ordered = new ArrayList<>(all);
        ordered.sort(Comparator.comparingInt(String::length).reversed());
        return ordered.isEmpty() ? NONE : new SecretMask(List.copyOf(ordered));
    }

    /** This mask and one secret more. */
    public SecretMask and(String secret) {
        List<String> more = new ArrayList<>(secrets);
        more.add(secret);
        return of(more);
    }

    /**
     * The text without them.
     *
     * @param cut whether the text was cut off at its end, where a secret may have been cut through
     */
    public String hide(String text, boolean cut) {
        String hidden = text;
        for (String secret : secrets) {
            hidden = hidden.replace(secret, HIDDEN);
        }
        if (cut) {
            for (String secret : secrets) {
                for (int length = secret.length() - 1; length >= SHORTEST; length--) {
                    if (hidden.endsWith(secret.substring(0, length))) {
                        hidden = hidden.substring(0, hidden.length() - length) + HIDDEN;
                        break;
                    }
                }
            }
        }
        return hidden;
    }
}
