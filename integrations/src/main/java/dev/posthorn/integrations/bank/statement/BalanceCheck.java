package dev.posthorn.integrations.bank.statement;

import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/** Whether a statement adds up. Nothing of one that does not may be believed: an entry may be missing, doubled or changed. */
public final class BalanceCheck {
    private BalanceCheck() {}

    /**
     * Opening balance and booked entries make the closing balance, and the transactions of each batch make its entry.
     *
     * @return false if the statement names no two balances, so that nothing could be added up
     * @throws BadFileException with account, statement and difference, if it does not add up
     */
    public static boolean check(Statement statement) throws BadFileException {
        int place = 0;
        BigDecimal sum = BigDecimal.ZERO;
        for (Entry entry : statement.entries()) {
            place++;
            if (!entry.money().currency().equals(statement.currency())) {
                throw BadFileException.inconsistent(statement.title() + ": entry " + place + " is in "
                        + entry.money().currency() + ", the account in " + statement.currency());
            }
            checkBatch(statement, entry, place);
            if (entry.booked()) {
                sum = sum.add(entry.money().amount());
            }
        }
        Statement.Balance opening = statement.opening();
        Statement.Balance closing = statement.closing();
        if (opening == null || closing == null) {
            return false;
        }
        BigDecimal difference = closing.amount().subtract(opening.amount().add(sum));
        if (difference.signum() != 0) {
            throw BadFileException.inconsistent(
                    statement.title() + ": opening balance " + plain(opening.amount()) + " and movements " + plain(sum)
                            + " do not make the closing balance " + plain(closing.amount()) + " " + statement.currency()
                            + "; the difference is " + plain(difference));
        }
        return true;
    }

    private static void checkBatch(Statement statement, Entry entry, int place) throws BadFileException {
        BigDecimal sum = sumOfDetails(entry);
        if (sum == null) {
            return;
        }
        BigDecimal difference = entry.money().amount().subtract(sum);
        // Charges may have been taken out before the entry was made.
        if (difference.signum() != 0 && difference.abs().compareTo(entry.charges()) != 0) {
            throw BadFileException.inconsistent(statement.title() + ": entry " + place + " is "
                    + plain(entry.money().amount()) + " " + statement.currency() + ", its "
                    + entry.details().size() + " transactions make " + plain(sum) + "; the difference is "
                    + plain(difference));
        }
    }

    /** Null where there are not several, or one has no amount in the entry's currency. */
    static @Nullable BigDecimal sumOfDetails(Entry entry) {
        if (entry.details().size() < 2) {
            return null;
        }
        BigDecimal sum = BigDecimal.ZERO;
        for (Detail detail : entry.details()) {
            Money money = detail.money();
            if (money == null || !money.currency().equals(entry.money().currency())) {
                return null;
            }
            sum = sum.add(money.amount());
        }
        return sum;
    }

    private static String plain(BigDecimal amount) {
        return amount.toPlainString();
    }
}
