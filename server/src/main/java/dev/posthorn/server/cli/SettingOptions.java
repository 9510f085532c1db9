package dev.posthorn.server.cli;

import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that set what {@link Settings} hold. */
final class SettingOptions {
    @Option(
            names = "--database-url",
            paramLabel = "URL",
            description = "postgres://user:password@host:port/database; embedded if not given")
    @Nullable
    String databaseUrl;

    @Option(
            names = "--data",
            paramLabel = "FOLDER",
            description = "folder of the embedded database and its master key (data)")
    @Nullable
    String data;

    @Option(names = "--config", paramLabel = "FILE", description = "file of settings (posthorn.properties)")
    @Nullable
    Path config;

    @Option(names = "--host", description = "address to listen on (127.0.0.1)")
    @Nullable
    String host;

    @Option(names = "--port", description = "port to listen on (8080)")
    @Nullable
    String port;

    @Mixin
    TargetOptions targets = new TargetOptions();

    @Mixin
    EgressOptions egress = new EgressOptions();

    Settings settings() {
        Map<Setting, String> flags = new EnumMap<>(Setting.class);
        put(flags, Setting.DATABASE_URL, databaseUrl);
        put(flags, Setting.DATA, data);
        put(flags, Setting.HOST, host);
        put(flags, Setting.PORT, port);
        targets.addTo(flags);
        egress.addTo(flags);
        return Settings.gather(flags, System.getenv(), config);
    }

    private static void put(Map<Setting, String> flags, Setting setting, @Nullable String value) {
        if (value != null) {
            flags.put(setting, value);
        }
    }
}
