package dev.posthorn.integrations;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.OperatorSettings;
import dev.posthorn.integrations.connector.Outbound;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordReader;
import dev.posthorn.integrations.connector.RunLog;
import dev.posthorn.integrations.connector.SourceRecord;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs a pull connector as a sync would: each batch is saved with its cursor before the next is asked for. */
public final class ConnectorFixture implements AutoCloseable {
    public static final JsonMapper JSON = JsonMapper.builder().build();

    private final PullConnector connector;
    private final Outbound network;
    private final Map<String, String> credentials = new LinkedHashMap<>();
    private final Map<String, String> operator = new LinkedHashMap<>();
    private final List<String> log = new CopyOnWriteArrayList<>();
    private final Map<String, SourceRecord> saved = new LinkedHashMap<>();
    private final List<RecordBatch.Rejection> rejected = new ArrayList<>();
    private final List<Integer> batches = new ArrayList<>();
    private @Nullable JsonNode cursor;
    private int largestCursor;

    /** Only these targets may be reached, besides public ones. */
    public ConnectorFixture(PullConnector connector, String... allowed) {
        this.connector = connector;
        network = new Outbound(AddressPolicy.allowing(List.of(allowed)));
    }

    public ConnectorFixture credential(String name, String value) {
        credentials.put(name, value);
        return this;
    }

    public ConnectorFixture operator(String name, String value) {
        operator.put(name, value);
        return this;
    }

    public ConnectorContext context(String configuration) {
        return new ConnectorContext(
                UUID.fromString("0190b5a0-0000-7000-8000-000000000001"),
                JSON.readTree(configuration),
                Credentials.of(credentials),
                network,
                new RunLog() {
                    @Override
                    public void info(String line) {
                        log.add(line);
                    }

                    @Override
                    public void warn(String line) {
                        log.add("warn: " + line);
                    }
                },
                Clock.fixed(Instant.parse("2026-11-25T12:00:00Z"), ZoneOffset.UTC),
                new OperatorSettings(operator));
    }

    public void check(String configuration) throws ConnectorException, InterruptedException {
        connector.check(context(configuration));
    }

    /** One run; what was saved before it failed stays saved, and so does its cursor. */
    public Optional<ConnectorException> run(String configuration) throws InterruptedException {
        return run(configuration, true);
    }

    /** The same; may forget the records, where there are too many to keep. */
    public Optional<ConnectorException> run(String configuration, boolean keep) throws InterruptedException {
        try (RecordReader reader = connector.open(context(configuration), cursor)) {
            for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
                save(batch, keep);
            }
            return Optional.empty();
        } catch (ConnectorException e) {
            return Optional.of(e);
        }
    }

    /** A run that is killed after some batches. */
    public void runAndDieAfter(int batchesSaved, String configuration) throws ConnectorException, InterruptedException {
        try (RecordReader reader = connector.open(context(configuration), cursor)) {
            for (int i = 0; i < batchesSaved; i++) {
                RecordBatch batch = reader.next();
                if (batch == null) {
                    throw new AssertionError("there were only " + i + " batches");
                }
                save(batch, true);
            }
        }
    }

    private void save(RecordBatch batch, boolean keep) {
        batches.add(batch.records().size());
        rejected.addAll(batch.rejected());
        if (keep) {
            for (SourceRecord one : batch.records()) {
                saved.put(one.type() + ":" + one.externalId(), one);
            }
        }
        // As the database would keep it.
        String kept = JSON.writeValueAsString(batch.cursor());
        largestCursor = Math.max(largestCursor, kept.length());
        cursor = batch.cursor() == null ? null : JSON.readTree(kept);
    }

    public List<JsonNode> saved(String type) {
        List<JsonNode> records = new ArrayList<>();
        for (SourceRecord one : saved.values()) {
            if (one.type().equals(type) && one.data() != null) {
                records.add(one.data());
            }
        }
        return records;
    }

    public List<String> ids(String type) {
        return saved.values().stream()
                .filter(one -> one.type().equals(type))
                .map(SourceRecord::externalId)
                .toList();
    }

    public List<Integer> batches() {
        return batches;
    }

    public List<RecordBatch.Rejection> rejected() {
        return rejected;
    }

    public List<String> log() {
        return log;
    }

    public int largestCursor() {
        return largestCursor;
    }

    @Override
    public void close() {
        network.close();
    }
}
