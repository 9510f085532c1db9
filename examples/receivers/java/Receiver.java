import static java.nio.charset.StandardCharsets.UTF_8;

import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;

/** A receiver with the library com.standardwebhooks:standardwebhooks. WEBHOOK_SECRET=whsec_… PORT=9000 java -cp 'lib/*' Receiver.java */
final class Receiver {
    private static final int LARGEST_BODY = 4 * 1024 * 1024;

    private final Webhook webhook;
    private final Set<String> seen = ConcurrentHashMap.newKeySet();

    Receiver(Webhook webhook) {
        this.webhook = webhook;
    }

    // region verify
    /** Judges a request by its headers and the exact bytes of its body; returns the status to answer. */
    int judge(Headers headers, byte[] bytes) {
        String body = new String(bytes, UTF_8);
        try {
            webhook.verify(body, headers);
        } catch (WebhookVerificationException e) {
            System.out.println("refused: " + e.getMessage());
            return 401;
        }
        String id = headers.getFirst("webhook-id");
        if (!seen.add(id)) {
            System.out.println("duplicate " + id);
            return 204;
        }
        // Store the event, together with its id and in one transaction; work on it after the answer.
        System.out.println("received " + id + " " + body);
        return 204;
    }
    // endregion

    void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            // What is longer is cut off, and then no signature fits.
            byte[] body = exchange.getRequestBody().readNBytes(LARGEST_BODY);
            exchange.sendResponseHeaders(judge(exchange.getRequestHeaders(), body), -1);
        }
    }

    public static void main(String[] arguments) throws Exception {
        String secret = System.getenv().getOrDefault("WEBHOOK_SECRET", "");
        if (!secret.startsWith("whsec_")) {
            System.err.println("WEBHOOK_SECRET must be the endpoint's secret, whsec_...");
            System.exit(1);
        }
        Receiver receiver = new Receiver(new Webhook(secret));
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "9000"));
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 128);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", receiver::handle);
        server.start();
        System.out.println("listening on http://127.0.0.1:" + server.getAddress().getPort() + "/");
    }
}
