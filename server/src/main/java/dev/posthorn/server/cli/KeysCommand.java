package dev.posthorn.server.cli;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.apikeys.ApiKeys;
import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.schema.Migrator;
import dev.posthorn.server.PosthornException;
import dev.posthorn.server.rest.ApiDatabase;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "keys",
        mixinStandardHelpOptions = true,
        description = "API keys.",
        subcommands = picocli.CommandLine.HelpCommand.class)
final class KeysCommand {
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
            @Option(names = "--test", description = "a test key") boolean test)
            throws SQLException {
        try (DatabaseUse database = new DatabaseUse(options.settings())) {
            new Migrator(database.source()).requireCurrent();
            ApiKey key = new ServiceSession(database.source()).durably(connection -> {
                UUID owner = null;
                if (community != null) {
                    String found = ApiDatabase.rows(
                                    connection,
                                    "SELECT coalesce(posthorn.find_community(?::text)::text, '')",
                                    community)
                            .get(0);
                    if (found.isEmpty()) {
                        throw new PosthornException(1, "there is no community " + community);
                    }
                    owner = UUID.fromString(found);
                }
                return new ApiKeys()
                        .issue(connection, test ? ApiKey.Mode.TEST : ApiKey.Mode.LIVE, owner, name, scopes)
                        .key();
            });
            System.out.println(key.text());
            return 0;
        }
    }
}
