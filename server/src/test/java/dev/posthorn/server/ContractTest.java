package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.server.Contract.Seen;
import dev.posthorn.server.rest.OpenApi;
import dev.posthorn.server.settings.Settings.Setting;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContractTest {
    private static final String COMMUNITY = """
            {"id":"01a21400-49fc-7119-ae05-b8edafbb5587","external_id":null,"name":"Acme","metadata":{},
             "created_at":"2026-11-25T18:48:55.687667+00:00","updated_at":"2026-11-25T18:48:55+00:00"}
            """;
    private static final String PROBLEM =
            "{\"type\":\"about:blank\",\"title\":\"a\",\"status\":503,\"detail\":\"b\",\"instance\":\"/v1\"}";

    @TempDir
    private Path folder;

    @Test
    void the_contract_has_the_routes_of_the_server_and_no_others() throws Exception {
        String key = Base64.getEncoder()
                .encodeToString(KeyPairGenerator.getInstance("EC")
                        .generateKeyPair()
                        .getPublic()
                        .getEncoded());
        // Reports of leaks have a route only where somebody is believed.
        Path reporters = Files.writeString(
                folder.resolve("reporters.json"),
                "{\"public_keys\":[{\"key_identifier\":\"a\",\"key\":\"-----BEGIN PUBLIC KEY-----\\n" + key
                        + "\\n-----END PUBLIC KEY-----\"}]}");
        try (KeyServer server = new KeyServer(Map.of(Setting.LEAK_REPORT_KEYS, reporters.toString()))) {
            assertThat(server.node().routes()).containsExactlyElementsOf(Contract.operations());
            assertThat(server.plain("/openapi.yaml")).isEqualTo(new String(OpenApi.contract(), StandardCharsets.UTF_8));
        }
    }

    @Test
    void an_answer_that_the_contract_does_not_allow_is_noticed() {
        assertThat(complaints("GET", "/v1/communities/ext:acme", 200, COMMUNITY))
                .isEmpty();
        assertThat(complaints("GET", "/v1/communities/ext:acme", 201, COMMUNITY))
                .contains("no such status");
        assertThat(complaints("PUT", "/v1/communities/ext:acme", 200, COMMUNITY))
                .contains("no such operation");
        assertThat(complaints("GET", "/v1/community", 200, COMMUNITY)).contains("no such operation");
        assertThat(complaints("GET", "/v1/communities", 200, COMMUNITY)).contains("data", "next_cursor");
        assertThat(complaints("GET", "/v1/communities/ext:acme", 200, COMMUNITY.replace("\"name\"", "\"nome\"")))
                .contains("name", "nome");
        assertThat(complaints("GET", "/v1/communities/ext:acme", 200, COMMUNITY.replace("01a21400", "x")))
                .contains("uuid");
        assertThat(complaints("GET", "/v1/communities/ext:acme", 200, COMMUNITY.replace("55+00:00", "55")))
                .contains("date-time");
        assertThat(Contract.complaints(
                        new Seen("GET", "/v1/communities/ext:acme", 200, "text/plain", false, COMMUNITY)))
                .anyMatch(complaint -> complaint.contains("no such content type"));
        assertThat(Contract.complaints(
                        new Seen("DELETE", "/v1/event-types/a", 204, "application/json", false, COMMUNITY)))
                .anyMatch(complaint -> complaint.contains("no body"));
    }

    @Test
    void a_problem_names_its_status_and_one_that_passes_says_when() {
        String path = "/v1/communities";
        assertThat(Contract.complaints(new Seen("GET", path, 503, "application/problem+json", true, PROBLEM)))
                .isEmpty();
        assertThat(Contract.complaints(new Seen("GET", path, 503, "application/problem+json", false, PROBLEM)))
                .anyMatch(complaint -> complaint.contains("Retry-After"));
        assertThat(Contract.complaints(new Seen("GET", path, 500, "application/problem+json", true, PROBLEM)))
                .anyMatch(complaint -> complaint.contains("another status"));
        assertThat(Contract.complaints(new Seen("GET", path, 503, "application/json", true, PROBLEM)))
                .anyMatch(complaint -> complaint.contains("no such content type"));
    }

    private static String complaints(String method, String path, int status, String body) {
        return String.join("\n", Contract.complaints(new Seen(method, path, status, "application/json", false, body)));
    }
}
