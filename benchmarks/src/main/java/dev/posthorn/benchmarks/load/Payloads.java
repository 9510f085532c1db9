package dev.posthorn.benchmarks.load;

/** JSON of 1 KB, as a payment might look. */
public final class Payloads {
    /** Size of a payload whose number has four digits. */
    public static final int BYTES = 1024;

    /** The beginning of a payload; a number and {@link #END} follow. */
    public static final String BEGINNING = beginning();

    /** What stands behind the number. */
    public static final String END = "\"}";

    private Payloads() {}

    /** The payload of a number. */
    public static String numbered(long number) {
        return BEGINNING + number + END;
    }

    private static String beginning() {
        StringBuilder text = new StringBuilder("{\"kind\":\"payment\",\"lines\":[");
        for (int line = 0; line < 16; line++) {
            text.append("{\"item\":\"part ")
                    .append(line * 7919)
                    .append("\",\"amount\":")
                    .append(line * 104_729)
                    .append(",\"note\":\"x")
                    .append(Integer.toHexString(line * 0x9E3779B9))
                    .append("\"},");
        }
        String end = "{}],\"number\":\"";
        text.append("{\"filled\":\"");
        text.repeat("y", BYTES - text.length() - "\"},".length() - end.length() - 4 - END.length());
        return text.append("\"},").append(end).toString();
    }
}
