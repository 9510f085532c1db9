package dev.posthorn.integrations.bank;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.bank.source.SourceFile;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

class ReadFilesTest {
    private static final int LARGEST_CURSOR = 64 * 1024;

    @Test
    void as_many_files_as_are_allowed_fit_into_a_cursor_and_are_all_known_again() {
        List<SourceFile> files = files(ReadFiles.MOST, 1);
        ReadFiles read = ReadFiles.among(files, null);
        files.forEach(read::add);
        ObjectNode encoded = read.encode();
        // Beside it stands the file that was begun, whose name may be long.
        assertThat(encoded.toString().length()).isLessThan(LARGEST_CURSOR - 4_096);
        ReadFiles again = ReadFiles.among(files, encoded);
        assertThat(files).allMatch(again::contains);
    }

    @Test
    void other_versions_of_the_same_files_are_new() {
        List<SourceFile> files = files(10_000, 1);
        ReadFiles read = ReadFiles.among(files, null);
        files.forEach(read::add);
        List<SourceFile> changed = files(10_000, 2);
        ReadFiles again = ReadFiles.among(changed, read.encode());
        assertThat(changed).noneMatch(again::contains);
    }

    @Test
    void files_that_are_gone_are_forgotten() {
        List<SourceFile> files = files(1_000, 1);
        ReadFiles read = ReadFiles.among(files, null);
        files.forEach(read::add);
        List<SourceFile> left = files.subList(0, 10);
        ObjectNode encoded = ReadFiles.among(left, read.encode()).encode();
        assertThat(encoded.get("count").asInt()).isEqualTo(10);
        assertThat(left).allMatch(ReadFiles.among(left, encoded)::contains);
    }

    @Test
    void any_number_of_files_survives() {
        for (int count = 0; count < 300; count++) {
            List<SourceFile> files = files(count, count);
            ReadFiles read = ReadFiles.among(files, null);
            files.forEach(read::add);
            assertThat(files).allMatch(ReadFiles.among(files, read.encode())::contains);
        }
    }

    private static List<SourceFile> files(int count, long modified) {
        List<SourceFile> files = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            files.add(SourceFile.of("camt053-" + i + ".xml", 1_000 + i, modified));
        }
        return files;
    }
}
