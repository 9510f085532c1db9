package dev.posthorn.integrations.bank.statement;

import java.util.List;

/**
 * What a payment is for.
 *
 * @param unstructured lines as they came
 * @param structured references of creditors, such as {@code RF18…} or a Swiss QR reference
 */
public record Remittance(List<String> unstructured, List<String> structured) {
    /** Nothing said. */
    public static final Remittance NONE = new Remittance(List.of(), List.of());

    /** Keeps copies. */
    public Remittance {
        unstructured = List.copyOf(unstructured);
        structured = List.copyOf(structured);
    }
}
