package dev.posthorn.delivery.engine;

import dev.posthorn.schema.Migrator;
import dev.posthorn.schema.SchemaState;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Notices when somebody migrates the schema to a version that no longer serves this program. Thread-safe. */
final class SchemaWatch {
    private static final Logger LOG = LoggerFactory.getLogger(SchemaWatch.class);
    private static final String OUTDATED =
            "the schema was migrated by a newer Posthorn and no longer serves this version; update this node";

    private final Migrator migrator;
    private volatile boolean outdated;

    SchemaWatch(Migrator migrator) {
        this.migrator = migrator;
    }

    /** Looks; returns whether this program may go on. */
    boolean look() {
        boolean now = migrator.state() == SchemaState.NEWER;
        if (now && !outdated) {
            LOG.error("this node stops sending: {}", OUTDATED);
        }
        outdated = now;
        return !now;
    }

    /** Why this program may not go on. */
    Optional<String> trouble() {
        return outdated ? Optional.of(OUTDATED) : Optional.empty();
    }
}
