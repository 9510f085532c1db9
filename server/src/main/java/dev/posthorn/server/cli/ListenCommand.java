package dev.posthorn.server.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.posthorn.server.PosthornException;
import dev.posthorn.signing.VerifyingKey;
import dev.posthorn.signing.WebhookVerificationException;
import dev.posthorn.signing.WebhookVerifier;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "listen",
        mixinStandardHelpOptions = true,
        description = "A local receiver that prints and verifies what arrives.")
final class ListenCommand implements Callable<Integer> {
    @Option(names = "--port", defaultValue = "9000", description = "port on 127.0.0.1 (${DEFAULT-VALUE})")
    private int port;

    @Option(
            names = "--secret",
            paramLabel = "whsec_…|whpk_…",
            description = "verify signatures with it; may be given more than once")
    private List<String> secrets = List.of();

    @Option(names = "--status", defaultValue = "200", description = "what to answer (${DEFAULT-VALUE})")
    private int status;

    @Override
    public Integer call() throws InterruptedException, IOException {
        WebhookVerifier verifier = secrets.isEmpty() ? null : new WebhookVerifier(parsed());
        HttpServer server;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 128);
        } catch (IOException e) {
            throw new PosthornException(
                    PosthornException.UNAVAILABLE, "port " + port + " is taken; take another with --port");
        }
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", exchange -> {
            try (exchange) {
                byte[] body = exchange.getRequestBody().readAllBytes();
                String verdict = verifier == null ? "not verified, give --secret" : verdict(verifier, exchange, body);
                synchronized (this) {
                    System.out.println(
                            exchange.getRequestMethod() + " " + exchange.getRequestURI() + "  [" + verdict + "]");
                    exchange.getRequestHeaders()
                            .forEach((name, values) ->
                                    System.out.println("  " + name + ": " + String.join(", ", values)));
                    System.out.println("  " + new String(body, StandardCharsets.UTF_8));
                }
                exchange.sendResponseHeaders(status, -1);
            }
        });
        server.start();
        System.out.println(
                "listening on http://127.0.0.1:" + server.getAddress().getPort() + "/; stop with Ctrl-C");
        System.out.println(
                "the server must be allowed to send here: ./posthorn serve --allow-network 127.0.0.1/32:" + port);
        new CountDownLatch(1).await();
        return 0;
    }

    private List<VerifyingKey> parsed() {
        try {
            return secrets.stream().map(VerifyingKey::parse).toList();
        } catch (IllegalArgumentException e) {
            throw new PosthornException(2, "--secret: " + e.getMessage());
        }
    }

    private static String verdict(WebhookVerifier verifier, HttpExchange exchange, byte[] body) {
        try {
            verifier.verify(exchange.getRequestHeaders(), body);
            return "verified";
        } catch (WebhookVerificationException e) {
            return "REFUSED: " + e.getMessage();
        }
    }
}
