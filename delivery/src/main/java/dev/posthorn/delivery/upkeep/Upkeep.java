package dev.posthorn.delivery.upkeep;

import dev.posthorn.delivery.claim.HeldDeliveries;
import dev.posthorn.delivery.claim.Lease;
import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.delivery.settle.OutcomeRecorder;
import dev.posthorn.vault.EndpointSecrets;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The chores beside the flow. Each is one short transaction. Thread-safe. */
public final class Upkeep {
    private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);
    private static final int BATCH = 1000;
    private static final String PATIENCE = "SET LOCAL lock_timeout = '1s'";
    private static final String SETTLE_BACKLOGS = "SELECT posthorn.settle_backlogs(" + BATCH + ")";
    private static final int REDELIVERY_BATCH = 500;
    private static final int MOST_REDELIVERY_BATCHES = 20;
    private static final String ADVANCE_REDELIVERY =
            "SELECT posthorn.advance_webhook_redelivery(" + REDELIVERY_BATCH + ")";
    private static final String RESCUE = "SELECT posthorn.rescue_lost_leases()";
    private static final String RETURN_UNHELD = "SELECT posthorn.return_unheld_leases(?, ?, ?)";
    private static final String MAINTAIN = "SELECT task, rows FROM posthorn.maintain_all_but_retention()";
    private static final String FORGET_LANE_TURNS = "SELECT posthorn.forget_lane_turns()";
    private static final String RETIRE_DAYS = "SELECT posthorn.retire_days()";

    private final ServiceSession session;
    private final EndpointSecrets secrets;

    /** Works over the given session and vault. */
    public Upkeep(ServiceSession session, EndpointSecrets secrets) {
        this.session = session;
        this.secrets = secrets;
    }

    /** Makes secrets for endpoints that have none; returns for how many. */
    public int ensureSecrets() throws SQLException {
        return session.durably(connection -> secrets.ensure(connection, BATCH));
    }

    /** Parks, brings back or ends what waits for endpoints that were switched. Returns how many deliveries moved. */
    public int settleBacklogs() throws SQLException {
        int moved;
        int all = 0;
        do {
            moved = number(SETTLE_BACKLOGS);
            all += moved;
        } while (moved == BATCH);
        return all;
    }

    /** Carries redelivery jobs further; returns how many events were looked at. */
    public int advanceRedeliveries() throws SQLException {
        int all = 0;
        for (int batch = 0; batch < MOST_REDELIVERY_BATCHES; batch++) {
            int examined = number(ADVANCE_REDELIVERY);
            all += examined;
            if (examined == 0) {
                break;
            }
        }
        return all;
    }

    /** Brings back what lost dispatchers had claimed; returns how many. */
    public int rescueLostLeases() throws SQLException {
        return number(RESCUE);
    }

    /** Tells the database what this node holds, so that what it does not hold returns; returns how many did. */
    public int returnUnheld(HeldDeliveries held) throws SQLException {
        // The lease first: what is claimed after it is not spoken of.
        Lease newest = held.newestLease();
        UUID[] ids = held.ids();
        return session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(RETURN_UNHELD)) {
                statement.setObject(1, newest.dispatcher());
                statement.setArray(2, connection.createArrayOf("uuid", ids));
                statement.setLong(3, newest.number());
                try (ResultSet row = statement.executeQuery()) {
                    return row.next() ? row.getInt(1) : 0;
                }
            }
        });
    }

    /** All upkeep that the database does itself; apart what keeps locks that others feel, so that it does not wait for anything with them. */
    public void maintain() throws SQLException {
        impatiently(connection -> {
            try (Statement statement = connection.createStatement()) {
                statement.execute(MAINTAIN);
                return 0;
            }
        });
        number(FORGET_LANE_TURNS);
        number(RETIRE_DAYS);
    }

    private int number(String sql) throws SQLException {
        return impatiently(connection -> {
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(sql)) {
                return row.next() ? row.getInt(1) : 0;
            }
        });
    }

    /** What somebody has locked is done next time: all chores share a thread, that of lost leases among them. */
    private int impatiently(ServiceSession.Work<Integer> chore) throws SQLException {
        try {
            return session.repeatably(connection -> {
                try (Statement statement = connection.createStatement()) {
                    statement.execute(PATIENCE);
                }
                return chore.on(connection);
            });
        } catch (SQLException e) {
            if (OutcomeRecorder.isLocked(e)) {
                LOG.debug("something is locked; it is tried again", e);
                return 0;
            }
            throw e;
        }
    }
}
