package dev.posthorn.integrations.connector;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.AddressPolicy.Service;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.IpAddress;
import dev.posthorn.delivery.address.RefusalClass;
import dev.posthorn.delivery.address.SystemResolver;
import dev.posthorn.delivery.address.TargetRefusedException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.List;

/**
 * The only way out: connects to permitted addresses alone, the very ones that were judged. Thread-safe.
 *
 * <p>HTTP follows no redirect, keeps no cookie, answers no authentication challenge, uses no proxy; it decodes gzip up to the limit of the call.
 */
public final class Outbound implements AutoCloseable {
    private static final int TRIED = 4;

    private final AddressPolicy policy;
    private final HostResolver resolver;
    private final OutboundHttp http;

    /** Obeys a policy, with this machine's resolver. */
    public Outbound(AddressPolicy policy) {
        this(policy, new SystemResolver());
    }

    /** Obeys a policy. */
    public Outbound(AddressPolicy policy, HostResolver resolver) {
        this.policy = policy;
        this.resolver = resolver;
        this.http = new OutboundHttp(policy, resolver);
    }

    /**
     * Sends a request and returns the whole answer, whatever its status.
     *
     * @throws ConnectorException if there is no whole answer: the address is refused, no connection, no trust, too late, too large
     */
    public HttpAnswer send(HttpCall call) throws ConnectorException, InterruptedException {
        return http.send(call);
    }

    /**
     * Connects.
     *
     * @param within for the connection alone; what is read and written later has no limit unless the caller sets one
     * @return a connected socket whose address carries the host's name, so that TLS can check it
     * @throws ConnectorException if the address is refused, or nobody answers
     */
    public Socket connect(Service service, String host, int port, Duration within) throws ConnectorException {
        IOException last = null;
        for (InetSocketAddress address : addresses(service, host, port)) {
            Socket socket = new Socket();
            try {
                socket.connect(address, Math.toIntExact(within.toMillis()));
                return socket;
            } catch (IOException e) {
                last = e;
                try {
                    socket.close();
                } catch (IOException alsoFailed) {
                    e.addSuppressed(alsoFailed);
                }
            }
        }
        throw new ConnectorException(
                Failure.NETWORK,
                "no connection to " + host + ":" + port + " within " + within.toSeconds() + " s",
                last);
    }

    /**
     * The addresses that may be connected to, for libraries that connect by themselves: they must connect to these and ask no name service
     * again.
     *
     * @return at least one; each carries the host's name
     * @throws ConnectorException if any address of the host is refused, or there is none
     */
    public List<InetSocketAddress> addresses(Service service, String host, int port) throws ConnectorException {
        try {
            List<IpAddress> answer = policy.resolve(service, host, port, resolver);
            return answer.stream()
                    .limit(TRIED)
                    .map(address -> new InetSocketAddress(address.toInetAddress(host), port))
                    .toList();
        } catch (TargetRefusedException e) {
            throw refused(e);
        }
    }

    static ConnectorException refused(TargetRefusedException e) {
        return new ConnectorException(
                e.reason() == RefusalClass.DNS ? Failure.NETWORK : Failure.ADDRESS_REFUSED, e.sentence());
    }

    @Override
    public void close() {
        http.close();
    }
}
