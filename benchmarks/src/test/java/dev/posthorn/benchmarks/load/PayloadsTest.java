package dev.posthorn.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class PayloadsTest {
    @Test
    void a_payload_is_json_of_exactly_the_size_that_is_told() {
        String payload = Payloads.numbered(1234);
        assertThat(payload).hasSize(Payloads.BYTES);
        assertThat(JsonMapper.builder().build().readTree(payload).get("number").asString())
                .isEqualTo("1234");
    }
}
