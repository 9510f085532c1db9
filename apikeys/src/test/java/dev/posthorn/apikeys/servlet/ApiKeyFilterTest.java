package dev.posthorn.apikeys.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.apikeys.IssuedKey;
import dev.posthorn.apikeys.KeySettings;
import dev.posthorn.apikeys.Network;
import dev.posthorn.apikeys.RateLimit;
import dev.posthorn.apikeys.http.ClientAddress;
import dev.posthorn.apikeys.verify.KeyVerifier;
import dev.posthorn.apikeys.verify.Verifiers;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The filter in a real servlet container, over HTTP. */
class ApiKeyFilterTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static Verifiers verifiers;
    private static Server server;
    private static URI address;

    @BeforeAll
    static void start() throws Exception {
        verifiers = new Verifiers();
        KeyVerifier verifier = verifiers.start();
        server = new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        ServletContextHandler context = new ServletContextHandler("/");
        ApiKeyFilter filter = new ApiKeyFilter(
                verifier,
                ClientAddress.trusting(List.of(Network.parse("127.0.0.1"))),
                (request, presented) ->
                        presented.scopes(List.of(request.getMethod().equals("GET") ? "orders:read" : "orders:write")));
        context.addFilter(new FilterHolder(filter), "/*", EnumSet.of(DispatcherType.REQUEST));
        context.addServlet(new ServletHolder(new Whoami()), "/*");
        server.setHandler(context);
        server.start();
        address = URI.create("http://127.0.0.1:" + ((ServerConnector) server.getConnectors()[0]).getLocalPort() + "/");
    }

    @AfterAll
    static void stop() throws Exception {
        server.stop();
        verifiers.close();
    }

    private static final class Whoami extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.getWriter()
                    .print(request.getRemoteUser() + " " + request.isUserInRole("orders:read") + " "
                            + request.isUserInRole("bills:read") + " "
                            + ((KeyPrincipal) request.getUserPrincipal()).key().name());
        }
    }

    @Test
    void a_valid_key_comes_through_as_the_principal_with_its_scopes_as_roles() throws Exception {
        IssuedKey issued = verifiers.key(KeySettings.named("reader")
                .scopes(List.of("orders:read"))
                .rateLimits(Map.of("default", new RateLimit(2, 3600))));
        HttpResponse<String> answer =
                get("Authorization", "Bearer " + issued.key().text());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo(issued.id() + " true false reader");
        assertThat(header(answer, "RateLimit-Policy")).isEqualTo("\"default\";q=2;w=3600");
        assertThat(header(answer, "RateLimit")).startsWith("\"default\";r=1;t=");
        assertThat(get("X-API-Key", issued.key().text()).statusCode()).isEqualTo(200);
        HttpResponse<String> limited = get("X-API-Key", issued.key().text());
        assertThat(limited.statusCode()).isEqualTo(429);
        assertThat(Integer.parseInt(header(limited, "Retry-After"))).isBetween(1, 1800);
    }

    @Test
    void everything_else_is_answered_as_rfc_6750_says() throws Exception {
        IssuedKey issued = verifiers.key(KeySettings.named("reader").scopes(List.of("orders:read")));
        IssuedKey bound =
                verifiers.key(KeySettings.named("bound").scopes(List.of("*")).allowedNetworks(List.of("192.0.2.0/24")));
        HttpResponse<String> missing = get();
        assertThat(missing.statusCode()).isEqualTo(401);
        assertThat(header(missing, "WWW-Authenticate")).isEqualTo("Bearer realm=\"posthorn\"");
        HttpResponse<String> unknown = get("Authorization", "bearer nonsense");
        assertThat(unknown.statusCode()).isEqualTo(401);
        assertThat(header(unknown, "WWW-Authenticate")).contains("error=\"invalid_token\"");
        assertThat(header(unknown, "Content-Type")).isEqualTo("application/problem+json");
        assertThat(get("Authorization", "Basic abc").statusCode()).isEqualTo(401);
        HttpResponse<String> two = get("Authorization", "Bearer " + issued.key().text(), "X-API-Key", "other");
        assertThat(two.statusCode()).isEqualTo(400);
        assertThat(header(two, "WWW-Authenticate")).contains("error=\"invalid_request\"");
        HttpResponse<String> writing = HTTP.send(
                HttpRequest.newBuilder(address)
                        .header("Authorization", "Bearer " + issued.key().text())
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build(),
                BodyHandlers.ofString());
        assertThat(writing.statusCode()).isEqualTo(403);
        assertThat(header(writing, "WWW-Authenticate"))
                .contains("error=\"insufficient_scope\"", "scope=\"orders:write\"");
        String key = "Bearer " + bound.key().text();
        assertThat(get("Authorization", key).statusCode()).isEqualTo(403);
        assertThat(get("Authorization", key, "X-Forwarded-For", "192.0.2.9").statusCode())
                .isEqualTo(200);
        assertThat(get("Authorization", key, "X-Forwarded-For", "192.0.2.9, 203.0.113.1")
                        .statusCode())
                .isEqualTo(403);
        verifiers.manage((keys, connection) -> keys.revoke(connection, bound.id(), null));
        while (get("Authorization", key, "X-Forwarded-For", "192.0.2.9").statusCode() != 401) {
            Thread.onSpinWait();
        }
    }

    private static HttpResponse<String> get(String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(address);
        if (headers.length > 0) {
            request.headers(headers);
        }
        return HTTP.send(request.build(), BodyHandlers.ofString());
    }

    private static String header(HttpResponse<String> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }
}
