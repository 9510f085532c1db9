package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.claim.DeliveryClaimer;
import dev.posthorn.delivery.claim.Lease;
import dev.posthorn.delivery.endpoint.EndpointProfiles;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.send.RequestSender;
import dev.posthorn.delivery.settle.OutcomeRecorder;
import dev.posthorn.delivery.settle.SettledDelivery;
import dev.posthorn.delivery.sign.RequestSigner;
import dev.posthorn.delivery.upkeep.Heartbeat;
import dev.posthorn.delivery.upkeep.HeldDeliveries;
import dev.posthorn.vault.VaultException;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
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
    private final OutcomeRecorder recorder;
    private final DeliveryListener listener;

    Flow(
            Heartbeat heartbeat,
            HeldDeliveries held,
            DeliveryClaimer claimer,
            EndpointProfiles profiles,
            RequestSigner signer,
            RequestSender sender,
            OutcomeRecorder recorder,
            DeliveryListener listener) {
        this.heartbeat = heartbeat;
        this.held = held;
        this.claimer = claimer;
        this.profiles = profiles;
        this.signer = signer;
        this.sender = sender;
        this.recorder = recorder;
        this.listener = listener;
    }

    /**
     * Looks where something may be claimable, where it is time to look.
     *
     * @return whether a claim may find something
     */
    boolean look(boolean woken, boolean sweep) throws SQLException {
        return claimer.look(woken, sweep);
    }

    /** Says that deliveries are no longer under way: for each the lane that it was taken from. */
    void ended(Collection<UUID> lanes) {
        claimer.ended(lanes);
    }

    long untilNextOpening(long atMostMillis) {
        return claimer.untilNextOpening(atMostMillis);
    }

    List<ClaimedDelivery> claim(int limit) throws SQLException {
        Lease lease = heartbeat.nextLease();
        return held(lease, claimer.claim(lease, limit));
    }

    List<ClaimedDelivery> claimProbes(int limit) throws SQLException {
        Lease lease = heartbeat.nextLease();
        return held(lease, claimer.claimProbes(lease, limit));
    }

    private List<ClaimedDelivery> held(Lease lease, List<ClaimedDelivery> claimed) {
        held.add(lease, claimed);
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
            return new AttemptOutcome.Unsent(delivery, "the lease may have ended");
        }
        try {
            return sender.send(signer.sign(delivery));
        } catch (SQLException | VaultException e) {
            return new AttemptOutcome.Unsent(delivery, "it could not be signed: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new AttemptOutcome.Unsent(delivery, "this node stops");
        } catch (RuntimeException e) {
            // Counts as an attempt, so that what always breaks us does not go round for ever.
            LOG.error("delivery {} could not be sent", delivery.id(), e);
            return new AttemptOutcome.Unanswered(delivery, "internal", "it could not be sent", 0);
        }
    }

    void settle(List<AttemptOutcome> outcomes) throws SQLException {
        List<SettledDelivery> settled = recorder.record(outcomes);
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
