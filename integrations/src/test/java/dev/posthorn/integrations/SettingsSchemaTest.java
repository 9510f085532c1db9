package dev.posthorn.integrations;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.posthorn.integrations.connector.Connector;
import dev.posthorn.integrations.httpjson.HttpJsonConnector;
import dev.posthorn.integrations.push.PushJsonConnector;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the schemas of the built-in connectors refuse before anything runs. */
class SettingsSchemaTest {
    private static final SchemaRegistry SCHEMAS = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private static void assertRefused(Connector connector, String whole) {
        JsonNode settings = JSON.readTree(whole.replace('\'', '"'));
        assertThat(SCHEMAS.getSchema(connector.describe().configuration()).validate(settings))
                .as(whole)
                .isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'password': 'x'",
                "'method': 'DELETE'",
                "'query': {'a': {'b': 1}}",
                "'headers': {'X': 'a\\r\\nY: b'}",
                "'headers': {'a b': 'c'}",
                "'body': 'text'",
                "'auth': {'type': 'digest'}",
                "'auth': {'type': 'bearer', 'token': 'secret'}",
                "'auth': {'type': 'header'}",
                "'auth': {'type': 'oauth2_client_credentials'}",
                "'pagination': {'type': 'cursor', 'next_at': '/a'}",
                "'pagination': {'type': 'cursor', 'to': {'query': 'a'}}",
                "'pagination': {'type': 'cursor', 'next_at': '/a', 'next_in_last_record': '/b', 'to': {'query': 'a'}}",
                "'pagination': {'type': 'cursor', 'next_at': 'a', 'to': {'query': 'a'}}",
                "'pagination': {'type': 'cursor', 'next_at': '/a', 'to': {'query': 'a', 'body': '/b'}}",
                "'pagination': {'type': 'page', 'to': {'query': 'p'}, 'end': 'short'}",
                "'pagination': {'type': 'offset', 'to': {'query': 'p'}, 'end': 'total'}",
                "'pagination': {'type': 'link', 'next_at': '/a'}",
                "'incremental': {'field': '/a'}",
                "'incremental': {'field': '/a', 'to': {'query': 'a'}, 'kind': 'date'}",
                "'requests_per_second': 0",
                "'largest_page_bytes': 999999999",
                "'timeout_seconds': 1.5"
            })
    void http_json(String more) {
        assertRefused(new HttpJsonConnector(), "{'url': 'https://example.com/', 'records': {}, " + more + "}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'type': 'a', 'type_at': '/b'}",
                "{'type': 'Invoice'}",
                "{'id': []}",
                "{'id': ''}",
                "{'at': 'data'}",
                "{'at': '/a~2'}",
                "{'deleted': {'equals': 'x'}}",
                "{'deleted': {'at': '/x', 'equals': []}}",
                "[]"
            })
    void records(String records) {
        assertRefused(new HttpJsonConnector(), "{'url': 'https://example.com/', 'records': " + records + "}");
        assertRefused(new PushJsonConnector(), "{'verification': {'type': 'github'}, 'records': " + records + "}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'verification': {'type': 'none'}",
                "'verification': {}",
                "'verification': {'type': 'hmac'}",
                "'verification': {'type': 'hmac', 'header': 'X', 'algorithm': 'md5'}",
                "'verification': {'type': 'github', 'secret': 'x'}",
                "'verification': {'type': 'stripe', 'tolerance_seconds': 0}",
                "'verification': {'type': 'mtls_header', 'header': 'X'}",
                "'verification': {'type': 'mtls_header', 'header': 'X', 'allowed': []}",
                "'verification': {'type': 'mtls_header', 'header': 'X', 'allowed': ['a'], 'proxies': ['0.0.0.0/0']}",
                "'verification': {'type': 'github'}, 'content': 'xml'",
                "'verification': {'type': 'github'}, 'delivery_id': {}",
                "'verification': {'type': 'github'}, 'delivery_id': {'header': 'X', 'at': '/a'}",
                "'verification': {'type': 'github'}, 'handshake': {'type': 'query'}"
            })
    void push(String settings) {
        assertRefused(new PushJsonConnector(), "{'records': {}, " + settings + "}");
    }
}
