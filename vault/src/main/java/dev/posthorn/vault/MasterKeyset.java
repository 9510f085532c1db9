package dev.posthorn.vault;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.Configuration;
import com.google.crypto.tink.InsecureSecretKeyAccess;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.TinkProtoKeysetFormat;
import com.google.crypto.tink.aead.AeadConfig2026;
import com.google.crypto.tink.aead.PredefinedAeadParameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.Set;

/**
 * The key that opens the data keys, and with them every secret. It lives in a file or the environment, never in the database.
 * Immutable and thread-safe; {@link #toString()} shows its id only.
 *
 * <p>Written as base64 of a Tink keyset (AES-256-GCM), which may hold several keys: the primary one encrypts, all decrypt.
 */
public final class MasterKeyset {
    static final Configuration TINK = AeadConfig2026.get();

    private final KeysetHandle keyset;
    private final Aead aead;

    private MasterKeyset(KeysetHandle keyset) throws GeneralSecurityException {
        this.keyset = keyset;
        this.aead = keyset.getPrimitive(TINK, Aead.class);
    }

    /** A new random key. */
    public static MasterKeyset generate() {
        try {
            return new MasterKeyset(newKeyset());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-256-GCM is missing on this Java platform", e);
        }
    }

    /**
     * Reads what {@link #encoded()} wrote.
     *
     * @throws VaultException if it is something else
     */
    public static MasterKeyset parse(String encoded) {
        try {
            return new MasterKeyset(TinkProtoKeysetFormat.parseKeyset(
                    Base64.getDecoder().decode(encoded.strip()), InsecureSecretKeyAccess.get(), TINK));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new VaultException(
                    "the master key is not one that ./posthorn keygen made; give its whole line", null);
        }
    }

    /**
     * Reads a file that {@link #writeTo} wrote.
     *
     * @throws VaultException if it is missing, holds no key, or others than its owner may read it
     */
    public static MasterKeyset fromFile(Path file) {
        try {
            PosixFileAttributeView view = Files.getFileAttributeView(file, PosixFileAttributeView.class);
            if (view != null) {
                Set<PosixFilePermission> permissions = view.readAttributes().permissions();
                if (permissions.contains(PosixFilePermission.GROUP_READ)
                        || permissions.contains(PosixFilePermission.OTHERS_READ)) {
                    throw new VaultException(
                            "others may read the master key file " + file + "; run: chmod 600 " + file, null);
                }
            }
            return parse(Files.readString(file));
        } catch (IOException e) {
            throw new VaultException(
                    "the master key file " + file + " cannot be read; make one with: ./posthorn keygen --out " + file,
                    e);
        }
    }

    /** Writes the key to a new file that only its owner may read. */
    public void writeTo(Path file) throws IOException {
        Files.createFile(file);
        PosixFileAttributeView view = Files.getFileAttributeView(file, PosixFileAttributeView.class);
        if (view != null) {
            view.setPermissions(Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));
        }
        Files.writeString(file, encoded() + "\n");
    }

    /** The key itself, as one line of base64. A secret. */
    public String encoded() {
        try {
            return Base64.getEncoder()
                    .encodeToString(TinkProtoKeysetFormat.serializeKeyset(keyset, InsecureSecretKeyAccess.get(), TINK));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Which key this is, to recognise it by; not secret. */
    public String id() {
        return Integer.toHexString(keyset.getPrimary().getId());
    }

    static KeysetHandle newKeyset() throws GeneralSecurityException {
        return KeysetHandle.generateNew(PredefinedAeadParameters.AES256_GCM, TINK);
    }

    byte[] wrap(KeysetHandle dataKey, byte[] associated) throws GeneralSecurityException {
        return TinkProtoKeysetFormat.serializeEncryptedKeyset(dataKey, aead, associated, TINK);
    }

    KeysetHandle unwrap(byte[] wrapped, byte[] associated) throws GeneralSecurityException {
        return TinkProtoKeysetFormat.parseEncryptedKeyset(wrapped, aead, associated, TINK);
    }

    @Override
    public String toString() {
        return "MasterKeyset[" + id() + "]";
    }
}
