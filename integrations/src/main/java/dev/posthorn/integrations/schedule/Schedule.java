package dev.posthorn.integrations.schedule;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.zone.ZoneOffsetTransition;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.scheduling.support.CronExpression;

/**
 * When an integration is read: at an interval, by a cron expression in a time zone, or only when asked for. Immutable.
 *
 * <p>Cron has six fields: second, minute, hour, day of month, month, day of week; {@code *}, {@code ,}, {@code -}, {@code /}, {@code L},
 * {@code W}, {@code #} and the names of months and days are understood, and {@code @hourly}, {@code @daily} and their like. Day of month and
 * day of week must both fit.
 *
 * <p>When the clock is put forward, a time that does not exist comes as much later as the clock was put forward; once, if that is a time
 * of the expression too. When it is put back, a time that exists twice comes the first time; an expression whose hours are {@code *} or a
 * range or steps from it keeps its pace through both hours.
 */
public final class Schedule {
    /** Only when asked for. */
    public static final Schedule NONE = new Schedule(null, null, ZoneId.of("UTC"), false);

    private static final Duration LEAST_STALE = Duration.ofMinutes(15);
    private static final int MISSED = 3;

    private final @Nullable Duration interval;
    private final @Nullable CronExpression cron;
    private final ZoneId zone;
    private final boolean everyHour;

    private Schedule(@Nullable Duration interval, @Nullable CronExpression cron, ZoneId zone, boolean everyHour) {
        this.interval = interval;
        this.cron = cron;
        this.zone = zone;
        this.everyHour = everyHour;
    }

    /**
     * By what stands in the database; at most one of both.
     *
     * @throws IllegalArgumentException if the cron expression or the zone makes no sense, or never comes; the message says what to write
     */
    public static Schedule of(@Nullable Integer intervalSeconds, @Nullable String cron, String zone) {
        if (cron != null) {
            return byCron(cron, zone);
        }
        return intervalSeconds == null
                ? NONE
                : new Schedule(Duration.ofSeconds(intervalSeconds), null, ZoneId.of("UTC"), false);
    }

    private static Schedule byCron(String text, String zone) {
        CronExpression expression;
        ZoneId found;
        try {
            found = ZoneId.of(zone);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException("time_zone must be an IANA zone, such as Europe/Zurich", e);
        }
        try {
            expression = CronExpression.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "cron must have six fields, second minute hour day month weekday, such as \"0 30 6 * * MON-FRI\": "
                            + e.getMessage(),
                    e);
        }
        if (expression.next(LocalDateTime.of(2024, 1, 1, 0, 0)) == null) {
            throw new IllegalArgumentException("cron names a time that never comes: " + text);
        }
        String[] fields = text.strip().split("\\s+", -1);
        boolean everyHour = text.strip().equals("@hourly")
                || (fields.length == 6 && (fields[2].contains("*") || fields[2].contains("-")));
        return new Schedule(null, expression, found, everyHour);
    }

    /**
     * When the next run is due.
     *
     * @param after the moment of the one before, or now
     * @return later than {@code after}; empty if only when asked for
     */
    public Optional<Instant> next(Instant after) {
        if (interval != null) {
            return Optional.of(after.plus(interval));
        }
        return cron == null ? Optional.empty() : Optional.ofNullable(nextByCron(cron, after));
    }

    /** The same for an integration that is new, or was changed or resumed: one with an interval is due at once. */
    public Optional<Instant> first(Instant now) {
        return interval == null ? next(now) : Optional.of(now);
    }

    /** When an integration that succeeded now counts as stale: three runs later, and not before a quarter of an hour. Empty: never. */
    public Optional<Instant> staleAfter(Instant success) {
        Optional<Instant> at = Optional.of(success);
        for (int missed = 0; missed < MISSED && at.isPresent(); missed++) {
            at = next(at.get());
        }
        Instant earliest = success.plus(LEAST_STALE);
        return at.map(planned -> planned.isBefore(earliest) ? earliest : planned);
    }

    /** The first time of an expression in an hour that comes for the second time between two moments; null if there is none. */
    private @Nullable Instant inSecondPass(CronExpression expression, Instant after, Instant before) {
        ZoneOffsetTransition change = zone.getRules().nextTransition(after);
        if (change == null || !change.isOverlap() || !change.getInstant().isBefore(before)) {
            return null;
        }
        LocalDateTime local = expression.next(change.getDateTimeAfter().minusNanos(1));
        if (local == null || !local.isBefore(change.getDateTimeBefore())) {
            return null;
        }
        return local.toInstant(change.getOffsetAfter());
    }

    private @Nullable Instant nextByCron(CronExpression expression, Instant after) {
        ZonedDateTime from = after.atZone(zone);
        LocalDateTime local = expression.next(from.toLocalDateTime());
        while (local != null) {
            // In a gap this is as much later as the gap is long; in an overlap the first of both.
            ZonedDateTime planned = ZonedDateTime.ofLocal(local, zone, null);
            if (planned.toInstant().isAfter(after)) {
                Instant between = everyHour ? inSecondPass(expression, after, planned.toInstant()) : null;
                return between == null ? planned.toInstant() : between;
            }
            // We are in the second pass of an hour that comes twice.
            if (everyHour && planned.withLaterOffsetAtOverlap().toInstant().isAfter(after)) {
                return planned.withLaterOffsetAtOverlap().toInstant();
            }
            local = expression.next(local);
        }
        return null;
    }
}
