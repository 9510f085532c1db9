package dev.posthorn.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A PostgreSQL that is installed on the machine, started on a data folder of its own. */
final class InstalledServer {
    static final Optional<PostgresServer> FIFTEEN = start(Path.of("/usr/lib/postgresql/15/bin"));

    private InstalledServer() {}

    private static Optional<PostgresServer> start(Path programs) {
        if (!Files.isExecutable(programs.resolve("initdb"))) {
            return Optional.empty();
        }
        try {
            Path folder = Files.createTempDirectory("posthorn-postgres-15-");
            Path data = folder.resolve("data");
            boolean root = "root".equals(System.getProperty("user.name"));
            if (root) {
                // PostgreSQL refuses to run as root; Debian's package brings the user postgres.
                run(List.of("chown", "postgres", folder.toString()));
            }
            run(asPostgres(
                    root,
                    programs.resolve("initdb").toString(),
                    "-D",
                    data.toString(),
                    "-U",
                    "postgres",
                    "-A",
                    "trust",
                    "-E",
                    "UTF8",
                    "--no-sync"));
            int port = freePort();
            String options = "-p " + port + " -c listen_addresses=127.0.0.1 -c fsync=off -c timezone=Pacific/Chatham"
                    + " -c unix_socket_directories= -c max_connections=200";
            List<String> stop = asPostgres(
                    root, programs.resolve("pg_ctl").toString(), "-D", data.toString(), "-m", "immediate", "stop");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(stop, folder), "stop-postgres-15"));
            run(asPostgres(
                    root,
                    programs.resolve("pg_ctl").toString(),
                    "-D",
                    data.toString(),
                    "-o",
                    options,
                    "-l",
                    folder.resolve("log").toString(),
                    "-w",
                    "start"));
            return Optional.of(new PostgresServer(port));
        } catch (IOException e) {
            throw new UncheckedIOException("the installed PostgreSQL 15 did not start", e);
        }
    }

    private static void stop(List<String> command, Path folder) {
        try {
            run(command);
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file :
                        files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> asPostgres(boolean root, String... command) {
        List<String> all = new ArrayList<>();
        if (root) {
            all.addAll(List.of("runuser", "-u", "postgres", "--"));
        }
        all.addAll(List.of(command));
        return all;
    }

    private static void run(List<String> command) throws IOException {
        Path output = Files.createTempFile("posthorn-command-", ".txt");
        Process process = new ProcessBuilder(command)
                .directory(new java.io.File("/"))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            if (process.waitFor() != 0) {
                throw new IOException(command + " failed: " + Files.readString(output, StandardCharsets.UTF_8));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for " + command, e);
        } finally {
            Files.deleteIfExists(output);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
