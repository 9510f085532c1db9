package dev.posthorn.delivery.session;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

class ServiceSessionTest {
    @Test
    void a_pool_that_has_nothing_left_is_heard_although_it_names_no_state() {
        ServiceSession session = new ServiceSession(new PGSimpleDataSource() {
            @Override
            public Connection getConnection() throws SQLException {
                throw new SQLTransientConnectionException("nothing left");
            }
        });
        assertThatThrownBy(() -> session.singly(connection -> true)).hasMessage("nothing left");
    }
}
