package dev.posthorn.benchmarks.receiver;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** Bytes as they are. */
final class PlainTransport implements ReceiverTransport {
    private final SocketChannel channel;

    PlainTransport(SocketChannel channel) {
        this.channel = channel;
    }

    @Override
    public boolean read(ByteBuffer into) throws IOException {
        return channel.read(into) >= 0;
    }

    @Override
    public void write(ByteBuffer bytes) throws IOException {
        writeFully(channel, bytes);
    }

    /** Writes all; answers are small, and the other side reads. */
    static void writeFully(SocketChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            if (channel.write(bytes) == 0) {
                Thread.onSpinWait();
            }
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
