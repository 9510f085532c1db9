-- Claiming: who may send what, and how a lease ends. A token is <dispatcher_id>-<lease_no>; a result counts if and only if
-- its token is still the row's.

CREATE TYPE posthorn.leased_delivery AS (
    delivery_id   uuid,
    event_id      uuid,
    community_id  uuid,
    endpoint_id   uuid,
    lane          uuid,
    ordered       boolean,
    event_type    text,
    attempt_count integer,
    open_after_ms integer
);

COMMENT ON TYPE posthorn.leased_delivery IS 'What a claim has leased; or, without delivery, when a lane may give something again.';

-- Locks: the health of endpoints with a rate limit in id order, for which it waits a moment; the turns of ordered lanes and the claimed rows
-- of webhook_deliveries_ready, SKIP LOCKED.
-- Index: webhook_deliveries_ready_lane, from each lane's mark on, so that neither 100,000 deliveries that wait for another endpoint nor
-- dead entries that a held snapshot keeps are walked through.
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
    strict      boolean[],
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
    at          timestamptz;
    lock_before constant text := current_setting('lock_timeout');
    -- Endpoints with a rate limit whose lanes are asked, and those whose tokens this claim counts.
    limits      uuid[];
    counted     uuid[] := '{}';
    limited     boolean;
    -- For each lane, whether its turn is locked here; null where it has none.
    mine        boolean[];
BEGIN
    -- Whose lane it is that bears no endpoint's id, its first delivery tells: the endpoint may have no order by keys any more.
    SELECT array_agg(e.id) INTO limits
    FROM posthorn.webhook_endpoints AS e
    WHERE e.rate_limit IS NOT NULL
      AND (e.id = ANY (lanes)
           OR e.id IN (
               SELECT first_found.endpoint_id
               FROM (
                   SELECT l.lane, l.mark
                   FROM unnest(lanes, marks) AS l (lane, mark)
                   WHERE NOT EXISTS (SELECT FROM posthorn.webhook_endpoints AS e WHERE e.id = l.lane)
                   OFFSET 0
               ) AS keyed
               CROSS JOIN LATERAL (
                   SELECT d.endpoint_id
                   FROM posthorn.webhook_deliveries_ready AS d
                   WHERE coalesce(d.ordered_lane, d.endpoint_id) = keyed.lane AND d.position > keyed.mark
                   ORDER BY coalesce(d.ordered_lane, d.endpoint_id), d.position
                   LIMIT 1
               ) AS first_found));
    -- What a rate limit has left is counted by one claim at a time. Others that count it, and nodes that record results of the endpoint, are
    -- soon done; whoever is not is passed by.
    IF limits IS NOT NULL THEN
        BEGIN
            PERFORM set_config('lock_timeout', '50ms', true);
            SELECT coalesce(array_agg(h.endpoint_id), '{}') INTO counted
            FROM (
                SELECT h.endpoint_id FROM posthorn.webhook_endpoint_health AS h WHERE h.endpoint_id = ANY (limits) ORDER BY h.endpoint_id FOR UPDATE
            ) AS h;
        EXCEPTION
            WHEN lock_not_available THEN
                SELECT coalesce(array_agg(h.endpoint_id), '{}') INTO counted
                FROM (
                    SELECT h.endpoint_id FROM posthorn.webhook_endpoint_health AS h WHERE h.endpoint_id = ANY (limits) FOR UPDATE SKIP LOCKED
                ) AS h;
        END;
        PERFORM set_config('lock_timeout', lock_before, true);
    END IF;
    limited := cardinality(counted) > 0;
    -- What is under way in an ordered lane is looked at by one claim at a time. A statement of its own, so that the next one sees what was
    -- claimed before the lock.
    IF EXISTS (SELECT FROM posthorn.webhook_lane_turns) THEN
        SELECT array_agg(m.mine ORDER BY l.ordinal) INTO mine
        FROM unnest(lanes) WITH ORDINALITY AS l (lane, ordinal)
        LEFT JOIN LATERAL (
            SELECT true AS mine
            FROM posthorn.webhook_lane_turns AS t
            WHERE t.lane = l.lane AND (limits IS NULL OR NOT t.endpoint_id = ANY (limits) OR t.endpoint_id = ANY (counted))
            FOR UPDATE SKIP LOCKED
        ) AS m ON true;
        -- However full the claim gets: it may not come to say so of a lane that it was not to ask.
        RETURN QUERY
        SELECT NULL::uuid, NULL::uuid, NULL::uuid, NULL::uuid, l.lane, NULL::boolean, NULL::text, NULL::integer, 0
        FROM unnest(lanes, mine) AS l (lane, mine)
        WHERE l.mine IS NULL AND EXISTS (SELECT FROM posthorn.webhook_lane_turns AS t WHERE t.lane = l.lane);
    END IF;
    IF limits IS NOT NULL THEN
        RETURN QUERY
        SELECT NULL::uuid, NULL::uuid, NULL::uuid, NULL::uuid, l.lane, NULL::boolean, NULL::text, NULL::integer, 0
        FROM unnest(lanes) AS l (lane)
        WHERE l.lane = ANY (limits) AND NOT l.lane = ANY (counted);
    END IF;
    -- After the locks, lest the time of another claim's tokens is set back.
    at := posthorn.clock_now();

    RETURN QUERY
    WITH open_lanes AS MATERIALIZED (
        SELECT l.lane, l.ordinal, l.held, head.position AS head, head.ordered_lane IS NOT NULL AS ordered, head.dispatcher_id, s.endpoint_id,
               s.width, s.rate, s.tokens, s.lot, s.barred, turn.dispatcher_id AS barrier, turn.mine
        FROM unnest(lanes, marks, strict, held, mine) WITH ORDINALITY AS l (lane, mark, strict, held, mine, ordinal)
        CROSS JOIN LATERAL (
            SELECT d.position, d.ordered_lane, d.endpoint_id, d.dispatcher_id
            FROM posthorn.webhook_deliveries_ready AS d
            WHERE coalesce(d.ordered_lane, d.endpoint_id) = l.lane AND d.position > l.mark
            ORDER BY coalesce(d.ordered_lane, d.endpoint_id), d.position
            LIMIT 1
        ) AS first_found
        -- A retry comes back to its old place, before a mark that is not strict: then an ordered lane is read from its beginning.
        CROSS JOIN LATERAL (
            SELECT first_found.position, first_found.ordered_lane, first_found.endpoint_id, first_found.dispatcher_id
            WHERE first_found.ordered_lane IS NULL OR l.strict OR l.mark = 0
            UNION ALL
            (SELECT d.position, d.ordered_lane, d.endpoint_id, d.dispatcher_id
             FROM posthorn.webhook_deliveries_ready AS d
             WHERE first_found.ordered_lane IS NOT NULL AND l.strict IS NOT TRUE AND l.mark <> 0
               AND coalesce(d.ordered_lane, d.endpoint_id) = l.lane
             ORDER BY coalesce(d.ordered_lane, d.endpoint_id), d.position
             LIMIT 1)
        ) AS head
        LEFT JOIN LATERAL (
            SELECT l.mine IS NOT NULL AS mine, l.mine IS NULL OR u.dispatcher_id IS NOT NULL AS taken, u.dispatcher_id
            FROM posthorn.webhook_lane_turns AS t
            LEFT JOIN LATERAL (
                SELECT d.dispatcher_id
                FROM posthorn.webhook_deliveries_ready AS d
                WHERE coalesce(d.ordered_lane, d.endpoint_id) = t.lane AND d.position = t.position AND d.status = 'sending'
                LIMIT 1
            ) AS u ON true
            WHERE t.lane = head.ordered_lane
        ) AS turn ON true
        CROSS JOIN LATERAL (
            SELECT e.id AS endpoint_id,
                   -- Others count its tokens, claim from it just now, or have something of it under way.
                   turn.taken IS TRUE OR e.rate_limit IS NOT NULL AND NOT e.id = ANY (counted) AS barred,
                   CASE WHEN head.ordered_lane IS NOT NULL THEN 1
                        ELSE least(e.max_in_flight, coalesce(h.in_flight_limit, e.max_in_flight))
                   END AS width,
                   r.rate,
                   -- What a tenth of a second brings may be saved up, so that a limit holds within 1 % over ten seconds.
                   greatest(0, least(greatest(1, r.rate / 10), h.tokens + extract(epoch FROM at - h.tokens_at) * r.rate)) AS tokens,
                   -- Among the keys of one endpoint, whose turn it is when there are fewer tokens than keys.
                   CASE WHEN r.rate IS NOT NULL THEN random() END AS lot
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
                           AND EXISTS (SELECT FROM posthorn.webhook_deliveries_dead AS w WHERE w.ordered_lane = head.ordered_lane AND w.position > 0)))
            OFFSET 0
        ) AS s
    ),
    windows AS MATERIALIZED (
        SELECT o.lane, o.ordinal, o.endpoint_id, o.rate, o.tokens, o.lot, o.ordered, o.mine, b.row_ids,
               CASE WHEN o.barred THEN o.barrier ELSE o.dispatcher_id END AS dispatcher_id,
               CASE WHEN o.barred THEN 0 ELSE o.width - o.held END AS room,
               o.barred OR cardinality(b.row_ids) = o.width AS is_full
        FROM open_lanes AS o
        CROSS JOIN LATERAL (
            SELECT ARRAY(
                SELECT w.row_id
                FROM (
                    SELECT d.ctid AS row_id, d.ordered_lane
                    FROM posthorn.webhook_deliveries_ready AS d
                    WHERE coalesce(d.ordered_lane, d.endpoint_id) = o.lane AND d.position >= o.head AND NOT o.barred
                    ORDER BY coalesce(d.ordered_lane, d.endpoint_id), d.position
                    LIMIT o.width
                ) AS w
                -- What was ordered later waits for what was not.
                WHERE o.ordered OR w.ordered_lane IS NULL) AS row_ids
            OFFSET 0
        ) AS b
    ),
    -- Rows may be picked for which no token is left: one for each key of an endpoint. They must not take the places of others.
    places AS MATERIALIZED (
        SELECT max_rows + count(*) AS most FROM open_lanes AS o WHERE limited AND o.rate IS NOT NULL
    ),
    picked AS MATERIALIZED (
        SELECT c.row_id, c.position, w.ordinal, w.lane, c.payload_bytes, w.endpoint_id, w.rate, w.tokens, w.lot, w.room, w.is_full,
               w.ordered, w.mine
        FROM windows AS w
        CROSS JOIN LATERAL (
            SELECT d.ctid AS row_id, d.payload_bytes, d.position
            FROM posthorn.webhook_deliveries_ready AS d
            WHERE d.ctid = ANY (w.row_ids)
              AND d.status IN ('pending', 'retrying')
            ORDER BY d.position
            -- What the caller holds may lie behind the window: a late commit fills places before it.
            LIMIT least(greatest(w.room, 0), max_rows, CASE WHEN w.rate IS NOT NULL THEN floor(w.tokens)::bigint END)
            FOR UPDATE SKIP LOCKED
        ) AS c
        LIMIT (SELECT p.most FROM places AS p)
    ),
    drawn AS MATERIALIZED (
        SELECT p.row_id, p.position, p.ordinal, p.lane, p.payload_bytes, p.endpoint_id, p.ordered, p.mine, true AS wins
        FROM picked AS p
        WHERE p.rate IS NULL
        UNION ALL
        SELECT p.row_id, p.position, p.ordinal, p.lane, p.payload_bytes, p.endpoint_id, p.ordered, p.mine,
               row_number() OVER (PARTITION BY p.endpoint_id ORDER BY p.lot, p.ordinal) <= p.tokens
        FROM picked AS p
        WHERE limited AND p.rate IS NOT NULL
    ),
    bounded AS MATERIALIZED (
        SELECT p.row_id, p.position, p.lane, p.endpoint_id, p.ordered, p.mine
        FROM (
            SELECT p.row_id, p.position, p.lane, p.endpoint_id, p.ordered, p.mine, sum(p.payload_bytes) OVER w AS bytes, row_number() OVER w AS number
            FROM drawn AS p
            WHERE p.wins
            WINDOW w AS (ORDER BY p.ordinal ROWS UNBOUNDED PRECEDING)
        ) AS p
        WHERE (p.bytes <= max_bytes OR p.number = 1) AND p.number <= max_rows
    ),
    paced AS MATERIALIZED (
        SELECT o.endpoint_id, o.rate, o.tokens - (SELECT count(*) FROM bounded AS b WHERE b.endpoint_id = o.endpoint_id) AS left_over
        FROM (SELECT DISTINCT ON (l.endpoint_id) l.endpoint_id, l.rate, l.tokens FROM open_lanes AS l
              WHERE limited AND l.rate IS NOT NULL AND l.endpoint_id = ANY (counted)) AS o
    ),
    paid AS (
        UPDATE posthorn.webhook_endpoint_health AS h
        SET tokens = p.left_over, tokens_at = at
        FROM paced AS p
        WHERE h.endpoint_id = p.endpoint_id
    ),
    turns AS (
        UPDATE posthorn.webhook_lane_turns AS t
        SET position = b.position
        FROM bounded AS b
        WHERE b.ordered AND b.mine AND t.lane = b.lane
    ),
    -- Whoever is not the first to enter its lane has not seen what the first one has claimed.
    first_turns AS MATERIALIZED (
        INSERT INTO posthorn.webhook_lane_turns AS t (lane, endpoint_id, position)
        SELECT b.lane, b.endpoint_id, b.position
        FROM bounded AS b
        -- Two first ones at once: the later one does not wait.
        WHERE b.ordered AND b.mine IS NOT TRUE AND pg_try_advisory_xact_lock(hashtext('posthorn.lane'), hashtext(b.lane::text))
        ON CONFLICT DO NOTHING
        RETURNING t.lane
    ),
    leased AS (
        UPDATE posthorn.webhook_deliveries_ready AS d
        SET status = 'sending', dispatcher_id = dispatcher, lease_no = lease
        WHERE d.ctid = ANY (ARRAY(
            SELECT b.row_id FROM bounded AS b WHERE NOT b.ordered OR b.mine OR b.lane IN (SELECT f.lane FROM first_turns AS f)))
        RETURNING d.id, d.event_id, d.community_id, d.endpoint_id, coalesce(d.ordered_lane, d.endpoint_id) AS lane,
                  d.ordered_lane IS NOT NULL AS ordered, d.event_type, d.attempt_count
    )
    SELECT l.id, l.event_id, l.community_id, l.endpoint_id, l.lane, l.ordered, l.event_type, l.attempt_count, NULL::integer FROM leased AS l
    UNION ALL
    -- The caller may count what has ended a moment ago, and give room for less than is there: it must ask again once it knows better.
    SELECT NULL::uuid, NULL::uuid, NULL::uuid, NULL::uuid, f.lane, NULL::boolean, NULL, NULL::integer, -1
    FROM (
        SELECT p.lane FROM picked AS p GROUP BY p.lane, p.is_full, p.room HAVING p.is_full OR count(*) >= p.room
        UNION
        -- Unless the claim is full, for then not all lanes were looked at.
        SELECT w.lane FROM windows AS w WHERE (SELECT count(*) FROM picked) < (SELECT p.most FROM places AS p) AND (w.is_full OR w.room <= 0)
    ) AS f
    UNION ALL
    SELECT NULL, NULL, NULL, o.endpoint_id, o.lane, NULL, NULL, NULL, ceil(1000 * (1 - p.left_over) / p.rate)::integer
    FROM open_lanes AS o
    JOIN paced AS p ON p.endpoint_id = o.endpoint_id
    WHERE limited AND p.left_over < 1
    UNION ALL
    -- The lot fell on another key, for which there was no place left in this claim.
    SELECT NULL, NULL, NULL, d.endpoint_id, d.lane, NULL, NULL, NULL, 1
    FROM drawn AS d
    JOIN paced AS p ON p.endpoint_id = d.endpoint_id
    WHERE limited AND NOT d.wins AND p.left_over >= 1
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, w.lane, NULL, NULL, NULL, 0
    -- As a difference, and not by NOT EXISTS, which would compare each lane with each row.
    FROM (SELECT w.lane
          FROM windows AS w
          WHERE (SELECT count(*) FROM picked) < (SELECT p.most FROM places AS p)
            AND (w.is_full AND w.dispatcher_id IS DISTINCT FROM dispatcher
                 -- Somebody else has just locked what waits there.
                 OR w.dispatcher_id IS NULL AND w.room > 0 AND (w.rate IS NULL OR w.tokens >= 1))
          EXCEPT
          SELECT p.lane FROM picked AS p
          UNION ALL
          (SELECT b.lane FROM bounded AS b WHERE b.ordered AND b.mine IS NOT TRUE
           EXCEPT
           SELECT f.lane FROM first_turns AS f)) AS w;
END
$$;

COMMENT ON FUNCTION posthorn.lease_ready_deliveries(uuid, bigint, integer, bigint, uuid[], bigint[], boolean[], integer[], boolean) IS
    'pending, retrying → sending: leases up to max_rows deliveries and max_bytes of payload of the given lanes, each from its mark on; strict says which marks hold in an ordered lane too. A row without delivery tells after how many milliseconds a lane with a rate limit has its next token; 0: others hold what the lane may give at once; -1: as many of it as may be are under way now, or the caller counts as many, and more may wait.';

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
    strict     boolean[],
    epoch      uuid,
    held       integer[],
    max_bytes  bigint DEFAULT 16777216
)
RETURNS TABLE (
    delivery_id     uuid,
    event_id        uuid,
    community_id    uuid,
    endpoint_id     uuid,
    lane            uuid,
    ordered         boolean,
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
    same_epoch  constant boolean := EXISTS (SELECT FROM posthorn.queue_epoch AS e WHERE e.id = epoch);
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
                SELECT l
                FROM posthorn.lease_ready_deliveries(
                    dispatcher, lease_no, max_rows, max_bytes, lanes, marks, CASE WHEN same_epoch THEN strict ELSE '{}' END, held, true) AS l);
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
    SELECT l.delivery_id, l.event_id, l.community_id, l.endpoint_id, l.lane, l.ordered, l.event_type, l.attempt_count + 1, at, e.url,
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

COMMENT ON FUNCTION posthorn.claim_webhook_deliveries(uuid, bigint, integer, uuid[], bigint[], boolean[], uuid, integer[], bigint) IS
    'For nodes: leases a batch from the given lanes, in their order, each from its mark on; strict says which marks hold in an ordered lane too, as long as the epoch is the one in which they were made; held how many the caller has under way in each. Only endpoints whose secret is in the vault. At most max_bytes of payloads, but at least one delivery. A row without delivery tells after how many milliseconds a lane with a rate limit has its next token; 0: others hold what the lane may give at once; -1: as many of it as may be are under way now, or the caller counts as many, and more may wait.';

GRANT EXECUTE ON FUNCTION posthorn.claim_webhook_deliveries(uuid, bigint, integer, uuid[], bigint[], boolean[], uuid, integer[], bigint) TO posthorn_service;
