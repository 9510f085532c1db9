package dev.posthorn.apikeys.verify;

/** Hears what a {@link KeyVerifier} does, for metrics. Called on the caller's threads: must be quick and must not throw. */
public interface KeyVerifierListener {
    /** A key was judged: {@code valid}, or why not. */
    default void verified(String code) {}

    /** The limiter failed, and the call was let through without it. */
    default void limitSkipped() {}

    /** A key was not judged, because too many that do not exist were presented. */
    default void lookupRefused() {}

    /** A round of a background loop failed and will be tried again. */
    default void failed(String loop, Exception failure) {}
}
