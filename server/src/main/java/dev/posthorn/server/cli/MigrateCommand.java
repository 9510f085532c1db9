package dev.posthorn.server.cli;

import dev.posthorn.schema.Migrator;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "migrate",
        mixinStandardHelpOptions = true,
        description = "Creates or updates the schema posthorn. Needs no master key.")
final class MigrateCommand implements Callable<Integer> {
    @Mixin
    private SettingOptions options = new SettingOptions();

    @Option(
            names = "--print",
            description = "print the migrations as one SQL script instead, for a migration tool of your own")
    private boolean print;

    @Option(
            names = "--print-roles",
            description = "print what an administrator must run where this login may not create roles")
    private boolean printRoles;

    @Override
    public Integer call() {
        if (printRoles) {
            System.out.print(Migrator.printRoles());
            return 0;
        }
        if (print) {
            System.out.print(Migrator.printSql());
            return 0;
        }
        try (DatabaseUse database = new DatabaseUse(options.settings())) {
            Migrator.Migration done = new Migrator(database.source()).migrate();
            System.out.println(
                    done.applied() == 0
                            ? "the schema is at version " + done.version() + " already; nothing was changed"
                            : "applied " + done.applied() + " migrations; the schema is at version " + done.version());
            return 0;
        }
    }
}
