package dev.posthorn.server.node;

import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.delivery.send.EgressProxy;
import dev.posthorn.server.PosthornException;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** How requests leave this installation, by the settings. */
public final class Egress {
    private Egress() {}

    /**
     * By which authorities receivers are believed.
     *
     * @throws PosthornException naming the setting that is wrong, and the mend
     */
    public static TrustedAuthorities authorities(Settings settings) {
        String file = settings.text(Setting.TLS_CA_FILE);
        boolean only = settings.flag(Setting.TLS_CA_ONLY);
        if (file.isEmpty()) {
            if (only) {
                throw configuration(
                        Setting.TLS_CA_ONLY, "is true, but " + Setting.TLS_CA_FILE.property() + " names no file");
            }
            return TrustedAuthorities.SYSTEM;
        }
        try {
            String pem = Files.readString(Path.of(file));
            return only ? TrustedAuthorities.only(pem) : TrustedAuthorities.systemAnd(pem);
        } catch (IOException e) {
            throw configuration(Setting.TLS_CA_FILE, ": the file " + file + " cannot be read");
        } catch (IllegalArgumentException e) {
            throw configuration(Setting.TLS_CA_FILE, ": " + file + ": " + e.getMessage());
        }
    }

    /**
     * Through which proxy everything is sent; empty for none.
     *
     * @throws PosthornException naming the setting that is wrong, and the mend
     */
    public static Optional<EgressProxy> proxy(Settings settings) {
        String address = settings.text(Setting.EGRESS_PROXY);
        String credentials = settings.text(Setting.EGRESS_PROXY_CREDENTIALS);
        if (address.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(EgressProxy.parse(address, credentials.isEmpty() ? null : credentials));
        } catch (IllegalArgumentException e) {
            throw configuration(Setting.EGRESS_PROXY, ": " + e.getMessage());
        }
    }

    private static PosthornException configuration(Setting setting, String what) {
        return new PosthornException(PosthornException.CONFIGURATION, setting.property() + what);
    }
}
