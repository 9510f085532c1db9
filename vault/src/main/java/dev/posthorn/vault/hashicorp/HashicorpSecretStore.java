package dev.posthorn.vault.hashicorp;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.posthorn.vault.SecretAddress;
import dev.posthorn.vault.SecretStore;
import dev.posthorn.vault.SecretValue;
import dev.posthorn.vault.VaultException;
import dev.posthorn.vault.VaultException.Reason;
import dev.posthorn.vault.hashicorp.HashicorpClient.Answer;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Keeps values in the KV secrets engine, version 2, of HashiCorp Vault or OpenBao, over its HTTP API. Thread-safe.
 *
 * <p>A secret is at {@code <mount>/<prefix>/<community>/<secret>}; its one member {@code value} is the value as a text, or
 * {@code value_base64} where it is no UTF-8. A reference {@code <path>} or {@code <path>#<member>} reads what stands elsewhere under the
 * mount: that member, the only one if it is called {@code value}, else the whole as a JSON object.
 */
public final class HashicorpSecretStore implements SecretStore {
    /** Its name. */
    public static final String NAME = "hashicorp";

    private static final String VALUE = "value";
    private static final String BASE64 = "value_base64";

    private final HashicorpSettings settings;
    private final HashicorpClient client;

    /** Connects at the first call. */
    public HashicorpSecretStore(HashicorpSettings settings, HashicorpLogin login) {
        this.settings = settings;
        this.client = new HashicorpClient(settings, login);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public SecretValue read(SecretAddress address, int version) {
        String path = path(address);
        Answer answer = client.call("GET", path("data", path) + (version == NEWEST ? "" : "?version=" + version), null);
        if (answer.status() != 200) {
            throw missing(path, version);
        }
        JsonObject outer = member(answer.body(), "data", path);
        JsonObject data = member(outer, "data", path);
        int found = member(outer, "metadata", path).get("version").getAsInt();
        return new SecretValue(value(data, address.reference(), path), found);
    }

    @Override
    public int write(SecretAddress address, byte[] value, int expected) {
        requireOwn(address);
        JsonObject options = new JsonObject();
        options.addProperty("cas", expected);
        JsonObject data = new JsonObject();
        Optional<String> text = text(value);
        if (text.isPresent()) {
            data.addProperty(VALUE, text.get());
        } else {
            data.addProperty(BASE64, Base64.getEncoder().encodeToString(value));
        }
        JsonObject body = new JsonObject();
        body.add("options", options);
        body.add("data", data);
        String path = path(address);
        Answer answer = client.call("POST", path("data", path), body);
        if (answer.status() == 200) {
            return member(answer.body(), "data", path).get("version").getAsInt();
        }
        if (answer.complains("check-and-set")) {
            throw new VaultException(
                    Reason.CONFLICT,
                    "secret " + address.secret() + " was written by somebody else meanwhile; try again",
                    null);
        }
        throw refused(path, answer);
    }

    @Override
    public void delete(SecretAddress address) {
        requireOwn(address);
        String path = path(address);
        Answer answer = client.call("DELETE", path("metadata", path), null);
        if (answer.status() == 400) {
            throw refused(path, answer);
        }
    }

    @Override
    public Optional<Description> describe(SecretAddress address) {
        String path = path(address);
        Answer answer = client.call("GET", path("metadata", path), null);
        if (answer.status() == 404) {
            return Optional.empty();
        }
        if (answer.status() != 200) {
            throw refused(path, answer);
        }
        JsonObject data = member(answer.body(), "data", path);
        return Optional.of(new Description(data.get("current_version").getAsInt(), time(data.get("updated_time"))));
    }

    private static @Nullable Instant time(@Nullable JsonElement text) {
        try {
            return text == null
                    ? null
                    : OffsetDateTime.parse(text.getAsString()).toInstant();
        } catch (DateTimeParseException | IllegalStateException e) {
            return null;
        }
    }

    private static byte[] value(JsonObject data, @Nullable String reference, String path) {
        int hash = reference == null ? -1 : reference.indexOf('#');
        if (reference != null && hash >= 0) {
            JsonElement wanted = data.get(reference.substring(hash + 1));
            if (wanted == null || !wanted.isJsonPrimitive()) {
                throw new VaultException(
                        Reason.NOT_FOUND,
                        "what the vault has at " + path + " has no member " + reference.substring(hash + 1)
                                + " that is a text",
                        null);
            }
            return wanted.getAsString().getBytes(StandardCharsets.UTF_8);
        }
        if (data.size() == 1 && data.get(VALUE) instanceof JsonPrimitive value) {
            return value.getAsString().getBytes(StandardCharsets.UTF_8);
        }
        if (data.size() == 1 && data.get(BASE64) instanceof JsonPrimitive value) {
            try {
                return Base64.getDecoder().decode(value.getAsString());
            } catch (IllegalArgumentException e) {
                throw new VaultException(
                        Reason.UNREADABLE, "value_base64 of what the vault has at " + path + " is no base64", null);
            }
        }
        if (data.isEmpty()) {
            throw new VaultException(Reason.NOT_FOUND, "what the vault has at " + path + " has no member", null);
        }
        return data.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static Optional<String> text(byte[] value) {
        try {
            return Optional.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(value))
                    .toString());
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }

    private String path(SecretAddress address) {
        String reference = address.reference();
        if (reference == null) {
            return settings.prefix() + "/" + address.community() + "/" + address.secret();
        }
        int hash = reference.indexOf('#');
        return hash < 0 ? reference : reference.substring(0, hash);
    }

    private String path(String what, String path) {
        String encoded = Arrays.stream(path.split("/", -1))
                .map(part -> {
                    if (part.isEmpty() || part.equals(".") || part.equals("..")) {
                        throw new VaultException(
                                Reason.INVALID, "reference: it must be a path such as apps/bank#token", null);
                    }
                    return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
                })
                .collect(Collectors.joining("/"));
        return settings.mount() + "/" + what + "/" + encoded;
    }

    private static void requireOwn(SecretAddress address) {
        if (address.reference() != null) {
            throw new VaultException(
                    Reason.READ_ONLY,
                    "secret " + address.secret() + " is a reference; change its value where it stands",
                    null);
        }
    }

    private static JsonObject member(JsonObject object, String name, String path) {
        if (object.get(name) instanceof JsonObject member) {
            return member;
        }
        throw new VaultException(
                Reason.NOT_FOUND,
                "the vault has no value at " + path + ", or the mount is no KV secrets engine of version 2",
                null);
    }

    private VaultException missing(String path, int version) {
        return new VaultException(
                Reason.NOT_FOUND,
                "the vault has nothing at " + settings.mount() + "/" + path
                        + (version == NEWEST ? "" : " in version " + version) + ", or it was deleted there",
                null);
    }

    private VaultException refused(String path, Answer answer) {
        return new VaultException(
                Reason.UNAVAILABLE,
                "the vault refused to keep or give " + settings.mount() + "/" + path + " with status " + answer.status()
                        + "; is " + settings.mount() + " a KV secrets engine of version 2?",
                null);
    }
}
