package dev.posthorn.server.rest;

import io.javalin.config.RoutesConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** {@code /openapi.yaml}: the contract of the REST API, for everybody. */
public final class OpenApi {
    private static final String FILE = "openapi.yaml";

    private OpenApi() {}

    /** Adds the route. */
    public static void add(RoutesConfig routes) {
        byte[] contract = contract();
        routes.get(
                "/" + FILE, context -> context.contentType("application/yaml").result(contract));
    }

    /** The document, in UTF-8. */
    public static byte[] contract() {
        try (InputStream file = OpenApi.class.getResourceAsStream(FILE)) {
            if (file == null) {
                throw new IllegalStateException(FILE + " is missing in the program");
            }
            return file.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
