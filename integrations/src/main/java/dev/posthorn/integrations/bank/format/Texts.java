package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.BadFileException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Makes text of bytes. */
final class Texts {
    private static final Charset WINDOWS_1252 = Charset.forName("windows-1252");

    private Texts() {}

    /** In the encoding that is configured; else UTF-8 if it is that, and Windows-1252, which holds ISO 8859-1, if not. */
    static String decode(byte[] file, Optional<Charset> encoding) throws BadFileException {
        try {
            String text = strictly(file, encoding.orElse(StandardCharsets.UTF_8));
            return withoutNul(text.startsWith("\uFEFF") ? text.substring(1) : text);
        } catch (CharacterCodingException e) {
            if (encoding.isPresent()) {
                throw BadFileException.misconfigured(
                        "it is not written in " + encoding.get().name() + "; correct \"encoding\" or leave it out");
            }
            return withoutNul(new String(file, WINDOWS_1252));
        }
    }

    /** PostgreSQL keeps no such character, and text has none. */
    private static String withoutNul(String text) throws BadFileException {
        if (text.indexOf('\u0000') >= 0) {
            throw BadFileException.malformed(
                    "it holds NUL characters, so it is no text, or one in UTF-16; set the encoding if it is that");
        }
        return text;
    }

    private static String strictly(byte[] file, Charset charset) throws CharacterCodingException {
        return charset.newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)
                .decode(ByteBuffer.wrap(file))
                .toString();
    }
}
