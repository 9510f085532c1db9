-- Leases for senders that speak SQL only, and how leases end.

CREATE FUNCTION posthorn.register_sql_dispatcher(lease_seconds integer) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    dispatcher uuid := posthorn.generate_uuid_v7();
    at         timestamptz := posthorn.clock_now();
BEGIN
    IF lease_seconds IS NULL OR lease_seconds NOT BETWEEN 1 AND 3600 THEN
        RAISE EXCEPTION 'lease_seconds must be between 1 and 3600' USING ERRCODE = 'PH009';
    END IF;
    INSERT INTO posthorn.dispatchers (id, kind, name, heartbeat_at, expires_at)
    VALUES (dispatcher, 'sql', session_user, at, at + make_interval(secs => lease_seconds));
    RETURN dispatcher;
END
$$;

COMMENT ON FUNCTION posthorn.register_sql_dispatcher(integer) IS 'One lease of a SQL caller: a dispatcher without heartbeat that expires by itself.';

CREATE FUNCTION posthorn.leased_webhooks(dispatcher uuid)
RETURNS TABLE (
    delivery_id     uuid,
    token           text,
    event_id        uuid,
    community_id    uuid,
    endpoint_id     uuid,
    event_type      text,
    attempt         integer,
    claimed_at      timestamptz,
    url             text,
    body            text,
    headers         jsonb,
    secrets         jsonb,
    timeout_seconds integer
)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT d.id, dispatcher || '-1', d.event_id, d.community_id, d.endpoint_id, d.event_type, d.attempt_count + 1, h.heartbeat_at, e.url,
           posthorn.webhook_body(e.payload_format, v.id, v.community_id, v.event_type, v.created_at, v.payload),
           jsonb_build_object(
               'content-type', CASE e.payload_format WHEN 'cloudevents' THEN 'application/cloudevents+json' ELSE 'application/json' END,
               'webhook-id', d.event_id,
               'webhook-timestamp', floor(extract(epoch FROM h.heartbeat_at))::bigint::text,
               'posthorn-delivery-id', d.id,
               'posthorn-attempt', (d.attempt_count + 1)::text),
           posthorn.endpoint_secret_ciphertexts(d.endpoint_id),
           e.timeout_seconds
    FROM posthorn.webhook_deliveries AS d
    JOIN posthorn.dispatchers AS h ON h.id = dispatcher
    JOIN posthorn.webhook_endpoints AS e ON e.id = d.endpoint_id
    LEFT JOIN posthorn.webhook_events AS v ON v.id = d.event_id
    WHERE d.stage = 'ready' AND d.dispatcher_id = dispatcher
    ORDER BY d.position
$$;

COMMENT ON FUNCTION posthorn.leased_webhooks(uuid) IS 'All that a sender needs of what a SQL caller has just leased.';

CREATE FUNCTION posthorn.get_pending_webhooks(batch integer DEFAULT 100, lease_seconds integer DEFAULT 60)
RETURNS TABLE (
    delivery_id     uuid,
    token           text,
    event_id        uuid,
    community_id    uuid,
    endpoint_id     uuid,
    event_type      text,
    attempt         integer,
    claimed_at      timestamptz,
    url             text,
    body            text,
    headers         jsonb,
    secrets         jsonb,
    timeout_seconds integer
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    dispatcher uuid;
    lanes      uuid[];
    leased     integer := 0;
BEGIN
    IF batch IS NULL OR batch NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'batch must be between 1 and 1000' USING ERRCODE = 'PH009';
    END IF;
    PERFORM posthorn.rescue_lost_leases();
    dispatcher := posthorn.register_sql_dispatcher(lease_seconds);
    FOR attempt IN 1 .. 5 LOOP
        BEGIN
            PERFORM posthorn.promote_due_deliveries(1000);
            -- By chance, so that those at the front do not always go first.
            SELECT coalesce(array_agg(s.lane ORDER BY random()), '{}') INTO lanes FROM posthorn.sweep_webhook_lanes() AS s;
            SELECT count(*) INTO leased
            FROM posthorn.lease_ready_deliveries(
                dispatcher, 1, batch, 16777216, lanes, array_fill(0::bigint, ARRAY[cardinality(lanes)]),
                '{}', array_fill(0, ARRAY[cardinality(lanes)]), false) AS l
            WHERE l.delivery_id IS NOT NULL;
            EXIT;
        EXCEPTION
            WHEN serialization_failure THEN
                leased := 0;
        END;
    END LOOP;
    IF leased = 0 THEN
        DELETE FROM posthorn.dispatchers AS d WHERE d.id = dispatcher;
    END IF;
    RETURN QUERY SELECT * FROM posthorn.leased_webhooks(dispatcher);
END
$$;

COMMENT ON FUNCTION posthorn.get_pending_webhooks(integer, integer) IS
    'Leases up to batch due deliveries (FOR UPDATE SKIP LOCKED) for lease_seconds and returns all that a sender needs. Report each with record_webhook_result and its token; what is not reported in time is leased to somebody else. Secrets are ciphertext: sign with a secret of your own, or open them with Posthorn''s master key.';

CREATE FUNCTION posthorn.process_webhook_delivery(id uuid, lease_seconds integer DEFAULT 60)
RETURNS TABLE (
    delivery_id     uuid,
    token           text,
    event_id        uuid,
    community_id    uuid,
    endpoint_id     uuid,
    event_type      text,
    attempt         integer,
    claimed_at      timestamptz,
    url             text,
    body            text,
    headers         jsonb,
    secrets         jsonb,
    timeout_seconds integer
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    wanted     constant uuid := id;
    dispatcher uuid;
    held       posthorn.webhook_deliveries;
BEGIN
    PERFORM posthorn.rescue_lost_leases();
    SELECT d.* INTO held FROM posthorn.webhook_deliveries AS d WHERE d.id = wanted FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no delivery %', wanted USING ERRCODE = 'PH006';
    END IF;
    IF held.stage NOT IN ('ready', 'waiting') OR held.status = 'sending' THEN
        RAISE EXCEPTION 'delivery % cannot be sent now: it is %', wanted,
            CASE WHEN held.parked_at IS NOT NULL THEN 'parked, because its endpoint is disabled' ELSE held.status::text END
            USING ERRCODE = 'PH007',
                  HINT = CASE
                      WHEN held.status IN ('dead_letter', 'failed') THEN 'retry_dead_letter gives it new attempts.'
                      WHEN held.parked_at IS NOT NULL THEN 'enable_webhook_endpoint brings it back.'
                      ELSE 'What is under way comes back by itself if its sender is lost.'
                  END;
    END IF;
    dispatcher := posthorn.register_sql_dispatcher(lease_seconds);
    UPDATE posthorn.webhook_deliveries AS d
    SET stage = 'ready', status = 'sending', dispatcher_id = dispatcher, lease_no = 1,
        position = CASE WHEN held.stage = 'ready' THEN d.position ELSE nextval('posthorn.webhook_delivery_position') END
    WHERE d.id = wanted AND d.stage = held.stage;
    RETURN QUERY SELECT * FROM posthorn.leased_webhooks(dispatcher);
END
$$;

COMMENT ON FUNCTION posthorn.process_webhook_delivery(uuid, integer) IS
    'Leases one delivery, due or not, as get_pending_webhooks leases a batch. Errors: PH006 no such delivery, PH007 under way, parked or ended.';

CREATE FUNCTION posthorn.renew_webhook_leases(tokens text[], lease_seconds integer DEFAULT 60) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at      timestamptz := posthorn.clock_now();
    renewed integer;
BEGIN
    IF lease_seconds IS NULL OR lease_seconds NOT BETWEEN 1 AND 3600 THEN
        RAISE EXCEPTION 'lease_seconds must be between 1 and 3600' USING ERRCODE = 'PH009';
    END IF;
    PERFORM posthorn.refuse_malformed_tokens(tokens);
    UPDATE posthorn.dispatchers AS d
    SET heartbeat_at = at, expires_at = at + make_interval(secs => lease_seconds)
    WHERE d.kind = 'sql'
      AND d.expires_at > at
      AND d.id IN (SELECT posthorn.dispatcher_of_token(u.token) FROM unnest(tokens) AS u (token));
    GET DIAGNOSTICS renewed = ROW_COUNT;
    RETURN renewed;
END
$$;

COMMENT ON FUNCTION posthorn.renew_webhook_leases(text[], integer) IS
    'Prolongs leases to lease_seconds from now and returns how many were still held. A whole batch of get_pending_webhooks shares one token.';

CREATE FUNCTION posthorn.refuse_malformed_tokens(tokens text[]) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog
AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(tokens) AS t (token)
               WHERE t.token IS NULL OR t.token !~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-[0-9]{1,18}$')
    THEN
        RAISE EXCEPTION 'a token looks like <uuid>-<number>, as get_pending_webhooks returned it' USING ERRCODE = 'PH009';
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.refuse_malformed_tokens(text[]) IS 'Raises PH009 unless all are tokens of leases.';

CREATE FUNCTION posthorn.dispatcher_of_token(token text) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN left(token, 36)::uuid;

COMMENT ON FUNCTION posthorn.dispatcher_of_token(text) IS 'The first part of a lease''s token.';

CREATE FUNCTION posthorn.lease_of_token(token text) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN substring(token FROM 38)::bigint;

COMMENT ON FUNCTION posthorn.lease_of_token(text) IS 'The second part of a lease''s token.';

CREATE FUNCTION posthorn.release_webhook_leases(
    ids           uuid[],
    tokens        text[],
    error_classes text[] DEFAULT NULL,
    errors        text[] DEFAULT NULL,
    durations_ms  integer[] DEFAULT NULL
)
RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    released integer;
BEGIN
    PERFORM posthorn.refuse_malformed_tokens(tokens);
    WITH held AS MATERIALIZED (
        SELECT d.id, d.event_id, d.community_id, d.endpoint_id, d.dispatcher_id, i.error_class, i.error, i.duration_ms
        FROM unnest(ids, tokens, error_classes, errors, durations_ms) AS i (id, token, error_class, error, duration_ms)
        JOIN posthorn.webhook_deliveries AS d
            ON d.stage = 'ready' AND d.id = i.id
            AND d.dispatcher_id = posthorn.dispatcher_of_token(i.token) AND d.lease_no = posthorn.lease_of_token(i.token)
        ORDER BY d.id
        FOR UPDATE OF d
    ),
    tried AS (
        INSERT INTO posthorn.webhook_attempt_log
            (delivery_id, event_id, community_id, endpoint_id, dispatcher_id, recorded_at, duration_ms, outcome, error_class, error)
        SELECT h.id, h.event_id, h.community_id, h.endpoint_id, h.dispatcher_id, posthorn.clock_now(), h.duration_ms, 'unsent',
               left(h.error_class, 100), left(h.error, 500)
        FROM held AS h
        WHERE h.error_class IS NOT NULL
    )
    UPDATE posthorn.webhook_deliveries AS d
    SET status = CASE WHEN d.attempt_count = 0 THEN 'pending' ELSE 'retrying' END::posthorn.webhook_status,
        dispatcher_id = NULL, lease_no = NULL
    FROM held
    WHERE d.stage = 'ready' AND d.id = held.id;
    GET DIAGNOSTICS released = ROW_COUNT;
    IF released > 0 THEN
        PERFORM posthorn.wake_dispatchers();
    END IF;
    RETURN released;
END
$$;

COMMENT ON FUNCTION posthorn.release_webhook_leases(uuid[], text[], text[], text[], integer[]) IS
    'sending → pending, retrying: gives leased deliveries back; no attempt is used. Where an error class says that it was tried and the sender''s own side failed, that is kept in the history as unsent.';

GRANT EXECUTE ON FUNCTION
    posthorn.get_pending_webhooks(integer, integer),
    posthorn.process_webhook_delivery(uuid, integer),
    posthorn.renew_webhook_leases(text[], integer),
    posthorn.release_webhook_leases(uuid[], text[], text[], text[], integer[])
TO posthorn_service;
