package dev.posthorn.integrations.bank;

/** Statements of any size. */
final class Statements {
    private Statements() {}

    /** A camt.053 of so many credits of 1.00. */
    static String many(int entries) {
        StringBuilder xml = new StringBuilder("""
                <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S-%d</Id>
                <Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>
                <Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-24</Dt></Dt></Bal>
                <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">%d.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-24</Dt></Dt></Bal>
                """.formatted(entries, entries));
        for (int i = 1; i <= entries; i++) {
            xml.append("""
                    <Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
                    <BookgDt><Dt>2026-11-24</Dt></BookgDt><AcctSvcrRef>R-%d-%d</AcctSvcrRef></Ntry>
                    """.formatted(entries, i));
        }
        return xml.append("</Stmt></BkToCstmrStmt></Document>").toString();
    }
}
