package dev.posthorn.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Statements of accounts as banks of several countries write them. */
public final class SampleStatements {
    private SampleStatements() {}

    /** The file of a name, such as {@code camt053-german-v02.xml}. */
    public static byte[] bytes(String name) {
        try (InputStream in = SampleStatements.class.getResourceAsStream("statements/" + name)) {
            if (in == null) {
                throw new IllegalStateException(name + " is not there");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same, read as UTF-8. */
    public static String text(String name) {
        return new String(bytes(name), StandardCharsets.UTF_8);
    }
}
