package dev.posthorn.integrations.jdbc;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import javax.net.ssl.SSLException;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** What a database's error means, by its SQLSTATE (ISO 9075, and PostgreSQL's own). */
final class SqlFailures {
    private SqlFailures() {}

    /** A refusal of our own that came through the driver stays what it is. */
    static ConnectorException of(SQLException error, JdbcConfiguration configuration) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof ConnectorException own) {
                return own;
            }
            if (cause instanceof SSLException) {
                return failure(
                        Failure.UNTRUSTED,
                        "no trusted TLS connection to " + configuration.address()
                                + ": its certificate is not one that is trusted",
                        error);
            }
        }
        String state = error.getSQLState() == null ? "" : error.getSQLState();
        if (error instanceof SQLTimeoutException) {
            state = "57014";
        }
        String login = "\"" + configuration.username() + "\"";
        return switch (state) {
            case "28P01", "28000" ->
                failure(
                        Failure.CREDENTIALS,
                        configuration.address() + " does not let " + login
                                + " in: the username, or the password in the credentials, is wrong, or it may not log in from here",
                        error);
            case "3D000" ->
                failure(Failure.CONFIGURATION, "there is no database \"" + configuration.database() + "\"", error);
            case "42501" ->
                failure(
                        Failure.PERMISSION,
                        login + " may not do what the query asks for: " + said(error)
                                + "; grant it, or change the query",
                        error);
            case "42P01", "42703", "3F000", "42883" ->
                failure(Failure.SCHEMA_DRIFT, "the query does not fit the database (any more): " + said(error), error);
            case "25001", "25006", "0A000" ->
                failure(Failure.CONFIGURATION, "the query does more than read: " + said(error), error);
            case "57014" ->
                failure(
                        Failure.UNAVAILABLE,
                        "the query took longer than " + configuration.timeout().toSeconds()
                                + " s; make it faster, or raise \"timeout_seconds\"",
                        error);
            default -> byClass(state, error, configuration);
        };
    }

    private static ConnectorException byClass(String state, SQLException error, JdbcConfiguration configuration) {
        String kind = state.length() < 2 ? "" : state.substring(0, 2);
        return switch (kind) {
            case "08" -> connection(error, configuration);
            // Its own words may hold data, so the code alone.
            case "22", "23" ->
                failure(Failure.CONFIGURATION, "the query fails on the data with SQLSTATE " + state, error);
            case "42" -> failure(Failure.CONFIGURATION, "the query is not accepted: " + said(error), error);
            default ->
                failure(
                        Failure.UNAVAILABLE,
                        configuration.address() + " cannot answer now (SQLSTATE "
                                + (state.isEmpty() ? "unknown" : state) + ")",
                        error);
        };
    }

    private static ConnectorException connection(SQLException error, JdbcConfiguration configuration) {
        String message = String.valueOf(error.getMessage());
        // pgjdbc gives these no state of their own.
        if (message.contains("does not support SSL")) {
            return failure(
                    Failure.UNTRUSTED,
                    configuration.address()
                            + " offers no TLS; switch it on there, or set \"tls\" to \"disable\" if the network in between may be trusted",
                    error);
        }
        if (message.contains("hostname") && message.contains("verif")) {
            return failure(
                    Failure.UNTRUSTED, "the certificate of " + configuration.address() + " is for another name", error);
        }
        return failure(Failure.NETWORK, "no connection to " + configuration.address() + ", or it was lost", error);
    }

    /** In the database's own words, which name tables and columns. */
    private static String said(SQLException error) {
        ServerErrorMessage server = error instanceof PSQLException postgres ? postgres.getServerErrorMessage() : null;
        String message = server == null ? error.getMessage() : server.getMessage();
        return message == null ? "" : message.lines().findFirst().orElse("");
    }

    private static ConnectorException failure(Failure failure, String sentence, SQLException cause) {
        return new ConnectorException(failure, sentence, cause);
    }
}
