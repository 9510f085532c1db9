package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.mapping.JsonPlace;
import dev.posthorn.integrations.mapping.TimeMark;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.DecimalNode;
import tools.jackson.databind.node.StringNode;

/**
 * Reads only what is new: the highest value of a field that was seen, the mark, is sent with the requests of the next run. Immutable.
 *
 * <p>A mark that is a time is never later than the beginning of the run that saw it, less the overlap when it is sent. So what changes while
 * a run is reading is read by the next one, and a record dated in the future does not hide all that comes before it.
 *
 * @param field in each record
 * @param kind how values are compared
 * @param to where the mark goes
 * @param start what is sent as long as there is no mark; empty: nothing
 * @param overlap how far before the mark is asked for again: seconds of times, else in the unit of the values
 */
record Increment(JsonPlace field, Kind kind, Placement to, Optional<String> start, BigDecimal overlap) {
    private static final BigDecimal USUAL_OVERLAP = BigDecimal.valueOf(300);
    private static final int LONGEST = 512;

    /** How values are compared. */
    enum Kind {
        TIME(true),
        EPOCH_SECONDS(true),
        EPOCH_MILLIS(true),
        NUMBER(false),
        TEXT(false);

        private final boolean time;

        Kind(boolean time) {
            this.time = time;
        }
    }

    /**
     * Reads {@code incremental} of a configuration.
     *
     * @throws IllegalArgumentException if a pointer or the start is none
     */
    static Increment of(JsonNode incremental) {
        Kind kind = switch (incremental.path("kind").asString("time")) {
            case "epoch_seconds" -> Kind.EPOCH_SECONDS;
            case "epoch_millis" -> Kind.EPOCH_MILLIS;
            case "number" -> Kind.NUMBER;
            case "text" -> Kind.TEXT;
            default -> Kind.TIME;
        };
        JsonNode overlap = incremental.path("overlap");
        Increment increment = new Increment(
                JsonPlace.of(incremental.path("field").asString()),
                kind,
                Placement.of(incremental.path("to")),
                incremental.has("start") ? Optional.of(incremental.path("start").asString()) : Optional.empty(),
                overlap.isNumber() ? overlap.decimalValue() : kind.time ? USUAL_OVERLAP : BigDecimal.ZERO);
        if (!increment.start.map(increment::fits).orElse(true)) {
            throw new IllegalArgumentException("incremental.start must be " + increment.expected());
        }
        return increment;
    }

    /** Says in a request from where on is asked for. */
    void ask(Parameters request, @Nullable String mark) throws ConnectorException {
        String from = mark == null ? start.orElse(null) : mark;
        if (from == null) {
            return;
        }
        String sent = mark == null ? from : earlier(mark);
        boolean number = kind != Kind.TIME && kind != Kind.TEXT;
        to.put(request, number ? DecimalNode.valueOf(number(sent)) : StringNode.valueOf(sent));
    }

    private String earlier(String mark) {
        if (overlap.signum() == 0 || kind == Kind.TEXT) {
            return mark;
        }
        return switch (kind) {
            case TIME -> time(mark).minus(duration(overlap)).toString();
            case EPOCH_MILLIS ->
                number(mark).subtract(overlap.movePointRight(3)).toPlainString();
            case EPOCH_SECONDS, NUMBER -> number(mark).subtract(overlap).toPlainString();
            case TEXT -> mark;
        };
    }

    /**
     * The highest of a mark and the values in records.
     *
     * @throws ConnectorException if a value cannot be compared, or no record has one
     */
    @Nullable
    String highest(@Nullable String mark, List<JsonNode> records) throws ConnectorException {
        String highest = mark;
        boolean any = records.isEmpty();
        for (JsonNode element : records) {
            JsonNode value = field.in(element);
            if (value.isMissingNode() || value.isNull()) {
                continue;
            }
            any = true;
            String text = value.isNumber() ? plain(value.decimalValue()) : value.asString("");
            if (!isComparable(value, text)) {
                throw new ConnectorException(
                        Failure.SCHEMA_DRIFT,
                        "the field that says what is new must be " + expected() + ", but in a record "
                                + field.found(element));
            }
            if (highest == null || compare(text, highest) > 0) {
                highest = text;
            }
        }
        if (!any) {
            throw new ConnectorException(
                    Failure.SCHEMA_DRIFT,
                    "none of " + records.size() + " records has the field that says what is new; in the first one "
                            + field.found(records.get(0)));
        }
        return highest;
    }

    /** The mark of a run that is through: times are not later than its beginning. */
    @Nullable
    String settled(@Nullable String highest, Instant began) {
        if (highest == null || !kind.time || !instant(highest).isAfter(began)) {
            return highest;
        }
        return switch (kind) {
            case EPOCH_SECONDS -> Long.toString(began.getEpochSecond());
            case EPOCH_MILLIS -> Long.toString(began.toEpochMilli());
            default -> time(highest).at(began).toString();
        };
    }

    /** Whether a stored mark is one of this kind. */
    boolean fits(String mark) {
        return switch (kind) {
            case TIME -> TimeMark.parse(mark).isPresent();
            case TEXT -> true;
            default -> isNumber(mark);
        };
    }

    private boolean isComparable(JsonNode value, String text) {
        return !text.isEmpty()
                && text.length() <= LONGEST
                && (value.isString() || (value.isNumber() && kind != Kind.TIME && kind != Kind.TEXT))
                && fits(text);
    }

    /** Empty if it is too long: a few characters with an exponent can stand for gigabytes of digits. */
    private static String plain(BigDecimal number) {
        return Math.abs((long) number.scale()) + number.precision() > 80 ? "" : number.toPlainString();
    }

    private static boolean isNumber(String text) {
        return text.matches("-?[0-9]{1,40}(\\.[0-9]{1,40})?");
    }

    private int compare(String one, String other) {
        return switch (kind) {
            case TIME -> instant(one).compareTo(instant(other));
            case TEXT -> one.compareTo(other);
            default -> number(one).compareTo(number(other));
        };
    }

    private Instant instant(String mark) {
        return switch (kind) {
            case EPOCH_SECONDS -> Instant.EPOCH.plus(duration(number(mark)));
            case EPOCH_MILLIS -> Instant.EPOCH.plus(duration(number(mark).movePointLeft(3)));
            default -> time(mark).instant();
        };
    }

    private String expected() {
        return switch (kind) {
            case TIME -> "a time (ISO 8601)";
            case TEXT -> "a text";
            default -> "a number";
        };
    }

    private static TimeMark time(String text) {
        return TimeMark.parse(text).orElseThrow(() -> new IllegalStateException("no time: " + text));
    }

    private static BigDecimal number(String text) {
        return new BigDecimal(text);
    }

    private static Duration duration(BigDecimal seconds) {
        BigDecimal bounded = seconds.min(BigDecimal.valueOf(99_999_999_999L)).max(BigDecimal.valueOf(-99_999_999_999L));
        return Duration.ofMillis(bounded.movePointRight(3).longValue());
    }
}
