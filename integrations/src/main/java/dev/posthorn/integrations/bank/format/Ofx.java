package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.Account;
import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.bank.statement.Detail;
import dev.posthorn.integrations.bank.statement.Entry;
import dev.posthorn.integrations.bank.statement.Money;
import dev.posthorn.integrations.bank.statement.Party;
import dev.posthorn.integrations.bank.statement.References;
import dev.posthorn.integrations.bank.statement.Remittance;
import dev.posthorn.integrations.bank.statement.Statement;
import dev.posthorn.integrations.bank.statement.TransactionCode;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * OFX, the download of American banks, versions 1 and 2: bank accounts ({@code STMTRS}) and credit cards ({@code CCSTMTRS}). It names the balance of
 * the day on which it was made and none before the transactions, so that nothing can be added up.
 */
final class Ofx {
    private Ofx() {}

    static List<Statement> read(String file) throws BadFileException {
        XmlElement ofx = OfxElements.read(file);
        List<Statement> statements = new ArrayList<>();
        for (XmlElement message : ofx.all("BANKMSGSRSV1")) {
            for (XmlElement answer : message.all("STMTTRNRS")) {
                add(statements, answer, answer.find("STMTRS"), "BANKACCTFROM");
            }
        }
        for (XmlElement message : ofx.all("CREDITCARDMSGSRSV1")) {
            for (XmlElement answer : message.all("CCSTMTTRNRS")) {
                add(statements, answer, answer.find("CCSTMTRS"), "CCACCTFROM");
            }
        }
        if (statements.isEmpty()) {
            throw BadFileException.malformed("it holds no statement of a bank account or a card (STMTRS, CCSTMTRS)");
        }
        return statements;
    }

    private static void add(
            List<Statement> statements, XmlElement answer, @Nullable XmlElement statement, String accountName)
            throws BadFileException {
        String where = "statement " + (statements.size() + 1);
        if (statement == null) {
            throw BadFileException.malformed(where + " is missing; the bank's status is "
                    + Values.shown(answer.text("STATUS", "CODE")) + " "
                    + Values.shown(answer.text("STATUS", "MESSAGE")));
        }
        String currency = Values.currency(statement.text("CURDEF"), where + " (CURDEF)");
        List<Entry> entries = new ArrayList<>();
        XmlElement list = statement.find("BANKTRANLIST");
        if (list != null) {
            for (XmlElement transaction : list.all("STMTTRN")) {
                entries.add(entry(transaction, currency, where + ", transaction " + (entries.size() + 1)));
            }
        }
        statements.add(new Statement(
                account(statement.find(accountName), where),
                currency,
                null,
                null,
                null,
                balance(statement.find("LEDGERBAL"), currency, where + " (LEDGERBAL)"),
                entries));
    }

    private static Account account(@Nullable XmlElement element, String where) throws BadFileException {
        String number = element == null ? null : element.text("ACCTID");
        if (element == null || number == null) {
            throw BadFileException.malformed(where + " names no account (ACCTID)");
        }
        String bank = element.text("BANKID");
        String iban = Iban.in(number).orElse(null);
        return new Account(iban != null ? iban : bank == null ? number : bank + "/" + number, iban, null, null);
    }

    private static Statement.@Nullable Balance balance(@Nullable XmlElement balance, String currency, String where)
            throws BadFileException {
        return balance == null
                ? null
                : new Statement.Balance(
                        signed(balance.text("BALAMT"), where), currency, day(balance.text("DTASOF"), where));
    }

    private static Entry entry(XmlElement transaction, String currency, String where) throws BadFileException {
        Money money = new Money(signed(transaction.text("TRNAMT"), where), currency);
        String available = transaction.text("DTAVAIL");
        LocalDate booked = day(transaction.text("DTPOSTED"), where);
        String name = transaction.text("NAME");
        String memo = transaction.text("MEMO");
        String account = transaction.text("BANKACCTTO", "ACCTID");
        String iban = account == null ? null : Iban.in(account).orElse(null);
        References references = new References(
                References.meant(transaction.text("FITID")),
                References.meant(transaction.text("REFNUM")),
                null,
                References.meant(transaction.text("SRVRTID")),
                null,
                null,
                null,
                null,
                References.meant(transaction.text("CHECKNUM")));
        Detail detail = new Detail(
                money,
                null,
                References.NONE,
                new Party(
                        name == null ? transaction.text("PAYEE", "NAME") : name,
                        iban,
                        iban == null ? account : null,
                        transaction.text("BANKACCTTO", "BANKID")),
                new Remittance(memo == null ? List.of() : List.of(memo), List.of()),
                TransactionCode.NONE,
                null,
                null);
        return new Entry(
                money,
                true,
                false,
                booked,
                available == null ? null : day(available, where),
                references,
                new TransactionCode(null, transaction.text("TRNTYPE")),
                null,
                BigDecimal.ZERO,
                0,
                List.of(detail));
    }

    /** With a sign, and a point or a comma. */
    private static BigDecimal signed(@Nullable String text, String where) throws BadFileException {
        String amount = text == null ? "" : text;
        boolean negative = amount.startsWith("-");
        BigDecimal value = Values.commaAmount(negative || amount.startsWith("+") ? amount.substring(1) : amount, where);
        return negative ? value.negate() : value;
    }

    /** The day in {@code 20261124120000.000[-5:EST]}: as the bank sees it. */
    private static LocalDate day(@Nullable String text, String where) throws BadFileException {
        if (text == null || !text.matches("[0-9]{8}.*")) {
            throw BadFileException.malformed(where + " has no date: " + Values.shown(text));
        }
        return Values.isoDate(text.substring(0, 4) + "-" + text.substring(4, 6) + "-" + text.substring(6, 8), where);
    }
}
