package dev.posthorn.server.cli;

import dev.posthorn.schema.SchemaException;
import dev.posthorn.server.PosthornException;
import dev.posthorn.vault.VaultException;
import java.sql.SQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code posthorn}: all commands, and how their failures are told. */
@Command(
        name = "posthorn",
        mixinStandardHelpOptions = true,
        version = "posthorn 0.1.0",
        description = "Webhooks out, API keys in, integrations across, on your own PostgreSQL.",
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:refused, or done and something is wrong that the output names",
            "2:the command line is wrong",
            "69:something that is needed is not available: database, port, folder",
            "70:a defect of posthorn",
            "78:the configuration is wrong"
        },
        subcommands = {
            DemoCommand.class,
            ServeCommand.class,
            MigrateCommand.class,
            KeygenCommand.class,
            KeysCommand.class,
            VaultCommand.class,
            ListenCommand.class,
            CheckUrlCommand.class,
            DoctorCommand.class,
            PsqlCommand.class
        })
public final class PosthornCommand {
    private static final Logger LOG = LoggerFactory.getLogger(PosthornCommand.class);
    static final int DEFECT = 70;

    private PosthornCommand() {}

    /** Runs a command line and returns the exit code. */
    public static int run(String... arguments) {
        CommandLine commandLine = new CommandLine(new PosthornCommand());
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        // An argument that begins with @ is an argument, such as a URL, and names no file.
        commandLine.setExpandAtFiles(false);
        commandLine.setExecutionExceptionHandler((failure, command, parsed) -> tell(failure));
        return commandLine.execute(arguments.length == 0 ? new String[] {"--help"} : arguments);
    }

    private static int tell(Exception failure) {
        int code = switch (failure) {
            case PosthornException known -> known.exitCode();
            case VaultException wrongKey -> PosthornException.CONFIGURATION;
            case SchemaException wrongSchema -> PosthornException.UNAVAILABLE;
            case SQLException refused -> DatabaseRefusals.exitCode(refused);
            default -> DEFECT;
        };
        System.err.println("posthorn: "
                + (failure instanceof SQLException refused
                        ? DatabaseRefusals.sentence(refused)
                        : failure.getMessage()));
        if (code == DEFECT) {
            System.err.println(
                    "posthorn: this is a defect; run again with POSTHORN_LOG=debug and report what it prints");
            LOG.debug("failed", failure);
        }
        return code;
    }
}
