package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.HttpAnswer;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordReader;
import dev.posthorn.integrations.mapping.ExactJson;
import dev.posthorn.integrations.mapping.RecordMapping.Mapped;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads page after page; a batch is a page. */
final class HttpJsonReader implements RecordReader {
    /** What servers answer for a page whose cursor they have forgotten. */
    private static final Set<Integer> FORGOTTEN = Set.of(400, 404, 410, 422);

    private static final int SHORTEST_SECRET = 6;

    private final ConnectorContext context;
    private final HttpJsonSettings settings;
    private final PageFetcher fetcher;
    private final ProgressGuard guard = new ProgressGuard();
    private Position position;
    private boolean resumed;
    private boolean ended;

    HttpJsonReader(ConnectorContext context, @Nullable JsonNode cursor, Pauses pauses) throws ConnectorException {
        this.context = context;
        settings = HttpJsonSettings.of(context.configuration());
        fetcher = new PageFetcher(context, settings, pauses);
        position = Position.of(cursor, settings, context.clock().instant());
        resumed = position.place() != null;
    }

    @Override
    public boolean isSnapshot() {
        return settings.increment().isEmpty();
    }

    @Override
    public @Nullable RecordBatch next() throws ConnectorException, InterruptedException {
        if (ended) {
            return null;
        }
        String url = url();
        HttpAnswer answer = fetcher.fetch(url, body());
        if (resumed && FORGOTTEN.contains(answer.status())) {
            context.log()
                    .warn("the page to go on from is not known any more (" + answer.status()
                            + "); this run begins at its first page again");
            position = Position.first(position.since(), context.clock().instant());
            url = url();
            answer = fetcher.fetch(url, body());
        }
        resumed = false;
        answer.requireSuccess("the server", context.clock().instant());
        return batch(url, answer);
    }

    private RecordBatch batch(String url, HttpAnswer answer) throws ConnectorException {
        boolean nothing = answer.status() == 204 && answer.body().length == 0;
        JsonNode json = nothing ? MissingNode.getInstance() : PageFetcher.json(answer);
        Mapped mapped = nothing
                ? new Mapped(List.of(), List.of(), List.of())
                : settings.mapping().list(json);
        String highest = settings.increment().isPresent()
                ? settings.increment().get().highest(position.highest(), mapped.elements())
                : null;
        guard.page(mapped.elements());
        ObjectNode next = nothing
                ? null
                : settings.pager().next(position.place(), new Page(url, answer, json, mapped.elements()));
        JsonNode cursor;
        if (next == null) {
            ended = true;
            cursor = Position.settled(settings.increment()
                    .map(increment -> increment.settled(highest, position.began()))
                    .orElse(null));
        } else {
            guard.next(next);
            refuseSecrets(next);
            position = new Position(position.since(), highest, position.began(), next);
            cursor = position.cursor(settings.pager());
        }
        return new RecordBatch(mapped.records(), mapped.rejected(), cursor);
    }

    private String url() throws ConnectorException {
        JsonNode place = position.place();
        return settings.pager().address(place).isPresent()
                ? settings.pager().address(place).get()
                : parameters().appendedTo(settings.url());
    }

    private byte @Nullable [] body() throws ConnectorException {
        return settings.post() ? ExactJson.bytes(parameters().body()) : null;
    }

    private Parameters parameters() throws ConnectorException {
        Parameters parameters = settings.base().copy();
        if (settings.increment().isPresent()) {
            settings.increment().get().ask(parameters, position.since());
        }
        settings.pager().ask(parameters, position.place());
        return parameters;
    }

    /** A server that repeats credentials in the address of its next page would have them stored in the clear. */
    private void refuseSecrets(JsonNode place) throws ConnectorException {
        String text = place.toString();
        for (String secret : context.credentials().secrets()) {
            if (secret.length() >= SHORTEST_SECRET
                    && (text.contains(secret) || text.contains(Parameters.encoded(secret)))) {
                throw new ConnectorException(
                        Failure.CONFIGURATION,
                        "the next page is named with a credential in it, which cannot be stored; use another kind of"
                                + " pagination");
            }
        }
    }

    @Override
    public void close() {
        ended = true;
    }
}
