package dev.posthorn.delivery.send;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.RawServer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Answers that invite to do something more: one connection, one request, and recorded as what they are. */
@Timeout(60)
class InvitationsTest {
    /** The outcome of one request that is answered so, after which nothing must come, there or elsewhere. */
    private static String outcome(String answer) throws Exception {
        List<String> requests = Collections.synchronizedList(new ArrayList<>());
        try (RawServer elsewhere = RawServer.start(client -> requests.add("elsewhere"));
                RawServer server = RawServer.start(client -> {
                    for (String head = client.readRequest(); !head.isEmpty(); head = client.readRequest()) {
                        requests.add(head);
                        client.write(answer.replace("ELSEWHERE", "127.0.0.1:" + elsewhere.port()));
                    }
                });
                RequestSender sender = Sending.sender()) {
            String told = Sending.told(sender.send(Sending.request(server.url("/hook"), 5)));
            // Whatever was set in motion has time to show itself.
            TimeUnit.MILLISECONDS.sleep(50);
            assertThat(requests).hasSize(1);
            assertThat(requests.getFirst())
                    .startsWith("POST /hook HTTP/1.1\r\n")
                    .doesNotContainIgnoringCase("\r\nexpect:")
                    .doesNotContainIgnoringCase("\r\naccept-encoding:")
                    .doesNotContainIgnoringCase("\r\nupgrade:");
            assertThat(server.connections()).isEqualTo(1);
            assertThat(elsewhere.connections()).isZero();
            return told;
        }
    }

    private static String answer(String statusLine, String... headers) {
        return "HTTP/1.1 " + statusLine + "\r\n"
                + String.join(
                        "", List.of(headers).stream().map(each -> each + "\r\n").toList())
                + "content-length: 0\r\n\r\n";
    }

    @Test
    void redirects_are_failures_and_not_followed() throws Exception {
        for (int status : new int[] {300, 301, 302, 303, 304, 305, 307, 308}) {
            for (String location : List.of(
                    "/hook",
                    "other",
                    "//ELSEWHERE/",
                    "http://ELSEWHERE/hook",
                    "https://ELSEWHERE/",
                    "file:///etc/passwd",
                    "")) {
                assertThat(outcome(answer(status + " Moved", "Location: " + location)))
                        .as(status + " " + location)
                        .isEqualTo("answered " + status);
            }
        }
    }

    @Test
    void headers_that_lead_elsewhere_lead_nowhere() throws Exception {
        assertThat(outcome(answer("200 OK", "Refresh: 0; url=http://ELSEWHERE/")))
                .isEqualTo("answered 200");
        assertThat(outcome(answer("200 OK", "Location: http://ELSEWHERE/"))).isEqualTo("answered 200");
        assertThat(outcome(answer(
                        "201 Created",
                        "Content-Location: http://ELSEWHERE/",
                        "Link: <http://ELSEWHERE/>; rel=preload")))
                .isEqualTo("answered 201");
        assertThat(outcome(answer("200 OK", "Alt-Svc: h2=\"ELSEWHERE\"; ma=86400", "Alt-Used: ELSEWHERE")))
                .isEqualTo("answered 200");
        assertThat(outcome(answer("421 Misdirected Request", "Alt-Svc: clear"))).isEqualTo("answered 421");
    }

    @Test
    void nobody_is_told_who_we_are() throws Exception {
        for (String challenge :
                List.of("Basic realm=\"x\"", "Digest realm=\"x\", nonce=\"y\"", "Negotiate", "NTLM", "Bearer")) {
            assertThat(outcome(answer("401 Unauthorized", "WWW-Authenticate: " + challenge)))
                    .isEqualTo("answered 401");
            assertThat(outcome(answer("407 Proxy Authentication Required", "Proxy-Authenticate: " + challenge)))
                    .isEqualTo("answered 407");
        }
    }

    @Test
    void cookies_are_not_kept() throws Exception {
        List<String> requests = Collections.synchronizedList(new ArrayList<>());
        try (RawServer server = RawServer.start(client -> {
                    for (String head = client.readRequest(); !head.isEmpty(); head = client.readRequest()) {
                        requests.add(head);
                        client.write(answer("200 OK", "Set-Cookie: a=b; Path=/; Max-Age=1000", "Set-Cookie2: c=d"));
                    }
                });
                RequestSender sender = Sending.sender()) {
            for (int i = 0; i < 3; i++) {
                assertThat(Sending.told(sender.send(Sending.request(server.url("/"), 5))))
                        .isEqualTo("answered 200");
            }
            assertThat(server.connections()).isEqualTo(1);
        }
        assertThat(requests)
                .hasSize(3)
                .noneMatch(head -> head.toLowerCase(java.util.Locale.ROOT).contains("cookie"));
    }

    @Test
    void interim_responses_are_passed_over_up_to_eight() throws Exception {
        for (String interim : List.of("100 Continue", "102 Processing", "103 Early Hints", "104 Later", "199 What")) {
            String one = "HTTP/1.1 " + interim + "\r\nLink: </x>; rel=preload\r\n\r\n";
            assertThat(outcome(one + answer("204 None"))).as(interim).isEqualTo("answered 204");
            assertThat(outcome(one.repeat(8) + answer("200 OK"))).as(interim).isEqualTo("answered 200");
            assertThat(outcome(one.repeat(9) + answer("200 OK"))).as(interim).startsWith("response: ");
        }
    }

    @Test
    void another_protocol_is_not_spoken() throws Exception {
        String[] protocols = {"websocket", "h2c", "HTTP/2.0", "TLS/1.2", "x"};
        for (String protocol : protocols) {
            assertThat(outcome(answer("101 Switching Protocols", "Connection: upgrade", "Upgrade: " + protocol)))
                    .isEqualTo("answered 101");
            assertThat(outcome(answer("426 Upgrade Required", "Connection: upgrade", "Upgrade: " + protocol)))
                    .isEqualTo("answered 426");
        }
        assertThat(outcome("HTTP/1.1 101 Switching Protocols\r\n\r\n" + answer("200 OK")))
                .isEqualTo("answered 101");
        assertThat(outcome("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).startsWith("response: ");
        assertThat(outcome("HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n")).startsWith("response: ");
        assertThat(outcome("HTTP/0.9 200 OK\r\ncontent-length: 0\r\n\r\n")).startsWith("response: ");
    }

    @Test
    void statuses_that_have_no_body_have_none() throws Exception {
        for (String status : List.of("204 No Content", "304 Not Modified")) {
            assertThat(outcome("HTTP/1.1 " + status + "\r\ncontent-length: 5\r\n\r\nhello"))
                    .isEqualTo("answered " + status.substring(0, 3));
        }
        assertThat(outcome("HTTP/1.1 205 Reset Content\r\ncontent-length: 5\r\n\r\nhello"))
                .isEqualTo("answered 205");
        assertThat(outcome(answer("200 OK") + "surplus")).isEqualTo("answered 200");
        assertThat(outcome(answer("200 OK") + answer("500 Second"))).isEqualTo("answered 200");
    }

    @Test
    void a_connection_that_holds_more_than_the_answer_is_not_used_again() throws Exception {
        for (String surplus : List.of("x", "\r\n", answer("500 Poison"), "HTTP/1.1 100 Continue\r\n\r\n")) {
            for (String answer : List.of(
                    answer("200 OK"),
                    "HTTP/1.1 204 None\r\n\r\n",
                    "HTTP/1.1 204 None\r\ncontent-length: 5\r\n\r\nhello",
                    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")) {
                try (RawServer server = RawServer.start(client -> {
                            while (!client.readRequest().isEmpty()) {
                                client.write(answer + surplus);
                            }
                        });
                        RequestSender sender = Sending.sender()) {
                    for (int i = 0; i < 5; i++) {
                        assertThat(Sending.told(sender.send(Sending.request(server.url("/"), 5))))
                                .as(answer + surplus)
                                .startsWith("answered 20");
                    }
                    assertThat(server.connections()).as(answer + surplus).isEqualTo(5);
                }
            }
        }
    }

    @Test
    void what_comes_late_is_no_answer_to_the_next_request() throws Exception {
        Semaphore poisoned = new Semaphore(0);
        try (RawServer server = RawServer.start(client -> {
                    client.readRequest();
                    client.write(answer("500 First"));
                    TimeUnit.MILLISECONDS.sleep(30);
                    client.write(answer("200 Poison"));
                    poisoned.release();
                    client.awaitEnd();
                });
                RequestSender sender = Sending.sender()) {
            for (int i = 0; i < 5; i++) {
                assertThat(Sending.told(sender.send(Sending.request(server.url("/"), 5))))
                        .isEqualTo("answered 500");
                poisoned.acquire();
                TimeUnit.MILLISECONDS.sleep(30);
            }
        }
    }

    @Test
    void an_answer_before_the_request_is_none() throws Exception {
        try (RawServer server = RawServer.start(client -> {
                    client.write(answer("200 OK"));
                    client.awaitEnd();
                });
                RequestSender sender = Sending.sender()) {
            // While the request is on its way it cannot be told from an answer to it; that is chance, and so is which
            // failure it is.
            for (int i = 0; i < 10; i++) {
                assertThat(Sending.told(sender.send(Sending.request(server.url("/"), 1))))
                        .matches("answered 200|(response|io|timeout): .*");
            }
            assertThat(server.requests()).isZero();
            // One that ended before it was used is made up for.
            assertThat(server.connections()).isLessThanOrEqualTo(30);
        }
    }

    @Test
    void a_connection_is_never_shared_by_two_tenants() throws Exception {
        try (RawServer server = RawServer.start(client -> {
                    while (!client.readRequest().isEmpty()) {
                        client.write(answer("200 OK"));
                    }
                });
                RequestSender sender = Sending.sender()) {
            for (int i = 0; i < 12; i++) {
                assertThat(Sending.told(
                                sender.send(Sending.request(server.url("/"), 5, "1", new byte[] {'{', '}'}, i % 3))))
                        .isEqualTo("answered 200");
            }
            assertThat(server.connections()).isEqualTo(3);
        }
    }

    @Test
    void a_connection_that_ended_meanwhile_is_not_written_to() throws Exception {
        try (RawServer server = RawServer.start(client -> {
                    client.readRequest();
                    client.write(answer("200 OK"));
                });
                RequestSender sender = Sending.sender()) {
            for (int i = 0; i < 20; i++) {
                assertThat(Sending.told(sender.send(Sending.request(server.url("/"), 5))))
                        .isEqualTo("answered 200");
                while (server.open() > 0) {
                    TimeUnit.MILLISECONDS.sleep(1);
                }
            }
            assertThat(server.requests()).isEqualTo(20);
        }
    }
}
