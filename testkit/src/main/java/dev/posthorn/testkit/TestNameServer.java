package dev.posthorn.testkit;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A name server (RFC 1035) over UDP that knows a few names, each with one IPv4 address or as an alias of another, and can fail. It answers
 * as a resolver does that asks others: with the whole chain of aliases. Thread-safe.
 */
public final class TestNameServer implements AutoCloseable {
    private static final int HEADER = 12;
    /** More aliases are not followed: they may run in a circle. */
    private static final int LONGEST_CHAIN = 12;

    private static final int IPV4 = 1;
    private static final int ALIAS = 5;
    private static final int NO_ERROR = 0;
    private static final int SERVER_FAILURE = 2;
    private static final int NO_SUCH_NAME = 3;

    private final DatagramSocket socket;
    private final Map<String, InetAddress> names = new ConcurrentHashMap<>();
    private final Map<String, String> aliases = new ConcurrentHashMap<>();
    private volatile State state = State.ANSWERING;

    /** How it is. */
    public enum State {
        /** Answers, also that there is no such name. */
        ANSWERING,
        /** Answers that it cannot answer, as a resolver does that reaches no other server. */
        FAILING,
        /** Answers nothing. */
        SILENT
    }

    private TestNameServer(DatagramSocket socket) {
        this.socket = socket;
    }

    /** Starts one on a free port of 127.0.0.1. */
    public static TestNameServer start() {
        try {
            return start(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0));
        } catch (IOException e) {
            throw new IllegalStateException("no name server could be started: " + e.getMessage(), e);
        }
    }

    /**
     * Starts one.
     *
     * @throws SocketException if the address is not free, or not ours to take
     */
    public static TestNameServer start(InetSocketAddress address) throws SocketException {
        TestNameServer server = new TestNameServer(new DatagramSocket(address));
        Thread.ofPlatform().daemon().name("name-server").start(server::serve);
        return server;
    }

    /** Where it listens. */
    public int port() {
        return socket.getLocalPort();
    }

    /** Lets a name lead to an address, for no time in a cache. */
    public void name(String name, String address) {
        try {
            names.put(name, InetAddress.getByName(address));
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("\"" + address + "\" is no address", e);
        }
    }

    /** Lets a name be an alias (CNAME) of another. */
    public void alias(String name, String of) {
        aliases.put(name, of);
    }

    /** Changes how it is. */
    public void be(State next) {
        state = next;
    }

    private void serve() {
        byte[] buffer = new byte[512];
        while (!socket.isClosed()) {
            try {
                DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
                socket.receive(packet);
                State now = state;
                if (now != State.SILENT && packet.getLength() > HEADER) {
                    byte[] answer = answer(Arrays.copyOf(buffer, packet.getLength()), now);
                    socket.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
                }
            } catch (IOException closed) {
                // Looked at above.
            }
        }
    }

    private byte[] answer(byte[] question, State now) {
        int end = HEADER;
        StringBuilder name = new StringBuilder();
        while (question[end] != 0) {
            name.append(name.isEmpty() ? "" : ".")
                    .append(new String(question, end + 1, question[end], StandardCharsets.US_ASCII));
            end += question[end] + 1;
        }
        int type = question[end + 2];
        end += 5;
        List<String> chain = new ArrayList<>(List.of(name.toString()));
        while (aliases.containsKey(chain.getLast()) && chain.size() <= LONGEST_CHAIN) {
            chain.add(aliases.get(chain.getLast()));
        }
        InetAddress address = names.get(chain.getLast());
        boolean exists = address != null || chain.size() > 1;
        boolean found = now == State.ANSWERING && address != null && type == IPV4;
        int code = now == State.FAILING ? SERVER_FAILURE : exists ? NO_ERROR : NO_SUCH_NAME;
        int answers = now == State.FAILING ? 0 : chain.size() - 1 + (found ? 1 : 0);
        ByteBuffer answer = ByteBuffer.allocate(4096);
        answer.put(question, 0, 2)
                .putShort((short) (0x8180 | code))
                .putShort((short) 1)
                .putShort((short) answers)
                .putInt(0)
                .put(question, HEADER, end - HEADER);
        for (int i = 1; i < chain.size() && answers > 0; i++) {
            record(answer, chain.get(i - 1), ALIAS, encoded(chain.get(i)));
        }
        if (found && address != null) {
            record(answer, chain.getLast(), IPV4, address.getAddress());
        }
        return Arrays.copyOf(answer.array(), answer.position());
    }

    /** For no time in a cache. */
    private static void record(ByteBuffer answer, String name, int type, byte[] data) {
        answer.put(encoded(name)).putShort((short) type).putShort((short) 1).putInt(0);
        answer.putShort((short) data.length).put(data);
    }

    private static byte[] encoded(String name) {
        ByteBuffer labels = ByteBuffer.allocate(name.length() + 2);
        for (String label : name.split("\\.", -1)) {
            labels.put((byte) label.length()).put(label.getBytes(StandardCharsets.US_ASCII));
        }
        return labels.put((byte) 0).array();
    }

    @Override
    public void close() {
        socket.close();
    }
}
