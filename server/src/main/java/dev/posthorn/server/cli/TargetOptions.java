package dev.posthorn.server.cli;

import dev.posthorn.server.settings.Settings.Setting;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say which targets may be sent to. */
final class TargetOptions {
    @Option(
            names = {"--allow-network", "--allow"},
            paramLabel = "CIDR[:PORT]",
            split = ",",
            description = "may be sent to although it is not public")
    String @Nullable [] allowed;

    @Option(
            names = "--refuse-network",
            paramLabel = "CIDR",
            split = ",",
            description = "may not be sent to although it is public")
    String @Nullable [] refused;

    @Option(
            names = "--own",
            paramLabel = "ADDRESS",
            split = ",",
            description = "leads back to this installation, as the addresses of this machine do")
    String @Nullable [] own;

    @Option(names = "--allow-http", description = "public addresses may be sent to over http")
    boolean allowHttp;

    @Option(names = "--nat64", description = "the network translates 64:ff9b::/96 (RFC 6052)")
    boolean nat64;

    /** Adds what was given. */
    void addTo(Map<Setting, String> flags) {
        put(flags, Setting.ALLOWED_NETWORKS, allowed);
        put(flags, Setting.REFUSED_NETWORKS, refused);
        put(flags, Setting.OWN_ADDRESSES, own);
        if (allowHttp) {
            flags.put(Setting.ALLOW_HTTP, "true");
        }
        if (nat64) {
            flags.put(Setting.NAT64, "true");
        }
    }

    private static void put(Map<Setting, String> flags, Setting list, String @Nullable [] values) {
        if (values != null) {
            flags.put(list, String.join(",", values));
        }
    }
}
