package dev.posthorn.delivery.address;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The files in {@code deploy} refuse what the policy refuses, and no more. */
class SecondWallTest {
    private static final Path DEPLOY = Path.of("..", "deploy");
    private static final Network GLOBAL_UNICAST = Network.parse("2000::/3");

    @Test
    void nftables_refuses_every_network_that_the_policy_refuses_and_no_other() throws Exception {
        String rules = read("posthorn.nft");
        assertThat(rules)
                .contains(
                        "ip daddr @refused4 counter reject",
                        "ip6 daddr != 2000::/3 counter reject",
                        "ip6 daddr @refused6 counter reject");
        compare(networks(between(rules, "set refused4 {", "}\n    }")), false);
        compare(networks(between(rules, "set refused6 {", "}\n    }")), true);
    }

    @Test
    void the_network_policy_refuses_every_network_that_the_policy_refuses_and_no_other() throws Exception {
        String policy = read("kubernetes.yaml");
        compare(networks(between(policy, "cidr: 0.0.0.0/0\n", "- ipBlock:")), false);
        compare(networks(between(policy, "cidr: 2000::/3\n", "ports:")), true);
        // Nothing else may open what these leave shut.
        assertThat(policy.split("cidr:", -1)).hasSize(3);
    }

    private static void compare(List<Network> walled, boolean v6) {
        int refused = 0;
        for (AddressBlock block : AddressRules.blocks()) {
            // Of IPv6 every block of the registry is refused, whatever it says of it.
            boolean ours = block.network().first().v6() == v6
                    && (v6 ? GLOBAL_UNICAST.holds(block.network().first()) : !block.reachable());
            if (ours) {
                refused++;
                assertThat(walled)
                        .as(block.toString())
                        .anyMatch(network -> network.bits() <= block.network().bits()
                                && network.holds(block.network().first()));
            }
        }
        assertThat(refused).isGreaterThan(10);
        for (Network network : walled) {
            assertThat(AddressRules.blocks())
                    .as(network + " is not refused by the policy")
                    .anyMatch(block -> block.network().equals(network));
        }
    }

    private static List<Network> networks(String text) {
        Matcher matcher =
                Pattern.compile("(?m)^ +(?:- )?([0-9a-f.:]+(?:/[0-9]+)?),?$").matcher(text);
        return matcher.results().map(match -> Network.parse(match.group(1))).toList();
    }

    private static String between(String text, String begin, String end) {
        int from = text.indexOf(begin);
        assertThat(from).as(begin).isNotNegative();
        int to = text.indexOf(end, from);
        assertThat(to).as(end).isNotNegative();
        return text.substring(from + begin.length(), to);
    }

    private static String read(String file) throws IOException {
        return Files.readString(DEPLOY.resolve(file));
    }
}
