package dev.posthorn.schema;

import dev.posthorn.testkit.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;

/** The migrated schema as text, read from the catalog: what a reviewer sees of a migration's effect. */
final class SchemaSnapshot {
    private static final String QUERY = query();

    private SchemaSnapshot() {}

    static String of(TestDatabase database) {
        return database.query(QUERY).stream()
                .map(row -> String.valueOf(row.get(0)))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    private static String query() {
        try (var in = SchemaSnapshot.class.getResourceAsStream("schema_snapshot.sql")) {
            return new String(java.util.Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
