package dev.posthorn.server.rest;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Translates what the database says into what a caller of the API should hear. */
final class SqlProblems {
    private SqlProblems() {}

    static Problem translate(SQLException e) {
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        String message = message(e);
        return switch (state) {
            case "PH001", "PH006" -> Problem.notFound(state.equals("PH001") ? "community" : "resource");
            case "PH002", "PH005" -> Problem.invalid("/event_type", message);
            case "PH003" -> Problem.tooLarge(message);
            case "PH004" -> Problem.repeated(message, detail(e));
            case "PH007" -> Problem.conflict(message);
            case "PH008", "PH009" -> Problem.invalid(pointer(e), message);
            // What a function of the schema says to its caller; any other lack of a right is a fault of this server.
            case "42501" -> message.startsWith("you ") ? Problem.refused(message) : Problem.internal();
            case "23505" -> Problem.conflict("there is one with this name or id already");
            case "23514", "23502", "22P02", "22007", "22008", "22023", "22003", "22021", "22P05", "42601", "22030" ->
                Problem.invalid("", message);
            default ->
                isAway(state, e)
                        ? Problem.unavailable("the database cannot be reached; try again")
                        : Problem.internal();
        };
    }

    /** The field that a function of the schema named as the column of its error. */
    private static String pointer(SQLException e) {
        ServerErrorMessage server = e instanceof PSQLException postgres ? postgres.getServerErrorMessage() : null;
        return server == null || server.getColumn() == null ? "" : "/" + server.getColumn();
    }

    private static @Nullable String detail(SQLException e) {
        ServerErrorMessage server = e instanceof PSQLException postgres ? postgres.getServerErrorMessage() : null;
        return server == null ? null : server.getDetail();
    }

    private static boolean isAway(String state, SQLException e) {
        return e instanceof java.sql.SQLTransientConnectionException
                || state.startsWith("08")
                || state.startsWith("57P")
                || state.startsWith("53");
    }

    private static String message(SQLException e) {
        ServerErrorMessage server = e instanceof PSQLException postgres ? postgres.getServerErrorMessage() : null;
        if (server == null || server.getMessage() == null) {
            return "the database refused it";
        }
        String hint = server.getHint();
        return hint == null || hint.isEmpty() ? server.getMessage() : server.getMessage() + ". " + hint;
    }
}
