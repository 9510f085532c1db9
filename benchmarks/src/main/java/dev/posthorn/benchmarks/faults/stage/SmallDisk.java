package dev.posthorn.benchmarks.faults.stage;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A folder on a file system of its own that is small enough to be filled, where the machine lets us mount one. Thread-safe. */
public final class SmallDisk implements AutoCloseable {
    private static final int CHUNK = 1 << 20;

    private final Path folder;
    private final boolean mounted;

    /** Mounts it with so much space, or is a plain folder. */
    SmallDisk(Path folder, long mebibytes) throws IOException {
        this.folder = Files.createDirectories(folder);
        this.mounted = Command.run(
                "mount",
                "-t",
                "tmpfs",
                "-o",
                "size=" + mebibytes + "m,mode=0755",
                "posthorn-faults",
                folder.toString());
    }

    /** Where it is. */
    Path folder() {
        return folder;
    }

    /** Whether it can be filled. */
    public boolean isSmall() {
        return mounted;
    }

    /** Takes all that is left. */
    public void fill() throws IOException {
        if (!mounted) {
            throw new IllegalStateException("this disk is not ours alone");
        }
        byte[] chunk = new byte[CHUNK];
        for (int size = CHUNK; size >= 4096; size /= 16) {
            try (OutputStream filler = Files.newOutputStream(folder.resolve("filler-" + size))) {
                while (true) {
                    filler.write(chunk, 0, size);
                }
            } catch (IOException full) {
                // With smaller pieces, then.
            }
        }
    }

    /** Gives back what {@link #fill} took. */
    public void free() throws IOException {
        for (int size = CHUNK; size >= 4096; size /= 16) {
            Files.deleteIfExists(folder.resolve("filler-" + size));
        }
    }

    /** Unmounts it whatever is still open on it, when the program is interrupted. */
    void abandon() {
        if (mounted) {
            Command.run("umount", "--lazy", folder.toString());
        }
    }

    @Override
    public void close() {
        if (mounted && !Command.run("umount", folder.toString())) {
            System.err.println("faults: " + folder + " is still mounted; run: umount " + folder);
        }
    }
}
