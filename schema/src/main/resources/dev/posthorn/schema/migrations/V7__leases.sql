-- Claiming: who may send what, and how a lease ends. A token is <dispatcher_id>-<lease_no>; a result counts if and only if
-- its token is still the row's.

-- What a node asks again and again is a single statement, in a transaction of its own, with this as its condition.
CREATE FUNCTION posthorn.begin_node_statement() RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog
AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a node works at isolation level read committed' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM set_config('TimeZone', 'UTC', true), set_config('synchronous_commit', 'off', true);
    RETURN true;
END
$$;

COMMENT ON FUNCTION posthorn.begin_node_statement() IS
    'For nodes: the settings of a transaction of one statement. It runs in UTC, and commits without waiting for the disk, because a crash of PostgreSQL may undo it: deliveries are then sent again. Error 25000 where the isolation level is not read committed.';

CREATE FUNCTION posthorn.wake_dispatchers() RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog
AS $$
    SELECT pg_notify('posthorn_wake', 'sweep')
$$;

COMMENT ON FUNCTION posthorn.wake_dispatchers() IS
    'Tells the dispatchers, at commit, that deliveries have come back into the queue, where they do not look for new ones.';

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
RETURNS TABLE (lane uuid, kept_place boolean)
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
        RETURNING coalesce(d.ordered_lane, d.endpoint_id) AS lane, d.ordered_lane IS NOT NULL AS kept_place
    )
    SELECT p.lane, p.kept_place FROM promoted AS p;
END
$$;

COMMENT ON FUNCTION posthorn.promote_due_deliveries(integer, timestamptz) IS
    'waiting → ready: retries that became due after a time, oldest first; returns their lanes, and whether they kept their place there.';

CREATE FUNCTION posthorn.discover_webhook_lanes(arrived_after uuid, due_after timestamptz)
RETURNS TABLE (lane uuid, kept_place boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_seqscan = off
    SET jit = off
AS $$
BEGIN
    FOR attempt IN 1 .. 5 LOOP
        BEGIN
            RETURN QUERY SELECT DISTINCT p.lane, p.kept_place FROM posthorn.promote_due_deliveries(1000, due_after) AS p;
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
    SELECT DISTINCT coalesce(d.ordered_lane, d.endpoint_id), false
    FROM posthorn.webhook_deliveries_ready AS d
    WHERE d.id > arrived_after AND d.status IN ('pending', 'retrying');
END
$$;

COMMENT ON FUNCTION posthorn.discover_webhook_lanes(uuid, timestamptz) IS
    'For nodes: the lanes into which deliveries have come lately: newly queued ones, whose ids are greater than arrived_after, and retries that have become due, which it brings back; where these kept their place, the lane''s mark no longer holds.';

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
    OUT at            timestamptz,
    OUT last_position bigint,
    OUT oldest_xid    bigint,
    OUT next_xid      bigint,
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
    SELECT s.last_value INTO last_position FROM posthorn.webhook_delivery_position AS s;
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint INTO oldest_xid;
    next_xid := pg_current_xact_id()::text::bigint;
    SELECT array_agg(h.position ORDER BY l.ordinal)
    INTO heads
    FROM unnest(lanes, marks) WITH ORDINALITY AS l (lane, mark, ordinal)
    LEFT JOIN LATERAL (
        SELECT d.position
        FROM posthorn.webhook_deliveries_ready AS d
        WHERE coalesce(d.ordered_lane, d.endpoint_id) = l.lane AND d.position > l.mark
        ORDER BY coalesce(d.ordered_lane, d.endpoint_id), d.position
        LIMIT 1
    ) AS h ON true;
END
$$;

COMMENT ON FUNCTION posthorn.observe_webhook_lanes(uuid[], bigint[]) IS
    'For nodes: the first place of each lane after its mark at which a delivery stands (null: none), the last place that was given, the oldest transaction that runs and the id of this one, from which follows up to where no place can be filled any more.';

CREATE TYPE posthorn.leased_delivery AS (
    delivery_id   uuid,
    event_id      uuid,
    community_id  uuid,
    endpoint_id   uuid,
    lane          uuid,
    event_type    text,
    attempt_count integer,
    open_after_ms integer
);

COMMENT ON TYPE posthorn.leased_delivery IS 'What a claim has leased; or, without delivery, when a lane may give something again.';

-- Locks: the claimed rows of webhook_deliveries_ready, SKIP LOCKED. Index: webhook_deliveries_ready_lane, from each lane's mark on, so that
-- neither 100,000 deliveries that wait for another endpoint nor dead entries that a held snapshot keeps are walked through.
-- The window of a lane is its first rows whatever their status: what is under way stands at its head and fills it, which holds the limit
-- over all nodes without a counter.
--
-- The plan is pinned by LATERAL and OFFSET 0, because with statistics of an empty table it would be another one, and it is kept for long.
-- ORDER BY names both columns of the index: behind a row security policy the planner does not see that coalesce(…) is fixed, and would sort.
CREATE FUNCTION posthorn.lease_ready_deliveries(
    dispatcher  uuid,
    lease       bigint,
    max_rows    integer,
    max_bytes   bigint,
    lanes       uuid[],
    marks       bigint[],
    held        integer[],
    with_secret boolean
)
RETURNS SETOF posthorn.leased_delivery
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET enable_material = off
    SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    at      constant timestamptz := posthorn.clock_now();
    limited boolean;
BEGIN
    -- What a rate limit has left is counted by one claim at a time.
    PERFORM FROM posthorn.webhook_endpoint_health AS h
    WHERE h.endpoint_id IN (SELECT e.id FROM posthorn.webhook_endpoints AS e WHERE e.rate_limit IS NOT NULL)
      AND (h.endpoint_id = ANY (lanes)
           OR h.endpoint_id IN (SELECT e.id FROM posthorn.webhook_endpoints AS e WHERE e.rate_limit IS NOT NULL AND e.ordering = 'key'))
    ORDER BY h.endpoint_id
    FOR UPDATE;
    limited := FOUND;

    RETURN QUERY
    WITH open_lanes AS MATERIALIZED (
        SELECT l.lane, l.ordinal, l.held, head.position AS head, head.ordered_lane IS NOT NULL AS ordered, head.dispatcher_id, s.endpoint_id,
               s.width, s.rate, s.tokens
        FROM unnest(lanes, marks, held) WITH ORDINALITY AS l (lane, mark, held, ordinal)
        CROSS JOIN LATERAL (
            SELECT d.position, d.ordered_lane, d.endpoint_id, d.dispatcher_id
            FROM posthorn.webhook_deliveries_ready AS d
            WHERE coalesce(d.ordered_lane, d.endpoint_id) = l.lane AND d.position > l.mark
            ORDER BY coalesce(d.ordered_lane, d.endpoint_id), d.position
            LIMIT 1
        ) AS first_found
        -- A retry comes back to its old place, and whoever holds a mark need not know of it: an ordered lane is always read from its beginning.
        CROSS JOIN LATERAL (
            SELECT first_found.position, first_found.ordered_lane, first_found.endpoint_id, first_found.dispatcher_id
            WHERE first_found.ordered_lane IS NULL
            UNION ALL
            (SELECT d.position, d.ordered_lane, d.endpoint_id, d.dispatcher_id
             FROM posthorn.webhook_deliveries_ready AS d
             WHERE first_found.ordered_lane IS NOT NULL AND coalesce(d.ordered_lane, d.endpoint_id) = l.lane
             ORDER BY coalesce(d.ordered_lane, d.endpoint_id), d.position
             LIMIT 1)
        ) AS head
        CROSS JOIN LATERAL (
            SELECT e.id AS endpoint_id,
                   CASE WHEN head.ordered_lane IS NOT NULL THEN 1
                        ELSE least(e.max_in_flight, coalesce(h.in_flight_limit, e.max_in_flight))
                   END AS width,
                   r.rate,
                   -- What a tenth of a second brings may be saved up, so that a limit holds within 1 % over ten seconds.
                   least(greatest(1, r.rate / 10), h.tokens + extract(epoch FROM at - h.tokens_at) * r.rate) AS tokens
            FROM posthorn.webhook_endpoints AS e
            JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = e.id
            CROSS JOIN LATERAL (
                SELECT e.rate_limit / CASE e.rate_period WHEN 'minute' THEN 60.0::double precision ELSE 1.0 END AS rate
            ) AS r
            WHERE e.id = head.endpoint_id
              AND e.deleted_at IS NULL
              AND h.disabled_at IS NULL
              AND (h.secret_version IS NOT NULL OR NOT with_secret)
              -- What failed waits for its time, what was parked comes back in batches, and holds the others of its lane back meanwhile.
              AND (head.ordered_lane IS NULL
                   OR NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_waiting AS w WHERE w.ordered_lane = head.ordered_lane)
                  AND NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_parked AS w WHERE w.ordered_lane = head.ordered_lane)
                  AND NOT (e.on_dead_letter = 'hold'
                           AND EXISTS (SELECT FROM posthorn.webhook_deliveries_dead AS w WHERE w.ordered_lane = head.ordered_lane)))
            OFFSET 0
        ) AS s
    ),
    picked AS MATERIALIZED (
        SELECT c.row_id, o.ordinal, o.lane, c.payload_bytes, o.endpoint_id, o.rate, o.tokens,
               cardinality(b.row_ids) = least(o.width, max_rows) AS full_window
        FROM open_lanes AS o
        CROSS JOIN LATERAL (
            SELECT ARRAY(
                SELECT w.ctid
                FROM posthorn.webhook_deliveries_ready AS w
                WHERE coalesce(w.ordered_lane, w.endpoint_id) = o.lane AND w.position >= o.head AND (o.ordered OR w.ordered_lane IS NULL)
                ORDER BY coalesce(w.ordered_lane, w.endpoint_id), w.position
                LIMIT least(o.width, max_rows)) AS row_ids
            OFFSET 0
        ) AS b
        CROSS JOIN LATERAL (
            SELECT d.ctid AS row_id, d.payload_bytes
            FROM posthorn.webhook_deliveries_ready AS d
            WHERE d.ctid = ANY (b.row_ids)
              AND d.status IN ('pending', 'retrying')
            -- What the caller holds may lie behind the window: a late commit fills places before it.
            LIMIT greatest(o.width - o.held, 0)
            FOR UPDATE SKIP LOCKED
        ) AS c
        LIMIT CASE WHEN NOT limited THEN max_rows END
    ),
    bounded AS MATERIALIZED (
        SELECT p.row_id, p.endpoint_id
        FROM (
            SELECT p.*,
                   sum(p.payload_bytes) OVER w AS bytes,
                   row_number() OVER w AS number,
                   row_number() OVER (PARTITION BY CASE WHEN p.rate IS NOT NULL THEN p.endpoint_id END ORDER BY p.ordinal) AS nth
            FROM picked AS p
            WINDOW w AS (ORDER BY p.ordinal ROWS UNBOUNDED PRECEDING)
        ) AS p
        WHERE (p.bytes <= max_bytes OR p.number = 1)
          AND p.number <= max_rows
          AND (p.rate IS NULL OR p.nth <= coalesce(p.tokens, 1))
    ),
    paced AS MATERIALIZED (
        SELECT o.endpoint_id, o.rate, coalesce(o.tokens, 1) - (SELECT count(*) FROM bounded AS b WHERE b.endpoint_id = o.endpoint_id) AS left_over
        FROM (SELECT DISTINCT ON (l.endpoint_id) l.endpoint_id, l.rate, l.tokens FROM open_lanes AS l WHERE limited AND l.rate IS NOT NULL) AS o
    ),
    paid AS (
        UPDATE posthorn.webhook_endpoint_health AS h
        SET tokens = p.left_over, tokens_at = at
        FROM paced AS p
        WHERE h.endpoint_id = p.endpoint_id
    ),
    leased AS (
        UPDATE posthorn.webhook_deliveries_ready AS d
        SET status = 'sending', dispatcher_id = dispatcher, lease_no = lease
        WHERE d.ctid = ANY (ARRAY(SELECT b.row_id FROM bounded AS b))
        RETURNING d.id, d.event_id, d.community_id, d.endpoint_id, coalesce(d.ordered_lane, d.endpoint_id) AS lane, d.event_type,
                  d.attempt_count
    )
    SELECT l.id, l.event_id, l.community_id, l.endpoint_id, l.lane, l.event_type, l.attempt_count, NULL::integer FROM leased AS l
    UNION ALL
    SELECT DISTINCT NULL::uuid, NULL::uuid, NULL::uuid, NULL::uuid, p.lane, NULL, NULL::integer, -1 FROM picked AS p WHERE p.full_window
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, o.lane, NULL, NULL, ceil(1000 * greatest(1 - p.left_over, 0) / p.rate)::integer
    FROM open_lanes AS o
    JOIN paced AS p ON p.endpoint_id = o.endpoint_id
    WHERE limited AND p.left_over < 1
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, o.lane, NULL, NULL, 0
    -- As a difference, and not by NOT EXISTS, which would compare each lane with each row.
    FROM (SELECT o.lane FROM open_lanes AS o WHERE o.dispatcher_id IS DISTINCT FROM dispatcher AND (SELECT count(*) FROM picked) < max_rows
          EXCEPT
          SELECT p.lane FROM picked AS p) AS o;
END
$$;

COMMENT ON FUNCTION posthorn.lease_ready_deliveries(uuid, bigint, integer, bigint, uuid[], bigint[], integer[], boolean) IS
    'pending, retrying → sending: leases up to max_rows deliveries and max_bytes of payload of the given lanes, each from its mark on. A row without delivery tells after how many milliseconds a lane with a rate limit has its next token; 0: others hold what the lane may give at once; -1: as many of it are under way now as may be, and more may wait.';

CREATE FUNCTION posthorn.webhook_body(payload_format text, event_id uuid, community_id uuid, event_type text, created_at timestamptz, payload json)
RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE payload_format
        WHEN 'raw' THEN payload::text
        WHEN 'cloudevents' THEN
            '{"specversion":"1.0","id":"' || event_id || '","source":"/communities/' || community_id || '","type":"' || event_type
            || '","time":"' || to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            || '","datacontenttype":"application/json","data":' || payload::text || '}'
        ELSE
            '{"type":"' || event_type || '","timestamp":"' || to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            || '","data":' || payload::text || '}'
    END;

COMMENT ON FUNCTION posthorn.webhook_body(text, uuid, uuid, text, timestamptz, json) IS
    'The body that is sent: the same bytes at every attempt, with the payload inside as it came. An event type holds nothing that JSON escapes.';

CREATE FUNCTION posthorn.claim_webhook_deliveries(
    dispatcher uuid,
    lease_no   bigint,
    max_rows   integer,
    lanes      uuid[],
    marks      bigint[],
    held       integer[],
    max_bytes  bigint DEFAULT 16777216
)
RETURNS TABLE (
    delivery_id     uuid,
    event_id        uuid,
    community_id    uuid,
    endpoint_id     uuid,
    lane            uuid,
    event_type      text,
    attempt         integer,
    claimed_at      timestamptz,
    url             text,
    payload_format  text,
    body            text,
    secret_version  integer,
    timeout_seconds integer,
    open_after_ms   integer
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_mergejoin = off
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    at          constant timestamptz := posthorn.clock_now();
    leased      posthorn.leased_delivery[];
    first_event uuid;
    last_event  uuid;
BEGIN
    -- KEY SHARE lets the heartbeat through and holds off the rescue, which would not see what this claim has not committed yet.
    PERFORM FROM posthorn.dispatchers AS d WHERE d.id = dispatcher AND d.expires_at > at FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'dispatcher % is not signed on', dispatcher
            USING ERRCODE = 'PH007', HINT = 'Call register_dispatcher with a new id, and beat_dispatcher once a second.';
    END IF;
    FOR attempt IN 1 .. 5 LOOP
        BEGIN
            leased := ARRAY(
                SELECT l FROM posthorn.lease_ready_deliveries(dispatcher, lease_no, max_rows, max_bytes, lanes, marks, held, true) AS l);
            EXIT;
        EXCEPTION
            -- A row that we waited for or skipped into has moved to another partition: look again.
            WHEN serialization_failure THEN
                IF attempt = 5 THEN
                    RAISE;
                END IF;
        END;
    END LOOP;
    SELECT l.events[1], l.events[cardinality(l.events)]
    INTO first_event, last_event
    FROM (SELECT array_agg(l.event_id ORDER BY l.event_id) AS events FROM unnest(leased) AS l WHERE l.event_id IS NOT NULL) AS l;
    -- A statement of its own: what was leased may have been committed after a snapshot that was taken before.
    -- The bounds leave out the days of other events when the statement starts; without them every day costs something for every row.
    RETURN QUERY
    WITH endpoints AS MATERIALIZED (
        SELECT s.*
        FROM (SELECT DISTINCT l.endpoint_id AS id FROM unnest(leased) AS l) AS asked
        CROSS JOIN LATERAL (
            SELECT e.id, e.payload_format, e.timeout_seconds, h.secret_version, e.url
            FROM posthorn.webhook_endpoints AS e
            JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = e.id
            WHERE e.id = asked.id
            OFFSET 0
        ) AS s
    )
    SELECT l.delivery_id, l.event_id, l.community_id, l.endpoint_id, l.lane, l.event_type, l.attempt_count + 1, at, e.url,
           e.payload_format, posthorn.webhook_body(e.payload_format, v.id, v.community_id, v.event_type, v.created_at, v.payload),
           e.secret_version, e.timeout_seconds, l.open_after_ms
    FROM unnest(leased) AS l
    LEFT JOIN endpoints AS e ON e.id = l.endpoint_id
    LEFT JOIN LATERAL (
        SELECT v.id, v.community_id, v.event_type, v.created_at, v.payload
        FROM posthorn.webhook_events AS v
        WHERE v.id = l.event_id AND v.id BETWEEN first_event AND last_event
        OFFSET 0
    ) AS v ON true;
END
$$;

COMMENT ON FUNCTION posthorn.claim_webhook_deliveries(uuid, bigint, integer, uuid[], bigint[], integer[], bigint) IS
    'For nodes: leases a batch from the given lanes, in their order, each from its mark on; held says how many the caller has under way in each. Only endpoints whose secret is in the vault. At most max_bytes of payloads, but at least one delivery. A row without delivery tells after how many milliseconds a lane with a rate limit has its next token; 0: others hold what the lane may give at once; -1: as many of it are under way now as may be, and more may wait.';

CREATE FUNCTION posthorn.next_webhook_due() RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT next_attempt_at FROM posthorn.webhook_deliveries_waiting ORDER BY next_attempt_at LIMIT 1
$$;

COMMENT ON FUNCTION posthorn.next_webhook_due() IS 'When the next retry is due; null while none waits.';

GRANT EXECUTE ON FUNCTION
    posthorn.begin_node_statement(),
    posthorn.register_dispatcher(uuid, text, text),
    posthorn.beat_dispatcher(uuid, boolean),
    posthorn.set_dispatcher_asleep(uuid, boolean),
    posthorn.discover_webhook_lanes(uuid, timestamptz),
    posthorn.sweep_webhook_lanes(),
    posthorn.observe_webhook_lanes(uuid[], bigint[]),
    posthorn.claim_webhook_deliveries(uuid, bigint, integer, uuid[], bigint[], integer[], bigint),
    posthorn.next_webhook_due()
TO posthorn_service;
