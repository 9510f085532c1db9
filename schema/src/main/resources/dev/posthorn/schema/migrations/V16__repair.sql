-- Repair by hand: give dead letters new attempts, cancel, switch endpoints. For services and for people with webhooks:write there;
-- to everybody else each thing is as if it did not exist.

-- Inside SECURITY DEFINER functions current_user is the owner; the role of SET ROLE, or else the login, is who asks.
CREATE FUNCTION posthorn.caller_may(permission text, community uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT pg_has_role(
               CASE coalesce(current_setting('role', true), 'none') WHEN 'none' THEN session_user ELSE current_setting('role') END,
               'posthorn_service', 'USAGE')
        OR community IN (SELECT posthorn.permitted_communities(permission))
$$;

COMMENT ON FUNCTION posthorn.caller_may(text, uuid) IS
    'has_permission for use inside SECURITY DEFINER functions: whether who called from outside is a service or holds the permission in the community.';

-- Enables what was disabled automatically or by 410; what its owner disabled stays so.
CREATE FUNCTION posthorn.revive_webhook_endpoint(endpoint uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM posthorn.webhook_endpoint_health AS h
        JOIN posthorn.webhook_endpoints AS e ON e.id = h.endpoint_id
        WHERE h.endpoint_id = endpoint AND h.disabled_reason IN ('auto', 'gone') AND e.deleted_at IS NULL
    ) THEN
        PERFORM posthorn.switch_webhook_endpoint(endpoint, NULL);
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.revive_webhook_endpoint(uuid) IS 'Enables an endpoint that was disabled automatically or by 410.';

CREATE FUNCTION posthorn.give_new_attempts(ids uuid[]) RETURNS SETOF uuid
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT posthorn.revive_webhook_endpoint(l.endpoint_id)
    FROM (SELECT DISTINCT d.endpoint_id FROM posthorn.webhook_deliveries AS d
          WHERE d.id = ANY (ids) AND d.stage IN ('dead', 'ended')
          ORDER BY d.endpoint_id) AS l;

    WITH ended AS MATERIALIZED (
        SELECT d.id, d.stage, h.disabled_at IS NOT NULL AS disabled,
               d.ordered_lane IS NOT NULL AND d.stage = 'dead' AND d.position > 0 AND e.on_dead_letter = 'hold' AS held_lane
        FROM posthorn.webhook_deliveries AS d
        JOIN posthorn.webhook_endpoints AS e ON e.id = d.endpoint_id AND e.deleted_at IS NULL
        JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = e.id
        JOIN posthorn.webhook_events AS v ON v.id = d.event_id
        WHERE d.id = ANY (ids) AND d.stage IN ('dead', 'ended')
        ORDER BY d.id
        FOR UPDATE OF d
    ),
    -- A success stands in its delivery as long as that is its end.
    kept AS (
        INSERT INTO posthorn.webhook_attempt_log
            (delivery_id, number, event_id, community_id, endpoint_id, dispatcher_id, recorded_at, status_code, duration_ms,
             outcome, response_excerpt)
        SELECT d.id, d.attempt_count, d.event_id, d.community_id, d.endpoint_id, d.dispatcher_id, d.ended_at, d.last_status_code,
               d.last_duration_ms, 'delivered', d.last_response
        FROM ended AS l
        JOIN posthorn.webhook_deliveries AS d ON d.id = l.id AND d.stage = l.stage
        WHERE d.status = 'delivered'
    )
    UPDATE posthorn.webhook_deliveries AS d
    SET stage = (CASE WHEN l.disabled THEN 'parked' ELSE 'ready' END)::posthorn.delivery_stage,
        status = (CASE WHEN d.attempt_count = 0 THEN 'pending' ELSE 'retrying' END)::posthorn.webhook_status,
        dispatcher_id = NULL,
        max_attempts = d.attempt_count + 3,
        ladder_start = d.attempt_count,
        -- To the end of its lane, unless that one has waited for it.
        position = CASE WHEN l.held_lane THEN d.position ELSE nextval('posthorn.webhook_delivery_position') END,
        next_attempt_at = CASE WHEN NOT l.disabled THEN c.at END,
        parked_at = CASE WHEN l.disabled THEN c.at END,
        ended_at = NULL,
        last_response = NULL
    FROM ended AS l
    CROSS JOIN (SELECT posthorn.clock_now() AS at OFFSET 0) AS c
    WHERE d.id = l.id AND d.stage = l.stage AND d.stage IN ('dead', 'ended')
    RETURNING d.id;
$$;

COMMENT ON FUNCTION posthorn.give_new_attempts(uuid[]) IS
    'dead_letter, failed, delivered → pending, retrying: three new attempts, the schedule from its beginning, the first one now; parked where the endpoint is disabled by hand.';

CREATE FUNCTION posthorn.retry_dead_letter(id uuid)
RETURNS TABLE (delivery_id uuid, status posthorn.webhook_status, parked boolean, max_attempts integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    wanted constant uuid := $1;
    letter  record;
BEGIN
    SELECT d.status, d.community_id, e.deleted_at, v.id AS event_id INTO letter
    FROM posthorn.webhook_deliveries AS d
    JOIN posthorn.webhook_endpoints AS e ON e.id = d.endpoint_id
    LEFT JOIN posthorn.webhook_events AS v ON v.id = d.event_id
    WHERE d.id = wanted;
    IF NOT FOUND OR NOT posthorn.caller_may('webhooks:write', letter.community_id) THEN
        RAISE EXCEPTION 'there is no delivery %', wanted USING ERRCODE = 'PH006';
    ELSIF letter.status NOT IN ('dead_letter', 'failed') THEN
        RAISE EXCEPTION 'delivery % is %, only dead_letter and failed ones can be retried', wanted, letter.status USING ERRCODE = 'PH007';
    ELSIF letter.deleted_at IS NOT NULL THEN
        RAISE EXCEPTION 'the endpoint of delivery % was deleted', wanted USING ERRCODE = 'PH007';
    ELSIF letter.event_id IS NULL THEN
        RAISE EXCEPTION 'the event of delivery % is no longer kept', wanted USING ERRCODE = 'PH007';
    END IF;
    PERFORM posthorn.give_new_attempts(ARRAY[wanted]);
    PERFORM posthorn.wake_dispatchers();
    RETURN QUERY
    SELECT d.id, d.status, d.parked_at IS NOT NULL, d.max_attempts FROM posthorn.webhook_deliveries AS d WHERE d.id = wanted;
END
$$;

COMMENT ON FUNCTION posthorn.retry_dead_letter(uuid) IS
    'Gives a dead letter, or a failed delivery, three new attempts: now, after 1 minute, after 5 (the endpoint''s own schedule if it has one). Enables an endpoint that was disabled automatically. Errors: PH006 no such delivery, PH007 not ended, or endpoint deleted.';

CREATE FUNCTION posthorn.retry_dead_letters(
    community  text,
    endpoint   uuid DEFAULT NULL,
    event_type text DEFAULT NULL,
    from_time  timestamptz DEFAULT NULL,
    to_time    timestamptz DEFAULT NULL,
    max        integer DEFAULT 1000
)
RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    owner   uuid := posthorn.find_community(community);
    retried integer;
BEGIN
    IF owner IS NULL OR NOT posthorn.caller_may('webhooks:write', owner) THEN
        RAISE EXCEPTION 'there is no community %', quote_literal(community) USING ERRCODE = 'PH001';
    END IF;
    SELECT count(*) INTO retried
    FROM posthorn.give_new_attempts(ARRAY(
        SELECT d.id
        FROM posthorn.webhook_deliveries AS d
        JOIN posthorn.webhook_endpoints AS e ON e.id = d.endpoint_id AND e.deleted_at IS NULL
        WHERE d.stage = 'dead'
          AND d.community_id = owner
          AND ($2 IS NULL OR d.endpoint_id = $2)
          AND ($3 IS NULL OR d.event_type = $3)
          AND ($4 IS NULL OR d.id >= posthorn.uuid_v7_floor($4))
          AND ($5 IS NULL OR d.id < posthorn.uuid_v7_floor($5))
        ORDER BY d.id
        LIMIT $6));
    PERFORM posthorn.wake_dispatchers();
    RETURN retried;
END
$$;

COMMENT ON FUNCTION posthorn.retry_dead_letters(text, uuid, text, timestamptz, timestamptz, integer) IS
    'retry_dead_letter for many of a community: by endpoint, event type and time of queueing [from_time, to_time), oldest first, at most max; call again until it returns 0.';

CREATE FUNCTION posthorn.cancel_webhook_delivery(id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    wanted constant uuid := id;
    held   posthorn.webhook_deliveries;
BEGIN
    SELECT d.* INTO held FROM posthorn.webhook_deliveries AS d WHERE d.id = wanted FOR UPDATE;
    IF NOT FOUND OR NOT posthorn.caller_may('webhooks:write', held.community_id) THEN
        RAISE EXCEPTION 'there is no delivery %', wanted USING ERRCODE = 'PH006';
    ELSIF held.status NOT IN ('pending', 'retrying', 'dead_letter') THEN
        RAISE EXCEPTION 'delivery % is %, only pending, retrying and dead_letter ones can be cancelled', wanted, held.status
            USING ERRCODE = 'PH007';
    END IF;
    UPDATE posthorn.webhook_deliveries AS d
    SET stage = 'ended', status = 'failed', next_attempt_at = NULL, parked_at = NULL, ended_at = posthorn.clock_now(), last_error = 'cancelled'
    WHERE d.id = wanted AND d.stage = held.stage;
    -- An ordered lane may have waited for it.
    PERFORM posthorn.wake_dispatchers();
END
$$;

COMMENT ON FUNCTION posthorn.cancel_webhook_delivery(uuid) IS
    'pending, retrying, dead_letter → failed: gives a delivery up. Errors: PH006 no such delivery, PH007 under way or ended.';

CREATE FUNCTION posthorn.find_endpoint_to_change(endpoint uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM posthorn.webhook_endpoints AS e
        WHERE e.id = endpoint AND e.deleted_at IS NULL AND posthorn.caller_may('webhooks:write', e.community_id)
    ) THEN
        RAISE EXCEPTION 'there is no endpoint %', endpoint USING ERRCODE = 'PH006';
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.find_endpoint_to_change(uuid) IS 'Raises PH006 unless the endpoint is there and the caller may change it.';

CREATE FUNCTION posthorn.enable_webhook_endpoint(id uuid) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT posthorn.find_endpoint_to_change($1);
    UPDATE posthorn.webhook_endpoints AS e SET enabled = true WHERE e.id = $1;
$$;

COMMENT ON FUNCTION posthorn.enable_webhook_endpoint(uuid) IS 'Enables an endpoint, whyever it was disabled; its parked deliveries come back. Error: PH006.';

CREATE FUNCTION posthorn.disable_webhook_endpoint(id uuid) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT posthorn.find_endpoint_to_change($1);
    UPDATE posthorn.webhook_endpoints AS e SET enabled = false WHERE e.id = $1;
$$;

COMMENT ON FUNCTION posthorn.disable_webhook_endpoint(uuid) IS 'Disables an endpoint by hand: its waiting deliveries are parked, new events pass it over. Error: PH006.';

CREATE FUNCTION posthorn.delete_webhook_endpoint(id uuid) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT posthorn.find_endpoint_to_change($1);
    UPDATE posthorn.webhook_endpoints AS e SET deleted_at = posthorn.clock_now() WHERE e.id = $1;
$$;

COMMENT ON FUNCTION posthorn.delete_webhook_endpoint(uuid) IS 'Deletes an endpoint: what waits for it ends as failed, its history stays. Error: PH006.';

GRANT EXECUTE ON FUNCTION
    posthorn.retry_dead_letter(uuid),
    posthorn.retry_dead_letters(text, uuid, text, timestamptz, timestamptz, integer),
    posthorn.cancel_webhook_delivery(uuid),
    posthorn.enable_webhook_endpoint(uuid),
    posthorn.disable_webhook_endpoint(uuid),
    posthorn.delete_webhook_endpoint(uuid)
TO posthorn_service, posthorn_member;
