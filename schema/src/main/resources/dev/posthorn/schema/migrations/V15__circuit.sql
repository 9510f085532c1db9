-- The circuit of an endpoint: closed; open, when failures have disabled it; half-open, while its oldest parked delivery is sent as a probe.

CREATE FUNCTION posthorn.close_circuit(endpoint uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM posthorn.webhook_endpoint_health AS h WHERE h.endpoint_id = endpoint AND h.disabled_reason = 'auto') THEN
        PERFORM posthorn.switch_webhook_endpoint(endpoint, NULL);
        -- It may be weak still: what has waited for it comes back at a pace that grows with its success.
        UPDATE posthorn.webhook_endpoint_health AS h SET in_flight_limit = 1 WHERE h.endpoint_id = endpoint;
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.close_circuit(uuid) IS 'half-open → closed: enables an endpoint whose probe was delivered; its parked deliveries come back.';

-- Locks: the health of the endpoints and the probed deliveries, SKIP LOCKED; the turns of their lanes, for which it waits a moment. Index: webhook_endpoint_health_probe.
CREATE FUNCTION posthorn.claim_endpoint_probes(dispatcher uuid, lease bigint, max_rows integer)
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
    timeout_seconds integer
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET jit = off
    SET lock_timeout = '300ms'
AS $$
#variable_conflict use_column
DECLARE
    at constant timestamptz := posthorn.clock_now();
BEGIN
    PERFORM FROM posthorn.dispatchers AS d WHERE d.id = dispatcher AND d.expires_at > at FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'dispatcher % is not signed on', dispatcher USING ERRCODE = 'PH007';
    END IF;
    RETURN QUERY
    WITH due AS MATERIALIZED (
        SELECT h.endpoint_id, e.on_dead_letter
        FROM posthorn.webhook_endpoint_health AS h
        JOIN posthorn.webhook_endpoints AS e ON e.id = h.endpoint_id AND e.deleted_at IS NULL
        WHERE h.probe_at <= at AND h.disabled_reason = 'auto' AND h.secret_version IS NOT NULL
        ORDER BY h.probe_at
        LIMIT max_rows
        FOR UPDATE OF h SKIP LOCKED
    ),
    oldest AS MATERIALIZED (
        SELECT d.endpoint_id, d.id
        FROM due
        CROSS JOIN LATERAL (
            SELECT p.endpoint_id, p.id
            FROM posthorn.webhook_deliveries_parked AS p
            WHERE p.endpoint_id = due.endpoint_id
              -- A probe keeps the order of its lane, too: what was sent anew has an old id and a new place, and a lane may wait for a dead letter.
              AND NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_parked AS q WHERE q.ordered_lane = p.ordered_lane AND q.position < p.position)
              AND NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_waiting AS w WHERE w.ordered_lane = p.ordered_lane)
              AND NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_ready AS r
                              WHERE coalesce(r.ordered_lane, r.endpoint_id) = p.ordered_lane AND r.position < p.position)
              AND NOT EXISTS (SELECT FROM posthorn.webhook_lane_turns AS t
                              JOIN posthorn.webhook_deliveries_ready AS r
                                ON coalesce(r.ordered_lane, r.endpoint_id) = t.lane AND r.position = t.position AND r.status = 'sending'
                              WHERE t.lane = p.ordered_lane)
              AND NOT (due.on_dead_letter = 'hold'
                       AND EXISTS (SELECT FROM posthorn.webhook_deliveries_dead AS w WHERE w.ordered_lane = p.ordered_lane AND w.position > 0))
            ORDER BY p.id
            LIMIT 1
            FOR UPDATE SKIP LOCKED
        ) AS d
    ),
    begun AS (
        UPDATE posthorn.webhook_endpoint_health AS h
        -- Whatever becomes of this probe, another node does not begin a second one meanwhile.
        SET probe_at = at + interval '1 minute', probe_id = o.id
        FROM due
        LEFT JOIN oldest AS o ON o.endpoint_id = due.endpoint_id
        WHERE h.endpoint_id = due.endpoint_id
    ),
    leased AS (
        UPDATE posthorn.webhook_deliveries AS d
        SET stage = 'ready', status = 'sending', parked_at = NULL, probing = true, dispatcher_id = dispatcher, lease_no = lease
        FROM oldest AS o
        WHERE d.stage = 'parked' AND d.id = o.id
        RETURNING d.*
    ),
    turns AS (
        INSERT INTO posthorn.webhook_lane_turns (lane, endpoint_id, position)
        SELECT l.ordered_lane, l.endpoint_id, l.position FROM leased AS l WHERE l.ordered_lane IS NOT NULL ORDER BY l.ordered_lane
        ON CONFLICT (lane) DO UPDATE SET position = excluded.position
    )
    SELECT l.id, l.event_id, l.community_id, l.endpoint_id, coalesce(l.ordered_lane, l.endpoint_id), l.event_type,
           l.attempt_count + 1, at, e.url, e.payload_format,
           posthorn.webhook_body(e.payload_format, v.id, v.community_id, v.event_type, v.created_at, v.payload),
           h.secret_version, e.timeout_seconds
    FROM leased AS l
    JOIN posthorn.webhook_endpoints AS e ON e.id = l.endpoint_id
    JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = l.endpoint_id
    LEFT JOIN posthorn.webhook_events AS v ON v.id = l.event_id;
END
$$;

COMMENT ON FUNCTION posthorn.claim_endpoint_probes(uuid, bigint, integer) IS
    'For nodes: open → half-open. Leases the oldest parked delivery of each endpoint whose probe is due, of an ordered one the oldest that is the next of its lane; its attempt is recorded but not counted, and a 2xx closes the circuit.';

GRANT EXECUTE ON FUNCTION posthorn.claim_endpoint_probes(uuid, bigint, integer) TO posthorn_service;
