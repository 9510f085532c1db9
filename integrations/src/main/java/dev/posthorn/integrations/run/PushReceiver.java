package dev.posthorn.integrations.run;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.PushAnswer;
import dev.posthorn.integrations.connector.PushConnector;
import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.connector.RunLog;
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

    private final PresentIntegrations integrations;
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

    /** Receives for those that are there. */
    public PushReceiver(PresentIntegrations integrations, RunStore store, Contexts contexts) {
        this.integrations = integrations;
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
        Optional<PresentIntegration> found = integrations.find(integration);
        if (found.isEmpty() || found.get().paused()) {
            return Optional.empty();
        }
        PushAnswer answer;
        try {
            Contexts.Prepared prepared = contexts.prepareForPush(found.get());
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

    /** A single push has no log of its own. */
    private enum Silence implements RunLog {
        LOG;

        @Override
        public void info(String line) {}

        @Override
        public void warn(String line) {}
    }
}
