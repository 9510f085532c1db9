package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.claim.DeliveryClaimer;
import dev.posthorn.delivery.claim.HeldDeliveries;
import dev.posthorn.delivery.endpoint.EndpointProfiles;
import dev.posthorn.delivery.outage.Fault;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.send.RequestSender;
import dev.posthorn.delivery.settle.OutcomeRecorder;
import dev.posthorn.delivery.settle.SettledDelivery;
import dev.posthorn.delivery.sign.RequestSigner;
import dev.posthorn.delivery.upkeep.Heartbeat;
import dev.posthorn.vault.VaultException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The way of a delivery through this node: claim, sign, send, settle. Thread-safe, except that one thread claims. */
final class Flow {
    private static final Logger LOG = LoggerFactory.getLogger(Flow.class);

    private final Heartbeat heartbeat;
    private final HeldDeliveries held;
    private final DeliveryClaimer claimer;
    private final EndpointProfiles profiles;
    private final RequestSigner signer;
    private final RequestSender sender;
    private final OwnSide ownSide;
    private final OutcomeRecorder recorder;
    private final DeliveryListener listener;

    Flow(
            Heartbeat heartbeat,
            HeldDeliveries held,
            DeliveryClaimer claimer,
            EndpointProfiles profiles,
            RequestSigner signer,
            RequestSender sender,
            OwnSide ownSide,
            OutcomeRecorder recorder,
            DeliveryListener listener) {
        this.heartbeat = heartbeat;
        this.held = held;
        this.claimer = claimer;
        this.profiles = profiles;
        this.signer = signer;
        this.sender = sender;
        this.ownSide = ownSide;
        this.recorder = recorder;
        this.listener = listener;
    }

    /**
     * Looks where something may be claimable, where it is time to look.
     *
     * @return whether a claim may find something
     */
    boolean look(boolean now) throws SQLException {
        return claimer.look(now);
    }

    /** How many nanoseconds until it is time to look again; not above 0 if it is. */
    long nanosUntilLook() {
        return claimer.nanosUntilLook();
    }

    /** Says that deliveries are no longer under way: for each the lane that it was taken from. */
    void ended(Collection<UUID> lanes) {
        claimer.ended(lanes);
    }

    /** Whether something on our own side keeps us from sending anything. */
    boolean isCutOff() {
        return ownSide.trouble().isPresent();
    }

    long untilNextOpening(long atMostMillis) {
        return claimer.untilNextOpening(atMostMillis);
    }

    List<ClaimedDelivery> lookAndClaim(int limit, boolean now) throws SQLException {
        return prepared(claimer.lookAndClaim(heartbeat.nextLease(), limit, now));
    }

    List<ClaimedDelivery> claimProbes(int limit) throws SQLException {
        return prepared(claimer.claimProbes(heartbeat.nextLease(), limit));
    }

    private List<ClaimedDelivery> prepared(List<ClaimedDelivery> claimed) {
        try {
            profiles.prepare(claimed);
        } catch (SQLException | VaultException e) {
            LOG.debug("secrets are read one by one", e);
        }
        return claimed;
    }

    /** Signs and sends; whatever happens, there is an outcome. */
    AttemptOutcome attempt(ClaimedDelivery delivery) {
        if (!heartbeat.holds(delivery.lease())) {
            return AttemptOutcome.Unsent.untried(delivery, "the lease may have ended");
        }
        Optional<Fault> trouble = ownSide.trouble();
        if (trouble.isPresent()) {
            return AttemptOutcome.Unsent.untried(delivery, trouble.get().sentence());
        }
        try {
            return sender.send(signer.sign(delivery));
        } catch (SQLException | VaultException e) {
            return AttemptOutcome.Unsent.untried(delivery, "it could not be signed: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return AttemptOutcome.Unsent.untried(delivery, "this node stops");
        } catch (RuntimeException e) {
            // Counts as an attempt, so that what always breaks us does not go round for ever.
            LOG.error("delivery {} could not be sent", delivery.id(), e);
            return new AttemptOutcome.Unanswered(delivery, "internal", "it could not be sent", 0);
        }
    }

    /** Those of the endpoints of which results can be recorded now. */
    Set<UUID> unlocked(Set<UUID> endpoints) throws SQLException {
        return recorder.unlocked(endpoints);
    }

    /** @param patience how long to wait for each row that somebody else has locked; zero: without end */
    void settle(List<AttemptOutcome> outcomes, Duration patience) throws SQLException {
        List<SettledDelivery> settled = recorder.record(outcomes, patience);
        held.remove(outcomes.stream().map(AttemptOutcome::delivery).toList());
        for (SettledDelivery delivery : settled) {
            try {
                listener.settled(delivery);
            } catch (RuntimeException e) {
                LOG.warn("the listener failed", e);
            }
        }
    }
}
