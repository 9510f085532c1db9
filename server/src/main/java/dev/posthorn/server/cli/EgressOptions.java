package dev.posthorn.server.cli;

import dev.posthorn.server.settings.Settings.Setting;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say how requests leave. */
final class EgressOptions {
    @Option(
            names = "--tls-ca",
            paramLabel = "FILE",
            description = "PEM: receivers certified by these authorities are believed, too")
    @Nullable
    String authorities;

    @Option(
            names = "--tls-ca-only",
            description = "only receivers certified by the authorities of --tls-ca are believed")
    boolean only;

    @Option(
            names = "--egress-proxy",
            paramLabel = "HOST:PORT",
            description =
                    "HTTP proxy through which everything is sent; its user:password in POSTHORN_EGRESS_PROXY_CREDENTIALS")
    @Nullable
    String proxy;

    /** Adds what was given. */
    void addTo(Map<Setting, String> flags) {
        if (authorities != null) {
            flags.put(Setting.TLS_CA_FILE, authorities);
        }
        if (only) {
            flags.put(Setting.TLS_CA_ONLY, "true");
        }
        if (proxy != null) {
            flags.put(Setting.EGRESS_PROXY, proxy);
        }
    }
}
