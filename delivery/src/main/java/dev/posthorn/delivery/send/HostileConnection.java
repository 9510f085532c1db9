package dev.posthorn.delivery.send;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Map;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.client.Result;
import org.eclipse.jetty.client.transport.HttpExchange;
import org.eclipse.jetty.client.transport.SendFailure;
import org.eclipse.jetty.client.transport.internal.HttpChannelOverHTTP;
import org.eclipse.jetty.client.transport.internal.HttpConnectionOverHTTP;
import org.eclipse.jetty.client.transport.internal.HttpReceiverOverHTTP;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.RetainableByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A connection to somebody who answers as he likes. One that holds anything beyond the answer to its request is closed and not used again,
 * because it would be taken for the answer to the next one; and an answer is read up to a number of bytes, whatever they are called.
 */
final class HostileConnection extends HttpConnectionOverHTTP {
    /** Of one answer: interim responses, headers, body, the envelopes of its chunks, trailers. */
    static final int LARGEST_ANSWER = 128 * 1024;

    /** Each is an object of some 150 bytes, so that their size alone is no bound. */
    static final int MOST_HEADERS = 128;

    private static final String END_POINT = HostileConnection.class.getName();

    private boolean used;
    private int bytesOfAnswer;
    /** A request is under way whose answer is not complete. */
    private volatile boolean unanswered;

    HostileConnection(EndPoint endPoint, Map<String, Object> context) {
        super(endPoint, context);
    }

    /** By which connection a request was sent, last; null if by none yet. */
    static @Nullable EndPoint endPoint(Request request) {
        return (EndPoint) request.getAttributes().get(END_POINT);
    }

    @Override
    protected HttpChannelOverHTTP newHttpChannel() {
        return new Channel(this);
    }

    /** Refuses to send on a connection that has spoken, or ended, without being asked. */
    @Override
    public SendFailure send(HttpExchange exchange) {
        try {
            requireSilence();
        } catch (IOException | HttpException.RuntimeException e) {
            close(e);
            // One that was used before may have come to its natural end, so another is tried.
            return new SendFailure(e, used);
        }
        used = true;
        unanswered = true;
        bytesOfAnswer = 0;
        exchange.getRequest().attribute(END_POINT, getEndPoint());
        return super.send(exchange);
    }

    /**
     * Closes, and takes back what of a request that is given up waits in this machine's buffers. Else it would be sent when the receiver, or
     * the way to it, is well again, after the same delivery was sent anew.
     */
    @Override
    protected void close(Throwable failure) {
        if (unanswered && getEndPoint().getTransport() instanceof SocketChannel channel) {
            try {
                channel.setOption(StandardSocketOptions.SO_LINGER, 0);
            } catch (IOException closed) {
                // Then nothing waits.
            }
        }
        super.close(failure);
    }

    private void requireSilence() throws IOException {
        if (!used && getHttpDestination().isSecure()) {
            // The handshake is still to come.
            return;
        }
        RetainableByteBuffer buffer =
                getHttpDestination().getHttpClient().getByteBufferPool().acquire(1, true);
        try {
            int read = getEndPoint().fill(buffer.getByteBuffer());
            if (read < 0) {
                throw new EOFException("closed before the request");
            }
            if (read > 0) {
                throw new HttpException.RuntimeException(HttpStatus.BAD_GATEWAY_502, "an answer before the request");
            }
        } finally {
            buffer.release();
        }
    }

    @Override
    protected void addBytesIn(long bytes) {
        super.addBytesIn(bytes);
        if (bytesOfAnswer == 0) {
            ((Channel) getHttpChannel()).requireStatusLine();
        }
        bytesOfAnswer += (int) bytes;
        if (bytesOfAnswer > LARGEST_ANSWER) {
            throw new HttpException.RuntimeException(
                    HttpStatus.BAD_GATEWAY_502, "the answer is longer than " + LARGEST_ANSWER + " bytes");
        }
    }

    private static final class Channel extends HttpChannelOverHTTP {
        Channel(HostileConnection connection) {
            super(connection);
        }

        @Override
        protected HttpReceiverOverHTTP newHttpReceiver() {
            return new Receiver(this);
        }

        private void requireStatusLine() {
            ((Receiver) getHttpReceiver()).requireStatusLine();
        }

        @Override
        public void release() {
            if (((Receiver) getHttpReceiver()).surplus) {
                getHttpConnection().close();
            } else {
                super.release();
            }
        }

        @Override
        public void exchangeTerminated(HttpExchange exchange, Result result) {
            super.exchangeTerminated(exchange, result);
            if (result.getResponse().getStatus() == HttpStatus.SWITCHING_PROTOCOLS_101) {
                // Nobody asked for another protocol; without this the connection would stay open until it has been idle
                // for long.
                getHttpConnection().close();
            }
        }
    }

    private static final class Receiver extends HttpReceiverOverHTTP {
        private boolean surplus;
        private int headers;

        Receiver(Channel channel) {
            super(channel);
        }

        @Override
        public void startResponse(HttpVersion version, int status, String reason) {
            if (version != HttpVersion.HTTP_1_1 && version != HttpVersion.HTTP_1_0) {
                throw new HttpException.RuntimeException(HttpStatus.BAD_GATEWAY_502, "neither HTTP/1.1 nor HTTP/1.0");
            }
            if (status < 100) {
                throw new HttpException.RuntimeException(HttpStatus.BAD_GATEWAY_502, "no status of three digits");
            }
            headers = 0;
            super.startResponse(version, status, reason);
        }

        /** The parser passes over some characters before the version, such as a colon. */
        private void requireStatusLine() {
            ByteBuffer buffer = getResponseBuffer();
            int at = buffer.position();
            while (at < buffer.limit() && (buffer.get(at) == '\r' || buffer.get(at) == '\n')) {
                at++;
            }
            if (at < buffer.limit() && buffer.get(at) != 'H') {
                throw new HttpException.RuntimeException(HttpStatus.BAD_GATEWAY_502, "no status line");
            }
        }

        @Override
        public void parsedHeader(HttpField field) {
            if (++headers > MOST_HEADERS) {
                throw new HttpException.RuntimeException(
                        HttpStatus.BAD_GATEWAY_502, "more than " + MOST_HEADERS + " headers");
            }
            super.parsedHeader(field);
        }

        @Override
        public void parsedTrailer(HttpField trailer) {
            // Nobody asks for them.
        }

        @Override
        public boolean messageComplete() {
            HttpExchange exchange = getHttpExchange();
            boolean interim = exchange != null
                    && HttpStatus.isInterim(exchange.getResponse().getStatus());
            if (interim) {
                requireStatusLine();
            }
            surplus = !interim && getResponseBuffer().hasRemaining();
            if (!interim) {
                ((HostileConnection) getHttpChannel().getHttpConnection()).unanswered = false;
            }
            return super.messageComplete();
        }
    }
}
