package dev.posthorn.vault;

import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where the values of secrets are: an extension point. The vault itself keeps what is known of each secret (name, purpose, owner, end) and
 * writes the audit log; a store keeps values and counts their versions.
 *
 * <p>Implementations are thread-safe and never give an empty or older value for one that they cannot read: whatever is wrong is a
 * {@link VaultException} with its reason, and {@link VaultException.Reason#UNAVAILABLE} above all for an outage, after at most some
 * seconds. Messages name no value.
 */
public interface SecretStore {
    /** As the version of {@link #read}: the newest one. */
    int NEWEST = 0;

    /** The name under which secrets remember this store: small letters and {@code _}, at most 31; never to be changed. */
    String name();

    /**
     * Reads a value.
     *
     * @param version which one, from 1, or {@link #NEWEST}
     * @throws VaultException {@link VaultException.Reason#NOT_FOUND} if there is no such value or version, or another reason
     */
    SecretValue read(SecretAddress address, int version);

    /**
     * Writes a new version, if nobody has meanwhile (check-and-set).
     *
     * @param value the store neither keeps nor changes the array
     * @param expected the version that is to be replaced; 0 if there must be none yet
     * @return the new version, {@code expected} + 1
     * @throws VaultException {@link VaultException.Reason#CONFLICT} if the newest version is another one, or another reason
     */
    int write(SecretAddress address, byte[] value, int expected);

    /** Deletes all versions; what is not there is deleted already. */
    void delete(SecretAddress address);

    /** What is known of a value without reading it; empty if there is none. */
    Optional<Description> describe(SecretAddress address);

    /**
     * What a store knows of a value.
     *
     * @param version the newest
     * @param writtenAt when that was written, by the store's clock; null if it does not tell
     */
    record Description(int version, @Nullable Instant writtenAt) {}
}
