package dev.posthorn.integrations.bank.statement;

import org.jspecify.annotations.Nullable;

/**
 * What kind of transaction it is.
 *
 * @param iso domain, family and sub-family of ISO 20022, such as {@code PMNT/RCDT/ESCT}, or null
 * @param proprietary code of the bank, its country or the format, such as {@code NTRF+166}, or null
 */
public record TransactionCode(
        @Nullable String iso, @Nullable String proprietary) {
    /** Not said. */
    public static final TransactionCode NONE = new TransactionCode(null, null);
}
