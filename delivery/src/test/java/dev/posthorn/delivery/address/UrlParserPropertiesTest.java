package dev.posthorn.delivery.address;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What holds of every URL; the URLs are made of the published ones, by a seed that a failure names. */
class UrlParserPropertiesTest {
    private static final int ROUNDS = 200_000;
    private static final String PIECES =
            "abcxyz0189.-_:/?#@[]%\\;,!$&'()*+=~ \t\0\u00ad\u00df\u00fc\u0130\u0301\u05d0\u0661\u200d\u2100"
                    + "\u3002\uff0e\uff11\uff41\uff0f\ud83d\ude00\ud800\ufffd";
    private static final List<String> SEEDS = PublishedUrls.all().stream()
            .map(PublishedUrls.Line::url)
            .filter(url -> url.length() < 200)
            .toList();

    private static Optional<TargetUrl> parse(String url) {
        try {
            return Optional.of(UrlParser.parse(url));
        } catch (TargetRefusedException e) {
            return Optional.empty();
        }
    }

    /** A published URL, cut, doubled or with other characters in it. */
    private static String mutated(SplittableRandom random) {
        StringBuilder url = new StringBuilder(SEEDS.get(random.nextInt(SEEDS.size())));
        for (int changes = random.nextInt(4); changes > 0; changes--) {
            int at = random.nextInt(url.length() + 1);
            switch (random.nextInt(4)) {
                case 0 -> url.insert(at, PIECES.charAt(random.nextInt(PIECES.length())));
                case 1 -> url.delete(at, Math.min(url.length(), at + 1 + random.nextInt(3)));
                case 2 -> {
                    String other = SEEDS.get(random.nextInt(SEEDS.size()));
                    url.insert(at, other, 0, random.nextInt(other.length() + 1));
                }
                default -> {
                    if (at < url.length()) {
                        url.setCharAt(at, PIECES.charAt(random.nextInt(PIECES.length())));
                    }
                }
            }
        }
        return url.toString();
    }

    @Test
    void what_is_accepted_is_ascii_and_parses_to_itself() {
        int accepted = 0;
        for (int seed = 0; seed < ROUNDS; seed++) {
            String url = mutated(new SplittableRandom(seed));
            Optional<TargetUrl> once = parse(url);
            if (once.isPresent()) {
                String canonical = once.get().toString();
                assertThat(canonical)
                        .as("seed " + seed)
                        .matches("https?://[!-~]+")
                        .hasSizeLessThanOrEqualTo(2048);
                assertThat(parse(canonical)).as("seed " + seed + ": " + url).isEqualTo(once);
                accepted++;
            }
        }
        assertThat(accepted).isGreaterThan(ROUNDS / 10);
    }

    @Test
    void host_port_path_and_query_are_those_that_the_jdk_sees() throws Exception {
        int compared = 0;
        for (int seed = 0; seed < ROUNDS; seed++) {
            String url = mutated(new SplittableRandom(seed));
            Optional<TargetUrl> ours = parse(url);
            URI theirs;
            try {
                theirs = new URI(url);
            } catch (URISyntaxException e) {
                continue;
            }
            if (ours.isEmpty() || theirs.getHost() == null) {
                continue;
            }
            TargetUrl target = ours.get();
            String host = theirs.getHost().toLowerCase(java.util.Locale.ROOT);
            if (host.startsWith("[")) {
                assertThat(IpAddress.parse(host.substring(1, host.length() - 1)))
                        .as(url)
                        .isEqualTo(target.literal());
            } else {
                assertThat(host.endsWith(".") ? host.substring(0, host.length() - 1) : host)
                        .as(url)
                        .isEqualTo(target.host());
            }
            assertThat(theirs.getPort() < 0 ? TargetUrl.defaultPort(target.https()) : theirs.getPort())
                    .as(url)
                    .isEqualTo(target.port());
            String query = theirs.getRawQuery();
            assertThat(theirs.getRawPath() + (query == null ? "" : "?" + query))
                    .as(url)
                    .isEqualTo(target.pathAndQuery());
            compared++;
        }
        assertThat(compared).isGreaterThan(ROUNDS / 10);
    }

    @Test
    void noise_is_refused_and_breaks_nothing() {
        for (int seed = 0; seed < ROUNDS; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            StringBuilder noise = new StringBuilder(random.nextBoolean() ? "https://" : "");
            for (int length = random.nextInt(40); length > 0; length--) {
                noise.append((char) (random.nextInt(3) == 0 ? random.nextInt(0x10000) : random.nextInt(0x80)));
            }
            parse(noise.toString())
                    .ifPresent(target -> assertThat(target.toString()).matches("https?://[!-~]+"));
        }
    }
}
