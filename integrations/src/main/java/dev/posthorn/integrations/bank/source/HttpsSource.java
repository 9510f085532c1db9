package dev.posthorn.integrations.bank.source;

import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.HttpAnswer;
import dev.posthorn.integrations.connector.HttpCall;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The file at a URL: one, whose version is a hash of its content. Fetched when it is listed. */
public final class HttpsSource implements FileSource {
    private static final Duration LONGEST = Duration.ofMinutes(5);

    private final String url;
    private final int largest;
    private final ConnectorContext context;
    private byte @Nullable [] content;

    /** Fetches nothing yet. */
    public HttpsSource(String url, int largest, ConnectorContext context) {
        this.url = url;
        this.largest = largest;
        this.context = context;
    }

    @Override
    public List<SourceFile> list(Predicate<String> wanted) throws ConnectorException, InterruptedException {
        HttpCall call = new HttpCall("GET", url, List.of(), null, LONGEST, largest);
        Credentials credentials = context.credentials();
        Optional<String> token = credentials.find("token");
        if (token.isPresent()) {
            call = call.with("Authorization", "Bearer " + token.get());
        } else if (credentials.find("username").isPresent()) {
            String pair = credentials.require("username") + ":" + credentials.require("password");
            call = call.with(
                    "Authorization",
                    "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8)));
        }
        HttpAnswer answer = context.network().send(call);
        answer.requireSuccess("the server with the statement", context.clock().instant());
        content = answer.body();
        return List.of(new SourceFile("the file at the URL", sha256(answer.body()), 0));
    }

    @Override
    public Optional<byte[]> read(SourceFile file, int largestNow) throws BadFileException {
        return Optional.ofNullable(content);
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    @Override
    public void close() {
        content = null;
    }
}
