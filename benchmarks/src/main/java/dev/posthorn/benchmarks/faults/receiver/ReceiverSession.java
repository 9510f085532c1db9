package dev.posthorn.benchmarks.faults.receiver;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/** One connection: reads requests and answers each, well or badly, after it was logged. For one thread. */
final class ReceiverSession {
    private final Socket socket;
    private final Function<ReceivedRequest, Answer> decision;

    ReceiverSession(Socket socket, Function<ReceivedRequest, Answer> decision) {
        this.socket = socket;
        this.decision = decision;
    }

    void run() {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream());
            for (ReceivedRequest request = ReceivedRequest.read(socket, in);
                    request != null;
                    request = ReceivedRequest.read(socket, in)) {
                if (!answer(decision.apply(request), in)) {
                    return;
                }
            }
        } catch (IOException | InterruptedException e) {
            // The sender has gone, or was killed.
        }
    }

    /** Returns whether the connection goes on. */
    private boolean answer(Answer answer, InputStream in) throws IOException, InterruptedException {
        if (answer.afterMillis() > 0) {
            Thread.sleep(answer.afterMillis());
        }
        if (!answer.bytes().isEmpty()) {
            socket.getOutputStream().write(answer.bytes().getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
        }
        return switch (answer.end()) {
            case KEPT -> true;
            case LEFT_OPEN -> {
                // Until the sender gives up.
                while (in.read() >= 0) {
                    // Nothing is answered any more.
                }
                yield false;
            }
            case CLOSED -> false;
            case RESET -> {
                socket.setSoLinger(true, 0);
                yield false;
            }
        };
    }
}
