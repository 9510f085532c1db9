package dev.posthorn.delivery.address;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Which addresses are public, against a table of its own. */
class AddressRulesTest {
    /** First and last of what is refused, in order; written down apart from the files that the rules read. */
    private static final String[] REFUSED_4 = {
        "0.0.0.0-0.255.255.255",
        "10.0.0.0-10.255.255.255",
        "100.64.0.0-100.127.255.255",
        "127.0.0.0-127.255.255.255",
        "161.26.0.0-161.26.255.255",
        "166.8.0.0-166.11.255.255",
        "168.63.129.16-168.63.129.16",
        "169.254.0.0-169.254.255.255",
        "172.16.0.0-172.31.255.255",
        "192.0.0.0-192.0.0.8",
        "192.0.0.11-192.0.0.255",
        "192.0.2.0-192.0.2.255",
        "192.88.99.0-192.88.99.255",
        "192.168.0.0-192.168.255.255",
        "198.18.0.0-198.19.255.255",
        "198.51.100.0-198.51.100.255",
        "199.36.153.4-199.36.153.11",
        "203.0.113.0-203.0.113.255",
        "224.0.0.0-255.255.255.255"
    };

    private static final long[] FIRST =
            IntStream.range(0, REFUSED_4.length).mapToLong(i -> edge(i, 0)).toArray();
    private static final long[] LAST =
            IntStream.range(0, REFUSED_4.length).mapToLong(i -> edge(i, 1)).toArray();

    private final SplittableRandom random = new SplittableRandom(20_261_125);

    private static long edge(int range, int side) {
        return IpAddress.parse(REFUSED_4[range].split("-", 2)[side])
                .orElseThrow()
                .low();
    }

    @Test
    void the_first_the_last_and_a_middle_address_of_every_256_ipv4_addresses_are_judged_by_the_table() {
        List<String> wrong = new ArrayList<>();
        for (long block = 0; block < 1L << 24; block++) {
            compare(block << 8, wrong);
            compare(block << 8 | 0x80 | (block & 0x7f), wrong);
            compare(block << 8 | 0xff, wrong);
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void every_address_beside_an_edge_of_the_table_is_judged_by_it() {
        List<String> wrong = new ArrayList<>();
        for (int i = 0; i < FIRST.length; i++) {
            for (long edge : new long[] {FIRST[i], LAST[i]}) {
                LongStream.rangeClosed(Math.max(0, edge - 300), Math.min(0xffffffffL, edge + 300))
                        .forEach(address -> compare(address, wrong));
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    @Tag("full")
    void all_ipv4_addresses_are_judged_by_the_table() {
        long wrong = IntStream.range(0, 1 << 16)
                .parallel()
                .mapToLong(high -> LongStream.range(0, 1 << 16)
                        .filter(low -> isPublic((long) high << 16 | low) == isRefused((long) high << 16 | low))
                        .count())
                .sum();
        assertThat(wrong).isZero();
    }

    private static void compare(long bits, List<String> wrong) {
        if (isPublic(bits) == isRefused(bits) && wrong.size() < 20) {
            wrong.add(IpAddress.v4((int) bits).toString());
        }
    }

    private static boolean isPublic(long bits) {
        return AddressRules.refusal(IpAddress.v4((int) bits)).isEmpty();
    }

    private static boolean isRefused(long bits) {
        for (int i = 0; i < FIRST.length; i++) {
            if (bits <= LAST[i]) {
                return bits >= FIRST[i];
            }
        }
        return false;
    }

    @Test
    void the_first_the_last_and_a_thousand_random_addresses_of_every_refused_block_are_refused() {
        int blocks = 0;
        for (AddressBlock block : AddressRules.blocks()) {
            if (block.reachable() && !block.network().first().v6()) {
                assertThat(AddressRules.refusal(block.network().first()))
                        .as(block.toString())
                        .isEmpty();
                continue;
            }
            for (int i = 0; i < 1002; i++) {
                IpAddress address = within(block.network(), i);
                assertThat(block.network().holds(address))
                        .as(block + " " + address)
                        .isTrue();
                // The only reachable addresses inside of a refused block.
                boolean anycast = address.toString().matches("192\\.0\\.0\\.(9|10)");
                assertThat(AddressRules.refusal(address).isPresent())
                        .as(block + " " + address)
                        .isNotEqualTo(anycast);
            }
            blocks++;
        }
        assertThat(blocks).isGreaterThan(50);
    }

    @Test
    void outside_of_global_unicast_every_ipv6_address_is_refused() {
        for (int i = 0; i < 200_000; i++) {
            IpAddress address = new IpAddress(true, random.nextLong(), random.nextLong());
            boolean global = address.high() >>> 61 == 1;
            assertThat(AddressRules.refusal(address).isEmpty())
                    .as(address.toString())
                    .isEqualTo(global && !special(address));
        }
        for (String known :
                List.of("2a00:1450:4001:80b::200e", "2606:2800:220:1::", "2620:fe::fe", "2001:4860:4860::8888")) {
            assertThat(AddressRules.refusal(IpAddress.parse(known).orElseThrow()))
                    .as(known)
                    .isEmpty();
        }
    }

    private static boolean special(IpAddress address) {
        long first32 = address.high() >>> 32;
        return first32 >>> 9 == 0x20010000L >>> 9
                || first32 == 0x20010db8L
                || first32 >>> 16 == 0x2002
                || first32 >>> 12 == 0x3fff0
                || (address.low() >>> 32 & 0xfdffffffL) == 0x5efe;
    }

    @Test
    void forms_that_embed_an_ipv4_address_are_refused_whatever_they_embed_and_nat64_agrees_with_it() {
        AddressPolicy translating = AddressPolicy.builder().nat64(true).build();
        for (int i = 0; i < 20_000; i++) {
            IpAddress v4 = IpAddress.v4(random.nextInt());
            long low = v4.low();
            List<IpAddress> embedding = List.of(
                    new IpAddress(true, 0, 0xffff00000000L | low),
                    new IpAddress(true, 0, low),
                    new IpAddress(true, 0, 0xffffL << 48 | low),
                    new IpAddress(true, 0x2002L << 48 | low << 16, random.nextLong()),
                    new IpAddress(
                            true, 0x20010000L << 32 | random.nextInt(), random.nextLong() << 32 | (~low & 0xffffffffL)),
                    new IpAddress(true, 0x2606470000000000L, 0x00005efeL << 32 | low),
                    new IpAddress(true, 0x2606470000000000L, 0x02005efeL << 32 | low),
                    new IpAddress(true, 0x64ff9b0001L << 16, low));
            for (IpAddress address : embedding) {
                assertThat(accepts(AddressPolicy.PUBLIC_ONLY, address))
                        .as(address.toString())
                        .isFalse();
                assertThat(accepts(translating, address)).as(address.toString()).isFalse();
            }
            IpAddress nat64 = new IpAddress(true, 0x64ff9bL << 32, low);
            assertThat(accepts(AddressPolicy.PUBLIC_ONLY, nat64))
                    .as(nat64.toString())
                    .isFalse();
            assertThat(accepts(translating, nat64))
                    .as(nat64 + " embeds " + v4)
                    .isEqualTo(accepts(AddressPolicy.PUBLIC_ONLY, v4));
        }
    }

    private static boolean accepts(AddressPolicy policy, IpAddress address) {
        try {
            policy.accept("https://" + (address.v6() ? "[" + address + "]" : address) + "/");
            return true;
        } catch (TargetRefusedException e) {
            assertThat(e.reason()).isEqualTo(RefusalClass.ADDRESS);
            return false;
        }
    }

    @Test
    void an_address_is_read_as_it_is_written_and_as_the_jdk_reads_it() throws Exception {
        for (int i = 0; i < 50_000; i++) {
            // With groups of zeros, so that runs of them occur.
            IpAddress v6 = new IpAddress(true, random.nextLong() & mask(), random.nextLong() & mask());
            assertThat(IpAddress.parse(v6.toString())).contains(v6);
            InetAddress theirs = InetAddress.getByName(v6.toString());
            if (theirs instanceof java.net.Inet6Address) {
                assertThat(IpAddress.of(theirs)).isEqualTo(v6);
            }
            IpAddress v4 = IpAddress.v4(random.nextInt());
            assertThat(IpAddress.parse(v4.toString())).contains(v4);
            assertThat(v4.toString()).isEqualTo(v4.toInetAddress("x").getHostAddress());
        }
    }

    private long mask() {
        long mask = 0;
        for (int i = 0; i < 4; i++) {
            mask = mask << 16 | (random.nextBoolean() ? 0xffff : 0);
        }
        return mask;
    }

    private IpAddress within(Network network, int index) {
        int size = network.first().size();
        BigInteger host = switch (index) {
            case 0 -> BigInteger.ZERO;
            case 1 -> BigInteger.ONE.shiftLeft(size - network.bits()).subtract(BigInteger.ONE);
            default -> new BigInteger(1, bytes()).mod(BigInteger.ONE.shiftLeft(size - network.bits()));
        };
        IpAddress first = network.first();
        return first.v6()
                ? new IpAddress(true, first.high() | host.shiftRight(64).longValue(), first.low() | host.longValue())
                : IpAddress.v4((int) first.low() | host.intValue());
    }

    private byte[] bytes() {
        byte[] bytes = new byte[16];
        random.nextBytes(bytes);
        return bytes;
    }
}
