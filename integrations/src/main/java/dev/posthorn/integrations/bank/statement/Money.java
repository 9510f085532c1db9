package dev.posthorn.integrations.bank.statement;

import java.math.BigDecimal;

/**
 * An exact amount.
 *
 * @param amount negative for a debit: what left the account, or is owed
 * @param currency ISO 4217, three letters
 */
public record Money(BigDecimal amount, String currency) {
    /** With the sign changed. */
    public Money negated() {
        return new Money(amount.negate(), currency);
    }

    /** Without exponent, with the decimals that the bank wrote. */
    public String text() {
        return amount.toPlainString();
    }
}
