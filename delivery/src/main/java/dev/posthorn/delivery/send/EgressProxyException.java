package dev.posthorn.delivery.send;

import java.io.IOException;

/** The way through the egress proxy did not open. */
final class EgressProxyException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int status;

    /** @param status what the proxy answered to {@code CONNECT}; 0 if it could not be reached or made no sense */
    EgressProxyException(int status, String message) {
        super(message);
        this.status = status;
    }

    /** What came of it: some of what a proxy answers is about the target. */
    SendFailure failure() {
        return switch (status) {
            case 502, 503, 504 ->
                new SendFailure("connect", "the egress proxy could not connect to the host (" + status + ")");
            case 403 -> new SendFailure("address_refused", "the egress proxy does not permit this host (403)");
            default -> new SendFailure("egress_proxy", String.valueOf(getMessage()));
        };
    }
}
