package dev.posthorn.integrations.connector;

import java.util.Locale;

/** Kinds of failure, on two axes: where it comes from, and whether a person must act or trying again may help. */
public enum Failure {
    /** The configuration asks for something that is not there. */
    CONFIGURATION(Origin.CONFIGURATION, true),
    /** The target may not be connected to, for what it is or what its name leads to. */
    ADDRESS_REFUSED(Origin.CONFIGURATION, true),
    /** The credentials are missing, wrong or expired. */
    CREDENTIALS(Origin.CREDENTIALS, true),
    /** The credentials are right and do not suffice. */
    PERMISSION(Origin.CREDENTIALS, true),
    /** The other side's certificate or host key is not one that is trusted. */
    UNTRUSTED(Origin.REMOTE, true),
    /** The other side asks for fewer requests. */
    RATE_LIMITED(Origin.REMOTE, false),
    /** The other side answers that it cannot, or too late. */
    UNAVAILABLE(Origin.REMOTE, false),
    /** What came cannot be read at all; may be whole the next time. */
    MALFORMED(Origin.REMOTE, false),
    /** What came has another shape than the configuration says. */
    SCHEMA_DRIFT(Origin.REMOTE, true),
    /** What came contradicts itself, such as a balance that does not add up. */
    INCONSISTENT(Origin.REMOTE, true),
    /** More records would be deleted than the integration allows at once. */
    MASS_DELETION(Origin.REMOTE, true),
    /** No address, no route, no answer. */
    NETWORK(Origin.NETWORK, false),
    /** Our own fault, or that of our surroundings. */
    INTERNAL(Origin.US, false);

    /** Where a failure comes from. */
    public enum Origin {
        /** What the integration was told. */
        CONFIGURATION,
        /** What it was given to log in. */
        CREDENTIALS,
        /** The other side. */
        REMOTE,
        /** What lies between. */
        NETWORK,
        /** Posthorn. */
        US
    }

    private final Origin origin;
    private final boolean personMustAct;

    Failure(Origin origin, boolean personMustAct) {
        this.origin = origin;
        this.personMustAct = personMustAct;
    }

    /** Where it comes from. */
    public Origin origin() {
        return origin;
    }

    /** Whether trying again cannot help until somebody has changed something. */
    public boolean personMustAct() {
        return personMustAct;
    }

    /** As it stands in the database and in answers, such as {@code address_refused}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }
}
