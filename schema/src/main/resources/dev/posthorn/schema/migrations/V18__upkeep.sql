-- Upkeep: what must happen now and then. maintain() does it all; any node calls it, pg_cron may.

CREATE FUNCTION posthorn.settle_backlogs(max integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    endpoint uuid;
    batch    integer;
    moved    integer := 0;
BEGIN
    FOR endpoint IN
        -- Marked ones, and those where a transaction queued by the state of before while the endpoint was being switched.
        WITH RECURSIVE parked AS (
            (SELECT d.endpoint_id FROM posthorn.webhook_deliveries_parked AS d ORDER BY d.endpoint_id LIMIT 1)
            UNION ALL
            SELECT (SELECT d.endpoint_id FROM posthorn.webhook_deliveries_parked AS d WHERE d.endpoint_id > p.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
            FROM parked AS p
            WHERE p.endpoint_id IS NOT NULL
        )
        SELECT h.endpoint_id FROM posthorn.webhook_endpoint_health AS h WHERE h.parking
        UNION
        SELECT p.endpoint_id FROM parked AS p
        JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = p.endpoint_id
        JOIN posthorn.webhook_endpoints AS e ON e.id = p.endpoint_id
        WHERE h.disabled_at IS NULL OR e.deleted_at IS NOT NULL
        UNION
        SELECT h.endpoint_id
        FROM posthorn.webhook_endpoint_health AS h
        WHERE h.disabled_at IS NOT NULL
          AND EXISTS (SELECT FROM posthorn.webhook_deliveries_ready AS d
                      WHERE coalesce(d.ordered_lane, d.endpoint_id) = h.endpoint_id AND d.status <> 'sending')
    LOOP
        -- Whoever switches an endpoint in a transaction that stays open must not keep upkeep from all others.
        PERFORM FROM posthorn.webhook_endpoint_health AS h WHERE h.endpoint_id = endpoint FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        batch := posthorn.settle_endpoint_backlog(endpoint, max - moved);
        IF batch = 0 THEN
            batch := posthorn.settle_endpoint_backlog(endpoint, max - moved, true);
        END IF;
        moved := moved + batch;
        EXIT WHEN moved >= max;
    END LOOP;
    RETURN moved;
END
$$;

COMMENT ON FUNCTION posthorn.settle_backlogs(integer) IS
    'Parks, brings back or ends what still waits for endpoints that were disabled, enabled or deleted; at most max deliveries, call again while it returns max.';

CREATE FUNCTION posthorn.is_held_by_a_long_transaction(relation regclass) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog
AS $$
DECLARE
    first_look text[];
BEGIN
    SELECT array_agg(l.virtualtransaction) INTO first_look
    FROM pg_locks AS l WHERE l.relation = $1 AND l.granted AND l.pid <> pg_backend_pid();
    IF first_look IS NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_sleep(0.05);
    RETURN EXISTS (
        SELECT FROM pg_locks AS l WHERE l.relation = $1 AND l.granted AND l.virtualtransaction = ANY (first_look));
END
$$;

COMMENT ON FUNCTION posthorn.is_held_by_a_long_transaction(regclass) IS
    'Whether somebody holds a lock on a table for longer than a moment: then a DROP would wait, and everybody else behind it.';

CREATE TABLE posthorn.retired_days (
    day        date PRIMARY KEY,
    outcome    text NOT NULL CHECK (outcome IN ('trimmed', 'dropped')),
    retired_at timestamptz NOT NULL,
    events     bigint NOT NULL,
    deliveries bigint NOT NULL,
    attempts   bigint NOT NULL,
    bytes      bigint NOT NULL
);

COMMENT ON TABLE posthorn.retired_days IS 'What retention has removed, day by day; kept for 400 days.';
COMMENT ON COLUMN posthorn.retired_days.day IS 'The UTC day.';
COMMENT ON COLUMN posthorn.retired_days.outcome IS 'dropped; trimmed: what a dead letter or a parked delivery needs stands still.';
COMMENT ON COLUMN posthorn.retired_days.retired_at IS 'When.';
COMMENT ON COLUMN posthorn.retired_days.events IS 'How many events the day had, as its statistics said.';
COMMENT ON COLUMN posthorn.retired_days.deliveries IS 'How many ended deliveries it had, likewise.';
COMMENT ON COLUMN posthorn.retired_days.attempts IS 'How many rows of the attempt log it had, likewise.';
COMMENT ON COLUMN posthorn.retired_days.bytes IS 'How much space they took, indexes included.';

ALTER TABLE posthorn.retired_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.retired_days FORCE ROW LEVEL SECURITY;
CREATE POLICY retired_days_owner ON posthorn.retired_days TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY retired_days_service ON posthorn.retired_days TO posthorn_service USING (true);
GRANT SELECT ON posthorn.retired_days TO posthorn_service;

CREATE FUNCTION posthorn.note_retired_day(old_day date, what text) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    INSERT INTO posthorn.retired_days AS r (day, outcome, retired_at, events, deliveries, attempts, bytes)
    SELECT old_day, what, posthorn.clock_now(),
           coalesce(sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relname LIKE 'webhook\_events%'), 0)::bigint,
           coalesce(sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relname LIKE 'webhook\_deliveries%'), 0)::bigint,
           coalesce(sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relname LIKE 'webhook\_attempt%'), 0)::bigint,
           coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
    FROM pg_class AS c
    WHERE c.oid IN (
        SELECT to_regclass('posthorn.' || p.parent || to_char(old_day, '_YYYYMMDD'))
        FROM unnest(ARRAY['webhook_events', 'webhook_deliveries_ended', 'webhook_attempt_log', 'integration_log_lines']) AS p (parent))
    ON CONFLICT (day) DO UPDATE SET outcome = excluded.outcome, retired_at = excluded.retired_at
$$;

COMMENT ON FUNCTION posthorn.note_retired_day(date, text) IS 'Remembers what a day had, before it is removed.';

-- Of a day past retention nothing is kept but what unfinished deliveries need: their event and their attempts.
CREATE FUNCTION posthorn.retire_day(old_day date) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
    SET lock_timeout = '100ms'
AS $$
DECLARE
    suffix constant text := to_char(old_day, '_YYYYMMDD');
    low    constant uuid := posthorn.uuid_v7_floor(old_day::timestamp AT TIME ZONE 'UTC');
    high   constant uuid := posthorn.uuid_v7_floor((old_day + 1)::timestamp AT TIME ZONE 'UTC');
    needed boolean;
    parent text;
BEGIN
    -- Whoever brings a failed delivery of that day back must be done, or begin after us.
    EXECUTE format('LOCK TABLE posthorn.%I IN ACCESS EXCLUSIVE MODE', 'webhook_deliveries_ended' || suffix);
    SELECT EXISTS (
        SELECT FROM posthorn.webhook_deliveries AS d
        WHERE d.stage IN ('ready', 'waiting', 'parked', 'dead') AND d.id >= low AND d.id < high)
    INTO needed;

    IF needed THEN
        IF EXISTS (SELECT FROM posthorn.retired_days AS t WHERE t.day = old_day) THEN
            RETURN NULL;
        END IF;
        PERFORM posthorn.note_retired_day(old_day, 'trimmed');
        EXECUTE format('TRUNCATE posthorn.%I, posthorn.%I', 'webhook_deliveries_ended' || suffix, 'integration_log_lines' || suffix);
        DELETE FROM posthorn.webhook_attempt_log AS a
        WHERE a.delivery_id >= low AND a.delivery_id < high
          AND NOT EXISTS (SELECT FROM posthorn.webhook_deliveries AS d
                          WHERE d.id = a.delivery_id AND d.stage IN ('ready', 'waiting', 'parked', 'dead'));
        DELETE FROM posthorn.webhook_events AS e
        WHERE e.id >= low AND e.id < high
          AND NOT EXISTS (SELECT FROM posthorn.webhook_deliveries AS d
                          WHERE d.id BETWEEN posthorn.first_delivery_id(e.id) AND posthorn.last_delivery_id(e.id)
                            AND d.event_id = e.id AND d.stage IN ('ready', 'waiting', 'parked', 'dead'));
        RETURN 'trimmed';
    END IF;

    FOREACH parent IN ARRAY ARRAY['integration_log_lines', 'webhook_attempt_log', 'webhook_deliveries_ended', 'webhook_events'] LOOP
        IF posthorn.is_held_by_a_long_transaction(('posthorn.' || parent)::regclass) THEN
            RETURN NULL;
        END IF;
    END LOOP;
    PERFORM posthorn.note_retired_day(old_day, 'dropped');
    FOREACH parent IN ARRAY ARRAY['integration_log_lines', 'webhook_attempt_log', 'webhook_deliveries_ended', 'webhook_events'] LOOP
        EXECUTE format('DROP TABLE IF EXISTS posthorn.%I', parent || suffix);
    END LOOP;
    RETURN 'dropped';
EXCEPTION
    WHEN lock_not_available THEN
        RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.retire_day(date) IS
    'Drops a day past retention, or trims it to what unfinished deliveries need. Waits for nobody longer than 100 ms; null when it must be tried again later or nothing is left to do.';

CREATE FUNCTION posthorn.retire_days() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    oldest_kept constant date :=
        (posthorn.clock_now() AT TIME ZONE 'UTC')::date - posthorn.setting_number('retention_days')::integer;
    old_day date;
    retired integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('posthorn.maintain')) THEN
        RETURN 0;
    END IF;
    FOR old_day IN
        WITH days AS MATERIALIZED (
            SELECT right(c.relname, 8) AS suffix
            FROM pg_inherits AS i
            JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'posthorn.webhook_events'::regclass
        )
        SELECT to_date(d.suffix, 'YYYYMMDD') FROM days AS d WHERE to_date(d.suffix, 'YYYYMMDD') < oldest_kept ORDER BY 1
    LOOP
        IF posthorn.retire_day(old_day) IS NOT NULL THEN
            retired := retired + 1;
        END IF;
        EXIT WHEN retired >= 3;
    END LOOP;
    RETURN retired;
END
$$;

COMMENT ON FUNCTION posthorn.retire_days() IS 'Retention: drops or trims up to three days older than retention_days; returns how many. A transaction of its own is best: its locks last until commit.';

CREATE FUNCTION posthorn.expire_unfinished(max integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at      constant timestamptz := posthorn.clock_now();
    before  constant timestamptz := at - make_interval(days => posthorn.setting_number('unfinished_retention_days')::integer);
    expired integer;
    parked  integer;
BEGIN
    WITH old AS MATERIALIZED (
        SELECT d.id FROM posthorn.webhook_deliveries AS d
        WHERE d.stage = 'dead' AND d.ended_at < before ORDER BY d.id LIMIT max FOR UPDATE SKIP LOCKED
    )
    DELETE FROM posthorn.webhook_deliveries AS d USING old WHERE d.stage = 'dead' AND d.id = old.id;
    GET DIAGNOSTICS expired = ROW_COUNT;

    WITH old AS MATERIALIZED (
        SELECT d.id, d.endpoint_id FROM posthorn.webhook_deliveries AS d
        WHERE d.stage = 'parked' AND d.parked_at < before ORDER BY d.id LIMIT max FOR UPDATE SKIP LOCKED
    )
    UPDATE posthorn.webhook_deliveries AS d
    SET stage = 'dead', status = 'dead_letter', parked_at = NULL, ended_at = at, last_error = 'parked_too_long',
        position = CASE e.on_dead_letter WHEN 'hold' THEN d.position ELSE 0 END
    FROM old
    LEFT JOIN posthorn.webhook_endpoints AS e ON e.id = old.endpoint_id
    WHERE d.stage = 'parked' AND d.id = old.id;
    GET DIAGNOSTICS parked = ROW_COUNT;
    RETURN expired + parked;
END
$$;

COMMENT ON FUNCTION posthorn.expire_unfinished(integer) IS
    'Removes dead letters older than unfinished_retention_days and makes dead letters of deliveries parked for as long.';

-- Each endpoint is looked at once a day, and only if it has dead letters or parked deliveries at all.
-- Locks: the health of these endpoints, SKIP LOCKED. Index: webhook_deliveries_dead_endpoint, webhook_deliveries_parked_endpoint.
CREATE FUNCTION posthorn.tell_of_expiring_deliveries() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    kept     constant interval := make_interval(days => posthorn.setting_number('unfinished_retention_days')::integer);
    -- What came to rest before is removed within 7 days.
    boundary constant timestamptz := posthorn.clock_now() - kept + interval '7 days';
    subject  record;
    told     integer := 0;
BEGIN
    FOR subject IN
        WITH RECURSIVE dead AS (
            (SELECT d.endpoint_id FROM posthorn.webhook_deliveries_dead AS d ORDER BY d.endpoint_id LIMIT 1)
            UNION ALL
            SELECT (SELECT d.endpoint_id FROM posthorn.webhook_deliveries_dead AS d WHERE d.endpoint_id > l.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
            FROM dead AS l
            WHERE l.endpoint_id IS NOT NULL
        ),
        parked AS (
            (SELECT d.endpoint_id FROM posthorn.webhook_deliveries_parked AS d ORDER BY d.endpoint_id LIMIT 1)
            UNION ALL
            SELECT (SELECT d.endpoint_id FROM posthorn.webhook_deliveries_parked AS d WHERE d.endpoint_id > l.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
            FROM parked AS l
            WHERE l.endpoint_id IS NOT NULL
        ),
        due AS MATERIALIZED (
            SELECT h.endpoint_id, h.community_id, h.told_expiring_before
            FROM posthorn.webhook_endpoint_health AS h
            WHERE h.endpoint_id IN (SELECT d.endpoint_id FROM dead AS d UNION SELECT p.endpoint_id FROM parked AS p)
              AND (h.told_expiring_before IS NULL OR h.told_expiring_before <= boundary - interval '1 day')
            FOR UPDATE SKIP LOCKED
        ),
        told AS (
            UPDATE posthorn.webhook_endpoint_health AS h
            SET told_expiring_before = boundary
            FROM due AS e
            WHERE h.endpoint_id = e.endpoint_id
        )
        SELECT e.endpoint_id, e.community_id, d.dead_letters, d.parked, d.oldest
        FROM due AS e
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE w.stage = 'dead') AS dead_letters, count(*) FILTER (WHERE w.stage = 'parked') AS parked,
                   min(coalesce(w.parked_at, w.ended_at)) AS oldest
            FROM posthorn.webhook_deliveries AS w
            WHERE w.endpoint_id = e.endpoint_id
              AND w.stage IN ('dead', 'parked')
              AND w.event_type NOT LIKE 'posthorn.%'
              AND coalesce(w.parked_at, w.ended_at) < boundary
              AND coalesce(w.parked_at, w.ended_at) >= coalesce(e.told_expiring_before, '-infinity')
        ) AS d
        WHERE d.oldest IS NOT NULL
        ORDER BY e.endpoint_id
    LOOP
        PERFORM posthorn.queue_operational_event(
            subject.community_id, 'posthorn.deliveries.expiring',
            jsonb_build_object(
                'endpoint_id', subject.endpoint_id, 'dead_letters', subject.dead_letters, 'parked', subject.parked,
                'first_expires_at', subject.oldest + kept),
            subject.endpoint_id);
        told := told + 1;
    END LOOP;
    RETURN told;
END
$$;

COMMENT ON FUNCTION posthorn.tell_of_expiring_deliveries() IS
    'Queues posthorn.deliveries.expiring, one for each endpoint and at most once a day, about dead letters that are removed and parked deliveries that become dead letters within 7 days; about each of them once. Returns how many events.';

CREATE FUNCTION posthorn.maintain_all_but_retention() RETURNS TABLE (task text, rows bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at constant timestamptz := posthorn.clock_now();
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('posthorn.maintain')) THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT 'create_days_ahead', posthorn.create_days_ahead()::bigint;
    RETURN QUERY SELECT 'rescue_lost_leases', posthorn.rescue_lost_leases()::bigint;
    -- The lanes of a key are not found by their endpoint: what came into them while it was switched.
    UPDATE posthorn.webhook_endpoint_health AS h
    SET parking = true
    WHERE h.endpoint_id IN (
        SELECT s.endpoint_id
        FROM posthorn.webhook_endpoint_health AS s
        WHERE s.disabled_at IS NOT NULL
          AND NOT s.parking
          AND s.endpoint_id IN (SELECT d.endpoint_id FROM posthorn.webhook_deliveries_ready AS d
                                WHERE d.ordered_lane <> d.endpoint_id AND d.status <> 'sending')
        FOR UPDATE SKIP LOCKED);
    RETURN QUERY SELECT 'settle_backlogs', posthorn.settle_backlogs()::bigint;

    RETURN QUERY
    WITH gone AS (
        DELETE FROM posthorn.webhook_idempotency_keys AS k
        WHERE k.ctid = ANY (ARRAY(SELECT o.ctid FROM posthorn.webhook_idempotency_keys AS o WHERE o.expires_at <= at FOR UPDATE SKIP LOCKED))
        RETURNING 1
    )
    SELECT 'expire_idempotency_keys', count(*) FROM gone;

    RETURN QUERY
    WITH locked AS MATERIALIZED (
        SELECT h.endpoint_id
        FROM posthorn.webhook_endpoint_health AS h
        WHERE h.endpoint_id IN (SELECT e.endpoint_id FROM posthorn.webhook_filter_errors AS e)
        FOR UPDATE SKIP LOCKED
    ),
    gone AS (
        DELETE FROM posthorn.webhook_filter_errors AS e USING locked AS l WHERE e.endpoint_id = l.endpoint_id RETURNING e.endpoint_id
    ),
    counted AS (
        SELECT g.endpoint_id, count(*) AS errors FROM gone AS g GROUP BY g.endpoint_id
    ),
    folded AS (
        UPDATE posthorn.webhook_endpoint_health AS h
        SET filter_errors = h.filter_errors + c.errors
        FROM counted AS c
        WHERE h.endpoint_id = c.endpoint_id
        RETURNING c.errors
    )
    SELECT 'fold_filter_errors', coalesce(sum(f.errors), 0)::bigint FROM folded AS f;

    DELETE FROM posthorn.retired_days AS r WHERE r.retired_at < at - interval '400 days';
    DELETE FROM posthorn.webhook_redeliveries AS r
    WHERE r.ended_at < at - make_interval(days => posthorn.setting_number('retention_days')::integer);
    RETURN QUERY SELECT * FROM posthorn.maintain_api_keys();
    RETURN QUERY SELECT * FROM posthorn.maintain_integrations();
    RETURN QUERY SELECT * FROM posthorn.maintain_vault();
    RETURN QUERY SELECT 'tell_of_expiring_deliveries', posthorn.tell_of_expiring_deliveries()::bigint;
    RETURN QUERY SELECT 'expire_unfinished', posthorn.expire_unfinished()::bigint;
END
$$;

COMMENT ON FUNCTION posthorn.maintain_all_but_retention() IS
    'As maintain(), without forget_lane_turns() and retire_days(), whose locks others feel: a node calls each of the three in a transaction of its own.';

CREATE FUNCTION posthorn.forget_lane_turns() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    lanes   uuid[];
    removed integer;
BEGIN
    -- Locked before they are looked at once more: a claim that goes on meanwhile keeps its turn.
    SELECT array_agg(t.lane) INTO lanes
    FROM (
        SELECT t.lane
        FROM posthorn.webhook_lane_turns AS t
        WHERE NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_ready AS d WHERE coalesce(d.ordered_lane, d.endpoint_id) = t.lane)
        FOR UPDATE SKIP LOCKED
    ) AS t;
    DELETE FROM posthorn.webhook_lane_turns AS t
    WHERE t.lane = ANY (lanes)
      AND NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_ready AS d WHERE coalesce(d.ordered_lane, d.endpoint_id) = t.lane);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;

COMMENT ON FUNCTION posthorn.forget_lane_turns() IS
    'Removes the rows of webhook_lane_turns of lanes in which nothing is ready; returns how many. Until its transaction ends nothing is claimed from them.';

CREATE FUNCTION posthorn.maintain() RETURNS TABLE (task text, rows bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    IF pg_try_advisory_xact_lock(hashtext('posthorn.maintain')) THEN
        RETURN QUERY SELECT m.task, m.rows FROM posthorn.maintain_all_but_retention() AS m;
        -- Last, because their locks last until the end.
        RETURN QUERY SELECT 'forget_lane_turns', posthorn.forget_lane_turns()::bigint;
        RETURN QUERY SELECT 'retire_days', posthorn.retire_days()::bigint;
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.maintain() IS
    'All upkeep once: partitions ahead, lost leases, backlogs of switched endpoints, idempotency keys, filter errors, retention. Nodes call it every minute; where none runs, pg_cron may. Returns what was done; nothing while another call runs.';

GRANT EXECUTE ON FUNCTION
    posthorn.settle_backlogs(integer),
    posthorn.maintain_all_but_retention(),
    posthorn.maintain(),
    posthorn.forget_lane_turns(),
    posthorn.retire_days()
TO posthorn_service;
