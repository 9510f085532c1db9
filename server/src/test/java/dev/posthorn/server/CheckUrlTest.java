package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.server.cli.PosthornCommand;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code posthorn check-url} as its user sees it. */
class CheckUrlTest {
    private record Ran(int code, List<String> lines, String complaint) {}

    private static Ran run(byte[] input, String... arguments) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        InputStream in = System.in;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        ByteArrayOutputStream complained = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(complained, true, StandardCharsets.UTF_8));
            System.setIn(new ByteArrayInputStream(input));
            int code = PosthornCommand.run(
                    Stream.concat(Stream.of("check-url"), Stream.of(arguments)).toArray(String[]::new));
            return new Ran(
                    code,
                    printed.toString(StandardCharsets.UTF_8).lines().toList(),
                    complained.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
            System.setIn(in);
        }
    }

    private static List<String> decided(String... arguments) {
        Ran ran = run(new byte[0], arguments);
        assertThat(ran.complaint()).isEmpty();
        assertThat(ran.code()).isZero();
        return ran.lines();
    }

    @Test
    void a_line_is_printed_for_each_argument() {
        assertThat(decided(
                        "--resolve",
                        "example.com=93.184.216.34",
                        "HTTPS://EXAMPLE.com:443/x",
                        "http://example.com/",
                        ""))
                .containsExactly(
                        "allowed https://example.com/x 93.184.216.34",
                        "refused scheme the URL must begin with https://; http is not allowed here",
                        "refused syntax the URL is empty");
    }

    @Test
    void standard_input_is_utf_8_one_url_a_line_and_an_empty_line_is_an_empty_url() {
        String input =
                "https://b\u00fccher.example/\n\nhttps://b\\u00fccher.example/\nhttps://a\\\\b/\nhttps://\\ud83d\\ude00.example/";
        Ran ran = run(input.getBytes(StandardCharsets.UTF_8), "--resolve", "b\\u00fccher.example=1.1.1.1");
        assertThat(ran.code()).isZero();
        assertThat(ran.lines())
                .containsExactly(
                        "allowed https://xn--bcher-kva.example/ 1.1.1.1",
                        "refused syntax the URL is empty",
                        "allowed https://xn--bcher-kva.example/ 1.1.1.1",
                        "refused character the URL holds a backslash at position 10",
                        "refused dns the host's name has no address");
        assertThat(run(
                                new byte[] {'h', 't', 't', 'p', 's', ':', '/', '/', (byte) 0xff, '.', 'd', 'e'},
                                "--resolve",
                                "a=")
                        .lines())
                .containsExactly("refused character the URL holds the character U+FFFD at position 9");
        assertThat(run("https://a.example/\r\n".getBytes(StandardCharsets.UTF_8), "--resolve", "a=")
                        .lines())
                .containsExactly("refused character the URL holds the character U+000D at position 19");
    }

    @Test
    void stated_answers_are_all_there_is_and_every_address_of_them_counts() {
        assertThat(decided(
                        "--resolve",
                        "a.example=1.1.1.1",
                        "--resolve",
                        "A.example.=10.0.0.1,2606:4700::1",
                        "--resolve",
                        "b.example=",
                        "--resolve",
                        "c.example=::ffff:1.1.1.1",
                        "--resolve",
                        "d.example=fe80::1%eth0",
                        "https://a.example/",
                        "https://b.example/",
                        "https://c.example/",
                        "https://d.example/",
                        "https://e.example/"))
                .containsExactly(
                        "refused address the host's name leads to 10.0.0.1, which may not be sent to: it is private-use (10.0.0.0/8)",
                        "refused dns the host's name has no address",
                        "refused address the host's name leads to ::ffff:101:101, which may not be sent to: it is IPv4-mapped (::ffff:0:0/96)",
                        "refused address the host's name leads to fe80::1, which may not be sent to: it is link-local (fe80::/10)",
                        "refused dns the host's name has no address");
    }

    @Test
    void options_say_what_the_operator_permits() {
        assertThat(decided("--allow-http", "http://1.1.1.1/")).containsExactly("allowed http://1.1.1.1/ 1.1.1.1");
        assertThat(decided("--nat64", "https://[64:ff9b::1.1.1.1]/"))
                .containsExactly("allowed https://[64:ff9b::101:101]/ 64:ff9b::101:101");
        assertThat(decided("--own", "1.1.1.1", "--own", "1.0.0.1", "https://1.1.1.1/", "https://1.0.0.1/"))
                .allMatch(line -> line.endsWith("it is one of Posthorn's own"));
        assertThat(decided("--allow", "10.0.0.0/8:8080", "http://10.0.0.1:8080/", "https://10.0.0.1/"))
                .containsExactly(
                        "allowed http://10.0.0.1:8080/ 10.0.0.1",
                        "refused address the address 10.0.0.1 may not be sent to: it is private-use (10.0.0.0/8)");
        assertThat(decided("--refuse-network", "1.1.1.0/24", "https://1.1.1.1/"))
                .containsExactly(
                        "refused address the address 1.1.1.1 may not be sent to: it is refused by the operator (1.1.1.0/24)");
    }

    @Test
    void an_argument_that_begins_with_an_at_sign_names_no_file() {
        assertThat(decided("@/etc/passwd")).containsExactly("refused scheme the URL must begin with https://");
    }

    @Test
    void a_wrong_command_line_is_told_in_words() {
        Ran answer = run(new byte[0], "--resolve", "example.com=nonsense", "https://example.com/");
        assertThat(answer.code()).isEqualTo(2);
        assertThat(answer.complaint()).startsWith("--resolve: \"nonsense\" is no address");
        Ran network = run(new byte[0], "--allow", "localhost", "https://example.com/");
        assertThat(network.code()).isEqualTo(78);
        assertThat(network.complaint())
                .isEqualToIgnoringNewLines("posthorn: allowed.networks: \"localhost\" is no network; write it like"
                        + " 10.1.0.0/16 or 2001:db8::/32");
    }
}
