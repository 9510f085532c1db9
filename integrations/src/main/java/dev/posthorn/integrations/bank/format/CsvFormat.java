package dev.posthorn.integrations.bank.format;

import java.nio.charset.Charset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a bank writes its CSV.
 *
 * @param delimiter between fields
 * @param quote around fields
 * @param encoding empty: UTF-8 or Windows-1252, whichever it is
 * @param skipLines before the header, or the first row if there is none
 * @param header whether columns have names
 * @param dates of all dates
 * @param decimal point or comma; the other one, blanks and apostrophes group digits
 * @param columns by what they mean; several only for the remittance. A name of the header, or a number from 1 on
 * @param debits values of the column {@code direction} that mean a debit
 * @param account of all rows, where no column says it
 * @param currency of all rows, where no column says it
 */
public record CsvFormat(
        char delimiter,
        char quote,
        Optional<Charset> encoding,
        int skipLines,
        boolean header,
        DateTimeFormatter dates,
        char decimal,
        Map<String, List<String>> columns,
        List<String> debits,
        Optional<String> account,
        Optional<String> currency) {
    /** Keeps copies. */
    public CsvFormat {
        columns = Map.copyOf(columns);
        debits = List.copyOf(debits);
    }
}
