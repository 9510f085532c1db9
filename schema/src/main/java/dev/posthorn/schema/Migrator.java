package dev.posthorn.schema;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.output.MigrateResult;

/**
 * Brings the schema {@code posthorn} of a database to the version this program was built for. Thread-safe; several programs may
 * migrate the same database at once, one does it and the others wait.
 *
 * <p>Needs the right to create a schema, and CREATEROLE or an administrator who has run {@link #printRoles()}; never a superuser.
 */
public final class Migrator {
    private static final int OLDEST_POSTGRESQL = 15;

    private final DataSource database;

    /**
     * What {@link #migrate()} did.
     *
     * @param applied number of migrations applied; 0 if the schema was current already
     * @param version version of the schema now
     */
    public record Migration(int applied, int version) {}

    /** Migrates over connections of the given source, which log in as the future owner of the schema. */
    public Migrator(DataSource database) {
        this.database = database;
    }

    /** The roles that migrating needs, as SQL for an administrator. */
    public static String printRoles() {
        return MigrationScripts.roles()
                + "\n-- Let the login that migrates, and those that nodes use, act as the service. Replace the name.\n"
                + "-- GRANT posthorn_service TO your_login;\n";
    }

    /** All migrations as one SQL script, for people with a migration tool of their own. The roles must exist. */
    public static String printSql() {
        StringBuilder script = new StringBuilder("CREATE SCHEMA IF NOT EXISTS posthorn;\n");
        for (String name : MigrationScripts.NAMES) {
            script.append("\n-- ").append(name).append('\n').append(MigrationScripts.migration(name));
        }
        return script.toString();
    }

    /** The version of the schema that this program was built for. */
    public static int newestVersion() {
        return MigrationScripts.NEWEST;
    }

    /**
     * Creates or updates roles and schema. A second call changes nothing, nor one on a newer schema that still serves this program.
     *
     * @throws SchemaException if the server is too old, the schema too new for this program, or a right is missing
     */
    public Migration migrate() {
        switch (state()) {
            case CURRENT, COMPATIBLE -> {
                return new Migration(0, version());
            }
            case NEWER -> throw newer();
            case EMPTY, BEHIND -> createRoles();
        }
        try {
            MigrateResult result = Flyway.configure(Migrator.class.getClassLoader())
                    .dataSource(database)
                    .schemas("posthorn")
                    .table("schema_history")
                    .locations("classpath:" + MigrationScripts.FOLDER)
                    .placeholderReplacement(false)
                    .loggers("slf4j")
                    .load()
                    .migrate();
            return new Migration(result.migrationsExecuted, MigrationScripts.NEWEST);
        } catch (FlywayException e) {
            throw new SchemaException("the database could not be migrated: " + firstLine(e), e);
        }
    }

    /**
     * How the database's schema compares with this program's.
     *
     * @throws SchemaException if the database does not answer or is older than PostgreSQL 15
     */
    public SchemaState state() {
        try (Connection connection = database.getConnection()) {
            checkServer(connection);
            boolean autoCommit = connection.getAutoCommit();
            connection.setAutoCommit(true);
            try (Statement statement = connection.createStatement()) {
                if (!bool(statement, "SELECT to_regprocedure('posthorn.schema_version()') IS NOT NULL")) {
                    return SchemaState.EMPTY;
                }
                int version = number(statement, "SELECT posthorn.schema_version()");
                if (version <= MigrationScripts.NEWEST) {
                    return version < MigrationScripts.NEWEST ? SchemaState.BEHIND : SchemaState.CURRENT;
                }
                return number(statement, "SELECT posthorn.serves_since()") <= MigrationScripts.NEWEST
                        ? SchemaState.COMPATIBLE
                        : SchemaState.NEWER;
            } finally {
                connection.setAutoCommit(autoCommit);
            }
        } catch (SQLException e) {
            throw new SchemaException("the database cannot be asked for its schema: " + firstLine(e), e);
        }
    }

    /**
     * Returns if the schema is the one this program knows, or a newer one that still serves it.
     *
     * @throws SchemaException otherwise, saying what to do
     */
    public void requireCurrent() {
        switch (state()) {
            case CURRENT, COMPATIBLE -> {}
            case NEWER -> throw newer();
            case EMPTY -> throw new SchemaException("the database has no schema posthorn yet; run: ./posthorn migrate");
            case BEHIND ->
                throw new SchemaException("the schema posthorn is older than this program; run: ./posthorn migrate");
        }
    }

    private int version() {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            return number(statement, "SELECT posthorn.schema_version()");
        } catch (SQLException e) {
            throw new SchemaException("the database cannot be asked for its schema: " + firstLine(e), e);
        }
    }

    private void createRoles() {
        try (Connection connection = database.getConnection()) {
            boolean autoCommit = connection.getAutoCommit();
            connection.setAutoCommit(true);
            try (Statement statement = connection.createStatement()) {
                statement.execute(MigrationScripts.roles());
                // Policies and grants of the migrations name the service; nodes that share this login act as it.
                if (!bool(statement, "SELECT pg_has_role(current_user, 'posthorn_service', 'USAGE')")) {
                    statement.execute("GRANT posthorn_service TO CURRENT_USER"
                            + (connection.getMetaData().getDatabaseMajorVersion() >= 16
                                    ? " WITH INHERIT TRUE, SET TRUE"
                                    : ""));
                }
            } finally {
                connection.setAutoCommit(autoCommit);
            }
        } catch (SQLException e) {
            if ("42501".equals(e.getSQLState())) {
                throw new SchemaException(
                        "this login may not create or grant the roles posthorn_service, posthorn_producer and posthorn_member;"
                                + " have an administrator run what ./posthorn migrate --print-roles prints, then migrate again",
                        e);
            }
            throw new SchemaException("the roles of Posthorn could not be created: " + firstLine(e), e);
        }
    }

    private static void checkServer(Connection connection) throws SQLException {
        int major = connection.getMetaData().getDatabaseMajorVersion();
        if (major < OLDEST_POSTGRESQL) {
            throw new SchemaException(
                    "the server is PostgreSQL " + major + "; Posthorn needs " + OLDEST_POSTGRESQL + " or newer");
        }
    }

    private static SchemaException newer() {
        return new SchemaException(
                "the schema posthorn was migrated by a newer Posthorn; use that version, or a database of its own");
    }

    private static boolean bool(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            return row.next() && row.getBoolean(1);
        }
    }

    private static int number(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getInt(1) : 0;
        }
    }

    private static String firstLine(Exception e) {
        String message = e.getMessage();
        return message == null
                ? e.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }
}
