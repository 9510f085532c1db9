-- Settling: what an attempt's result does to its delivery, to the history and to the endpoint's health.

CREATE FUNCTION posthorn.calculate_next_retry(attempt integer, schedule interval[] DEFAULT NULL, jitter_seed uuid DEFAULT NULL) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog
AS $$
    SELECT ladder.steps[least(greatest(attempt, 1), cardinality(ladder.steps))]
        -- Sixteen of the seed's random bits: the same delivery always waits the same.
        * CASE WHEN jitter_seed IS NULL THEN 1.0
               ELSE 1.0 + 0.2 * ('x' || right(jitter_seed::text, 4))::bit(16)::integer / 65536.0
          END
    FROM (
        SELECT CASE WHEN cardinality(schedule) > 0 THEN schedule
                    ELSE '{1 minute,5 minutes,15 minutes,1 hour,4 hours,24 hours}'::interval[]
               END AS steps
    ) AS ladder
$$;

COMMENT ON FUNCTION posthorn.calculate_next_retry(integer, interval[], uuid) IS
    'How long to wait after the given failed attempt, counted from 1: 1 m, 5 m, 15 m, 1 h, 4 h, 24 h and 24 h for every later one, or an endpoint''s own schedule, whose last step repeats. A seed adds up to 20 %, always the same for the same seed. The one place where the schedule stands.';

CREATE TYPE posthorn.settled_result AS (
    delivery_id     uuid,
    status          posthorn.webhook_status,
    superseded      boolean,
    next_attempt_at timestamptz,
    endpoint_id     uuid,
    just_disabled   boolean,
    dead_lettered   boolean
);

COMMENT ON TYPE posthorn.settled_result IS 'What a result did to its delivery and its endpoint.';

-- Locks: the deliveries in id order, then the health of their endpoints in id order. Index: the primary key of webhook_deliveries_ready.
-- Health is one write per endpoint and batch; a success while nothing is wrong moves last_success_at at most every 10 seconds, because
-- one row per endpoint updated at each delivery allows 3,000 deliveries per second.
CREATE FUNCTION posthorn.settle_webhook_results(
    ids               uuid[],
    tokens            text[],
    status_codes      integer[],
    error_classes     text[],
    errors            text[],
    durations_ms      integer[],
    response_excerpts text[],
    retry_afters      integer[]
)
RETURNS SETOF posthorn.settled_result
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
    SET jit = off
AS $$
    WITH clock AS MATERIALIZED (
        SELECT posthorn.clock_now() AS at, posthorn.setting_number('auto_disable_after') AS limit_of_failures
    ),
    reported AS MATERIALIZED (
        SELECT r.id, t.dispatcher, t.lease, r.status_code, r.error_class, r.duration_ms, r.retry_after, r.ordinal,
               left(r.error, 500) AS error,
               left(r.excerpt, 4096) AS excerpt,
               r.error_class IS NULL AND r.status_code BETWEEN 200 AND 299 AS success
        FROM unnest(ids, tokens, status_codes, error_classes, errors, durations_ms, response_excerpts, retry_afters)
                 WITH ORDINALITY AS r (id, token, status_code, error_class, error, duration_ms, excerpt, retry_after, ordinal)
        CROSS JOIN LATERAL posthorn.lease_of_token(r.token) AS t
    ),
    held AS MATERIALIZED (
        SELECT d.id, d.event_id, d.community_id, d.endpoint_id, d.event_type, d.attempt_count, d.max_attempts, d.ladder_start,
               r.ordinal, r.status_code, r.error_class, r.error, r.excerpt, r.duration_ms, r.retry_after, r.success, r.dispatcher
        FROM reported AS r
        JOIN posthorn.webhook_deliveries AS d
            ON d.stage = 'ready' AND d.id = r.id AND d.dispatcher_id = r.dispatcher AND d.lease_no = r.lease
        ORDER BY d.id
        FOR UPDATE OF d
    ),
    -- In the order of completion: a success ends the streak, what fails after it begins a new one.
    streaks AS MATERIALIZED (
        SELECT h.endpoint_id,
               bool_or(h.success) AS any_success,
               count(*) FILTER (WHERE NOT h.success AND h.ordinal > h.last_success) AS failures,
               count(*) FILTER (WHERE h.status_code = 410 AND h.ordinal > h.last_other) AS gone,
               bool_or(h.status_code IS DISTINCT FROM 410) AS any_other,
               (array_agg(h.error ORDER BY h.ordinal DESC) FILTER (WHERE NOT h.success))[1] AS last_error,
               bool_or(NOT h.success AND h.event_type NOT LIKE 'posthorn.%') AS tells
        FROM (
            SELECT b.*,
                   coalesce(max(b.ordinal) FILTER (WHERE b.success) OVER (PARTITION BY b.endpoint_id), 0) AS last_success,
                   coalesce(max(b.ordinal) FILTER (WHERE b.status_code IS DISTINCT FROM 410) OVER (PARTITION BY b.endpoint_id), 0) AS last_other
            FROM held AS b
            WHERE b.error_class IS DISTINCT FROM 'lease_lost'
        ) AS h
        GROUP BY h.endpoint_id
    ),
    locked AS MATERIALIZED (
        SELECT s.*,
               h.disabled_at AS was_disabled_at,
               CASE WHEN s.any_success THEN s.failures ELSE h.consecutive_failures + s.failures END AS new_failures,
               CASE WHEN s.any_other THEN s.gone ELSE h.consecutive_gone + s.gone END AS new_gone
        FROM streaks AS s
        JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = s.endpoint_id
        CROSS JOIN clock AS c
        WHERE s.last_error IS NOT NULL
           OR s.failures > 0
           OR h.consecutive_failures > 0
           OR h.consecutive_gone > 0
           OR h.last_success_at IS NULL
           OR h.last_success_at < c.at - interval '10 seconds'
        ORDER BY h.endpoint_id
        FOR UPDATE OF h
    ),
    judged AS MATERIALIZED (
        SELECT l.*,
               CASE WHEN l.was_disabled_at IS NOT NULL THEN NULL
                    WHEN l.new_gone >= 2 THEN 'gone'
                    WHEN c.limit_of_failures > 0 AND l.new_failures >= c.limit_of_failures THEN 'auto'
               END AS verdict
        FROM locked AS l
        CROSS JOIN clock AS c
    ),
    health AS (
        UPDATE posthorn.webhook_endpoint_health AS h
        SET consecutive_failures = j.new_failures,
            consecutive_gone = j.new_gone,
            last_success_at = CASE WHEN j.any_success THEN c.at ELSE h.last_success_at END,
            last_failure_at = CASE WHEN j.last_error IS NOT NULL OR j.failures > 0 THEN c.at ELSE h.last_failure_at END,
            last_error = coalesce(j.last_error, h.last_error),
            disabled_at = CASE WHEN j.verdict IS NOT NULL THEN c.at ELSE h.disabled_at END,
            disabled_reason = coalesce(j.verdict, h.disabled_reason),
            parking = h.parking OR j.verdict IS NOT NULL
        FROM judged AS j
        CROSS JOIN clock AS c
        WHERE h.endpoint_id = j.endpoint_id
    ),
    settled AS MATERIALIZED (
        SELECT h.*, v.status, v.attempt,
               CASE
                   WHEN v.status <> 'retrying' OR v.parked THEN NULL
                   ELSE c.at + greatest(
                       posthorn.calculate_next_retry(v.attempt - h.ladder_start, e.retry_schedule, h.id),
                       make_interval(secs => least(coalesce(h.retry_after, 0), 86400)))
               END AS due,
               v.status = 'retrying' AND v.parked AS parked,
               j.verdict IS NOT NULL AND j.tells AS just_disabled
        FROM held AS h
        JOIN posthorn.webhook_endpoints AS e ON e.id = h.endpoint_id
        JOIN posthorn.webhook_endpoint_health AS before ON before.endpoint_id = h.endpoint_id
        LEFT JOIN judged AS j ON j.endpoint_id = h.endpoint_id
        CROSS JOIN clock AS c
        CROSS JOIN LATERAL (
            SELECT h.attempt_count + 1 AS attempt,
                   before.disabled_at IS NOT NULL OR j.was_disabled_at IS NOT NULL OR j.verdict IS NOT NULL AS parked,
                   (CASE
                       WHEN h.success THEN 'delivered'
                       WHEN h.status_code = 410 OR h.error_class = 'url_refused' OR e.deleted_at IS NOT NULL THEN 'failed'
                       WHEN h.attempt_count + 1 >= h.max_attempts THEN 'dead_letter'
                       ELSE 'retrying'
                   END)::posthorn.webhook_status AS status
        ) AS v
    ),
    moved AS (
        UPDATE posthorn.webhook_deliveries AS d
        SET stage = (CASE
                WHEN s.status IN ('delivered', 'failed') THEN 'ended'
                WHEN s.status = 'dead_letter' THEN 'dead'
                WHEN s.parked THEN 'parked'
                ELSE 'waiting'
            END)::posthorn.delivery_stage,
            status = s.status,
            attempt_count = s.attempt,
            lost_leases = 0,
            dispatcher_id = NULL,
            lease_no = NULL,
            next_attempt_at = s.due,
            parked_at = CASE WHEN s.parked THEN c.at END,
            ended_at = CASE WHEN s.status <> 'retrying' THEN c.at END,
            last_status_code = s.status_code,
            last_error = CASE WHEN s.success THEN NULL ELSE coalesce(s.error, s.error_class, 'HTTP ' || s.status_code) END
        FROM settled AS s
        CROSS JOIN clock AS c
        WHERE d.stage = 'ready' AND d.id = s.id
    ),
    history AS (
        INSERT INTO posthorn.webhook_attempts
            (delivery_id, number, event_id, community_id, endpoint_id, dispatcher_id, recorded_at, status_code, duration_ms,
             outcome, error_class, error, response_excerpt)
        SELECT s.id, s.attempt, s.event_id, s.community_id, s.endpoint_id, s.dispatcher, c.at, s.status_code, s.duration_ms,
               CASE WHEN s.success THEN 'delivered' ELSE 'failed' END,
               CASE WHEN s.success THEN NULL ELSE coalesce(s.error_class, 'status') END, s.error, s.excerpt
        FROM settled AS s
        CROSS JOIN clock AS c
        UNION ALL
        -- A result whose lease was lost is kept, so that a duplicate can be explained, and changes nothing.
        SELECT r.id, NULL, d.event_id, d.community_id, d.endpoint_id, r.dispatcher, c.at, r.status_code, r.duration_ms,
               'superseded', r.error_class, r.error, r.excerpt
        FROM reported AS r
        JOIN posthorn.webhook_deliveries AS d ON d.id = r.id
        CROSS JOIN clock AS c
        WHERE NOT EXISTS (SELECT FROM held AS h WHERE h.id = r.id)
    )
    SELECT r.id, coalesce(s.status, d.status), s.id IS NULL, coalesce(s.due, CASE WHEN s.id IS NULL THEN d.next_attempt_at END),
           d.endpoint_id, coalesce(s.just_disabled, false),
           coalesce(s.status = 'dead_letter' AND s.event_type NOT LIKE 'posthorn.%', false)
    FROM reported AS r
    LEFT JOIN settled AS s ON s.id = r.id
    LEFT JOIN posthorn.webhook_deliveries AS d ON d.id = r.id
    ORDER BY r.ordinal
$$;

COMMENT ON FUNCTION posthorn.settle_webhook_results(uuid[], text[], integer[], text[], text[], integer[], text[], integer[]) IS
    'sending → delivered, failed, dead_letter, retrying (waiting or parked): one statement for a batch. Not granted; record_webhook_results calls it.';
