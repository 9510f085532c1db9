-- Who sees and changes what. Nobody but the functions of this schema writes events, deliveries, attempts or health: the state machine cannot be bypassed.

DO $policies$
DECLARE
    secured text;
BEGIN
    FOREACH secured IN ARRAY ARRAY[
        'event_types', 'webhook_endpoints', 'webhook_endpoint_health', 'webhook_events', 'webhook_deliveries',
        'webhook_attempt_log', 'webhook_subscriptions', 'webhook_idempotency_keys', 'webhook_filter_errors', 'webhook_lane_turns',
        'queue_epoch', 'dispatchers'
    ] LOOP
        EXECUTE format('ALTER TABLE posthorn.%I ENABLE ROW LEVEL SECURITY', secured);
        EXECUTE format('ALTER TABLE posthorn.%I FORCE ROW LEVEL SECURITY', secured);
        EXECUTE format('CREATE POLICY %I ON posthorn.%I TO CURRENT_USER USING (true) WITH CHECK (true)', secured || '_owner', secured);
        EXECUTE format('CREATE POLICY %I ON posthorn.%I TO posthorn_service USING (true) WITH CHECK (true)', secured || '_service', secured);
    END LOOP;

    FOREACH secured IN ARRAY ARRAY[
        'webhook_endpoints', 'webhook_endpoint_health', 'webhook_events', 'webhook_deliveries', 'webhook_attempt_log'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY %I ON posthorn.%I FOR SELECT TO posthorn_member
                 USING (community_id IN (SELECT posthorn.permitted_communities(%L)))',
            secured || '_member_read', secured,
            CASE secured WHEN 'webhook_events' THEN 'events:read' ELSE 'webhooks:read' END);
        EXECUTE format('GRANT SELECT ON posthorn.%I TO posthorn_service, posthorn_member', secured);
    END LOOP;

    -- A partition can be named directly; with no policy and no grant it then shows nothing, except to the functions that claim.
    FOREACH secured IN ARRAY ARRAY[
        'webhook_deliveries_ready', 'webhook_deliveries_waiting', 'webhook_deliveries_parked',
        'webhook_deliveries_dead', 'webhook_deliveries_ended'
    ] LOOP
        EXECUTE format('ALTER TABLE posthorn.%I ENABLE ROW LEVEL SECURITY', secured);
        EXECUTE format('ALTER TABLE posthorn.%I FORCE ROW LEVEL SECURITY', secured);
        EXECUTE format('CREATE POLICY %I ON posthorn.%I TO CURRENT_USER USING (true) WITH CHECK (true)', secured || '_owner', secured);
        EXECUTE format('COMMENT ON TABLE posthorn.%I IS %L', secured, 'Partition of webhook_deliveries; read and written through it only.');
    END LOOP;
END
$policies$;

GRANT SELECT ON posthorn.webhook_attempts TO posthorn_service, posthorn_member;

CREATE POLICY event_types_member_read ON posthorn.event_types FOR SELECT TO posthorn_member USING (true);
CREATE POLICY webhook_endpoints_member_insert ON posthorn.webhook_endpoints FOR INSERT TO posthorn_member
    WITH CHECK (community_id IN (SELECT posthorn.permitted_communities('webhooks:write')));
CREATE POLICY webhook_endpoints_member_update ON posthorn.webhook_endpoints FOR UPDATE TO posthorn_member
    USING (community_id IN (SELECT posthorn.permitted_communities('webhooks:write')))
    WITH CHECK (community_id IN (SELECT posthorn.permitted_communities('webhooks:write')));

GRANT SELECT, INSERT, UPDATE, DELETE ON posthorn.event_types TO posthorn_service;
GRANT SELECT ON posthorn.event_types TO posthorn_member;
GRANT INSERT, UPDATE ON posthorn.webhook_endpoints TO posthorn_service;
-- The community of an endpoint is fixed at its creation.
GRANT INSERT ON posthorn.webhook_endpoints TO posthorn_member;
GRANT UPDATE (url, description, event_types, filter, payload_format, max_in_flight, timeout_seconds, max_attempts,
              retry_schedule, rate_limit, rate_period, ordering, ordering_key, on_dead_letter, signature_schemes, signature_header,
              trusted_ca, enabled, deleted_at) ON posthorn.webhook_endpoints TO posthorn_member;
GRANT SELECT ON posthorn.dispatchers, posthorn.webhook_idempotency_keys TO posthorn_service;
