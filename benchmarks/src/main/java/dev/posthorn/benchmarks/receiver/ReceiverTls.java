package dev.posthorn.benchmarks.receiver;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;

/** TLS 1.3 of the receiver. */
final class ReceiverTls {
    private final SSLContext context = SSLContext.getInstance("TLSv1.3");

    /** Takes key and certificate from a PKCS #12 file. */
    ReceiverTls(String file, char[] password) throws GeneralSecurityException, IOException {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            keys.load(in, password);
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, password);
        context.init(managers.getKeyManagers(), null, null);
    }

    ReceiverTransport over(SocketChannel channel) throws IOException {
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(false);
        engine.setEnabledProtocols(new String[] {"TLSv1.3"});
        engine.beginHandshake();
        return new Transport(channel, engine);
    }

    private static final class Transport implements ReceiverTransport {
        private final SocketChannel channel;
        private final SSLEngine engine;
        private final ByteBuffer incoming;
        private final ByteBuffer outgoing;

        Transport(SocketChannel channel, SSLEngine engine) {
            this.channel = channel;
            this.engine = engine;
            incoming = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
            outgoing = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
        }

        @Override
        public boolean read(ByteBuffer into) throws IOException {
            if (channel.read(incoming) < 0) {
                return false;
            }
            incoming.flip();
            decrypt(into);
            incoming.compact();
            return !engine.isInboundDone();
        }

        private void decrypt(ByteBuffer into) throws IOException {
            while (true) {
                switch (engine.getHandshakeStatus()) {
                    case NEED_TASK -> engine.getDelegatedTask().run();
                    case NEED_WRAP -> wrap(ByteBuffer.allocate(0));
                    case NEED_UNWRAP, NEED_UNWRAP_AGAIN, NOT_HANDSHAKING, FINISHED -> {
                        if (!incoming.hasRemaining()
                                || engine.unwrap(incoming, into).getStatus() != SSLEngineResult.Status.OK) {
                            return;
                        }
                    }
                }
            }
        }

        @Override
        public void write(ByteBuffer bytes) throws IOException {
            do {
                wrap(bytes);
            } while (bytes.hasRemaining());
        }

        private void wrap(ByteBuffer bytes) throws IOException {
            outgoing.clear();
            engine.wrap(bytes, outgoing);
            PlainTransport.writeFully(channel, outgoing.flip());
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
