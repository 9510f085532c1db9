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
    dead_lettered   boolean,
    recovered       boolean
);

COMMENT ON TYPE posthorn.settled_result IS 'What a result did to its delivery and its endpoint.';

-- Locks: the deliveries, then the health of their endpoints in id order. Index: the primary key of webhook_deliveries_ready.
-- Health is one write per endpoint and batch; while nothing is wrong a success moves last_success_at at most every 10 seconds, because
-- one row per endpoint updated at each delivery allows 3,000 deliveries per second.
CREATE FUNCTION posthorn.settle_successes(
    ids          uuid[],
    dispatchers  uuid[],
    leases       bigint[],
    status_codes integer[],
    durations_ms integer[],
    responses    text[]
)
RETURNS TABLE (delivery_id uuid, endpoint_id uuid, probing boolean)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    at constant timestamptz := posthorn.clock_now();
BEGIN
    RETURN QUERY
    WITH moved AS MATERIALIZED (
        UPDATE posthorn.webhook_deliveries AS d
        SET stage = 'ended', status = 'delivered', attempt_count = d.attempt_count + 1, lease_no = NULL, next_attempt_at = NULL,
            ended_at = at, last_status_code = r.status_code, last_duration_ms = r.duration_ms, last_error = NULL,
            last_response = left(r.response, 4096)
        FROM unnest(ids, dispatchers, leases, status_codes, durations_ms, responses)
                 AS r (id, dispatcher, lease, status_code, duration_ms, response)
        -- With the statistics of an empty table a plain join may walk through all that is ready.
        CROSS JOIN LATERAL (
            SELECT w.ctid AS row_id
            FROM posthorn.webhook_deliveries_ready AS w
            WHERE w.id = r.id AND w.dispatcher_id = r.dispatcher AND w.lease_no = r.lease
            OFFSET 0
        ) AS held
        WHERE d.stage = 'ready' AND d.ctid = held.row_id
        RETURNING d.id, d.endpoint_id, d.probing
    ),
    locked AS MATERIALIZED (
        SELECT h.endpoint_id, e.max_in_flight
        FROM (SELECT DISTINCT m.endpoint_id FROM moved AS m) AS m
        JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = m.endpoint_id
        JOIN posthorn.webhook_endpoints AS e ON e.id = m.endpoint_id
        WHERE h.consecutive_failures > 0
           OR h.consecutive_gone > 0
           OR h.in_flight_limit IS NOT NULL
           OR h.last_success_at IS NULL
           OR h.last_success_at < at - interval '10 seconds'
        ORDER BY h.endpoint_id
        FOR UPDATE OF h
    ),
    healthy AS (
        UPDATE posthorn.webhook_endpoint_health AS h
        SET consecutive_failures = 0,
            consecutive_gone = 0,
            last_success_at = at,
            in_flight_limit = CASE WHEN h.in_flight_limit * 2 < l.max_in_flight THEN h.in_flight_limit * 2 END
        FROM locked AS l
        WHERE h.endpoint_id = l.endpoint_id
    )
    SELECT m.id, m.endpoint_id, m.probing FROM moved AS m;
END
$$;

COMMENT ON FUNCTION posthorn.settle_successes(uuid[], uuid[], bigint[], integer[], integer[], text[]) IS
    'sending → delivered: a batch in which every attempt was answered 2xx, in one statement. Returns those whose lease was still held.';

CREATE FUNCTION posthorn.settle_mixed_results(
    ids           uuid[],
    dispatchers   uuid[],
    leases        bigint[],
    status_codes  integer[],
    error_classes text[],
    errors        text[],
    durations_ms  integer[],
    responses     text[],
    retry_afters  integer[]
)
RETURNS SETOF posthorn.settled_result
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET enable_seqscan = off
    SET jit = off
AS $$
DECLARE
    at                constant timestamptz := posthorn.clock_now();
    limit_of_failures constant bigint := posthorn.setting_number('auto_disable_after');
    first_probe       constant interval := make_interval(secs => posthorn.setting_number('probe_after_seconds'));
BEGIN
    RETURN QUERY
    WITH held AS MATERIALIZED (
        SELECT d.row_id, d.id, d.event_id, d.community_id, d.endpoint_id, d.event_type, d.attempt_count, d.max_attempts, d.ladder_start,
               d.probing, r.ordinal, r.status_code, r.error_class, r.duration_ms, r.retry_after, r.dispatcher,
               left(r.error, 500) AS error,
               left(r.response, 4096) AS response,
               coalesce(r.error_class, 'receiver_disabled') = 'receiver_disabled' AND r.status_code BETWEEN 200 AND 299 AS success
        FROM (
            SELECT r.*
            FROM unnest(ids, dispatchers, leases, status_codes, error_classes, errors, durations_ms, responses, retry_afters)
                     WITH ORDINALITY AS r (id, dispatcher, lease, status_code, error_class, error, duration_ms, response, retry_after, ordinal)
            ORDER BY r.id
        ) AS r
        CROSS JOIN LATERAL (
            SELECT d.ctid AS row_id, d.id, d.event_id, d.community_id, d.endpoint_id, d.event_type, d.attempt_count, d.max_attempts,
                   d.ladder_start, d.probing
            FROM posthorn.webhook_deliveries_ready AS d
            WHERE d.id = r.id AND d.dispatcher_id = r.dispatcher AND d.lease_no = r.lease
            FOR UPDATE
        ) AS d
    ),
    -- In the order of completion: a success ends the streak, what fails after it begins a new one.
    streaks AS MATERIALIZED (
        SELECT h.endpoint_id,
               bool_or(h.success) AS any_success,
               bool_or(h.error_class = 'timeout') AS any_timeout,
               bool_or(h.status_code IN (429, 502, 503, 504)) AS any_overload,
               bool_or(h.probing AND h.success) AS recovered,
               bool_or(h.probing AND NOT h.success) AS probe_failed,
               bool_or(h.error_class = 'receiver_disabled') AS wished,
               -- A receiver that does not want one delivery is well.
               count(*) FILTER (WHERE NOT h.success AND h.ordinal > h.last_success AND h.error_class IS DISTINCT FROM 'receiver_aborted') AS failures,
               count(*) FILTER (WHERE h.status_code = 410 AND h.ordinal > h.last_other) AS gone,
               bool_or(h.status_code IS DISTINCT FROM 410) AS any_other,
               (array_agg(h.error ORDER BY h.ordinal DESC) FILTER (WHERE NOT h.success))[1] AS last_error,
               bool_or(NOT h.success) AS any_failure,
               bool_or((NOT h.success OR h.error_class = 'receiver_disabled') AND h.event_type NOT LIKE 'posthorn.%') AS tells
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
        SELECT s.*, h.disabled_at AS was_disabled_at, h.disabled_reason AS was_reason, e.max_in_flight,
               CASE WHEN s.any_success THEN s.failures ELSE h.consecutive_failures + s.failures END AS new_failures,
               CASE WHEN s.any_other THEN s.gone ELSE h.consecutive_gone + s.gone END AS new_gone
        FROM streaks AS s
        JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = s.endpoint_id
        JOIN posthorn.webhook_endpoints AS e ON e.id = s.endpoint_id
        WHERE s.any_failure
           OR s.wished
           OR h.consecutive_failures > 0
           OR h.consecutive_gone > 0
           OR h.in_flight_limit IS NOT NULL
           OR h.last_success_at IS NULL
           OR h.last_success_at < at - interval '10 seconds'
        ORDER BY h.endpoint_id
        FOR UPDATE OF h
    ),
    judged AS MATERIALIZED (
        SELECT l.*,
               CASE WHEN l.wished AND coalesce(l.was_reason, 'auto') = 'auto' THEN 'receiver'
                    WHEN l.was_disabled_at IS NOT NULL THEN NULL
                    WHEN l.new_gone >= 2 THEN 'gone'
                    WHEN limit_of_failures > 0 AND l.new_failures >= limit_of_failures THEN 'auto'
               END AS verdict
        FROM locked AS l
    ),
    -- Mostly none: each result is compared with each of them.
    switched AS MATERIALIZED (
        SELECT j.endpoint_id, j.was_disabled_at, j.verdict, j.tells
        FROM judged AS j
        WHERE j.was_disabled_at IS NOT NULL OR j.verdict IS NOT NULL
    ),
    health AS (
        UPDATE posthorn.webhook_endpoint_health AS h
        SET consecutive_failures = j.new_failures,
            consecutive_gone = j.new_gone,
            last_success_at = CASE WHEN j.any_success THEN at ELSE h.last_success_at END,
            last_failure_at = CASE WHEN j.any_failure THEN at ELSE h.last_failure_at END,
            last_error = coalesce(j.last_error, h.last_error),
            in_flight_limit = CASE
                WHEN j.any_timeout THEN 1
                WHEN j.any_overload THEN greatest(1, coalesce(h.in_flight_limit, j.max_in_flight) / 2)
                WHEN NOT j.any_success THEN h.in_flight_limit
                WHEN h.in_flight_limit * 2 < j.max_in_flight THEN h.in_flight_limit * 2
            END,
            disabled_at = CASE WHEN j.verdict IS NOT NULL THEN at ELSE h.disabled_at END,
            disabled_reason = coalesce(j.verdict, h.disabled_reason),
            probe_wait = CASE
                WHEN j.verdict = 'auto' AND first_probe > interval '0' THEN first_probe
                WHEN j.probe_failed AND j.was_reason = 'auto' THEN least(h.probe_wait * 2, interval '1 hour')
                ELSE h.probe_wait
            END,
            probe_at = CASE
                WHEN j.verdict = 'auto' AND first_probe > interval '0' THEN at + first_probe
                WHEN j.verdict = 'receiver' THEN NULL
                WHEN j.probe_failed AND j.was_reason = 'auto' THEN at + least(h.probe_wait * 2, interval '1 hour')
                ELSE h.probe_at
            END,
            probe_id = CASE WHEN NOT j.probe_failed THEN h.probe_id END,
            parking = h.parking OR j.verdict IS NOT NULL
        FROM judged AS j
        WHERE h.endpoint_id = j.endpoint_id
    ),
    settled AS MATERIALIZED (
        SELECT h.*, v.status, v.attempt, v.probe_failed,
               CASE
                   WHEN v.status NOT IN ('retrying', 'pending') OR v.parked THEN NULL
                   ELSE at + greatest(
                       posthorn.calculate_next_retry(v.attempt - h.ladder_start, e.retry_schedule, h.id),
                       make_interval(secs => least(coalesce(h.retry_after, 0), 86400)))
               END AS due,
               v.status IN ('retrying', 'pending') AND v.parked AS parked,
               v.status = 'dead_letter' AND e.on_dead_letter = 'pass' AS passed,
               j.verdict IS NOT NULL AND j.tells AS just_disabled
        FROM held AS h
        JOIN posthorn.webhook_endpoints AS e ON e.id = h.endpoint_id
        JOIN posthorn.webhook_endpoint_health AS before ON before.endpoint_id = h.endpoint_id
        LEFT JOIN switched AS j ON j.endpoint_id = h.endpoint_id
        CROSS JOIN LATERAL (
            -- Where somebody has switched the endpoint meanwhile it is an attempt like any other.
            SELECT h.probing
                   AND before.disabled_reason = 'auto'
                   AND NOT h.success
                   AND h.status_code IS DISTINCT FROM 410
                   AND h.error_class IS DISTINCT FROM 'receiver_aborted'
                   AND e.deleted_at IS NULL AS probe_failed
            OFFSET 0
        ) AS p
        CROSS JOIN LATERAL (
            SELECT p.probe_failed,
                   CASE WHEN p.probe_failed THEN h.attempt_count ELSE h.attempt_count + 1 END AS attempt,
                   p.probe_failed OR before.disabled_at IS NOT NULL OR j.was_disabled_at IS NOT NULL OR j.verdict IS NOT NULL AS parked,
                   (CASE
                       WHEN h.success THEN 'delivered'
                       WHEN p.probe_failed THEN CASE WHEN h.attempt_count = 0 THEN 'pending' ELSE 'retrying' END
                       WHEN h.status_code = 410 OR h.error_class IN ('url_refused', 'receiver_aborted') OR e.deleted_at IS NOT NULL THEN 'failed'
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
            position = CASE WHEN s.passed THEN 0 ELSE d.position END,
            attempt_count = s.attempt,
            lost_leases = 0,
            probing = false,
            dispatcher_id = CASE WHEN s.success THEN d.dispatcher_id END,
            lease_no = NULL,
            next_attempt_at = s.due,
            parked_at = CASE WHEN s.parked THEN at END,
            ended_at = CASE WHEN s.status IN ('delivered', 'failed', 'dead_letter') THEN at END,
            last_status_code = s.status_code,
            last_duration_ms = s.duration_ms,
            last_error = CASE WHEN s.success THEN NULL ELSE coalesce(s.error, s.error_class, 'HTTP ' || s.status_code) END,
            last_response = CASE WHEN s.success THEN s.response END
        FROM settled AS s
        WHERE d.stage = 'ready' AND d.ctid = s.row_id
    ),
    history AS (
        INSERT INTO posthorn.webhook_attempt_log
            (delivery_id, number, event_id, community_id, endpoint_id, dispatcher_id, recorded_at, status_code, duration_ms,
             outcome, error_class, error, response_excerpt)
        SELECT s.id, CASE WHEN NOT s.probe_failed THEN s.attempt END, s.event_id, s.community_id, s.endpoint_id, s.dispatcher, at,
               s.status_code, s.duration_ms, 'failed', coalesce(s.error_class, 'status'), s.error, s.response
        FROM settled AS s
        WHERE NOT s.success
    )
    SELECT s.id, s.status, false, s.due, s.endpoint_id, s.just_disabled,
           s.status = 'dead_letter' AND s.event_type NOT LIKE 'posthorn.%', s.probing AND s.success
    FROM settled AS s;
END
$$;

COMMENT ON FUNCTION posthorn.settle_mixed_results(uuid[], uuid[], bigint[], integer[], text[], text[], integer[], text[], integer[]) IS
    'sending → delivered, failed, dead_letter, retrying (waiting or parked): a batch in one statement. Returns those whose lease was still held.';

GRANT EXECUTE ON FUNCTION posthorn.calculate_next_retry(integer, interval[], uuid) TO posthorn_service, posthorn_member, posthorn_producer;
