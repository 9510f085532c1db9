-- Endpoints: what may be set, and what happens to their waiting deliveries when they are disabled, enabled or deleted.

CREATE FUNCTION posthorn.validate_webhook_endpoint() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    wrong text;
BEGIN
    -- The address policy judges a URL where REST or Java takes it and again at each attempt; here stands only what no policy allows.
    IF char_length(NEW.url) > 2048 OR NEW.url !~ '^https?://[^/?#[:space:][:cntrl:]]+([/?][^#[:space:][:cntrl:]]*)?$' THEN
        RAISE EXCEPTION 'url must be http:// or https://, with a host, without a fragment or blanks, at most 2048 characters'
            USING ERRCODE = 'PH008', COLUMN = 'url', HINT = 'Such as https://example.com/webhooks.';
    END IF;
    SELECT t INTO wrong
    FROM unnest(NEW.event_types) AS t
    WHERE t IS NULL OR char_length(t) > 128 OR t !~ '^(\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?)$'
    LIMIT 1;
    IF FOUND OR cardinality(NEW.event_types) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'event_types must be 1 to 200 exact types, prefixes or *, and % is none', coalesce(quote_literal(wrong), 'an empty list')
            USING ERRCODE = 'PH008', COLUMN = 'event_types', HINT = 'Such as {payment.received}, {payment.*} or {*}.';
    END IF;
    wrong := CASE
        WHEN char_length(NEW.description) > 1000 THEN 'description must have at most 1000 characters'
        WHEN NEW.payload_format NOT IN ('standard', 'raw', 'cloudevents') THEN 'payload_format must be standard, raw or cloudevents'
        WHEN NEW.max_in_flight NOT BETWEEN 1 AND 1000 THEN 'max_in_flight must be from 1 to 1000'
        WHEN NEW.timeout_seconds NOT BETWEEN 1 AND 30 THEN 'timeout_seconds must be from 1 to 30'
        WHEN NEW.max_attempts NOT BETWEEN 1 AND 100 THEN 'max_attempts must be from 1 to 100'
        WHEN NEW.rate_limit NOT BETWEEN 1 AND 1000000 THEN 'rate_limit must be from 1 to 1000000, or null for none'
        WHEN NEW.rate_period NOT IN ('second', 'minute') THEN 'rate_period must be second or minute'
        WHEN NEW.ordering NOT IN ('none', 'endpoint', 'key') THEN 'ordering must be none, endpoint or key'
        WHEN NEW.ordering = 'key' AND NEW.ordering_key IS NULL THEN 'ordering_key must be given where ordering is key, such as $.customer'
        WHEN NEW.ordering <> 'key' AND NEW.ordering_key IS NOT NULL THEN 'ordering_key must be null unless ordering is key'
        WHEN octet_length(NEW.ordering_key::text) > 1024 THEN 'ordering_key must have at most 1024 bytes'
        WHEN NEW.on_dead_letter NOT IN ('pass', 'hold') THEN 'on_dead_letter must be pass or hold'
        WHEN NOT coalesce(NEW.signature_schemes <@ '{v1,v1a,github,stripe}' AND NEW.signature_schemes && '{v1,v1a}', false)
            OR cardinality(NEW.signature_schemes) <> (SELECT count(DISTINCT t.scheme) FROM unnest(NEW.signature_schemes) AS t (scheme))
            THEN 'signature_schemes must be different ones of v1, v1a, github and stripe, with v1 or v1a among them'
        -- By its end none of the headers that frame, route or describe a request.
        WHEN NEW.signature_header !~* '^[a-z0-9-]{1,50}-signature$' OR lower(NEW.signature_header) = 'webhook-signature'
            THEN 'signature_header must be the name of a header that ends in -signature, other than webhook-signature, at most 60 characters'
        WHEN octet_length(NEW.trusted_ca) > 65536 THEN 'trusted_ca must have at most 65536 bytes'
        WHEN NEW.trusted_ca !~ '^\s*-----BEGIN CERTIFICATE-----' THEN 'trusted_ca must be certificates in PEM, beginning with -----BEGIN CERTIFICATE-----'
    END;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', wrong USING ERRCODE = 'PH008', COLUMN = split_part(wrong, ' ', 1);
    END IF;
    IF octet_length(NEW.filter::text) > 1024 THEN
        RAISE EXCEPTION 'filter must have at most 1024 bytes, it has %', octet_length(NEW.filter::text)
            USING ERRCODE = 'PH008', COLUMN = 'filter';
    END IF;
    IF regexp_replace(concat(NEW.filter::text, NEW.ordering_key::text), '"([^"\\]|\\.)*"', '""', 'g') ~ 'like_regex' AND NOT posthorn.setting_flag('allow_like_regex') THEN
        RAISE EXCEPTION 'filter and ordering_key may not use like_regex here' USING ERRCODE = 'PH008', COLUMN = 'filter',
            HINT = 'Use ==, starts with or an exact type; an operator may allow it by the setting allow_like_regex.';
    END IF;
    IF NEW.retry_schedule IS NOT NULL
        AND (cardinality(NEW.retry_schedule) NOT BETWEEN 1 AND 100
            OR EXISTS (SELECT FROM unnest(NEW.retry_schedule) AS s WHERE s IS NULL OR s < interval '0' OR s > interval '30 days'))
    THEN
        RAISE EXCEPTION 'retry_schedule must be 1 to 100 intervals between 0 seconds and 30 days'
            USING ERRCODE = 'PH008', COLUMN = 'retry_schedule', HINT = 'Such as {1 minute,5 minutes,1 hour}, or null for the usual one.';
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION posthorn.validate_webhook_endpoint() IS 'Trigger function: refuses settings of an endpoint that make no sense, with PH008.';

CREATE TRIGGER a_validate BEFORE INSERT OR UPDATE ON posthorn.webhook_endpoints
    FOR EACH ROW EXECUTE FUNCTION posthorn.validate_webhook_endpoint();

CREATE TRIGGER update_updated_at BEFORE UPDATE ON posthorn.webhook_endpoints
    FOR EACH ROW EXECUTE FUNCTION posthorn.update_updated_at();

-- In batches, because 100,000 rows must not move in one transaction; SKIP LOCKED, because what is being claimed at this moment is
-- parked when its result is recorded.
CREATE FUNCTION posthorn.settle_endpoint_backlog(endpoint uuid, max integer, keyed boolean DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at      timestamptz := posthorn.clock_now();
    goal    posthorn.delivery_stage;
    sources posthorn.delivery_stage[];
    by_key  boolean;
    moved   integer;
BEGIN
    SELECT CASE
               WHEN e.deleted_at IS NOT NULL THEN 'ended'
               WHEN h.disabled_at IS NOT NULL THEN 'parked'
               ELSE 'ready'
           END::posthorn.delivery_stage,
           coalesce(keyed, e.ordering = 'key')
    INTO goal, by_key
    FROM posthorn.webhook_endpoints AS e
    JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = e.id
    WHERE e.id = endpoint
    FOR UPDATE OF h;
    sources := CASE goal
        WHEN 'ended' THEN '{ready,waiting,parked}'
        WHEN 'parked' THEN '{ready,waiting}'
        ELSE '{parked}'
    END;

    WITH at_rest AS MATERIALIZED (
        SELECT d.id, d.stage
        FROM posthorn.webhook_deliveries AS d
        WHERE d.endpoint_id = endpoint AND d.stage = ANY (sources) AND d.stage IN ('waiting', 'parked')
        ORDER BY d.id
        LIMIT max
        FOR UPDATE SKIP LOCKED
    ),
    in_its_lane AS MATERIALIZED (
        SELECT d.id, d.stage
        FROM posthorn.webhook_deliveries AS d
        WHERE 'ready' = ANY (sources) AND d.stage = 'ready' AND coalesce(d.ordered_lane, d.endpoint_id) = endpoint AND d.status <> 'sending'
        ORDER BY coalesce(d.ordered_lane, d.endpoint_id), d.position
        LIMIT max
        FOR UPDATE SKIP LOCKED
    ),
    -- No index leads from an endpoint to the lanes of its keys.
    in_lanes_of_keys AS MATERIALIZED (
        SELECT d.id, d.stage
        FROM posthorn.webhook_deliveries AS d
        WHERE by_key AND 'ready' = ANY (sources) AND d.stage = 'ready' AND d.endpoint_id = endpoint AND d.ordered_lane <> endpoint
          AND d.status <> 'sending'
        LIMIT max
        FOR UPDATE SKIP LOCKED
    ),
    backlog AS MATERIALIZED (
        SELECT * FROM at_rest
        UNION ALL
        SELECT * FROM in_its_lane
        UNION ALL
        SELECT * FROM in_lanes_of_keys
        LIMIT max
    )
    UPDATE posthorn.webhook_deliveries AS d
    SET stage = goal,
        status = CASE goal WHEN 'ended' THEN 'failed' ELSE d.status END,
        position = CASE WHEN goal = 'ready' AND d.ordered_lane IS NULL THEN nextval('posthorn.webhook_delivery_position') ELSE d.position END,
        next_attempt_at = CASE goal WHEN 'ready' THEN at END,
        parked_at = CASE goal WHEN 'parked' THEN at END,
        probing = false,
        ended_at = CASE goal WHEN 'ended' THEN at END,
        last_error = CASE goal WHEN 'ended' THEN 'the endpoint was deleted' ELSE d.last_error END
    FROM backlog AS b
    WHERE d.id = b.id AND d.stage = b.stage AND d.stage IN ('ready', 'waiting', 'parked');
    GET DIAGNOSTICS moved = ROW_COUNT;

    UPDATE posthorn.webhook_endpoint_health AS h SET parking = moved = max WHERE h.endpoint_id = endpoint AND h.parking <> (moved = max);
    IF goal = 'ready' AND moved > 0 THEN
        PERFORM posthorn.wake_dispatchers();
    END IF;
    RETURN moved;
END
$$;

COMMENT ON FUNCTION posthorn.settle_endpoint_backlog(uuid, integer, boolean) IS
    'ready, waiting → parked while the endpoint is disabled; parked → ready once it is enabled; all of them → ended (failed) when it is deleted. At most max deliveries; returns how many moved, and remembers in parking whether more may be left. keyed: look for what stands in the lanes of keys, too, which reads all that is ready; null: where the endpoint is ordered by key.';

CREATE FUNCTION posthorn.switch_webhook_endpoint(endpoint uuid, reason text) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    UPDATE posthorn.webhook_endpoint_health AS h
    SET disabled_at = CASE WHEN reason IS NOT NULL THEN coalesce(h.disabled_at, posthorn.clock_now()) END,
        disabled_reason = reason,
        consecutive_failures = CASE WHEN reason IS NULL THEN 0 ELSE h.consecutive_failures END,
        consecutive_gone = CASE WHEN reason IS NULL THEN 0 ELSE h.consecutive_gone END,
        probe_at = NULL,
        probe_wait = NULL,
        probe_id = NULL,
        parking = true
    WHERE h.endpoint_id = endpoint;
    SELECT posthorn.settle_endpoint_backlog(endpoint, 1000);
$$;

COMMENT ON FUNCTION posthorn.switch_webhook_endpoint(uuid, text) IS 'Enables (null) or disables (a reason) an endpoint and moves the first of its waiting deliveries; maintain() moves the rest.';

CREATE FUNCTION posthorn.follow_webhook_subscriptions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    DELETE FROM posthorn.webhook_subscriptions AS s
    WHERE s.endpoint_id = NEW.id AND (NEW.deleted_at IS NOT NULL OR s.pattern <> ALL (NEW.event_types));
    IF NEW.deleted_at IS NULL THEN
        INSERT INTO posthorn.webhook_subscriptions (community_id, pattern, endpoint_id)
        SELECT NEW.community_id, t.pattern, NEW.id FROM unnest(NEW.event_types) AS t (pattern)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.follow_webhook_subscriptions() IS 'Trigger function: keeps webhook_subscriptions as event_types says.';

CREATE TRIGGER follow_subscriptions AFTER INSERT OR UPDATE OF event_types, deleted_at ON posthorn.webhook_endpoints
    FOR EACH ROW EXECUTE FUNCTION posthorn.follow_webhook_subscriptions();

CREATE FUNCTION posthorn.follow_webhook_endpoint() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    reason text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO posthorn.webhook_endpoint_health (endpoint_id, community_id, disabled_at, disabled_reason)
        VALUES (NEW.id, NEW.community_id, CASE WHEN NOT NEW.enabled THEN NEW.created_at END, CASE WHEN NOT NEW.enabled THEN 'manual' END);
        PERFORM pg_notify('posthorn_endpoint_created', NEW.id::text);
        RETURN NULL;
    END IF;
    SELECT h.disabled_reason INTO reason FROM posthorn.webhook_endpoint_health AS h WHERE h.endpoint_id = NEW.id;
    IF NEW.deleted_at IS NOT NULL THEN
        WITH removed AS (
            DELETE FROM posthorn.webhook_endpoint_credentials AS c WHERE c.endpoint_id = NEW.id RETURNING c.kind
        )
        DELETE FROM posthorn.vault_secrets AS s
        USING removed AS r
        WHERE s.owner_id = NEW.id AND s.purpose = 'endpoint_' || r.kind;
        PERFORM posthorn.switch_webhook_endpoint(NEW.id, coalesce(reason, 'manual'));
    ELSIF NEW.enabled AND reason IS NOT NULL THEN
        PERFORM posthorn.switch_webhook_endpoint(NEW.id, NULL);
    ELSIF NOT NEW.enabled AND reason IS DISTINCT FROM 'manual' THEN
        PERFORM posthorn.switch_webhook_endpoint(NEW.id, 'manual');
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.follow_webhook_endpoint() IS
    'Trigger function: gives a new endpoint its row of health, and carries out what setting enabled or deleted_at asks for.';

CREATE TRIGGER follow_creation AFTER INSERT ON posthorn.webhook_endpoints
    FOR EACH ROW EXECUTE FUNCTION posthorn.follow_webhook_endpoint();

CREATE TRIGGER follow_switch AFTER UPDATE OF enabled, deleted_at ON posthorn.webhook_endpoints
    FOR EACH ROW EXECUTE FUNCTION posthorn.follow_webhook_endpoint();

CREATE FUNCTION posthorn.follow_webhook_limits() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    PERFORM posthorn.wake_dispatchers();
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.follow_webhook_limits() IS 'Trigger function: lets nodes look at once whether an endpoint may get more.';

CREATE TRIGGER follow_limits AFTER UPDATE OF max_in_flight, rate_limit, rate_period, on_dead_letter ON posthorn.webhook_endpoints
    FOR EACH ROW
    WHEN ((OLD.max_in_flight, OLD.rate_limit, OLD.rate_period, OLD.on_dead_letter)
          IS DISTINCT FROM (NEW.max_in_flight, NEW.rate_limit, NEW.rate_period, NEW.on_dead_letter))
    EXECUTE FUNCTION posthorn.follow_webhook_limits();

CREATE FUNCTION posthorn.follow_webhook_signing() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    UPDATE posthorn.webhook_endpoint_health AS h SET secret_version = h.secret_version + 1 WHERE h.endpoint_id = NEW.id;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.follow_webhook_signing() IS 'Trigger function: lets nodes read anew how requests to an endpoint are signed and whom it trusts.';

CREATE TRIGGER follow_signing AFTER UPDATE OF signature_schemes, signature_header, trusted_ca ON posthorn.webhook_endpoints
    FOR EACH ROW
    WHEN ((OLD.signature_schemes, OLD.signature_header, OLD.trusted_ca) IS DISTINCT FROM (NEW.signature_schemes, NEW.signature_header, NEW.trusted_ca))
    EXECUTE FUNCTION posthorn.follow_webhook_signing();
