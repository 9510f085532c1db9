package dev.posthorn.delivery.send;

/**
 * A fetched bearer token.
 *
 * @param value as it is sent
 * @param freshUntilNanos until when it is used, by {@link System#nanoTime()}: shortly before it expires
 */
record AccessToken(String value, long freshUntilNanos) {
    boolean isFresh(long nanos) {
        return nanos - freshUntilNanos < 0;
    }

    @Override
    public String toString() {
        return "AccessToken";
    }
}
