-- Recording: settles results, parks what else waits for an endpoint that was just disabled, and tells its owner.

CREATE FUNCTION posthorn.queue_operational_event(community uuid, event_type text, payload jsonb, about uuid) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT posthorn.store_webhook_events(ARRAY[community], ARRAY[event_type], ARRAY[payload::text], ARRAY[NULL::text], about)
$$;

COMMENT ON FUNCTION posthorn.queue_operational_event(uuid, text, jsonb, uuid) IS
    'Queues an event of Posthorn''s own to the endpoints that subscribe to it by name, except the one it is about.';

CREATE FUNCTION posthorn.tell_of_disabled_endpoints(endpoints uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at      constant timestamptz := posthorn.clock_now();
    subject record;
BEGIN
    FOR subject IN
        UPDATE posthorn.webhook_endpoint_health AS h
        SET told_disabled_at = at
        WHERE h.endpoint_id = ANY (endpoints) AND (h.told_disabled_at IS NULL OR h.told_disabled_at <= at - interval '5 minutes')
        RETURNING h.*
    LOOP
        PERFORM posthorn.queue_operational_event(
            subject.community_id, 'posthorn.endpoint.disabled',
            jsonb_build_object(
                'endpoint_id', subject.endpoint_id, 'reason', subject.disabled_reason, 'disabled_at', subject.disabled_at,
                'consecutive_failures', subject.consecutive_failures, 'last_error', subject.last_error),
            subject.endpoint_id);
    END LOOP;
END
$$;

COMMENT ON FUNCTION posthorn.tell_of_disabled_endpoints(uuid[]) IS
    'Queues posthorn.endpoint.disabled for each endpoint, at most once in 5 minutes.';

CREATE FUNCTION posthorn.tell_of_dead_letters(ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at      constant timestamptz := posthorn.clock_now();
    subject record;
BEGIN
    FOR subject IN
        WITH letters AS MATERIALIZED (
            SELECT DISTINCT ON (d.endpoint_id) d.*
            FROM posthorn.webhook_deliveries AS d
            WHERE d.stage = 'dead' AND d.id = ANY (ids)
            ORDER BY d.endpoint_id, d.id
        ),
        told AS (
            UPDATE posthorn.webhook_endpoint_health AS h
            SET told_dead_lettered_at = at
            FROM letters AS l
            WHERE h.endpoint_id = l.endpoint_id
              AND (h.told_dead_lettered_at IS NULL OR h.told_dead_lettered_at <= at - interval '5 minutes')
            RETURNING h.endpoint_id
        )
        SELECT l.* FROM letters AS l JOIN told AS t ON t.endpoint_id = l.endpoint_id
    LOOP
        PERFORM posthorn.queue_operational_event(
            subject.community_id, 'posthorn.delivery.dead_lettered',
            jsonb_build_object(
                'delivery_id', subject.id, 'endpoint_id', subject.endpoint_id, 'event_id', subject.event_id,
                'event_type', subject.event_type, 'attempts', subject.attempt_count, 'last_error', subject.last_error,
                'dead_lettered_at', subject.ended_at),
            subject.endpoint_id);
    END LOOP;
END
$$;

COMMENT ON FUNCTION posthorn.tell_of_dead_letters(uuid[]) IS
    'Queues posthorn.delivery.dead_lettered, one for each endpoint, at most once in 5 minutes.';

CREATE FUNCTION posthorn.unlocked_endpoints(endpoints uuid[]) RETURNS SETOF uuid
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT h.endpoint_id FROM posthorn.webhook_endpoint_health AS h WHERE h.endpoint_id = ANY (endpoints) FOR UPDATE SKIP LOCKED
$$;

COMMENT ON FUNCTION posthorn.unlocked_endpoints(uuid[]) IS
    'For nodes: those of the endpoints whose health nobody has locked, so that results of them can be recorded. The locks that it takes end with its transaction.';

GRANT EXECUTE ON FUNCTION posthorn.unlocked_endpoints(uuid[]) TO posthorn_service;

CREATE FUNCTION posthorn.record_claimed_results(
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
RETURNS TABLE (
    delivery_id     uuid,
    status          posthorn.webhook_status,
    superseded      boolean,
    next_attempt_at timestamptz
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    all_well constant boolean := NOT EXISTS (
        SELECT FROM unnest(status_codes, error_classes) AS r (status_code, error_class)
        WHERE r.error_class IS NOT NULL OR r.status_code IS NULL OR r.status_code NOT BETWEEN 200 AND 299);
    answers   posthorn.settled_result[];
    held      uuid[];
    disabled  uuid[];
    dead      uuid[];
    recovered uuid[];
BEGIN
    FOR attempt IN 1 .. 5 LOOP
        BEGIN
            IF all_well THEN
                SELECT array_agg(s.delivery_id), array_agg(DISTINCT s.endpoint_id) FILTER (WHERE s.probing)
                INTO held, recovered
                FROM posthorn.settle_successes(ids, dispatchers, leases, status_codes, durations_ms, responses) AS s;
            ELSE
                SELECT array_agg(s), array_agg(s.delivery_id),
                       array_agg(DISTINCT s.endpoint_id) FILTER (WHERE s.just_disabled),
                       array_agg(s.delivery_id) FILTER (WHERE s.dead_lettered),
                       array_agg(DISTINCT s.endpoint_id) FILTER (WHERE s.recovered)
                INTO answers, held, disabled, dead, recovered
                FROM posthorn.settle_mixed_results(
                    ids, dispatchers, leases, status_codes, error_classes, errors, durations_ms, responses, retry_afters) AS s;
            END IF;
            EXIT;
        EXCEPTION
            -- A row that we waited for has moved to another partition: under a new snapshot it is superseded.
            WHEN serialization_failure THEN
                IF attempt = 5 THEN
                    RAISE;
                END IF;
        END;
    END LOOP;

    IF disabled IS NOT NULL THEN
        PERFORM posthorn.tell_of_disabled_endpoints(disabled);
        PERFORM posthorn.settle_endpoint_backlog(e.id, 1000) FROM unnest(disabled) AS e (id);
    END IF;
    IF dead IS NOT NULL THEN
        PERFORM posthorn.tell_of_dead_letters(dead);
    END IF;
    IF recovered IS NOT NULL THEN
        PERFORM posthorn.close_circuit(e.id) FROM unnest(recovered) AS e (id);
    END IF;

    RETURN QUERY
    SELECT a.delivery_id, a.status, false, a.next_attempt_at FROM unnest(answers) AS a WHERE a.status <> 'delivered';

    IF coalesce(cardinality(held), 0) < cardinality(ids) THEN
        -- A result whose lease was lost is kept, so that a duplicate can be explained, and changes nothing.
        RETURN QUERY
        WITH lost AS MATERIALIZED (
            SELECT r.id, r.dispatcher, r.status_code, r.error_class, r.error, r.duration_ms, r.response,
                   d.status, d.next_attempt_at, d.event_id, d.community_id, d.endpoint_id
            FROM unnest(ids, dispatchers, status_codes, error_classes, errors, durations_ms, responses)
                     AS r (id, dispatcher, status_code, error_class, error, duration_ms, response)
            LEFT JOIN posthorn.webhook_deliveries AS d ON d.id = r.id
            WHERE NOT r.id = ANY (coalesce(held, '{}'))
        ),
        kept AS (
            INSERT INTO posthorn.webhook_attempt_log
                (delivery_id, event_id, community_id, endpoint_id, dispatcher_id, recorded_at, status_code, duration_ms,
                 outcome, error_class, error, response_excerpt)
            SELECT l.id, l.event_id, l.community_id, l.endpoint_id, l.dispatcher, posthorn.clock_now(), l.status_code, l.duration_ms,
                   'superseded', l.error_class, left(l.error, 500), left(l.response, 4096)
            FROM lost AS l
            WHERE l.status IS NOT NULL
        )
        SELECT l.id, l.status, true, l.next_attempt_at FROM lost AS l;
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.record_claimed_results(uuid[], uuid[], bigint[], integer[], text[], text[], integer[], text[], integer[]) IS
    'For nodes: records the results of a batch of attempts, in the order of their completion, and returns those that were not simply delivered. See record_webhook_results.';

CREATE FUNCTION posthorn.record_webhook_results(
    ids               uuid[],
    tokens            text[],
    status_codes      integer[] DEFAULT NULL,
    error_classes     text[] DEFAULT NULL,
    errors            text[] DEFAULT NULL,
    durations_ms      integer[] DEFAULT NULL,
    response_excerpts text[] DEFAULT NULL,
    retry_afters      integer[] DEFAULT NULL
)
RETURNS TABLE (
    delivery_id     uuid,
    status          posthorn.webhook_status,
    superseded      boolean,
    next_attempt_at timestamptz
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    size   constant integer := cardinality(ids);
    absent constant text[] := array_fill(NULL::text, ARRAY[size]);
BEGIN
    IF cardinality(tokens) IS DISTINCT FROM size
        OR size <> ALL (ARRAY[
            coalesce(cardinality(status_codes), size), coalesce(cardinality(error_classes), size), coalesce(cardinality(errors), size),
            coalesce(cardinality(durations_ms), size), coalesce(cardinality(response_excerpts), size), coalesce(cardinality(retry_afters), size)])
    THEN
        RAISE EXCEPTION 'ids, tokens and the other arrays must have the same length' USING ERRCODE = 'PH009';
    END IF;
    PERFORM posthorn.refuse_malformed_tokens(tokens);
    RETURN QUERY
    SELECT i.id, coalesce(r.status, CASE WHEN r.delivery_id IS NULL THEN 'delivered'::posthorn.webhook_status END),
           coalesce(r.superseded, false), r.next_attempt_at
    FROM unnest(ids) WITH ORDINALITY AS i (id, ordinal)
    LEFT JOIN posthorn.record_claimed_results(
            ids,
            ARRAY(SELECT posthorn.dispatcher_of_token(t.token) FROM unnest(tokens) WITH ORDINALITY AS t (token, ordinal) ORDER BY t.ordinal),
            ARRAY(SELECT posthorn.lease_of_token(t.token) FROM unnest(tokens) WITH ORDINALITY AS t (token, ordinal) ORDER BY t.ordinal),
            coalesce(status_codes, absent::integer[]), coalesce(error_classes, absent), coalesce(errors, absent),
            coalesce(durations_ms, absent::integer[]), coalesce(response_excerpts, absent), coalesce(retry_afters, absent::integer[])) AS r
        ON r.delivery_id = i.id
    ORDER BY i.ordinal;
END
$$;

COMMENT ON FUNCTION posthorn.record_webhook_results(uuid[], text[], integer[], text[], text[], integer[], text[], integer[]) IS
    'Records the results of a batch of attempts, in the order of their completion. 2xx without an error class is success; 410 and the classes url_refused and receiver_aborted end a delivery as failed; receiver_disabled disables the endpoint, and with 2xx is a success besides; everything else follows the schedule, no sooner than retry_afters (seconds, at most a day). A result whose token is no longer its delivery''s is kept as superseded and changes no state; the status of a delivery that does not exist is null.';

CREATE FUNCTION posthorn.record_webhook_result(
    id                  uuid,
    token               text,
    status_code         integer DEFAULT NULL,
    error_class         text DEFAULT NULL,
    error               text DEFAULT NULL,
    duration_ms         integer DEFAULT NULL,
    response_excerpt    text DEFAULT NULL,
    retry_after_seconds integer DEFAULT NULL
)
RETURNS TABLE (
    delivery_id     uuid,
    status          posthorn.webhook_status,
    superseded      boolean,
    next_attempt_at timestamptz
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    IF status_code IS NULL AND error_class IS NULL THEN
        RAISE EXCEPTION 'a result needs status_code, or error_class where there was no answer'
            USING ERRCODE = 'PH009', HINT = 'Such as error_class => ''timeout''.';
    END IF;
    RETURN QUERY
    SELECT r.*
    FROM posthorn.record_webhook_results(
        ARRAY[id], ARRAY[token], ARRAY[status_code], ARRAY[error_class], ARRAY[error], ARRAY[duration_ms],
        ARRAY[response_excerpt], ARRAY[retry_after_seconds]) AS r
    WHERE r.status IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no delivery %', id USING ERRCODE = 'PH006';
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.record_webhook_result(uuid, text, integer, text, text, integer, text, integer) IS
    'Records one attempt''s result; see record_webhook_results. Errors: PH006 no such delivery, PH009 neither status_code nor error_class, or a malformed token.';

GRANT EXECUTE ON FUNCTION
    posthorn.record_claimed_results(uuid[], uuid[], bigint[], integer[], text[], text[], integer[], text[], integer[]),
    posthorn.record_webhook_results(uuid[], text[], integer[], text[], text[], integer[], text[], integer[]),
    posthorn.record_webhook_result(uuid, text, integer, text, text, integer, text, integer)
TO posthorn_service;
