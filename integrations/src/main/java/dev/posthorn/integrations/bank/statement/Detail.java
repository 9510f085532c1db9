package dev.posthorn.integrations.bank.statement;

import org.jspecify.annotations.Nullable;

/**
 * One transaction of an entry; of a batch there are several.
 *
 * @param money signed, in the currency of the entry; null if not said
 * @param original amount in the currency in which it was ordered, signed, or null
 * @param purpose code, such as {@code SALA}, or null
 * @param returned why it came back, or null
 */
public record Detail(
        @Nullable Money money,
        @Nullable Money original,
        References references,
        Party counterparty,
        Remittance remittance,
        TransactionCode code,
        @Nullable String purpose,
        @Nullable String returned) {}
