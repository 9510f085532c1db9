package dev.posthorn.integrations.conformance;

import static dev.posthorn.integrations.conformance.Examination.require;

import dev.posthorn.integrations.conformance.Examination.BrokenException;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.Outbound;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordReader;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Examines a connector that pulls, against a source that its author provides.
 *
 * @param connector to be examined
 * @param configuration under which it reads the source; a JSON object
 * @param credentials with which it may; where there are some, others must be refused
 * @param network through which the source can be reached
 * @param clock that it is given
 */
public record PullConformance(
        PullConnector connector,
        JsonNode configuration,
        Map<String, String> credentials,
        Outbound network,
        Clock clock) {
    private static final int MOST_RESUMED = 20;
    private static final int MOST_BATCHES = 10_000;

    /** Keeps a copy of the credentials. */
    public PullConformance {
        credentials = Map.copyOf(credentials);
    }

    /**
     * Checks every rule. The source must give the same records all the while; three batches or more show most. Takes a minute at most for
     * each rule.
     */
    public ConformanceReport examine() throws InterruptedException {
        Examination examination = new Examination();
        ObjectNode texts = JsonNodeFactory.instance.objectNode();
        credentials.forEach(texts::put);
        DescriptionRules.check(examination, connector, configuration, texts);
        JsonNode before = configuration.deepCopy();
        examination.rule("check() passes where all is well", () -> connector.check(context(credentials)));
        credentials(examination);
        List<RecordBatch> whole = new ArrayList<>();
        examination.rule("reading ends, and records, types, ids and cursors are within their limits", () -> {
            whole.addAll(read(null, true));
            for (RecordBatch batch : whole) {
                RecordRules.batch(batch);
            }
            require(!RecordRules.saved(whole).isEmpty(), "the source gave no record, which shows nothing");
        });
        if (!whole.isEmpty()) {
            reading(examination, whole);
        }
        examination.rule(
                "the configuration is not changed",
                () -> require(before.equals(configuration), "it is another one than before"));
        return examination.report();
    }

    private void credentials(Examination examination) throws InterruptedException {
        String wrong = "check() refuses wrong credentials as such, and no failure or log line tells them";
        String missing = "check() refuses missing credentials as such";
        if (credentials.isEmpty()) {
            examination.skip(wrong, "the sample has none");
            examination.skip(missing, "the sample has none");
            return;
        }
        examination.rule(
                wrong,
                () -> refused(
                        credentials.keySet().stream().collect(Collectors.toMap(name -> name, Surroundings::canary))));
        examination.rule(missing, () -> refused(Map.of()));
    }

    private void refused(Map<String, String> others) throws BrokenException, InterruptedException {
        Surroundings surroundings = new Surroundings(configuration, network, clock);
        try {
            connector.check(surroundings.with(Credentials.of(others)));
        } catch (ConnectorException e) {
            surroundings.requireSecrecy(e);
            require(e.failure() == Failure.CREDENTIALS, "said " + e.failure() + ": " + e.sentence());
            return;
        }
        throw new BrokenException("they were not refused");
    }

    private void reading(Examination examination, List<RecordBatch> whole) throws InterruptedException {
        JsonNode last = whole.get(whole.size() - 1).cursor();
        examination.rule("reading goes on from every cursor without a loss", () -> resume(whole));
        examination.rule("two readers do not disturb each other", () -> interleaved(whole));
        examination.rule("a snapshot ends without a cursor", () -> {
            try (RecordReader reader = connector.open(context(credentials), null)) {
                require(!reader.isSnapshot() || last == null, "its last batch has a cursor");
            }
        });
        examination.rule("a run after the last one reads without failing", () -> read(last, false));
        examination.rule("a reader can be closed twice, unread and read", () -> {
            RecordReader reader = connector.open(context(credentials), null);
            reader.close();
            reader.close();
            read(null, true);
        });
        examination.rule("an interrupt ends a call at once or stays set", this::interrupted);
    }

    private void resume(List<RecordBatch> whole) throws Exception {
        Map<String, String> all = RecordRules.saved(whole);
        int step = Math.max(1, whole.size() / MOST_RESUMED);
        for (int i = 0; i < whole.size() - 1; i += step) {
            JsonNode cursor = whole.get(i).cursor();
            Map<String, String> resumed = RecordRules.saved(read(cursor, false));
            Map<String, String> rest = RecordRules.saved(whole.subList(i + 1, whole.size()));
            for (Map.Entry<String, String> each : rest.entrySet()) {
                require(
                        each.getValue().equals(resumed.get(each.getKey())),
                        "after batch " + (i + 1) + " of " + whole.size() + " " + each.getKey()
                                + " is missing or another");
            }
            require(
                    all.keySet().containsAll(resumed.keySet()),
                    "after batch " + (i + 1) + " there are records that were not there before");
        }
    }

    private void interleaved(List<RecordBatch> whole) throws Exception {
        List<RecordBatch> one = new ArrayList<>();
        List<RecordBatch> other = new ArrayList<>();
        try (RecordReader first = connector.open(context(credentials), null);
                RecordReader second = connector.open(context(credentials), null)) {
            boolean more = true;
            while (more) {
                more = add(first, one);
                more |= add(second, other);
            }
        }
        Map<String, String> all = RecordRules.saved(whole);
        require(RecordRules.saved(one).equals(all), "the first one read something else than a reader that is alone");
        require(RecordRules.saved(other).equals(all), "the second one read something else than a reader that is alone");
    }

    private static boolean add(RecordReader reader, List<RecordBatch> batches) throws Exception {
        RecordBatch batch = reader.next();
        if (batch != null) {
            batches.add(batch);
        }
        return batch != null;
    }

    private void interrupted() throws Exception {
        Thread.currentThread().interrupt();
        try (RecordReader reader = connector.open(context(credentials), null)) {
            reader.next();
        } catch (InterruptedException asItShould) {
            return;
        } catch (ConnectorException e) {
            throw new BrokenException("it became a failure of class " + e.failure() + ", for which nobody is to blame");
        }
        require(Thread.interrupted(), "it was swallowed");
    }

    /** Reads to the end. */
    private List<RecordBatch> read(@Nullable JsonNode cursor, boolean closeTwice) throws Exception {
        JsonNode given = cursor == null ? null : RecordRules.stored(cursor);
        JsonNode before = given == null ? null : given.deepCopy();
        List<RecordBatch> batches = new ArrayList<>();
        RecordReader reader = connector.open(context(credentials), given);
        try (reader) {
            while (add(reader, batches)) {
                require(batches.size() < MOST_BATCHES, "there are more than " + MOST_BATCHES + " batches");
            }
            require(reader.next() == null, "after its end a reader gave another batch");
            if (closeTwice) {
                reader.close();
            }
        }
        require(given == null || given.equals(before), "the cursor that was given has been changed");
        return batches;
    }

    private ConnectorContext context(Map<String, String> values) {
        return new Surroundings(configuration, network, clock).with(Credentials.of(values));
    }

    /** Prints no secret. */
    @Override
    public String toString() {
        return "conformance of " + connector.describe().name();
    }
}
