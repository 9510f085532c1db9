-- Days. Events, attempts, ended deliveries and what integrations log are kept by the day of the time inside their id and leave by the day.
--
-- A day is made as a plain table and attached: ATTACH takes SHARE UPDATE EXCLUSIVE on the parent, beside which inserts go on, while
-- CREATE … PARTITION OF waits for every open transaction that has queued, with everybody else behind it.
-- There is no DEFAULT partition: it would forbid attaching a day whose rows it holds.

CREATE FUNCTION posthorn.create_day(day date) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    parent  text;
    part    text;
    created integer := 0;
BEGIN
    FOREACH parent IN ARRAY ARRAY['integration_log_lines', 'webhook_attempt_log', 'webhook_deliveries_ended', 'webhook_events'] LOOP
        part := parent || to_char(day, '_YYYYMMDD');
        -- While migrating, not all of them are there yet.
        CONTINUE WHEN to_regclass('posthorn.' || part) IS NOT NULL OR to_regclass('posthorn.' || parent) IS NULL;
        EXECUTE format('CREATE TABLE posthorn.%I (LIKE posthorn.%I INCLUDING ALL)', part, parent);
        EXECUTE format('ALTER TABLE posthorn.%I ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE posthorn.%I FORCE ROW LEVEL SECURITY', part);
        EXECUTE format('COMMENT ON TABLE posthorn.%I IS %L', part, format('One day of %s; read and written through it only.', parent));
        EXECUTE format(
            'ALTER TABLE posthorn.%I ATTACH PARTITION posthorn.%I FOR VALUES FROM (%L) TO (%L)',
            parent, part,
            posthorn.uuid_v7_floor(day::timestamp AT TIME ZONE 'UTC'),
            posthorn.uuid_v7_floor((day + 1)::timestamp AT TIME ZONE 'UTC'));
        created := created + 1;
    END LOOP;
    RETURN created;
END
$$;

COMMENT ON FUNCTION posthorn.create_day(date) IS 'Creates and attaches the partitions of one UTC day where they are missing; returns how many.';

CREATE FUNCTION posthorn.ensure_day(at timestamptz) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    day date := (at AT TIME ZONE 'UTC')::date;
BEGIN
    -- webhook_events comes last in create_day: where it stands, the whole day stands.
    IF to_regclass('posthorn.webhook_events' || to_char(day, '_YYYYMMDD')) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('posthorn.create_day'));
        PERFORM posthorn.create_day(day);
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.ensure_day(timestamptz) IS
    'Makes the partitions of a day at the moment they are needed. The net below maintain(): queueing works even where no node has run for months; the first caller of such a day makes it, others of that moment wait for its commit.';

CREATE FUNCTION posthorn.create_days_ahead() RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    today   date := (posthorn.clock_now() AT TIME ZONE 'UTC')::date;
    created integer := 0;
BEGIN
    -- Whoever holds it makes a day at this moment; the others come at the next call.
    IF NOT pg_try_advisory_xact_lock(hashtext('posthorn.create_day')) THEN
        RETURN 0;
    END IF;
    FOR ahead IN 0 .. posthorn.setting_number('partition_days_ahead')::integer LOOP
        created := created + posthorn.create_day(today + ahead);
    END LOOP;
    RETURN created;
END
$$;

COMMENT ON FUNCTION posthorn.create_days_ahead() IS 'Makes the partitions of today and of the days ahead that the settings ask for.';

SELECT posthorn.create_days_ahead();
