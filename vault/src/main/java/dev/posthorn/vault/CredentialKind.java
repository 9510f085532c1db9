package dev.posthorn.vault;

/** What a credential of an endpoint is for. The vault keeps texts; what they look like is the sender's matter. */
public enum CredentialKind {
    /** The endpoint's own headers. */
    HEADERS("headers"),
    /** How requests authenticate: basic, bearer, OAuth 2.0. */
    AUTHENTICATION("authentication"),
    /** Certificate and private key of mutual TLS. */
    CLIENT_CERTIFICATE("client_certificate");

    private final String label;

    CredentialKind(String label) {
        this.label = label;
    }

    /** As the database writes it. */
    public String label() {
        return label;
    }

    String purpose() {
        return "endpoint_" + label;
    }
}
