package dev.posthorn.server.node;

import dev.posthorn.delivery.background.BackgroundLoop;
import dev.posthorn.delivery.background.Signal;
import dev.posthorn.vault.Vault;
import java.time.Duration;

/** Deletes once a minute what stores outside of the database keep for endpoints and integrations that are gone. Thread-safe. */
final class OrphanedSecrets implements AutoCloseable {
    private static final Duration PAUSE = Duration.ofMinutes(1);
    private static final Duration TO_END = Duration.ofSeconds(5);

    private final Signal closing = new Signal();
    private final BackgroundLoop loop;

    private OrphanedSecrets(Vault vault) {
        loop = new BackgroundLoop(
                "orphaned-secrets",
                () -> {
                    vault.deleteOrphans();
                    closing.await(PAUSE);
                },
                (what, failure) -> {});
    }

    /** Begins at once. */
    static OrphanedSecrets deletedFrom(Vault vault) {
        OrphanedSecrets orphans = new OrphanedSecrets(vault);
        orphans.loop.start();
        return orphans;
    }

    @Override
    public void close() {
        loop.end();
        closing.give();
        try {
            loop.stop(TO_END);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
