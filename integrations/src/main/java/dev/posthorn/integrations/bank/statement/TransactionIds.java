package dev.posthorn.integrations.bank.statement;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Names transactions so that the same one has the same name in whatever file it comes, and no two share one.
 *
 * <p>A name is {@code account/booking date/reference/amount}. The date and the amount stand in it because banks repeat references: counters that
 * begin anew each day, one reference for a payment and its fee, one for all transactions of a batch. Without a reference, a hash of what is
 * known stands in its place, with the statement's own id. What is still alike is numbered in the order of the statement. For one statement.
 */
final class TransactionIds {
    private static final int LONGEST_ID = 512;
    private static final int LONGEST_REFERENCE = 140;

    private final Statement statement;
    private final Map<String, Integer> given = new HashMap<>();

    TransactionIds(Statement statement) {
        this.statement = statement;
    }

    String next(Entry entry, @Nullable Detail detail, Money money) {
        String reference = reference(entry.references());
        boolean several = entry.details().size() > 1;
        if (detail != null && (reference == null || several)) {
            String own = reference(detail.references());
            if (own != null && !own.equals(reference)) {
                reference = reference == null ? own : reference + "+" + own;
            }
        }
        if (reference == null) {
            reference = "~" + hash(entry, detail);
        }
        if (reference.length() > LONGEST_REFERENCE) {
            reference = "~" + sha256(reference);
        }
        String id = statement.account().id() + "/" + entry.bookingDate() + "/" + reference + "/" + canonical(money);
        int times = given.merge(id, 1, Integer::sum);
        return fitting(times == 1 ? id : id + "/" + times);
    }

    /** As long as an id may be. */
    static String fitting(String id) {
        return id.length() <= LONGEST_ID ? id : "~" + sha256(id);
    }

    /** 1.50 and 1.5 are one amount. */
    private static String canonical(Money money) {
        BigDecimal amount = money.amount();
        return (amount.signum() == 0 ? BigDecimal.ZERO : amount.stripTrailingZeros()).toPlainString();
    }

    private static @Nullable String reference(References references) {
        if (references.bank() != null) {
            return references.bank();
        }
        if (references.transaction() != null) {
            return references.transaction();
        }
        // Those given by customers are no names: two customers may give the same, and one may give it twice. They are
        // part of the hash.
        return null;
    }

    private String hash(Entry entry, @Nullable Detail detail) {
        Detail known =
                detail == null && !entry.details().isEmpty() ? entry.details().get(0) : detail;
        // Where statements have names, the same words in another statement are another transaction.
        String where = statement.id() + "/" + statement.number();
        return sha256(String.join(
                "\u0000",
                where,
                String.valueOf(entry.valueDate()),
                String.valueOf(entry.references()),
                String.valueOf(entry.code()),
                String.valueOf(entry.text()),
                known == null
                        ? ""
                        : String.join(
                                "\u0000",
                                known.references().toString(),
                                known.counterparty().toString(),
                                known.remittance().toString())));
    }

    private static String sha256(String text) {
        try {
            byte[] all = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(all, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
