package dev.posthorn.integrations.run;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.RunLog;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Asks a connector whether an integration works. Thread-safe. */
public final class ConnectionCheck {
    private static final Logger LOG = LoggerFactory.getLogger(ConnectionCheck.class);
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final PresentIntegrations integrations;
    private final Contexts contexts;

    /**
     * What came of it.
     *
     * @param failure null if all is well
     * @param message one sentence
     * @param log what the connector had to say
     */
    public record Outcome(@Nullable Failure failure, String message, List<String> log) {}

    /** Checks those that are there. */
    public ConnectionCheck(PresentIntegrations integrations, Contexts contexts) {
        this.integrations = integrations;
        this.contexts = contexts;
    }

    /** Checks one, within 30 seconds; empty if there is none. */
    public Optional<Outcome> check(UUID integration) throws SQLException, InterruptedException {
        Optional<PresentIntegration> found = integrations.find(integration);
        return found.isPresent() ? Optional.of(check(found.get())) : Optional.empty();
    }

    private Outcome check(PresentIntegration integration) throws InterruptedException {
        List<String> lines = Collections.synchronizedList(new ArrayList<>());
        CompletableFuture<Outcome> answer = new CompletableFuture<>();
        Thread asking = Thread.ofVirtual().name("posthorn-check").start(() -> answer.complete(ask(integration, lines)));
        try {
            return answer.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            asking.interrupt();
            return new Outcome(
                    Failure.UNAVAILABLE, "there was no answer within " + LIMIT.toSeconds() + " s", List.copyOf(lines));
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private Outcome ask(PresentIntegration integration, List<String> lines) {
        Masking masking = null;
        try {
            Contexts.Prepared prepared = contexts.prepare(integration);
            masking = prepared.masking();
            Masking present = masking;
            prepared.connector().check(prepared.context(new RunLog() {
                @Override
                public void info(String line) {
                    lines.add(present.apply(line));
                }

                @Override
                public void warn(String line) {
                    lines.add(present.apply(line));
                }
            }));
            return new Outcome(null, "it works", List.copyOf(lines));
        } catch (ConnectorException e) {
            String sentence = masking == null ? e.sentence() : masking.apply(e.sentence());
            return new Outcome(e.failure(), sentence, List.copyOf(lines));
        } catch (InterruptedException e) {
            return new Outcome(Failure.UNAVAILABLE, "it took too long", List.copyOf(lines));
        } catch (RuntimeException | LinkageError e) {
            LOG.warn("the check of integration {} failed for a defect", integration.id(), e);
            return new Outcome(
                    Failure.INTERNAL, "something went wrong here; the server's log says what", List.copyOf(lines));
        }
    }
}
