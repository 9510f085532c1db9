package dev.posthorn.integrations.bank.statement;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One movement on an account.
 *
 * @param money signed
 * @param booked whether it counts in the balance; what is pending does not
 * @param reversal whether it takes back an earlier one
 * @param bookingDate when
 * @param valueDate from when it counts for interest, or null
 * @param code kind
 * @param text what the bank says of it in its own words, or null
 * @param charges that the bank took out of the transactions before it made the entry, at least 0
 * @param batchSize of how many transactions the bank says it consists; 0 if it does not
 * @param details its transactions; empty if the bank gives none
 */
public record Entry(
        Money money,
        boolean booked,
        boolean reversal,
        LocalDate bookingDate,
        @Nullable LocalDate valueDate,
        References references,
        TransactionCode code,
        @Nullable String text,
        BigDecimal charges,
        int batchSize,
        List<Detail> details) {
    /** Keeps a copy of the list. */
    public Entry {
        details = List.copyOf(details);
    }
}
