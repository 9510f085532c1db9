package dev.posthorn.delivery.send;

import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Closes connections whose TLS handshake takes too long. A request has its deadline, but the connection that was opened for it outlives it,
 * and one that gets a byte of its handshake now and then is never idle.
 */
final class HandshakeLimit implements Connection.Listener {
    /** The longest deadline that an endpoint may have. */
    static final int SECONDS = 30;

    /** What an engine says that has not agreed on anything yet. */
    private static final String NOTHING = "SSL_NULL_WITH_NULL_NULL";

    private final Supplier<Scheduler> scheduler;

    HandshakeLimit(Supplier<Scheduler> scheduler) {
        this.scheduler = scheduler;
    }

    @Override
    public void onOpened(Connection connection) {
        if (connection instanceof SslConnection secured) {
            var unused = scheduler
                    .get()
                    .schedule(
                            () -> {
                                if (NOTHING.equals(
                                        secured.getSSLEngine().getSession().getCipherSuite())) {
                                    secured.getEndPoint().close();
                                }
                            },
                            SECONDS,
                            TimeUnit.SECONDS);
        }
    }
}
