package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.bank.statement.Detail;
import dev.posthorn.integrations.bank.statement.Entry;
import dev.posthorn.integrations.bank.statement.Money;
import dev.posthorn.integrations.bank.statement.References;
import dev.posthorn.integrations.bank.statement.TransactionCode;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An entry of an MT940, {@code :61:}.
 *
 * @param type of transaction, a letter and three more, such as {@code NTRF}
 * @param original amount in its own currency ({@code /OCMT/}), or null
 * @param supplement second line, or null
 */
record Mt940Line(
        Money money,
        boolean reversal,
        LocalDate bookingDate,
        LocalDate valueDate,
        String type,
        References references,
        @Nullable Money original,
        @Nullable String supplement) {
    /** Value date, entry date, mark, third letter of the currency, amount, type; references and the second line are cut out by hand. */
    private static final Pattern FIRST_LINE =
            Pattern.compile("([0-9]{6})([0-9]{4})?(R?[CD])([A-Z])?([0-9]*,?[0-9]*)([A-Z][A-Z0-9]{3})(.*)");

    private static final Pattern ORIGINAL = Pattern.compile("/OCMT/([A-Z]{3})([0-9]*,[0-9]*)/?");

    static Mt940Line read(String value, String currency, String where) throws BadFileException {
        String[] lines = value.split("\n", 2);
        Matcher matcher = FIRST_LINE.matcher(lines[0].stripTrailing());
        if (!matcher.matches()) {
            throw BadFileException.malformed(where + " is not as the format wants it: " + Values.shown(lines[0]));
        }
        LocalDate valueDate = Values.shortDate(matcher.group(1), where);
        String mark = matcher.group(3);
        boolean reversal = mark.startsWith("R");
        // What takes back a debit comes in.
        boolean credit = mark.endsWith("C") != reversal;
        BigDecimal amount = Values.commaAmount(matcher.group(5), where);
        String rest = matcher.group(7);
        int bank = rest.indexOf("//");
        String supplement = lines.length < 2 ? null : lines[1].strip();
        Money money = new Money(credit ? amount : amount.negate(), currency);
        return new Mt940Line(
                money,
                reversal,
                matcher.group(2) == null ? valueDate : Values.near(valueDate, matcher.group(2), where),
                valueDate,
                matcher.group(6),
                References.of(
                        bank < 0 ? null : References.meant(rest.substring(bank + 2)),
                        References.meant(bank < 0 ? rest : rest.substring(0, bank))),
                original(supplement, credit, currency, where),
                supplement == null || supplement.isEmpty() ? null : supplement);
    }

    private static @Nullable Money original(@Nullable String supplement, boolean credit, String currency, String where)
            throws BadFileException {
        Matcher matcher = ORIGINAL.matcher(supplement == null ? "" : supplement);
        if (!matcher.find() || matcher.group(1).equals(currency)) {
            return null;
        }
        Money original = new Money(Values.commaAmount(matcher.group(2), where), matcher.group(1));
        return credit ? original : original.negated();
    }

    /** With what the information, {@code :86:}, says of it. */
    Entry entry(Mt940Information information) {
        String business = information.businessCode();
        return new Entry(
                money,
                true,
                reversal,
                bookingDate,
                valueDate,
                references,
                new TransactionCode(null, business == null ? type : type + "+" + business),
                information.text() == null ? supplement : information.text(),
                BigDecimal.ZERO,
                0,
                List.of(new Detail(
                        money,
                        original,
                        information.references(),
                        information.counterparty(),
                        information.remittance(),
                        TransactionCode.NONE,
                        information.purpose(),
                        information.returned())));
    }
}
