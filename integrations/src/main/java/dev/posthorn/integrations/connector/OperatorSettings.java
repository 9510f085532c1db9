package dev.posthorn.integrations.connector;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What the operator of an installation tells the connectors of one kind, and no owner of an integration can: which folders may be read, where
 * drivers lie. Immutable.
 *
 * @param values by name, {@code [a-z0-9_]}
 */
public record OperatorSettings(Map<String, String> values) {
    /** Nothing. */
    public static final OperatorSettings NONE = new OperatorSettings(Map.of());

    /** Keeps a copy. */
    public OperatorSettings {
        values = Map.copyOf(values);
    }

    /**
     * Those in the environment: {@code POSTHORN_CONNECTOR_BANK_STATEMENT_FOLDERS} is {@code folders} of {@code bank-statement}.
     *
     * @param connector its name
     */
    public static OperatorSettings ofEnvironment(String connector, Map<String, String> environment) {
        String prefix =
                "POSTHORN_CONNECTOR_" + connector.toUpperCase(Locale.ROOT).replace('-', '_') + "_";
        Map<String, String> values = new HashMap<>();
        environment.forEach((name, value) -> {
            if (name.startsWith(prefix) && name.length() > prefix.length() && !value.isBlank()) {
                values.put(name.substring(prefix.length()).toLowerCase(Locale.ROOT), value);
            }
        });
        return new OperatorSettings(values);
    }

    /** One of them. */
    public Optional<String> find(String name) {
        return Optional.ofNullable(values.get(name));
    }
}
