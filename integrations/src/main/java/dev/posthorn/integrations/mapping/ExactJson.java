package dev.posthorn.integrations.mapping;

import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.json.JsonMapper;

/** Reads JSON without changing it: numbers keep every digit, objects their order, texts their characters. */
public final class ExactJson {
    private static final JsonMapper LENIENT = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();
    private static final JsonMapper STRICT = LENIENT.rebuild()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private ExactJson() {}

    /**
     * Reads what another system answered. Of a repeated field the last one holds, as in PostgreSQL.
     *
     * @param json one document in UTF-8 (or UTF-16 or UTF-32, which its first bytes tell); nothing may follow it
     * @throws tools.jackson.core.JacksonException if it is none
     */
    public static JsonNode read(byte[] json) {
        return LENIENT.readTree(json);
    }

    /**
     * Reads what a stranger sent: a repeated field is refused, because whoever signed it may have read the other one.
     *
     * @throws tools.jackson.core.JacksonException if it is none
     */
    public static JsonNode readStrictly(byte[] json) {
        return STRICT.readTree(json);
    }

    /** The document as UTF-8, without blanks. */
    public static byte[] bytes(JsonNode document) {
        return LENIENT.writeValueAsBytes(document);
    }
}
