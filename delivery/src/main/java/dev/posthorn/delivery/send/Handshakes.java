package dev.posthorn.delivery.send;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.io.ssl.SslHandshakeListener;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * Watches TLS handshakes: closes connections whose handshake takes too long, and remembers why others failed. Thread-safe.
 *
 * <p>A request has its deadline, but the connection that was opened for it outlives it, and one that gets a byte of its handshake now and then
 * is never idle. And a request may fail because its connection was closed before it is told why: whoever reads finds what is wrong with the
 * handshake and closes, while whoever writes finds the connection closed.
 */
final class Handshakes implements Connection.Listener, SslHandshakeListener {
    /** The longest deadline that an endpoint may have. */
    private static final int SECONDS = 30;

    /** What an engine says that has not agreed on anything yet. */
    private static final String NOTHING = "SSL_NULL_WITH_NULL_NULL";

    private final Supplier<Scheduler> scheduler;
    private final Cache<SSLEngine, Throwable> failures =
            Caffeine.newBuilder().weakKeys().build();

    Handshakes(Supplier<Scheduler> scheduler) {
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

    @Override
    public void handshakeFailed(Event event, Throwable failure) {
        failures.put(event.getSSLEngine(), failure);
    }

    /** Why a connection's handshake failed; null if it did not, or the connection has no TLS. */
    @Nullable
    Throwable failure(EndPoint endPoint) {
        return endPoint instanceof SslConnection.SslEndPoint secured
                ? failures.getIfPresent(secured.getSslConnection().getSSLEngine())
                : null;
    }
}
