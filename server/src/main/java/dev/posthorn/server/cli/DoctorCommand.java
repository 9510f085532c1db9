package dev.posthorn.server.cli;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthorn.delivery.outage.ControlLookup;
import dev.posthorn.delivery.outage.Fault;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.schema.Migrator;
import dev.posthorn.server.embedded.EmbeddedDatabase;
import dev.posthorn.server.node.Databases;
import dev.posthorn.server.node.Egress;
import dev.posthorn.server.node.MasterKeys;
import dev.posthorn.server.node.Targets;
import dev.posthorn.server.rest.ApiDatabase;
import dev.posthorn.server.settings.DatabaseUrl;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import dev.posthorn.vault.EndpointSecrets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description =
                "Looks at configuration, database, schema, keys and clock, and says what to mend. Exits 1 if something is wrong.")
final class DoctorCommand implements Callable<Integer> {
    @Mixin
    private SettingOptions options = new SettingOptions();

    private int problems;

    @FunctionalInterface
    private interface Check {
        String look() throws Exception;
    }

    @Override
    public Integer call() {
        Settings settings = options.settings();
        check("java", () -> "Java " + Runtime.version().feature());
        check("targets", () -> Targets.policy(settings).describe());
        check("egress", () -> {
            Egress.authorities(settings);
            String authorities = settings.text(Setting.TLS_CA_FILE);
            return Egress.proxy(settings).map(proxy -> "through " + proxy).orElse("direct") + ", trusts "
                    + (settings.flag(Setting.TLS_CA_ONLY)
                            ? "only " + authorities
                            : authorities.isEmpty()
                                    ? "this Java's authorities"
                                    : "this Java's authorities and " + authorities);
        });
        check("network", () -> network(Targets.controlName(settings)));
        check("master key", () -> MasterKeys.find(settings).toString());
        String url = databaseUrl(settings);
        if (url.isEmpty()) {
            System.out.println("note     database: there is no embedded one that runs in " + settings.text(Setting.DATA)
                    + "; start one with ./posthorn serve, or set DATABASE_URL");
            return problems == 0 ? 0 : 1;
        }
        try (HikariDataSource pool = Databases.pool(DatabaseUrl.parse(url), "doctor", 2)) {
            lookInto(settings, pool);
        } catch (RuntimeException e) {
            problem("database", e);
        }
        return problems == 0 ? 0 : 1;
    }

    private void lookInto(Settings settings, HikariDataSource pool) {
        check("database", () -> {
            try (var connection = pool.getConnection()) {
                return "PostgreSQL " + connection.getMetaData().getDatabaseProductVersion();
            }
        });
        check("schema", () -> {
            new Migrator(pool).requireCurrent();
            return "version " + Migrator.newestVersion();
        });
        if (problems > 0) {
            return;
        }
        ApiDatabase database = new ApiDatabase(new ServiceSession(pool));
        check("clock", () -> {
            long theirs = Long.parseLong(database.one("SELECT extract(epoch FROM clock_timestamp())::bigint")
                    .orElseThrow());
            long seconds = theirs - Instant.now().getEpochSecond();
            if (Math.abs(seconds) > 5) {
                throw new IllegalStateException(
                        "the database's clock is " + seconds + " s ahead of this machine's; set both by NTP");
            }
            return "the database's differs by " + seconds + " s";
        });
        check("secrets", () -> {
            EndpointSecrets secrets = new EndpointSecrets(MasterKeys.find(settings));
            database.transaction(connection -> {
                secrets.check(connection);
                return true;
            });
            return "the master key opens them";
        });
        check("partitions", () -> {
            String ahead = database.one("""
                            SELECT count(*) FROM pg_inherits AS i
                            JOIN pg_class AS c ON c.oid = i.inhrelid
                            WHERE i.inhparent = 'posthorn.webhook_events'::regclass
                              AND right(c.relname, 8) > to_char(posthorn.clock_now() AT TIME ZONE 'UTC', 'YYYYMMDD')
                            """).orElse("0");
            if (Integer.parseInt(ahead) < 2) {
                throw new IllegalStateException(
                        "only " + ahead + " days are prepared; run a server, or SELECT posthorn.maintain()");
            }
            return ahead + " days ahead";
        });
        check("notifications", () -> NotificationCheck.look(pool));
        check("disk", () -> database.one("""
                                SELECT pg_size_pretty(sum(d.bytes)) || ': ' || string_agg(d.part || ' ' || pg_size_pretty(d.bytes)
                                           || coalesce(' since ' || d.oldest_day, ''), ', ' ORDER BY d.bytes DESC)
                                       FILTER (WHERE d.part ~ '^webhook_(events|deliveries_.*|attempt_log)$')
                                FROM posthorn.disk_use AS d
                                """).orElse("nothing"));
        check("retention", () -> database.one("""
                                SELECT posthorn.setting_number('retention_days') || ' days; '
                                       || coalesce((SELECT 'of ' || r.day || ' about ' || r.events || ' events were ' || r.outcome || ' at '
                                                           || date_trunc('second', r.retired_at)
                                                    FROM posthorn.retired_days AS r ORDER BY r.retired_at DESC, r.day DESC LIMIT 1),
                                                   'nothing was dropped yet')
                                """).orElseThrow());
        check("invariants", () -> {
            List<String> broken =
                    database.rows("SELECT delivery_id || ' ' || problem FROM posthorn.check_invariants()");
            if (!broken.isEmpty()) {
                throw new IllegalStateException(
                        broken.size() + " deliveries are not where they belong, the first: " + broken.get(0));
            }
            return "all hold";
        });
    }

    private static String network(String controlName) {
        if (controlName.isEmpty()) {
            return "not looked at, since control.name is none";
        }
        Optional<Fault> fault = new OwnSide(new ControlLookup(controlName)).look();
        if (fault.isPresent()) {
            throw new IllegalStateException(fault.get().sentence());
        }
        return "the name service answers below " + controlName + ", and a way leads to the internet";
    }

    private static String databaseUrl(Settings settings) {
        String url = settings.text(Setting.DATABASE_URL);
        Path data = Path.of(settings.text(Setting.DATA));
        if (!url.isEmpty() || Files.notExists(data.resolve("postgres").resolve("postmaster.pid"))) {
            return url;
        }
        return EmbeddedDatabase.urlIn(data).orElse("");
    }

    private void check(String what, Check check) {
        try {
            System.out.println("ok       " + what + ": " + check.look());
        } catch (Exception e) {
            problem(what, e);
        }
    }

    private void problem(String what, Exception e) {
        problems++;
        System.out.println("PROBLEM  " + what + ": " + e.getMessage());
    }
}
