package dev.posthorn.benchmarks.faults.checker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.log.LogFiles;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.signing.WebhookSigner;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each finding, from logs written by hand; times are seconds after 1,000,000. */
class CheckerTest {
    private static final WebhookSecret SECRET = WebhookSecret.generate();
    private static final WebhookSecret OTHER = WebhookSecret.generate();
    private static final String PLAIN = "/answers/0";
    private static final String LANE = "/ordered/1";
    private static final String FOREIGN = "/answers/2";

    @TempDir
    private Path folder;

    private final List<Object[]> roster = new ArrayList<>(List.of(
            new Object[] {"endpoint", "acme", PLAIN, "free", "allowed", 5000, SECRET.encoded()},
            new Object[] {"lane", "lined", LANE, "ordered", "allowed", 5000, SECRET.encoded()},
            new Object[] {"foreign", "other", FOREIGN, "free", "allowed", 5000, OTHER.encoded()}));
    private final List<Object[]> producers = new ArrayList<>();
    private final List<Object[]> receivers = new ArrayList<>();
    private final List<Object[]> events = new ArrayList<>();
    private final List<Object[]> deliveries = new ArrayList<>();
    private final List<Object[]> attempts = new ArrayList<>();
    private final List<Object[]> leases = new ArrayList<>();
    private final List<Object[]> switches = new ArrayList<>();
    private final List<Object[]> nemesis = new ArrayList<>();
    private final List<Object[]> dispatchers =
            new ArrayList<>(List.of(new Object[] {"first", "101"}, new Object[] {"second", "102"}));
    private final List<Object[]> invariants = new ArrayList<>();

    @Test
    void nothing_is_found_where_all_went_well() throws IOException {
        delivered("e1", 0);
        assertThat(found()).isEmpty();
        assertThat(verdict()).contains(Map.entry("accepted", "1"), Map.entry("duplicates", "0"));
    }

    @Test
    void an_acknowledged_event_that_is_not_stored_is_lost() throws IOException {
        queued("acked", "e1", 0, "acme");
        assertThat(found()).containsExactly("lost 1");
    }

    @Test
    void an_event_without_an_answer_to_its_commit_may_be_stored_or_not() throws IOException {
        queued("doubtful", "e1", 0, "acme");
        delivered("e2", 1);
        producers.set(1, new Object[] {"doubtful", at(1), at(1.1), "acme", "e2"});
        assertThat(found()).isEmpty();
        assertThat(verdict()).contains(Map.entry("accepted", "0"));
    }

    @Test
    void a_delivery_that_no_receiver_has_taken_is_lost() throws IOException {
        delivered("e1", 0);
        receivers.clear();
        request("e1", PLAIN, 0.5, "failed", SECRET);
        assertThat(found()).containsExactly("lost 1");
    }

    @Test
    void a_rolled_back_event_must_not_be_stored() throws IOException {
        delivered("e1", 0);
        producers.set(0, new Object[] {"undone", at(0), at(0.1), "acme", "e1"});
        assertThat(found()).containsExactly("unexpected 1");
    }

    @Test
    void what_arrives_at_another_tenant_is_unexpected() throws IOException {
        delivered("e1", 0);
        request("e1", FOREIGN, 0.4, "failed", OTHER);
        assertThat(found()).containsExactly("unexpected 1");
    }

    @Test
    void what_arrives_where_nobody_may_send_to_is_unexpected() throws IOException {
        delivered("e1", 0);
        receivers.getFirst()[1] = "127.0.0.2";
        assertThat(found()).containsExactly("unexpected 1");
    }

    @Test
    void a_request_signed_with_another_secret_is_found() throws IOException {
        delivered("e1", 0);
        receivers.clear();
        request("e1", PLAIN, 0.5, "ok", OTHER);
        assertThat(found()).containsExactly("bad_signature 1");
    }

    @Test
    void a_request_that_changed_its_bytes_is_found() throws IOException {
        delivered("e1", 0);
        Object[] again = receivers.getFirst().clone();
        again[0] = at(0.4);
        again[7] = "failed";
        again[9] = "{}";
        again[6] = sign(SECRET, "e1", "{}");
        receivers.addFirst(again);
        assertThat(found()).containsExactly("bad_signature 1");
    }

    @Test
    void what_is_sent_again_after_it_was_taken_is_a_duplicate() throws IOException {
        delivered("e1", 0);
        request("e1", PLAIN, 3, "ok", SECRET);
        assertThat(found()).containsExactly("duplicate 1");
    }

    @Test
    void a_duplicate_is_explained_by_the_death_of_the_node_that_had_sent_it() throws IOException {
        delivered("e1", 0);
        request("e1", PLAIN, 6, "ok", SECRET);
        harm("101", 1, 2);
        assertThat(found()).isEmpty();
        assertThat(verdict()).contains(Map.entry("duplicates", "1"), Map.entry("explained", "1"));
    }

    @Test
    void a_duplicate_is_not_explained_by_the_death_of_another_node() throws IOException {
        delivered("e1", 0);
        request("e1", PLAIN, 6, "ok", SECRET);
        harm("102", 1, 2);
        assertThat(found()).containsExactly("duplicate 1");
    }

    @Test
    void a_duplicate_is_not_explained_by_what_happened_long_after() throws IOException {
        delivered("e1", 0);
        request("e1", PLAIN, 30, "ok", SECRET);
        harm("101", 25, 26);
        assertThat(found()).containsExactly("duplicate 1");
    }

    @Test
    void a_duplicate_is_explained_where_the_receiver_read_the_request_after_its_deadline_and_the_sender_says_so_too()
            throws IOException {
        delivered("e1", 0);
        deliveries.getFirst()[5] = 2;
        attempts.set(0, new Object[] {"d-e1", "1", "first", at(5.4), "failed", "timeout"});
        attempts.add(new Object[] {"d-e1", "2", "first", at(7.1), "delivered", "-"});
        request("e1", PLAIN, 7, "ok", SECRET);
        assertThat(found()).as("read in time").containsExactly("duplicate 1");
        receivers.getFirst()[0] = at(5.2);
        assertThat(found()).isEmpty();
        attempts.getFirst()[5] = "status";
        assertThat(found()).as("not given up").containsExactly("duplicate 1");
        attempts.getFirst()[5] = "timeout";
        attempts.getFirst()[3] = at(4.9);
        assertThat(found()).as("given up before the deadline").containsExactly("duplicate 1");
        attempts.getFirst()[3] = at(11.5);
        assertThat(found()).as("given up long after").containsExactly("duplicate 1");
    }

    @Test
    void what_did_not_end_is_a_wrong_state() throws IOException {
        delivered("e1", 0);
        deliveries.getFirst()[4] = "sending";
        assertThat(found()).containsExactly("wrong_state 1");
    }

    @Test
    void a_dead_letter_that_a_receiver_has_taken_is_a_wrong_state() throws IOException {
        delivered("e1", 0);
        deliveries.getFirst()[4] = "dead_letter";
        assertThat(found()).containsExactly("wrong_state 1");
    }

    @Test
    void a_result_that_counted_without_its_lease_is_a_wrong_state() throws IOException {
        delivered("e1", 0);
        deliveries.getFirst()[5] = 2;
        leases.add(new Object[] {"d-e1", "second", at(0.6)});
        attempts.getFirst()[1] = "2";
        attempts.add(new Object[] {"d-e1", "1", "first", at(0.7), "failed", "status"});
        assertThat(found()).containsExactly("wrong_state 1");
    }

    @Test
    void a_gap_in_the_history_is_a_wrong_state() throws IOException {
        delivered("e1", 0);
        deliveries.getFirst()[5] = 2;
        assertThat(found()).containsExactly("wrong_state 1");
    }

    @Test
    void what_the_invariants_say_is_a_wrong_state() throws IOException {
        delivered("e1", 0);
        invariants.add(new Object[] {"d-e1", "stands in two places"});
        assertThat(found()).containsExactly("wrong_state 1");
    }

    @Test
    void whatever_overtakes_where_order_was_promised_is_found() throws IOException {
        inLane("e1", 0, 3);
        inLane("e2", 1, 2);
        assertThat(found()).containsExactly("out_of_order 1");
    }

    @Test
    void transactions_that_overlap_have_no_order() throws IOException {
        inLane("e1", 0, 3);
        inLane("e2", 1, 2);
        producers.getFirst()[2] = at(1.05);
        assertThat(found()).isEmpty();
        assertThat(verdict()).contains(Map.entry("ordered", "2"));
    }

    @Test
    void what_a_thawed_node_still_sends_is_explained_only_at_once_and_only_if_it_had_held_the_lease()
            throws IOException {
        delivered("e1", 5);
        leases.add(new Object[] {"d-e1", "second", at(1)});
        request("e1", PLAIN, 10.01, "ok", SECRET);
        assertThat(found()).containsExactly("duplicate 1");
        freeze("103", 2, 10);
        assertThat(found()).as("of another node").containsExactly("duplicate 1");
        harm("102", 2, 10);
        assertThat(found()).as("of a node that was killed").containsExactly("duplicate 1");
        freeze("102", 2, 10);
        assertThat(found()).isEmpty();
        nemesis.clear();
        freeze("102", 2, 7);
        assertThat(found()).as("three seconds after the thaw").containsExactly("duplicate 1");
    }

    @Test
    void it_tells_how_long_it_took_until_what_a_killed_node_held_was_sent_again() throws IOException {
        delivered("e1", 0);
        request("e1", PLAIN, 6, "ok", SECRET);
        killedWithE1();
        assertThat(verdict())
                .contains(
                        Map.entry("held", "1"),
                        Map.entry("held_taken", "1"),
                        Map.entry("resent_within_6", "1"),
                        Map.entry("resent_longest_ms", "5000"));
    }

    @Test
    void what_was_held_for_an_endpoint_that_was_disabled_meanwhile_is_told_apart() throws IOException {
        delivered("e1", 0);
        request("e1", PLAIN, 34, "ok", SECRET);
        killedWithE1();
        assertThat(verdict()).contains(Map.entry("held_disabled", "0"), Map.entry("resent_longest_ms", "33000"));
        switches.add(new Object[] {"endpoint", "disabled", at(0.9)});
        switches.add(new Object[] {"endpoint", "enabled", at(33)});
        assertThat(verdict())
                .contains(
                        Map.entry("held", "1"),
                        Map.entry("held_disabled", "1"),
                        Map.entry("resent_within_15", "0"),
                        Map.entry("resent_longest_ms", "0"),
                        Map.entry("resent_disabled_longest_ms", "33000"));
    }

    @Test
    void an_endpoint_that_was_disabled_before_the_kill_or_after_the_next_request_excuses_nothing() throws IOException {
        delivered("e1", 0);
        request("e1", PLAIN, 20, "ok", SECRET);
        killedWithE1();
        switches.add(new Object[] {"endpoint", "disabled", at(0.2)});
        switches.add(new Object[] {"endpoint", "enabled", at(0.9)});
        switches.add(new Object[] {"foreign", "disabled", at(3)});
        switches.add(new Object[] {"endpoint", "disabled", at(20.1)});
        assertThat(verdict()).contains(Map.entry("held_disabled", "0"), Map.entry("resent_longest_ms", "19000"));
    }

    private void delivered(String event, double second) {
        queued("acked", event, second, "acme");
        stored(event, "acme", "endpoint", second);
        request(event, PLAIN, second + 0.5, "ok", SECRET);
    }

    private void inLane(String event, double queued, double arrived) {
        queued("acked", event, queued, "lined");
        stored(event, "lined", "lane", queued);
        request(event, LANE, arrived, "ok", SECRET);
    }

    private void queued(String outcome, String event, double second, String community) {
        producers.add(new Object[] {outcome, at(second), at(second + 0.1), community, event});
    }

    private void stored(String event, String community, String endpoint, double second) {
        events.add(new Object[] {event, community});
        deliveries.add(new Object[] {"d-" + event, event, community, endpoint, "delivered", 1});
        leases.add(new Object[] {"d-" + event, "first", at(second + 0.2)});
        attempts.add(new Object[] {"d-" + event, "1", "first", at(second + 0.6), "delivered", "-"});
    }

    private void request(String event, String path, double second, String answer, WebhookSecret secret) {
        String body = "{\"event\":\"" + event + "\"}";
        receivers.add(new Object[] {
            at(second), "127.0.0.1", path, "d-" + event, event, 1_000_000, sign(secret, event, body), answer, 0, body
        });
    }

    private void harm(String target, double from, double to) {
        nemesis.add(new Object[] {"fault", "kill -9 of a node", target, at(from), at(to)});
    }

    private void freeze(String target, double from, double to) {
        nemesis.add(new Object[] {"fault", "freeze of a node past its lease", target, at(from), at(to)});
    }

    private void killedWithE1() {
        harm("101", 1, 2);
        nemesis.add(new Object[] {"held", "101", at(1), "d-e1"});
    }

    private static String sign(WebhookSecret secret, String event, String body) {
        return new WebhookSigner(List.of(secret)).sign(event, 1_000_000, body.getBytes(StandardCharsets.UTF_8));
    }

    private static long at(double second) {
        return Math.round((1_000_000 + second) * 1e6);
    }

    private Properties verdict() throws IOException {
        LogFiles files = new LogFiles(Files.createTempDirectory(folder, "run"));
        write(files.roster(), roster);
        write(files.producers(), producers);
        write(files.receivers(), receivers);
        write(files.events(), events);
        write(files.deliveries(), deliveries);
        write(files.attempts(), attempts);
        write(files.leases(), leases);
        write(files.switches(), switches);
        write(files.dispatchers(), dispatchers);
        write(files.invariants(), invariants);
        write(files.nemesis(), nemesis);
        return Checker.judge(files);
    }

    private static void write(Path file, List<Object[]> lines) throws IOException {
        try (Journal log = new Journal(file)) {
            lines.forEach(log::write);
        }
    }

    private List<String> found() throws IOException {
        Properties verdict = verdict();
        List<String> found = new ArrayList<>();
        for (Finding finding : Finding.values()) {
            if (!verdict.getProperty(finding.key()).equals("0")) {
                found.add(finding.key() + " " + verdict.getProperty(finding.key()));
            }
        }
        return found;
    }
}
