package dev.posthorn.integrations.httpjson;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.testkit.TestReceiver.Received;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HttpJsonIncrementTest {
    private final Api api = new Api();

    @AfterEach
    void close() {
        api.close();
    }

    /** What the second run asks for, after a first one has seen these values. */
    private String secondRunAsks(String settings, String... values) throws ConnectorException, InterruptedException {
        StringBuilder items = new StringBuilder();
        for (int i = 0; i < values.length; i++) {
            items.append(i == 0 ? "" : ",")
                    .append("{'id': ")
                    .append(i)
                    .append(", 'at': ")
                    .append(values[i])
                    .append('}');
        }
        api.server.answer(request -> Api.json("[" + items + "]"));
        ConnectorContext context = api.context(
                "'records': {}, 'incremental': {'field': '/at', 'to': {'query': 'since'}, " + settings + "}");
        List<RecordBatch> first = api.read(context, null);
        api.read(context, Api.lastCursor(first));
        List<Received> received = api.server.received();
        return Api.parameter(received.get(received.size() - 1), "since");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "'overlap': 0 | '2026-11-25T10:00:00+02:00' | '2026-11-25T07:59:59.5Z' | 2026-11-25T10:00:00+02:00",
                "'kind': 'time' | '2026-11-25T10:00:00.25+02:00' | '2026-11-25T07:00:00Z' | 2026-11-25T09:55:00.25+02:00",
                "'overlap': 60 | '2026-11-25 09:00:00' | '2026-11-25 08:00:00' | 2026-11-25 08:59:00",
                "'overlap': 60 | '2026-11-24' | '2026-11-23' | 2026-11-23",
                "'overlap': 0 | '2026-11-25T10:00:00+0200' | null | 2026-11-25T10:00:00+0200",
                "'kind': 'epoch_seconds' | 1700000000 | 1600000000 | 1699999700",
                "'kind': 'epoch_millis', 'overlap': 1 | 1700000000123 | 1600000000000 | 1699999999123",
                "'kind': 'number' | 9007199254740993 | 9007199254740992 | 9007199254740993",
                "'kind': 'number', 'overlap': 10 | '100' | '99' | 90",
                "'kind': 'text' | 'b' | 'a' | b"
            })
    void the_highest_value_less_the_overlap_is_asked_for(String settings, String one, String other, String asked)
            throws Exception {
        assertThat(secondRunAsks(settings, one, other)).isEqualTo(asked);
        assertThat(secondRunAsks(settings, other, one)).isEqualTo(asked);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "'overlap': 0 | '2099-01-01T00:00:00+01:00' | 2026-11-25T13:00:00+01:00",
                "'overlap': 0 | '2099-01-01' | 2026-11-25",
                "'kind': 'epoch_seconds', 'overlap': 0 | 4070908800 | 1795608000",
                "'kind': 'epoch_millis', 'overlap': 0 | 4070908800000 | 1795608000000"
            })
    void a_time_is_never_later_than_the_run_that_saw_it(String settings, String value, String asked) throws Exception {
        assertThat(secondRunAsks(settings, value)).isEqualTo(asked);
    }

    @Test
    void the_first_run_asks_from_the_start_or_for_everything() throws Exception {
        api.server.answer(request -> Api.json("[]"));
        api.read(api.context("'records': {}, 'incremental': {'field': '/at', 'to': {'query': 'since'}}"), null);
        api.read(
                api.context(
                        "'records': {}, 'incremental': {'field': '/at', 'to': {'query': 'since'}, 'start': '2026-01-01'}"),
                null);

        assertThat(api.server.received())
                .extracting(Received::path)
                .containsExactly("/items", "/items?since=2026-01-01");
    }

    @Test
    void a_run_that_finds_nothing_keeps_the_mark_and_one_that_dies_keeps_its_own() throws Exception {
        ConnectorContext context =
                api.context("'records': {'at': '/d'}, 'pagination': {'type': 'page', 'to': {'query': 'p'}},"
                        + " 'incremental': {'field': '/n', 'kind': 'number', 'to': {'query': 'since'}}");
        api.server.answer(request -> Api.json(
                switch (Api.number(request, "p")) {
                    case 1 -> "{'d': [{'id': 1, 'n': 7}]}";
                    case 2 -> "{'d': [{'id': 2, 'n': 5}]}";
                    default -> "{'d': []}";
                }));
        List<RecordBatch> whole = api.read(context, null);
        assertThat(String.valueOf(Api.lastCursor(whole))).isEqualTo("{\"since\":\"7\"}");

        // The mark of a run that goes on after its first page is that of the whole run.
        List<RecordBatch> rest = api.read(context, whole.get(0).cursor());
        assertThat(Api.ids(rest)).containsExactly("2");
        assertThat(Api.lastCursor(rest)).isEqualTo(Api.lastCursor(whole));
        assertThat(api.server.received()).noneMatch(request -> request.path().contains("since"));

        api.server.answer(request -> Api.json("{'d': []}"));
        assertThat(Api.lastCursor(api.read(context, Api.lastCursor(whole)))).isEqualTo(Api.lastCursor(whole));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "'kind': 'time' | 7 | must be a time (ISO 8601), but in a record at /at there is a number",
                "'kind': 'number' | 1e999999999 | must be a number",
                "'kind': 'number' | 'seven' | must be a number, but in a record at /at there is a text",
                "'kind': 'time' | null | none of 1 records has the field"
            })
    void values_that_cannot_be_compared_are_told(String settings, String value, String sentence) {
        assertThat(catchThrowableOfType(ConnectorException.class, () -> secondRunAsks(settings, value)))
                .hasMessageContaining(sentence)
                .extracting(ConnectorException::failure)
                .isEqualTo(Failure.SCHEMA_DRIFT);
    }
}
