package dev.posthorn.schema;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The migrations in the order in which they are applied. A test compares the list with the files. */
final class MigrationScripts {
    static final String FOLDER = "dev/posthorn/schema/migrations";

    static final List<String> NAMES = List.of(
            "V1__foundations.sql",
            "V2__tenants.sql",
            "V3__webhooks.sql",
            "V4__row_level_security.sql",
            "V5__partitions.sql",
            "V6__queue.sql",
            "V7__lanes.sql",
            "V8__leases.sql",
            "V9__vault.sql",
            "V10__leases_for_sql.sql",
            "V11__lost_leases.sql",
            "V12__results.sql",
            "V13__record_results.sql",
            "V14__endpoints.sql",
            "V15__circuit.sql",
            "V16__repair.sql",
            "V17__redelivery.sql",
            "V18__upkeep.sql",
            "V19__watch.sql",
            "V20__api_keys.sql",
            "V21__make_keys.sql",
            "V22__change_and_verify_keys.sql",
            "V23__limits_and_usage_of_keys.sql",
            "V24__secrets.sql",
            "V30__integrations.sql",
            "V31__plan_runs.sql",
            "V32__sync_runs.sql",
            "V33__pushes.sql",
            "V34__integration_health.sql",
            "V50__version.sql");

    /** The number in the name of the last one. */
    static final int NEWEST = number(NAMES.get(NAMES.size() - 1));

    private MigrationScripts() {}

    static String roles() {
        return read("dev/posthorn/schema/roles.sql");
    }

    static String migration(String name) {
        return read(FOLDER + "/" + name);
    }

    private static int number(String name) {
        return Integer.parseInt(name.substring(1, name.indexOf("__")));
    }

    private static String read(String resource) {
        try (InputStream in = MigrationScripts.class.getClassLoader().getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("the resource " + resource + " is missing in this build");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
