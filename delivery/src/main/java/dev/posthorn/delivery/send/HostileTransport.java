package dev.posthorn.delivery.send;

import java.util.Map;
import org.eclipse.jetty.client.transport.HttpClientTransportOverHTTP;
import org.eclipse.jetty.io.ClientConnector;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;

/** HTTP/1.1 over connections that trust nobody. */
final class HostileTransport extends HttpClientTransportOverHTTP {
    HostileTransport(ClientConnector connector) {
        super(connector);
    }

    @Override
    public Connection newConnection(EndPoint endPoint, Map<String, Object> context) {
        return customize(new HostileConnection(endPoint, context), context);
    }
}
