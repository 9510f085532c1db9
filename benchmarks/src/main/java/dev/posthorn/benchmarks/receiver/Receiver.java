package dev.posthorn.benchmarks.receiver;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * The program of the receiver: one thread, one selector. Prints its port and runs until its standard input ends. With arguments, the
 * file of a key store and its password, it speaks TLS.
 */
public final class Receiver {
    private final Selector selector;
    private final ServerSocketChannel server;
    private final ReceiverLog log = new ReceiverLog();
    private final PriorityQueue<ReceiverConnection> slow = new PriorityQueue<>();
    private final @Nullable ReceiverTls tls;

    private Receiver(@Nullable ReceiverTls tls) throws IOException {
        this.tls = tls;
        selector = Selector.open();
        server = ServerSocketChannel.open();
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 4096);
        server.configureBlocking(false);
        server.register(selector, SelectionKey.OP_ACCEPT);
    }

    /** Runs it. */
    public static void main(String[] arguments) throws Exception {
        Receiver receiver =
                new Receiver(arguments.length == 0 ? null : new ReceiverTls(arguments[0], arguments[1].toCharArray()));
        Thread.ofPlatform().daemon().name("end-with-parent").start(Receiver::endWithParent);
        System.out.println(((InetSocketAddress) receiver.server.getLocalAddress()).getPort());
        receiver.run();
    }

    private void run() throws IOException {
        while (true) {
            ReceiverConnection next = slow.peek();
            // A timeout of 0 would wait for ever.
            selector.select(this::handle, next == null ? 0 : Math.max(1, next.nanosUntilAnswer() / 1_000_000));
            while (!slow.isEmpty() && slow.peek().nanosUntilAnswer() <= 0) {
                slow.remove().answerNow();
            }
        }
    }

    private void handle(SelectionKey key) {
        try {
            if (key.isAcceptable()) {
                SocketChannel accepted = server.accept();
                if (accepted != null) {
                    accepted.configureBlocking(false);
                    accepted.setOption(StandardSocketOptions.TCP_NODELAY, true);
                    ReceiverTransport transport = tls == null ? new PlainTransport(accepted) : tls.over(accepted);
                    accepted.register(
                            selector, SelectionKey.OP_READ, new ReceiverConnection(transport, log, slow::add));
                }
            } else if (!((ReceiverConnection) key.attachment()).read()) {
                key.channel().close();
            }
        } catch (IOException | RuntimeException e) {
            try {
                key.channel().close();
            } catch (IOException closed) {
                key.cancel();
            }
        }
    }

    private static void endWithParent() {
        try {
            while (System.in.read() >= 0) {
                // Nothing is said here.
            }
        } catch (IOException e) {
            // The same as its end.
        }
        Runtime.getRuntime().halt(0);
    }
}
