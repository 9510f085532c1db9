-- Nodes and how they find work: signing on, retries that have become due, and lanes in which something is claimable.

-- What a node asks again and again is a single statement, in a transaction of its own, with this as its condition.
CREATE FUNCTION posthorn.begin_node_statement(lock_timeout text DEFAULT '0') RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog
AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a node works at isolation level read committed' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM set_config('TimeZone', 'UTC', true), set_config('synchronous_commit', 'off', true),
            set_config('lock_timeout', lock_timeout, true);
    RETURN true;
END
$$;

COMMENT ON FUNCTION posthorn.begin_node_statement(text) IS
    'For nodes: the settings of a transaction of one statement. It runs in UTC, waits for each lock as long as it is told (0: without end), and commits without waiting for the disk, because a crash of PostgreSQL may undo it: deliveries are then sent again. Error 25000 where the isolation level is not read committed.';

CREATE FUNCTION posthorn.wake_dispatchers() RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog
AS $$
    SELECT pg_notify('posthorn_wake', 'sweep')
$$;

COMMENT ON FUNCTION posthorn.wake_dispatchers() IS
    'Tells the dispatchers, at commit, that deliveries have come back into the queue, where they do not look for new ones, or that the limits of an endpoint have changed.';

CREATE FUNCTION posthorn.register_dispatcher(id uuid, name text, version text) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    INSERT INTO posthorn.dispatchers (id, kind, name, version, heartbeat_at, heard_since, expires_at)
    SELECT $1, 'node', $2, $3, t.now, t.now, t.now + interval '4 seconds'
    FROM (SELECT posthorn.clock_now() AS now) AS t
$$;

COMMENT ON FUNCTION posthorn.register_dispatcher(uuid, text, text) IS 'Signs a node on under an id that was never used before. It must beat once a second.';

CREATE FUNCTION posthorn.beat_dispatcher(id uuid, interrupted boolean DEFAULT false) RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    UPDATE posthorn.dispatchers AS d
    SET heartbeat_at = t.now,
        heard_since = CASE
            WHEN NOT interrupted AND t.now BETWEEN d.heartbeat_at AND d.heartbeat_at + interval '3 seconds' THEN d.heard_since
            ELSE t.now
        END,
        expires_at = t.now + interval '4 seconds'
    FROM (SELECT posthorn.clock_now() AS now) AS t
    WHERE d.id = $1
    RETURNING true
$$;

COMMENT ON FUNCTION posthorn.beat_dispatcher(uuid, boolean) IS
    'Prolongs a node''s leases to 4 seconds from now; also when it comes late, as long as nobody has rescued them. Null when somebody has: then it signs on anew under a new id. interrupted: its connections were cut since its last beat, as those of others may have been.';

CREATE FUNCTION posthorn.set_dispatcher_asleep(id uuid, asleep boolean) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    UPDATE posthorn.dispatchers AS d SET asleep = $2 WHERE d.id = $1 AND d.asleep <> $2
$$;

COMMENT ON FUNCTION posthorn.set_dispatcher_asleep(uuid, boolean) IS
    'A dispatcher that found nothing marks itself asleep, looks once more, then waits for posthorn_wake; whoever commits an event while one sleeps notifies.';

-- Retries of an ordered lane keep their place at its head, all others go to the end.
-- Locks: the promoted rows, SKIP LOCKED. Index: webhook_deliveries_waiting_due, from due_after on, so that the dead entries that a held
-- snapshot keeps at its head are not walked through again and again.
CREATE FUNCTION posthorn.promote_due_deliveries(max integer, due_after timestamptz DEFAULT '-infinity')
RETURNS TABLE (lane uuid, place bigint)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET jit = off
AS $$
DECLARE
    -- Within the query it would be asked for each row, and so bound no index scan.
    at constant timestamptz := posthorn.clock_now();
BEGIN
    RETURN QUERY
    WITH due AS MATERIALIZED (
        SELECT d.ctid AS row_id
        FROM posthorn.webhook_deliveries_waiting AS d
        WHERE d.next_attempt_at <= at AND d.next_attempt_at > due_after
        ORDER BY d.next_attempt_at
        LIMIT max
        FOR UPDATE SKIP LOCKED
    ),
    promoted AS (
        UPDATE posthorn.webhook_deliveries AS d
        SET stage = 'ready',
            position = CASE WHEN d.ordered_lane IS NULL THEN nextval('posthorn.webhook_delivery_position') ELSE d.position END
        FROM due
        WHERE d.stage = 'waiting' AND d.ctid = due.row_id
        RETURNING coalesce(d.ordered_lane, d.endpoint_id) AS lane, CASE WHEN d.ordered_lane IS NOT NULL THEN d.position END AS place
    )
    SELECT p.lane, p.place FROM promoted AS p;
END
$$;

COMMENT ON FUNCTION posthorn.promote_due_deliveries(integer, timestamptz) IS
    'waiting → ready: retries that became due after a time, oldest first; returns their lanes, and the places that they kept there (null: they went to the end).';

CREATE FUNCTION posthorn.discover_webhook_lanes(arrived_after uuid, due_after timestamptz)
RETURNS TABLE (lane uuid, place bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_seqscan = off
    SET jit = off
AS $$
BEGIN
    FOR attempt IN 1 .. 5 LOOP
        BEGIN
            RETURN QUERY
            SELECT p.lane, min(p.place) FROM posthorn.promote_due_deliveries(1000, due_after) AS p GROUP BY p.lane;
            EXIT;
        EXCEPTION
            -- A row has moved to another partition while we waited for it: look again.
            WHEN serialization_failure THEN
                IF attempt = 5 THEN
                    RAISE;
                END IF;
        END;
    END LOOP;
    RETURN QUERY
    SELECT DISTINCT coalesce(d.ordered_lane, d.endpoint_id), NULL::bigint
    FROM posthorn.webhook_deliveries_ready AS d
    WHERE d.id > arrived_after AND d.status IN ('pending', 'retrying');
END
$$;

COMMENT ON FUNCTION posthorn.discover_webhook_lanes(uuid, timestamptz) IS
    'For nodes: the lanes into which deliveries have come lately: newly queued ones, whose ids are greater than arrived_after, and retries that have become due, which it brings back: place is where the first of them stands that kept its own.';

CREATE FUNCTION posthorn.sweep_webhook_lanes() RETURNS TABLE (lane uuid, head bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET jit = off
AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE lanes AS (
        (SELECT coalesce(d.ordered_lane, d.endpoint_id) AS lane, d.position
         FROM posthorn.webhook_deliveries_ready AS d
         ORDER BY coalesce(d.ordered_lane, d.endpoint_id), d.position
         LIMIT 1)
        UNION ALL
        SELECT n.lane, n.position
        FROM lanes AS l
        CROSS JOIN LATERAL (
            SELECT coalesce(d.ordered_lane, d.endpoint_id) AS lane, d.position
            FROM posthorn.webhook_deliveries_ready AS d
            WHERE coalesce(d.ordered_lane, d.endpoint_id) > l.lane
            ORDER BY coalesce(d.ordered_lane, d.endpoint_id), d.position
            LIMIT 1
        ) AS n
    )
    SELECT l.lane, l.position FROM lanes AS l;
END
$$;

COMMENT ON FUNCTION posthorn.sweep_webhook_lanes() IS
    'All lanes in which something is claimable or claimed, with the first place at which it is: one index probe for each. The net below discover_webhook_lanes.';

CREATE FUNCTION posthorn.observe_webhook_lanes(
    lanes             uuid[],
    marks             bigint[],
    strict            boolean[],
    OUT at            timestamptz,
    OUT last_position bigint,
    OUT oldest_xid    bigint,
    OUT next_xid      bigint,
    OUT epoch         uuid,
    OUT heads         bigint[]
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET jit = off
AS $$
BEGIN
    -- In this order: whoever has drawn a place up to last_position, or taken the time for an event before at, has an id below next_xid.
    -- The xmax of a snapshot would not do: it is one past the newest transaction that has ended, and older ones may still run.
    at := posthorn.clock_now();
    SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO last_position FROM posthorn.webhook_delivery_position AS s;
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint INTO oldest_xid;
    next_xid := pg_current_xact_id()::text::bigint;
    SELECT e.id INTO epoch FROM posthorn.queue_epoch AS e;
    IF epoch IS NULL THEN
        INSERT INTO posthorn.queue_epoch DEFAULT VALUES ON CONFLICT DO NOTHING;
        SELECT e.id INTO epoch FROM posthorn.queue_epoch AS e;
    END IF;
    -- In one statement: what moves between ready and waiting meanwhile is seen at one of the two.
    SELECT array_agg(CASE WHEN l.strict AND (w.waits OR p.parked OR k.dead) THEN l.mark + 1 ELSE h.position END ORDER BY l.ordinal)
    INTO heads
    FROM unnest(lanes, marks, strict) WITH ORDINALITY AS l (lane, mark, strict, ordinal)
    LEFT JOIN LATERAL (
        SELECT d.position
        FROM posthorn.webhook_deliveries_ready AS d
        WHERE coalesce(d.ordered_lane, d.endpoint_id) = l.lane AND d.position > l.mark
        ORDER BY coalesce(d.ordered_lane, d.endpoint_id), d.position
        LIMIT 1
    ) AS h ON true
    LEFT JOIN LATERAL (
        SELECT true AS waits FROM posthorn.webhook_deliveries_waiting AS d WHERE l.strict AND d.ordered_lane = l.lane LIMIT 1
    ) AS w ON true
    LEFT JOIN LATERAL (
        SELECT true AS parked FROM posthorn.webhook_deliveries_parked AS d WHERE l.strict AND d.ordered_lane = l.lane LIMIT 1
    ) AS p ON true
    LEFT JOIN LATERAL (
        -- Also where the lane goes on by now: it may be told to hold again.
        SELECT true AS dead
        FROM posthorn.webhook_deliveries_dead AS d
        WHERE l.strict AND d.ordered_lane = l.lane AND d.position > 0
        LIMIT 1
    ) AS k ON true;
END
$$;

COMMENT ON FUNCTION posthorn.observe_webhook_lanes(uuid[], bigint[], boolean[]) IS
    'For nodes: the first place of each lane after its mark at which a delivery stands (null: none; one past the mark where that is strict and something may come back to a place of its own), the last place that was given, the oldest transaction that runs and the id of this one, from which follows up to where no place can be filled any more. What was seen in another epoch no longer holds.';

CREATE FUNCTION posthorn.next_webhook_due() RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT next_attempt_at FROM posthorn.webhook_deliveries_waiting ORDER BY next_attempt_at LIMIT 1
$$;

COMMENT ON FUNCTION posthorn.next_webhook_due() IS 'When the next retry is due; null while none waits.';

GRANT EXECUTE ON FUNCTION
    posthorn.begin_node_statement(text),
    posthorn.register_dispatcher(uuid, text, text),
    posthorn.beat_dispatcher(uuid, boolean),
    posthorn.set_dispatcher_asleep(uuid, boolean),
    posthorn.discover_webhook_lanes(uuid, timestamptz),
    posthorn.sweep_webhook_lanes(),
    posthorn.observe_webhook_lanes(uuid[], bigint[], boolean[]),
    posthorn.next_webhook_due()
TO posthorn_service;
