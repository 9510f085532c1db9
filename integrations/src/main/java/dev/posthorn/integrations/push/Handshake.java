package dev.posthorn.integrations.push;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.PushAnswer;
import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.mapping.Condition;
import dev.posthorn.integrations.mapping.JsonPlace;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A question that senders ask to see whether the address is meant: what they send is sent back, as plain text. Only a short row of harmless
 * characters is, so that nobody can have us say anything else.
 */
sealed interface Handshake {
    /** Characters of challenges; none that a browser could take for a document. */
    Pattern HARMLESS = Pattern.compile("[A-Za-z0-9._~+/=: -]{1,1024}");

    /** What to answer; null if the request is no question. */
    static PushAnswer answer(String challenge) {
        return HARMLESS.matcher(challenge).matches()
                ? new PushAnswer.Handshake("text/plain; charset=utf-8", challenge)
                : new PushAnswer.Refused(400, "the challenge has characters that are not sent back, or more than 1024");
    }

    /** Reads {@code handshake} of a configuration. */
    static Optional<Handshake> of(JsonNode configuration, Credentials credentials) throws ConnectorException {
        JsonNode handshake = configuration.path("handshake");
        return switch (handshake.path("type").asString("")) {
            case "query" -> {
                Optional<String> token = handshake.has("token_parameter")
                        ? Optional.of(credentials.require("handshake_token"))
                        : Optional.empty();
                yield Optional.of(new InQuery(
                        handshake.path("parameter").asString(),
                        handshake.path("token_parameter").asString(""),
                        token));
            }
            case "body" ->
                Optional.of(new InBody(
                        JsonPlace.of(handshake.path("at").asString()),
                        handshake.has("when") ? Optional.of(Condition.of(handshake.path("when"))) : Optional.empty()));
            default -> Optional.empty();
        };
    }

    /**
     * In the query, before anything is signed. Proves nothing, hence changes nothing.
     *
     * @param parameter that holds the challenge
     * @param tokenParameter that holds a secret which the sender was told; empty if there is none
     */
    record InQuery(String parameter, String tokenParameter, Optional<String> token) implements Handshake {
        /** What to answer; null if the request is no question. */
        @Nullable
        PushAnswer answer(PushRequest request) {
            Map<String, List<String>> query;
            try {
                query = Content.fields(request.query());
            } catch (IllegalArgumentException e) {
                return new PushAnswer.Refused(400, "the query cannot be read: " + e.getMessage());
            }
            List<String> challenges = query.getOrDefault(parameter, List.of());
            if (challenges.isEmpty()) {
                return null;
            }
            if (token.isPresent()) {
                List<String> given = query.getOrDefault(tokenParameter, List.of());
                if (given.size() != 1 || !Verification.isOneOf(given.get(0), List.of(token.get()))) {
                    return new PushAnswer.Refused(401, "the token of the handshake is wrong");
                }
            }
            return challenges.size() == 1
                    ? Handshake.answer(challenges.get(0))
                    : new PushAnswer.Refused(400, "there is more than one challenge");
        }

        /** Prints no secret. */
        @Override
        public String toString() {
            return parameter;
        }
    }

    /**
     * In the body of a request that is genuine.
     *
     * @param when what holds of a question; empty: that it has a challenge
     */
    record InBody(JsonPlace at, Optional<Condition> when) implements Handshake {
        /** What to answer; null if the document is no question. */
        @Nullable
        PushAnswer answer(JsonNode document) {
            JsonNode challenge = at.in(document);
            if (!challenge.isString()
                    || !when.map(condition -> condition.holds(document)).orElse(true)) {
                return null;
            }
            return Handshake.answer(challenge.stringValue());
        }
    }
}
