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
    private final ConnectRequest request;
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
        this.request = new ConnectRequest(proxy, target);
        this.above = above;
        this.context = context;
    }

    @Override
    public void onOpen() {
        super.onOpen();
        getEndPoint().write(this, request.bytes());
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
                    throw request.closed();
                }
                if (filled == 0) {
                    fillInterested();
                    return;
                }
                head.append(StandardCharsets.ISO_8859_1.decode(buffer));
                if (request.opens(head)) {
                    EndPoint endPoint = getEndPoint();
                    endPoint.upgrade(above.newConnection(endPoint, context));
                    return;
                }
            }
        } catch (IOException | RuntimeException e) {
            failed(e);
        }
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
        promise.failed(cause instanceof EgressProxyException ? cause : request.closed());
    }
}
