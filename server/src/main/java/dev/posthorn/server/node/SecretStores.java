package dev.posthorn.server.node;

import dev.posthorn.server.PosthornException;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import dev.posthorn.vault.DatabaseSecretStore;
import dev.posthorn.vault.MasterKeyset;
import dev.posthorn.vault.SecretStore;
import dev.posthorn.vault.SupabaseSecretStore;
import dev.posthorn.vault.Vault;
import dev.posthorn.vault.hashicorp.HashicorpLogin;
import dev.posthorn.vault.hashicorp.HashicorpSecretStore;
import dev.posthorn.vault.hashicorp.HashicorpSettings;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/** The vault of the settings. */
final class SecretStores {
    private SecretStores() {}

    /**
     * Puts the vault together; connects to nothing.
     *
     * @throws PosthornException naming the setting that is wrong, and the mend
     */
    static Vault vault(Settings settings, DataSource database, MasterKeyset master) {
        List<SecretStore> others = new ArrayList<>(List.of(new SupabaseSecretStore(database)));
        String forNew = settings.text(Setting.SECRET_STORE);
        boolean external = !settings.text(Setting.VAULT_ADDRESS).isEmpty();
        if (external) {
            others.add(new HashicorpSecretStore(hashicorp(settings), login(settings)));
        }
        if (forNew.equals(HashicorpSecretStore.NAME) && !external) {
            throw wrong(
                    Setting.VAULT_ADDRESS, "must be set, because " + Setting.SECRET_STORE.property() + " is hashicorp");
        }
        if (!forNew.equals(HashicorpSecretStore.NAME) && !forNew.equals(DatabaseSecretStore.NAME)) {
            throw wrong(Setting.SECRET_STORE, "must be database or hashicorp, it is \"" + forNew + "\"");
        }
        return Vault.over(database, master, others, forNew);
    }

    private static HashicorpSettings hashicorp(Settings settings) {
        String namespace = settings.text(Setting.VAULT_NAMESPACE);
        String caFile = settings.text(Setting.VAULT_CA_FILE);
        URI address;
        try {
            address = URI.create(settings.text(Setting.VAULT_ADDRESS).replaceAll("/+$", ""));
        } catch (IllegalArgumentException e) {
            throw wrong(Setting.VAULT_ADDRESS, "must be such as https://vault.internal:8200");
        }
        return new HashicorpSettings(
                address,
                namespace.isEmpty() ? null : namespace,
                settings.text(Setting.VAULT_MOUNT),
                settings.text(Setting.VAULT_PREFIX),
                caFile.isEmpty() ? null : Path.of(caFile));
    }

    private static HashicorpLogin login(Settings settings) {
        String token = settings.text(Setting.VAULT_TOKEN_FILE);
        String role = settings.text(Setting.VAULT_ROLE_ID);
        if (token.isEmpty() == role.isEmpty()) {
            throw wrong(
                    Setting.VAULT_TOKEN_FILE,
                    "or " + Setting.VAULT_ROLE_ID.property()
                            + " must be set, and not both: with which to log in to the vault");
        }
        if (!token.isEmpty()) {
            return new HashicorpLogin.Token(Path.of(token));
        }
        String secretId = settings.text(Setting.VAULT_SECRET_ID_FILE);
        if (secretId.isEmpty()) {
            throw wrong(Setting.VAULT_SECRET_ID_FILE, "must be set: the file that holds the secret id of the AppRole");
        }
        return new HashicorpLogin.AppRole(settings.text(Setting.VAULT_APPROLE_MOUNT), role, Path.of(secretId));
    }

    private static PosthornException wrong(Setting setting, String detail) {
        return new PosthornException(PosthornException.CONFIGURATION, setting.property() + " " + detail);
    }
}
