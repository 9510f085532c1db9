package dev.posthorn.vault.hashicorp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.posthorn.vault.SecretAddress;
import dev.posthorn.vault.SecretStore;
import dev.posthorn.vault.SecretStoreBehaviour;
import dev.posthorn.vault.SecretValue;
import dev.posthorn.vault.VaultException;
import dev.posthorn.vault.VaultException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HashicorpSecretStoreTest extends SecretStoreBehaviour {
    @TempDir
    Path folder;

    private final KvServer server;

    HashicorpSecretStoreTest() throws IOException {
        server = new KvServer(null);
    }

    @AfterEach
    void close() {
        server.close();
    }

    @Override
    protected SecretStore store() {
        return store(server.address(), null, token(KvServer.TOKEN), null);
    }

    @Override
    protected SecretAddress address() {
        return new SecretAddress(UUID.randomUUID(), UUID.randomUUID(), null);
    }

    @Test
    void a_value_stands_where_the_documentation_says() {
        SecretAddress address = address();
        store().write(address, "hunter2".getBytes(StandardCharsets.UTF_8), 0);
        assertThat(server.secrets).containsOnlyKeys("posthorn/" + address.community() + "/" + address.secret());
        assertThat(server.secrets.values()).containsExactly(List.of(object("{\"value\":\"hunter2\"}")));
    }

    @Test
    void a_reference_reads_what_stands_elsewhere_and_never_writes() {
        server.secrets.put("apps/bank", new ArrayList<>(List.of(object("{\"user\":\"anna\",\"password\":\"x\"}"))));
        assertThat(text(store().read(reference("apps/bank#password"), SecretStore.NEWEST)))
                .isEqualTo("x");
        assertThat(text(store().read(reference("apps/bank"), SecretStore.NEWEST)))
                .isEqualTo("{\"user\":\"anna\",\"password\":\"x\"}");
        refused(() -> store().read(reference("apps/bank#none"), SecretStore.NEWEST), Reason.NOT_FOUND);
        refused(() -> store().read(reference("../sys/seal"), SecretStore.NEWEST), Reason.INVALID);
        refused(() -> store().write(reference("apps/bank"), new byte[1], 1), Reason.READ_ONLY);
        refused(() -> store().delete(reference("apps/bank")), Reason.READ_ONLY);
    }

    @Test
    void what_was_deleted_in_the_vault_itself_is_not_found() {
        SecretAddress address = address();
        store().write(address, new byte[] {'x'}, 0);
        server.secrets.values().iterator().next().set(0, new JsonObject());
        refused(() -> store().read(address, SecretStore.NEWEST), Reason.NOT_FOUND);
        assertThat(store().write(address, new byte[] {'y'}, 1)).isEqualTo(2);
    }

    @Test
    void an_app_role_logs_in_once_and_again_when_its_token_is_no_longer_good() throws IOException {
        server.roles.put("role-1", "secret-1");
        Path secretId = Files.writeString(folder.resolve("secret-id"), "secret-1\n");
        SecretStore store =
                store(server.address(), "team/a", new HashicorpLogin.AppRole("approle", "role-1", secretId), null);
        SecretAddress address = address();
        store.write(address, new byte[] {'x'}, 0);
        store.read(address, SecretStore.NEWEST).close();
        assertThat(server.logins).hasValue(1);
        server.tokens.clear();
        store.read(address, SecretStore.NEWEST).close();
        assertThat(server.logins).hasValue(2);
        assertThat(server.namespaces).isNotEmpty().containsOnly("team/a");
        Files.writeString(secretId, "wrong");
        server.tokens.clear();
        refused(() -> store.read(address, SecretStore.NEWEST), Reason.FORBIDDEN)
                .hasMessageContaining("check the role id")
                .hasMessageNotContaining("wrong");
    }

    @Test
    void a_token_that_was_replaced_in_its_file_is_taken_up() throws IOException {
        Path file = Files.writeString(folder.resolve("t"), KvServer.TOKEN);
        SecretStore store = store(server.address(), null, new HashicorpLogin.Token(file), null);
        SecretAddress address = address();
        store.write(address, new byte[] {'x'}, 0);
        server.tokens.clear();
        refused(() -> store.read(address, SecretStore.NEWEST), Reason.FORBIDDEN)
                .hasMessageContaining("policy")
                .hasMessageNotContaining(KvServer.TOKEN);
        server.tokens.add("s.second");
        Files.writeString(file, "s.second");
        store.read(address, SecretStore.NEWEST).close();
        Files.delete(file);
        server.tokens.clear();
        refused(() -> store.read(address, SecretStore.NEWEST), Reason.FORBIDDEN).hasMessageContaining("cannot be read");
    }

    @Test
    void every_trouble_of_the_vault_is_an_error_that_says_what_to_do() {
        SecretAddress address = address();
        for (Map.Entry<Map.Entry<Integer, String>, String> trouble : Map.<Map.Entry<Integer, String>, String>of(
                        Map.entry(503, "{\"errors\":[\"Vault is sealed\"]}"), "unseal",
                        Map.entry(503, "{\"errors\":[]}"), "not available",
                        Map.entry(429, "{\"errors\":[\"request path: rate limit quota exceeded\"]}"),
                                "limits our calls",
                        Map.entry(500, "{\"errors\":[\"internal error\"]}"), "status 500",
                        Map.entry(502, "<html>bad gateway</html>"), "status 502",
                        Map.entry(307, ""), "active node",
                        Map.entry(200, "<html>hello</html>"), "no vault")
                .entrySet()) {
            server.always = trouble.getKey();
            for (ThrowingCallable call : List.<ThrowingCallable>of(
                    () -> store().read(address, SecretStore.NEWEST),
                    () -> store().write(address, new byte[] {'x'}, 0),
                    () -> store().describe(address),
                    () -> store().delete(address))) {
                refused(call, Reason.UNAVAILABLE).hasMessageContaining(trouble.getValue());
            }
        }
        server.always = Map.entry(200, "{\"data\":{}}");
        refused(() -> store().read(address, SecretStore.NEWEST), Reason.NOT_FOUND);
        server.close();
        refused(() -> store().read(address, SecretStore.NEWEST), Reason.UNAVAILABLE)
                .hasMessageContaining("cannot be reached");
    }

    @Test
    void its_certificate_must_descend_from_the_given_ones() throws Exception {
        Path stranger = certificate("stranger");
        Path known = certificate("known");
        try (KvServer secure = new KvServer(tls("known"))) {
            SecretAddress address = address();
            SecretStore store = store(secure.address(), null, token(KvServer.TOKEN), known);
            assertThat(store.write(address, new byte[] {'x'}, 0)).isEqualTo(1);
            refused(
                    () -> store(secure.address(), null, token(KvServer.TOKEN), stranger)
                            .read(address, SecretStore.NEWEST),
                    Reason.UNAVAILABLE);
            refused(
                    () -> store(secure.address(), null, token(KvServer.TOKEN), null)
                            .read(address, SecretStore.NEWEST),
                    Reason.UNAVAILABLE);
        }
        Path none = Files.writeString(folder.resolve("none.pem"), "nothing");
        refused(() -> store(server.address(), null, token("x"), none), Reason.INVALID)
                .hasMessageContaining("PEM");
    }

    @Test
    void settings_that_make_no_sense_or_are_not_safe_are_refused() {
        for (String address : List.of(
                "http://vault.internal:8200",
                "ftp://127.0.0.1",
                "https://u:p@vault",
                "https://vault?x=1",
                "vault:8200")) {
            refused(() -> new HashicorpSettings(URI.create(address), null, "secret", "posthorn", null), Reason.INVALID);
        }
        for (String path : List.of("", "/a", "a/", "a//b", "../a", "a b")) {
            refused(
                    () -> new HashicorpSettings(URI.create("https://vault"), null, path, "posthorn", null),
                    Reason.INVALID);
        }
    }

    private SecretStore store(URI address, @Nullable String namespace, HashicorpLogin login, @Nullable Path ca) {
        return new HashicorpSecretStore(new HashicorpSettings(address, namespace, "secret", "posthorn", ca), login);
    }

    private HashicorpLogin token(String token) {
        try {
            return new HashicorpLogin.Token(Files.writeString(folder.resolve("token"), token));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A key pair with a certificate for 127.0.0.1 that it signed itself; returns the certificate. */
    private Path certificate(String name) throws Exception {
        Path pem = folder.resolve(name + ".pem");
        keytool(
                "-genkeypair",
                "-alias",
                name,
                "-keyalg",
                "EC",
                "-dname",
                "CN=" + name,
                "-ext",
                "SAN=ip:127.0.0.1",
                "-keystore",
                folder.resolve(name).toString(),
                "-storepass",
                "changeit",
                "-storetype",
                "PKCS12");
        keytool(
                "-exportcert",
                "-rfc",
                "-alias",
                name,
                "-keystore",
                folder.resolve(name).toString(),
                "-storepass",
                "changeit",
                "-file",
                pem.toString());
        return pem;
    }

    private static void keytool(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
        command.addAll(List.of(arguments));
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    private SSLContext tls(String name) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(folder.resolve(name))) {
            keys.load(in, "changeit".toCharArray());
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(keys, "changeit".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(factory.getKeyManagers(), null, null);
        return context;
    }

    private static SecretAddress reference(String reference) {
        return new SecretAddress(UUID.randomUUID(), UUID.randomUUID(), reference);
    }

    private static JsonObject object(String json) {
        return JsonParser.parseString(json).getAsJsonObject();
    }

    private static String text(SecretValue value) {
        try (value) {
            return new String(value.bytes(), StandardCharsets.UTF_8);
        }
    }

    private static org.assertj.core.api.AbstractThrowableAssert<?, VaultException> refused(
            ThrowingCallable call, Reason reason) {
        return assertThatThrownBy(call)
                .asInstanceOf(type(VaultException.class))
                .satisfies(failure -> assertThat(failure.reason()).isEqualTo(reason))
                .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.throwable(VaultException.class));
    }
}
