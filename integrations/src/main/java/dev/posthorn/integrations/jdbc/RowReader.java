package dev.posthorn.integrations.jdbc;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordBatch.Rejection;
import dev.posthorn.integrations.connector.RecordReader;
import dev.posthorn.integrations.connector.SourceRecord;
import dev.posthorn.integrations.jdbc.RowQuery.Place;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Rows as they come from a cursor of the database, so that a large table needs little memory on either side. */
final class RowReader implements RecordReader {
    private static final int LONGEST_ID = 512;

    private final Session session;
    private final JdbcConfiguration configuration;
    private final RowQuery query;
    private final PreparedStatement statement;
    private final ResultSet rows;
    private final boolean snapshot;
    private @Nullable Place place;
    private boolean more;

    private RowReader(
            Session session,
            JdbcConfiguration configuration,
            RowQuery query,
            PreparedStatement statement,
            @Nullable Place place)
            throws SQLException {
        this.session = session;
        this.configuration = configuration;
        this.query = query;
        this.statement = statement;
        this.snapshot = configuration.cursorColumn().isEmpty();
        this.place = place;
        rows = statement.executeQuery();
        more = rows.next();
    }

    /** Runs the query; the session is the reader's from then on. */
    static RowReader open(Session session, JdbcConfiguration configuration, @Nullable JsonNode cursor)
            throws ConnectorException, SQLException {
        RowQuery query = RowQuery.describe(session, configuration);
        Place place = cursor == null
                ? null
                : new Place(
                        cursor.path("value").asString(null), cursor.path("id").asString(null));
        PreparedStatement statement = query.prepare(overlapping(place, configuration));
        try {
            return new RowReader(session, configuration, query, statement, place);
        } catch (SQLException | RuntimeException e) {
            statement.close();
            throw e;
        }
    }

    /** A row that was committed after a later one was read stands behind the place; an overlap finds it. */
    private static @Nullable Place overlapping(@Nullable Place place, JdbcConfiguration configuration) {
        if (place == null || place.cursor() == null || configuration.overlap().isZero()) {
            return place;
        }
        String earlier = minus(place.cursor(), configuration.overlap());
        return earlier == null ? place : new Place(earlier, null);
    }

    private static @Nullable String minus(String time, Duration overlap) {
        try {
            return time.endsWith("Z")
                    ? Instant.parse(time).minus(overlap).toString()
                    : LocalDateTime.parse(time).minus(overlap).toString();
        } catch (java.time.DateTimeException e) {
            // Numbers have no overlap.
            return null;
        }
    }

    @Override
    public boolean isSnapshot() {
        return snapshot;
    }

    @Override
    public @Nullable RecordBatch next() throws ConnectorException, InterruptedException {
        if (!more) {
            return null;
        }
        try {
            List<SourceRecord> records = new ArrayList<>();
            List<Rejection> rejected = new ArrayList<>();
            int read = 0;
            while (more && read < configuration.fetchSize()) {
                readRow(records, rejected);
                read++;
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                more = rows.next();
            }
            return new RecordBatch(records, rejected, snapshot && !more ? null : cursor());
        } catch (SQLException e) {
            throw SqlFailures.of(e, configuration);
        }
    }

    private void readRow(List<SourceRecord> records, List<Rejection> rejected) throws SQLException {
        ObjectNode data = JsonNodeFactory.instance.objectNode();
        for (ColumnValues column : query.columns().values()) {
            data.set(column.label(), column.read(rows));
        }
        String id = text(data.path(configuration.idColumn()));
        String where = "the row with the id " + (id == null ? "NULL" : "\"" + shortened(id) + "\"");
        if (id == null || id.isEmpty() || id.length() > LONGEST_ID) {
            rejected.add(new Rejection(
                    where,
                    "the column \"" + configuration.idColumn() + "\" must hold 1 to " + LONGEST_ID + " characters"));
            return;
        }
        String value = configuration
                .cursorColumn()
                .map(data::path)
                .map(RowReader::text)
                .orElse(null);
        if (!snapshot && value == null) {
            rejected.add(new Rejection(
                    where,
                    "the column \"" + configuration.cursorColumn().orElseThrow()
                            + "\" is NULL, so it has no place in the order"));
            return;
        }
        records.add(SourceRecord.of(configuration.recordType(), id, data));
        place = new Place(value, id);
    }

    private static @Nullable String text(JsonNode node) {
        return node.isNull() || node.isMissingNode() ? null : node.asString();
    }

    private static String shortened(String id) {
        return id.length() <= 80 ? id : id.substring(0, 80) + "…";
    }

    private @Nullable ObjectNode cursor() {
        if (place == null) {
            return null;
        }
        ObjectNode cursor = JsonNodeFactory.instance.objectNode();
        if (place.cursor() != null) {
            cursor.put("value", place.cursor());
        }
        return cursor.put("id", place.id());
    }

    @Override
    public void close() {
        try (session;
                statement;
                rows) {
            // Closed in the order of which holds which.
        } catch (SQLException e) {
            // The session rolls back and closes whatever these left.
        }
    }
}
