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

-- Endpoint secrets come with the vault; see the migration that creates it.
COMMENT ON FUNCTION posthorn.leased_webhooks(uuid) IS 'All that a sender needs of what a SQL caller has just leased.';
