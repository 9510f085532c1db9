package dev.posthorn.server;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;

/** What is in the tables. */
final class TableDump {
    private TableDump() {}

    /** Every row of every table as text. */
    static String of(DataSource source) throws SQLException {
        StringBuilder dump = new StringBuilder();
        try (Connection connection = source.getConnection();
                Statement tables = connection.createStatement();
                Statement rows = connection.createStatement();
                var table =
                        tables.executeQuery("SELECT relname FROM pg_class WHERE relnamespace = 'posthorn'::regnamespace"
                                + " AND relkind IN ('r', 'p')")) {
            while (table.next()) {
                try (var row = rows.executeQuery("SELECT t::text FROM posthorn." + table.getString(1) + " AS t")) {
                    while (row.next()) {
                        dump.append(row.getString(1)).append('\n');
                    }
                }
            }
        }
        return dump.toString();
    }
}
