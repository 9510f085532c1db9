package dev.posthorn.server.cli;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthorn.server.PosthornException;
import dev.posthorn.server.embedded.EmbeddedDatabase;
import dev.posthorn.server.node.Databases;
import dev.posthorn.server.settings.DatabaseUrl;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The database of the settings for the time of one command; the embedded one is started for it, unless a server runs it already. */
final class DatabaseUse implements AutoCloseable {
    private final @Nullable EmbeddedDatabase embedded;
    private final HikariDataSource pool;

    DatabaseUse(Settings settings) {
        String url = settings.text(Setting.DATABASE_URL);
        if (!url.isEmpty()) {
            embedded = null;
            pool = Databases.pool(DatabaseUrl.parse(url), "posthorn", 2);
            return;
        }
        Path folder = Path.of(settings.text(Setting.DATA));
        embedded = EmbeddedDatabase.startUnlessRunning(folder).orElse(null);
        try {
            pool = embedded == null
                    ? ofRunning(folder)
                    : Databases.pool(DatabaseUrl.parse(embedded.url()), "posthorn", 2);
        } catch (RuntimeException e) {
            if (embedded != null) {
                embedded.close();
            }
            throw e;
        }
    }

    private static HikariDataSource ofRunning(Path folder) {
        try {
            return Databases.pool(
                    DatabaseUrl.parse(EmbeddedDatabase.urlIn(folder).orElse("")), "posthorn", 2);
        } catch (PosthornException e) {
            throw new PosthornException(
                    PosthornException.UNAVAILABLE,
                    "another posthorn runs on the folder " + folder.toAbsolutePath()
                            + ", and its database does not answer; if it is just starting, try again in a moment");
        }
    }

    HikariDataSource source() {
        return pool;
    }

    @Override
    public void close() {
        pool.close();
        if (embedded != null) {
            embedded.close();
        }
    }
}
