package dev.posthorn.delivery.send;

import java.io.IOException;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** The way through the egress proxy did not open. */
final class EgressProxyException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient SendFailure failure;
    private final transient @Nullable InetSocketAddress target;

    private EgressProxyException(SendFailure failure, @Nullable InetSocketAddress target) {
        super(failure.sentence());
        this.failure = failure;
        this.target = target;
    }

    /** The proxy itself is at fault, whatever it was asked for. */
    static EgressProxyException ofProxy(String sentence, @Nullable InetSocketAddress target) {
        return new EgressProxyException(new SendFailure("egress_proxy", sentence), target);
    }

    /** The target is, or may be: a tenant's dead host must not stop a node that stops for its proxy. */
    static EgressProxyException ofTarget(String errorClass, String sentence, InetSocketAddress target) {
        return new EgressProxyException(new SendFailure(errorClass, sentence), target);
    }

    /** What came of it; {@code egress_proxy} where it is the proxy's doing for certain. */
    SendFailure failure() {
        return failure;
    }

    /** What it was asked for; null if it was not asked. */
    @Nullable
    InetSocketAddress target() {
        return target;
    }
}
