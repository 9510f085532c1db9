package dev.posthorn.integrations.bank.source;

import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.Outbound;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.sshd.sftp.client.SftpClient;
import org.apache.sshd.sftp.client.SftpClient.Attributes;
import org.apache.sshd.sftp.client.SftpClient.CloseableHandle;
import org.apache.sshd.sftp.client.SftpClient.DirEntry;
import org.apache.sshd.sftp.client.SftpClient.OpenMode;
import org.apache.sshd.sftp.common.SftpConstants;
import org.apache.sshd.sftp.common.SftpException;

/** Files in a folder of an SFTP server. Reads, and changes nothing there. */
public final class SftpSource implements FileSource {
    private static final int MOST_ENTRIES = 100_000;
    private static final int PIECE = 32 * 1024;
    private static final Duration LONGEST_READ = Duration.ofMinutes(10);

    private final SftpTarget target;
    private final SftpConnection connection;

    private SftpSource(SftpTarget target, SftpConnection connection) {
        this.target = target;
        this.connection = connection;
    }

    /**
     * Connects and logs in.
     *
     * @throws ConnectorException if that cannot be: address, host key, login
     */
    public static SftpSource open(SftpTarget target, Credentials credentials, Outbound network)
            throws ConnectorException, InterruptedException {
        return new SftpSource(target, SftpConnection.open(target, credentials, network));
    }

    @Override
    public List<SourceFile> list(Predicate<String> wanted) throws ConnectorException, InterruptedException {
        SftpClient sftp = connection.sftp();
        List<SourceFile> files = new ArrayList<>();
        try (CloseableHandle folder = sftp.openDir(target.path())) {
            int seen = 0;
            for (DirEntry entry : sftp.listDir(folder)) {
                if (++seen > MOST_ENTRIES) {
                    throw new ConnectorException(
                            Failure.CONFIGURATION,
                            "the folder " + target.path() + " of " + target.address() + " holds more than "
                                    + MOST_ENTRIES + " entries; move old files away");
                }
                Attributes attributes = entry.getAttributes();
                if (attributes.isRegularFile() && wanted.test(entry.getFilename())) {
                    files.add(file(entry.getFilename(), attributes));
                }
            }
            return files;
        } catch (IOException e) {
            throw failed(e, "the folder " + target.path());
        }
    }

    @Override
    public Optional<byte[]> read(SourceFile file, int largest)
            throws BadFileException, ConnectorException, InterruptedException {
        SftpClient sftp = connection.sftp();
        String path = target.path().endsWith("/") ? target.path() + file.name() : target.path() + "/" + file.name();
        long deadline = System.nanoTime() + LONGEST_READ.toNanos();
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        try (CloseableHandle handle = sftp.open(path, OpenMode.Read)) {
            byte[] piece = new byte[PIECE];
            for (int read = sftp.read(handle, 0, piece); read >= 0; read = sftp.read(handle, content.size(), piece)) {
                content.write(piece, 0, read);
                if (content.size() > largest) {
                    throw FileNames.tooLarge(largest);
                }
                if (System.nanoTime() > deadline) {
                    throw new ConnectorException(
                            Failure.NETWORK,
                            target.address() + " did not hand out " + file.name() + " within "
                                    + LONGEST_READ.toMinutes() + " minutes");
                }
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
            // The second look: whoever writes it has not done so meanwhile.
            return file(file.name(), sftp.stat(path)).equals(file)
                    ? Optional.of(content.toByteArray())
                    : Optional.empty();
        } catch (SftpException e) {
            if (e.getStatus() == SftpConstants.SSH_FX_NO_SUCH_FILE) {
                return Optional.empty();
            }
            if (e.getStatus() == SftpConstants.SSH_FX_PERMISSION_DENIED) {
                throw BadFileException.forbidden("it may not be read by \"" + target.username() + "\"");
            }
            throw failed(e, file.name());
        } catch (IOException e) {
            throw failed(e, file.name());
        }
    }

    private static SourceFile file(String name, Attributes attributes) {
        long modified = attributes.getModifyTime() == null
                ? 0
                : attributes.getModifyTime().toMillis();
        return SourceFile.of(name, attributes.getSize(), modified);
    }

    private ConnectorException failed(IOException cause, String what) throws InterruptedException {
        if (cause instanceof SftpException status) {
            String at = what + " of " + target.address();
            switch (status.getStatus()) {
                case SftpConstants.SSH_FX_NO_SUCH_FILE, SftpConstants.SSH_FX_NO_SUCH_PATH -> {
                    return new ConnectorException(Failure.CONFIGURATION, at + " is not there; check \"path\"", cause);
                }
                case SftpConstants.SSH_FX_PERMISSION_DENIED -> {
                    return new ConnectorException(
                            Failure.PERMISSION, at + " may not be read by \"" + target.username() + "\"", cause);
                }
                case SftpConstants.SSH_FX_CONNECTION_LOST, SftpConstants.SSH_FX_NO_CONNECTION -> {
                    // As any other loss.
                }
                default -> {
                    return new ConnectorException(
                            Failure.UNAVAILABLE,
                            at + " could not be read: the server answered with SFTP status " + status.getStatus(),
                            cause);
                }
            }
        }
        return SftpConnection.failed(cause, target, null, "closed the connection while " + what + " was read");
    }

    @Override
    public void close() {
        connection.close();
    }
}
