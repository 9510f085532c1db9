package dev.posthorn.integrations.connector;

import java.util.Collection;
import java.util.Map;
import java.util.Optional;

/** The secrets of one integration, by name. Immutable; prints none of them. */
public final class Credentials {
    /** None at all. */
    public static final Credentials NONE = new Credentials(Map.of());

    private final Map<String, String> values;

    private Credentials(Map<String, String> values) {
        this.values = values;
    }

    /** These. */
    public static Credentials of(Map<String, String> values) {
        return new Credentials(Map.copyOf(values));
    }

    /** One of them. */
    public Optional<String> find(String name) {
        return Optional.ofNullable(values.get(name));
    }

    /**
     * One that must be there.
     *
     * @throws ConnectorException of class {@link Failure#CREDENTIALS} if it is not
     */
    public String require(String name) throws ConnectorException {
        String value = values.get(name);
        if (value == null) {
            throw new ConnectorException(
                    Failure.CREDENTIALS, "the credentials have no \"" + name + "\"; store them again with it");
        }
        return value;
    }

    /** All secrets, for whoever must take them out of texts. */
    public Collection<String> secrets() {
        return values.values();
    }

    @Override
    public String toString() {
        return "Credentials" + values.keySet();
    }
}
