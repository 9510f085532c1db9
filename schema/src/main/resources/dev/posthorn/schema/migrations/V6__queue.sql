-- Queueing: from a caller's transaction to stored events and deliveries.

CREATE FUNCTION posthorn.is_operational_event_type(event_type text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN event_type ~ '^(posthorn|api_key|integration|sync)\.';

COMMENT ON FUNCTION posthorn.is_operational_event_type(text) IS
    'Whether events of a type are queued by Posthorn alone, and go only to endpoints that ask for them by name.';

-- In plpgsql, which keeps what it has parsed; an SQL function with a subquery is parsed anew by every statement that calls it.
CREATE FUNCTION posthorn.event_type_patterns(event_type text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    patterns text[] := CASE WHEN posthorn.is_operational_event_type(event_type) THEN ARRAY[event_type] ELSE ARRAY[event_type, '*'] END;
    prefix   text := event_type;
    cut      integer;
BEGIN
    LOOP
        cut := strpos(reverse(prefix), '.');
        EXIT WHEN cut = 0;
        prefix := left(prefix, -cut);
        patterns := patterns || (prefix || '.*');
    END LOOP;
    RETURN patterns;
END
$$;

COMMENT ON FUNCTION posthorn.event_type_patterns(text) IS
    'Every subscription that takes an event type: itself, its prefixes with .*, and *, which does not take operational events.';

CREATE FUNCTION posthorn.payload_as_jsonb(payload text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog
AS $$
BEGIN
    RETURN payload::jsonb;
EXCEPTION
    WHEN data_exception THEN RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.payload_as_jsonb(text) IS
    'The payload for filters; null where it is valid JSON that jsonb cannot hold, such as \u0000.';

CREATE FUNCTION posthorn.filter_matches(filter jsonpath, payload jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN filter IS NULL THEN true
        WHEN jsonb_path_exists(payload, filter, '{}', true) IS NULL THEN NULL
        ELSE coalesce(jsonb_path_query_first(payload, filter, '{}', true), 'false') NOT IN ('false', 'null')
    END;

COMMENT ON FUNCTION posthorn.filter_matches(jsonpath, jsonb) IS
    'Whether an endpoint''s filter takes a payload: the first item it yields is neither false nor null. Null when it cannot be evaluated.';

CREATE FUNCTION posthorn.ordered_lane(endpoint uuid, ordering_key jsonpath, payload jsonb) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN md5(endpoint::text || coalesce(jsonb_path_query_first(payload, ordering_key, '{}', true)::text, ''))::uuid;

COMMENT ON FUNCTION posthorn.ordered_lane(uuid, jsonpath, jsonb) IS
    'The lane of a payload at an endpoint with ordering by key; payloads without the key share one.';

CREATE FUNCTION posthorn.delivery_id(event_id uuid, place integer) RETURNS uuid
    LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN encode(
        substring(uuid_send(event_id) FROM 1 FOR 10)
            || substring(int4send(place) FROM 2 FOR 3)
            || substring(uuid_send(gen_random_uuid()) FROM 14 FOR 3),
        'hex')::uuid;

COMMENT ON FUNCTION posthorn.delivery_id(uuid, integer) IS
    'A version 7 UUID for the delivery of an event to one endpoint: ten bytes of the event''s id, three of the endpoint''s place among those that take it, three by chance.';

CREATE FUNCTION posthorn.first_delivery_id(event_id uuid) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (left(event_id::text, 23) || '-000000000000')::uuid;

COMMENT ON FUNCTION posthorn.first_delivery_id(uuid) IS
    'Lower bound of the ids of an event''s deliveries; with last_delivery_id it finds them by the primary key, so that no index on event_id is needed.';

CREATE FUNCTION posthorn.last_delivery_id(event_id uuid) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (left(event_id::text, 23) || '-ffffffffffff')::uuid;

COMMENT ON FUNCTION posthorn.last_delivery_id(uuid) IS 'Upper bound of the ids of an event''s deliveries.';

-- The wake-up is decided when the transaction commits, not when it queues: once per transaction, and only while a dispatcher sleeps.
-- A NOTIFY in every commit takes a global lock: single inserts fell from 19,000 to 4,000 per second.
CREATE FUNCTION posthorn.wake_sleeping_dispatchers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    -- Dispatchers look where new deliveries have come lately; for those that were queued long before their commit they must look everywhere.
    IF posthorn.clock_now() - NEW.created_at > interval '2 seconds' THEN
        PERFORM pg_notify('posthorn_wake', 'sweep');
    -- Under a fixed snapshot a dispatcher that fell asleep meanwhile would not be seen: then wake in any case.
    ELSIF current_setting('transaction_isolation') <> 'read committed'
        OR EXISTS (SELECT FROM posthorn.dispatchers WHERE asleep)
    THEN
        PERFORM pg_notify('posthorn_wake', '');
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.wake_sleeping_dispatchers() IS
    'Deferred trigger: notifies posthorn_wake if a dispatcher is asleep, or if the transaction stayed open for more than 2 seconds after queueing.';

-- The setting names the first event of a transaction; a savepoint that is rolled back takes both back.
CREATE CONSTRAINT TRIGGER wake_sleeping_dispatchers
    AFTER INSERT ON posthorn.webhook_events
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW
    WHEN (NEW.id = nullif(current_setting('posthorn.first_event', true), '')::uuid)
    EXECUTE FUNCTION posthorn.wake_sleeping_dispatchers();

CREATE FUNCTION posthorn.note_filter_error(community uuid, endpoint uuid, at timestamptz) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    INSERT INTO posthorn.webhook_filter_errors (community_id, endpoint_id, occurred_at) VALUES (community, endpoint, at);
    RETURN false;
END
$$;

COMMENT ON FUNCTION posthorn.note_filter_error(uuid, uuid, timestamptz) IS
    'Notes that a filter could not be evaluated; false, because it then takes nothing.';

-- One statement stores a batch. It also runs for each single event, where starting it is most of its cost; so it has as few parts as can be,
-- and what is rarely needed (errors, repeated events, broken filters) stands outside of it.
-- The events that are stored come as arrays of their own, unfiltered, because the planner takes what a condition leaves of an array for
-- one row, and then joins 500 events with 500 counts by 250,000 comparisons.
CREATE FUNCTION posthorn.store_webhook_events(
    communities      uuid[],
    event_types      text[],
    payloads         text[],
    idempotency_keys text[],
    except_endpoint  uuid DEFAULT NULL
)
RETURNS TABLE (
    ordinal       integer,
    event_id      uuid,
    deliveries    integer,
    skipped       integer,
    duplicate     boolean,
    error_code    text,
    error_message text
)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    at         timestamptz;
    max_bytes  bigint;
    ids        uuid[];
    firsts     uuid[];
    codes      text[];
    prints     bytea[];
    all_fresh  boolean;
    -- What is stored; ordinals is null while that is everything.
    ordinals          integer[];
    fresh_ids         uuid[];
    fresh_communities uuid[] := communities;
    fresh_types       text[] := event_types;
    fresh_payloads    text[] := payloads;
    fresh_keys        text[] := idempotency_keys;
BEGIN
    -- Before places in the queue are drawn: only from a transaction that has its id can dispatchers tell which places may still be filled.
    PERFORM pg_current_xact_id();
    at := posthorn.clock_now();
    PERFORM posthorn.ensure_day(at), posthorn.ensure_day(at + interval '1 second');
    SELECT (s.value #>> '{}')::bigint INTO max_bytes FROM posthorn.settings AS s WHERE s.name = 'max_payload_bytes';

    SELECT array_agg(posthorn.generate_uuid_v7(at + i.ordinal * interval '1 microsecond') ORDER BY i.ordinal),
           array_agg(
               CASE
                   WHEN c.id IS NULL THEN 'PH001'
                   WHEN i.event_type IS NULL
                       OR char_length(i.event_type) > 128
                       OR i.event_type !~ '^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$' THEN 'PH002'
                   WHEN i.payload IS NULL THEN 'PH009'
                   WHEN octet_length(i.payload) > max_bytes THEN 'PH003'
                   WHEN char_length(i.key) NOT BETWEEN 1 AND 255 THEN 'PH009'
               END ORDER BY i.ordinal)
    INTO ids, codes
    FROM unnest(communities, event_types, payloads, idempotency_keys)
             WITH ORDINALITY AS i (community, event_type, payload, key, ordinal)
    LEFT JOIN posthorn.communities AS c ON c.id = i.community AND c.deleted_at IS NULL;
    firsts := ids;
    all_fresh := coalesce(cardinality(array_remove(codes, NULL)), 0) = 0;

    IF array_length(array_remove(idempotency_keys, NULL), 1) > 0 THEN
        SELECT array_agg(
                   CASE WHEN key IS NOT NULL THEN
                       sha256(convert_to(event_type || E'\n' || coalesce(posthorn.payload_as_jsonb(payload)::text, payload), 'UTF8'))
                   END ORDER BY ordinal)
        INTO prints
        FROM unnest(event_types, payloads, idempotency_keys) WITH ORDINALITY AS i (event_type, payload, key, ordinal);

        -- Waits for a concurrent caller with the same key; in the order of the keys, so that two batches cannot wait for each other.
        INSERT INTO posthorn.webhook_idempotency_keys AS k (community_id, key, event_id, fingerprint, expires_at)
        SELECT DISTINCT ON (community, key)
               community, key, id, print,
               at + make_interval(hours => least(posthorn.setting_number('idempotency_hours'), 24 * posthorn.setting_number('retention_days'))::integer)
        FROM unnest(communities, idempotency_keys, ids, prints, codes) WITH ORDINALITY AS i (community, key, id, print, code, ordinal)
        WHERE key IS NOT NULL AND code IS NULL
        ORDER BY community, key, ordinal
        ON CONFLICT (community_id, key) DO UPDATE
            SET event_id = excluded.event_id, fingerprint = excluded.fingerprint, expires_at = excluded.expires_at
            WHERE k.expires_at <= at;

        SELECT array_agg(coalesce(k.event_id, i.id) ORDER BY i.ordinal),
               array_agg(CASE WHEN k.fingerprint <> i.print THEN 'PH004' ELSE i.code END ORDER BY i.ordinal)
        INTO firsts, codes
        FROM unnest(communities, idempotency_keys, ids, prints, codes) WITH ORDINALITY AS i (community, key, id, print, code, ordinal)
        LEFT JOIN LATERAL (
            SELECT k.event_id, k.fingerprint
            FROM posthorn.webhook_idempotency_keys AS k
            WHERE i.code IS NULL AND k.community_id = i.community AND k.key = i.key
            OFFSET 0
        ) AS k ON true;
        all_fresh := all_fresh AND ids = firsts;
    END IF;

    IF all_fresh THEN
        fresh_ids := ids;
    ELSE
        SELECT array_agg(i.ordinal::integer), array_agg(i.id), array_agg(i.community), array_agg(i.event_type), array_agg(i.payload),
               array_agg(i.key)
        INTO ordinals, fresh_ids, fresh_communities, fresh_types, fresh_payloads, fresh_keys
        FROM unnest(ids, firsts, codes, communities, event_types, payloads, idempotency_keys)
                 WITH ORDINALITY AS i (id, first_id, code, community, event_type, payload, key, ordinal)
        WHERE i.code IS NULL AND i.id = i.first_id;
    END IF;

    IF fresh_ids IS NOT NULL AND coalesce(current_setting('posthorn.first_event', true), '') = '' THEN
        PERFORM set_config('posthorn.first_event', fresh_ids[1]::text, true);
    END IF;

    RETURN QUERY
    WITH fresh AS MATERIALIZED (
        SELECT i.*
        FROM unnest(fresh_ids, fresh_communities, fresh_types, fresh_payloads, fresh_keys)
                 WITH ORDINALITY AS i (id, community_id, event_type, payload, key, ordinal)
    ),
    takers AS MATERIALIZED (
        SELECT t.community_id, t.event_type, e.*
        FROM (SELECT DISTINCT f.community_id, f.event_type FROM fresh AS f) AS t
        CROSS JOIN LATERAL (
            SELECT e.id AS endpoint_id, e.max_attempts, e.filter, e.ordering, e.ordering_key, h.disabled_reason
            FROM posthorn.webhook_endpoints AS e
            CROSS JOIN LATERAL (SELECT h.disabled_reason FROM posthorn.webhook_endpoint_health AS h WHERE h.endpoint_id = e.id OFFSET 0) AS h
            -- The scan of an index takes each id once, however many patterns of an endpoint take the type.
            WHERE e.id = ANY (ARRAY(
                    SELECT s.endpoint_id
                    FROM posthorn.webhook_subscriptions AS s
                    WHERE s.community_id = t.community_id AND s.pattern = ANY (posthorn.event_type_patterns(t.event_type))))
              AND e.deleted_at IS NULL
              AND e.id IS DISTINCT FROM except_endpoint
            OFFSET 0
        ) AS e
    ),
    parsed AS MATERIALIZED (
        SELECT f.ordinal, f.id, f.community_id, f.event_type, octet_length(f.payload) AS payload_bytes,
               CASE
                   WHEN (f.community_id, f.event_type) IN (
                       SELECT t.community_id, t.event_type FROM takers AS t WHERE t.filter IS NOT NULL OR t.ordering_key IS NOT NULL)
                   THEN posthorn.payload_as_jsonb(f.payload)
               END AS payload
        FROM fresh AS f
    ),
    subscribed AS MATERIALIZED (
        SELECT p.ordinal, p.id AS event_id, t.community_id, t.event_type, t.endpoint_id, t.max_attempts, t.disabled_reason, p.payload_bytes,
               CASE
                   WHEN t.filter IS NULL THEN true
                   ELSE coalesce(
                       posthorn.filter_matches(t.filter, p.payload), posthorn.note_filter_error(t.community_id, t.endpoint_id, at))
               END AS taken,
               CASE t.ordering
                   WHEN 'endpoint' THEN t.endpoint_id
                   WHEN 'key' THEN posthorn.ordered_lane(t.endpoint_id, t.ordering_key, p.payload)
               END AS ordered_lane
        FROM parsed AS p
        JOIN takers AS t ON t.community_id = p.community_id AND t.event_type = p.event_type
    ),
    counted AS MATERIALIZED (
        SELECT s.ordinal,
               count(*) FILTER (WHERE s.disabled_reason IS NULL OR s.disabled_reason = 'auto')::integer AS deliveries,
               count(*) FILTER (WHERE s.disabled_reason <> 'auto')::integer AS skipped
        FROM subscribed AS s
        WHERE s.taken
        GROUP BY s.ordinal
    ),
    stored AS (
        INSERT INTO posthorn.webhook_events
            (id, community_id, event_type, payload, payload_bytes, idempotency_key, deliveries, skipped, created_at)
        SELECT f.id, f.community_id, f.event_type, f.payload::json, octet_length(f.payload), f.key,
               coalesce(c.deliveries, 0), coalesce(c.skipped, 0), at
        FROM fresh AS f
        LEFT JOIN counted AS c ON c.ordinal = f.ordinal
    ),
    queued AS (
        INSERT INTO posthorn.webhook_deliveries
            (id, stage, status, event_id, community_id, endpoint_id, ordered_lane, position, created_at, next_attempt_at, parked_at,
             max_attempts, payload_bytes, event_type)
        SELECT posthorn.delivery_id(s.event_id, s.place),
               (CASE WHEN s.disabled_reason IS NULL THEN 'ready' ELSE 'parked' END)::posthorn.delivery_stage,
               'pending', s.event_id, s.community_id, s.endpoint_id, s.ordered_lane, nextval('posthorn.webhook_delivery_position'), at,
               CASE WHEN s.disabled_reason IS NULL THEN at END,
               CASE WHEN s.disabled_reason IS NOT NULL THEN at END,
               s.max_attempts, s.payload_bytes, s.event_type
        FROM (
            SELECT s.*, row_number() OVER (PARTITION BY s.ordinal ORDER BY s.endpoint_id)::integer AS place
            FROM subscribed AS s
            WHERE s.taken AND (s.disabled_reason IS NULL OR s.disabled_reason = 'auto')
            OFFSET 0
        ) AS s
    )
    SELECT coalesce(ordinals[f.ordinal], f.ordinal::integer), f.id, coalesce(c.deliveries, 0), coalesce(c.skipped, 0), false, NULL::text,
           NULL::text
    FROM fresh AS f
    LEFT JOIN counted AS c ON c.ordinal = f.ordinal;

    IF NOT all_fresh THEN
        -- What repeats an event of this very call finds it only now.
        RETURN QUERY
        SELECT i.ordinal::integer, CASE WHEN i.code IS NULL THEN i.first_id END, e.deliveries, e.skipped, i.code IS NULL, i.code,
               CASE i.code
                   WHEN 'PH001' THEN 'there is no such community'
                   WHEN 'PH002' THEN 'an event type is 1 to 128 letters, digits, _ and - in parts joined by dots, such as payment.received'
                   WHEN 'PH003' THEN format('the payload has %s bytes, the limit is %s', octet_length(i.payload), max_bytes)
                   WHEN 'PH004' THEN
                       format('the idempotency key was used for event %s with another type or payload; event %s was not queued', i.first_id, i.id)
                   WHEN 'PH009' THEN CASE
                       WHEN i.payload IS NULL THEN 'the payload is missing'
                       ELSE 'an idempotency key has 1 to 255 characters'
                   END
               END
        FROM unnest(ids, firsts, codes, payloads) WITH ORDINALITY AS i (id, first_id, code, payload, ordinal)
        LEFT JOIN LATERAL (
            SELECT e.deliveries, e.skipped FROM posthorn.webhook_events AS e WHERE i.code IS NULL AND e.id = i.first_id OFFSET 0
        ) AS e ON true
        WHERE i.code IS NOT NULL OR i.id <> i.first_id;
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.store_webhook_events(uuid[], text[], text[], text[], uuid) IS
    'The one place where events and their deliveries are written: a batch in one statement. Not granted to anybody; queue_webhook and queue_webhook_events call it.';

CREATE FUNCTION posthorn.queue_webhook_events(
    communities      uuid[],
    event_types      text[],
    payloads         text[],
    idempotency_keys text[] DEFAULT NULL
)
RETURNS TABLE (
    ordinal       integer,
    event_id      uuid,
    deliveries    integer,
    skipped       integer,
    duplicate     boolean,
    error_code    text,
    error_message text
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(event_types) AS t (name) WHERE posthorn.is_operational_event_type(name)) THEN
        RAISE EXCEPTION 'event types that begin with posthorn., api_key., integration. or sync. are reserved for operational events'
            USING ERRCODE = 'PH005', HINT = 'Choose another first part.';
    END IF;
    IF array_length(payloads, 1) IS DISTINCT FROM array_length(communities, 1)
        OR array_length(event_types, 1) IS DISTINCT FROM array_length(communities, 1)
        OR array_length(idempotency_keys, 1) <> array_length(communities, 1)
    THEN
        RAISE EXCEPTION 'communities, event_types, payloads and idempotency_keys must have the same length'
            USING ERRCODE = 'PH009';
    END IF;
    RETURN QUERY
    SELECT * FROM posthorn.store_webhook_events(
        communities, event_types, payloads, coalesce(idempotency_keys, array_fill(NULL::text, ARRAY[cardinality(communities)])));
END
$$;

COMMENT ON FUNCTION posthorn.queue_webhook_events(uuid[], text[], text[], text[]) IS
    'Queues a batch of events of any communities in one call; payloads are JSON texts and kept byte for byte. A refused event comes back as a row with its error_code and spoils no other.';

CREATE FUNCTION posthorn.queue_webhook_as_member(community text, event_type text, payload jsonb, idempotency_key text)
RETURNS TABLE (event_id uuid, deliveries integer, skipped integer, duplicate boolean, error_code text, error_message text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    community_id uuid := posthorn.find_community(community);
BEGIN
    IF community_id IS NULL OR community_id NOT IN (SELECT posthorn.permitted_communities('events:write')) THEN
        RAISE EXCEPTION 'you may not queue events for this community'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = format('An application gets the right by: GRANT posthorn_producer TO %I; a person by a membership whose role has events:write.', session_user);
    END IF;
    RETURN QUERY
    SELECT q.event_id, q.deliveries, q.skipped, q.duplicate, q.error_code, q.error_message
    FROM posthorn.queue_webhook_events(ARRAY[community_id], ARRAY[event_type], ARRAY[payload::text], ARRAY[idempotency_key]) AS q;
END
$$;

COMMENT ON FUNCTION posthorn.queue_webhook_as_member(text, text, jsonb, text) IS
    'What queue_webhook does for somebody who is neither a service nor a producer: asks for events:write in the community first.';

-- Runs as its caller, for only so can it see who that is: inside SECURITY DEFINER functions current_user is their owner.
CREATE FUNCTION posthorn.queue_webhook(
    community        text,
    event_type       text,
    payload          jsonb,
    idempotency_key  text DEFAULT NULL,
    OUT event_id     uuid,
    OUT deliveries   integer,
    OUT skipped      integer,
    OUT duplicate    boolean
)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    answer record;
BEGIN
    IF pg_has_role(current_user, 'posthorn_producer', 'USAGE') OR pg_has_role(current_user, 'posthorn_service', 'USAGE') THEN
        SELECT * INTO answer
        FROM posthorn.queue_webhook_events(
            ARRAY[posthorn.find_community(community)], ARRAY[event_type], ARRAY[payload::text], ARRAY[idempotency_key]);
    ELSE
        SELECT * INTO answer FROM posthorn.queue_webhook_as_member(community, event_type, payload, idempotency_key);
    END IF;
    IF answer.error_code IS NOT NULL THEN
        RAISE EXCEPTION 'webhook not queued: %', answer.error_message
            USING ERRCODE = answer.error_code,
                  HINT = CASE answer.error_code
                      WHEN 'PH001' THEN format('The community was given as %L; take the id of a row of posthorn.communities, or ext: and its external_id.', community)
                      WHEN 'PH002' THEN format('The event type was given as %L.', event_type)
                      WHEN 'PH004' THEN 'Use a new key for a new event.'
                      ELSE ''
                  END;
    END IF;
    event_id := answer.event_id;
    deliveries := answer.deliveries;
    skipped := answer.skipped;
    duplicate := answer.duplicate;
END
$$;

COMMENT ON FUNCTION posthorn.queue_webhook(text, text, jsonb, text) IS
    'Stores an event once and creates a delivery for every subscribed endpoint of the community, as part of the caller''s transaction: the event exists if and only if that commits. Errors: PH001 unknown community, PH002 event type, PH003 payload too large, PH004 idempotency key used for something else, PH005 reserved type, PH009 argument, 42501 no right.';

GRANT EXECUTE ON FUNCTION posthorn.queue_webhook(text, text, jsonb, text) TO posthorn_service, posthorn_producer, posthorn_member;
GRANT EXECUTE ON FUNCTION
    posthorn.queue_webhook_events(uuid[], text[], text[], text[]),
    posthorn.find_community(text)
TO posthorn_service, posthorn_producer;
GRANT EXECUTE ON FUNCTION posthorn.queue_webhook_as_member(text, text, jsonb, text) TO posthorn_member;
GRANT EXECUTE ON FUNCTION
    posthorn.is_operational_event_type(text),
    posthorn.event_type_patterns(text),
    posthorn.first_delivery_id(uuid),
    posthorn.last_delivery_id(uuid),
    posthorn.filter_matches(jsonpath, jsonb)
TO posthorn_service, posthorn_producer, posthorn_member;
