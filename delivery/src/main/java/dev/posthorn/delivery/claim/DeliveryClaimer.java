package dev.posthorn.delivery.claim;

import dev.posthorn.delivery.session.ServiceSession;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Leases due deliveries in batches, lane after lane. For one thread: that of the dispatcher. */
public final class DeliveryClaimer {
    private static final String CLAIM = """
            SELECT delivery_id, event_id, community_id, endpoint_id, event_type, attempt, claimed_at, url, payload_format, body,
                   secret_version, timeout_seconds
            FROM posthorn.claim_webhook_deliveries(?, ?, ?, ?)
            """;

    private final ServiceSession session;
    private @Nullable UUID lastLane;

    /** Claims over the given session. */
    public DeliveryClaimer(ServiceSession session) {
        this.session = session;
    }

    /**
     * Claims at most so many deliveries; none if nothing is due or every endpoint has as many under way as it allows.
     *
     * @throws SQLException with state PH007 if the dispatcher is no longer signed on
     */
    public List<ClaimedDelivery> claim(Lease lease, int limit) throws SQLException {
        List<ClaimedDelivery> claimed = session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(CLAIM)) {
                statement.setObject(1, lease.dispatcher());
                statement.setLong(2, lease.number());
                statement.setInt(3, limit);
                if (lastLane == null) {
                    statement.setNull(4, Types.OTHER, "uuid");
                } else {
                    statement.setObject(4, lastLane);
                }
                try (ResultSet row = statement.executeQuery()) {
                    long now = System.nanoTime();
                    List<ClaimedDelivery> deliveries = new ArrayList<>();
                    while (row.next()) {
                        deliveries.add(read(row, lease, now));
                    }
                    return deliveries;
                }
            }
        });
        if (!claimed.isEmpty()) {
            lastLane = claimed.get(claimed.size() - 1).endpointId();
        }
        return claimed;
    }

    private static ClaimedDelivery read(ResultSet row, Lease lease, long now) throws SQLException {
        return new ClaimedDelivery(
                row.getObject(1, UUID.class),
                lease,
                row.getObject(2, UUID.class),
                row.getObject(3, UUID.class),
                row.getObject(4, UUID.class),
                row.getString(5),
                row.getInt(6),
                row.getObject(7, OffsetDateTime.class).toInstant(),
                now,
                row.getString(8),
                row.getString(9),
                row.getString(10),
                row.getInt(11),
                row.getInt(12));
    }
}
