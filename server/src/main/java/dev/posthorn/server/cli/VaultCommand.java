package dev.posthorn.server.cli;

import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.schema.Migrator;
import dev.posthorn.server.node.MasterKeys;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.vault.EndpointSecrets;
import java.sql.SQLException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "vault",
        mixinStandardHelpOptions = true,
        description = "Secrets.",
        subcommands = picocli.CommandLine.HelpCommand.class)
final class VaultCommand {
    private static final int BATCH = 1000;

    @Command(
            name = "ensure",
            mixinStandardHelpOptions = true,
            description =
                    "Makes signing secrets for endpoints that have none, such as those inserted by SQL while no server runs.")
    int ensure(@Mixin SettingOptions options) throws SQLException {
        Settings settings = options.settings();
        EndpointSecrets secrets = new EndpointSecrets(MasterKeys.find(settings));
        try (DatabaseUse database = new DatabaseUse(settings)) {
            new Migrator(database.source()).requireCurrent();
            ServiceSession session = new ServiceSession(database.source());
            int all = 0;
            int made;
            do {
                made = session.durably(connection -> secrets.ensure(connection, BATCH));
                all += made;
            } while (made == BATCH);
            System.out.println("made " + all + " secrets");
            return 0;
        }
    }
}
