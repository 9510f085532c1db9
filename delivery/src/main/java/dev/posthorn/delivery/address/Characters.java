package dev.posthorn.delivery.address;

import com.ibm.icu.lang.UCharacter;
import com.ibm.icu.lang.UCharacterCategory;
import com.ibm.icu.lang.UProperty;

/** Characters that stand nowhere in a URL, because people do not see them or programs read them differently. */
final class Characters {
    private static final int REPLACEMENT = 0xfffd;

    private Characters() {}

    static void check(String text) throws TargetRefusedException {
        for (int i = 0; i < text.length(); i++) {
            int c = text.codePointAt(i);
            if (c == '\\' || c <= ' ' || c == 0x7f || (c > 0x7f && isRefused(c))) {
                throw new TargetRefusedException(
                        RefusalClass.CHARACTER, "the URL holds " + named(c) + " at position " + (i + 1));
            }
            if (c > 0xffff) {
                i++;
            }
        }
    }

    /** What an error calls a character: the printable ones of ASCII stand there themselves. */
    static String named(int c) {
        return switch (c) {
            case ' ' -> "a blank";
            case '\\' -> "a backslash";
            default -> c > ' ' && c < 0x7f ? String.valueOf((char) c) : "the character U+%04X".formatted(c);
        };
    }

    private static boolean isRefused(int c) {
        return switch (UCharacter.getType(c)) {
            case UCharacterCategory.CONTROL,
                    UCharacterCategory.FORMAT,
                    UCharacterCategory.SURROGATE,
                    UCharacterCategory.PRIVATE_USE,
                    UCharacterCategory.UNASSIGNED,
                    UCharacterCategory.SPACE_SEPARATOR,
                    UCharacterCategory.LINE_SEPARATOR,
                    UCharacterCategory.PARAGRAPH_SEPARATOR -> true;
            // What is not shown, the conversion of names would drop: another host than the one that was given.
            default -> c == REPLACEMENT || UCharacter.hasBinaryProperty(c, UProperty.DEFAULT_IGNORABLE_CODE_POINT);
        };
    }
}
