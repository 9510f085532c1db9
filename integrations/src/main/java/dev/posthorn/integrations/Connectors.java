package dev.posthorn.integrations;

import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.posthorn.integrations.connector.Connector;
import dev.posthorn.integrations.connector.ConnectorDescription;
import dev.posthorn.integrations.connector.PullConnector;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** The connectors that this program has, by name. Immutable. */
public final class Connectors {
    private static final SchemaRegistry REGISTRY =
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    private final Map<String, Entry> entries = new TreeMap<>();

    private record Entry(
            Connector connector, ConnectorDescription description, Schema configuration, Schema credentials) {}

    /**
     * What does not fit a schema.
     *
     * @param pointer JSON pointer to the place
     * @param detail what is wrong there
     */
    public record Misfit(String pointer, String detail) {}

    private Connectors(Iterable<Connector> all) {
        for (Connector connector : all) {
            ConnectorDescription description = connector.describe();
            Entry entry = new Entry(
                    connector,
                    description,
                    REGISTRY.getSchema(description.configuration()),
                    REGISTRY.getSchema(description.credentials()));
            if (entries.put(description.name(), entry) != null) {
                throw new IllegalStateException("there are two connectors named " + description.name());
            }
        }
    }

    /**
     * Those on the class path.
     *
     * @throws IllegalStateException if two have the same name
     */
    public static Connectors onClassPath() {
        return new Connectors(ServiceLoader.load(Connector.class));
    }

    /** Only these. */
    public static Connectors of(List<? extends Connector> connectors) {
        return new Connectors(List.copyOf(connectors));
    }

    /** What there is, in the order of their names. */
    public Collection<ConnectorDescription> descriptions() {
        return entries.values().stream().map(Entry::description).toList();
    }

    /** One of them. */
    public Optional<Connector> find(String name) {
        return Optional.ofNullable(entries.get(name)).map(Entry::connector);
    }

    /**
     * What in a configuration does not fit the connector's schema; empty if all does.
     *
     * @throws IllegalArgumentException if there is no such connector; the message names those that there are
     */
    public List<Misfit> judgeConfiguration(String connector, JsonNode configuration) {
        return misfits(entry(connector).configuration(), configuration);
    }

    /** The same for credentials. */
    public List<Misfit> judgeCredentials(String connector, JsonNode credentials) {
        return misfits(entry(connector).credentials(), credentials);
    }

    /** Whether nothing can be read under a configuration while no credentials are stored; false of a connector that is not here. */
    public boolean needsCredentials(String connector, JsonNode configuration) {
        Entry entry = entries.get(connector);
        return entry != null
                && entry.connector() instanceof PullConnector pull
                && (pull.needsCredentials(configuration)
                        || !misfits(entry.credentials(), JsonNodeFactory.instance.objectNode())
                                .isEmpty());
    }

    private Entry entry(String name) {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw new IllegalArgumentException(
                    "there is no connector \"" + name + "\"; there are " + String.join(", ", entries.keySet()));
        }
        return entry;
    }

    /** Says nothing of the values: they may be secrets. */
    private static List<Misfit> misfits(Schema schema, JsonNode value) {
        return schema.validate(value).stream()
                .map(error -> new Misfit(String.valueOf(error.getInstanceLocation()), sentence(error)))
                .toList();
    }

    private static String sentence(Error error) {
        return String.valueOf(error.getMessage());
    }
}
