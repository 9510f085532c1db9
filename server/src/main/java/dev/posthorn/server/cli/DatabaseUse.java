package dev.posthorn.server.cli;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthorn.server.embedded.EmbeddedDatabase;
import dev.posthorn.server.node.Databases;
import dev.posthorn.server.settings.DatabaseUrl;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The database of the settings for the time of one command; the embedded one is started for it. */
final class DatabaseUse implements AutoCloseable {
    private final @Nullable EmbeddedDatabase embedded;
    private final HikariDataSource pool;

    DatabaseUse(Settings settings) {
        String url = settings.text(Setting.DATABASE_URL);
        embedded = url.isEmpty() ? EmbeddedDatabase.start(Path.of(settings.text(Setting.DATA))) : null;
        try {
            pool = Databases.pool(DatabaseUrl.parse(embedded == null ? url : embedded.url()), "posthorn", 2);
        } catch (RuntimeException e) {
            if (embedded != null) {
                embedded.close();
            }
            throw e;
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
