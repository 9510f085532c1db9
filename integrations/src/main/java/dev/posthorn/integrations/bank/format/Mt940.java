package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.Account;
import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.bank.statement.Entry;
import dev.posthorn.integrations.bank.statement.References;
import dev.posthorn.integrations.bank.statement.Statement;
import dev.posthorn.integrations.bank.statement.Statement.Balance;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * MT940, the customer statement of SWIFT, as banks hand it out: with the envelope of SWIFT or without, several statements in a file, lines of the
 * bank's own before and between them, {@code :20:} missing. Each page is a statement of its own, with intermediate balances.
 */
final class Mt940 {
    private static final Pattern TAG = Pattern.compile(":([0-9]{2}[A-Z]?|NS):(.*)");
    private static final Pattern BALANCE = Pattern.compile("([CD])([0-9]{6})([A-Z]{3})([0-9]*,?[0-9]*)");

    private final List<Statement> statements = new ArrayList<>();
    private @Nullable String reference;
    private @Nullable Account account;
    private @Nullable String number;
    private @Nullable Balance opening;
    private @Nullable Balance closing;
    private @Nullable Mt940Line line;
    private List<Entry> entries = new ArrayList<>();
    private boolean begun;

    private Mt940() {}

    static List<Statement> read(String text) throws BadFileException {
        Mt940 reader = new Mt940();
        String tag = null;
        StringBuilder value = new StringBuilder();
        for (String row : text.split("\r\n|\n|\r", -1)) {
            Matcher matcher = TAG.matcher(row);
            if (matcher.matches()) {
                reader.field(tag, value.toString());
                tag = matcher.group(1);
                value.setLength(0);
                value.append(matcher.group(2));
            } else if (row.strip().equals("-") || row.startsWith("-}") || row.startsWith("{")) {
                reader.field(tag, value.toString());
                tag = null;
            } else if (tag != null) {
                value.append('\n').append(row);
            }
        }
        reader.field(tag, value.toString());
        reader.end();
        if (reader.statements.isEmpty()) {
            throw BadFileException.malformed("it is no MT940: it has no :25: and :60F:");
        }
        return reader.statements;
    }

    private void field(@Nullable String tag, String value) throws BadFileException {
        if (tag == null) {
            return;
        }
        switch (tag) {
            case "20" -> {
                end();
                begun = true;
                reference = References.meant(value);
            }
            case "25", "25P" -> {
                if (closing != null) {
                    // Some banks leave :20: out.
                    end();
                }
                begun = true;
                account = account(value.lines().findFirst().orElse("").strip());
            }
            case "28", "28C" -> number = number(value.strip());
            case "60F", "60M" -> opening = balance(value, where() + ":" + tag + ":");
            case "61" -> {
                flush();
                line = Mt940Line.read(value, currency(), where() + "entry " + (entries.size() + 1) + " (:61:)");
            }
            case "86" -> {
                if (line != null) {
                    entries.add(line.entry(Mt940Information.read(value)));
                    line = null;
                }
            }
            case "62F", "62M" -> {
                flush();
                closing = balance(value, where() + ":" + tag + ":");
            }
            default -> {
                // Available and forward balances, and what is a bank's own.
            }
        }
    }

    /** An entry without information. */
    private void flush() {
        if (line != null) {
            entries.add(line.entry(Mt940Information.NONE));
            line = null;
        }
    }

    private void end() throws BadFileException {
        flush();
        if (!begun) {
            return;
        }
        if (account == null) {
            throw BadFileException.malformed(where() + "it names no account (:25:)");
        }
        if (opening == null || closing == null) {
            throw BadFileException.malformed(where() + "it has no "
                    + (opening == null
                            ? "opening balance (:60F:); interim reports (MT942) are not read"
                            : "closing balance (:62F:); the file may not be whole"));
        }
        statements.add(new Statement(account, opening.currency(), reference, number, opening, closing, entries));
        reference = null;
        account = null;
        number = null;
        opening = null;
        closing = null;
        entries = new ArrayList<>();
        begun = false;
    }

    private String where() {
        return "statement " + (statements.size() + 1) + ": ";
    }

    private String currency() throws BadFileException {
        if (opening == null) {
            throw BadFileException.malformed(where() + "an entry (:61:) stands before the opening balance (:60F:)");
        }
        return opening.currency();
    }

    private static Account account(String text) {
        String iban = Iban.in(text).orElse(null);
        // "20040060/0123456789" is bank code and number; "… EUR" a number and its currency.
        String id = iban == null ? text.replaceFirst("\\s+[A-Z]{3}$", "").strip() : iban;
        return new Account(id, iban, null, null);
    }

    /** "00226/001" is page 1 of 226; a number of zeros is none. */
    private static @Nullable String number(String text) {
        String[] parts = text.split("/", 2);
        String sheet = parts[0].replaceFirst("^0+(?=.)", "");
        String page = parts.length < 2 ? "" : parts[1].replaceFirst("^0+(?=.)", "");
        if (sheet.equals("0") || sheet.isEmpty()) {
            return null;
        }
        return page.isEmpty() ? sheet : sheet + "/" + page;
    }

    private static Balance balance(String value, String where) throws BadFileException {
        Matcher matcher = BALANCE.matcher(value.strip());
        if (!matcher.matches()) {
            throw BadFileException.malformed(where + " holds no balance: " + Values.shown(value));
        }
        BigDecimal amount = Values.commaAmount(matcher.group(4), where);
        return new Balance(
                matcher.group(1).equals("C") ? amount : amount.negate(),
                matcher.group(3),
                Values.shortDate(matcher.group(2), where));
    }
}
