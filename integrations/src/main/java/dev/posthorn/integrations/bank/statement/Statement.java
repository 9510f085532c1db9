package dev.posthorn.integrations.bank.statement;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Statement of one account.
 *
 * @param account whose
 * @param currency of the account
 * @param id by which the bank calls it, or null
 * @param number in the year, or null; with the page behind a slash where pages are numbered
 * @param opening balance before the entries, or null
 * @param closing balance after them, or null
 * @param entries in the bank's order
 */
public record Statement(
        Account account,
        String currency,
        @Nullable String id,
        @Nullable String number,
        @Nullable Balance opening,
        @Nullable Balance closing,
        List<Entry> entries) {
    /** Keeps a copy of the list. */
    public Statement {
        entries = List.copyOf(entries);
    }

    /** What it is called in sentences: account and number. */
    public String title() {
        String name = number == null ? id : number;
        return "account " + account.id() + ", statement " + (name == null ? "without number" : name);
    }

    /**
     * How much there was, and when.
     *
     * @param amount signed
     */
    public record Balance(BigDecimal amount, String currency, LocalDate date) {}
}
