package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.Account;
import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.bank.statement.Detail;
import dev.posthorn.integrations.bank.statement.Entry;
import dev.posthorn.integrations.bank.statement.Money;
import dev.posthorn.integrations.bank.statement.Party;
import dev.posthorn.integrations.bank.statement.References;
import dev.posthorn.integrations.bank.statement.Remittance;
import dev.posthorn.integrations.bank.statement.TransactionCode;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An entry ({@code Ntry}) of a camt.053, with its transactions ({@code NtryDtls/TxDtls}). */
final class Camt053Entry {
    private Camt053Entry() {}

    static Entry read(XmlElement entry, @Nullable Account account, String where) throws BadFileException {
        boolean credit = Camt053.credit(entry, where);
        Money money = signed(entry.find("Amt"), credit, where);
        String reversed = entry.text("RvslInd");
        boolean reversal = "true".equals(reversed) || "1".equals(reversed);
        LocalDate valueDate = Camt053.optionalDate(entry, "ValDt", where);
        LocalDate booked = Camt053.optionalDate(entry, "BookgDt", where);
        LocalDate bookingDate = booked == null ? valueDate : booked;
        if (bookingDate == null) {
            throw BadFileException.malformed(where + " has neither BookgDt nor ValDt");
        }
        List<Detail> details = new ArrayList<>();
        int batchSize = 0;
        BigDecimal charges = charges(entry, money.currency());
        for (XmlElement group : entry.all("NtryDtls")) {
            String count = group.text("Btch", "NbOfTxs");
            if (count != null && count.matches("[0-9]{1,9}")) {
                batchSize += Integer.parseInt(count);
            }
            for (XmlElement transaction : group.all("TxDtls")) {
                String place = where + ", transaction " + (details.size() + 1);
                details.add(detail(transaction, money, credit, reversal, account, place));
                charges = charges.add(charges(transaction, money.currency()));
            }
        }
        return new Entry(
                money,
                booked(entry),
                reversal,
                bookingDate,
                valueDate,
                References.of(References.meant(entry.text("AcctSvcrRef")), References.meant(entry.text("NtryRef"))),
                code(entry),
                entry.text("AddtlNtryInf"),
                charges,
                batchSize,
                details);
    }

    /** A text until version 7, a code since. None: statements hold what is booked. */
    private static boolean booked(XmlElement entry) {
        XmlElement status = entry.find("Sts");
        String code = status == null ? null : status.find("Cd") == null ? status.text() : status.text("Cd");
        return code == null || code.equals("BOOK");
    }

    private static Detail detail(
            XmlElement transaction,
            Money entry,
            boolean entryCredit,
            boolean reversal,
            @Nullable Account account,
            String where)
            throws BadFileException {
        boolean credit = transaction.find("CdtDbtInd") == null ? entryCredit : Camt053.credit(transaction, where);
        Money instructed = optional(transaction.find("AmtDtls", "InstdAmt", "Amt"), credit, where);
        Money money = optional(transaction.find("Amt"), credit, where);
        if (money == null) {
            money = optional(transaction.find("AmtDtls", "TxAmt", "Amt"), credit, where);
        }
        Money original = money != null && !money.currency().equals(entry.currency()) ? money : instructed;
        if (money == null) {
            money = instructed;
        }
        if (original != null && original.currency().equals(entry.currency())) {
            original = null;
        }
        // A reversal keeps the parties of what it takes back.
        Party counterparty = counterparty(transaction, credit != reversal, account);
        return new Detail(
                money,
                original,
                references(transaction),
                counterparty,
                remittance(transaction),
                code(transaction),
                transaction.text("Purp", "Cd"),
                returned(transaction));
    }

    private static Money signed(@Nullable XmlElement amount, boolean credit, String where) throws BadFileException {
        BigDecimal value = Values.amount(amount == null ? null : amount.text(), where);
        Money money = new Money(value, Values.currency(amount == null ? null : amount.attribute("Ccy"), where));
        return credit ? money : money.negated();
    }

    private static @Nullable Money optional(@Nullable XmlElement amount, boolean credit, String where)
            throws BadFileException {
        return amount == null ? null : signed(amount, credit, where);
    }

    private static BigDecimal charges(XmlElement element, String currency) throws BadFileException {
        BigDecimal sum = BigDecimal.ZERO;
        for (XmlElement charges : element.all("Chrgs")) {
            XmlElement total = charges.find("TtlChrgsAndTaxAmt");
            List<XmlElement> amounts = new ArrayList<>();
            if (total != null) {
                amounts.add(total);
            } else {
                // Version 2 has the amount itself, later ones a list.
                amounts.addAll(charges.all("Amt"));
                charges.all("Rcrd").forEach(one -> amounts.addAll(one.all("Amt")));
            }
            for (XmlElement amount : amounts) {
                if (currency.equals(amount.attribute("Ccy"))) {
                    sum = sum.add(Values.amount(amount.text(), "charges"));
                }
            }
        }
        return sum;
    }

    private static References references(XmlElement transaction) {
        XmlElement refs = transaction.find("Refs");
        String mandate = refs == null ? null : References.meant(refs.text("MndtId"));
        if (refs == null) {
            return References.NONE;
        }
        return new References(
                References.meant(refs.text("AcctSvcrRef")),
                null,
                References.meant(refs.text("EndToEndId")),
                References.meant(refs.text("TxId")),
                References.meant(refs.text("InstrId")),
                mandate,
                mandate == null ? null : party(transaction, "Cdtr", "Id", "PrvtId", "Othr", "Id"),
                References.meant(refs.text("PmtInfId")),
                References.meant(refs.text("ChqNb")));
    }

    private static Party counterparty(XmlElement transaction, boolean incoming, @Nullable Account account) {
        Party likely = party(transaction, incoming ? "Dbtr" : "Cdtr");
        Party other = party(transaction, incoming ? "Cdtr" : "Dbtr");
        boolean ourselves = account != null
                && ((likely.iban() != null && likely.iban().equals(account.iban()))
                        || (likely.account() != null && likely.account().equals(account.id())));
        // Banks differ in who is who of a payment that came back.
        return ourselves && (other.iban() != null || other.account() != null) ? other : likely;
    }

    private static Party party(XmlElement transaction, String role) {
        String bic = transaction.text("RltdAgts", role + "Agt", "FinInstnId", "BICFI");
        if (bic == null) {
            bic = transaction.text("RltdAgts", role + "Agt", "FinInstnId", "BIC");
        }
        if (bic == null) {
            bic = transaction.text("RltdAgts", role + "Agt", "FinInstnId", "ClrSysMmbId", "MmbId");
        }
        return new Party(
                party(transaction, role, "Nm"),
                Values.iban(transaction.text("RltdPties", role + "Acct", "Id", "IBAN")),
                transaction.text("RltdPties", role + "Acct", "Id", "Othr", "Id"),
                bic);
    }

    /** Below {@code Pty} since version 8. */
    private static @Nullable String party(XmlElement transaction, String role, String... path) {
        XmlElement party = transaction.find("RltdPties", role);
        if (party == null) {
            return null;
        }
        XmlElement inner = party.find("Pty");
        return (inner == null ? party : inner).text(path);
    }

    private static Remittance remittance(XmlElement transaction) {
        XmlElement information = transaction.find("RmtInf");
        if (information == null) {
            return Remittance.NONE;
        }
        List<String> unstructured = new ArrayList<>();
        List<String> structured = new ArrayList<>();
        for (XmlElement line : information.all("Ustrd")) {
            add(unstructured, line.text());
        }
        for (XmlElement block : information.all("Strd")) {
            add(structured, block.text("CdtrRefInf", "Ref"));
            for (XmlElement line : block.all("AddtlRmtInf")) {
                add(unstructured, line.text());
            }
        }
        return new Remittance(unstructured, structured);
    }

    private static void add(List<String> to, @Nullable String text) {
        if (text != null) {
            to.add(text);
        }
    }

    private static TransactionCode code(XmlElement element) {
        String domain = element.text("BkTxCd", "Domn", "Cd");
        String family = element.text("BkTxCd", "Domn", "Fmly", "Cd");
        String subFamily = element.text("BkTxCd", "Domn", "Fmly", "SubFmlyCd");
        return new TransactionCode(
                domain == null ? null : domain + "/" + family + "/" + subFamily, element.text("BkTxCd", "Prtry", "Cd"));
    }

    private static @Nullable String returned(XmlElement transaction) {
        String code = transaction.text("RtrInf", "Rsn", "Cd");
        String words = transaction.text("RtrInf", "AddtlInf");
        if (code == null) {
            return words;
        }
        return words == null ? code : code + ": " + words;
    }
}
