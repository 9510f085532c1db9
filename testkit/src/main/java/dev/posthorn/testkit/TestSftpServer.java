package dev.posthorn.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.util.List;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.digest.BuiltinDigests;
import org.apache.sshd.common.file.virtualfs.VirtualFileSystemFactory;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.auth.keyboard.KeyboardInteractiveAuthenticator;
import org.apache.sshd.server.session.ServerSession;
import org.apache.sshd.sftp.server.FileHandle;
import org.apache.sshd.sftp.server.SftpEventListener;
import org.apache.sshd.sftp.server.SftpSubsystemFactory;

/** A real SFTP server on loopback that shows a folder; can cut the connection while a file is read. */
public final class TestSftpServer implements AutoCloseable {
    /** The login that it lets in. */
    public static final String USERNAME = "bank-customer";
    /** Its password. */
    public static final String PASSWORD = "correct horse battery";

    private final SshServer server = SshServer.setUpDefaultServer();
    private final KeyPair hostKey;
    private volatile long cutAt = Long.MAX_VALUE;
    private volatile Runnable afterRead = () -> {};

    /** Shows a folder, under a new host key. */
    public TestSftpServer(Path folder) {
        this(folder, keyPair());
    }

    /** The same under a given host key. */
    public TestSftpServer(Path folder, KeyPair hostKey) {
        this.hostKey = hostKey;
        server.setHost(InetAddress.getLoopbackAddress().getHostAddress());
        server.setPort(0);
        server.setKeyPairProvider(KeyPairProvider.wrap(hostKey));
        server.setPasswordAuthenticator(
                (username, password, session) -> USERNAME.equals(username) && PASSWORD.equals(password));
        server.setKeyboardInteractiveAuthenticator(KeyboardInteractiveAuthenticator.NONE);
        server.setFileSystemFactory(new VirtualFileSystemFactory(folder));
        SftpSubsystemFactory sftp = new SftpSubsystemFactory();
        sftp.addSftpEventListener(new SftpEventListener() {
            @Override
            public void reading(
                    ServerSession session, String handle, FileHandle file, long offset, byte[] data, int at, int length)
                    throws IOException {
                if (offset >= cutAt) {
                    session.close(true);
                }
            }

            @Override
            public void closed(
                    ServerSession session, String handle, org.apache.sshd.sftp.server.Handle file, Throwable thrown) {
                afterRead.run();
            }
        });
        server.setSubsystemFactories(List.of(sftp));
        try {
            server.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A new host key. */
    public static KeyPair keyPair() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Where it listens. */
    public int port() {
        return server.getPort();
    }

    /** Of its host key, as {@code host_key} of a configuration pins it. */
    public String fingerprint() {
        return KeyUtils.getFingerPrint(BuiltinDigests.sha256, hostKey.getPublic());
    }

    /** From now on the connection ends when somebody reads this far into a file. */
    public void cutAt(long offset) {
        cutAt = offset;
    }

    /** What happens when a file or folder has been closed. */
    public void afterRead(Runnable action) {
        afterRead = action;
    }

    /** How many clients are connected. */
    public int openSessions() {
        return (int) server.getActiveSessions().stream().filter(Session::isOpen).count();
    }

    @Override
    public void close() {
        try {
            server.stop(true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
