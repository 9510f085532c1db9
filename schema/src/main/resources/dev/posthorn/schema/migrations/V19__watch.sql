-- Watching: views and the check of everything that must always hold.

CREATE VIEW posthorn.webhook_endpoint_status WITH (security_invoker = true) AS
SELECT e.id, e.community_id, e.url, e.description, e.event_types, e.filter, e.payload_format, e.max_in_flight, e.timeout_seconds,
       e.max_attempts, e.retry_schedule, e.rate_limit, e.rate_period, e.ordering, e.ordering_key, e.on_dead_letter, e.enabled,
       e.signature_schemes, e.signature_header, e.trusted_ca,
       e.created_at, e.updated_at, e.deleted_at,
       CASE WHEN e.deleted_at IS NOT NULL THEN 'deleted' WHEN h.disabled_at IS NOT NULL THEN 'disabled' ELSE 'active' END AS state,
       CASE WHEN h.probe_id IS NOT NULL THEN 'half_open' WHEN h.disabled_reason = 'auto' THEN 'open' ELSE 'closed' END AS circuit,
       h.probe_at AS next_probe_at, coalesce(h.in_flight_limit, e.max_in_flight) AS in_flight_limit,
       h.consecutive_failures, h.last_success_at, h.last_failure_at, h.last_error, h.disabled_at, h.disabled_reason,
       h.filter_errors, h.secret_version
FROM posthorn.webhook_endpoints AS e
JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = e.id;

COMMENT ON VIEW posthorn.webhook_endpoint_status IS 'Endpoints with their settings and their health.';

CREATE VIEW posthorn.webhook_delivery_stats WITH (security_invoker = true) AS
SELECT e.community_id,
       e.id AS endpoint_id,
       coalesce(d.pending, 0) AS pending,
       coalesce(d.sending, 0) AS sending,
       coalesce(d.retrying, 0) AS retrying,
       coalesce(d.parked, 0) AS parked,
       coalesce(d.delivered, 0) AS delivered,
       coalesce(d.failed, 0) AS failed,
       coalesce(d.dead_letter, 0) AS dead_letter,
       round(d.delivered::numeric / nullif(d.delivered + d.failed + d.dead_letter, 0), 4) AS success_rate,
       d.oldest_waiting_at,
       a.latency_ms_p50,
       a.latency_ms_p95,
       a.latency_ms_p99
FROM posthorn.webhook_endpoints AS e
LEFT JOIN (
    SELECT d.endpoint_id,
           count(*) FILTER (WHERE d.status = 'pending' AND d.parked_at IS NULL) AS pending,
           count(*) FILTER (WHERE d.status = 'sending') AS sending,
           count(*) FILTER (WHERE d.status = 'retrying' AND d.parked_at IS NULL) AS retrying,
           count(*) FILTER (WHERE d.parked_at IS NOT NULL) AS parked,
           count(*) FILTER (WHERE d.status = 'delivered') AS delivered,
           count(*) FILTER (WHERE d.status = 'failed') AS failed,
           count(*) FILTER (WHERE d.status = 'dead_letter') AS dead_letter,
           min(d.created_at) FILTER (WHERE d.status IN ('pending', 'sending', 'retrying')) AS oldest_waiting_at
    FROM posthorn.webhook_deliveries AS d
    GROUP BY d.endpoint_id
) AS d ON d.endpoint_id = e.id
LEFT JOIN (
    SELECT a.endpoint_id,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY a.duration_ms) AS latency_ms_p50,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY a.duration_ms) AS latency_ms_p95,
           percentile_disc(0.99) WITHIN GROUP (ORDER BY a.duration_ms) AS latency_ms_p99
    FROM posthorn.webhook_attempts AS a
    -- A query of its own, so that it is asked once and leaves out the days before.
    WHERE a.delivery_id >= (SELECT posthorn.uuid_v7_floor(posthorn.clock_now() - interval '1 day')) AND a.outcome NOT IN ('superseded', 'unsent')
    GROUP BY a.endpoint_id
) AS a ON a.endpoint_id = e.id
WHERE e.deleted_at IS NULL;

COMMENT ON VIEW posthorn.webhook_delivery_stats IS
    'Per community and endpoint: deliveries by status (parked ones apart), success rate of what ended, oldest waiting; latency percentiles of the attempts of the last day''s deliveries, in milliseconds.';

CREATE VIEW posthorn.disk_use WITH (security_invoker = true) AS
SELECT t.part,
       count(*) AS tables,
       sum(greatest(t.reltuples, 0))::bigint AS estimated_rows,
       sum(pg_total_relation_size(t.oid))::bigint AS bytes,
       min(t.day) AS oldest_day
FROM (
    SELECT c.oid, c.reltuples, regexp_replace(c.relname, '_[0-9]{8}$', '') AS part,
           to_date(substring(c.relname FROM '_([0-9]{8})$'), 'YYYYMMDD') AS day
    FROM pg_class AS c
    WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind = 'r'
) AS t
GROUP BY t.part;

COMMENT ON VIEW posthorn.disk_use IS 'How much space each table takes, its days and indexes included; oldest_day is the oldest one that stands.';

GRANT SELECT ON posthorn.disk_use TO posthorn_service;
GRANT SELECT ON posthorn.webhook_endpoint_status, posthorn.webhook_delivery_stats TO posthorn_service, posthorn_member;

CREATE FUNCTION posthorn.check_invariants() RETURNS TABLE (delivery_id uuid, problem text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    WITH unfinished AS MATERIALIZED (
        SELECT d.id, d.stage, d.status, d.event_id, d.community_id, d.endpoint_id, d.ordered_lane, d.dispatcher_id, d.parked_at, d.created_at
        FROM posthorn.webhook_deliveries AS d
        WHERE d.stage IN ('ready', 'waiting', 'parked', 'dead')
    ),
    clock AS MATERIALIZED (SELECT posthorn.clock_now() AS at)
    SELECT u.id, 'stands in two places'
    FROM unfinished AS u
    GROUP BY u.id
    HAVING count(*) > 1
    UNION ALL
    SELECT u.id, 'stands among the unfinished and the ended'
    FROM unfinished AS u
    JOIN posthorn.webhook_deliveries AS d ON d.stage = 'ended' AND d.id = u.id
    UNION ALL
    SELECT u.id, 'its event is missing'
    FROM unfinished AS u
    WHERE NOT EXISTS (SELECT FROM posthorn.webhook_events AS e WHERE e.id = u.event_id AND e.community_id = u.community_id)
    UNION ALL
    SELECT u.id, 'its endpoint is missing'
    FROM unfinished AS u
    WHERE NOT EXISTS (SELECT FROM posthorn.webhook_endpoints AS e WHERE e.id = u.endpoint_id AND e.community_id = u.community_id)
    UNION ALL
    SELECT u.id, 'is sending and its dispatcher is not there'
    FROM unfinished AS u
    WHERE u.status = 'sending' AND NOT EXISTS (SELECT FROM posthorn.dispatchers AS d WHERE d.id = u.dispatcher_id)
    UNION ALL
    SELECT u.id, 'is sending and its lease ended more than 15 seconds ago'
    FROM unfinished AS u
    JOIN posthorn.dispatchers AS d ON d.id = u.dispatcher_id
    CROSS JOIN clock AS c
    WHERE d.expires_at < c.at - interval '15 seconds'
    UNION ALL
    SELECT min(u.id::text)::uuid, 'is sending and so is another one of its ordered lane'
    FROM unfinished AS u
    WHERE u.status = 'sending' AND u.ordered_lane IS NOT NULL
      -- process_webhook_delivery leases whatever it is asked for.
      AND u.dispatcher_id IN (SELECT d.id FROM posthorn.dispatchers AS d WHERE d.kind = 'node')
    GROUP BY u.ordered_lane
    HAVING count(*) > 1
    UNION ALL
    SELECT u.id, 'is parked and its endpoint has been active for more than two minutes'
    FROM unfinished AS u
    JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = u.endpoint_id AND h.disabled_at IS NULL AND NOT h.parking
    CROSS JOIN clock AS c
    WHERE u.stage = 'parked' AND u.parked_at < c.at - interval '2 minutes'
    UNION ALL
    SELECT u.id, 'waits and its endpoint has been disabled for more than two minutes'
    FROM unfinished AS u
    JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = u.endpoint_id AND NOT h.parking
    CROSS JOIN clock AS c
    WHERE u.stage IN ('ready', 'waiting') AND u.status <> 'sending' AND h.disabled_at < c.at - interval '2 minutes'
      AND u.created_at < c.at - interval '2 minutes'
    UNION ALL
    SELECT e.id, 'is an event with ' || e.deliveries || ' deliveries, of which ' || e.found || ' are there'
    FROM (
        SELECT e.id, e.deliveries, (SELECT count(*) FROM posthorn.webhook_deliveries AS d
                                            WHERE d.id BETWEEN posthorn.first_delivery_id(e.id) AND posthorn.last_delivery_id(e.id)
                                              AND d.event_id = e.id) AS found
        FROM posthorn.webhook_events AS e
        CROSS JOIN clock AS c
        WHERE e.id >= posthorn.uuid_v7_floor(c.at - make_interval(days => posthorn.setting_number('retention_days')::integer))
    ) AS e
    WHERE e.found <> e.deliveries
$$;

COMMENT ON FUNCTION posthorn.check_invariants() IS
    'Every delivery that stands in two places, in none, or in a state it must not be in; no row means all is well. Reads everything that is kept: for tests and diagnosis.';

GRANT EXECUTE ON FUNCTION posthorn.check_invariants() TO posthorn_service;
