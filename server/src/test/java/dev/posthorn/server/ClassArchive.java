package dev.posthorn.server;

import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.vault.MasterKeyset;
import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The classes of the libraries as a JVM has them in memory, in a file that other JVMs map: a server of a test starts in half the time. It
 * is made once, by the first test that starts a server.
 */
final class ClassArchive {
    /** Jars come first: the JVM archives classes of jars only, for class paths that begin with these. */
    static final String CLASS_PATH =
            Stream.concat(elements(true), elements(false)).collect(Collectors.joining(File.pathSeparator));

    private static final String JARS = elements(true).collect(Collectors.joining(File.pathSeparator));
    private static final List<String> OPTIONS = make();

    private ClassArchive() {}

    /** What lets a JVM on {@link #CLASS_PATH} use the archive. */
    static List<String> options() {
        return OPTIONS;
    }

    private static List<String> make() {
        try {
            Path folder = Files.createDirectories(Path.of("target", "class-archive"));
            Path archive = folder.resolve(Integer.toHexString(state().hashCode()) + ".jsa")
                    .toAbsolutePath();
            try (FileChannel channel =
                    FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                // Test classes run side by side, each in a JVM of its own; closing the channel ends the lock.
                channel.lock();
                if (!Files.exists(archive)) {
                    make(folder, archive);
                }
            }
            return List.of("-XX:SharedArchiveFile=" + archive);
        } catch (IOException | TimeoutException e) {
            throw new IllegalStateException("the archive of classes was not made", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static void make(Path folder, Path archive) throws IOException, InterruptedException, TimeoutException {
        Path classes = folder.resolve("classes.txt").toAbsolutePath();
        try (TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate());
                ServerProcess server = ServerProcess.start(
                        List.of(),
                        List.of("-XX:DumpLoadedClassList=" + classes),
                        Map.of(
                                "DATABASE_URL",
                                database.url(),
                                "POSTHORN_MASTER_KEY",
                                MasterKeyset.generate().encoded()),
                        "serve",
                        "--port",
                        "0")) {
            server.awaitLine("ready;", Duration.ofSeconds(90));
        }
        try (Stream<Path> older = Files.list(folder)) {
            for (Path file :
                    older.filter(file -> file.toString().endsWith(".jsa")).toList()) {
                Files.delete(file);
            }
        }
        Path unfinished = folder.resolve("unfinished.jsa").toAbsolutePath();
        Path log = folder.resolve("log.txt");
        Process dump = new ProcessBuilder(
                        ServerProcess.JAVA,
                        "-Xshare:dump",
                        "-XX:SharedClassListFile=" + classes,
                        "-XX:SharedArchiveFile=" + unfinished,
                        "-cp",
                        JARS)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        if (dump.waitFor() != 0) {
            throw new IOException("java -Xshare:dump failed, see " + log);
        }
        Files.move(unfinished, archive, StandardCopyOption.ATOMIC_MOVE);
    }

    private static Stream<String> elements(boolean jars) {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(element -> element.endsWith(".jar") == jars);
    }

    /** Changes with each of the jars. */
    private static String state() throws IOException {
        StringBuilder state = new StringBuilder(System.getProperty("java.vm.version"));
        for (String jar : elements(true).toList()) {
            Path file = Path.of(jar);
            state.append('\n').append(file).append(' ').append(Files.size(file)).append(' ');
            state.append(Files.getLastModifiedTime(file));
        }
        return state.toString();
    }
}
