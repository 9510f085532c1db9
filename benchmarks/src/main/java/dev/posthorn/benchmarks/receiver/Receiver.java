package dev.posthorn.benchmarks.receiver;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** The program of the receiver: one thread, one selector. Prints its port and runs until its standard input ends. */
public final class Receiver {
    private Receiver() {}

    /** Runs it. */
    public static void main(String[] arguments) throws IOException {
        Selector selector = Selector.open();
        ServerSocketChannel server = ServerSocketChannel.open();
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 4096);
        server.configureBlocking(false);
        server.register(selector, SelectionKey.OP_ACCEPT);
        Thread.ofPlatform().daemon().name("end-with-parent").start(Receiver::endWithParent);
        System.out.println(((InetSocketAddress) server.getLocalAddress()).getPort());
        ReceiverLog log = new ReceiverLog();
        while (true) {
            selector.select(key -> handle(selector, server, log, key));
        }
    }

    private static void handle(Selector selector, ServerSocketChannel server, ReceiverLog log, SelectionKey key) {
        try {
            if (key.isAcceptable()) {
                SocketChannel accepted = server.accept();
                if (accepted != null) {
                    accepted.configureBlocking(false);
                    accepted.setOption(StandardSocketOptions.TCP_NODELAY, true);
                    accepted.register(selector, SelectionKey.OP_READ, new ReceiverConnection(accepted, log));
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
