package dev.posthorn.server.node;

import dev.posthorn.server.PosthornException;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import dev.posthorn.vault.MasterKeyset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the master key. */
public final class MasterKeys {
    private MasterKeys() {}

    /**
     * The key of the settings; for the embedded database one that is made at the first start and kept beside it.
     *
     * @throws PosthornException if there is none
     */
    public static MasterKeyset find(Settings settings) {
        if (!settings.text(Setting.MASTER_KEY).isEmpty()) {
            return MasterKeyset.parse(settings.text(Setting.MASTER_KEY));
        }
        if (!settings.text(Setting.MASTER_KEY_FILE).isEmpty()) {
            return MasterKeyset.fromFile(Path.of(settings.text(Setting.MASTER_KEY_FILE)));
        }
        if (!settings.text(Setting.DATABASE_URL).isEmpty()) {
            throw new PosthornException(
                    PosthornException.CONFIGURATION,
                    "there is no master key; make one with ./posthorn keygen --out master.key and set POSTHORN_MASTER_KEY_FILE=master.key");
        }
        Path file = Path.of(settings.text(Setting.DATA), "master.key");
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            if (Files.notExists(file)) {
                MasterKeyset.generate().writeTo(file);
            }
            return MasterKeyset.fromFile(file);
        } catch (IOException e) {
            throw new PosthornException(
                    PosthornException.CONFIGURATION,
                    "the master key file " + file + " cannot be written: " + e.getMessage());
        }
    }
}
