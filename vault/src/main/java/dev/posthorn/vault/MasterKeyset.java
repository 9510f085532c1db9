package dev.posthorn.vault;

import static java.util.Objects.requireNonNull;

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
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;

/**
 * The keys that open the data keys, and with them every secret. They live in a file or the environment, never in the database.
 * Immutable and thread-safe; {@link #toString()} shows their ids only.
 *
 * <p>Written one a line, each base64 of a Tink keyset (AES-256-GCM). The first one encrypts, all decrypt: so a new key is put in front
 * of the old one, and the old one is taken away once nothing needs it.
 */
public final class MasterKeyset {
    static final Configuration TINK = AeadConfig2026.get();

    private static final FileAttribute<?> OWNER_ONLY = PosixFilePermissions.asFileAttribute(
            Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));

    private final List<Key> keys;

    private record Key(String id, KeysetHandle handle, Aead aead) {
        static Key of(KeysetHandle handle) throws GeneralSecurityException {
            return new Key(
                    Integer.toHexString(handle.getPrimary().getId()), handle, handle.getPrimitive(TINK, Aead.class));
        }
    }

    private MasterKeyset(List<Key> keys) {
        this.keys = List.copyOf(keys);
    }

    /** A new random key. */
    public static MasterKeyset generate() {
        try {
            return new MasterKeyset(List.of(Key.of(newKeyset())));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-256-GCM is missing on this Java platform", e);
        }
    }

    /**
     * Reads what {@link #encoded()} wrote; white space between keys may be of any kind.
     *
     * @throws VaultException if it is something else
     */
    public static MasterKeyset parse(String encoded) {
        List<Key> keys = new ArrayList<>();
        try {
            for (String key : encoded.strip().split("\\s+", -1)) {
                keys.add(Key.of(TinkProtoKeysetFormat.parseKeyset(
                        Base64.getDecoder().decode(key), InsecureSecretKeyAccess.get(), TINK)));
            }
            return new MasterKeyset(keys);
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new VaultException(
                    "the master key is not one that ./posthorn keygen made; give its whole line", null);
        }
    }

    /** These keys with another in front of them, which from then on encrypts. */
    public MasterKeyset preceded(MasterKeyset newer) {
        List<Key> all = new ArrayList<>(newer.keys);
        all.addAll(keys);
        return new MasterKeyset(all);
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
        boolean posix = file.getFileSystem().supportedFileAttributeViews().contains("posix");
        Files.createFile(file, posix ? new FileAttribute<?>[] {OWNER_ONLY} : new FileAttribute<?>[0]);
        Files.writeString(file, encoded() + "\n");
    }

    /** Puts these keys in the place of those in a file, in one step; the file is its owner's alone. */
    public void replace(Path file) throws IOException {
        Path beside = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(beside);
        writeTo(beside);
        Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE);
    }

    /** The keys themselves, one line of base64 each. A secret. */
    public String encoded() {
        try {
            List<String> lines = new ArrayList<>();
            for (Key key : keys) {
                lines.add(Base64.getEncoder()
                        .encodeToString(TinkProtoKeysetFormat.serializeKeyset(
                                key.handle(), InsecureSecretKeyAccess.get(), TINK)));
            }
            return String.join("\n", lines);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Which key encrypts, to recognise it by; not secret. */
    public String id() {
        return keys.get(0).id();
    }

    /** Which keys these are, the one that encrypts first; not secret. */
    public List<String> ids() {
        return keys.stream().map(Key::id).toList();
    }

    static KeysetHandle newKeyset() throws GeneralSecurityException {
        return KeysetHandle.generateNew(PredefinedAeadParameters.AES256_GCM, TINK);
    }

    byte[] wrap(KeysetHandle dataKey, byte[] associated) throws GeneralSecurityException {
        return TinkProtoKeysetFormat.serializeEncryptedKeyset(
                dataKey, keys.get(0).aead(), associated, TINK);
    }

    /** Tries every key: there are few, and a ciphertext begins with the number of the one that made it. */
    KeysetHandle unwrap(byte[] wrapped, byte[] associated) throws GeneralSecurityException {
        GeneralSecurityException failure = null;
        for (Key key : keys) {
            try {
                return TinkProtoKeysetFormat.parseEncryptedKeyset(wrapped, key.aead(), associated, TINK);
            } catch (GeneralSecurityException e) {
                failure = e;
            }
        }
        throw requireNonNull(failure);
    }

    @Override
    public String toString() {
        return "MasterKeyset[" + String.join(", ", ids()) + "]";
    }
}
