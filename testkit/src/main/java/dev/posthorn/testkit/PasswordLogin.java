package dev.posthorn.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/**
 * A login that must show its password, by SCRAM; the embedded server trusts everybody else. Dropped when closed, with what it owns in its
 * database.
 */
public final class PasswordLogin implements AutoCloseable {
    private final TestDatabase database;
    private final String name = "reader_" + UUID.randomUUID().toString().replace("-", "");
    private final String password = "s3cret of " + name;

    private PasswordLogin(TestDatabase database) {
        this.database = database;
    }

    /** A new one on the server of a database. */
    public static PasswordLogin on(TestDatabase database) throws IOException {
        PasswordLogin login = new PasswordLogin(database);
        database.administrate("CREATE ROLE " + login.name + " LOGIN PASSWORD '" + login.password + "'");
        Path rules = Path.of(database.one("SHOW hba_file"));
        Files.writeString(rules, "host all " + login.name + " 127.0.0.1/32 scram-sha-256\n" + Files.readString(rules));
        database.administrate("SELECT pg_reload_conf()");
        return login;
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** Its password. */
    public String password() {
        return password;
    }

    @Override
    public void close() {
        database.administrate("DROP OWNED BY " + name + "; DROP ROLE " + name);
    }
}
