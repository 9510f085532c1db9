package dev.posthorn.integrations.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.TestContext;
import dev.posthorn.integrations.conformance.ConformanceReport.Finding;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordReader;
import dev.posthorn.integrations.connector.SourceRecord;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.IntNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.StringNode;

/** A connector that does as it must, and what is found of others that do not. */
class ConformanceTest {
    private final TestContext contexts = new TestContext();

    @AfterEach
    void close() {
        contexts.close();
    }

    // region guide
    private ConformanceReport examine(PullConnector connector) throws InterruptedException {
        JsonNode configuration = JsonNodeFactory.instance.objectNode().put("end", 5);
        return new PullConformance(
                        connector,
                        configuration,
                        Map.of("password", "open sesame"),
                        contexts.network(),
                        Clock.systemUTC())
                .examine();
    }

    @Test
    void the_counter_conforms() throws Exception {
        ConformanceReport report = examine(new CounterConnector());

        assertThat(report.conforms()).as(report.toString()).isTrue();
    }
    // endregion

    private List<String> broken(PullConnector connector) throws InterruptedException {
        return examine(connector).findings().stream().map(Finding::rule).toList();
    }

    @Test
    void one_that_loses_records_after_a_cursor_is_found() throws Exception {
        assertThat(broken(new Altered(batch -> new RecordBatch(
                        batch.records(),
                        List.of(),
                        batch.cursor() == null
                                ? null
                                : IntNode.valueOf(batch.cursor().asInt() + 1)))))
                .contains("reading goes on from every cursor without a loss");
    }

    @Test
    void one_whose_ids_or_cursors_pass_the_limits_is_found() throws Exception {
        String rule = "reading ends, and records, types, ids and cursors are within their limits";

        assertThat(broken(new Altered(
                        batch -> new RecordBatch(batch.records(), List.of(), StringNode.valueOf("x".repeat(70_000))))))
                .contains(rule);
        assertThat(broken(new Altered(
                        batch -> RecordBatch.of(List.of(SourceRecord.deleted("number", "a\0b")), batch.cursor()))))
                .contains(rule);
        assertThat(broken(new Altered(
                        batch -> RecordBatch.of(List.of(SourceRecord.deleted("A Number", "1")), batch.cursor()))))
                .contains(rule);
    }

    @Test
    void one_that_tells_a_secret_or_takes_any_is_found() throws Exception {
        String rule = "check() refuses wrong credentials as such, and no failure or log line tells them";

        assertThat(broken(new CounterConnector() {
                    @Override
                    public void check(ConnectorContext context) throws ConnectorException {
                        String password = context.credentials().require("password");
                        if (!password.equals("open sesame")) {
                            throw new ConnectorException(Failure.CREDENTIALS, "not " + password);
                        }
                    }
                }))
                .containsExactly(rule);
        assertThat(broken(new CounterConnector() {
                    @Override
                    public void check(ConnectorContext context) {}
                }))
                .contains(rule, "check() refuses missing credentials as such");
    }

    @Test
    void one_that_swallows_an_interrupt_is_found() throws Exception {
        assertThat(broken(new Altered(batch -> {
                    boolean unused = Thread.interrupted();
                    return batch;
                })))
                .containsExactly("an interrupt ends a call at once or stays set");
    }

    @Test
    void one_whose_readers_share_state_is_found() throws Exception {
        List<Integer> shared = new ArrayList<>();
        assertThat(broken(new Altered(batch -> {
                    shared.add(1);
                    return RecordBatch.of(
                            List.of(SourceRecord.deleted("number", Integer.toString(shared.size()))), batch.cursor());
                })))
                .contains("two readers do not disturb each other");
    }

    /** The counter with other batches. */
    private static final class Altered extends CounterConnector {
        private final UnaryOperator<RecordBatch> change;

        Altered(UnaryOperator<RecordBatch> change) {
            this.change = change;
        }

        @Override
        public RecordReader open(ConnectorContext context, @Nullable JsonNode cursor) {
            RecordReader reader = super.open(context, cursor);
            return new RecordReader() {
                @Override
                public @Nullable RecordBatch next() throws ConnectorException, InterruptedException {
                    RecordBatch batch = reader.next();
                    return batch == null ? null : change.apply(batch);
                }

                @Override
                public void close() {
                    reader.close();
                }
            };
        }
    }
}
