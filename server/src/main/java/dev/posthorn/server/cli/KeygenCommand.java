package dev.posthorn.server.cli;

import dev.posthorn.server.PosthornException;
import dev.posthorn.vault.MasterKeyset;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "keygen",
        mixinStandardHelpOptions = true,
        description = "Makes a master key, which opens the secrets in the database.")
final class KeygenCommand implements Callable<Integer> {
    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "write it to a new file that only you may read; printed if not given")
    @Nullable
    Path out;

    @Option(
            names = "--before",
            paramLabel = "FILE",
            description = "put it in front of those in an existing file, to change keys while everything runs")
    @Nullable
    Path before;

    @Override
    public Integer call() throws IOException {
        MasterKeyset key = MasterKeyset.generate();
        if (before != null) {
            if (out != null) {
                throw new PosthornException(PosthornException.CONFIGURATION, "give either --out or --before, not both");
            }
            MasterKeyset older = MasterKeyset.fromFile(before);
            older.preceded(key).replace(before);
            System.out.println("put the master key " + key.id() + " in front of " + String.join(", ", older.ids())
                    + " in " + before
                    + "; keep a copy elsewhere; restart every node with it, then run ./posthorn vault rewrap");
            return 0;
        }
        if (out == null) {
            System.out.println(key.encoded());
            return 0;
        }
        try {
            key.writeTo(out);
        } catch (FileAlreadyExistsException e) {
            throw new PosthornException(
                    PosthornException.CONFIGURATION,
                    out + " exists already and is not overwritten: secrets may depend on it");
        }
        System.out.println("wrote the master key " + key.id() + " to " + out
                + "; keep a copy elsewhere, without it no secret can be read");
        return 0;
    }
}
