package dev.posthorn.delivery.send;

import dev.posthorn.delivery.endpoint.TlsIdentity;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import java.util.Map;
import java.util.Objects;
import javax.net.ssl.SSLEngine;
import org.eclipse.jetty.client.Destination;
import org.eclipse.jetty.io.ssl.SslClientConnectionFactory.SslEngineFactory;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * TLS 1.2 and 1.3 for all connections of the one client. As whom a connection is made, its destination's tag says; destinations with
 * different tags share no connections.
 */
final class SenderTls extends SslContextFactory.Client implements SslEngineFactory {
    private final TrustedAuthorities authorities;

    SenderTls(TrustedAuthorities authorities) {
        this.authorities = authorities;
        setSslContext(TlsIdentity.plain(authorities));
        setEndpointIdentificationAlgorithm("HTTPS");
        setIncludeProtocols("TLSv1.3", "TLSv1.2");
    }

    @Override
    public SSLEngine newSslEngine(String host, int port, Map<String, Object> context) {
        Destination destination = (Destination) Objects.requireNonNull(context.get(Destination.CONTEXT_KEY));
        Route route = (Route) Objects.requireNonNull(destination.getOrigin().getTag());
        TlsIdentity identity = route.identity();
        if (identity == null) {
            return newSSLEngine(host, port);
        }
        SSLEngine engine = identity.context(authorities).createSSLEngine(host, port);
        customize(engine);
        return engine;
    }
}
