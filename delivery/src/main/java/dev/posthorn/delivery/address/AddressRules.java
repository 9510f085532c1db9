package dev.posthorn.delivery.address;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which addresses are public.
 *
 * <p>IPv4: all but what the IANA registry does not mark globally reachable, multicast, and what a cloud uses inside of itself. IPv6: only
 * {@code 2000::/3}, without any block of the registry and without addresses that embed an IPv4 one.
 */
final class AddressRules {
    private static final Network GLOBAL_UNICAST = Network.parse("2000::/3");
    private static final Network NAT64 = Network.parse("64:ff9b::/96");

    /** The smallest first, so that the first that holds an address says what it is. */
    private static final List<AddressBlock> BLOCKS = Stream.of("iana-special-purpose.csv", "further-refused.csv")
            .flatMap(file -> DataFile.lines(file).stream())
            .map(AddressBlock::of)
            .sorted(Comparator.<AddressBlock>comparingInt(
                            block -> block.network().bits())
                    .reversed())
            .toList();

    /** Of IPv4 by the first number, because most have none. */
    private static final AddressBlock[][] BLOCKS_4 = IntStream.range(0, 256)
            .mapToObj(first -> BLOCKS.stream()
                    .filter(block -> !block.network().first().v6())
                    .filter(block -> block.network().holds(IpAddress.v4(first << 24))
                            || block.network().first().low() >>> 24 == first)
                    .toArray(AddressBlock[]::new))
            .toArray(AddressBlock[][]::new);

    private static final AddressBlock[] BLOCKS_6 =
            BLOCKS.stream().filter(block -> block.network().first().v6()).toArray(AddressBlock[]::new);

    private AddressRules() {}

    /** All blocks with a meaning. */
    static List<AddressBlock> blocks() {
        return BLOCKS;
    }

    /** What an address is, if it is not public. */
    static Optional<String> refusal(IpAddress address) {
        AddressBlock block = block(address.v6() ? BLOCKS_6 : BLOCKS_4[(int) (address.low() >>> 24)], address);
        if (!address.v6()) {
            return block == null || block.reachable() ? Optional.empty() : Optional.of(block.toString());
        }
        if (block != null) {
            return Optional.of(block.toString());
        }
        if (!GLOBAL_UNICAST.holds(address)) {
            return Optional.of("outside of global unicast (2000::/3)");
        }
        return isIsatap(address) ? Optional.of("ISATAP (RFC 5214)") : Optional.empty();
    }

    /** Whether a translator of the network (RFC 6052) sends it on to the IPv4 address that it embeds. */
    static boolean isNat64(IpAddress address) {
        return NAT64.holds(address);
    }

    private static boolean isIsatap(IpAddress address) {
        // RFC 5214, section 6.1: 00-00-5E-FE before the IPv4 address, with or without the universal bit.
        return (address.low() >>> 32 & 0xfdffffffL) == 0x00005efeL;
    }

    private static @Nullable AddressBlock block(AddressBlock[] blocks, IpAddress address) {
        for (AddressBlock block : blocks) {
            if (block.network().holds(address)) {
                return block;
            }
        }
        return null;
    }
}
