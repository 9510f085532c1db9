package dev.posthorn.delivery.address;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is decided, URL by URL. */
class AddressPolicyTest {
    private static final Map<String, List<String>> ANSWERS = Map.ofEntries(
            Map.entry("private.example.com", List.of("10.0.0.1")),
            Map.entry("mixed.example.com", List.of("93.184.216.34", "10.0.0.1")),
            Map.entry("mixed6.example.com", List.of("93.184.216.34", "::1")),
            Map.entry("mapped.example.com", List.of("::ffff:93.184.216.34")),
            Map.entry("nat64.example.com", List.of("64:ff9b::5db8:d822")),
            Map.entry("metadata.example.com", List.of("169.254.169.254")),
            Map.entry("inside.example.com", List.of("10.1.2.3")),
            Map.entry("half.example.com", List.of("10.1.2.3", "10.2.0.1")),
            Map.entry("empty.example.com", List.of()));

    private static List<IpAddress> resolve(String name) throws UnknownHostException {
        if (name.equals("nowhere.example.com")) {
            throw new UnknownHostException("NXDOMAIN from 10.0.0.53");
        }
        return ANSWERS.getOrDefault(name, List.of("93.184.216.34")).stream()
                .map(address -> IpAddress.parse(address).orElseThrow())
                .toList();
    }

    @Test
    void the_published_set_of_urls_is_decided_as_it_says() {
        List<PublishedUrls.Line> all = PublishedUrls.all();
        List<String> wrong = new ArrayList<>();
        Set<RefusalClass> seen = EnumSet.noneOf(RefusalClass.class);
        for (PublishedUrls.Line line : all) {
            AddressPolicy policy = PublishedUrls.policy(line.operator());
            String decided;
            try {
                TargetUrl target = policy.accept(line.url());
                policy.resolve(target, AddressPolicyTest::resolve);
                decided = "allowed " + target;
            } catch (TargetRefusedException e) {
                decided = e.reason().label();
                seen.add(e.reason());
            }
            if (!decided.equals(line.canonical().isEmpty() ? line.expected() : "allowed " + line.canonical())) {
                wrong.add(line + " but decided: " + decided);
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(all).hasSizeGreaterThan(300);
        assertThat(seen).containsExactlyInAnyOrder(RefusalClass.values());
    }

    @Test
    void a_sentence_for_the_tenant_holds_no_resolved_address_and_one_for_the_operator_does() throws Exception {
        TargetUrl target = AddressPolicy.PUBLIC_ONLY.accept("https://private.example.com/");
        assertThatThrownBy(() -> AddressPolicy.PUBLIC_ONLY.resolve(target, AddressPolicyTest::resolve))
                .isInstanceOfSatisfying(TargetRefusedException.class, refused -> {
                    assertThat(refused.sentence())
                            .isEqualTo(refused.getMessage())
                            .doesNotContain("10.", "private");
                    assertThat(refused.detail()).contains("10.0.0.1", "private-use (10.0.0.0/8)");
                });
        TargetUrl gone = AddressPolicy.PUBLIC_ONLY.accept("https://nowhere.example.com/");
        assertThatThrownBy(() -> AddressPolicy.PUBLIC_ONLY.resolve(gone, AddressPolicyTest::resolve))
                .isInstanceOfSatisfying(
                        TargetRefusedException.class,
                        refused -> assertThat(refused.detail()).doesNotContain("10.0.0.53"));
    }

    @Test
    void an_address_of_this_machine_is_refused_without_saying_so_to_the_tenant() throws Exception {
        AddressPolicy policy = AddressPolicy.builder()
                .machine(Set.of(IpAddress.parse("93.184.216.34").orElseThrow()))
                .build();
        assertThatThrownBy(() -> policy.accept("https://93.184.216.34/"))
                .isInstanceOfSatisfying(TargetRefusedException.class, refused -> {
                    assertThat(refused.sentence()).isEqualTo("the address 93.184.216.34 may not be sent to");
                    assertThat(refused.detail()).endsWith("it is one of Posthorn's own");
                });
        TargetUrl target = policy.accept("https://example.com/");
        assertThatThrownBy(() -> policy.resolve(target, AddressPolicyTest::resolve))
                .hasMessage("the host's name leads to an address that may not be sent to");
    }

    @Test
    void no_sentence_repeats_what_was_given_beyond_ascii_or_breaks_its_line() {
        for (PublishedUrls.Line line : PublishedUrls.all()) {
            try {
                PublishedUrls.policy(line.operator()).accept(line.url());
            } catch (TargetRefusedException e) {
                assertThat(e.sentence()).matches("[ -~]{10,160}");
                assertThat(e.detail()).matches("[ -~]{10,160}");
            }
        }
    }

    @Test
    void what_the_operator_writes_wrongly_is_named_with_the_mend() {
        AddressPolicy.Builder builder = AddressPolicy.builder();
        assertThatThrownBy(() -> builder.allow("localhost")).hasMessageContaining("\"localhost\" is no network");
        assertThatThrownBy(() -> builder.allow("10.0.0.0/33")).hasMessageContaining("from 0 to 32");
        assertThatThrownBy(() -> builder.allow("10.0.0.0/")).hasMessageContaining("from 0 to 32");
        assertThatThrownBy(() -> builder.allow("10.1.2.3/16")).hasMessageContaining("10.1.0.0/16");
        assertThatThrownBy(() -> builder.allow("10.1.0.0/16:")).hasMessageContaining("no valid port");
        assertThatThrownBy(() -> builder.allow("10.1.0.0/16:70000")).hasMessageContaining("no valid port");
        assertThatThrownBy(() -> builder.allow("")).hasMessageContaining("no network");
        assertThatThrownBy(() -> builder.refuse("10.1.0.0/16:80")).hasMessageContaining("from 0 to 32");
        assertThatThrownBy(() -> builder.own("example.com")).hasMessageContaining("no address");
    }

    @Test
    void what_is_in_force_is_told_in_one_line() {
        assertThat(AddressPolicy.PUBLIC_ONLY.describe()).isEqualTo("public addresses over https");
        assertThat(AddressPolicy.builder()
                        .allowHttp(true)
                        .nat64(true)
                        .allow("127.0.0.1:8080")
                        .allow("fd00::/8:443")
                        .allow("::1")
                        .refuse("8.8.8.0/24")
                        .own("1.2.3.4")
                        .build()
                        .describe())
                .isEqualTo(
                        "public addresses over https and http; NAT64; allowed besides: [127.0.0.1/32:8080, fd00::/8:443,"
                                + " ::1/128]; refused besides: [8.8.8.0/24]; own: [1.2.3.4]");
    }
}
