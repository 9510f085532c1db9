package dev.posthorn.integrations.run;

import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.PushAnswer;
import dev.posthorn.integrations.connector.PushConnector;
import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.connector.RunLog;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Receives what other systems push: judged by the connector, saved, then answered. Thread-safe. */
public final class PushReceiver {
    private static final Logger LOG = LoggerFactory.getLogger(PushReceiver.class);
    private static final int LONGEST_ID = 512;
    private static final String FIND = """
            SELECT c.community_id, c.connector, c.config::text, c.vault_secret_id
            FROM posthorn.integration_configs AS c
            WHERE c.id = ? AND c.deleted_at IS NULL AND c.paused_at IS NULL
            """;

    private final ServiceSession session;
    private final RunStore store;
    private final Contexts contexts;

    /** What the sender is answered. */
    public sealed interface Outcome {
        /** 200. */
        record Saved(boolean duplicate) implements Outcome {}

        /** 200 with a body. */
        record Handshake(String contentType, String body) implements Outcome {}

        /** 4xx. */
        record Refused(int status, String reason) implements Outcome {}

        /** 503: the integration is not set up so that anything could be judged; the sender is to come again. */
        record NotReady(String reason) implements Outcome {}
    }

    private record Found(UUID community, String connector, String config, UUID secret) {}

    /** Saves over the given session. */
    public PushReceiver(ServiceSession session, RunStore store, Contexts contexts) {
        this.session = session;
        this.store = store;
        this.contexts = contexts;
    }

    /**
     * Receives one request.
     *
     * @return what to answer; empty if there is no such integration, or it is paused, or is not pushed to
     * @throws SQLException if the database cannot be reached: the sender must come again
     */
    public Optional<Outcome> receive(UUID integration, PushRequest request) throws SQLException {
        Optional<Found> found = find(integration);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        PushAnswer answer;
        try {
            Contexts.Prepared prepared = contexts.prepare(
                    integration,
                    found.get().community(),
                    found.get().connector(),
                    found.get().config(),
                    found.get().secret());
            if (!(prepared.connector() instanceof PushConnector connector)) {
                return Optional.empty();
            }
            answer = connector.receive(prepared.context(Silence.LOG), request);
        } catch (ConnectorException e) {
            LOG.warn("what was pushed to integration {} could not be judged: {}", integration, e.sentence());
            return Optional.of(new Outcome.NotReady(
                    e.failure() == Failure.INTERNAL ? "try again" : "the integration is not set up completely"));
        }
        return Optional.of(
                switch (answer) {
                    case PushAnswer.Accepted accepted -> save(integration, accepted);
                    case PushAnswer.Handshake handshake ->
                        new Outcome.Handshake(handshake.contentType(), handshake.body());
                    case PushAnswer.Refused refused -> new Outcome.Refused(refused.status(), refused.reason());
                });
    }

    private Outcome save(UUID integration, PushAnswer.Accepted accepted) throws SQLException {
        String id = accepted.deliveryId();
        if (id.isEmpty() || id.length() > LONGEST_ID || id.indexOf('\0') >= 0) {
            return new Outcome.Refused(400, "the id of the delivery must have 1 to " + LONGEST_ID + " characters");
        }
        CheckedBatch batch = CheckedBatch.of(accepted.records(), List.of(), null);
        if (!batch.rejections().isEmpty()) {
            return new Outcome.Refused(
                    400,
                    batch.rejections().get(0).where() + ": "
                            + batch.rejections().get(0).reason());
        }
        return new Outcome.Saved(!store.receive(integration, id, batch));
    }

    private Optional<Found> find(UUID integration) throws SQLException {
        return session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(FIND)) {
                statement.setObject(1, integration);
                try (ResultSet row = statement.executeQuery()) {
                    return row.next()
                            ? Optional.of(new Found(
                                    row.getObject(1, UUID.class),
                                    row.getString(2),
                                    row.getString(3),
                                    row.getObject(4, UUID.class)))
                            : Optional.empty();
                }
            }
        });
    }

    /** A single push has no log of its own. */
    private enum Silence implements RunLog {
        LOG;

        @Override
        public void info(String line) {}

        @Override
        public void warn(String line) {}
    }
}
