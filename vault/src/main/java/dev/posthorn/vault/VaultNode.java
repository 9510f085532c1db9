package dev.posthorn.vault;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.UUID;

/**
 * Says in the database which master keys this node holds, so that nothing is encrypted with one that it lacks, and looks whether it holds
 * those that are needed. Works as {@link EndpointSecrets} does within a caller's transaction. Thread-safe.
 */
public final class VaultNode {
    private static final String ANNOUNCE = """
            INSERT INTO posthorn.vault_nodes AS n (id, name, master_key_ids) VALUES (?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
            """;
    private static final String LEAVE = "DELETE FROM posthorn.vault_nodes AS n WHERE n.id = ?";

    private final UUID id = UUID.randomUUID();
    private final MasterKeyset master;
    private final DataKeys keys;

    /** A node with these keys. */
    public VaultNode(MasterKeyset master) {
        this.master = master;
        this.keys = new DataKeys(master);
    }

    /** Says that the node runs; to be repeated at least twice a minute. */
    public void announce(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ANNOUNCE)) {
            statement.setObject(1, id);
            statement.setString(2, host() + "/" + ProcessHandle.current().pid());
            statement.setArray(3, connection.createArrayOf("text", master.ids().toArray()));
            statement.executeUpdate();
        }
    }

    /** Says that the node has ended. */
    public void leave(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LEAVE)) {
            statement.setObject(1, id);
            statement.executeUpdate();
        }
    }

    /**
     * Returns if this node's master keys open all data keys. One that was opened before costs nothing, and stays open here whatever wraps
     * it now.
     *
     * @throws VaultException otherwise, naming the key that would
     */
    public void check(Connection connection) throws SQLException {
        keys.check(connection);
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown";
        }
    }
}
