package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.BadFileException;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Amounts and dates as the formats write them. An error names where and what. */
final class Values {
    private static final Pattern DECIMAL = Pattern.compile("[0-9]{1,18}([.][0-9]{0,12})?|[.][0-9]{1,12}");
    private static final Pattern CURRENCY = Pattern.compile("[A-Z]{3}");
    private static final int SHOWN = 40;

    private Values() {}

    /** Digits, perhaps a point and more digits; no sign, no exponent. */
    static BigDecimal amount(@Nullable String text, String where) throws BadFileException {
        if (text == null || !DECIMAL.matcher(text).matches()) {
            throw BadFileException.malformed(where + " has no amount: " + shown(text));
        }
        return new BigDecimal(text);
    }

    /** The same with a comma, as SWIFT writes it: {@code 12,} and {@code ,5} are amounts. */
    static BigDecimal commaAmount(String text, String where) throws BadFileException {
        return amount(text.replace(',', '.'), where);
    }

    /** {@code YYMMDD}; years from 80 on are of the last century, as SWIFT has it. */
    static LocalDate shortDate(String text, String where) throws BadFileException {
        int year = Integer.parseInt(text.substring(0, 2));
        return isoDate(
                (year < 80 ? 2000 + year : 1900 + year) + "-" + text.substring(2, 4) + "-" + text.substring(4), where);
    }

    /** The day {@code MMDD} that is nearest to another. */
    static LocalDate near(LocalDate day, String text, String where) throws BadFileException {
        LocalDate nearest = null;
        for (int year = day.getYear() - 1; year <= day.getYear() + 1; year++) {
            try {
                LocalDate candidate =
                        LocalDate.of(year, Integer.parseInt(text.substring(0, 2)), Integer.parseInt(text.substring(2)));
                if (nearest == null || distance(candidate, day) < distance(nearest, day)) {
                    nearest = candidate;
                }
            } catch (DateTimeException e) {
                // The 29th of February stands in few years.
            }
        }
        if (nearest == null) {
            throw BadFileException.malformed(where + " has no date: " + shown(text));
        }
        return nearest;
    }

    private static long distance(LocalDate one, LocalDate other) {
        return Math.abs(one.toEpochDay() - other.toEpochDay());
    }

    static String currency(@Nullable String text, String where) throws BadFileException {
        String upper = text == null ? "" : text.strip().toUpperCase(Locale.ROOT);
        if (!CURRENCY.matcher(upper).matches()) {
            throw BadFileException.malformed(where + " has no currency: " + shown(text));
        }
        return upper;
    }

    /** The date of {@code 2026-11-24}, {@code 2026-11-24+01:00} or {@code 2026-11-24T08:00:00}: as the bank sees it. */
    static LocalDate isoDate(String text, String where) throws BadFileException {
        try {
            return LocalDate.parse(text.length() > 10 ? text.substring(0, 10) : text);
        } catch (DateTimeException e) {
            throw BadFileException.malformed(where + " has no date: " + shown(text));
        }
    }

    /** What was found, cut to what a sentence can carry. */
    static String shown(@Nullable String text) {
        if (text == null) {
            return "there is none";
        }
        String line = text.replaceAll("[\\p{Cntrl}\"]", " ");
        return "\"" + (line.length() <= SHOWN ? line : line.substring(0, SHOWN) + "…") + "\"";
    }

    /** Without blanks and in capitals. */
    static @Nullable String iban(@Nullable String text) {
        return text == null ? null : text.replaceAll("\\s", "").toUpperCase(Locale.ROOT);
    }
}
