-- Recording: settles results, parks what else waits for an endpoint that was just disabled, and tells its owner.

CREATE FUNCTION posthorn.queue_operational_event(community uuid, event_type text, payload jsonb, about uuid) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT posthorn.store_webhook_events(ARRAY[community], ARRAY[event_type], ARRAY[payload::text], ARRAY[NULL::text], about)
$$;

COMMENT ON FUNCTION posthorn.queue_operational_event(uuid, text, jsonb, uuid) IS
    'Queues an event of Posthorn''s own to the endpoints that subscribe to it by name, except the one it is about.';

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
    answers          posthorn.settled_result[];
    disabled         uuid[];
    dead             uuid[];
    subject          record;
    at               timestamptz;
BEGIN
    IF cardinality(tokens) IS DISTINCT FROM cardinality(ids)
        OR cardinality(coalesce(status_codes, '{}')) NOT IN (0, cardinality(ids))
        OR cardinality(coalesce(error_classes, '{}')) NOT IN (0, cardinality(ids))
    THEN
        RAISE EXCEPTION 'ids, tokens and the other arrays must have the same length' USING ERRCODE = 'PH009';
    END IF;
    FOR attempt IN 1 .. 5 LOOP
        BEGIN
            SELECT array_agg(s)
            INTO answers
            FROM posthorn.settle_webhook_results(
                ids, tokens, status_codes, error_classes, errors, durations_ms, response_excerpts, retry_afters) AS s;
            EXIT;
        EXCEPTION
            -- A row that we waited for has moved to another partition: under a new snapshot it is superseded.
            WHEN serialization_failure THEN
                IF attempt = 5 THEN
                    RAISE;
                END IF;
        END;
    END LOOP;

    SELECT array_agg(DISTINCT a.endpoint_id) FILTER (WHERE a.just_disabled),
           array_agg(a.delivery_id) FILTER (WHERE a.dead_lettered)
    INTO disabled, dead
    FROM unnest(answers) AS a;

    IF disabled IS NOT NULL OR dead IS NOT NULL THEN
        at := posthorn.clock_now();
        FOR subject IN
            UPDATE posthorn.webhook_endpoint_health AS h
            SET told_disabled_at = at
            WHERE h.endpoint_id = ANY (disabled) AND (h.told_disabled_at IS NULL OR h.told_disabled_at <= at - interval '5 minutes')
            RETURNING h.*
        LOOP
            PERFORM posthorn.queue_operational_event(
                subject.community_id, 'posthorn.endpoint.disabled',
                jsonb_build_object(
                    'endpoint_id', subject.endpoint_id, 'reason', subject.disabled_reason, 'disabled_at', subject.disabled_at,
                    'consecutive_failures', subject.consecutive_failures, 'last_error', subject.last_error),
                subject.endpoint_id);
        END LOOP;
        FOR subject IN
            WITH told AS (
                UPDATE posthorn.webhook_endpoint_health AS h
                SET told_dead_lettered_at = at
                FROM (SELECT DISTINCT a.endpoint_id FROM unnest(answers) AS a WHERE a.dead_lettered) AS n
                WHERE h.endpoint_id = n.endpoint_id
                  AND (h.told_dead_lettered_at IS NULL OR h.told_dead_lettered_at <= at - interval '5 minutes')
                RETURNING h.endpoint_id
            )
            SELECT DISTINCT ON (d.endpoint_id) d.*
            FROM told
            JOIN posthorn.webhook_deliveries AS d ON d.endpoint_id = told.endpoint_id
            WHERE d.stage = 'dead' AND d.id = ANY (dead)
            ORDER BY d.endpoint_id, d.id
        LOOP
            PERFORM posthorn.queue_operational_event(
                subject.community_id, 'posthorn.delivery.dead_lettered',
                jsonb_build_object(
                    'delivery_id', subject.id, 'endpoint_id', subject.endpoint_id, 'event_id', subject.event_id,
                    'event_type', subject.event_type, 'attempts', subject.attempt_count, 'last_error', subject.last_error,
                    'dead_lettered_at', subject.ended_at),
                subject.endpoint_id);
        END LOOP;
        PERFORM posthorn.settle_endpoint_backlog(e.id, 1000) FROM unnest(disabled) AS e (id);
    END IF;

    RETURN QUERY SELECT a.delivery_id, a.status, a.superseded, a.next_attempt_at FROM unnest(answers) AS a;
END
$$;

COMMENT ON FUNCTION posthorn.record_webhook_results(uuid[], text[], integer[], text[], text[], integer[], text[], integer[]) IS
    'Records the results of a batch of attempts, in the order of their completion. 2xx without an error class is success; 410 and the class url_refused end a delivery as failed; everything else follows the schedule, no sooner than retry_afters (seconds, at most a day). A result whose token is no longer its delivery''s is kept as superseded and changes no state.';

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
    WHERE r.delivery_id IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no delivery %', id USING ERRCODE = 'PH006';
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.record_webhook_result(uuid, text, integer, text, text, integer, text, integer) IS
    'Records one attempt''s result; see record_webhook_results. Errors: PH006 no such delivery, PH009 neither status_code nor error_class, or a malformed token.';

GRANT EXECUTE ON FUNCTION
    posthorn.record_webhook_results(uuid[], text[], integer[], text[], text[], integer[], text[], integer[]),
    posthorn.record_webhook_result(uuid, text, integer, text, text, integer, text, integer)
TO posthorn_service;
