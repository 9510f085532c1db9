package dev.posthorn.delivery.send;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.Fuzzing;
import dev.posthorn.delivery.send.AnswerJudge.Judgement;
import dev.posthorn.testkit.RawServer;
import org.junit.jupiter.api.Test;

/** Whatever bytes it gets for an answer, the sender takes them for no more than they are. */
public class AnswerFuzzTest {
    private static volatile byte[] answer = new byte[0];
    /** Open until the JVM ends, because a fuzzer does not say when it is done. */
    private static final RawServer SERVER = RawServer.start(client -> {
        client.readRequest();
        client.write(answer);
    });

    private static final RequestSender SENDER = Sending.sender();

    @Test
    void answers() throws Exception {
        Fuzzing.run(AnswerFuzzTest.class, AnswerFuzzTest::fuzzerTestOneInput);
    }

    /** Judges one answer; found by its name. */
    public static void fuzzerTestOneInput(byte[] bytes) throws InterruptedException {
        answer = bytes;
        AttemptOutcome outcome = SENDER.send(Sending.request(SERVER.url("/"), 20));
        int status = outcome instanceof AttemptOutcome.Answered answered ? answered.statusCode() : 0;
        Judgement strict = AnswerJudge.strictly(bytes);
        if (strict.status() != 0) {
            assertThat(status).as(Sending.told(outcome)).isEqualTo(strict.status());
        } else if (status != 0) {
            assertThat(status).isEqualTo(AnswerJudge.leniently(bytes).status());
        }
    }
}
