package dev.posthorn.delivery.address;

import java.util.Optional;

/** Reads addresses strictly: what the C library would read as an address in some other way is none. */
final class IpAddressParser {
    private IpAddressParser() {}

    /** Four decimal numbers without leading zeros. */
    static Optional<IpAddress> v4(String text) {
        long bits = 0;
        int numbers = 0;
        int at = 0;
        while (numbers < 4) {
            int begin = at;
            int number = 0;
            while (at < text.length() && at - begin < 3 && isDigit(text.charAt(at))) {
                number = number * 10 + text.charAt(at++) - '0';
            }
            boolean canonical = at > begin && number < 256 && (text.charAt(begin) != '0' || at - begin == 1);
            boolean ended = numbers == 3 ? at == text.length() : at < text.length() && text.charAt(at++) == '.';
            if (!canonical || !ended) {
                return Optional.empty();
            }
            bits = bits << 8 | number;
            numbers++;
        }
        return Optional.of(IpAddress.v4((int) bits));
    }

    /** Eight groups of hexadecimal digits, one run of zeros perhaps as {@code ::}, the last two perhaps as an IPv4 address. */
    static Optional<IpAddress> v6(String text) {
        int[] groups = new int[8];
        int count = 0;
        int gap = -1;
        int at = 0;
        if (text.startsWith("::")) {
            gap = 0;
            at = 2;
        }
        while (at < text.length()) {
            if (count == 8) {
                return Optional.empty();
            }
            int end = text.indexOf(':', at);
            String part = text.substring(at, end < 0 ? text.length() : end);
            if (end < 0 && part.indexOf('.') >= 0) {
                Optional<IpAddress> tail = count > 6 ? Optional.empty() : v4(part);
                if (tail.isEmpty()) {
                    return Optional.empty();
                }
                groups[count++] = (int) (tail.get().low() >>> 16);
                groups[count++] = (int) tail.get().low() & 0xffff;
                break;
            }
            int group = group(part);
            if (group < 0) {
                return Optional.empty();
            }
            groups[count++] = group;
            if (end < 0) {
                break;
            }
            at = end + 1;
            if (at == text.length()) {
                return Optional.empty();
            }
            if (text.charAt(at) == ':') {
                if (gap >= 0) {
                    return Optional.empty();
                }
                gap = count;
                at++;
            }
        }
        return gap < 0 ? (count == 8 ? Optional.of(join(groups)) : Optional.empty()) : widened(groups, count, gap);
    }

    private static Optional<IpAddress> widened(int[] groups, int count, int gap) {
        if (count == 8) {
            return Optional.empty();
        }
        int[] wide = new int[8];
        System.arraycopy(groups, 0, wide, 0, gap);
        System.arraycopy(groups, gap, wide, 8 - count + gap, count - gap);
        return Optional.of(join(wide));
    }

    private static IpAddress join(int[] groups) {
        long high = 0;
        long low = 0;
        for (int i = 0; i < 4; i++) {
            high = high << 16 | groups[i];
            low = low << 16 | groups[i + 4];
        }
        return new IpAddress(true, high, low);
    }

    private static int group(String digits) {
        if (digits.isEmpty() || digits.length() > 4) {
            return -1;
        }
        int value = 0;
        for (int i = 0; i < digits.length(); i++) {
            char c = digits.charAt(i);
            int digit = c < 128 ? Character.digit(c, 16) : -1;
            if (digit < 0) {
                return -1;
            }
            value = value * 16 + digit;
        }
        return value;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
