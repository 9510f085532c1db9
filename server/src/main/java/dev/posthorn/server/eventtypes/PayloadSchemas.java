package dev.posthorn.server.eventtypes;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaException;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.posthorn.server.rest.ApiDatabase;
import dev.posthorn.server.rest.Problem;
import java.io.FileNotFoundException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Checks payloads against the JSON Schemas (2020-12) of their event types. Thread-safe. A changed schema holds within two seconds; no
 * schema is fetched from anywhere.
 */
public final class PayloadSchemas {
    private static final String READ = "SELECT t.schema FROM posthorn.event_types AS t WHERE t.name = ?::text";
    private static final SchemaRegistry REGISTRY =
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    private final ApiDatabase database;
    private final Cache<String, Optional<Schema>> known = Caffeine.newBuilder()
            .maximumSize(1_000)
            .expireAfterWrite(Duration.ofSeconds(2))
            .build();

    /** Reads schemas from the registry of the given database. */
    public PayloadSchemas(ApiDatabase database) {
        this.database = database;
    }

    /**
     * Returns if the payload fits, or its type has no schema.
     *
     * @param payload JSON text
     * @param pointer JSON pointer to the payload within the body
     * @throws Problem naming the place that does not fit
     */
    public void check(String eventType, String payload, String pointer) throws SQLException {
        Optional<Schema> schema = known.getIfPresent(eventType);
        if (schema == null) {
            schema = database.one(READ, eventType).map(PayloadSchemas::compile);
            known.put(eventType, schema);
        }
        if (schema.isPresent()) {
            List<Error> errors = schema.get().validate(payload, InputFormat.JSON);
            if (!errors.isEmpty()) {
                Error first = errors.get(0);
                throw Problem.invalid(pointer + first.getInstanceLocation(), first.getMessage());
            }
        }
    }

    /**
     * Compiles a schema.
     *
     * @throws Problem if it is none
     */
    static Schema compile(String schema) {
        try {
            Schema compiled = REGISTRY.getSchema(schema, InputFormat.JSON);
            compiled.initializeValidators();
            return compiled;
        } catch (SchemaException e) {
            throw Problem.invalid(
                    "/schema",
                    e.getCause() instanceof FileNotFoundException
                            ? "schema is no JSON Schema on its own: it refers to another document, and nothing is fetched"
                            : "schema is no JSON Schema of the draft 2020-12");
        }
    }
}
