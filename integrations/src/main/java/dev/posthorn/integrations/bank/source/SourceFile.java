package dev.posthorn.integrations.bank.source;

/**
 * A file as it was seen.
 *
 * @param name without folder
 * @param version changes when the content does: size and time, or a hash
 * @param modified milliseconds since 1970 by the clock of whoever keeps it; 0 if unknown
 */
public record SourceFile(String name, String version, long modified) {
    /** Of which size and time are known. */
    public static SourceFile of(String name, long size, long modified) {
        return new SourceFile(name, size + "/" + modified, modified);
    }
}
