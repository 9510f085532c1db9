package dev.posthorn.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.schema.Migrator;
import dev.posthorn.server.Main;
import dev.posthorn.signing.WebhookSigner;
import dev.posthorn.vault.MasterKeyset;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The sabotages live here alone: what is shipped holds neither them nor a switch for them. */
class ShippedServerTest {
    private static final List<String> WORDS =
            List.of("sabotage", "faults_log", "nemesis", "dev/posthorn/benchmarks", "dev.posthorn.benchmarks");

    @ParameterizedTest
    @ValueSource(classes = {Main.class, DeliveryEngine.class, Migrator.class, WebhookSigner.class, MasterKeyset.class})
    void no_module_that_is_shipped_knows_of_sabotages(Class<?> ofModule) throws Exception {
        assertThat(suspicious(ofModule)).isEmpty();
    }

    @Test
    void the_search_finds_them_where_they_are() throws Exception {
        assertThat(suspicious(Sabotage.class)).isNotEmpty();
    }

    private static List<String> suspicious(Class<?> ofModule) throws Exception {
        Path place = Path.of(
                ofModule.getProtectionDomain().getCodeSource().getLocation().toURI());
        if (Files.isDirectory(place)) {
            return suspiciousBelow(place);
        }
        try (FileSystem jar = FileSystems.newFileSystem(URI.create("jar:" + place.toUri()), Map.of())) {
            return suspiciousBelow(jar.getPath("/"));
        }
    }

    private static List<String> suspiciousBelow(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            List<Path> all = files.filter(Files::isRegularFile).toList();
            assertThat(all).as("files of " + root).isNotEmpty();
            return all.stream()
                    .filter(ShippedServerTest::isSuspicious)
                    .map(Path::toString)
                    .toList();
        }
    }

    private static boolean isSuspicious(Path file) {
        try {
            String text = (file + "\n" + new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                    .toLowerCase(Locale.ROOT);
            return WORDS.stream().anyMatch(text::contains);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
