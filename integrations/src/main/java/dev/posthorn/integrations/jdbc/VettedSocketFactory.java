package dev.posthorn.integrations.jdbc;

import dev.posthorn.delivery.address.AddressPolicy.Service;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Outbound;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.SocketFactory;

/**
 * Gives pgjdbc sockets that are connected already, to addresses that were judged; it does not connect those itself and resolves no name. pgjdbc makes
 * the factory by its class name and hands it a text, so that text is a ticket for where the connection may go. Thread-safe.
 */
public final class VettedSocketFactory extends SocketFactory {
    private static final Duration CONNECT = Duration.ofSeconds(15);
    private static final Map<String, Destination> DESTINATIONS = new ConcurrentHashMap<>();

    private final Destination destination;

    /**
     * Made by pgjdbc.
     *
     * @throws IllegalArgumentException if the ticket is unknown
     */
    public VettedSocketFactory(String ticket) {
        Destination known = DESTINATIONS.get(ticket);
        if (known == null) {
            throw new IllegalArgumentException("no connection was announced with this ticket");
        }
        destination = known;
    }

    private record Destination(Outbound network, String host, int port) {}

    static String announce(Outbound network, String host, int port) {
        String ticket = UUID.randomUUID().toString();
        DESTINATIONS.put(ticket, new Destination(network, host, port));
        return ticket;
    }

    static void forget(String ticket) {
        DESTINATIONS.remove(ticket);
    }

    @Override
    public Socket createSocket() throws IOException {
        try {
            return destination.network().connect(Service.POSTGRESQL, destination.host(), destination.port(), CONNECT);
        } catch (ConnectorException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        throw elsewhere();
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress from, int fromPort) throws IOException {
        throw elsewhere();
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
        throw elsewhere();
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort) throws IOException {
        throw elsewhere();
    }

    private static IOException elsewhere() {
        return new IOException("only the announced destination may be connected to");
    }
}
