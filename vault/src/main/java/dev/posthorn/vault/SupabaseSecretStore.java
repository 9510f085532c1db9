package dev.posthorn.vault;

import dev.posthorn.vault.VaultException.Reason;
import java.nio.charset.StandardCharsets;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Reads secrets of Supabase Vault, the extension {@code supabase_vault}, where this database has it: a reference is the secret's id there,
 * or its name. It is only read: to write, the value would have to travel in SQL. Thread-safe.
 *
 * <p>{@code posthorn_service} needs the right to {@code vault.decrypted_secrets}, which opens every secret there.
 */
public final class SupabaseSecretStore implements SecretStore {
    /** Its name. */
    public static final String NAME = "supabase";

    private static final String READ = """
            SELECT d.decrypted_secret FROM vault.decrypted_secrets AS d WHERE d.id = ? OR d.name = ? ORDER BY d.id = ? DESC LIMIT 1
            """;
    private static final String DESCRIBE =
            "SELECT d.updated_at FROM vault.decrypted_secrets AS d WHERE d.id = ? OR d.name = ? LIMIT 1";

    private final ServiceTransactions transactions;

    /** @param database connections whose login may {@code SET ROLE posthorn_service} */
    public SupabaseSecretStore(DataSource database) {
        this.transactions = new ServiceTransactions(database);
    }

    @Override
    public String name() {
        return NAME;
    }

    /** The value as it is now; there are no others, and its version is always 1. */
    @Override
    public SecretValue read(SecretAddress address, int version) {
        String reference = reference(address);
        return run(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(READ)) {
                UUID id = id(reference);
                statement.setObject(1, id);
                statement.setString(2, reference);
                statement.setObject(3, id);
                try (ResultSet row = statement.executeQuery()) {
                    if (!row.next()) {
                        throw new VaultException(
                                Reason.NOT_FOUND,
                                "Supabase Vault has no secret with the id or name of the reference of "
                                        + address.secret(),
                                null);
                    }
                    String value = row.getString(1);
                    if (value == null || value.isEmpty()) {
                        throw new VaultException(
                                Reason.UNREADABLE,
                                "Supabase Vault gives no value for the reference of " + address.secret(),
                                null);
                    }
                    return new SecretValue(value.getBytes(StandardCharsets.UTF_8), 1);
                }
            }
        });
    }

    @Override
    public int write(SecretAddress address, byte[] value, int expected) {
        throw readOnly(address);
    }

    @Override
    public void delete(SecretAddress address) {
        throw readOnly(address);
    }

    @Override
    public Optional<Description> describe(SecretAddress address) {
        String reference = reference(address);
        return run(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(DESCRIBE)) {
                statement.setObject(1, id(reference));
                statement.setString(2, reference);
                try (ResultSet row = statement.executeQuery()) {
                    return row.next()
                            ? Optional.of(new Description(
                                    1, row.getObject(1, OffsetDateTime.class).toInstant()))
                            : Optional.empty();
                }
            }
        });
    }

    private <T> T run(ServiceTransactions.Work<T> work) {
        return transactions.run(connection -> {
            try {
                return work.on(connection);
            } catch (SQLException e) {
                String state = e.getSQLState() == null ? "" : e.getSQLState();
                if (state.equals("3F000") || state.equals("42P01")) {
                    throw new VaultException(
                            Reason.FORBIDDEN,
                            "this database has no Supabase Vault; enable the extension supabase_vault, or give the value itself",
                            null);
                }
                if (state.equals("42501")) {
                    throw new VaultException(
                            Reason.FORBIDDEN,
                            "posthorn_service may not read vault.decrypted_secrets; run: GRANT USAGE ON SCHEMA vault TO posthorn_service;"
                                    + " GRANT SELECT ON vault.decrypted_secrets TO posthorn_service",
                            null);
                }
                throw e;
            }
        });
    }

    private static String reference(SecretAddress address) {
        String reference = address.reference();
        if (reference == null) {
            throw readOnly(address);
        }
        return reference;
    }

    private static @Nullable UUID id(String reference) {
        try {
            return UUID.fromString(reference);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static VaultException readOnly(SecretAddress address) {
        return new VaultException(
                Reason.READ_ONLY,
                "secret " + address.secret() + ": Supabase Vault is only read; change the value there",
                null);
    }
}
