package dev.posthorn.integrations.bank.statement;

import org.jspecify.annotations.Nullable;

/**
 * The other side of a transaction. Each part is null where the bank does not say it.
 *
 * @param name as the bank gives it
 * @param iban without blanks
 * @param account another number than an IBAN
 * @param bic of its bank, or another code of that bank
 */
public record Party(
        @Nullable String name,
        @Nullable String iban,
        @Nullable String account,
        @Nullable String bic) {
    /** Nobody that is known. */
    public static final Party UNKNOWN = new Party(null, null, null, null);
}
