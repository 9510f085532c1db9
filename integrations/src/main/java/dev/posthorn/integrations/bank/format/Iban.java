package dev.posthorn.integrations.bank.format;

import java.math.BigInteger;
import java.util.Optional;
import java.util.regex.Pattern;

/** International account numbers (ISO 13616), found where formats do not say whether a number is one. */
final class Iban {
    private static final Pattern SHAPE = Pattern.compile("[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}");
    private static final BigInteger CHECK = BigInteger.valueOf(97);

    private Iban() {}

    /** The text without blanks and without a currency behind it, if it is one. */
    static Optional<String> in(String text) {
        String dense = text.replace(" ", "");
        if (isValid(dense)) {
            return Optional.of(dense);
        }
        String shorter = dense.length() > 3 ? dense.substring(0, dense.length() - 3) : "";
        return isValid(shorter) ? Optional.of(shorter) : Optional.empty();
    }

    private static boolean isValid(String text) {
        if (!SHAPE.matcher(text).matches()) {
            return false;
        }
        StringBuilder digits = new StringBuilder();
        String turned = text.substring(4) + text.substring(0, 4);
        turned.chars().forEach(c -> digits.append(Character.digit(c, 36)));
        return new BigInteger(digits.toString()).mod(CHECK).equals(BigInteger.ONE);
    }
}
