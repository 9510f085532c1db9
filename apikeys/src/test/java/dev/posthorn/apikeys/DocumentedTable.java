package dev.posthorn.apikeys;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A table of docs/api-keys.md, which is what the tests test. */
final class DocumentedTable {
    private DocumentedTable() {}

    /** The rows of the table whose head is the given one, without the marks of code. */
    static List<List<String>> rows(String... head) {
        List<List<String>> rows = new ArrayList<>();
        boolean inside = false;
        for (String line : lines()) {
            List<String> cells = cells(line);
            if (cells.equals(Arrays.asList(head))) {
                inside = true;
            } else if (inside && cells.isEmpty()) {
                break;
            } else if (inside && !cells.get(0).startsWith("---")) {
                rows.add(cells);
            }
        }
        if (rows.isEmpty()) {
            throw new IllegalStateException("docs/api-keys.md has no table " + String.join(" | ", head));
        }
        return rows;
    }

    private static List<String> cells(String line) {
        if (!line.startsWith("|")) {
            return List.of();
        }
        return Arrays.stream(line.substring(1, line.lastIndexOf('|')).split("\\|", -1))
                .map(cell -> cell.strip().replace("`", ""))
                .toList();
    }

    private static List<String> lines() {
        try {
            return Files.readAllLines(Path.of("..", "docs", "api-keys.md"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
