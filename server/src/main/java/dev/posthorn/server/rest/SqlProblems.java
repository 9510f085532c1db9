package dev.posthorn.server.rest;

import java.sql.SQLException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Translates what the database says into what a caller of the API should hear. */
final class SqlProblems {
    private static final Pattern FIELD = Pattern.compile("([a-z_]+) (must|may) ");

    private SqlProblems() {}

    static Problem translate(SQLException e) {
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        String message = message(e);
        return switch (state) {
            case "PH001", "PH006" -> Problem.notFound(state.equals("PH001") ? "community" : "resource");
            case "PH002", "PH005" -> Problem.invalid("/event_type", message);
            case "PH003" -> Problem.tooLarge(message);
            case "PH004", "PH007" -> Problem.conflict(message);
            case "PH008" -> Problem.invalid(field(message), message);
            case "PH009" -> Problem.invalid("", message);
            case "23505" -> Problem.conflict("there is one with this name or id already");
            case "23514", "23502", "22P02", "22007", "22008", "22023", "22003", "42601", "22030" ->
                Problem.invalid("", message);
            default ->
                isAway(state, e)
                        ? Problem.unavailable("the database cannot be reached; try again")
                        : Problem.internal();
        };
    }

    /** What is wrong with a setting of an endpoint begins with its name. */
    private static String field(String message) {
        Matcher name = FIELD.matcher(message);
        return name.lookingAt() ? "/" + name.group(1) : "";
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
