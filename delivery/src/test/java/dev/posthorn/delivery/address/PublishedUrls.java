package dev.posthorn.delivery.address;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;

/** The set of URLs in {@code urls.tsv}. */
final class PublishedUrls {
    private static final Pattern ESCAPE = Pattern.compile("\\\\(u[0-9a-f]{4}|\\\\)");

    /**
     * A URL and what must be decided.
     *
     * @param operator what the operator has set
     * @param canonical empty if it is to be refused
     */
    record Line(String operator, String expected, String url, String canonical, String why) {}

    private PublishedUrls() {}

    static List<Line> all() {
        List<Line> all = new ArrayList<>();
        String operator = "";
        for (String line : text().lines().toList()) {
            if (line.startsWith("=")) {
                operator = line.substring(1).strip();
            } else if (!line.isEmpty() && !line.startsWith("#")) {
                String[] fields = line.split("\t", -1);
                boolean allowed = fields.length == 4;
                all.add(new Line(
                        operator, fields[0], decode(fields[1]), allowed ? fields[2] : "", fields[allowed ? 3 : 2]));
            }
        }
        return all;
    }

    static AddressPolicy policy(String operator) {
        AddressPolicy.Builder builder = AddressPolicy.builder();
        for (String setting : operator.isEmpty() ? new String[0] : operator.split(", ", -1)) {
            String[] words = setting.split(" ", 2);
            switch (words[0]) {
                case "allow-http" -> builder.allowHttp(true);
                case "nat64" -> builder.nat64(true);
                case "allow" -> builder.allow(words[1]);
                case "refuse" -> builder.refuse(words[1]);
                case "own" -> builder.own(words[1]);
                default -> throw new IllegalArgumentException(setting);
            }
        }
        return builder.build();
    }

    private static String decode(String text) {
        return ESCAPE.matcher(text)
                .replaceAll(match -> java.util.regex.Matcher.quoteReplacement(
                        match.group(1).equals("\\")
                                ? "\\"
                                : String.valueOf(
                                        (char) Integer.parseInt(match.group(1).substring(1), 16))));
    }

    private static String text() {
        try (InputStream in = Objects.requireNonNull(PublishedUrls.class.getResourceAsStream("urls.tsv"))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
