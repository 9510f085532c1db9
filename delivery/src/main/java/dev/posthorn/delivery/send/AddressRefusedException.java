package dev.posthorn.delivery.send;

import java.io.IOException;

/** The name resolves to an address that the policy does not permit. */
final class AddressRefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    AddressRefusedException() {
        super("the host's address is not public");
    }
}
