package dev.posthorn.integrations.mapping;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.Temporal;
import java.time.temporal.TemporalAccessor;
import java.util.Optional;

/**
 * A time as APIs write it: a date, a date and time without zone (taken as UTC), or with one (ISO 8601). Keeps the form that it came in.
 *
 * @param value a {@link LocalDate}, {@link LocalDateTime} or {@link OffsetDateTime}
 * @param blank whether a blank stands where ISO has a T
 */
public record TimeMark(Temporal value, boolean blank) {
    private static final DateTimeFormatter READ = new DateTimeFormatterBuilder()
            .append(DateTimeFormatter.ISO_LOCAL_DATE)
            .optionalStart()
            .appendLiteral('T')
            .append(DateTimeFormatter.ISO_LOCAL_TIME)
            .appendPattern("[XXX][XX][X]")
            .optionalEnd()
            .toFormatter();

    /** Reads one; empty if it is none. */
    public static Optional<TimeMark> parse(String text) {
        boolean blank = text.length() > 10 && text.charAt(10) == ' ';
        String iso = blank ? text.substring(0, 10) + 'T' + text.substring(11) : text;
        try {
            TemporalAccessor read = READ.parseBest(iso, OffsetDateTime::from, LocalDateTime::from, LocalDate::from);
            return Optional.of(new TimeMark((Temporal) read, blank));
        } catch (DateTimeException none) {
            return Optional.empty();
        }
    }

    /** The moment. */
    public Instant instant() {
        return switch (value) {
            case OffsetDateTime time -> time.toInstant();
            case LocalDateTime time -> time.toInstant(ZoneOffset.UTC);
            case LocalDate date -> date.atStartOfDay().toInstant(ZoneOffset.UTC);
            default -> throw new IllegalStateException("no time: " + value.getClass());
        };
    }

    /** Another moment in the same form. */
    public TimeMark at(Instant moment) {
        Temporal moved = switch (value) {
            case OffsetDateTime time -> moment.atOffset(time.getOffset());
            case LocalDateTime unused -> LocalDateTime.ofInstant(moment, ZoneOffset.UTC);
            case LocalDate unused -> LocalDate.ofInstant(moment, ZoneOffset.UTC);
            default -> throw new IllegalStateException("no time: " + value.getClass());
        };
        return new TimeMark(moved, blank);
    }

    /** As much earlier, in the same form. */
    public TimeMark minus(Duration duration) {
        return at(instant().minus(duration));
    }

    @Override
    public String toString() {
        String text = switch (value) {
            case OffsetDateTime time -> DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(time);
            case LocalDateTime time -> DateTimeFormatter.ISO_LOCAL_DATE_TIME.format(time);
            default -> value.toString();
        };
        return blank ? text.replace('T', ' ') : text;
    }
}
