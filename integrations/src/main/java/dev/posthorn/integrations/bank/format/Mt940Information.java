package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.Party;
import dev.posthorn.integrations.bank.statement.References;
import dev.posthorn.integrations.bank.statement.Remittance;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What {@code :86:} says of an entry, in one of the three ways that are in use: fields of the German banks ({@code 166?00…?20…}, with {@code EREF+} and
 * the like in the remittance), codes between slashes ({@code /EREF/…/REMI/…}, Dutch banks and others), or words.
 *
 * @param businessCode of the German banks (GVC), three digits, or null
 * @param text of the booking, or null
 */
record Mt940Information(
        @Nullable String businessCode,
        @Nullable String text,
        References references,
        Party counterparty,
        Remittance remittance,
        @Nullable String purpose,
        @Nullable String returned) {
    static final Mt940Information NONE =
            new Mt940Information(null, null, References.NONE, Party.UNKNOWN, Remittance.NONE, null, null);

    private static final Pattern GERMAN = Pattern.compile("([0-9]{3})([^0-9A-Za-z\\s])[0-9]{2}.*", Pattern.DOTALL);
    private static final Pattern SEPA =
            Pattern.compile("(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC|PURP)\\+");
    private static final Pattern SLASHES = Pattern.compile(
            "/(TRTP|TRCD|IBAN|BIC|NAME|REMI|EREF|KREF|PREF|IREF|MARF|CSID|ORDP|BENM|CNTP|RTRN|PURP|SVCL|SVWZ|ISDT|ULTD|ULTC|ULTB|ADDR|ID|AC|AB|ORDB|BENB|TRN|OCMT|CHGS|EXCH|CODE)/");

    static Mt940Information read(String value) {
        String dense = value.replace("\n", "");
        Matcher german = GERMAN.matcher(dense);
        if (german.matches()) {
            return german(german.group(1), german.group(2), dense.substring(3));
        }
        if (SLASHES.matcher(dense).lookingAt()) {
            return slashes(dense);
        }
        List<String> lines =
                value.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
        return new Mt940Information(
                null, null, References.NONE, Party.UNKNOWN, new Remittance(lines, List.of()), null, null);
    }

    private static Mt940Information german(String code, String separator, String fields) {
        StringBuilder purpose = new StringBuilder();
        StringBuilder name = new StringBuilder();
        String text = null;
        String bank = null;
        String account = null;
        String returned = null;
        for (String field : fields.split(Pattern.quote(separator), -1)) {
            if (!field.matches("(?s)[0-9]{2}.*")) {
                // The separator itself stood in a text.
                purpose.append(field);
                continue;
            }
            String content = field.substring(2);
            int number = Integer.parseInt(field.substring(0, 2));
            switch (number) {
                case 0 -> text = content.strip();
                case 30 -> bank = content.strip();
                case 31 -> account = content.strip();
                case 32, 33 -> name.append(content);
                case 34 -> returned = content.matches("9[0-9]{2}") ? content : null;
                default -> {
                    if ((number >= 20 && number <= 29) || (number >= 60 && number <= 63)) {
                        purpose.append(content);
                    }
                }
            }
        }
        Map<String, String> sepa = cut(purpose.toString(), SEPA);
        String iban = account == null ? null : Iban.in(account).orElse(null);
        String words = sepa.containsKey("SVWZ") || sepa.size() > 1 ? sepa.get("SVWZ") : sepa.get("");
        return new Mt940Information(
                code,
                text,
                new References(
                        null,
                        References.meant(sepa.get("KREF")),
                        References.meant(sepa.get("EREF")),
                        null,
                        null,
                        References.meant(sepa.get("MREF")),
                        References.meant(sepa.get("CRED")),
                        null,
                        null),
                new Party(blankToNull(name.toString()), iban, iban == null ? blankToNull(account) : null, bank),
                words(words),
                blankToNull(sepa.get("PURP")),
                returned);
    }

    private static Mt940Information slashes(String value) {
        Map<String, String> codes = cut(value, SLASHES);
        // Some end a value with a slash of its own; the parts of a party may be empty.
        codes.replaceAll((code, text) ->
                code.equals("CNTP") ? text : text.replaceFirst("/+$", "").strip());
        String remittance = codes.get("REMI");
        List<String> structured = new ArrayList<>();
        if (remittance != null) {
            Matcher reference =
                    Pattern.compile("STRD/(?:CUR|ISO|CCR)?/?([^/]+)/?").matcher(remittance);
            if (reference.matches()) {
                structured.add(reference.group(1).strip());
                remittance = null;
            } else {
                remittance = remittance.replaceFirst("^USTD//?", "");
            }
        }
        // ING: IBAN, BIC, name and town of the other side.
        String[] party = codes.getOrDefault("CNTP", "").split("/", -1);
        String account = party[0].isBlank() ? codes.getOrDefault("IBAN", codes.get("AC")) : party[0];
        String iban = account == null ? null : Iban.in(account.strip()).orElse(null);
        return new Mt940Information(
                null,
                blankToNull(codes.get("TRTP")),
                new References(
                        null,
                        null,
                        References.meant(codes.get("EREF")),
                        null,
                        References.meant(codes.get("IREF")),
                        References.meant(codes.get("MARF")),
                        References.meant(codes.get("CSID")),
                        References.meant(codes.get("PREF")),
                        null),
                new Party(
                        blankToNull(party.length > 2 ? party[2] : codes.get("NAME")),
                        iban,
                        iban == null ? blankToNull(account) : null,
                        blankToNull(party.length > 1 ? party[1] : codes.get("BIC"))),
                new Remittance(words(remittance).unstructured(), structured),
                blankToNull(codes.get("PURP")),
                blankToNull(codes.get("RTRN")));
    }

    /** The text behind each key, up to the next; of one that comes twice, the first. What stands before the first key has the key "". */
    private static Map<String, String> cut(String text, Pattern keys) {
        Map<String, String> parts = new LinkedHashMap<>();
        Matcher matcher = keys.matcher(text);
        String key = "";
        int from = 0;
        int at = 0;
        while (matcher.find(at)) {
            parts.putIfAbsent(
                    key, text.substring(from, Math.max(from, matcher.start())).strip());
            key = matcher.group(1);
            from = matcher.end();
            // The slash that ends one code may begin the next.
            at = text.charAt(from - 1) == '/' ? from - 1 : from;
        }
        parts.putIfAbsent(key, text.substring(from).strip());
        return parts;
    }

    private static Remittance words(@Nullable String words) {
        return words == null || words.isBlank() ? Remittance.NONE : new Remittance(List.of(words.strip()), List.of());
    }

    private static @Nullable String blankToNull(@Nullable String text) {
        return text == null || text.isBlank() ? null : text.strip();
    }
}
