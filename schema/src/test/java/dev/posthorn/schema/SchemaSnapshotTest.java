package dev.posthorn.schema;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class SchemaSnapshotTest {
    private static final Path COMMITTED = Path.of("schema.txt");

    /** After a change of the migrations: {@code mvn -pl schema -am test -Dtest=SchemaSnapshotTest -Dposthorn.snapshot=write}. */
    @Test
    void the_committed_snapshot_is_what_the_migrations_make() throws Exception {
        try (TestDatabase database = TestDatabase.create()) {
            new Migrator(database.dataSource()).migrate();
            String actual = SchemaSnapshot.of(database);
            if ("write".equals(System.getProperty("posthorn.snapshot"))) {
                Files.writeString(COMMITTED, actual);
            }
            assertThat(actual).isEqualTo(Files.readString(COMMITTED));
        }
    }
}
