package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.signing.WebhookVerificationException;
import dev.posthorn.signing.WebhookVerifier;
import dev.posthorn.testkit.TestReceiver.Answer;
import dev.posthorn.testkit.TestReceiver.Received;
import dev.posthorn.vault.EndpointSecret;
import dev.posthorn.vault.EndpointSecrets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Secrets that change while deliveries flow. */
class RotationTest {
    private static final int ROTATIONS = 10;

    private final EngineFixture world = new EngineFixture();
    private final ServiceSession session = new ServiceSession(world.database.dataSource());
    private final EndpointSecrets secrets = new EndpointSecrets(world.masterKey);

    @AfterEach
    void close() {
        world.close();
    }

    /** A receiver that holds one secret at a time, and changes over in the middle of each overlap. */
    private static final class StrictReceiver {
        private volatile WebhookSecret held;
        private final AtomicInteger refused = new AtomicInteger();
        /** By id: a node that was paused may have sent one twice. */
        private final Set<String> ids = ConcurrentHashMap.newKeySet();

        StrictReceiver(WebhookSecret first) {
            this.held = first;
        }

        int taken() {
            return ids.size();
        }

        Answer answer(Received request) {
            try {
                new WebhookVerifier(List.of(held))
                        .verify(
                                request.header("webhook-id"),
                                request.header("webhook-timestamp"),
                                request.header("webhook-signature"),
                                request.body());
                ids.add(request.header("posthorn-delivery-id"));
                return Answer.of(204);
            } catch (WebhookVerificationException e) {
                refused.incrementAndGet();
                return Answer.of(401);
            }
        }
    }

    private List<EndpointSecret> rotate(UUID endpoint, Duration overlap) throws SQLException {
        return session.durably(connection -> secrets.rotate(connection, endpoint, overlap));
    }

    @Test
    void ten_rotations_at_full_rate_refuse_not_one_delivery() throws Exception {
        UUID endpoint = UUID.fromString(world.endpoint("/hook", ", max_in_flight", ", 64"));
        StrictReceiver receiver = new StrictReceiver(session.durably(connection -> secrets.read(connection, endpoint))
                .get(0)
                .secret());
        world.receiver.answer(receiver::answer);
        AtomicBoolean feeding = new AtomicBoolean(true);
        AtomicInteger queued = new AtomicInteger();
        try (DeliveryEngine engine = world.engine().build()) {
            engine.start();
            Thread feeder = Thread.ofVirtual().start(() -> {
                while (feeding.get()) {
                    if (queued.get() - receiver.taken() - receiver.refused.get() < 500) {
                        world.database.one(
                                "SET ROLE posthorn_service; SELECT count(q.event_id) FROM generate_series(1, 50) AS n CROSS JOIN LATERAL"
                                        + " posthorn.queue_webhook('ext:acme', 'payment.received', to_jsonb(n)) AS q");
                        queued.addAndGet(50);
                    } else {
                        pause();
                    }
                }
            });
            for (int rotation = 0; rotation < ROTATIONS; rotation++) {
                List<EndpointSecret> both = rotate(endpoint, Duration.ofDays(1));
                // What was claimed before the rotation has left with the old signature alone; it is verified with the
                // old secret still.
                awaitTaken(receiver, receiver.taken() + 600);
                receiver.held = both.get(0).secret();
                awaitTaken(receiver, receiver.taken() + 100);
            }
            feeding.set(false);
            feeder.join();
            awaitTaken(receiver, queued.get());
        }
        assertThat(receiver.refused).hasValue(0);
        assertThat(receiver.taken()).isEqualTo(queued.get()).isGreaterThanOrEqualTo(ROTATIONS * 700);
        assertThat(world.database.one("SELECT count(*) FROM posthorn.webhook_attempt_log WHERE outcome = 'failed'"))
                .isEqualTo("0");
        assertThat(world.invariants()).isEmpty();
    }

    private static void awaitTaken(StrictReceiver receiver, int many) {
        long end = System.nanoTime() + Duration.ofMinutes(3).toNanos();
        while (receiver.taken() < many && receiver.refused.get() == 0) {
            assertThat(System.nanoTime()).as("taken " + receiver.taken()).isLessThan(end);
            pause();
        }
    }

    private static void pause() {
        LockSupport.parkNanos(5_000_000);
    }

    @Test
    void no_more_secrets_are_in_use_at_once_than_a_header_holds() throws Exception {
        UUID endpoint = UUID.fromString(world.endpoint("/hook"));
        session.durably(connection -> secrets.read(connection, endpoint));
        session.durably(connection -> secrets.readKeyPairs(connection, endpoint));
        for (int i = 2; i <= 16; i++) {
            assertThat(rotate(endpoint, Duration.ofHours(1))).hasSize(i);
            session.durably(connection -> secrets.rotateKeyPair(connection, endpoint, Duration.ofHours(1)));
        }
        assertThatThrownBy(() -> rotate(endpoint, Duration.ofHours(1)))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("at most 16 secrets");
        assertThatThrownBy(() ->
                        session.durably(connection -> secrets.rotateKeyPair(connection, endpoint, Duration.ofHours(1))))
                .hasMessageContaining("at most 16 secrets");
        world.database.administrate("UPDATE posthorn.webhook_endpoints SET signature_schemes = '{v1,v1a,stripe}'");
        try (DeliveryEngine engine = world.engine().build()) {
            world.queue("payment.received", "{}");
            engine.runDueOnce();
        }
        Received fullest = world.receiver.received().get(0);
        assertThat(fullest.header("webhook-signature").split(" ", -1)).hasSize(32);
        assertThat(fullest.header("webhook-signature").length()
                        + fullest.header("posthorn-signature").length())
                .isLessThan(4096);
        // An end to the older ones makes room.
        assertThat(rotate(endpoint, Duration.ZERO)).hasSize(1);
        assertThat(rotate(endpoint, Duration.ofHours(1))).hasSize(2);
    }
}
