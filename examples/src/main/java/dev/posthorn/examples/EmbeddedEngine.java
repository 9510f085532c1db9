package dev.posthorn.examples;

import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.delivery.settle.SettledDelivery;
import dev.posthorn.schema.Migrator;
import dev.posthorn.vault.MasterKeyset;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;

/** The engine inside an application of one's own: the application's DataSource in, nothing else running. */
public final class EmbeddedEngine {
    private EmbeddedEngine() {}

    /**
     * Queues an event together with a change of the application's own, and sends it.
     *
     * @param receiver URL of an endpoint; its network is allowed although it is not public
     * @return the status of the delivery
     */
    public static String run(DataSource database, MasterKeyset masterKey, String receiver) throws SQLException {
        new Migrator(database).migrate();
        CompletableFuture<String> status = new CompletableFuture<>();
        DeliveryListener listener = new DeliveryListener() {
            @Override
            public void settled(SettledDelivery delivery) {
                status.complete(delivery.status());
            }
        };
        try (DeliveryEngine engine = DeliveryEngine.builder(database, masterKey)
                .addresses(AddressPolicy.allowing(List.of("127.0.0.0/8")))
                .listener(listener)
                .build()) {
            engine.start();
            try (Connection connection = database.getConnection()) {
                connection.setAutoCommit(false);
                execute(connection, "CREATE TABLE IF NOT EXISTS payments (amount numeric)");
                execute(connection, "INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme')");
                execute(
                        connection,
                        "INSERT INTO posthorn.webhook_endpoints (community_id, url)"
                                + " SELECT id, ? FROM posthorn.communities WHERE external_id = 'acme'",
                        receiver);
                // The event exists if and only if the payment does.
                execute(connection, "INSERT INTO payments VALUES (120.50)");
                execute(
                        connection,
                        "SELECT posthorn.queue_webhook('ext:acme', 'payment.received', '{\"amount\": 120.50}')");
                connection.commit();
            }
            return status.completeOnTimeout("nothing within 30 seconds", 30, TimeUnit.SECONDS)
                    .join();
        }
    }

    private static void execute(Connection connection, String sql, String... arguments) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                statement.setString(i + 1, arguments[i]);
            }
            statement.execute();
        }
    }
}
