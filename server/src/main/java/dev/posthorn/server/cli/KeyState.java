package dev.posthorn.server.cli;

/** What a key can be at a moment, as {@code api_key_summary.state} spells it in small letters. */
enum KeyState {
    ACTIVE,
    DISABLED,
    EXPIRED,
    REVOKED
}
