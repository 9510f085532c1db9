package dev.posthorn.benchmarks.receiver;

import java.io.IOException;
import java.nio.ByteBuffer;

/** How the bytes of one connection come and go: as they are, or through TLS. For one thread. */
interface ReceiverTransport {
    /** Appends what has come and needs no waiting; returns false when the other side has closed. */
    boolean read(ByteBuffer into) throws IOException;

    /** Writes all of it. */
    void write(ByteBuffer bytes) throws IOException;

    /** Closes the connection. */
    void close() throws IOException;
}
