package dev.posthorn.delivery.address;

import java.util.Locale;

/** Why a target was refused, for machines. The order is that of the rules. */
public enum RefusalClass {
    /** Neither {@code https} nor an {@code http} that the operator allows. */
    SCHEME,
    /** Not {@code scheme://host[:port][/path][?query]}. */
    SYNTAX,
    /** A character that has no place in a URL, or not there. */
    CHARACTER,
    /** Longer than {@value UrlParser#LONGEST} characters. */
    LENGTH,
    /** A user name or password before the host. */
    USERINFO,
    /** A fragment, {@code #…}. */
    FRAGMENT,
    /** A port that is no number, or one that may not be sent to. */
    PORT,
    /** A host that is a number but not four canonical decimal ones. */
    NUMBER,
    /** An internationalized name that cannot be converted, or only into something else. */
    IDN,
    /** A malformed, single-label or special-use name. */
    NAME,
    /** An IPv6 address with a zone. */
    ZONE,
    /** An address that may not be sent to. */
    ADDRESS,
    /** A name that leads to no address, now. */
    DNS;

    /** The word in answers and output, lower case. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
