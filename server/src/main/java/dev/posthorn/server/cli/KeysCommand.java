package dev.posthorn.server.cli;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.apikeys.ApiKeys;
import dev.posthorn.apikeys.IssuedKey;
import dev.posthorn.apikeys.KeySettings;
import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.schema.Migrator;
import dev.posthorn.server.PosthornException;
import dev.posthorn.server.rest.ApiDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Keys from the command line. A key in full is the only thing that {@code create} and {@code rotate} print on standard output. */
@Command(
        name = "keys",
        mixinStandardHelpOptions = true,
        description = "API keys, of the installation (service keys) and of communities.",
        subcommands = picocli.CommandLine.HelpCommand.class)
final class KeysCommand {
    private static final ApiKeys KEYS = new ApiKeys();
    private static final int WRONG_COMMAND_LINE = 2;

    @Command(name = "create", mixinStandardHelpOptions = true, description = "Makes an API key and prints it, once.")
    int create(
            @Mixin SettingOptions options,
            @Option(names = "--name", required = true, description = "for people") String name,
            @Option(names = "--community", description = "id or ext:…; without it a service key") @Nullable
                    String community,
            @Option(
                            names = "--scopes",
                            split = ",",
                            defaultValue = "*",
                            description = "such as events:write,webhooks:read; all if not given")
                    List<String> scopes,
            @Option(names = "--owner", description = "whom it is given to") @Nullable String owner,
            @Option(
                            names = "--expires-at",
                            paramLabel = "TIME",
                            description = "when it ends by itself, such as 2030-01-31T12:00:00Z; never if not given")
                    @Nullable
                    String expiresAt,
            @Option(
                            names = "--networks",
                            split = ",",
                            description =
                                    "from where it may be used, such as 192.0.2.0/24,2001:db8::/32; anywhere if not given")
                    @Nullable
                    List<String> networks,
            @Option(names = "--test", description = "a test key") boolean test)
            throws SQLException {
        KeySettings settings = KeySettings.named(name).scopes(scopes);
        settings = owner == null ? settings : settings.owner(owner);
        settings = expiresAt == null ? settings : settings.expiresAt(time(expiresAt));
        settings = networks == null ? settings : settings.allowedNetworks(networks);
        String json = settings.json();
        IssuedKey made = within(
                options,
                connection ->
                        KEYS.create(connection, test ? ApiKey.Mode.TEST : ApiKey.Mode.LIVE, community, json, null));
        System.err.println("posthorn: made the key " + made.id() + ", which is shown only this once");
        System.out.println(made.key().text());
        return 0;
    }

    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            description = "Lists service keys, or the keys of a community, the newest first.")
    int list(
            @Mixin SettingOptions options,
            @Option(names = "--community", description = "id or ext:…: its keys instead of the service keys") @Nullable
                    String community,
            @Option(names = "--all", description = "the keys of the installation and of all communities") boolean all,
            @Option(names = "--state", description = "only those that are active, disabled, expired or revoked")
                    @Nullable
                    KeyState state,
            @Option(names = "--json", description = "one JSON object a line") boolean json)
            throws SQLException {
        if (all && community != null) {
            throw new PosthornException(WRONG_COMMAND_LINE, "--all and --community exclude each other; give one");
        }
        return within(options, connection -> {
            UUID owner = community == null ? null : community(connection, community);
            KeyListing.print(connection, all, owner, state, json);
            return 0;
        });
    }

    @Command(name = "show", mixinStandardHelpOptions = true, description = "Shows all of a key but the key itself.")
    int show(
            @Mixin SettingOptions options,
            @Parameters(paramLabel = "KEY", description = KeyReference.WORDS) String key,
            @Option(names = "--json", description = "as one JSON object") boolean json)
            throws SQLException {
        return within(options, connection -> {
            KeyListing.show(connection, KeyReference.find(connection, key), json);
            return 0;
        });
    }

    @Command(
            name = "rotate",
            mixinStandardHelpOptions = true,
            description = "Gives a key a new text and prints it, once. Its id, settings, limits and usage stay.")
    int rotate(
            @Mixin SettingOptions options,
            @Parameters(paramLabel = "KEY", description = KeyReference.WORDS) String key,
            @Option(
                            names = "--grace-seconds",
                            defaultValue = "86400",
                            description =
                                    "how long the text before is accepted, 0 to 2592000 (${DEFAULT-VALUE}, a day)")
                    int graceSeconds)
            throws SQLException {
        ApiKeys.Rotation rotation = within(
                options,
                connection -> KEYS.rotate(
                        connection, KeyReference.find(connection, key), Duration.ofSeconds(graceSeconds), null));
        System.err.println("posthorn: rotated the key " + rotation.issued().id()
                + "; its text before is accepted until " + rotation.previousExpiresAt());
        System.out.println(rotation.issued().key().text());
        return 0;
    }

    @Command(
            name = "revoke",
            mixinStandardHelpOptions = true,
            description = "Ends a key for ever, with all its earlier texts, on every node.")
    int revoke(
            @Mixin SettingOptions options,
            @Parameters(paramLabel = "KEY", description = KeyReference.WORDS) String key,
            @Option(names = "--reason", description = "for the record") @Nullable String reason)
            throws SQLException {
        return within(options, connection -> {
            UUID id = KeyReference.find(connection, key);
            System.out.println(
                    KEYS.revoke(connection, id, reason)
                            ? "revoked " + id
                            : id + " was revoked before; nothing was changed");
            return 0;
        });
    }

    private static <T> T within(SettingOptions options, ServiceSession.Work<T> work) throws SQLException {
        try (DatabaseUse database = new DatabaseUse(options.settings())) {
            new Migrator(database.source()).requireCurrent();
            return new ServiceSession(database.source()).durably(work);
        }
    }

    private static UUID community(Connection connection, String given) throws SQLException {
        String found = ApiDatabase.rows(connection, "SELECT posthorn.find_community(?::text)", given).stream()
                .findFirst()
                .orElseThrow(() -> new PosthornException(1, "there is no community " + given));
        return UUID.fromString(found);
    }

    private static Instant time(String given) {
        try {
            return OffsetDateTime.parse(given).toInstant();
        } catch (DateTimeParseException e) {
            throw new PosthornException(
                    WRONG_COMMAND_LINE, "--expires-at must be a time with its zone, such as 2030-01-31T12:00:00Z");
        }
    }
}
