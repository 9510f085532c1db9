package dev.posthorn.delivery.address;

import com.ibm.icu.text.IDNA;
import java.util.EnumSet;
import java.util.Set;

/** Conversion of internationalized names by UTS #46, non-transitional. */
final class InternationalName {
    private static final IDNA UTS46 = IDNA.getUTS46Instance(
            IDNA.NONTRANSITIONAL_TO_ASCII | IDNA.NONTRANSITIONAL_TO_UNICODE | IDNA.CHECK_BIDI | IDNA.CHECK_CONTEXTJ);

    /** Errors that the rules for every name find too, and say better. */
    private static final Set<IDNA.Error> LEFT_TO_NAME_RULES = EnumSet.of(
            IDNA.Error.EMPTY_LABEL,
            IDNA.Error.LABEL_TOO_LONG,
            IDNA.Error.DOMAIN_NAME_TOO_LONG,
            IDNA.Error.LEADING_HYPHEN,
            IDNA.Error.TRAILING_HYPHEN,
            IDNA.Error.HYPHEN_3_4);

    private InternationalName() {}

    /** The name in A-labels. */
    static String toAscii(String name) throws TargetRefusedException {
        String ascii = convert(name);
        for (int i = 0; i < ascii.length(); i++) {
            char c = ascii.charAt(i);
            if (!UrlParser.isAlphanumeric(c) && "-._".indexOf(c) < 0) {
                throw refused();
            }
        }
        checkLabels(ascii);
        return ascii;
    }

    /** Checks that every A-label of a lower-case name stands for a name that is written with it. */
    static void checkLabels(String ascii) throws TargetRefusedException {
        for (String label : ascii.split("\\.", -1)) {
            if (label.startsWith("xn--")) {
                IDNA.Info info = new IDNA.Info();
                String unicode =
                        UTS46.labelToUnicode(label, new StringBuilder(), info).toString();
                if (info.hasErrors()
                        || unicode.equals(label)
                        || !convert(unicode).equals(label)) {
                    throw refused();
                }
            }
        }
    }

    private static String convert(String name) throws TargetRefusedException {
        IDNA.Info info = new IDNA.Info();
        String ascii = UTS46.nameToASCII(name, new StringBuilder(), info).toString();
        if (!LEFT_TO_NAME_RULES.containsAll(info.getErrors())) {
            throw refused();
        }
        return ascii;
    }

    private static TargetRefusedException refused() {
        return new TargetRefusedException(
                RefusalClass.IDN, "the host is no internationalized name that converts to ASCII and back (UTS #46)");
    }
}
