package dev.posthorn.server.settings;

import dev.posthorn.server.PosthornException;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/** The settings in force: flags before environment before file before defaults. Immutable. */
public final class Settings {
    private final Map<Setting, Value> values;

    /** Everything that can be set. */
    public enum Setting {
        /** Where the database is; empty for the embedded one. */
        DATABASE_URL("DATABASE_URL", "database.url", "", true),
        /** Folder of the embedded database and its master key. */
        DATA("POSTHORN_DATA", "data", "data", false),
        /** Address to listen on. */
        HOST("POSTHORN_HOST", "host", "127.0.0.1", false),
        /** Port to listen on. */
        PORT("POSTHORN_PORT", "port", "8080", false),
        /** The master key itself; several, separated by white space, the one that encrypts first. */
        MASTER_KEY("POSTHORN_MASTER_KEY", "master.key", "", true),
        /** A file that holds the master keys, one a line, the one that encrypts first. */
        MASTER_KEY_FILE("POSTHORN_MASTER_KEY_FILE", "master.key.file", "", false),
        /** Where new secrets are kept: {@code database} or {@code hashicorp}. */
        SECRET_STORE("POSTHORN_SECRET_STORE", "secret.store", "database", false),
        /** Address of the operator's HashiCorp Vault or OpenBao; empty if there is none. */
        VAULT_ADDRESS("POSTHORN_VAULT_ADDRESS", "vault.address", "", false),
        /** A file that holds a token for it. */
        VAULT_TOKEN_FILE("POSTHORN_VAULT_TOKEN_FILE", "vault.token.file", "", false),
        /** The AppRole to log in as, instead of a token. */
        VAULT_ROLE_ID("POSTHORN_VAULT_ROLE_ID", "vault.role.id", "", false),
        /** A file that holds the secret id of the AppRole. */
        VAULT_SECRET_ID_FILE("POSTHORN_VAULT_SECRET_ID_FILE", "vault.secret.id.file", "", false),
        /** Where the AppRole method is mounted. */
        VAULT_APPROLE_MOUNT("POSTHORN_VAULT_APPROLE_MOUNT", "vault.approle.mount", "approle", false),
        /** Its namespace. */
        VAULT_NAMESPACE("POSTHORN_VAULT_NAMESPACE", "vault.namespace", "", false),
        /** Where its KV secrets engine, version 2, is mounted. */
        VAULT_MOUNT("POSTHORN_VAULT_MOUNT", "vault.mount", "secret", false),
        /** The folder under which secrets are kept there. */
        VAULT_PREFIX("POSTHORN_VAULT_PREFIX", "vault.prefix", "posthorn", false),
        /** A PEM file of the certificates that its certificate must descend from. */
        VAULT_CA_FILE("POSTHORN_VAULT_CA_FILE", "vault.ca.file", "", false),
        /** Networks that may be sent to although they are not public, separated by commas: 10.1.0.0/16:8080. */
        ALLOWED_NETWORKS("POSTHORN_ALLOWED_NETWORKS", "allowed.networks", "", false),
        /** Networks that may not be sent to although they are public, separated by commas. */
        REFUSED_NETWORKS("POSTHORN_REFUSED_NETWORKS", "refused.networks", "", false),
        /** Addresses that lead back to this installation, besides those of the machine, separated by commas. */
        OWN_ADDRESSES("POSTHORN_OWN_ADDRESSES", "own.addresses", "", false),
        /** Whether public addresses may be sent to over http. */
        ALLOW_HTTP("POSTHORN_ALLOW_HTTP", "allow.http", "false", false),
        /** Whether the network translates 64:ff9b::/96. */
        NAT64("POSTHORN_NAT64", "nat64", "false", false),
        /** A domain that tells whether the name service works; none where there is neither one nor a way to the internet. */
        CONTROL_NAME("POSTHORN_CONTROL_NAME", "control.name", "example.com", false),
        /** A file of certificates in PEM by whose authorities receivers are believed, besides those that Java trusts. */
        TLS_CA_FILE("POSTHORN_TLS_CA_FILE", "tls.ca.file", "", false),
        /** Whether only the authorities of that file are believed. */
        TLS_CA_ONLY("POSTHORN_TLS_CA_ONLY", "tls.ca.only", "false", false),
        /** host:port of the HTTP proxy through which everything is sent; empty for none. */
        EGRESS_PROXY("POSTHORN_EGRESS_PROXY", "egress.proxy", "", false),
        /** user:password for that proxy. */
        EGRESS_PROXY_CREDENTIALS("POSTHORN_EGRESS_PROXY_CREDENTIALS", "egress.proxy.credentials", "", true),
        /** Deliveries under way at once on this node. */
        MAX_IN_FLIGHT("POSTHORN_MAX_IN_FLIGHT", "max.in.flight", "1024", false),
        /** Networks of proxies whose X-Forwarded-For is believed, separated by commas; nobody's if empty. */
        TRUSTED_PROXIES("POSTHORN_TRUSTED_PROXIES", "trusted.proxies", "", false),
        /** What happens to calls with API keys while their rate limits cannot be drawn: open lets them through, closed answers 503. */
        API_KEY_LIMITS_FAIL("POSTHORN_API_KEY_LIMITS_FAIL", "api.key.limits.fail", "open", false),
        /** Keys that do not exist which are looked up in a second, a tenth of them from one address; beyond, new keys are answered 503. */
        API_KEY_UNKNOWN_PER_SECOND("POSTHORN_API_KEY_UNKNOWN_PER_SECOND", "api.key.unknown.per.second", "1000", false),
        /** A file of the public keys whose reports of leaked API keys are believed. */
        LEAK_REPORT_KEYS("POSTHORN_LEAK_REPORT_KEYS", "leak.report.keys", "", false);

        private final String variable;
        private final String property;
        private final String standard;
        private final boolean secret;

        Setting(String variable, String property, String standard, boolean secret) {
            this.variable = variable;
            this.property = property;
            this.standard = standard;
            this.secret = secret;
        }

        /** Name of the environment variable. */
        public String variable() {
            return variable;
        }

        /** Name in the file. */
        public String property() {
            return property;
        }
    }

    private record Value(String text, String source) {}

    private Settings(Map<Setting, Value> values) {
        this.values = values;
    }

    /**
     * Gathers the settings.
     *
     * @param flags what the command line gave
     * @param environment the environment's variables
     * @param file a file of properties; null for {@code posthorn.properties} if that exists
     * @throws PosthornException if the file cannot be read or holds an unknown key
     */
    public static Settings gather(Map<Setting, String> flags, Map<String, String> environment, @Nullable Path file) {
        Path properties = file == null ? Path.of("posthorn.properties") : file;
        Map<String, String> fromFile = file != null || Files.exists(properties) ? read(properties) : Map.of();
        Map<Setting, Value> values = new EnumMap<>(Setting.class);
        for (Setting key : Setting.values()) {
            String flag = flags.get(key);
            String variable = environment.get(key.variable);
            String property = fromFile.get(key.property);
            if (flag != null) {
                values.put(key, new Value(flag, "command line"));
            } else if (variable != null && !variable.isEmpty()) {
                values.put(key, new Value(variable, "environment " + key.variable));
            } else if (property != null) {
                values.put(key, new Value(property, "file " + properties));
            } else {
                values.put(key, new Value(key.standard, "default"));
            }
        }
        return new Settings(values);
    }

    private static Map<String, String> read(Path file) {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (IOException e) {
            throw new PosthornException(
                    PosthornException.CONFIGURATION, "the configuration file " + file + " cannot be read");
        }
        List<String> known =
                Arrays.stream(Setting.values()).map(Setting::property).toList();
        for (String name : properties.stringPropertyNames()) {
            if (!known.contains(name)) {
                throw new PosthornException(
                        PosthornException.CONFIGURATION,
                        file + " holds the unknown key " + name + "; known are " + String.join(", ", known));
            }
        }
        Map<String, String> read = new java.util.HashMap<>();
        properties.stringPropertyNames().forEach(name -> read.put(name, properties.getProperty(name)));
        return read;
    }

    /** The text of a setting, empty if it was not given and has no default. */
    public String text(Setting key) {
        return value(key).text();
    }

    /**
     * A setting that is a number.
     *
     * @throws PosthornException if it is none, or out of range
     */
    public int number(Setting key, int least, int most) {
        Value value = value(key);
        try {
            int number = Integer.parseInt(value.text().strip());
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new PosthornException(
                PosthornException.CONFIGURATION,
                key.property + " must be a number from " + least + " to " + most + ", it is \"" + value.text() + "\" ("
                        + value.source() + ")");
    }

    /**
     * A setting that is true or false.
     *
     * @throws PosthornException if it is neither
     */
    public boolean flag(Setting key) {
        Value value = value(key);
        return switch (value.text().strip()) {
            case "true" -> true;
            case "false" -> false;
            default ->
                throw new PosthornException(
                        PosthornException.CONFIGURATION,
                        key.property + " must be true or false, it is \"" + value.text() + "\" (" + value.source()
                                + ")");
        };
    }

    /** A setting that is a list separated by commas. */
    public List<String> list(Setting key) {
        List<String> list = new ArrayList<>();
        for (String part : value(key).text().split(",", -1)) {
            if (!part.isBlank()) {
                list.add(part.strip());
            }
        }
        return list;
    }

    /** What is in force and where it came from, secrets masked. */
    public String describe() {
        StringBuilder text = new StringBuilder();
        values.forEach((key, value) -> text.append(String.format(
                "%-20s = %-40s (%s)%n",
                key.property, key.secret && !value.text().isEmpty() ? "***" : value.text(), value.source())));
        return text.toString();
    }

    private Value value(Setting key) {
        Value value = values.get(key);
        if (value == null) {
            throw new IllegalStateException(key.name());
        }
        return value;
    }
}
