package dev.posthorn.vault;

import dev.posthorn.vault.ReadAudit.Reading;
import dev.posthorn.vault.SecretRows.Found;
import dev.posthorn.vault.VaultException.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import javax.sql.DataSource;

/**
 * The secrets of communities: put, read by programs, never shown to people. What is known of a secret is in the database, its value is in a
 * {@link SecretStore}, encrypted in the database unless another store was chosen. Each writing, and each reading by a program, stands in the
 * audit log. Thread-safe; {@link #close()} writes what is left to be said of readings.
 *
 * <p>Every method may throw a {@link VaultException}, whose reason says what is wrong.
 */
public final class Vault implements AutoCloseable {
    /** The largest value, in bytes. */
    public static final int LARGEST_VALUE = 65_536;

    private final ServiceTransactions transactions;
    private final Stores stores;
    private final SecretWriter writer;
    private final ReadAudit audit = new ReadAudit();

    private Vault(ServiceTransactions transactions, Stores stores) {
        this.transactions = transactions;
        this.stores = stores;
        this.writer = new SecretWriter(transactions, stores);
    }

    /**
     * A vault that keeps values in the database.
     *
     * @param database connections whose login may {@code SET ROLE posthorn_service}
     * @param master what opens the database's data keys
     */
    public static Vault over(DataSource database, MasterKeyset master) {
        return over(database, master, List.of(), DatabaseSecretStore.NAME);
    }

    /**
     * A vault with further stores.
     *
     * @param others beside the database
     * @param forNew name of the store that takes new secrets; those that are there already stay where they are
     * @throws IllegalArgumentException if no store has that name
     */
    public static Vault over(DataSource database, MasterKeyset master, List<SecretStore> others, String forNew) {
        List<SecretStore> all = new ArrayList<>();
        all.add(new DatabaseSecretStore(database, master));
        all.addAll(others);
        return new Vault(new ServiceTransactions(database), new Stores(all, forNew));
    }

    /**
     * Makes a secret with its first value.
     *
     * @param value 1 to {@link #LARGEST_VALUE} bytes; neither kept nor changed
     */
    public WrittenSecret create(NewSecret secret, byte[] value, SecretAuthor author) {
        checkSize(value);
        return writer.create(secret, value, author);
    }

    /**
     * Writes a new version, which is the one that is read from then on.
     *
     * @param value as with {@link #create}
     */
    public WrittenSecret put(UUID community, UUID secret, byte[] value, SecretChange change, SecretAuthor author) {
        checkSize(value);
        return writer.put(community, secret, value, change, author);
    }

    /**
     * Makes a secret whose value stands in a store already, under the store's own name for it, and is only read. Not for tenants: whoever
     * may choose the name may have everything read that the store gives to Posthorn.
     *
     * @param store name of the store
     * @param reference what the store calls the value, 1 to 500 characters
     * @return its id
     */
    public UUID refer(NewSecret secret, String store, String reference, String actor) {
        if (reference.isEmpty() || reference.length() > 500) {
            throw NewSecret.invalid("reference: it must be 1 to 500 characters");
        }
        return writer.refer(secret, store, reference, actor);
    }

    /** Changes what is known of a secret, not its value; fields and overlap of the change play no part. */
    public void change(UUID community, UUID secret, SecretChange change, String actor) {
        transactions.run(connection -> {
            SecretMetadata row = SecretRows.find(connection, community, secret)
                    .orElseThrow(() -> missing(secret))
                    .secret();
            SecretRows.change(connection, community, secret, change);
            SecretRows.audit(connection, actor, "secret.changed", row, row.version(), null);
            return true;
        });
    }

    /** What is known of a secret; empty if the community has none of this id. */
    public Optional<SecretMetadata> describe(UUID community, UUID secret) {
        return transactions
                .run(connection -> SecretRows.find(connection, community, secret))
                .map(Found::secret);
    }

    /** Reads the newest value. To be closed as soon as it is used. */
    public SecretValue read(UUID community, UUID secret, SecretReader reader) {
        Found found = admit(community, secret, reader);
        return stores.named(found.secret().store()).read(found.secret().address(), SecretStore.NEWEST);
    }

    /** Reads the newest value and, while it is in use beside it, the one before; the newest first. Each to be closed. */
    public List<SecretValue> readInUse(UUID community, UUID secret, SecretReader reader) {
        Found found = admit(community, secret, reader);
        SecretStore store = stores.named(found.secret().store());
        SecretAddress address = found.secret().address();
        List<SecretValue> values = new ArrayList<>(List.of(store.read(address, SecretStore.NEWEST)));
        if (found.previousInUse() && found.secret().version() > 1) {
            values.add(store.read(address, found.secret().version() - 1));
        }
        return values;
    }

    /** Deletes a secret with all its values; false if there is none. What a reference names stays where it is. */
    public boolean delete(UUID community, UUID secret, String actor) {
        Optional<SecretMetadata> row = transactions.run(connection -> {
            Optional<SecretMetadata> found =
                    SecretRows.find(connection, community, secret).map(Found::secret);
            if (found.isPresent()) {
                SecretRows.audit(
                        connection,
                        actor,
                        "secret.deleted",
                        found.get(),
                        found.get().version(),
                        null);
            }
            return found;
        });
        if (row.isEmpty()) {
            return false;
        }
        SecretMetadata known = row.get();
        if (known.reference() == null) {
            stores.named(known.store()).delete(known.address());
        }
        return transactions.run(connection -> {
            SecretRows.delete(connection, known);
            return true;
        });
    }

    /**
     * Deletes what other stores than the database keep for endpoints and integrations that are gone, such as where a node was killed before it
     * could; the database's own upkeep sees to the rest. To be called now and then.
     *
     * @return how many there were
     */
    public int deleteOrphans() {
        List<SecretAddress> orphans = transactions.run(SecretRows::orphans);
        orphans.forEach(orphan -> delete(orphan.community(), orphan.secret(), "posthorn"));
        return orphans.size();
    }

    /** Finds a secret and has its reading written down; nobody gets a value before that is committed. */
    private Found admit(UUID community, UUID secret, SecretReader reader) {
        boolean[] first = new boolean[1];
        Reading[] reading = new Reading[1];
        Found admitted = transactions.run(connection -> {
            Found found = SecretRows.find(connection, community, secret).orElseThrow(() -> missing(secret));
            if (found.expired()) {
                throw new VaultException(
                        Reason.EXPIRED,
                        "secret " + secret + " has expired at " + found.secret().expiresAt() + "; put a new version",
                        null);
            }
            reading[0] = new Reading(found.secret().address(), reader);
            first[0] = !audit.count(reading[0]);
            if (first[0]) {
                audit.write(connection, reading[0]);
            }
            return found;
        });
        if (first[0]) {
            audit.opened(reading[0]);
        }
        return admitted;
    }

    static VaultException missing(UUID secret) {
        return new VaultException(Reason.NOT_FOUND, "there is no secret " + secret, null);
    }

    private static void checkSize(byte[] value) {
        if (value.length == 0 || value.length > LARGEST_VALUE) {
            throw NewSecret.invalid("value: it must have 1 to " + LARGEST_VALUE + " bytes, it has " + value.length);
        }
    }

    /** Writes how often was read in the windows that are open. May be called more than once. */
    @Override
    public void close() {
        transactions.run(connection -> {
            audit.writeCounts(connection, true);
            return true;
        });
    }
}
