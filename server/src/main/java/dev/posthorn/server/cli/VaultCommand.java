package dev.posthorn.server.cli;

import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.schema.Migrator;
import dev.posthorn.server.node.MasterKeys;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.vault.EndpointSecrets;
import dev.posthorn.vault.KeyStatus;
import dev.posthorn.vault.MasterKeyset;
import dev.posthorn.vault.VaultKeys;
import java.sql.SQLException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "vault",
        mixinStandardHelpOptions = true,
        description = "Secrets and the keys that open them.",
        subcommands = picocli.CommandLine.HelpCommand.class)
final class VaultCommand {
    private static final int BATCH = 1000;
    private static final String FORCE = "even if a running node lacks the first master key, and would stop to send";

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

    @Command(
            name = "status",
            mixinStandardHelpOptions = true,
            description =
                    "Shows keys, values and nodes. Exits 1 if a master key is missing or something is left to do.")
    int status(@Mixin SettingOptions options) {
        Settings settings = options.settings();
        MasterKeyset master = MasterKeys.find(settings);
        try (DatabaseUse database = new DatabaseUse(settings)) {
            new Migrator(database.source()).requireCurrent();
            return KeyReport.print(KeyStatus.of(database.source()), master, System.out) ? 0 : 1;
        }
    }

    @Command(
            name = "rewrap",
            mixinStandardHelpOptions = true,
            description = "Wraps the data keys with the first master key; afterwards the others are no longer needed.")
    int rewrap(@Mixin SettingOptions options, @Option(names = "--force", description = FORCE) boolean force) {
        Settings settings = options.settings();
        MasterKeyset master = MasterKeys.find(settings);
        try (DatabaseUse database = new DatabaseUse(settings)) {
            new Migrator(database.source()).requireCurrent();
            int done = new VaultKeys(database.source(), master).rewrap(force);
            System.out.println("wrapped " + done + " data keys with the master key " + master.id());
            return 0;
        }
    }

    @Command(
            name = "rotate",
            mixinStandardHelpOptions = true,
            description =
                    "Makes a new data key and encrypts every value with it. Stopped at any point, it goes on when it is run again.")
    int rotate(@Mixin SettingOptions options, @Option(names = "--force", description = FORCE) boolean force) {
        Settings settings = options.settings();
        MasterKeyset master = MasterKeys.find(settings);
        try (DatabaseUse database = new DatabaseUse(settings)) {
            new Migrator(database.source()).requireCurrent();
            VaultKeys.Rotation rotation = new VaultKeys(database.source(), master)
                    .rotate(force, (done, all) -> System.err.println("encrypted anew: " + done + " of " + all));
            System.out.println(
                    (rotation.continued() ? "ended the rotation that was begun earlier: " : "made a new data key: ")
                            + rotation.resealed() + " values encrypted with it");
            if (rotation.unreadable() > 0) {
                System.err.println("posthorn: " + rotation.unreadable()
                        + " values could not be opened and were left as they are; put those secrets again");
                return 1;
            }
            return 0;
        }
    }
}
