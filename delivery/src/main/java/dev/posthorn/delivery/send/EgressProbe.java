package dev.posthorn.delivery.send;

import dev.posthorn.delivery.address.HostResolver;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketTimeoutException;
import org.jspecify.annotations.Nullable;

/** Asks the egress proxy whether it is well, apart from all deliveries. Thread-safe; blocks for up to some seconds. */
final class EgressProbe {
    private static final int MILLIS = 2_000;

    private final EgressProxy proxy;
    private final HostResolver resolver;

    /** @param resolver finds the proxy's own address */
    EgressProbe(EgressProxy proxy, HostResolver resolver) {
        this.proxy = proxy;
        this.resolver = resolver;
    }

    /**
     * Whether it can be reached and, where it was asked for a tunnel before, would not refuse this one for reasons of its own. What it takes
     * long for may be the target's doing.
     */
    boolean isWell(@Nullable InetSocketAddress target) {
        try (Socket socket = new Socket(Proxy.NO_PROXY)) {
            socket.connect(proxy.address(resolver), MILLIS);
            if (target != null) {
                socket.setSoTimeout(MILLIS);
                ConnectRequest request = new ConnectRequest(proxy, target);
                socket.getOutputStream().write(request.bytes().array());
                read(request, socket.getInputStream());
            }
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (EgressProxyException e) {
            return !e.failure().errorClass().equals("egress_proxy");
        } catch (IOException e) {
            return false;
        }
    }

    private static void read(ConnectRequest request, InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        try {
            do {
                int next = in.read();
                if (next < 0) {
                    throw request.closed();
                }
                head.append((char) next);
            } while (!request.opens(head));
        } catch (SocketTimeoutException slow) {
            // It was reached; what it waits for is not known.
        }
    }
}
