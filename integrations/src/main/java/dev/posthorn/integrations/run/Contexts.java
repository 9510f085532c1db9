package dev.posthorn.integrations.run;

import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.integrations.Connectors;
import dev.posthorn.integrations.Connectors.Misfit;
import dev.posthorn.integrations.CredentialsSource;
import dev.posthorn.integrations.connector.Connector;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.OperatorSettings;
import dev.posthorn.integrations.connector.Outbound;
import dev.posthorn.integrations.connector.RunLog;
import dev.posthorn.integrations.schedule.Schedule;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Makes what connectors work with, and says what is missing. Thread-safe. */
public final class Contexts {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String SCHEDULE = """
            SELECT c.interval_seconds, c.cron, c.time_zone FROM posthorn.integration_configs AS c WHERE c.id = ?
            """;

    private final Connectors connectors;
    private final CredentialsSource credentials;
    private final RecentCredentials recent;
    private final Outbound network;
    private final ServiceSession session;
    private final Clock clock;
    private final Function<String, OperatorSettings> operator;

    /** What a call of a connector needs, but for its log. */
    record Prepared(
            Connector connector,
            UUID integration,
            JsonNode configuration,
            Credentials credentials,
            Outbound network,
            Clock clock,
            OperatorSettings operator) {
        Masking masking() {
            return new Masking(credentials);
        }

        ConnectorContext context(RunLog log) {
            return new ConnectorContext(integration, configuration, credentials, network, log, clock, operator);
        }
    }

    /**
     * @param connectors what there is
     * @param credentials where secrets come from
     * @param network the only way out
     * @param session over which schedules are read
     * @param clock what time connectors go by
     * @param operator what the operator says to the connectors of a name
     */
    public Contexts(
            Connectors connectors,
            CredentialsSource credentials,
            Outbound network,
            ServiceSession session,
            Clock clock,
            Function<String, OperatorSettings> operator) {
        this.connectors = connectors;
        this.credentials = credentials;
        this.recent = new RecentCredentials(credentials);
        this.network = network;
        this.session = session;
        this.clock = clock;
        this.operator = operator;
    }

    /** For a run. */
    Prepared prepare(ClaimedRun run) throws ConnectorException {
        return prepare(
                run.integrationId(),
                run.connector(),
                run.config(),
                () -> read(run.communityId(), run.vaultSecretId(), run.integrationId()));
    }

    /** For a check, which reads the credentials anew. */
    Prepared prepare(PresentIntegration present) throws ConnectorException {
        return prepare(
                present.id(),
                present.connector(),
                present.config(),
                () -> read(present.community(), present.secret(), present.id()));
    }

    /** For a push. */
    Prepared prepareForPush(PresentIntegration present) throws ConnectorException {
        return prepare(present.id(), present.connector(), present.config(), () -> recent.read(present));
    }

    private Credentials read(UUID community, @Nullable UUID secret, UUID integration) throws ConnectorException {
        return secret == null ? Credentials.NONE : credentials.read(community, secret, integration);
    }

    @FunctionalInterface
    private interface Reading {
        Credentials read() throws ConnectorException;
    }

    private Prepared prepare(UUID integration, String connector, String config, Reading secrets)
            throws ConnectorException {
        Connector found = connectors
                .find(connector)
                .orElseThrow(() -> new ConnectorException(
                        Failure.CONFIGURATION, "this program has no connector \"" + connector + "\""));
        JsonNode configuration;
        try {
            configuration = JSON.readTree(config);
        } catch (JacksonException e) {
            throw new IllegalStateException("the database holds JSON that is none", e);
        }
        fit("the configuration", Failure.CONFIGURATION, connectors.judgeConfiguration(connector, configuration));
        return new Prepared(
                found, integration, configuration, secrets.read(), network, clock, operator.apply(connector));
    }

    private static void fit(String what, Failure failure, List<Misfit> misfits) throws ConnectorException {
        if (!misfits.isEmpty()) {
            Misfit first = misfits.get(0);
            throw new ConnectorException(failure, what + " does not fit at " + first.pointer() + ": " + first.detail());
        }
    }

    Schedule schedule(UUID integration) throws SQLException {
        return session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(SCHEDULE)) {
                statement.setObject(1, integration);
                try (ResultSet row = statement.executeQuery()) {
                    if (!row.next()) {
                        return Schedule.NONE;
                    }
                    int interval = row.getInt(1);
                    return Schedule.of(row.wasNull() ? null : interval, row.getString(2), row.getString(3));
                } catch (IllegalArgumentException e) {
                    return Schedule.NONE;
                }
            }
        });
    }
}
