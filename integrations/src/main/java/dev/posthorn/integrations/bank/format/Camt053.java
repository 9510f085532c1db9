package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.Account;
import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.bank.statement.Entry;
import dev.posthorn.integrations.bank.statement.Statement;
import dev.posthorn.integrations.bank.statement.Statement.Balance;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * camt.053, the statement of ISO 20022, from version 001.02 on. They differ in places that are looked for in each: a status as text or as a
 * code, a party with or without {@code Pty}, {@code BIC} or {@code BICFI}. Entries are read one by one, so that a large file needs little memory.
 */
final class Camt053 {
    private static final String MESSAGE = "BkToCstmrStmt";

    private Camt053() {}

    static List<Statement> read(byte[] file) throws BadFileException {
        List<Statement> statements = new ArrayList<>();
        boolean found = false;
        try (HardenedXml xml = new HardenedXml(file)) {
            while (xml.hasNext()) {
                String name = xml.nextElement();
                if (MESSAGE.equals(name)) {
                    found = true;
                } else if ("Stmt".equals(name) && found) {
                    statements.add(statement(xml, statements.size() + 1));
                } else if (name != null && name.startsWith("BkToCstmr")) {
                    throw BadFileException.malformed("it is no statement (camt.053) but a report or a notification ("
                            + name + "); let the pattern or \"ignore\" leave such files out");
                }
            }
        }
        if (!found) {
            throw BadFileException.malformed("it is no camt.053: it has no " + MESSAGE);
        }
        return statements;
    }

    private static Statement statement(HardenedXml xml, int place) throws BadFileException {
        String id = null;
        String electronic = null;
        String legal = null;
        String page = null;
        XmlElement accountElement = null;
        List<XmlElement> balances = new ArrayList<>();
        List<Entry> entries = new ArrayList<>();
        String where = "statement " + place;
        Account account = null;
        for (String name = xml.nextElement(); name != null; name = xml.nextElement()) {
            XmlElement element = xml.readElement();
            switch (name) {
                case "Id" -> id = element.text();
                case "ElctrncSeqNb" -> electronic = element.text();
                case "LglSeqNb" -> legal = element.text();
                case "StmtPgntn", "RptPgntn" -> page = pageOf(element);
                case "Acct" -> {
                    accountElement = element;
                    account = account(element, where);
                }
                case "Bal" -> balances.add(element);
                case "Ntry" ->
                    entries.add(Camt053Entry.read(element, account, where + ", entry " + (entries.size() + 1)));
                default -> {
                    // Sums, interest and texts are not kept.
                }
            }
        }
        if (account == null || accountElement == null) {
            throw BadFileException.malformed(where + " names no account (Acct)");
        }
        Balance opening = first(balances, List.of("OPBD", "PRCD", "ITBD"), where);
        Balance closing = last(balances, where);
        String number = electronic == null ? legal : electronic;
        return new Statement(
                account,
                currency(accountElement, opening, closing, entries, where),
                id,
                number == null || page == null ? number : number + "/" + page,
                opening,
                closing,
                entries);
    }

    private static @Nullable String pageOf(XmlElement pagination) {
        String page = pagination.text("PgNb");
        return "1".equals(page) && "true".equals(pagination.text("LastPgInd")) ? null : page;
    }

    private static Account account(XmlElement element, String where) throws BadFileException {
        String iban = Values.iban(element.text("Id", "IBAN"));
        String other = element.text("Id", "Othr", "Id");
        String id = iban == null ? other : iban;
        if (id == null) {
            throw BadFileException.malformed(where + ": its account has neither IBAN nor number (Acct/Id)");
        }
        String bic = element.text("Svcr", "FinInstnId", "BICFI");
        return new Account(
                id, iban, bic == null ? element.text("Svcr", "FinInstnId", "BIC") : bic, element.text("Ownr", "Nm"));
    }

    private static String currency(
            XmlElement account, @Nullable Balance opening, @Nullable Balance closing, List<Entry> entries, String where)
            throws BadFileException {
        String own = account.text("Ccy");
        if (own != null) {
            return Values.currency(own, where);
        }
        if (opening != null) {
            return opening.currency();
        }
        if (closing != null) {
            return closing.currency();
        }
        if (!entries.isEmpty()) {
            return entries.get(0).money().currency();
        }
        throw BadFileException.malformed(where + " names no currency");
    }

    /** Banks that open with none of their own give the closing one of the day before, or of the page before. */
    private static @Nullable Balance first(List<XmlElement> balances, List<String> codes, String where)
            throws BadFileException {
        for (String code : codes) {
            for (XmlElement balance : balances) {
                if (code.equals(codeOf(balance))) {
                    return balance(balance, where + ", balance " + code);
                }
            }
        }
        return null;
    }

    private static @Nullable Balance last(List<XmlElement> balances, String where) throws BadFileException {
        XmlElement interim = null;
        int interims = 0;
        boolean opened = false;
        for (XmlElement balance : balances) {
            switch (codeOf(balance)) {
                case "CLBD" -> {
                    return balance(balance, where + ", balance CLBD");
                }
                case "OPBD", "PRCD" -> opened = true;
                case "ITBD" -> {
                    interim = balance;
                    interims++;
                }
                default -> {
                    // Available and forward balances count what is not booked.
                }
            }
        }
        // A single interim balance without an opening one is where the page begins.
        return interim == null || (!opened && interims == 1) ? null : balance(interim, where + ", balance ITBD");
    }

    private static String codeOf(XmlElement balance) {
        String code = balance.text("Tp", "CdOrPrtry", "Cd");
        return code == null ? "" : code;
    }

    private static Balance balance(XmlElement balance, String where) throws BadFileException {
        XmlElement amount = balance.find("Amt");
        BigDecimal value = Values.amount(amount == null ? null : amount.text(), where);
        String currency = Values.currency(amount == null ? null : amount.attribute("Ccy"), where);
        return new Balance(credit(balance, where) ? value : value.negate(), currency, date(balance, "Dt", where));
    }

    static boolean credit(XmlElement element, String where) throws BadFileException {
        String indicator = element.text("CdtDbtInd");
        if ("CRDT".equals(indicator)) {
            return true;
        }
        if ("DBIT".equals(indicator)) {
            return false;
        }
        throw BadFileException.malformed(where + ": CdtDbtInd must be CRDT or DBIT, not " + Values.shown(indicator));
    }

    private static LocalDate date(XmlElement element, String name, String where) throws BadFileException {
        LocalDate date = optionalDate(element, name, where);
        if (date == null) {
            throw BadFileException.malformed(where + " has no date (" + name + ")");
        }
        return date;
    }

    static @Nullable LocalDate optionalDate(XmlElement element, String name, String where) throws BadFileException {
        String day = element.text(name, "Dt");
        String time = day == null ? element.text(name, "DtTm") : day;
        return time == null ? null : Values.isoDate(time, where);
    }
}
