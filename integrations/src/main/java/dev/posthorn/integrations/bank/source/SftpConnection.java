package dev.posthorn.integrations.bank.source;

import dev.posthorn.delivery.address.AddressPolicy.Service;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.Outbound;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.auth.keyboard.UserAuthKeyboardInteractiveFactory;
import org.apache.sshd.client.auth.password.UserAuthPasswordFactory;
import org.apache.sshd.client.auth.pubkey.UserAuthPublicKeyFactory;
import org.apache.sshd.client.config.hosts.HostConfigEntryResolver;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.config.keys.FilePasswordProvider;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.digest.BuiltinDigests;
import org.apache.sshd.common.keyprovider.KeyIdentityProvider;
import org.apache.sshd.common.util.security.SecurityUtils;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.sftp.client.SftpClient;
import org.apache.sshd.sftp.client.SftpClientFactory;
import org.jspecify.annotations.Nullable;

/**
 * A session with an SFTP server: at a permitted address, with a host key that is pinned, logged in. Takes nothing from this machine's own SSH:
 * no configuration, no known hosts, no keys, no agent. For one thread.
 */
final class SftpConnection implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(15);
    private static final Duration SILENCE = Duration.ofSeconds(60);

    private final SshClient client;
    private final SftpClient sftp;

    private SftpConnection(SshClient client, SftpClient sftp) {
        this.client = client;
        this.sftp = sftp;
    }

    static SftpConnection open(SftpTarget target, Credentials credentials, Outbound network)
            throws ConnectorException, InterruptedException {
        List<KeyPair> keys = privateKeys(credentials);
        String password = credentials.find("password").orElse(null);
        if (keys.isEmpty() && password == null) {
            throw new ConnectorException(
                    Failure.CREDENTIALS,
                    "the credentials have neither \"password\" nor \"private_key\"; store one of them");
        }
        List<InetSocketAddress> addresses = network.addresses(Service.SFTP, target.host(), target.port());
        AtomicReference<@Nullable String> refusedKey = new AtomicReference<>();
        SshClient client = client(target, refusedKey);
        client.start();
        try {
            ClientSession session = connect(client, target, addresses, refusedKey);
            keys.forEach(session::addPublicKeyIdentity);
            if (password != null) {
                session.addPasswordIdentity(password);
            }
            login(session, target, refusedKey);
            return new SftpConnection(client, SftpClientFactory.instance().createSftpClient(session));
        } catch (IOException e) {
            client.stop();
            throw failed(e, target, refusedKey.get(), "opened no SFTP channel");
        } catch (ConnectorException | InterruptedException | RuntimeException e) {
            client.stop();
            throw e;
        }
    }

    SftpClient sftp() {
        return sftp;
    }

    private static SshClient client(SftpTarget target, AtomicReference<@Nullable String> refusedKey) {
        SshClient client = SshClient.setUpDefaultClient();
        client.setHostConfigEntryResolver(HostConfigEntryResolver.EMPTY);
        client.setKeyIdentityProvider(KeyIdentityProvider.EMPTY_KEYS_PROVIDER);
        client.setAgentFactory(null);
        client.setUserAuthFactories(List.of(
                UserAuthPublicKeyFactory.INSTANCE,
                UserAuthPasswordFactory.INSTANCE,
                UserAuthKeyboardInteractiveFactory.INSTANCE));
        client.setServerKeyVerifier((session, remote, key) -> {
            String fingerprint = KeyUtils.getFingerPrint(BuiltinDigests.sha256, key);
            boolean pinned = target.hostKeys().contains(fingerprint);
            if (!pinned) {
                refusedKey.set(fingerprint);
            }
            return pinned;
        });
        CoreModuleProperties.IDLE_TIMEOUT.set(client, SILENCE);
        CoreModuleProperties.NIO2_READ_TIMEOUT.set(client, SILENCE);
        CoreModuleProperties.AUTH_TIMEOUT.set(client, SILENCE);
        return client;
    }

    private static ClientSession connect(
            SshClient client,
            SftpTarget target,
            List<InetSocketAddress> addresses,
            AtomicReference<@Nullable String> refusedKey)
            throws ConnectorException, InterruptedException {
        IOException last = null;
        for (InetSocketAddress address : addresses) {
            try {
                return client.connect(target.username(), address, null, null)
                        .verify(CONNECT)
                        .getSession();
            } catch (IOException e) {
                last = e;
            }
        }
        throw failed(
                last == null ? new IOException("no address") : last,
                target,
                refusedKey.get(),
                "did not answer within " + CONNECT.toSeconds() + " s, or not as an SSH server");
    }

    private static void login(ClientSession session, SftpTarget target, AtomicReference<@Nullable String> refusedKey)
            throws ConnectorException, InterruptedException {
        try {
            session.auth().verify(SILENCE);
        } catch (IOException e) {
            if (refusedKey.get() == null && session.isOpen()) {
                throw rejected(target, e);
            }
            // A server that has had enough of wrong passwords closes the connection and says why.
            if (refusedKey.get() == null && String.valueOf(e.getMessage()).contains("uthentication")) {
                throw rejected(target, e);
            }
            throw failed(e, target, refusedKey.get(), "closed the connection before the login was done");
        }
    }

    private static ConnectorException rejected(SftpTarget target, IOException cause) {
        return new ConnectorException(
                Failure.CREDENTIALS,
                target.address() + " does not let \"" + target.username()
                        + "\" in: the username, or the password or key in the credentials, is wrong",
                cause);
    }

    static ConnectorException failed(IOException cause, SftpTarget target, @Nullable String refusedKey, String what)
            throws InterruptedException {
        if (cause instanceof InterruptedIOException && !(cause instanceof java.net.SocketTimeoutException)) {
            throw new InterruptedException(cause.getMessage());
        }
        if (refusedKey != null) {
            return new ConnectorException(
                    Failure.UNTRUSTED,
                    target.address() + " shows the host key " + refusedKey
                            + ", which is not among \"host_key\"; add it only if the bank confirms it by another way",
                    cause);
        }
        return new ConnectorException(Failure.NETWORK, target.address() + " " + what, cause);
    }

    private static List<KeyPair> privateKeys(Credentials credentials) throws ConnectorException {
        String key = credentials.find("private_key").orElse(null);
        if (key == null) {
            return List.of();
        }
        String passphrase = credentials.find("passphrase").orElse(null);
        try {
            Iterable<KeyPair> pairs = SecurityUtils.loadKeyPairIdentities(
                    null,
                    () -> "private_key",
                    new ByteArrayInputStream(key.getBytes(StandardCharsets.UTF_8)),
                    passphrase == null ? FilePasswordProvider.EMPTY : FilePasswordProvider.of(passphrase));
            if (pairs != null) {
                List<KeyPair> all = new java.util.ArrayList<>();
                pairs.forEach(all::add);
                return all;
            }
        } catch (IOException | GeneralSecurityException | RuntimeException e) {
            throw unreadable(e);
        }
        throw unreadable(null);
    }

    private static ConnectorException unreadable(@Nullable Exception cause) {
        return new ConnectorException(
                Failure.CREDENTIALS,
                "the \"private_key\" in the credentials cannot be read; it must be a whole OpenSSH or PEM file, with its \"passphrase\" if it has one",
                cause);
    }

    @Override
    public void close() {
        client.stop();
    }
}
