package dev.posthorn.delivery.address;

import static dev.posthorn.delivery.address.RefusalClass.CHARACTER;
import static dev.posthorn.delivery.address.RefusalClass.NUMBER;
import static dev.posthorn.delivery.address.RefusalClass.SYNTAX;
import static dev.posthorn.delivery.address.RefusalClass.ZONE;

import java.util.Locale;

/** Tells what kind of host it is: four canonical decimal numbers, an IPv6 address in brackets, or a name. */
final class HostParser {
    private HostParser() {}

    static Host parse(String host, boolean bracketed) throws TargetRefusedException {
        if (bracketed) {
            return Host.literal(v6(host.substring(1, host.length() - 1)));
        }
        boolean ascii = true;
        for (int i = 0; i < host.length(); i++) {
            char c = host.charAt(i);
            ascii &= c < 128;
            if (c < 128 && !UrlParser.isAlphanumeric(c) && "-._".indexOf(c) < 0) {
                throw new TargetRefusedException(CHARACTER, "the host holds " + Characters.named(c));
            }
        }
        if (!ascii) {
            String converted = InternationalName.toAscii(host);
            if (endsInNumber(converted)) {
                throw notCanonical();
            }
            return Host.name(NameRules.check(converted));
        }
        if (endsInNumber(host)) {
            return Host.literal(IpAddressParser.v4(host).orElseThrow(HostParser::notCanonical));
        }
        String lower = host.toLowerCase(Locale.ROOT);
        InternationalName.checkLabels(lower);
        return Host.name(NameRules.check(lower));
    }

    private static IpAddress v6(String text) throws TargetRefusedException {
        if (text.indexOf('%') >= 0) {
            throw new TargetRefusedException(ZONE, "an address with a zone means something on one machine only");
        }
        return IpAddressParser.v6(text)
                .orElseThrow(() -> new TargetRefusedException(SYNTAX, "between the brackets stands no IPv6 address"));
    }

    /** Whether resolvers may read it as an IPv4 address (WHATWG URL, "ends in a number"). */
    private static boolean endsInNumber(String host) {
        String bare = host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
        String last = bare.substring(bare.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        return last.matches("[0-9]+|0x[0-9a-f]*");
    }

    private static TargetRefusedException notCanonical() {
        return new TargetRefusedException(
                NUMBER,
                "the host is a number; an IPv4 address is four decimal numbers from 0 to 255 without leading zeros");
    }
}
