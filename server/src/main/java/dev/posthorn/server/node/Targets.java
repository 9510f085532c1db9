package dev.posthorn.server.node;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.outage.ControlLookup;
import dev.posthorn.server.PosthornException;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import java.util.function.Consumer;

/** Which targets may be sent to, by the settings. */
public final class Targets {
    private Targets() {}

    /**
     * The policy that is set.
     *
     * @throws PosthornException naming the setting that is malformed, and the mend
     */
    public static AddressPolicy policy(Settings settings) {
        AddressPolicy.Builder builder = AddressPolicy.builder()
                .allowHttp(settings.flag(Setting.ALLOW_HTTP))
                .nat64(settings.flag(Setting.NAT64));
        each(settings, Setting.ALLOWED_NETWORKS, builder::allow);
        each(settings, Setting.REFUSED_NETWORKS, builder::refuse);
        each(settings, Setting.OWN_ADDRESSES, builder::own);
        return builder.build();
    }

    /**
     * The domain that tells whether the name service works; empty if there is none.
     *
     * @throws PosthornException if it is malformed
     */
    public static String controlName(Settings settings) {
        String domain = settings.text(Setting.CONTROL_NAME).strip();
        if (domain.equals("none")) {
            return "";
        }
        try {
            var unused = new ControlLookup(domain);
            return domain;
        } catch (IllegalArgumentException e) {
            throw new PosthornException(
                    PosthornException.CONFIGURATION,
                    Setting.CONTROL_NAME.property() + " " + e.getMessage() + "; or none");
        }
    }

    private static void each(Settings settings, Setting list, Consumer<String> entry) {
        try {
            settings.list(list).forEach(entry);
        } catch (IllegalArgumentException e) {
            throw new PosthornException(PosthornException.CONFIGURATION, list.property() + ": " + e.getMessage());
        }
    }
}
