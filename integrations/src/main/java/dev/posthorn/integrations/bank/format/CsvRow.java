package dev.posthorn.integrations.bank.format;

import de.siegmar.fastcsv.reader.CsvRecord;
import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.bank.statement.Detail;
import dev.posthorn.integrations.bank.statement.Entry;
import dev.posthorn.integrations.bank.statement.Money;
import dev.posthorn.integrations.bank.statement.Party;
import dev.posthorn.integrations.bank.statement.References;
import dev.posthorn.integrations.bank.statement.Remittance;
import dev.posthorn.integrations.bank.statement.TransactionCode;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes an entry of a row. */
record CsvRow(Fields fields, CsvFormat format, String where) {
    /** The texts in the columns with a meaning, those that are not blank. */
    interface Fields {
        List<String> of(String meaning, CsvRecord row) throws BadFileException;
    }

    Entry entry(CsvRecord row) throws BadFileException {
        String currency = text("currency", row);
        Money money = new Money(
                amount(row),
                Values.currency(currency == null ? format.currency().orElse(null) : currency, where));
        String booked = text("booking_date", row);
        if (booked == null) {
            throw BadFileException.malformed(where + " has no booking date");
        }
        String valued = text("value_date", row);
        String account = text("counterparty_iban", row);
        String iban = account == null ? null : Iban.in(account).orElse(null);
        Detail detail = new Detail(
                money,
                null,
                References.NONE,
                new Party(
                        text("counterparty_name", row),
                        iban,
                        iban == null ? account : null,
                        text("counterparty_bic", row)),
                new Remittance(fields.of("remittance", row), List.of()),
                TransactionCode.NONE,
                null,
                null);
        return new Entry(
                money,
                true,
                false,
                date(booked),
                valued == null ? null : date(valued),
                new References(
                        References.meant(text("bank_reference", row)),
                        null,
                        References.meant(text("end_to_end_id", row)),
                        null,
                        null,
                        References.meant(text("mandate_id", row)),
                        References.meant(text("creditor_id", row)),
                        null,
                        null),
                new TransactionCode(null, text("code", row)),
                text("text", row),
                BigDecimal.ZERO,
                0,
                List.of(detail));
    }

    @Nullable
    BigDecimal balance(CsvRecord row) throws BadFileException {
        String balance = text("balance", row);
        return balance == null ? null : decimal(balance);
    }

    @Nullable
    String text(String meaning, CsvRecord row) throws BadFileException {
        List<String> texts = fields.of(meaning, row);
        return texts.isEmpty() ? null : texts.get(0);
    }

    /** One column with a sign, one with a direction beside it, or one for each direction. */
    private BigDecimal amount(CsvRecord row) throws BadFileException {
        String amount = text("amount", row);
        if (amount != null) {
            BigDecimal value = decimal(amount);
            String direction = text("direction", row);
            return direction != null && format.debits().contains(direction)
                    ? value.abs().negate()
                    : value;
        }
        String credit = text("credit", row);
        String debit = text("debit", row);
        if (credit == null && debit == null) {
            throw BadFileException.malformed(where + " has no amount");
        }
        BigDecimal in = credit == null ? BigDecimal.ZERO : decimal(credit);
        // Some write debits with a sign, some without.
        return debit == null ? in : in.subtract(decimal(debit).abs());
    }

    private BigDecimal decimal(String text) throws BadFileException {
        String dense = text.replaceAll("[\\s\\u00A0\\u202F'’]", "").replace('\u2212', '-');
        boolean negative = dense.startsWith("-") || dense.endsWith("-");
        if (negative || dense.startsWith("+") || dense.endsWith("+")) {
            dense = dense.startsWith("-") || dense.startsWith("+")
                    ? dense.substring(1)
                    : dense.substring(0, dense.length() - 1);
        }
        String group = format.decimal() == ',' ? "." : ",";
        // 1.23 where the point groups is no 123: a wrong setting must not make a hundredfold.
        if (dense.contains(group) && !dense.matches("[0-9]{1,3}(\\" + group + "[0-9]{3})+([^0-9].*)?")) {
            throw BadFileException.misconfigured(where + ": " + Values.shown(text)
                    + " is no amount with \"csv.decimal\" '" + format.decimal() + "'");
        }
        BigDecimal value = Values.commaAmount(dense.replace(group, ""), where);
        return negative ? value.negate() : value;
    }

    private LocalDate date(String text) throws BadFileException {
        try {
            return LocalDate.parse(text, format.dates());
        } catch (DateTimeException e) {
            throw BadFileException.misconfigured(
                    where + ": " + Values.shown(text) + " is no date as \"csv.date_format\" says");
        }
    }
}
