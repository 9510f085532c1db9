package dev.posthorn.vault;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.sql.DataSource;

/**
 * How the vault's keys stand.
 *
 * @param wraps how many data keys each master key wraps
 * @param dataKeysInUse data keys that new values are encrypted with: 1, or 0 in an empty vault
 * @param dataKeysRetired others that are still there
 * @param values encrypted values
 * @param valuesLeft those that are still encrypted with a retired data key
 * @param nodes the running nodes and the master keys that each holds
 */
public record KeyStatus(
        List<Wrap> wraps, int dataKeysInUse, int dataKeysRetired, long values, long valuesLeft, List<Node> nodes) {
    private static final String COUNTS = """
            SELECT count(*) FILTER (WHERE k.retired_at IS NULL), count(*) FILTER (WHERE k.retired_at IS NOT NULL),
                   coalesce(sum(u.values), 0), coalesce(sum(u.values) FILTER (WHERE k.retired_at IS NOT NULL), 0)
            FROM posthorn.vault_data_keys AS k
            LEFT JOIN (SELECT v.data_key_id, count(*) AS values FROM posthorn.vault_secret_versions AS v GROUP BY v.data_key_id) AS u
                ON u.data_key_id = k.id
            """;
    private static final String WRAPS = """
            SELECT k.master_key_id, count(*) FROM posthorn.vault_data_keys AS k GROUP BY k.master_key_id ORDER BY k.master_key_id
            """;
    private static final String NODES = """
            SELECT n.name, n.master_key_ids FROM posthorn.vault_nodes AS n
            WHERE n.seen_at > posthorn.clock_now() - interval '1 minute' ORDER BY n.name
            """;

    /** How many data keys a master key wraps. */
    public record Wrap(String masterKey, int dataKeys) {}

    /** A running node, by machine and process, and the ids of its master keys, the one that encrypts first. */
    public record Node(String name, List<String> masterKeys) {}

    /** Asks the database. */
    public static KeyStatus of(DataSource database) {
        return new ServiceTransactions(database).run(KeyStatus::read);
    }

    private static KeyStatus read(Connection connection) throws SQLException {
        List<Wrap> wraps = new ArrayList<>();
        List<Node> nodes = new ArrayList<>();
        try (Statement statement = connection.createStatement()) {
            try (ResultSet row = statement.executeQuery(WRAPS)) {
                while (row.next()) {
                    wraps.add(new Wrap(row.getString(1), row.getInt(2)));
                }
            }
            try (ResultSet row = statement.executeQuery(NODES)) {
                while (row.next()) {
                    nodes.add(new Node(
                            row.getString(1), List.of((String[]) row.getArray(2).getArray())));
                }
            }
            try (ResultSet row = statement.executeQuery(COUNTS)) {
                row.next();
                return new KeyStatus(wraps, row.getInt(1), row.getInt(2), row.getLong(3), row.getLong(4), nodes);
            }
        }
    }

    /** The master keys that something needs and that are not among the given ones. */
    public List<String> missing(List<String> held) {
        return wraps.stream()
                .map(Wrap::masterKey)
                .filter(key -> !Set.copyOf(held).contains(key))
                .toList();
    }
}
