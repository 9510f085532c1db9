package dev.posthorn.integrations.bank.format;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import dev.posthorn.integrations.bank.statement.Account;
import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.bank.statement.Entry;
import dev.posthorn.integrations.bank.statement.Statement;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** CSV, whose columns the configuration names. Rows of several accounts become a statement each. One row that cannot be read spoils the file. */
final class Csv {
    private final CsvFormat format;
    private final Map<String, Integer> header = new HashMap<>();
    private final Map<String, Rows> accounts = new LinkedHashMap<>();

    private Csv(CsvFormat format) {
        this.format = format;
    }

    static List<Statement> read(String text, CsvFormat format) throws BadFileException {
        return new Csv(format).statements(text);
    }

    private List<Statement> statements(String text) throws BadFileException {
        try (CsvReader<CsvRecord> reader = CsvReader.builder()
                .fieldSeparator(format.delimiter())
                .quoteCharacter(format.quote())
                .ofCsvRecord(behind(text, format.skipLines()))) {
            boolean first = format.header();
            for (CsvRecord row : reader) {
                if (row.getFields().stream().allMatch(String::isBlank)) {
                    continue;
                }
                if (first) {
                    readHeader(row);
                    first = false;
                } else {
                    read(row);
                }
            }
            if (first) {
                throw BadFileException.malformed("it has no header");
            }
        } catch (CsvParseException | UncheckedIOException e) {
            throw BadFileException.malformed("it is no CSV with this delimiter and this quote");
        } catch (IOException e) {
            throw new UncheckedIOException("a text could not be read", e);
        }
        List<Statement> statements = new ArrayList<>();
        for (Rows rows : accounts.values()) {
            statements.add(rows.statement());
        }
        return statements;
    }

    private static String behind(String text, int lines) {
        int from = 0;
        for (int i = 0; i < lines && from < text.length(); i++) {
            int end = text.indexOf('\n', from);
            from = end < 0 ? text.length() : end + 1;
        }
        return text.substring(from);
    }

    private void readHeader(CsvRecord row) throws BadFileException {
        for (int i = 0; i < row.getFieldCount(); i++) {
            header.putIfAbsent(row.getField(i).strip(), i);
        }
        for (Map.Entry<String, List<String>> column : format.columns().entrySet()) {
            for (String name : column.getValue()) {
                if (!name.matches("[0-9]{1,4}") && !header.containsKey(name)) {
                    throw BadFileException.drifted("its header has no column " + Values.shown(name)
                            + ", which \"csv.columns." + column.getKey() + "\" names; it has "
                            + String.join(
                                    ", ",
                                    header.keySet().stream()
                                            .limit(20)
                                            .map(Values::shown)
                                            .toList()));
                }
            }
        }
    }

    private void read(CsvRecord row) throws BadFileException {
        String where = "line " + (row.getStartingLineNumber() + format.skipLines());
        CsvRow values = new CsvRow(this::texts, format, where);
        String account = values.text("account", row);
        String id = account == null ? format.account().orElse(null) : account;
        if (id == null) {
            throw BadFileException.misconfigured(
                    where + " names no account; set \"csv.account\", or \"csv.columns.account\"");
        }
        Entry entry = values.entry(row);
        Rows rows = accounts.computeIfAbsent(id, Rows::new);
        rows.entries.add(entry);
        BigDecimal balance = values.balance(row);
        if (balance != null) {
            rows.balances.add(balance);
        }
    }

    private List<String> texts(String meaning, CsvRecord row) throws BadFileException {
        List<String> texts = new ArrayList<>();
        for (String column : format.columns().getOrDefault(meaning, List.of())) {
            Integer named = header.get(column);
            int at = named == null ? Integer.parseInt(column) - 1 : named;
            if (at < 0 || at >= row.getFieldCount()) {
                throw BadFileException.drifted("line " + (row.getStartingLineNumber() + format.skipLines()) + " has "
                        + row.getFieldCount() + " fields, none for \"csv.columns." + meaning + "\"");
            }
            String text = row.getField(at).strip();
            if (!text.isEmpty()) {
                texts.add(text);
            }
        }
        return texts;
    }

    private record Balances(Statement.@Nullable Balance opening, Statement.@Nullable Balance closing) {}

    /** What a file says of one account. */
    private static final class Rows {
        private final String account;
        private final List<Entry> entries = new ArrayList<>();
        private final List<BigDecimal> balances = new ArrayList<>();

        Rows(String account) {
            this.account = account;
        }

        Statement statement() {
            String iban = Iban.in(account).orElse(null);
            String currency = entries.get(0).money().currency();
            Balances balances = balances(currency);
            return new Statement(
                    new Account(iban == null ? account : iban, iban, null, null),
                    currency,
                    null,
                    null,
                    balances.opening(),
                    balances.closing(),
                    entries);
        }

        /** Opening and closing, where each row says how much there was after it; the newest may stand first or last. */
        private Balances balances(String currency) {
            int last = entries.size() - 1;
            if (balances.size() != entries.size()) {
                return new Balances(null, null);
            }
            BigDecimal sum =
                    entries.stream().map(entry -> entry.money().amount()).reduce(BigDecimal.ZERO, BigDecimal::add);
            BigDecimal before = balances.get(0).subtract(entries.get(0).money().amount());
            boolean oldestFirst = before.add(sum).compareTo(balances.get(last)) == 0;
            int oldest = oldestFirst ? 0 : last;
            int newest = oldestFirst ? last : 0;
            return new Balances(
                    new Statement.Balance(
                            balances.get(oldest)
                                    .subtract(entries.get(oldest).money().amount()),
                            currency,
                            entries.get(oldest).bookingDate()),
                    new Statement.Balance(
                            balances.get(newest), currency, entries.get(newest).bookingDate()));
        }
    }
}
