package dev.posthorn.vault;

import static java.util.Objects.requireNonNull;

import dev.posthorn.vault.SecretRows.Found;
import dev.posthorn.vault.SecretRows.Remembered;
import dev.posthorn.vault.VaultException.Reason;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Writes values, in steps each of which is committed: the intention with its line of the audit log and its idempotency key, the value in its
 * store, the result. Whoever dies in between leaves a secret whose newest value is the old or the new one, never none that was there before
 * and never one that is not in the audit log; a repetition ends what was begun. Thread-safe.
 */
final class SecretWriter {
    private final ServiceTransactions transactions;
    private final Stores stores;

    SecretWriter(ServiceTransactions transactions, Stores stores) {
        this.transactions = transactions;
        this.stores = stores;
    }

    /** Makes a secret with its first value. */
    WrittenSecret create(NewSecret secret, byte[] value, SecretAuthor author) {
        SecretMetadata row = transactions.run(connection -> find(connection, secret, author));
        SecretChange change = new SecretChange(
                secret.description(),
                secret.fields(),
                true,
                secret.expiresAt(),
                SecretChange.value().overlap());
        return write(row, value, change, author, "secret.created");
    }

    /** The row of that name: a new one, one that was begun and never got a value, or that of the idempotency key. */
    private SecretMetadata find(Connection connection, NewSecret secret, SecretAuthor author) throws SQLException {
        String key = author.idempotencyKey();
        Optional<Remembered> earlier =
                key == null ? Optional.empty() : SecretRows.remembered(connection, secret.community(), key);
        boolean inserted = earlier.isEmpty() && SecretRows.insert(connection, secret, stores.forNew(), null);
        Optional<SecretMetadata> found = SecretRows.find(connection, secret).map(Found::secret);
        if (earlier.isPresent()) {
            UUID known = earlier.get().secret();
            return found.filter(row -> row.id().equals(known))
                    .orElseThrow(() -> usedOtherwise(requireNonNull(key), known));
        }
        SecretMetadata row = found.orElseThrow(() -> vanished());
        if (row.reference() != null || !(inserted || row.version() == 0)) {
            throw new VaultException(
                    Reason.CONFLICT,
                    "name: there is a secret \"" + secret.name() + "\" already, " + row.id()
                            + "; put a new version of that one, or take another name",
                    null);
        }
        return row;
    }

    /** Makes a secret whose value stands elsewhere already. */
    UUID refer(NewSecret secret, String store, String reference, String actor) {
        stores.named(store);
        return transactions.run(connection -> {
            boolean inserted = SecretRows.insert(connection, secret, store, reference);
            SecretMetadata row = SecretRows.find(connection, secret)
                    .orElseThrow(() -> vanished())
                    .secret();
            if (!inserted && !(row.store().equals(store) && reference.equals(row.reference()))) {
                throw new VaultException(
                        Reason.CONFLICT,
                        "name: there is a secret \"" + secret.name() + "\" already, " + row.id() + "; delete it first",
                        null);
            }
            SecretChange change = new SecretChange(
                    null,
                    secret.fields(),
                    true,
                    secret.expiresAt(),
                    SecretChange.value().overlap());
            SecretRows.finish(connection, row, 1, change);
            SecretRows.audit(connection, actor, "secret.referred", row, 1, null);
            return row.id();
        });
    }

    /** Writes a new version. */
    WrittenSecret put(UUID community, UUID secret, byte[] value, SecretChange change, SecretAuthor author) {
        SecretMetadata row = transactions.run(connection -> SecretRows.find(connection, community, secret)
                .orElseThrow(() -> Vault.missing(secret))
                .secret());
        if (row.reference() != null) {
            throw new VaultException(
                    Reason.READ_ONLY,
                    "secret " + secret + " is a reference; change its value where it stands, in " + row.store(),
                    null);
        }
        String action = change.overlap().isZero() ? "secret.replaced" : "secret.rotated";
        return write(row, value, change, author, action);
    }

    private WrittenSecret write(
            SecretMetadata row, byte[] value, SecretChange change, SecretAuthor author, String action) {
        SecretStore store = stores.named(row.store());
        String key = author.idempotencyKey();
        int newest = store.describe(row.address())
                .map(SecretStore.Description::version)
                .orElse(0);
        if (key != null) {
            Optional<Remembered> earlier =
                    transactions.run(connection -> SecretRows.remembered(connection, row.community(), key));
            if (earlier.isPresent()) {
                Remembered known = earlier.get();
                if (!known.secret().equals(row.id())) {
                    throw usedOtherwise(key, known.secret());
                }
                if (known.version() <= newest) {
                    return repeat(store, row, known, value, change, key);
                }
            }
        }
        int next = newest + 1;
        transactions.run(connection -> {
            if (key != null && !SecretRows.remember(connection, row, key, next)) {
                throw new VaultException(
                        Reason.CONFLICT,
                        "Idempotency-Key: another call with \"" + key + "\" is under way; try again",
                        null);
            }
            SecretRows.audit(connection, author.actor(), action, row, next, null);
            return true;
        });
        try {
            store.write(row.address(), value, newest);
        } catch (VaultException e) {
            noteFailure(row, next, author.actor(), e);
            throw e;
        }
        finish(row, next, change);
        return new WrittenSecret(row.id(), next, false);
    }

    /** The value was written by an earlier call, which may have died before it could end its work. */
    private WrittenSecret repeat(
            SecretStore store, SecretMetadata row, Remembered known, byte[] value, SecretChange change, String key) {
        try (SecretValue written = store.read(row.address(), known.version())) {
            if (!MessageDigest.isEqual(written.bytes(), value)) {
                throw usedOtherwise(key, known.secret());
            }
        } catch (VaultException e) {
            if (e.reason() == Reason.NOT_FOUND) {
                throw usedOtherwise(key, known.secret());
            }
            throw e;
        }
        if (row.version() <= known.version()) {
            finish(row, known.version(), change);
        }
        return new WrittenSecret(row.id(), known.version(), true);
    }

    private void finish(SecretMetadata row, int version, SecretChange change) {
        transactions.run(connection -> {
            SecretRows.finish(connection, row, version, change);
            return true;
        });
    }

    private void noteFailure(SecretMetadata row, int version, String actor, VaultException failure) {
        try {
            transactions.run(connection -> {
                SecretRows.audit(connection, actor, "secret.write_failed", row, version, failure.getMessage());
                return true;
            });
        } catch (VaultException alsoFailed) {
            failure.addSuppressed(alsoFailed);
        }
    }

    private static VaultException usedOtherwise(String key, @Nullable UUID secret) {
        return new VaultException(
                Reason.CONFLICT,
                "Idempotency-Key: \"" + key + "\" was used for another secret or another value, of secret " + secret
                        + "; take another key",
                null);
    }

    private static VaultException vanished() {
        return new VaultException(Reason.CONFLICT, "name: the secret was deleted meanwhile; try again", null);
    }
}
