package dev.posthorn.integrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.engine.IntegrationEngine;
import dev.posthorn.integrations.httpjson.HttpJsonConnector;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.testkit.TestReceiver.Answer;
import dev.posthorn.testkit.TestReceiver.Received;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A paged API that fails on its four hundredth page in three ways, one after the other, through the engine and the database. */
class LargeReadTest {
    private static final int PAGES = 500;
    private static final int FAILING = 400;

    @Test
    void a_read_that_fails_on_page_400_goes_on_there_and_counts_nothing_twice() throws Exception {
        read(10);
    }

    @Test
    @Tag("soak")
    void a_hundred_thousand_records_likewise() throws Exception {
        read(200);
    }

    private static void read(int perPage) throws Exception {
        int records = PAGES * perPage;
        AtomicInteger failures = new AtomicInteger();
        try (IntegrationFixture fixture = new IntegrationFixture();
                IntegrationEngine engine = fixture.engine(new HttpJsonConnector());
                TestReceiver api = TestReceiver.start()) {
            api.answer(request -> {
                int page = number(request);
                return page == FAILING && failures.get() < 3
                        ? failure(failures.getAndIncrement())
                        : page(page, perPage);
            });
            UUID integration = UUID.fromString(fixture.database.one(
                    "INSERT INTO posthorn.integration_configs (community_id, name, connector, config)"
                            + " VALUES ('" + fixture.community + "', 'ERP', 'http-json', '{\"url\": \""
                            + api.url("/things")
                            + "\", \"records\": {\"at\": \"/items\", \"type\": \"thing\"}, \"pagination\": {\"type\": \"cursor\","
                            + " \"next_at\": \"/next\", \"to\": {\"query\": \"page\"}}}') RETURNING id"));
            UUID run = fixture.start(integration);
            long begin = System.nanoTime();
            int saved = (FAILING - 1) * perPage;
            String unfinished = "retrying " + saved + " " + saved + " 0 0 0 0 ";
            assertThat(attempt(fixture, engine, run, Duration.ZERO)).isEqualTo(unfinished + "unavailable");
            assertThat(attempt(fixture, engine, run, Duration.ofSeconds(31))).isEqualTo(unfinished + "rate_limited");
            // Two minutes would be its turn; the other side has said three.
            assertThat(attempt(fixture, engine, run, Duration.ofSeconds(125))).isEqualTo(unfinished + "rate_limited");
            assertThat(attempt(fixture, engine, run, Duration.ofSeconds(60))).isEqualTo(unfinished + "malformed");
            assertThat(attempt(fixture, engine, run, Duration.ofMinutes(11)))
                    .startsWith("completed " + records + " " + records + " 0 0 0 0");
            double seconds = (System.nanoTime() - begin) / 1e9;
            System.out.printf("http-json: %d records in %.1f s, %.0f records/s%n", records, seconds, records / seconds);

            assertThat(api.received()).hasSize(PAGES + 3);
            assertThat(api.received().stream().map(Received::path).distinct()).hasSize(PAGES);
            assertThat(fixture.database.one(
                            "SELECT concat_ws(' ', count(*), count(DISTINCT external_id), min(external_id::int),"
                                    + " max(external_id::int)) FROM posthorn.integration_records WHERE integration_id = '"
                                    + integration + "'"))
                    .isEqualTo(records + " " + records + " 0 " + (records - 1));
            assertThat(fixture.one(
                            "SELECT concat_ws(' ', count(*), count(DISTINCT payload ->> 'external_id')) FROM posthorn.webhook_events"
                                    + " WHERE community_id = :c AND event_type = 'integration.record.created'"))
                    .isEqualTo(records + " " + records);
            assertThat(
                            fixture.one(
                                    "SELECT count(*) FROM posthorn.webhook_events WHERE community_id = :c AND event_type = 'sync.completed'"))
                    .isEqualTo("1");
        }
    }

    /** Status, counts and the class of the last failure after a look so much later. */
    private static String attempt(IntegrationFixture fixture, IntegrationEngine engine, UUID run, Duration later)
            throws Exception {
        fixture.database.advanceClock(later);
        engine.runDueOnce();
        return fixture.counts(run) + " "
                + fixture.database.one(
                        "SELECT coalesce(error_class, '') FROM posthorn.integration_sync_logs WHERE id = '" + run
                                + "'");
    }

    private static Answer failure(int which) {
        return switch (which) {
            case 0 -> Answer.of(500);
            case 1 -> new Answer(429, Map.of("Retry-After", "180"), new byte[0]);
            default -> json("{\"items\": [{\"id\": 1}, {\"i");
        };
    }

    private static Answer page(int page, int perPage) {
        String items = IntStream.range((page - 1) * perPage, page * perPage)
                .mapToObj(
                        id -> "{\"id\": " + id + ", \"name\": \"thing " + id + "\", \"amount\": 12.50, \"paid\": true}")
                .collect(Collectors.joining(","));
        return json(
                "{\"items\": [" + items + "], \"next\": " + (page == PAGES ? "null" : "\"" + (page + 1) + "\"") + "}");
    }

    private static Answer json(String body) {
        return new Answer(200, Map.of("Content-Type", "application/json"), body.getBytes(StandardCharsets.UTF_8));
    }

    private static int number(Received request) {
        int at = request.path().indexOf("page=");
        return at < 0 ? 1 : Integer.parseInt(request.path().substring(at + 5));
    }
}
