package dev.posthorn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the documents point at is there: files, headings, migrations and tests. */
class DocumentsTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern LINK = Pattern.compile("\\]\\((?![a-z]+:)([^)#\\s]*)(?:#([^)\\s]+))?\\)");
    private static final Pattern HEADING = Pattern.compile("^#{1,6} +(.+)$", Pattern.MULTILINE);
    private static final Pattern CODE = Pattern.compile("(?ms)^```.*?^```");
    /** Migrations and test classes, by their names alone. */
    private static final Pattern NAMED = Pattern.compile("\\b(V\\d+__\\w+\\.sql|[A-Z]\\w+Test)\\b");

    @Test
    void whatever_they_point_at_is_there() throws IOException {
        Set<String> names = files("src", path -> true).stream()
                .map(path -> path.getFileName().toString().replaceFirst("\\.java$", ""))
                .collect(Collectors.toSet());
        List<String> missing = new ArrayList<>();
        for (Path document : documents()) {
            String text = Files.readString(document);
            for (MatchResult link : LINK.matcher(text).results().toList()) {
                Path target = link.group(1).isEmpty()
                        ? document
                        : document.resolveSibling(link.group(1)).normalize();
                if (!Files.exists(target)) {
                    missing.add(document + " -> " + target);
                } else if (link.group(2) != null && !headings(target).contains(link.group(2))) {
                    missing.add(document + " -> " + target + "#" + link.group(2));
                }
            }
            NAMED.matcher(text)
                    .results()
                    .map(MatchResult::group)
                    .filter(name -> !names.contains(name))
                    .forEach(name -> missing.add(document + " -> " + name));
        }
        assertThat(missing).isEmpty();
    }

    private static List<Path> documents() throws IOException {
        List<Path> documents = files("", path -> path.toString().endsWith(".md"));
        assertThat(documents).hasSizeGreaterThan(40);
        return documents;
    }

    private interface Wanted {
        boolean is(Path path);
    }

    /** All files of the repository below folders of this name, without what builds leave behind. */
    private static List<Path> files(String folder, Wanted wanted) throws IOException {
        try (Stream<Path> paths = Files.walk(ROOT)) {
            return paths.filter(Files::isRegularFile)
                    .filter(path -> Stream.of("target", "node_modules", ".git").noneMatch(name -> isBelow(path, name)))
                    .filter(path -> folder.isEmpty() || isBelow(path, folder))
                    .filter(wanted::is)
                    .toList();
        }
    }

    private static boolean isBelow(Path path, String folder) {
        for (Path part : path) {
            if (part.toString().equals(folder)) {
                return true;
            }
        }
        return false;
    }

    /** As they are addressed: in lower case, with hyphens for spaces and without punctuation. */
    private static Set<String> headings(Path document) throws IOException {
        return HEADING.matcher(CODE.matcher(Files.readString(document)).replaceAll(""))
                .results()
                .map(heading -> heading.group(1)
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} _-]", "")
                        .replace(' ', '-'))
                .collect(Collectors.toSet());
    }
}
