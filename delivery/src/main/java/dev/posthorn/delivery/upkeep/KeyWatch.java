package dev.posthorn.delivery.upkeep;

import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.vault.VaultException;
import dev.posthorn.vault.VaultNode;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the other nodes which master keys this one holds, and looks whether they are those that are needed. While they are not, this node
 * claims nothing: what it cannot sign it would only keep from others. Thread-safe.
 */
public final class KeyWatch {
    private static final Logger LOG = LoggerFactory.getLogger(KeyWatch.class);

    private final ServiceSession session;
    private final VaultNode node;
    private volatile @Nullable String problem;

    /** Watches over the given session. */
    public KeyWatch(ServiceSession session, VaultNode node) {
        this.session = session;
        this.node = node;
    }

    /** What is wrong with this node's master keys, in one sentence with the mend; empty if nothing is. */
    public Optional<String> problem() {
        return Optional.ofNullable(problem);
    }

    /** Announces and looks; returns whether what was wrong is right again. */
    public boolean look() throws SQLException {
        String before = problem;
        try {
            session.repeatably(connection -> {
                node.announce(connection);
                return true;
            });
            session.repeatably(connection -> {
                node.check(connection);
                return true;
            });
            problem = null;
            return before != null;
        } catch (VaultException e) {
            if (before == null) {
                LOG.error("this node sends nothing more: {}", e.getMessage());
            }
            problem = String.valueOf(e.getMessage());
            return false;
        }
    }

    /** Says that this node has ended. */
    public void leave() throws SQLException {
        session.repeatably(connection -> {
            node.leave(connection);
            return true;
        });
    }
}
