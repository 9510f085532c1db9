package dev.posthorn.delivery.endpoint;

import java.util.Locale;

/** How requests are signed. */
public enum SignatureScheme {
    /** HMAC-SHA256 with the endpoint's secret, in {@code webhook-signature}. */
    V1,
    /** Ed25519 with the endpoint's key pair, in {@code webhook-signature}. */
    V1A,
    /** As GitHub does, in {@code X-Hub-Signature-256}. */
    GITHUB,
    /** As Stripe does, in a header of chosen name. */
    STRIPE;

    /** As the database writes it. */
    public static SignatureScheme of(String label) {
        return valueOf(label.toUpperCase(Locale.ROOT));
    }
}
