package dev.posthorn.integrations.run;

import dev.posthorn.delivery.session.ServiceSession;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import java.util.UUID;

/** Looks integrations up for checks and pushes. Thread-safe. */
public final class PresentIntegrations {
    private static final String FIND = """
            SELECT c.community_id, c.connector, c.config::text, c.vault_secret_id,
                   CASE WHEN s.expires_at <= posthorn.clock_now() THEN NULL ELSE s.version END, c.paused_at IS NOT NULL
            FROM posthorn.integration_configs AS c
            LEFT JOIN posthorn.vault_secrets AS s ON s.id = c.vault_secret_id AND s.community_id = c.community_id
            WHERE c.id = ? AND c.deleted_at IS NULL
            """;

    private final ServiceSession session;

    /** Over the given session. */
    public PresentIntegrations(ServiceSession session) {
        this.session = session;
    }

    /** One of them; empty if there is none. */
    Optional<PresentIntegration> find(UUID integration) throws SQLException {
        return session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(FIND)) {
                statement.setObject(1, integration);
                try (ResultSet row = statement.executeQuery()) {
                    return row.next()
                            ? Optional.of(new PresentIntegration(
                                    integration,
                                    row.getObject(1, UUID.class),
                                    row.getString(2),
                                    row.getString(3),
                                    row.getObject(4, UUID.class),
                                    row.getObject(5, Integer.class),
                                    row.getBoolean(6)))
                            : Optional.empty();
                }
            }
        });
    }
}
