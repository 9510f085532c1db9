package dev.posthorn.apikeys.servlet;

import dev.posthorn.apikeys.verify.StoredKey;
import java.security.Principal;

/**
 * The key that a request came with.
 *
 * @param key what is known of it
 */
public record KeyPrincipal(StoredKey key) implements Principal {
    /** Its id, as text. */
    @Override
    public String getName() {
        return key.id().toString();
    }
}
