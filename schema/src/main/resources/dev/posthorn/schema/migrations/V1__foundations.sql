-- Time, identifiers and the trigger that keeps updated_at true. Everything later stands on these.

GRANT USAGE ON SCHEMA posthorn TO posthorn_service, posthorn_producer, posthorn_member;

COMMENT ON SCHEMA posthorn IS
    'Posthorn: webhooks out, API keys in, integrations across. Its functions are the interface; its tables are read through row level security.';

CREATE FUNCTION posthorn.clock_now() RETURNS timestamptz
    LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN clock_timestamp();

COMMENT ON FUNCTION posthorn.clock_now() IS
    'The one source of time. Advances inside a transaction. Tests replace it in a database of their own; no setting of production does.';

-- PostgreSQL 18 brings uuidv7(); before that the same layout is built from the clock and a random UUID:
-- 48 bits of milliseconds, version 7, 12 bits of the fraction of that millisecond, variant, 62 random bits (RFC 9562, method 3).
DO $uuid$
BEGIN
    IF to_regprocedure('pg_catalog.uuidv7(interval)') IS NOT NULL THEN
        CREATE FUNCTION posthorn.generate_uuid_v7(at timestamptz DEFAULT NULL) RETURNS uuid
            LANGUAGE sql VOLATILE PARALLEL SAFE
            RETURN uuidv7(coalesce(at, posthorn.clock_now()) - clock_timestamp());
    ELSE
        CREATE FUNCTION posthorn.generate_uuid_v7(at timestamptz DEFAULT NULL) RETURNS uuid
            LANGUAGE sql VOLATILE PARALLEL SAFE
        AS $$
            SELECT encode(
                       substring(int8send(t.micros / 1000) FROM 3 FOR 6)
                           || substring(int8send((7 << 12) + (t.micros % 1000) * 4096 / 1000) FROM 7 FOR 2)
                           || substring(uuid_send(gen_random_uuid()) FROM 9 FOR 8),
                       'hex')::uuid
            FROM (SELECT (extract(epoch FROM coalesce(at, posthorn.clock_now())) * 1000000)::bigint AS micros) AS t
        $$;
    END IF;
END
$uuid$;

COMMENT ON FUNCTION posthorn.generate_uuid_v7(timestamptz) IS
    'A time-ordered UUID (RFC 9562, version 7) of the given time, or of posthorn.clock_now(). PostgreSQL 18''s own generator where there is one, otherwise an equivalent.';

CREATE FUNCTION posthorn.uuid_v7_time(id uuid) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_timestamp((('x' || substring(replace(id::text, '-', '') FROM 1 FOR 12))::bit(48)::bigint / 1000.0)::double precision);

COMMENT ON FUNCTION posthorn.uuid_v7_time(uuid) IS 'The time inside a version 7 UUID, to the millisecond.';

CREATE FUNCTION posthorn.uuid_v7_floor(at timestamptz) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid;

COMMENT ON FUNCTION posthorn.uuid_v7_floor(timestamptz) IS
    'The smallest version 7 UUID of a millisecond: a bound for partitions and for asking for "everything since" by id.';

CREATE FUNCTION posthorn.update_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    NEW.updated_at := posthorn.clock_now();
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION posthorn.update_updated_at() IS 'Trigger function: sets updated_at at each change of a row.';

CREATE TABLE posthorn.settings (
    name        text PRIMARY KEY,
    value       jsonb NOT NULL,
    description text NOT NULL
);

COMMENT ON TABLE posthorn.settings IS 'Settings of the installation that the functions of this schema obey.';
COMMENT ON COLUMN posthorn.settings.name IS 'Name of the setting.';
COMMENT ON COLUMN posthorn.settings.value IS 'Its value.';
COMMENT ON COLUMN posthorn.settings.description IS 'What it does, with its unit.';

INSERT INTO posthorn.settings (name, value, description) VALUES
    ('max_payload_bytes', '1048576', 'Largest payload of an event, in bytes of its JSON text.'),
    ('idempotency_hours', '24', 'How long an idempotency key is remembered, in hours; never longer than the retention of events.'),
    ('retention_days', '30', 'Days after which events, attempts and ended deliveries are dropped.'),
    ('unfinished_retention_days', '90', 'Days after which dead letters are dropped and parked deliveries become dead letters.'),
    ('partition_days_ahead', '14', 'Daily partitions that maintain() keeps ready.'),
    ('auto_disable_after', '10', 'Consecutive failures after which an endpoint is disabled; 0 means never.'),
    ('probe_after_seconds', '30', 'Seconds after which an endpoint that was disabled automatically is tried with its oldest parked delivery; doubles up to an hour. 0: never.'),
    ('allow_like_regex', 'false', 'Whether filters of endpoints may use like_regex, whose cost a tenant controls.');

ALTER TABLE posthorn.settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.settings FORCE ROW LEVEL SECURITY;
CREATE POLICY settings_owner ON posthorn.settings TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY settings_service ON posthorn.settings TO posthorn_service USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON posthorn.settings TO posthorn_service;

CREATE FUNCTION posthorn.setting_number(wanted text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT (value #>> '{}')::bigint FROM posthorn.settings WHERE name = wanted
$$;

COMMENT ON FUNCTION posthorn.setting_number(text) IS 'A numeric setting of the installation.';

GRANT EXECUTE ON FUNCTION
    posthorn.clock_now(),
    posthorn.generate_uuid_v7(timestamptz),
    posthorn.uuid_v7_time(uuid),
    posthorn.uuid_v7_floor(timestamptz),
    posthorn.update_updated_at(),
    posthorn.setting_number(text)
TO posthorn_service, posthorn_producer, posthorn_member;

CREATE FUNCTION posthorn.setting_flag(wanted text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT (value #>> '{}')::boolean FROM posthorn.settings WHERE name = wanted
$$;

COMMENT ON FUNCTION posthorn.setting_flag(text) IS 'A setting of the installation that is true or false.';

GRANT EXECUTE ON FUNCTION posthorn.setting_flag(text) TO posthorn_service, posthorn_producer, posthorn_member;
