package dev.posthorn.integrations.httpjson;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.testkit.TestReceiver.Answer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

class HttpJsonPagesTest {
    private static final String ITEMS = "'records': {'at': '/items', 'type': 'item'}";
    private static final List<String> UP_TO_10 =
            IntStream.range(0, 10).mapToObj(String::valueOf).toList();

    private final Api api = new Api();

    @AfterEach
    void close() {
        api.close();
    }

    @Test
    void records_stay_as_they_came() throws Exception {
        String record = "{\"z\":1.10,\"id\":\"ä/1\",\"a\":123456789012345678901234567890,\"n\":null,"
                + "\"d\":0.1234567890123456789012345678901234567890,\"s\":\"\\u0007 Ω 🎺\",\"o\":{\"b\":[],\"a\":{}},\"e\":1E+3}";
        api.server.answer(request -> Api.json("{\"items\": [" + record + "]}"));

        List<RecordBatch> batches = api.read(api.context(ITEMS), null);

        assertThat(Api.ids(batches)).containsExactly("ä/1");
        assertThat(String.valueOf(batches.get(0).records().get(0).data())).isEqualTo(record);
        assertThat(Api.lastCursor(batches)).isNull();
    }

    @Test
    void a_cursor_goes_into_the_query() throws Exception {
        api.server.answer(request -> {
            int from = Api.query(request).containsKey("after") ? Api.number(request, "after") : 0;
            String next = from + 4 < 10 ? "'" + (from + 4) + "'" : "null";
            return Api.json("{'items': [" + Api.items(from, Math.min(10, from + 4)) + "], 'next': " + next + "}");
        });

        assertThat(api.readIds(api.context(
                        ITEMS + ", 'query': {'fields': 'a b&c'}, 'pagination': {'type': 'cursor', 'next_at': '/next',"
                                + " 'to': {'query': 'after'}}")))
                .isEqualTo(UP_TO_10);
        assertThat(api.server.received())
                .extracting(TestReceiver.Received::path)
                .containsExactly(
                        "/items?fields=a%20b%26c",
                        "/items?fields=a%20b%26c&after=4", "/items?fields=a%20b%26c&after=8");
    }

    @Test
    void a_cursor_goes_into_the_body() throws Exception {
        api.server.answer(request -> {
            String body = new String(request.body(), StandardCharsets.UTF_8);
            return body.equals("{\"query\":\"{ items }\"}")
                    ? Api.json("{'items': [{'id': 1}], 'next': 'x\\u00e4'}")
                    : body.equals("{\"query\":\"{ items }\",\"variables\":{\"after\":\"xä\"}}")
                            ? Api.json("{'items': [{'id': 2}]}")
                            : Api.status(500);
        });

        assertThat(api.readIds(api.context(ITEMS + ", 'method': 'POST', 'body': {'query': '{ items }'},"
                        + " 'pagination': {'type': 'cursor', 'next_at': '/next', 'to': {'body': '/variables/after'}}")))
                .containsExactly("1", "2");
        assertThat(api.server.received())
                .allSatisfy(
                        request -> assertThat(request.header("Content-Type")).isEqualTo("application/json"));
    }

    @Test
    void the_cursor_may_be_the_id_of_the_last_record() throws Exception {
        api.server.answer(request -> {
            int from = Api.query(request).containsKey("starting_after") ? Api.number(request, "starting_after") + 1 : 0;
            return Api.json(
                    "{'items': [" + Api.items(from, Math.min(10, from + 5)) + "], 'has_more': " + (from < 5) + "}");
        });

        assertThat(api.readIds(api.context(ITEMS + ", 'pagination': {'type': 'cursor', 'next_in_last_record': '/id',"
                        + " 'more_at': '/has_more', 'to': {'query': 'starting_after'}}")))
                .isEqualTo(UP_TO_10);
        assertThat(api.server.received()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'end': 'empty'",
                "'end': 'short'",
                "'end': 'total', 'total_at': '/total'",
                "'end': 'pages', 'total_at': '/pages'"
            })
    void pages_are_counted(String end) throws Exception {
        api.server.answer(request -> {
            int from = (Api.number(request, "page") - 1) * 4;
            return Api.json("{'items': ["
                    + Api.items(from, Math.min(10, Math.max(from, from + Api.number(request, "size"))))
                    + "], 'total': '10', 'pages': 3}");
        });

        assertThat(api.readIds(api.context(ITEMS + ", 'pagination': {'type': 'page', 'to': {'query': 'page'},"
                        + " 'size_to': {'query': 'size'}, 'size': 4, " + end + "}")))
                .isEqualTo(UP_TO_10);
        assertThat(api.server.received()).hasSize(end.contains("empty") ? 4 : 3);
    }

    @Test
    void an_offset_counts_what_came_and_not_what_was_asked_for() throws Exception {
        api.server.answer(request -> {
            int from = Api.number(request, "offset");
            return Api.json("{'items': [" + Api.items(from, Math.max(from, Math.min(10, from + 3))) + "]}");
        });

        assertThat(api.readIds(api.context(ITEMS + ", 'pagination': {'type': 'offset', 'to': {'query': 'offset'},"
                        + " 'size_to': {'query': 'limit'}, 'size': 500}")))
                .isEqualTo(UP_TO_10);
    }

    @Test
    void a_total_that_is_never_reached_is_said() {
        api.server.answer(request -> Api.json(
                "{'items': [" + (Api.number(request, "page") == 1 ? Api.items(0, 4) : "") + "], 'total': 10}"));

        assertThatThrownBy(() -> api.readIds(api.context(ITEMS + ", 'pagination': {'type': 'page',"
                        + " 'to': {'query': 'page'}, 'end': 'total', 'total_at': '/total'}")))
                .hasMessageContaining("by /total there are more than the 4 that came before")
                .extracting(e -> ((ConnectorException) e).failure())
                .isEqualTo(Failure.INCONSISTENT);
    }

    @Test
    void links_of_the_same_origin_are_followed() throws Exception {
        api.server.answer(request -> {
            int from = Api.query(request).containsKey("p") ? Api.number(request, "p") : 0;
            Answer page = Api.json("{'items': [" + Api.items(from, from + 5) + "]}");
            String link = from == 0
                    ? "</other>; rel=prev, </items?p=5&x=a%2Fb>; title=\"a, <b>; rel=\\\"next\\\"\"; rel=\"last next\""
                    : "</items>; rel=first";
            return new Answer(200, Map.of("Link", link), page.body());
        });

        assertThat(api.readIds(api.context(ITEMS + ", 'query': {'q': '1'}, 'pagination': {'type': 'link'}")))
                .isEqualTo(UP_TO_10);
        assertThat(api.server.received())
                .extracting(TestReceiver.Received::path)
                .containsExactly("/items?q=1", "/items?p=5&x=a%2Fb");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<",
                "</x",
                "</x>; rel=\"next",
                "</x>; rel",
                "</x>; rel=;;=",
                "x, </x>; rel=next",
                "</a>;rel=prev;rel=next"
            })
    void headers_that_are_no_links_end_the_pages_or_not_but_never_the_run(String start) {
        for (String header : List.of(start, start + ";\"".repeat(5_000), start + "\\\"".repeat(10_000))) {
            assertThatCode(() -> LinkHeader.target(List.of(header), "next")).doesNotThrowAnyException();
        }
        assertThat(LinkHeader.target(List.of("</a>;rel=prev;rel=next", "< /b >;REL = \"x NEXT\""), "next"))
                .contains(" /b ");
    }

    @Test
    void the_address_of_the_next_page_may_be_in_the_answer() throws Exception {
        api.server.answer(request -> request.path().equals("/items")
                ? Api.json(
                        "{'items': [" + Api.items(0, 5) + "], 'next': '" + api.server.url("/more/../more?p=2") + "'}")
                : Api.json("{'items': [" + Api.items(5, 10) + "], 'next': ''}"));

        assertThat(api.readIds(api.context(ITEMS + ", 'pagination': {'type': 'next_url', 'next_at': '/next'}")))
                .isEqualTo(UP_TO_10);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1:1/x",
                "//127.0.0.2/x",
                "https://127.0.0.1:PORT/",
                "http://127.0.0.1:PORT@evil.example/",
                "http://user@127.0.0.1:PORT/",
                "file:///etc/passwd",
                "javascript:alert(1)",
                "http:\\\\\\\\evil",
                "?p= x",
                "http://"
            })
    void nobody_is_led_to_another_origin(String next) throws Exception {
        try (TestReceiver elsewhere = TestReceiver.start()) {
            String port = api.server.url("").replaceAll(".*:", "");
            for (String target : List.of(next.replace("PORT", port), elsewhere.url("/"))) {
                api.server.answer(request -> Api.json("{'items': [{'id': 1}], 'next': '" + target + "'}"));

                assertThatThrownBy(() -> api.readIds(api.context(
                                ITEMS + ", 'auth': {'type': 'bearer'},"
                                        + " 'pagination': {'type': 'next_url', 'next_at': '/next'}",
                                Map.of("token", "secret-token"))))
                        .isInstanceOf(ConnectorException.class)
                        .extracting(e -> ((ConnectorException) e).failure())
                        .isEqualTo(Failure.SCHEMA_DRIFT);
            }
            assertThat(elsewhere.received()).isEmpty();
        }
        assertThat(api.server.received()).hasSize(2);
    }

    @Test
    void a_credential_is_not_stored_in_a_cursor() {
        api.server.answer(request -> Api.json("{'items': [{'id': 1}], 'next': '/items?key=s%2Fecret-token'}"));

        assertThatThrownBy(() -> api.readIds(api.context(
                        ITEMS + ", 'auth': {'type': 'bearer'}, 'pagination': {'type': 'next_url', 'next_at': '/next'}",
                        Map.of("token", "s/ecret-token"))))
                .hasMessageContaining("credential")
                .hasMessageNotContaining("ecret-token");
    }

    @Test
    void a_hundred_thousand_records_survive_a_server_that_fails_in_many_ways() throws Exception {
        List<Integer> asked = new ArrayList<>();
        api.server.answer(request -> {
            int page = Api.query(request).containsKey("cursor") ? Api.number(request, "cursor") : 0;
            asked.add(page);
            long times = asked.stream().filter(each -> each == page).count();
            if (page == 399 && times == 1) {
                return Api.status(500);
            }
            if (page == 399 && times == 2) {
                return Api.status(429, "Retry-After", "120");
            }
            if (page == 399 && times == 3) {
                return Api.json("{'items': [{'id': 99750}, {'id': 997");
            }
            return Api.json("{'items': [" + Api.items(page * 250, (page + 1) * 250) + "], 'next': "
                    + (page < 399 ? "'" + (page + 1) + "'" : "null") + "}");
        });
        ConnectorContext context = api.context(
                ITEMS + ", 'pagination': {'type': 'cursor', 'next_at': '/next', 'to': {'query': 'cursor'}}");

        List<String> saved = new ArrayList<>();
        List<Failure> failures = new ArrayList<>();
        JsonNode cursor = null;
        boolean through = false;
        while (!through) {
            try (var reader = api.connector.open(context, cursor)) {
                for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
                    saved.addAll(Api.ids(List.of(batch)));
                    cursor = batch.cursor();
                }
                through = true;
            } catch (ConnectorException e) {
                failures.add(e.failure());
            }
        }

        assertThat(failures).containsExactly(Failure.UNAVAILABLE, Failure.RATE_LIMITED, Failure.MALFORMED);
        assertThat(saved)
                .isEqualTo(IntStream.range(0, 100_000).mapToObj(String::valueOf).toList());
        assertThat(asked).hasSize(403);
        assertThat(cursor).isNull();
    }

    @Test
    void a_page_that_is_not_known_any_more_begins_the_run_again() throws Exception {
        api.server.answer(request -> switch (Api.parameter(request, "cursor")) {
            case "" -> Api.json("{'items': [{'id': 1}], 'next': 'b'}");
            case "b" -> Api.json("{'items': [{'id': 2}]}");
            default -> Api.status(410);
        });
        ConnectorContext context = api.context(
                ITEMS + ", 'pagination': {'type': 'cursor', 'next_at': '/next', 'to': {'query': 'cursor'}}");
        JsonNode forgotten = JsonNodeFactory.instance
                .objectNode()
                .put("pager", "cursor")
                .put("began", "2026-11-20T00:00:00Z")
                .set("place", JsonNodeFactory.instance.objectNode().put("cursor", "a"));

        assertThat(Api.ids(api.read(context, forgotten))).containsExactly("1", "2");
        assertThat(api.contexts.lines()).anyMatch(line -> line.contains("not known any more (410)"));
    }
}
