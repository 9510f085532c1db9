package dev.posthorn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The code in docs/receivers.md is the code of the examples; {@code -Dposthorn.snapshot=write} copies it there. */
class ReceiversGuideTest {
    private static final Path ROOT = Path.of("..");
    private static final Path GUIDE = ROOT.resolve("docs/receivers.md");
    private static final Pattern SNIPPET = Pattern.compile("<!-- (\\S+) -->\n```\\w+\n(.*?)```\n", Pattern.DOTALL);
    private static final Pattern REGION = Pattern.compile(
            "^ *(?://|#) region verify\n(.*?)^ *(?://|#) endregion\n", Pattern.DOTALL | Pattern.MULTILINE);

    @Test
    void its_code_is_that_of_the_examples() throws IOException {
        if ("write".equals(System.getProperty("posthorn.snapshot"))) {
            write();
        }
        List<String> files = new ArrayList<>();
        Matcher snippet = SNIPPET.matcher(Files.readString(GUIDE));
        while (snippet.find()) {
            files.add(snippet.group(1));
            assertThat(snippet.group(2)).as(snippet.group(1)).isEqualTo(region(snippet.group(1)));
        }
        assertThat(files)
                .containsExactly(
                        "examples/receivers/java/Receiver.java",
                        "examples/receivers/javascript/receiver.mjs",
                        "examples/receivers/python/receiver.py",
                        "examples/receivers/go/main.go");
    }

    @Test
    void its_sql_stores_an_event_once() throws IOException {
        Matcher sql = Pattern.compile("```sql\n(.*?)```\n", Pattern.DOTALL).matcher(Files.readString(GUIDE));
        assertThat(sql.find()).isTrue();
        try (TestDatabase database = TestDatabase.create()) {
            assertThat(database.query(sql.group(1))).hasSize(1);
            assertThat(database.query(sql.group(1))).isEmpty();
        }
    }

    private static void write() throws IOException {
        Matcher snippet = SNIPPET.matcher(Files.readString(GUIDE));
        StringBuilder text = new StringBuilder();
        while (snippet.find()) {
            String whole = snippet.group();
            String code = whole.substring(0, whole.length() - snippet.group(2).length() - "```\n".length());
            snippet.appendReplacement(text, Matcher.quoteReplacement(code + region(snippet.group(1)) + "```\n"));
        }
        Files.writeString(GUIDE, snippet.appendTail(text));
    }

    /** The marked part of a file, without the indentation of the whole and empty lines around it. */
    private static String region(String file) throws IOException {
        Matcher region = REGION.matcher(Files.readString(ROOT.resolve(file)));
        assertThat(region.find()).as(file).isTrue();
        return region.group(1).stripIndent().strip() + "\n";
    }
}
