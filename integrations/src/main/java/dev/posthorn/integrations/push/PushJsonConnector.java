package dev.posthorn.integrations.push;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorDescription;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.PushAnswer;
import dev.posthorn.integrations.connector.PushConnector;
import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.mapping.Condition;
import dev.posthorn.integrations.mapping.RecordMapping;
import dev.posthorn.integrations.mapping.RecordMapping.Mapped;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * {@code push}: records that another system sends as JSON or as a form, proven by a signature, a login or a client certificate. Thread-safe.
 *
 * <p>Nothing of a request is read before it is proven, apart from a challenge in the query. A delivery is taken whole or not at all.
 */
public final class PushJsonConnector implements PushConnector {
    private static final ConnectorDescription DESCRIPTION =
            ConnectorDescription.of(PushJsonConnector.class, "push.json");

    @Override
    public ConnectorDescription describe() {
        return DESCRIPTION;
    }

    /** Reads configuration and credentials; whether the sender has the same ones shows when it sends. */
    @Override
    public void check(ConnectorContext context) throws ConnectorException {
        var unused = Settings.of(context);
    }

    @Override
    public PushAnswer receive(ConnectorContext context, PushRequest request) throws ConnectorException {
        Settings settings = Settings.of(context);
        if (settings.handshake().orElse(null) instanceof Handshake.InQuery question) {
            PushAnswer answer = question.answer(request);
            if (answer != null) {
                return answer;
            }
        }
        if (!request.method().equals("POST") && !request.method().equals("PUT")) {
            return new PushAnswer.Refused(405, "records are sent by POST or PUT");
        }
        String proven;
        try {
            proven = settings.verification().verify(request);
        } catch (NotGenuineException e) {
            return new PushAnswer.Refused(401, e.reason());
        }
        try {
            return genuine(settings, request, proven);
        } catch (IllegalArgumentException e) {
            return new PushAnswer.Refused(400, String.valueOf(e.getMessage()));
        }
    }

    private static PushAnswer genuine(Settings settings, PushRequest request, String proven) {
        JsonNode document = settings.content().read(request.body());
        if (settings.handshake().orElse(null) instanceof Handshake.InBody question) {
            PushAnswer answer = question.answer(document);
            if (answer != null) {
                return answer;
            }
        }
        String id = settings.deliveryId().in(request, document, proven);
        if (!settings.only().map(condition -> condition.holds(document)).orElse(true)) {
            return new PushAnswer.Accepted(id, List.of());
        }
        try {
            Mapped mapped = settings.mapping().oneOrList(document);
            if (!mapped.rejected().isEmpty()) {
                var first = mapped.rejected().get(0);
                return new PushAnswer.Refused(
                        422,
                        mapped.rejected().size() + " of " + mapped.elements().size() + " cannot be records; "
                                + first.where() + ": " + first.reason());
            }
            return new PushAnswer.Accepted(id, mapped.records());
        } catch (ConnectorException drift) {
            return new PushAnswer.Refused(422, drift.sentence());
        }
    }

    /**
     * A configuration, read.
     *
     * @param only which documents hold records; empty: all
     */
    private record Settings(
            Verification verification,
            Content content,
            DeliveryId deliveryId,
            Optional<Handshake> handshake,
            Optional<Condition> only,
            RecordMapping mapping) {
        static Settings of(ConnectorContext context) throws ConnectorException {
            JsonNode configuration = context.configuration();
            try {
                return new Settings(
                        Verification.of(context),
                        Content.of(configuration),
                        DeliveryId.of(configuration),
                        Handshake.of(configuration, context.credentials()),
                        configuration.has("only")
                                ? Optional.of(Condition.of(configuration.path("only")))
                                : Optional.empty(),
                        RecordMapping.of(configuration.path("records")));
            } catch (IllegalArgumentException e) {
                throw new ConnectorException(
                        Failure.CONFIGURATION, "the configuration cannot be used: " + e.getMessage());
            }
        }
    }
}
