package dev.posthorn.delivery.send;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import org.eclipse.jetty.client.Response;
import org.eclipse.jetty.client.Result;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.io.AbstractEndPoint;
import org.jspecify.annotations.Nullable;

/** Reads an answer up to a limit, keeps its beginning and closes the connection on one that is longer. */
final class ResponseReader implements Response.Listener {
    private static final int LARGEST_READ = 64 * 1024;
    /** What an attempt keeps of an answer. */
    static final int EXCERPT = 4 * 1024;

    private final CompletableFuture<Ended> ended = new CompletableFuture<>();
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream(0);
    private final int most;
    private int read;
    private volatile @Nullable Head head;

    /**
     * Status line and headers, as they were when they were complete: what follows may be malformed, and changes nothing of them.
     *
     * @param early whether the receiver had not yet taken the whole request
     */
    record Head(int status, HttpFields headers, boolean early) {}

    /**
     * How it ended.
     *
     * @param answer null unless status line and headers arrived completely
     * @param premature whether the answer came before the whole request was taken, and the rest never was
     * @param failure null if all went well
     */
    record Ended(
            @Nullable Head answer,
            boolean premature,
            @Nullable Throwable failure) {
        Ended because(Throwable cause) {
            return new Ended(answer, premature, cause);
        }
    }

    /** @param most how many bytes of the body are kept */
    ResponseReader(int most) {
        this.most = most;
    }

    /** Completed once, when the exchange is over, however it ended. */
    CompletableFuture<Ended> ended() {
        return ended;
    }

    /** The beginning of the body as text that PostgreSQL can hold. */
    String excerpt() {
        return kept.toString(StandardCharsets.UTF_8).replace("\0", "");
    }

    /** Whether the body was longer than what is kept. */
    boolean isCut() {
        return read > kept.size();
    }

    @Override
    public void onHeaders(Response response) {
        head = new Head(response.getStatus(), response.getHeaders(), isEarly(response));
    }

    @Override
    public void onContent(Response response, ByteBuffer content) {
        int length = content.remaining();
        int room = Math.min(most - kept.size(), length);
        if (room > 0) {
            byte[] bytes = new byte[room];
            content.get(bytes);
            kept.write(bytes, 0, room);
        }
        content.position(content.limit());
        read += length;
        if (read > LARGEST_READ) {
            var unused =
                    response.abort(new IllegalStateException("the answer is longer than " + LARGEST_READ + " bytes"));
        }
    }

    @Override
    public void onComplete(Result result) {
        Throwable failure =
                result.getResponseFailure() != null ? result.getResponseFailure() : result.getRequestFailure();
        Head answer = head;
        boolean premature = answer != null && answer.early && result.getRequestFailure() != null;
        ended.complete(new Ended(answer, premature, failure));
    }

    /** Asks the connection: the client's own word that all was written may come later than the answer to it. */
    private static boolean isEarly(Response response) {
        return HostileConnection.endPoint(response.getRequest()) instanceof AbstractEndPoint endPoint
                && endPoint.getWriteFlusher().isPending();
    }
}
