package dev.posthorn.server.apikeys;

import dev.posthorn.server.PosthornException;
import dev.posthorn.server.rest.ApiRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Whose reports of leaked keys are believed: a file as GitHub publishes it,
 * {@code {"public_keys": [{"key_identifier": "…", "key": "-----BEGIN PUBLIC KEY-----…"}]}}, ECDSA on P-256. It is not fetched: whoever
 * may end keys is set by the operator. Immutable.
 */
public final class LeakReportKeys {
    private final Map<String, PublicKey> keys;

    private LeakReportKeys(Map<String, PublicKey> keys) {
        this.keys = Map.copyOf(keys);
    }

    /**
     * Reads the file.
     *
     * @param file its path; empty for nobody
     * @throws PosthornException if it cannot be read or holds no keys
     */
    public static LeakReportKeys read(String file) {
        if (file.isEmpty()) {
            return new LeakReportKeys(Map.of());
        }
        Map<String, PublicKey> keys = new HashMap<>();
        try {
            JsonNode listed =
                    ApiRequest.JSON.readTree(Files.readString(Path.of(file))).path("public_keys");
            for (JsonNode entry : listed) {
                keys.put(
                        entry.path("key_identifier").stringValue(),
                        parse(entry.path("key").stringValue()));
            }
        } catch (IOException | JacksonException | GeneralSecurityException | IllegalArgumentException e) {
            throw wrong(file, "it cannot be read as one");
        }
        if (keys.isEmpty()) {
            throw wrong(file, "it holds no public_keys");
        }
        return new LeakReportKeys(keys);
    }

    private static PublicKey parse(String pem) throws GeneralSecurityException {
        String base64 = pem.replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        return KeyFactory.getInstance("EC")
                .generatePublic(new X509EncodedKeySpec(Base64.getDecoder().decode(base64)));
    }

    private static PosthornException wrong(String file, String why) {
        return new PosthornException(
                PosthornException.CONFIGURATION,
                "leak.report.keys: " + file
                        + " must be a file such as {\"public_keys\": [{\"key_identifier\": \"…\", \"key\": \"-----BEGIN PUBLIC KEY-----…\"}]}; "
                        + why);
    }

    /** Whether anybody's reports are believed. */
    boolean any() {
        return !keys.isEmpty();
    }

    /** Whether a body was signed by the key of this identifier. */
    boolean signed(@Nullable String identifier, @Nullable String signature, String body) {
        PublicKey key = identifier == null ? null : keys.get(identifier);
        if (key == null || signature == null) {
            return false;
        }
        try {
            Signature check = Signature.getInstance("SHA256withECDSA");
            check.initVerify(key);
            check.update(body.getBytes(StandardCharsets.UTF_8));
            return check.verify(Base64.getDecoder().decode(signature));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            return false;
        }
    }
}
