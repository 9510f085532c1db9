package dev.posthorn.vault;

import dev.posthorn.vault.DataKeys.DataKey;
import dev.posthorn.vault.SecretSealer.Sealed;
import dev.posthorn.vault.VaultException.Reason;
import java.security.GeneralSecurityException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Changes the keys while everything runs. Work is done in small transactions, each complete in itself: whoever is killed in between has lost
 * nothing, and the next call goes on. Any number may run at once. Thread-safe.
 */
public final class VaultKeys {
    private static final int BATCH = 500;
    private static final String LACKING = """
            SELECT string_agg(n.name || ' (' || array_to_string(n.master_key_ids, ', ') || ')', '; ' ORDER BY n.name)
            FROM posthorn.vault_nodes AS n
            WHERE n.seen_at > posthorn.clock_now() - interval '1 minute' AND NOT ? = ANY (n.master_key_ids)
            """;
    /** Whoever encrypts meanwhile holds its data key FOR SHARE, and is waited for. */
    private static final String OLDER_WRAPS = """
            SELECT k.id, k.wrapped_keyset, k.master_key_id FROM posthorn.vault_data_keys AS k
            WHERE k.master_key_id <> ? ORDER BY k.id LIMIT 100 FOR UPDATE
            """;

    private static final String REWRAP =
            "UPDATE posthorn.vault_data_keys SET wrapped_keyset = ?, master_key_id = ? WHERE id = ?";
    private static final String LEFT = """
            SELECT count(*) FROM posthorn.vault_secret_versions AS v
            JOIN posthorn.vault_data_keys AS k ON k.id = v.data_key_id AND k.retired_at IS NOT NULL
            """;
    private static final String RETIRE =
            "UPDATE posthorn.vault_data_keys SET retired_at = posthorn.clock_now() WHERE retired_at IS NULL";
    /** Skips what somebody writes just now: a later round finds it. */
    private static final String OLDER_VALUES = """
            SELECT v.secret_id, v.version, v.ciphertext, v.data_key_id, s.community_id, s.owner_id, s.purpose
            FROM posthorn.vault_secret_versions AS v
            JOIN posthorn.vault_data_keys AS k ON k.id = v.data_key_id AND k.retired_at IS NOT NULL
            JOIN posthorn.vault_secrets AS s ON s.id = v.secret_id
            WHERE (v.secret_id, v.version) > (?, ?)
            ORDER BY v.secret_id, v.version
            LIMIT ?
            FOR NO KEY UPDATE OF v SKIP LOCKED
            """;

    private static final String RESEAL =
            "UPDATE posthorn.vault_secret_versions SET ciphertext = ?, data_key_id = ? WHERE secret_id = ? AND version = ?";

    private final ServiceTransactions transactions;
    private final MasterKeyset master;
    private final DataKeys keys;
    private final SecretSealer sealer;

    /** Hears how far it is. */
    @FunctionalInterface
    public interface Progress {
        /** So many are done of so many that there were at the beginning. */
        void done(long done, long all);
    }

    /**
     * What came of a rotation.
     *
     * @param resealed how many values were encrypted anew
     * @param unreadable how many could not be opened and were left as they are; their secrets must be put again
     * @param continued whether it ended one that had been begun earlier, and made no new data key
     */
    public record Rotation(long resealed, long unreadable, boolean continued) {}

    private record Cursor(UUID secret, int version) {
        static final Cursor START = new Cursor(new UUID(0, 0), 0);
    }

    private record Value(SecretBinding binding, Sealed sealed) {}

    private record Batch(@Nullable Cursor next, int resealed, int unreadable) {}

    /**
     * @param database connections whose login may {@code SET ROLE posthorn_service}
     * @param master all master keys that anything is encrypted with, the one to encrypt with first
     */
    public VaultKeys(DataSource database, MasterKeyset master) {
        this.transactions = new ServiceTransactions(database);
        this.master = master;
        this.keys = new DataKeys(master);
        this.sealer = new SecretSealer(keys);
    }

    /**
     * Wraps every data key with the first master key. Values are not touched, so it takes moments however many there are.
     *
     * @param force even if a running node lacks that key; it could not open the data keys once it is started anew
     * @return how many data keys were wrapped anew
     * @throws VaultException {@link Reason#CONFLICT} if a running node lacks the key, or {@link Reason#UNREADABLE} if one is needed that is
     *     not given
     */
    public int rewrap(boolean force) {
        requireNodes(force);
        int all = 0;
        int done;
        do {
            done = transactions.run(this::rewrap);
            all += done;
        } while (done > 0);
        return all;
    }

    private int rewrap(Connection connection) throws SQLException {
        int done = 0;
        try (PreparedStatement select = connection.prepareStatement(OLDER_WRAPS);
                PreparedStatement update = connection.prepareStatement(REWRAP)) {
            select.setString(1, master.id());
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    UUID id = row.getObject(1, UUID.class);
                    byte[] associated = DataKeys.associated(id);
                    try {
                        update.setBytes(1, master.wrap(master.unwrap(row.getBytes(2), associated), associated));
                    } catch (GeneralSecurityException e) {
                        throw new VaultException(
                                "data key " + id + " is wrapped by the master key " + row.getString(3)
                                        + ", which is not among " + String.join(", ", master.ids())
                                        + "; give it too, on a line below the new one",
                                null);
                    }
                    update.setString(2, master.id());
                    update.setObject(3, id);
                    update.executeUpdate();
                    done++;
                }
            }
        }
        return done;
    }

    /**
     * Makes a new data key and encrypts every value with it; one that was begun and not ended is ended instead.
     *
     * @param force even if a running node lacks the first master key, which wraps the new data key; it would stop to send
     * @throws VaultException as {@link #rewrap} does
     */
    public Rotation rotate(boolean force, Progress progress) {
        requireNodes(force);
        long all = left();
        boolean continued = all > 0;
        if (!continued) {
            transactions.run(connection -> {
                try (PreparedStatement retire = connection.prepareStatement(RETIRE)) {
                    retire.executeUpdate();
                }
                return keys.create(connection);
            });
            all = left();
        }
        long resealed = 0;
        while (true) {
            long before = resealed;
            long unreadable = 0;
            Cursor at = Cursor.START;
            while (at != null) {
                Cursor from = at;
                Batch batch = transactions.run(connection -> reseal(connection, from));
                resealed += batch.resealed();
                unreadable += batch.unreadable();
                at = batch.next();
                progress.done(resealed, Math.max(all, resealed));
            }
            if (resealed == before) {
                return new Rotation(resealed, unreadable, continued);
            }
        }
    }

    private Batch reseal(Connection connection, Cursor from) throws SQLException {
        List<Value> values = read(connection, from);
        if (values.isEmpty()) {
            return new Batch(null, 0, 0);
        }
        DataKey key = keys.current(connection);
        int unreadable = 0;
        try (PreparedStatement update = connection.prepareStatement(RESEAL)) {
            for (Value value : values) {
                byte[] plain;
                try {
                    plain = sealer.open(connection, value.binding(), value.sealed());
                } catch (VaultException e) {
                    unreadable++;
                    continue;
                }
                try (SecretValue wiped = new SecretValue(plain, value.binding().version())) {
                    update.setBytes(
                            1,
                            SecretSealer.seal(key, value.binding(), wiped.bytes())
                                    .ciphertext());
                }
                update.setObject(2, key.id());
                update.setObject(3, value.binding().secret());
                update.setInt(4, value.binding().version());
                update.addBatch();
            }
            update.executeBatch();
        }
        SecretBinding last = values.get(values.size() - 1).binding();
        return new Batch(new Cursor(last.secret(), last.version()), values.size() - unreadable, unreadable);
    }

    private static List<Value> read(Connection connection, Cursor from) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(OLDER_VALUES)) {
            statement.setObject(1, from.secret());
            statement.setInt(2, from.version());
            statement.setInt(3, BATCH);
            List<Value> values = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    values.add(new Value(
                            new SecretBinding(
                                    row.getObject(5, UUID.class),
                                    row.getObject(1, UUID.class),
                                    row.getInt(2),
                                    row.getObject(6, UUID.class),
                                    row.getString(7)),
                            new Sealed(row.getBytes(3), row.getObject(4, UUID.class))));
                }
            }
            return values;
        }
    }

    private long left() {
        return transactions.run(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(LEFT);
                    ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        });
    }

    /** A node that lacks the key would not open what is about to be wrapped with it. */
    private void requireNodes(boolean force) {
        String lacking = transactions
                .run(connection -> {
                    try (PreparedStatement statement = connection.prepareStatement(LACKING)) {
                        statement.setString(1, master.id());
                        try (ResultSet row = statement.executeQuery()) {
                            row.next();
                            return java.util.Optional.ofNullable(row.getString(1));
                        }
                    }
                })
                .orElse("");
        if (!lacking.isEmpty() && !force) {
            throw new VaultException(
                    Reason.CONFLICT,
                    "these nodes do not hold the master key " + master.id() + ": " + lacking
                            + "; restart them with it, beside the old one, and run this again",
                    null);
        }
    }
}
