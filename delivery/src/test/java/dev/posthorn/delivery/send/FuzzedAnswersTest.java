package dev.posthorn.delivery.send;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.send.AnswerJudge.Judgement;
import dev.posthorn.testkit.RawServer;
import dev.posthorn.testkit.RawServer.Client;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Surplus, half, early and malformed answers: whatever a server says, a delivery counts as delivered only on a complete 2xx head, by the
 * judgement of {@link AnswerJudge}, which knows nothing of the client.
 */
class FuzzedAnswersTest {
    private static final int WORKERS = 16;

    private final List<String> wrong = Collections.synchronizedList(new ArrayList<>());
    private final AtomicInteger delivered = new AtomicInteger();
    private final AtomicInteger reused = new AtomicInteger();
    private final AtomicInteger surplus = new AtomicInteger();
    /**
     * Answers that did not count. A server that closes in the middle may reset the connection, which takes with it what was not read yet;
     * then the delivery is sent again, which is right. They are counted, and there are few.
     */
    private final AtomicInteger swallowed = new AtomicInteger();

    @Test
    void of_three_thousand_answers_none_is_taken_for_more_than_it_is() throws Exception {
        run(20_261_125, 3_000);
    }

    @Test
    @Tag("full")
    void of_a_hundred_thousand_answers_none_is_taken_for_more_than_it_is() throws Exception {
        run(42, 100_000);
    }

    private void run(long seed, int count) throws Exception {
        AnswerGenerator generator = new AnswerGenerator(seed);
        byte[][] answers = new byte[count][];
        for (int i = 0; i < count; i++) {
            answers[i] = generator.next();
        }
        AtomicIntegerArray asked = new AtomicIntegerArray(count);
        AtomicInteger next = new AtomicInteger();
        try (RawServer server = RawServer.start(client -> serve(client, answers, asked));
                RequestSender sender = Sending.sender()) {
            List<Thread> workers = new ArrayList<>();
            for (int w = 0; w < WORKERS; w++) {
                workers.add(Thread.ofVirtual().start(() -> {
                    for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                        try {
                            var request = Sending.request(server.url("/"), 20, "" + i, new byte[] {'{', '}'}, 1);
                            compare(seed, i, answers[i], sender.send(request));
                        } catch (InterruptedException | RuntimeException e) {
                            wrong.add("threw " + e + " on " + i);
                        }
                    }
                }));
            }
            for (Thread worker : workers) {
                worker.join();
            }
        }
        int unasked = 0;
        for (int i = 0; i < count; i++) {
            if (asked.get(i) > 1) {
                wrong.add(i + " was asked " + asked.get(i) + " times");
            } else if (asked.get(i) == 0) {
                unasked++;
            }
        }
        assertThat(unasked).isLessThanOrEqualTo(Math.max(3, count / 1_000));
        System.out.println(
                count + " answers, " + swallowed + " of them did not count, " + unasked + " were not asked for");
        assertThat(swallowed.get()).isLessThanOrEqualTo(Math.max(3, count / 1_000));
        assertThat(wrong.stream().limit(10)).as(wrong.size() + " wrong").isEmpty();
        // Else nothing would have been tried.
        assertThat(delivered.get()).isBetween(count / 10, count * 9 / 10);
        assertThat(reused.get()).isGreaterThan(count / 10);
        assertThat(surplus.get()).isGreaterThan(count / 50);
    }

    /**
     * Answers each request by its number. After an answer that is exactly one the connection stays open, also where there is more than one,
     * and then no other request may come; else nothing more would come, so it is closed.
     */
    private void serve(Client client, byte[][] answers, AtomicIntegerArray asked) throws IOException {
        boolean exhausted = false;
        for (String head = client.readRequest(); !head.isEmpty(); head = client.readRequest()) {
            int number = Integer.parseInt(RawServer.header(head, "webhook-id"));
            asked.incrementAndGet(number);
            if (exhausted) {
                wrong.add("a connection with unread bytes was used for " + number);
                return;
            }
            byte[] answer = answers[number];
            Judgement strict = AnswerJudge.strictly(answer);
            client.write(answer);
            if (strict.end() < 0) {
                return;
            }
            exhausted = strict.end() < answer.length;
            (exhausted ? surplus : reused).incrementAndGet();
        }
    }

    private void compare(long seed, int number, byte[] answer, AttemptOutcome outcome) {
        Judgement strict = AnswerJudge.strictly(answer);
        Judgement lenient = AnswerJudge.leniently(answer);
        int status = outcome instanceof AttemptOutcome.Answered answered ? answered.statusCode() : 0;
        if (status >= 200 && status <= 299) {
            delivered.incrementAndGet();
        }
        if (status == 0 && strict.status() != 0) {
            swallowed.incrementAndGet();
            return;
        }
        boolean waited = outcome instanceof AttemptOutcome.Unanswered failed
                && failed.errorClass().equals("timeout");
        if (waited
                || (strict.status() != 0 && status != strict.status())
                || (status != 0 && status != lenient.status())) {
            wrong.add("seed " + seed + ", answer " + number + " is " + strict + ", leniently " + lenient + ", and was "
                    + Sending.told(outcome) + ": " + escaped(answer));
        }
    }

    private static String escaped(byte[] answer) {
        StringBuilder text = new StringBuilder();
        for (char c : new String(Arrays.copyOf(answer, Math.min(answer.length, 300)), StandardCharsets.ISO_8859_1)
                .toCharArray()) {
            text.append(
                    c == '\r'
                            ? "\\r"
                            : c == '\n' ? "\\n" : c < ' ' || c > '~' ? String.format("\\x%02x", (int) c) : "" + c);
        }
        return text.toString();
    }
}
