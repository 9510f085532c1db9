-- Claiming: who may send what, and how a lease ends. A token is <dispatcher_id>-<lease_no>; a result counts if and only if
-- its token is still the row's.

CREATE FUNCTION posthorn.wake_dispatchers() RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog
AS $$
    SELECT pg_notify('posthorn_wake', '')
$$;

COMMENT ON FUNCTION posthorn.wake_dispatchers() IS 'Tells the dispatchers, at commit, that there is something to do.';

CREATE FUNCTION posthorn.register_dispatcher(id uuid, name text, version text) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    INSERT INTO posthorn.dispatchers (id, kind, name, version, heartbeat_at, expires_at)
    SELECT $1, 'node', $2, $3, t.now, t.now + interval '4 seconds'
    FROM (SELECT posthorn.clock_now() AS now) AS t
$$;

COMMENT ON FUNCTION posthorn.register_dispatcher(uuid, text, text) IS 'Signs a node on under an id that was never used before. It must beat once a second.';

CREATE FUNCTION posthorn.beat_dispatcher(id uuid) RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    UPDATE posthorn.dispatchers AS d
    SET heartbeat_at = t.now, expires_at = t.now + interval '4 seconds'
    FROM (SELECT posthorn.clock_now() AS now) AS t
    WHERE d.id = $1 AND d.expires_at > t.now
    RETURNING true
$$;

COMMENT ON FUNCTION posthorn.beat_dispatcher(uuid) IS
    'Prolongs a node''s leases to 4 seconds from now. Null when it was not heard in time: its leases are lost, and it signs on anew under a new id.';

CREATE FUNCTION posthorn.set_dispatcher_asleep(id uuid, asleep boolean) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    UPDATE posthorn.dispatchers AS d SET asleep = $2 WHERE d.id = $1 AND d.asleep <> $2
$$;

COMMENT ON FUNCTION posthorn.set_dispatcher_asleep(uuid, boolean) IS
    'A dispatcher that found nothing marks itself asleep, looks once more, then waits for posthorn_wake; whoever commits an event while one sleeps notifies.';

CREATE FUNCTION posthorn.promote_due_deliveries(max integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    promoted integer;
BEGIN
    WITH due AS MATERIALIZED (
        SELECT d.id
        FROM posthorn.webhook_deliveries AS d
        WHERE d.stage = 'waiting' AND d.next_attempt_at <= posthorn.clock_now()
        ORDER BY d.next_attempt_at
        LIMIT max
        FOR UPDATE SKIP LOCKED
    )
    UPDATE posthorn.webhook_deliveries AS d
    SET stage = 'ready', position = nextval('posthorn.webhook_delivery_position')
    FROM due
    WHERE d.stage = 'waiting' AND d.id = due.id;
    GET DIAGNOSTICS promoted = ROW_COUNT;
    RETURN promoted;
END
$$;

COMMENT ON FUNCTION posthorn.promote_due_deliveries(integer) IS 'waiting → ready: retries whose time has come, oldest first, to the end of their lanes.';

-- Locks: the claimed rows of webhook_deliveries_ready, SKIP LOCKED. Index: webhook_deliveries_ready_lane, walked lane by lane (one probe
-- to find the next lane), so that 100,000 deliveries waiting for one endpoint cost the others one probe.
-- The window of a lane is its first max_in_flight rows whatever their status: what is under way stands at its head and fills it, which
-- holds the limit over all nodes without a counter. The planner is pinned: with tiny statistics it would hash- or merge-join the hot table.
CREATE FUNCTION posthorn.lease_ready_deliveries(
    dispatcher  uuid,
    lease       bigint,
    max_rows    integer,
    max_bytes   bigint,
    after_lane  uuid,
    until_lane  uuid,
    with_secret boolean
)
RETURNS TABLE (delivery_id uuid, lane uuid)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE lanes AS (
        (SELECT d.endpoint_id
         FROM posthorn.webhook_deliveries_ready AS d
         WHERE d.endpoint_id > after_lane AND d.endpoint_id <= until_lane
         ORDER BY d.endpoint_id
         LIMIT 1)
        UNION ALL
        SELECT (SELECT d.endpoint_id
                FROM posthorn.webhook_deliveries_ready AS d
                WHERE d.endpoint_id > l.endpoint_id AND d.endpoint_id <= until_lane
                ORDER BY d.endpoint_id
                LIMIT 1)
        FROM lanes AS l
        WHERE l.endpoint_id IS NOT NULL
    ),
    picked AS MATERIALIZED (
        SELECT c.id, c.endpoint_id, c.payload_bytes
        FROM lanes AS l
        CROSS JOIN LATERAL (
            SELECT e.max_in_flight
            FROM posthorn.webhook_endpoints AS e
            JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = e.id
            WHERE e.id = l.endpoint_id
              AND e.deleted_at IS NULL
              AND h.disabled_at IS NULL
              AND (h.secret_version IS NOT NULL OR NOT with_secret)
            OFFSET 0
        ) AS open_lane
        CROSS JOIN LATERAL (
            SELECT d.id, d.endpoint_id, d.payload_bytes
            FROM (
                SELECT w.id, w.position
                FROM posthorn.webhook_deliveries_ready AS w
                WHERE w.endpoint_id = l.endpoint_id
                ORDER BY w.position
                LIMIT open_lane.max_in_flight
            ) AS head
            JOIN posthorn.webhook_deliveries_ready AS d ON d.id = head.id AND d.stage = 'ready'
            WHERE d.status IN ('pending', 'retrying')
            ORDER BY head.position
            FOR UPDATE OF d SKIP LOCKED
        ) AS c
        LIMIT max_rows
    ),
    bounded AS MATERIALIZED (
        SELECT p.id, p.endpoint_id
        FROM (
            SELECT p.*, sum(p.payload_bytes::bigint) OVER w AS bytes, row_number() OVER w AS number
            FROM picked AS p
            WINDOW w AS (ROWS UNBOUNDED PRECEDING)
        ) AS p
        WHERE p.bytes <= max_bytes OR p.number = 1
    )
    UPDATE posthorn.webhook_deliveries_ready AS d
    SET status = 'sending', dispatcher_id = dispatcher, lease_no = lease
    FROM bounded AS b
    WHERE d.id = b.id AND d.stage = 'ready'
    RETURNING d.id, d.endpoint_id;
END
$$;

COMMENT ON FUNCTION posthorn.lease_ready_deliveries(uuid, bigint, integer, bigint, uuid, uuid, boolean) IS
    'pending, retrying → sending: leases up to max_rows deliveries and max_bytes of payload of the lanes in (after_lane, until_lane].';

CREATE FUNCTION posthorn.webhook_body(payload_format text, event_id uuid, community_id uuid, event_type text, created_at timestamptz, payload json)
RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog
    SET "TimeZone" = 'UTC'
AS $$
    SELECT CASE payload_format
        WHEN 'raw' THEN payload::text
        WHEN 'cloudevents' THEN
            '{"specversion":"1.0","id":"' || event_id || '","source":"/communities/' || community_id || '","type":' || to_json(event_type)
            || ',"time":"' || to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","datacontenttype":"application/json","data":'
            || payload::text || '}'
        ELSE
            '{"type":' || to_json(event_type) || ',"timestamp":"' || to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","data":'
            || payload::text || '}'
    END
$$;

COMMENT ON FUNCTION posthorn.webhook_body(text, uuid, uuid, text, timestamptz, json) IS
    'The body that is sent: the same bytes at every attempt, with the payload inside as it came.';

CREATE FUNCTION posthorn.claim_webhook_deliveries(
    dispatcher uuid,
    lease_no   bigint,
    max_rows   integer,
    after_lane uuid DEFAULT NULL,
    max_bytes  bigint DEFAULT 16777216
)
RETURNS TABLE (
    delivery_id     uuid,
    event_id        uuid,
    community_id    uuid,
    endpoint_id     uuid,
    event_type      text,
    attempt         integer,
    claimed_at      timestamptz,
    url             text,
    payload_format  text,
    body            text,
    secret_version  integer,
    timeout_seconds integer
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    lowest  constant uuid := '00000000-0000-0000-0000-000000000000';
    highest constant uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    cursor_lane uuid := coalesce(after_lane, lowest);
    leased  uuid[];
    more    uuid[];
BEGIN
    -- KEY SHARE lets the heartbeat through and holds off the rescue, which would not see what this claim has not committed yet.
    PERFORM FROM posthorn.dispatchers AS d WHERE d.id = dispatcher AND d.expires_at > posthorn.clock_now() FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'dispatcher % is not signed on', dispatcher
            USING ERRCODE = 'PH007', HINT = 'Call register_dispatcher with a new id, and beat_dispatcher once a second.';
    END IF;
    FOR attempt IN 1 .. 5 LOOP
        BEGIN
            PERFORM posthorn.promote_due_deliveries(1000);
            SELECT array_agg(l.delivery_id) INTO leased
            FROM posthorn.lease_ready_deliveries(dispatcher, lease_no, max_rows, max_bytes, cursor_lane, highest, true) AS l;
            IF cardinality(coalesce(leased, '{}')) < max_rows AND cursor_lane > lowest THEN
                SELECT array_agg(l.delivery_id) INTO more
                FROM posthorn.lease_ready_deliveries(
                    dispatcher, lease_no, max_rows - cardinality(coalesce(leased, '{}')), max_bytes, lowest, cursor_lane, true) AS l;
                leased := leased || more;
            END IF;
            EXIT;
        EXCEPTION
            -- A row that we waited for or skipped into has moved to another partition: look again.
            WHEN serialization_failure THEN
                leased := NULL;
        END;
    END LOOP;
    RETURN QUERY
    SELECT d.id, d.event_id, d.community_id, d.endpoint_id, d.event_type, d.attempt_count + 1, t.now, e.url, e.payload_format,
           posthorn.webhook_body(e.payload_format, v.id, v.community_id, v.event_type, v.created_at, v.payload),
           h.secret_version, e.timeout_seconds
    FROM (SELECT posthorn.clock_now() AS now OFFSET 0) AS t
    CROSS JOIN unnest(leased) AS l (id)
    JOIN posthorn.webhook_deliveries AS d ON d.stage = 'ready' AND d.id = l.id
    JOIN posthorn.webhook_endpoints AS e ON e.id = d.endpoint_id
    JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = d.endpoint_id
    LEFT JOIN posthorn.webhook_events AS v ON v.id = d.event_id
    ORDER BY d.endpoint_id, d.position;
END
$$;

COMMENT ON FUNCTION posthorn.claim_webhook_deliveries(uuid, bigint, integer, uuid, bigint) IS
    'For nodes: brings due retries back, then leases a batch, lane after lane, beginning after a lane so that all get their turn. Only endpoints whose secret is in the vault. At most max_bytes of payloads, but at least one delivery.';

CREATE FUNCTION posthorn.next_webhook_due() RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT next_attempt_at FROM posthorn.webhook_deliveries_waiting ORDER BY next_attempt_at LIMIT 1
$$;

COMMENT ON FUNCTION posthorn.next_webhook_due() IS 'When the next retry is due; null while none waits.';

GRANT EXECUTE ON FUNCTION
    posthorn.register_dispatcher(uuid, text, text),
    posthorn.beat_dispatcher(uuid),
    posthorn.set_dispatcher_asleep(uuid, boolean),
    posthorn.claim_webhook_deliveries(uuid, bigint, integer, uuid, bigint),
    posthorn.next_webhook_due()
TO posthorn_service;
