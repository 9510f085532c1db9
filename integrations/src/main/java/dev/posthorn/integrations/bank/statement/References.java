package dev.posthorn.integrations.bank.statement;

import org.jspecify.annotations.Nullable;

/**
 * How a transaction is called, by whom. Each is null where the bank does not say it; {@code NOTPROVIDED}, {@code NONREF} and their kin are
 * null, too.
 *
 * @param bank by the bank that keeps the account: {@code AcctSvcrRef}, {@code FITID}, the reference behind {@code //}
 * @param entry by the statement: {@code NtryRef}, the customer's reference of MT940
 * @param endToEnd by who began it, for whom it is for
 * @param transaction by the first bank
 * @param instruction by who began it, for the first bank
 * @param mandate of a direct debit
 * @param creditor identifier of who collects a direct debit
 * @param payment of the batch that it was sent in: {@code PmtInfId}
 * @param cheque its number
 */
public record References(
        @Nullable String bank,
        @Nullable String entry,
        @Nullable String endToEnd,
        @Nullable String transaction,
        @Nullable String instruction,
        @Nullable String mandate,
        @Nullable String creditor,
        @Nullable String payment,
        @Nullable String cheque) {
    /** None. */
    public static final References NONE = new References(null, null, null, null, null, null, null, null, null);

    /** These two alone. */
    public static References of(@Nullable String bank, @Nullable String entry) {
        return new References(bank, entry, null, null, null, null, null, null, null);
    }

    /** What stands for nothing is nothing. */
    public static @Nullable String meant(@Nullable String reference) {
        if (reference == null) {
            return null;
        }
        String stripped = reference.strip();
        return switch (stripped.toUpperCase(java.util.Locale.ROOT)) {
            case "", "NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOREF", "NOTAVAILABLE", "-" -> null;
            default -> stripped;
        };
    }
}
