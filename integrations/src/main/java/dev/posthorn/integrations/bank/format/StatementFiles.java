package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.bank.statement.Statement;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Reads the statements of a file, packed or not.
 *
 * @param format which, or {@link Format#AUTO}
 * @param encoding of MT940 and OFX; empty: UTF-8 or Windows-1252, whichever it is
 * @param csv how the bank writes CSV; empty if it does not
 * @param largest file in bytes, unpacked
 */
public record StatementFiles(Format format, Optional<Charset> encoding, Optional<CsvFormat> csv, int largest) {
    private static final int BEGINNING = 4_096;
    private static final Pattern MT940 = Pattern.compile("(?m)^:(20|25|28C?|60F):");

    /** Formats, as a configuration names them in small letters. */
    public enum Format {
        /** Seen from the file. */
        AUTO,
        /** ISO 20022. */
        CAMT053,
        /** SWIFT. */
        MT940,
        /** Open Financial Exchange 1 and 2. */
        OFX,
        /** With columns that the configuration names. */
        CSV
    }

    /**
     * All statements, in the order of the file.
     *
     * @throws BadFileException if one of them cannot be read
     */
    public List<Statement> read(byte[] file) throws BadFileException {
        List<Statement> statements = new ArrayList<>();
        for (byte[] one : Archive.open(file, largest)) {
            statements.addAll(readOne(one));
        }
        return statements;
    }

    private List<Statement> readOne(byte[] file) throws BadFileException {
        Format found = format == Format.AUTO ? detect(file) : format;
        return switch (found) {
            case CAMT053 -> Camt053.read(file);
            case MT940 -> Mt940.read(Texts.decode(file, encoding));
            case OFX -> Ofx.read(Texts.decode(file, encoding));
            case CSV -> {
                CsvFormat format = csv.orElseThrow(
                        () -> BadFileException.misconfigured("\"csv\" must say how its columns are called"));
                yield Csv.read(Texts.decode(file, format.encoding()), format);
            }
            case AUTO ->
                throw BadFileException.misconfigured(
                        "it is neither camt.053 nor MT940 nor OFX; for CSV set \"csv\", else let the pattern or \"ignore\" leave it out");
        };
    }

    /** By how it begins. */
    private Format detect(byte[] file) {
        // Without the zeros of UTF-16, which XML may be in.
        String beginning = new String(file, 0, Math.min(file.length, BEGINNING), StandardCharsets.ISO_8859_1)
                .replace("\u0000", "");
        String stripped = beginning.replaceFirst("^[^\\x21-\\x7e]+", "");
        if (stripped.startsWith("OFXHEADER") || stripped.contains("<OFX>") || stripped.contains("<?OFX")) {
            return Format.OFX;
        }
        if (stripped.startsWith("<")) {
            return Format.CAMT053;
        }
        if (MT940.matcher(beginning.replace('\r', '\n')).find()) {
            return Format.MT940;
        }
        return csv.isPresent() ? Format.CSV : Format.AUTO;
    }
}
