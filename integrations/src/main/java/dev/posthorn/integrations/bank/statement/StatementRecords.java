package dev.posthorn.integrations.bank.statement;

import dev.posthorn.integrations.connector.SourceRecord;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What is saved of a statement: its transactions, one record each, and then itself; the same for the same statement. What is pending is none.
 * Each step yields the records of one entry, which are made only then. For one thread.
 */
public final class StatementRecords implements Iterator<List<SourceRecord>> {
    /** Type of a booked transaction. */
    public static final String TRANSACTION = "transaction";

    /** Type of a statement. */
    public static final String STATEMENT = "statement";

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final Statement statement;
    private final String statementId;
    private final TransactionIds ids;
    private final Iterator<Entry> entries;
    private boolean ended;

    /** Of one. */
    public StatementRecords(Statement statement) {
        this.statement = statement;
        statementId = statementId(statement);
        ids = new TransactionIds(statement);
        entries = statement.entries().stream().filter(Entry::booked).iterator();
    }

    @Override
    public boolean hasNext() {
        return !ended;
    }

    @Override
    public List<SourceRecord> next() {
        if (entries.hasNext()) {
            return transactions(entries.next());
        }
        if (ended) {
            throw new NoSuchElementException();
        }
        ended = true;
        return List.of(SourceRecord.of(STATEMENT, statementId, statement(statement)));
    }

    private List<SourceRecord> transactions(Entry entry) {
        if (BalanceCheck.sumOfDetails(entry) == null) {
            // A batch whose parts have no amounts, or none in this currency, stays one.
            Detail only = entry.details().size() == 1 ? entry.details().get(0) : null;
            ObjectNode data = transaction(entry, only, entry.money());
            int size = Math.max(entry.batchSize(), entry.details().size());
            if (size > 1) {
                data.set("batch", JSON.objectNode().put("count", size));
            }
            return List.of(SourceRecord.of(TRANSACTION, ids.next(entry, only, entry.money()), data));
        }
        List<SourceRecord> records = new ArrayList<>();
        for (Detail detail : entry.details()) {
            Money money = detail.money() == null ? entry.money() : detail.money();
            ObjectNode data = transaction(entry, detail, money);
            data.set(
                    "batch",
                    JSON.objectNode()
                            .put("index", records.size() + 1)
                            .put("count", entry.details().size())
                            .put("amount", entry.money().text()));
            records.add(SourceRecord.of(TRANSACTION, ids.next(entry, detail, money), data));
        }
        return records;
    }

    /** With the day of the closing balance, because numbers begin anew each year and some banks give none, or always the same. */
    private static String statementId(Statement statement) {
        Statement.Balance closing = statement.closing();
        List<LocalDate> days =
                statement.entries().stream().map(Entry::bookingDate).sorted().toList();
        String day = closing != null
                ? closing.date().toString()
                : days.isEmpty() ? "" : days.get(0) + "/" + days.get(days.size() - 1);
        return TransactionIds.fitting(
                String.join("/", statement.account().id(), day, present(statement.number()), present(statement.id())));
    }

    private static String present(@Nullable String part) {
        return part == null ? "" : part;
    }

    private static ObjectNode statement(Statement statement) {
        ObjectNode data = JSON.objectNode();
        account(data, statement.account());
        data.put("currency", statement.currency());
        text(data, "statement_id", statement.id());
        text(data, "number", statement.number());
        balance(data, "opening_balance", statement.opening());
        balance(data, "closing_balance", statement.closing());
        data.put(
                "entries",
                Math.toIntExact(
                        statement.entries().stream().filter(Entry::booked).count()));
        return data;
    }

    private static void balance(ObjectNode data, String name, Statement.@Nullable Balance balance) {
        if (balance != null) {
            data.set(
                    name,
                    JSON.objectNode()
                            .put("amount", balance.amount().toPlainString())
                            .put("currency", balance.currency())
                            .put("date", balance.date().toString()));
        }
    }

    private static void account(ObjectNode data, Account account) {
        data.put("account", account.id());
        text(data, "account_iban", account.iban());
        text(data, "account_bic", account.bic());
        text(data, "account_owner", account.owner());
    }

    private ObjectNode transaction(Entry entry, @Nullable Detail detail, Money money) {
        ObjectNode data = JSON.objectNode();
        data.put("account", statement.account().id());
        data.put("statement", statementId);
        data.put("amount", money.text());
        data.put("currency", money.currency());
        data.put("direction", money.amount().signum() < 0 ? "debit" : "credit");
        data.put("reversal", entry.reversal());
        data.put("booking_date", entry.bookingDate().toString());
        text(
                data,
                "value_date",
                entry.valueDate() == null ? null : entry.valueDate().toString());
        TransactionCode own = detail == null ? TransactionCode.NONE : detail.code();
        text(data, "code", either(own.iso(), entry.code().iso()));
        text(data, "proprietary_code", either(own.proprietary(), entry.code().proprietary()));
        references(data, entry.references(), detail == null ? References.NONE : detail.references());
        text(data, "text", entry.text());
        if (detail != null) {
            counterparty(data, detail.counterparty());
            remittance(data, detail.remittance());
            text(data, "purpose", detail.purpose());
            text(data, "return_reason", detail.returned());
            Money original = detail.original();
            if (original != null) {
                data.set(
                        "original_amount",
                        JSON.objectNode().put("amount", original.text()).put("currency", original.currency()));
            }
        }
        return data;
    }

    private static void references(ObjectNode data, References entry, References detail) {
        text(data, "bank_reference", either(detail.bank(), entry.bank()));
        text(data, "entry_reference", either(detail.entry(), entry.entry()));
        text(data, "end_to_end_id", either(detail.endToEnd(), entry.endToEnd()));
        text(data, "transaction_id", either(detail.transaction(), entry.transaction()));
        text(data, "instruction_id", either(detail.instruction(), entry.instruction()));
        text(data, "mandate_id", either(detail.mandate(), entry.mandate()));
        text(data, "creditor_id", either(detail.creditor(), entry.creditor()));
        text(data, "payment_information_id", either(detail.payment(), entry.payment()));
        text(data, "cheque_number", either(detail.cheque(), entry.cheque()));
    }

    private static void counterparty(ObjectNode data, Party party) {
        if (party.equals(Party.UNKNOWN)) {
            return;
        }
        ObjectNode counterparty = JSON.objectNode();
        text(counterparty, "name", party.name());
        text(counterparty, "iban", party.iban());
        text(counterparty, "account", party.account());
        text(counterparty, "bic", party.bic());
        data.set("counterparty", counterparty);
    }

    private static void remittance(ObjectNode data, Remittance remittance) {
        if (remittance.equals(Remittance.NONE)) {
            return;
        }
        ObjectNode node = JSON.objectNode();
        if (!remittance.unstructured().isEmpty()) {
            node.put("unstructured", String.join("\n", remittance.unstructured()));
        }
        if (!remittance.structured().isEmpty()) {
            ArrayNode structured = node.putArray("structured");
            remittance.structured().forEach(structured::add);
        }
        data.set("remittance", node);
    }

    private static void text(ObjectNode data, String name, @Nullable String value) {
        if (value != null && !value.isBlank()) {
            data.put(name, value);
        }
    }

    private static @Nullable String either(@Nullable String one, @Nullable String other) {
        return one == null ? other : one;
    }
}
