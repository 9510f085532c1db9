package dev.posthorn.integrations.httpjson;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.testkit.TestReceiver.Answer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HttpJsonFailuresTest {
    private static final String ITEMS = "'records': {'at': '/data/items', 'type': 'item'}";

    private final Api api = new Api();

    @AfterEach
    void close() {
        api.close();
    }

    private ConnectorException failure(String rest) {
        return catchThrowableOfType(ConnectorException.class, () -> api.readIds(api.context(rest)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'data': {'rows': []}} | there is nothing at /data/items: /data is an object with the fields rows",
                "{'error': 'x', 'data': null} | there is nothing at /data/items: /data is null",
                "[1] | there is nothing at /data/items: the document is an array of 1",
                "{'data': {'items': {'a': 1}}} | at /data/items there is an object with the fields a",
                "{'data': {'items': ['a', 'b']}} | none of 2 can be a record; /data/items/0: an object is expected, but there is a text",
                "{'data': {'items': [{'ID': 1}]}} | the id must be a text or a whole number, but there is nothing at /id: the document is an object with the fields ID",
                "{'data': {'items': [{'id': 1.5}]}} | at /id there is a number"
            })
    void another_shape_than_configured_is_told_with_its_place(String answer, String sentence) {
        api.server.answer(request -> Api.json(answer));

        assertThat(failure(ITEMS))
                .hasMessageContaining(sentence)
                .extracting(ConnectorException::failure)
                .isEqualTo(Failure.SCHEMA_DRIFT);
    }

    @Test
    void single_records_that_are_none_are_rejected_with_their_place() throws Exception {
        api.server.answer(request -> Api.json(
                "{'data': {'items': [{'id': 'a'}, {'id': null}, 7, {'id': 'b\\u0000'}, {'id': ''}, {'id': 'z'}]}}"));

        RecordBatch batch = api.read(api.context(ITEMS), null).get(0);

        assertThat(Api.ids(List.of(batch))).containsExactly("a", "z");
        assertThat(batch.rejected())
                .extracting(RecordBatch.Rejection::where)
                .containsExactly("/data/items/1", "/data/items/2", "/data/items/3", "/data/items/4");
    }

    @Test
    void null_in_place_of_the_list_and_204_are_no_records() throws Exception {
        api.server.answer(request -> Api.json("{'data': {'items': null}}"));
        assertThat(api.readIds(api.context(ITEMS))).isEmpty();
        api.server.answer(request -> Api.status(204));
        assertThat(api.readIds(api.context(ITEMS))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "301, CONFIGURATION",
        "400, CONFIGURATION",
        "401, CREDENTIALS",
        "403, PERMISSION",
        "404, CONFIGURATION",
        "408, UNAVAILABLE",
        "429, RATE_LIMITED",
        "500, UNAVAILABLE",
        "503, UNAVAILABLE"
    })
    void a_status_has_a_meaning(int status, Failure failure) {
        api.server.answer(request -> Api.status(status, "Location", "http://127.0.0.1:1/"));

        assertThat(failure(ITEMS)).extracting(ConnectorException::failure).isEqualTo(failure);
        assertThat(api.server.received()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"'{\"a\": 1} trailing'", "'<html>secret-page</html>'", "''", "'{\"a\": NaN}'", "'[[[['"})
    void what_is_not_json_is_malformed_and_not_repeated(String body) {
        api.server.answer(
                request -> new Answer(200, Map.of("Content-Type", "text/html; charset=x"), body.getBytes(UTF_8)));

        assertThat(failure(ITEMS))
                .hasMessageContaining("calls itself text/html")
                .hasMessageNotContaining("secret-page")
                .extracting(ConnectorException::failure)
                .isEqualTo(Failure.MALFORMED);
    }

    @Test
    void deeply_nested_and_too_large_answers_are_refused() {
        api.server.answer(request -> Api.json("[".repeat(100_000)));
        assertThat(failure(ITEMS)).extracting(ConnectorException::failure).isEqualTo(Failure.MALFORMED);

        api.server.answer(request -> Api.json("{'data': {'items': [{'id': '" + "x".repeat(2000) + "'}]}}"));
        assertThat(failure(ITEMS + ", 'largest_page_bytes': 1024"))
                .hasMessageContaining("larger than 1024 bytes")
                .extracting(ConnectorException::failure)
                .isEqualTo(Failure.SCHEMA_DRIFT);
    }

    @Test
    @Timeout(60)
    void pages_that_go_round_in_circles_end() {
        String cursors = ITEMS + ", 'pagination': {'type': 'cursor', 'next_at': '/next', 'to': {'query': 'c'}}";
        AtomicInteger count = new AtomicInteger();
        // The same page for ever, under cursors that are always new.
        api.server.answer(
                request -> Api.json("{'data': {'items': [{'id': 1}]}, 'next': '" + count.incrementAndGet() + "'}"));
        assertThat(failure(cursors)).hasMessageContaining("the very same records came before");

        // Two cursors in turn, with records that are always new.
        api.server.answer(request -> Api.json("{'data': {'items': [{'id': " + count.incrementAndGet() + "}]}, 'next': '"
                + (Api.parameter(request, "c").equals("a") ? "b" : "a") + "'}"));
        assertThat(failure(cursors)).hasMessageContaining("the next page is one that was read before");

        // No record, and always another page.
        api.server.answer(request -> Api.json("{'data': {'items': []}, 'next': '" + count.incrementAndGet() + "'}"));
        assertThat(failure(cursors)).hasMessageContaining("pages in a row have no record");

        // A server that does not know the parameter.
        api.server.answer(request -> Api.json("{'data': {'items': [" + Api.items(0, 5) + "]}}"));
        assertThat(failure(ITEMS + ", 'pagination': {'type': 'page', 'to': {'query': 'p'}}"))
                .hasMessageContaining("does the other side know the parameter")
                .extracting(ConnectorException::failure)
                .isEqualTo(Failure.INCONSISTENT);
    }

    @Test
    void short_waits_are_waited_for_and_long_ones_are_the_runs() throws Exception {
        AtomicInteger count = new AtomicInteger();
        api.server.answer(request -> count.incrementAndGet() <= 2
                ? Api.status(count.get() == 1 ? 429 : 503, "Retry-After", "60")
                : Api.json("{'data': {'items': [{'id': 1}]}}"));
        assertThat(api.readIds(api.context(ITEMS))).containsExactly("1");
        assertThat(api.pauses).containsExactly(Duration.ofSeconds(60), Duration.ofSeconds(60));

        api.pauses.clear();
        api.server.answer(request -> Api.status(429, "Retry-After", "61"));
        assertThat(failure(ITEMS).retryAfter()).contains(Duration.ofSeconds(61));
        assertThat(api.pauses).isEmpty();

        api.server.answer(request -> Api.status(429, "Retry-After", "1"));
        assertThat(failure(ITEMS).failure()).isEqualTo(Failure.RATE_LIMITED);
        assertThat(api.pauses).hasSize(5);
    }

    @Test
    void requests_are_paced() throws Exception {
        api.server.answer(request -> Api.json("{'data': {'items': ["
                + (Api.number(request, "p") < 4
                        ? Api.items(Api.number(request, "p"), Api.number(request, "p") + 1)
                        : "")
                + "]}}"));

        api.readIds(api.context(
                ITEMS + ", 'requests_per_second': 0.1, 'pagination': {'type': 'page', 'to': {'query': 'p'}}"));

        assertThat(api.server.received()).hasSize(4);
        assertThat(api.pauses).containsExactly(Duration.ofSeconds(10), Duration.ofSeconds(10), Duration.ofSeconds(10));
    }

    @Test
    @Timeout(60)
    void an_interrupt_ends_reading() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        api.server.answer(request -> {
            asked.countDown();
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return Api.status(500);
        });
        Throwable[] thrown = new Throwable[1];
        Thread reading = Thread.ofVirtual().start(() -> {
            try {
                api.readIds(api.context(ITEMS));
            } catch (ConnectorException | InterruptedException e) {
                thrown[0] = e;
            }
        });
        asked.await();

        reading.interrupt();
        reading.join();

        release.countDown();
        assertThat(thrown[0]).isInstanceOf(InterruptedException.class);
    }

    @Test
    void what_the_schema_cannot_say_is_refused_in_time() {
        assertThat(failure(ITEMS + ", 'headers': {'AUTHORIZATION': 'x'}"))
                .hasMessageContaining("headers must not have AUTHORIZATION")
                .extracting(ConnectorException::failure)
                .isEqualTo(Failure.CONFIGURATION);
        assertThat(failure(ITEMS + ", 'pagination': {'type': 'page', 'to': {'body': '/p'}}"))
                .hasMessageContaining("only \"method\": \"POST\" has");
        assertThat(failure(ITEMS + ", 'incremental': {'field': '/t', 'start': 'yesterday', 'to': {'query': 'p'}}"))
                .hasMessageContaining("incremental.start must be a time");
        assertThat(api.server.received()).isEmpty();
    }

    @Test
    void addresses_that_are_not_permitted_are_refused() {
        assertThatThrownBy(() ->
                        api.connector.check(api.contexts.of("{'url': 'http://10.0.0.1/', 'records': {}}", Map.of())))
                .extracting(e -> ((ConnectorException) e).failure())
                .isEqualTo(Failure.ADDRESS_REFUSED);
    }
}
