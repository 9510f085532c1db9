package dev.posthorn.server.node;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.apikeys.ApiKeys;
import dev.posthorn.apikeys.Network;
import dev.posthorn.apikeys.http.ClientAddress;
import dev.posthorn.apikeys.verify.KeyVerifier;
import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.delivery.send.EgressProxy;
import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.integrations.VaultCredentials;
import dev.posthorn.integrations.connector.OperatorSettings;
import dev.posthorn.integrations.engine.IntegrationEngine;
import dev.posthorn.schema.Migrator;
import dev.posthorn.server.PosthornException;
import dev.posthorn.server.apikeys.AuditRoutes;
import dev.posthorn.server.apikeys.ForwardAuth;
import dev.posthorn.server.apikeys.KeyRoutes;
import dev.posthorn.server.apikeys.LeakReportKeys;
import dev.posthorn.server.apikeys.LeakReports;
import dev.posthorn.server.apikeys.VerifyRoute;
import dev.posthorn.server.communities.CommunityRoutes;
import dev.posthorn.server.deliveries.DeliveryRoutes;
import dev.posthorn.server.embedded.EmbeddedDatabase;
import dev.posthorn.server.endpoints.EndpointRoutes;
import dev.posthorn.server.endpoints.SigningRoutes;
import dev.posthorn.server.events.EventRoutes;
import dev.posthorn.server.eventtypes.EventTypeRoutes;
import dev.posthorn.server.eventtypes.PayloadSchemas;
import dev.posthorn.server.integrations.ConnectorRoutes;
import dev.posthorn.server.integrations.IntegrationRoutes;
import dev.posthorn.server.integrations.PushRoute;
import dev.posthorn.server.integrations.RunRoutes;
import dev.posthorn.server.integrations.StoredCredentials;
import dev.posthorn.server.redeliveries.RedeliveryRoutes;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiDatabase;
import dev.posthorn.server.rest.OpenApi;
import dev.posthorn.server.secrets.SecretRoutes;
import dev.posthorn.server.settings.DatabaseUrl;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import dev.posthorn.vault.EndpointCredentials;
import dev.posthorn.vault.EndpointSecrets;
import dev.posthorn.vault.MasterKeyset;
import dev.posthorn.vault.Vault;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.util.JavalinBindException;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running server. Thread-safe; closes what it started in the reverse order. */
public final class Node implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Node.class);
    private static final int POOL = 10;
    private static final long LARGEST_BODY = 8L * 1024 * 1024;

    private final Deque<AutoCloseable> started;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final HikariDataSource pool;
    private final DatabaseUrl url;
    private final Javalin web;
    private final Optional<ApiKey> firstKey;

    private Node(Settings settings, DeliveryListener listener, Deque<AutoCloseable> started) throws SQLException {
        this.started = started;
        // Settings first: whoever wrote a wrong one hears of it before anything is started.
        MasterKeyset masterKey = MasterKeys.find(settings);
        AddressPolicy addresses = Targets.policy(settings);
        TrustedAuthorities authorities = Egress.authorities(settings);
        Optional<EgressProxy> proxy = Egress.proxy(settings);
        String controlName = Targets.controlName(settings);
        int maxInFlight = settings.number(Setting.MAX_IN_FLIGHT, 1, 10_000);
        int unknownKeysPerSecond = settings.number(Setting.API_KEY_UNKNOWN_PER_SECOND, 1, 1_000_000);
        boolean openIfLimitsFail = openIfLimitsFail(settings);
        LeakReportKeys reporters = LeakReportKeys.read(settings.text(Setting.LEAK_REPORT_KEYS));
        ClientAddress clients = ClientAddress.trusting(networks(settings, Setting.TRUSTED_PROXIES));
        int port = settings.number(Setting.PORT, 0, 65_535);
        String databaseUrl = settings.text(Setting.DATABASE_URL);
        boolean embedded = databaseUrl.isEmpty();
        if (embedded) {
            EmbeddedDatabase database = EmbeddedDatabase.start(java.nio.file.Path.of(settings.text(Setting.DATA)));
            started.push(database);
            databaseUrl = database.url();
            LOG.info("the embedded PostgreSQL is for trying and for small use; for everything else set DATABASE_URL");
        }
        url = DatabaseUrl.parse(databaseUrl);
        pool = Databases.pool(url, "posthorn", POOL);
        started.push(pool);
        HikariDataSource own = Databases.pool(url, "posthorn-own", 2);
        started.push(own);
        Migrator migrator = new Migrator(pool);
        if (embedded) {
            migrator.migrate();
        } else {
            migrator.requireCurrent();
        }
        ServiceSession session = new ServiceSession(pool);
        EndpointSecrets secrets = new EndpointSecrets(masterKey);
        session.durably(connection -> {
            secrets.check(connection);
            return true;
        });
        Vault vault = SecretStores.vault(settings, pool, masterKey);
        started.push(vault);
        started.push(OrphanedSecrets.deletedFrom(vault));
        Metrics metrics = new Metrics(listener);
        DeliveryEngine.Builder building = DeliveryEngine.builder(pool, masterKey)
                .ownConnections(own)
                .addresses(addresses)
                .trust(authorities)
                .maxInFlight(maxInFlight)
                .controlName(controlName)
                .listener(metrics);
        proxy.ifPresent(building::egressProxy);
        DeliveryEngine engine = building.build();
        started.push(engine);
        metrics.watch(engine::inFlight, () -> engine.isReady() ? 1 : 0);
        metrics.watchDisk(new ApiDatabase(session));
        engine.start();
        firstKey = session.durably(connection -> {
            ApiKeys keys = new ApiKeys();
            return keys.any(connection)
                    ? Optional.empty()
                    : Optional.of(keys.issue(connection, ApiKey.Mode.LIVE, null, "first service key", List.of("*"))
                            .key());
        });
        IntegrationEngine integrations = IntegrationEngine.builder(pool, new VaultCredentials(vault))
                .addresses(addresses)
                .operatorSettings(connector -> OperatorSettings.ofEnvironment(connector, System.getenv()))
                .build();
        started.push(integrations);
        integrations.start();
        KeyVerifier verifier = apiKeys(openIfLimitsFail, unknownKeysPerSecond, metrics);
        web = startWeb(settings.text(Setting.HOST), port, config -> {
            ApiDatabase database = new ApiDatabase(session);
            Api api = new Api(config.routes, database, verifier, clients);
            // The busiest first: of the routes that fit a path the first one is taken, and each is tried by a regular
            // expression.
            EventRoutes.add(api, engine, new PayloadSchemas(database));
            KeyRoutes.add(api);
            VerifyRoute.add(api, verifier);
            ForwardAuth.add(api, database, verifier);
            LeakReports.add(api, database, reporters);
            AuditRoutes.add(api);
            CommunityRoutes.add(api);
            EventTypeRoutes.add(api);
            EndpointRoutes.add(api, new EndpointCredentials(masterKey), addresses);
            SigningRoutes.add(api, secrets);
            SecretRoutes.add(api, vault);
            DeliveryRoutes.add(api);
            RedeliveryRoutes.add(api);
            ConnectorRoutes.add(api, integrations.connectors());
            IntegrationRoutes.add(api, integrations, new StoredCredentials(vault));
            RunRoutes.add(api, integrations);
            PushRoute.add(api, integrations, clients);
            OpenApi.add(config.routes);
            config.routes.get("/healthz", context -> context.result("ok\n"));
            config.routes.get("/readyz", context -> {
                Optional<String> trouble = engine.trouble();
                context.status(trouble.isEmpty() ? 200 : 503)
                        .result(trouble.map(why -> "not ready: " + why).orElse("ready") + "\n");
            });
            config.routes.get(
                    "/metrics",
                    context -> context.contentType("text/plain; version=0.0.4; charset=utf-8")
                            .result(metrics.scrape()));
        });
        started.push(web::stop);
    }

    /**
     * Starts a server.
     *
     * @throws PosthornException or another exception whose message says what is to be mended; what had started is closed again
     */
    public static Node start(Settings settings, DeliveryListener listener) {
        Deque<AutoCloseable> started = new ArrayDeque<>();
        try {
            return new Node(settings, listener, started);
        } catch (SQLException e) {
            closeAll(started);
            throw new PosthornException(PosthornException.UNAVAILABLE, "the database refused: " + e.getMessage());
        } catch (RuntimeException e) {
            closeAll(started);
            throw e;
        }
    }

    /** Address of the REST API. */
    public String address() {
        return "http://127.0.0.1:" + web.port();
    }

    /** Everything it answers to, such as {@code GET /v1/communities/{community}}, for comparison with the contract. */
    public SortedSet<String> routes() {
        SortedSet<String> routes = new TreeSet<>();
        web.unsafe
                .internalRouter
                .allHttpHandlers()
                .forEach(route -> routes.add(route.endpoint.method + " "
                        + route.endpoint.path.replace('<', '{').replace('>', '}')));
        return routes;
    }

    /** The service key that the very first start makes; empty at every later one. */
    public Optional<ApiKey> firstKey() {
        return firstKey;
    }

    /** Where the database is. */
    public DatabaseUrl databaseUrl() {
        return url;
    }

    /** Makes a further service key. */
    public ApiKey issueServiceKey(String name) throws SQLException {
        return new ServiceSession(pool)
                .durably(connection -> new ApiKeys()
                        .issue(connection, ApiKey.Mode.LIVE, null, name, List.of("*"))
                        .key());
    }

    /** The line that opens a SQL prompt on the database. */
    public String psqlLine() {
        String login = url.user() == null ? "" : url.user() + "@";
        return "psql \"" + url.toString().replace("jdbc:postgresql://", "postgres://" + login) + "\"";
    }

    private static Javalin startWeb(String host, int port, java.util.function.Consumer<JavalinConfig> routes) {
        Javalin javalin = Javalin.create(config -> {
            config.startup.showJavalinBanner = false;
            config.startup.showOldJavalinVersionWarning = false;
            config.concurrency.useVirtualThreads = true;
            config.http.maxRequestSize = LARGEST_BODY;
            config.jetty.host = host;
            config.jetty.port = port;
            // Jetty keeps the headers of a connection to recognise them in its next request: API keys would stay in
            // memory as long as it.
            config.jetty.modifyHttpConfiguration(http -> http.setHeaderCacheSize(0));
            routes.accept(config);
        });
        try {
            return javalin.start();
        } catch (JavalinBindException e) {
            throw new PosthornException(
                    PosthornException.UNAVAILABLE,
                    "port " + port + " is taken; stop what listens there, or take another with --port");
        }
    }

    /** Verifies keys; its listener has a connection of its own, so that nobody waits for it. */
    private KeyVerifier apiKeys(boolean openIfLimitsFail, int unknownPerSecond, Metrics metrics) {
        HikariDataSource listening = Databases.pool(url, "posthorn-keys", 1);
        started.push(listening);
        KeyVerifier verifier = new KeyVerifier(
                pool,
                listening,
                new KeyVerifier.Options(
                        KeyVerifier.Options.usual().cachedKeys(),
                        openIfLimitsFail,
                        unknownPerSecond,
                        metrics.apiKeys()));
        started.push(verifier);
        metrics.watchApiKeys(() -> verifier.isHearing() ? 1 : 0);
        verifier.start();
        return verifier;
    }

    private static boolean openIfLimitsFail(Settings settings) {
        String failing = settings.text(Setting.API_KEY_LIMITS_FAIL);
        if (!failing.equals("open") && !failing.equals("closed")) {
            throw new PosthornException(
                    PosthornException.CONFIGURATION,
                    Setting.API_KEY_LIMITS_FAIL.property() + " must be open or closed, it is \"" + failing + "\"");
        }
        return failing.equals("open");
    }

    private static List<Network> networks(Settings settings, Setting setting) {
        try {
            return settings.list(setting).stream().map(Network::parse).toList();
        } catch (IllegalArgumentException e) {
            throw new PosthornException(
                    PosthornException.CONFIGURATION,
                    setting.property() + " must be networks such as 10.0.0.0/8, separated by commas: "
                            + e.getMessage());
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            closeAll(started);
        }
    }

    private static void closeAll(Deque<AutoCloseable> started) {
        while (!started.isEmpty()) {
            try {
                started.pop().close();
            } catch (Exception e) {
                LOG.warn("while stopping: {}", e.getMessage());
            }
        }
    }
}
