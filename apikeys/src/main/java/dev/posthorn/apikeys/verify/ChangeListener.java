package dev.posthorn.apikeys.verify;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * Hears of changed keys on a connection of its own. It also notifies itself, three times a second: PostgreSQL delivers in the order of
 * commits, so that whoever hears his own beat has heard every change before it. {@link #isHeard} says whether that was so within the last
 * second. {@link #step} is for one thread, everything else for all.
 */
final class ChangeListener {
    static final String CHANNEL = "posthorn_api_key";

    private static final int BEAT_MILLIS = 300;
    private static final long SILENCE_MILLIS = 1_000;
    private static final Executor SAME_THREAD = Runnable::run;

    private final DataSource database;
    private final Consumer<String> changed;
    private final Runnable anythingChanged;
    private final String beatChannel =
            CHANNEL + "_beat_" + UUID.randomUUID().toString().replace("-", "");
    private @Nullable Connection connection;
    private volatile @Nullable Moment lastBeat;

    /** A moment by two clocks: the monotonic one stands still while a machine sleeps, the other one may be set. */
    private record Moment(long nanos, long millis) {
        static Moment now() {
            return new Moment(System.nanoTime(), System.currentTimeMillis());
        }

        boolean isWithin(long limitMillis) {
            return System.nanoTime() - nanos < limitMillis * 1_000_000
                    && Math.abs(System.currentTimeMillis() - millis) < limitMillis;
        }
    }

    ChangeListener(DataSource database, Consumer<String> changed, Runnable anythingChanged) {
        this.database = database;
        this.changed = changed;
        this.anythingChanged = anythingChanged;
    }

    /** Whether all changes up to a second ago were heard of. */
    boolean isHeard() {
        Moment beat = lastBeat;
        return beat != null && beat.isWithin(SILENCE_MILLIS);
    }

    /** One beat, and what is heard until the next. */
    void step() throws SQLException {
        Connection open = connection;
        try {
            if (open == null) {
                open = database.getConnection();
                connection = open;
                open.setAutoCommit(true);
                // Whoever cuts the line without a word is noticed by this.
                open.setNetworkTimeout(SAME_THREAD, 2_000);
                execute(open, "LISTEN " + CHANNEL + "; LISTEN " + beatChannel);
                // What was said while nobody listened.
                anythingChanged.run();
            }
            Moment sent = Moment.now();
            execute(open, "NOTIFY " + beatChannel);
            PGConnection listening = open.unwrap(PGConnection.class);
            hear(listening.getNotifications(), sent);
            hear(listening.getNotifications(BEAT_MILLIS), sent);
        } catch (SQLException e) {
            close();
            throw e;
        }
    }

    private void hear(PGNotification @Nullable [] notifications, Moment sent) {
        if (notifications == null) {
            return;
        }
        boolean beat = false;
        for (PGNotification notification : notifications) {
            if (notification.getName().equals(beatChannel)) {
                beat = true;
            } else if (notification.getParameter().equals("*")) {
                anythingChanged.run();
            } else {
                changed.accept(notification.getParameter());
            }
        }
        // Only now: what came before the beat must have been dropped before anybody relies on it.
        if (beat) {
            lastBeat = sent;
        }
    }

    void close() {
        lastBeat = null;
        Connection open = connection;
        connection = null;
        if (open != null) {
            try (open) {
                if (!open.isClosed()) {
                    execute(open, "UNLISTEN *");
                }
            } catch (SQLException e) {
                // It is broken, which is why it is closed.
            }
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
