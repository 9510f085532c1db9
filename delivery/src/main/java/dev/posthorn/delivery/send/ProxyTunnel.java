package dev.posthorn.delivery.send;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.eclipse.jetty.client.Connection;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.ClientConnectionFactory;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.Promise;

/**
 * A fresh connection to the egress proxy: asks it for a tunnel to the vetted address, and becomes the connection to the target once the
 * proxy has answered 200.
 */
final class ProxyTunnel extends AbstractConnection implements Callback {
    private static final int LARGEST_HEAD = 8 * 1024;

    private final EgressProxy proxy;
    private final InetSocketAddress target;
    private final ClientConnectionFactory above;
    private final Map<String, Object> context;
    private final StringBuilder head = new StringBuilder();

    ProxyTunnel(
            EndPoint endPoint,
            Executor executor,
            EgressProxy proxy,
            InetSocketAddress target,
            ClientConnectionFactory above,
            Map<String, Object> context) {
        super(endPoint, executor);
        this.proxy = proxy;
        this.target = target;
        this.above = above;
        this.context = context;
    }

    @Override
    public void onOpen() {
        super.onOpen();
        String address = target.getAddress().getHostAddress();
        String authority = (address.indexOf(':') < 0 ? address : "[" + address + "]") + ":" + target.getPort();
        String authorization = proxy.authorization();
        String request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n"
                + (authorization == null ? "" : "Proxy-Authorization: " + authorization + "\r\n") + "\r\n";
        getEndPoint().write(this, ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
    }

    @Override
    public void succeeded() {
        fillInterested();
    }

    @Override
    public void onFillable() {
        try {
            ByteBuffer buffer = ByteBuffer.allocateDirect(1024);
            while (true) {
                buffer.clear().limit(0);
                int filled = getEndPoint().fill(buffer);
                if (filled < 0) {
                    throw new EgressProxyException(0, "the egress proxy closed the connection");
                }
                if (filled == 0) {
                    fillInterested();
                    return;
                }
                head.append(StandardCharsets.ISO_8859_1.decode(buffer));
                if (head.length() > LARGEST_HEAD) {
                    throw new EgressProxyException(0, "the egress proxy's answer to CONNECT has no end");
                }
                int end = head.indexOf("\r\n\r\n");
                if (end >= 0) {
                    open(end + 4);
                    return;
                }
            }
        } catch (IOException | RuntimeException e) {
            failed(e);
        }
    }

    private void open(int end) throws IOException {
        String status = head.substring(0, head.indexOf("\r\n"));
        if (!status.matches("HTTP/1\\.[01] [1-5][0-9]{2}( .*)?")) {
            throw new EgressProxyException(0, "the egress proxy does not answer HTTP/1.1");
        }
        int code = Integer.parseInt(status.substring(9, 12));
        if (code == 407) {
            throw new EgressProxyException(code, "the egress proxy refuses the credentials (407)");
        }
        if (code / 100 != 2) {
            throw new EgressProxyException(code, "the egress proxy answered CONNECT with " + code);
        }
        if (head.length() != end) {
            // Nobody speaks before the client does; whoever does so here is not the target.
            throw new EgressProxyException(0, "the egress proxy sent more than an answer to CONNECT");
        }
        EndPoint endPoint = getEndPoint();
        endPoint.upgrade(above.newConnection(endPoint, context));
    }

    @Override
    public void onFillInterestedFailed(Throwable cause) {
        failed(cause);
    }

    @Override
    public void failed(Throwable cause) {
        getEndPoint().close(cause);
        @SuppressWarnings("unchecked")
        Promise<Connection> promise =
                (Promise<Connection>) Objects.requireNonNull(context.get(Connection.PROMISE_CONTEXT_KEY));
        promise.failed(
                cause instanceof EgressProxyException
                        ? cause
                        : new EgressProxyException(0, "the egress proxy did not answer CONNECT"));
    }
}
