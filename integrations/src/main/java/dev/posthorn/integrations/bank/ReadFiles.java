package dev.posthorn.integrations.bank;

import dev.posthorn.integrations.bank.source.SourceFile;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Which of the files that lie there have been read; the others are forgotten, so that it grows with the folder and not with the years. A file
 * that comes back is read again, which changes nothing, because its records have the same ids.
 *
 * <p>A cursor may have 64 KiB, a folder 10,000 files. So each is a number of 44 bits, a hash of name and version; sorted, their distances are
 * written in Golomb-Rice code, some 33 bits each. Among 10,000 files, a new one is taken for one that was read once in 1.7 thousand million times.
 */
final class ReadFiles {
    /** So many fit into a cursor. */
    static final int MOST = 11_000;

    private static final int HASH_BITS = 44;

    private final Set<Long> hashes = new HashSet<>();

    private ReadFiles() {}

    /** Those of the files that are in a cursor's part; none if there is no such part. */
    static ReadFiles among(Collection<SourceFile> files, @Nullable JsonNode part) {
        ReadFiles read = new ReadFiles();
        if (part != null && part.isObject()) {
            Set<Long> all = decode(part);
            for (SourceFile file : files) {
                Long hash = hash(file);
                if (all.contains(hash)) {
                    read.hashes.add(hash);
                }
            }
        }
        return read;
    }

    boolean contains(SourceFile file) {
        return hashes.contains(hash(file));
    }

    void add(SourceFile file) {
        hashes.add(hash(file));
    }

    ObjectNode encode() {
        int width = width(hashes.size());
        BitSet bits = new BitSet();
        int at = 0;
        long previous = 0;
        for (long hash : hashes.stream().sorted().toList()) {
            long distance = hash - previous;
            previous = hash;
            // How many whole steps, as ones and a zero; then the rest.
            int steps = Math.toIntExact(distance >>> width);
            bits.set(at, at + steps);
            at += steps + 1;
            for (int bit = width - 1; bit >= 0; bit--) {
                bits.set(at++, ((distance >>> bit) & 1) == 1);
            }
        }
        return JsonNodeFactory.instance
                .objectNode()
                .put("count", hashes.size())
                .put("hashes", Base64.getEncoder().encodeToString(bits.toByteArray()));
    }

    private static Set<Long> decode(JsonNode part) {
        int count = part.path("count").asInt(0);
        int width = width(count);
        BitSet bits =
                BitSet.valueOf(Base64.getDecoder().decode(part.path("hashes").asString("")));
        Set<Long> all = new HashSet<>();
        int at = 0;
        long previous = 0;
        for (int i = 0; i < count; i++) {
            int end = bits.nextClearBit(at);
            long distance = (long) end - at;
            at = end + 1;
            for (int bit = width - 1; bit >= 0; bit--) {
                distance = (distance << 1) | (bits.get(at++) ? 1 : 0);
            }
            previous += distance;
            all.add(previous);
        }
        return all;
    }

    /** Bits of the rest: the mean distance, rounded down, so that there are some one or two steps. */
    private static int width(int count) {
        int width = HASH_BITS;
        while (width > 0 && (1L << (HASH_BITS - width)) < count) {
            width--;
        }
        return width;
    }

    private static Long hash(SourceFile file) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest((file.name() + "\u0000" + file.version()).getBytes(StandardCharsets.UTF_8));
            return new BigInteger(1, digest)
                    .shiftRight(digest.length * 8 - HASH_BITS)
                    .longValue();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
