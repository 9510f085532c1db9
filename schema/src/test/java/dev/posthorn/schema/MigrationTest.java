package dev.posthorn.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.posthorn.testkit.PostgresServer;
import dev.posthorn.testkit.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class MigrationTest {
    @Test
    void migrates_an_empty_postgresql_18_and_a_second_time_changes_nothing() {
        migratesTwice(PostgresServer.embedded());
    }

    @Test
    void migrates_an_empty_postgresql_15_and_a_second_time_changes_nothing() {
        assumeTrue(
                PostgresServer.fifteen().isPresent(),
                "skipped: PostgreSQL 15 is not installed in /usr/lib/postgresql/15");
        migratesTwice(PostgresServer.fifteen().orElseThrow());
    }

    @Test
    void the_list_of_migrations_is_the_folder() throws Exception {
        try (Stream<Path> files = Files.list(Path.of("src/main/resources", MigrationScripts.FOLDER))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(MigrationScripts.NAMES);
        }
    }

    @Test
    void the_printed_script_makes_the_same_schema() {
        try (TestDatabase migrated = TestDatabase.create();
                TestDatabase printed = TestDatabase.create()) {
            new Migrator(migrated.dataSource()).migrate();
            printed.administrate("SET ROLE posthorn;" + Migrator.printSql());
            assertThat(new Migrator(printed.dataSource()).state()).isEqualTo(SchemaState.CURRENT);
            assertThat(SchemaSnapshot.of(printed)).isEqualTo(SchemaSnapshot.of(migrated));
        }
    }

    @Test
    void a_login_without_createrole_is_told_what_an_administrator_must_run() {
        assumeTrue(
                PostgresServer.fifteen().isPresent(),
                "skipped: PostgreSQL 15 is not installed in /usr/lib/postgresql/15");
        // On a server of its own: roles belong to the cluster, and other tests of this JVM have made them on the
        // embedded one.
        try (TestDatabase database = TestDatabase.create()) {
            new Migrator(database.dataSource()).migrate();
            try (TestDatabase second = TestDatabase.create()) {
                second.administrate("CREATE ROLE plain_owner LOGIN PASSWORD 'plain_owner';"
                        + " GRANT CREATE ON DATABASE " + second.name() + " TO plain_owner");
                assertThatThrownBy(() -> new Migrator(second.dataSource("plain_owner")).migrate())
                        .isInstanceOf(SchemaException.class)
                        .hasMessageContaining("--print-roles");
                second.administrate(Migrator.printRoles() + "GRANT posthorn_service TO plain_owner");
                assertThat(new Migrator(second.dataSource("plain_owner"))
                                .migrate()
                                .applied())
                        .isEqualTo(MigrationScripts.NAMES.size());
            }
        }
    }

    @Test
    void an_unmigrated_and_a_newer_schema_are_refused_with_the_mend() {
        try (TestDatabase database = TestDatabase.create()) {
            Migrator migrator = new Migrator(database.dataSource());
            assertThatThrownBy(migrator::requireCurrent).hasMessageContaining("run: ./posthorn migrate");
            migrator.migrate();
            migrator.requireCurrent();
            database.administrate(
                    "CREATE OR REPLACE FUNCTION posthorn.schema_version() RETURNS integer LANGUAGE sql AS 'SELECT 9999'");
            assertThat(migrator.state()).isEqualTo(SchemaState.COMPATIBLE);
            migrator.requireCurrent();
            assertThat(migrator.migrate()).isEqualTo(new Migrator.Migration(0, 9999));
            database.administrate(
                    "CREATE OR REPLACE FUNCTION posthorn.serves_since() RETURNS integer LANGUAGE sql AS 'SELECT 9999'");
            assertThat(migrator.state()).isEqualTo(SchemaState.NEWER);
            assertThatThrownBy(migrator::requireCurrent).hasMessageContaining("newer Posthorn");
            assertThatThrownBy(migrator::migrate).hasMessageContaining("newer Posthorn");
            database.administrate(
                    "CREATE OR REPLACE FUNCTION posthorn.schema_version() RETURNS integer LANGUAGE sql AS 'SELECT 1'");
            assertThatThrownBy(migrator::requireCurrent).hasMessageContaining("older than this program");
        }
    }

    private static void migratesTwice(PostgresServer server) {
        try (TestDatabase database = server.createDatabase()) {
            Migrator migrator = new Migrator(database.dataSource());
            assertThat(migrator.state()).isEqualTo(SchemaState.EMPTY);
            assertThat(migrator.migrate())
                    .isEqualTo(new Migrator.Migration(MigrationScripts.NAMES.size(), MigrationScripts.NEWEST));
            String before = SchemaSnapshot.of(database);
            assertThat(migrator.migrate()).isEqualTo(new Migrator.Migration(0, MigrationScripts.NEWEST));
            assertThat(SchemaSnapshot.of(database)).isEqualTo(before);
            assertThat(database.one("SELECT rolsuper FROM pg_roles WHERE rolname = 'posthorn'"))
                    .isEqualTo("f");
        }
    }
}
