package dev.posthorn.integrations.bank.source;

import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.OperatorSettings;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Files in a folder of this machine, below one of the folders that the operator lists. Links on the way to the folder are resolved before it is
 * judged; files that are links are passed over, so nothing leads out.
 */
public final class FolderSource implements FileSource {
    /** The operator's setting: folders, separated as in {@code PATH}. */
    public static final String FOLDERS = "folders";

    private final Path folder;

    private FolderSource(Path folder) {
        this.folder = folder;
    }

    /**
     * Judges the folder.
     *
     * @throws ConnectorException of class address_refused if it is not below one of the operator's; says the same of a folder that is not there
     */
    public static FolderSource open(String path, OperatorSettings operator) throws ConnectorException {
        String listed = operator.find(FOLDERS)
                .orElseThrow(() -> refused("no folder of this machine may be read; its operator can allow some", null));
        try {
            Path folder = Path.of(path);
            if (!folder.isAbsolute()) {
                throw new ConnectorException(Failure.CONFIGURATION, "\"path\" must be a whole path, from / on");
            }
            Path real = folder.toRealPath();
            for (String root : listed.split(File.pathSeparator, -1)) {
                if (!root.isBlank() && isBelow(real, root) && Files.isDirectory(real)) {
                    return new FolderSource(real);
                }
            }
            throw notPermitted(path, null);
        } catch (IOException | InvalidPathException e) {
            throw notPermitted(path, e);
        }
    }

    private static boolean isBelow(Path real, String root) throws ConnectorException {
        try {
            return real.startsWith(Path.of(root.strip()).toRealPath());
        } catch (IOException | InvalidPathException e) {
            throw new ConnectorException(
                    Failure.INTERNAL, "a folder that the operator allows is not there or cannot be read", e);
        }
    }

    /** One sentence for both, or it would tell what exists on this machine. */
    private static ConnectorException notPermitted(String path, @Nullable Exception cause) {
        return refused(
                "the folder " + path + " is not there, or not below one that the operator of this machine allows",
                cause);
    }

    private static ConnectorException refused(String sentence, @Nullable Exception cause) {
        return new ConnectorException(Failure.ADDRESS_REFUSED, sentence, cause);
    }

    @Override
    public List<SourceFile> list(Predicate<String> wanted) throws ConnectorException {
        List<SourceFile> files = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                String name = String.valueOf(entry.getFileName());
                if (wanted.test(name)) {
                    SourceFile file = look(name);
                    if (file != null) {
                        files.add(file);
                    }
                }
            }
            return files;
        } catch (AccessDeniedException e) {
            throw new ConnectorException(
                    Failure.PERMISSION,
                    "the folder " + folder + " may not be read by the user that Posthorn runs as",
                    e);
        } catch (IOException | DirectoryIteratorException e) {
            throw new ConnectorException(Failure.UNAVAILABLE, "the folder " + folder + " could not be read", e);
        }
    }

    @Override
    public Optional<byte[]> read(SourceFile file, int largest) throws BadFileException, ConnectorException {
        Path path = folder.resolve(file.name());
        try (InputStream in = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS)) {
            byte[] content = in.readNBytes(largest + 1);
            if (content.length > largest) {
                throw FileNames.tooLarge(largest);
            }
            return file.equals(look(file.name())) ? Optional.of(content) : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (AccessDeniedException e) {
            throw BadFileException.forbidden("it may not be read by the user that Posthorn runs as");
        } catch (IOException e) {
            throw new ConnectorException(Failure.UNAVAILABLE, path + " could not be read", e);
        }
    }

    /** Null if it is no ordinary file, or gone. */
    private @Nullable SourceFile look(String name) throws IOException {
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(folder.resolve(name), BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return attributes.isRegularFile()
                    ? SourceFile.of(
                            name,
                            attributes.size(),
                            attributes.lastModifiedTime().toMillis())
                    : null;
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
