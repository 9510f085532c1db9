package dev.posthorn.server.cli;

import dev.posthorn.server.PosthornException;
import java.sql.SQLException;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** What the database refuses, as one sentence and an exit code. */
final class DatabaseRefusals {
    private static final int REFUSED = 1;
    private static final int WRONG_COMMAND_LINE = 2;

    private DatabaseRefusals() {}

    /** Of what the caller can mend: a value, a state, a right, a database that is away. Anything else is a defect. */
    static int exitCode(SQLException failure) {
        String state = state(failure);
        return switch (state) {
            case "PH008", "PH009" -> WRONG_COMMAND_LINE;
            case "PH001", "PH004", "PH006", "PH007", "42501" -> REFUSED;
            default -> isAway(state) ? PosthornException.UNAVAILABLE : PosthornCommand.DEFECT;
        };
    }

    /** Without the place in the function and the other lines that the driver adds. */
    static String sentence(SQLException failure) {
        ServerErrorMessage server = failure instanceof PSQLException postgres ? postgres.getServerErrorMessage() : null;
        if (server == null || server.getMessage() == null) {
            return String.valueOf(failure.getMessage()).lines().findFirst().orElse("the database refused it");
        }
        String hint = server.getHint();
        return hint == null || hint.isEmpty() ? server.getMessage() : server.getMessage() + ". " + hint;
    }

    private static boolean isAway(String state) {
        return state.startsWith("08") || state.startsWith("57P") || state.startsWith("53");
    }

    private static String state(SQLException failure) {
        return failure.getSQLState() == null ? "" : failure.getSQLState();
    }
}
