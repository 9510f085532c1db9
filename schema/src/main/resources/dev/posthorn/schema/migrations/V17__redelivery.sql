-- Redelivery of many: durable jobs that nodes carry out in batches. What a batch does and how far the job has come is one transaction, so
-- that a crash neither repeats nor skips anything.

CREATE TABLE posthorn.webhook_redeliveries (
    id           uuid PRIMARY KEY DEFAULT posthorn.generate_uuid_v7(),
    community_id uuid NOT NULL REFERENCES posthorn.communities (id),
    what         text NOT NULL CHECK (what IN ('failed', 'missing', 'all')),
    endpoint_id  uuid REFERENCES posthorn.webhook_endpoints (id),
    event_type   text,
    from_time    timestamptz NOT NULL,
    to_time      timestamptz NOT NULL,
    status       text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'cancelled')),
    reached_id   uuid NOT NULL,
    examined     bigint NOT NULL DEFAULT 0,
    redelivered  bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    updated_at   timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    ended_at     timestamptz,
    CHECK (from_time < to_time),
    CHECK ((status = 'running') = (ended_at IS NULL))
);

CREATE INDEX webhook_redeliveries_running ON posthorn.webhook_redeliveries (updated_at) WHERE status = 'running';
CREATE INDEX webhook_redeliveries_community ON posthorn.webhook_redeliveries (community_id, id);
CREATE INDEX webhook_redeliveries_endpoint ON posthorn.webhook_redeliveries (endpoint_id);

COMMENT ON TABLE posthorn.webhook_redeliveries IS 'Jobs that send many deliveries anew; start_webhook_redelivery makes them.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.id IS 'Identifier.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.community_id IS 'The community whose events are sent anew.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.what IS
    'failed: dead letters and failed deliveries, but for cancelled ones. missing: events that an endpoint subscribes to and has no delivery of. all: both of them, and what was delivered.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.endpoint_id IS 'Only to this endpoint; null for all of the community.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.event_type IS 'Only events of this type; null for all.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.from_time IS 'Only events queued at or after it.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.to_time IS 'Only events queued before it.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.status IS 'running, completed or cancelled.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.reached_id IS 'The last event that was looked at; the job goes on after it.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.examined IS 'How many events were looked at.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.redelivered IS 'How many deliveries were queued by it.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.created_at IS 'When it was asked for.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.updated_at IS 'When it last came forward.';
COMMENT ON COLUMN posthorn.webhook_redeliveries.ended_at IS 'When it was completed or cancelled.';

ALTER TABLE posthorn.webhook_redeliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.webhook_redeliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY webhook_redeliveries_owner ON posthorn.webhook_redeliveries TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY webhook_redeliveries_service ON posthorn.webhook_redeliveries TO posthorn_service USING (true) WITH CHECK (true);
CREATE POLICY webhook_redeliveries_member_read ON posthorn.webhook_redeliveries FOR SELECT TO posthorn_member
    USING (community_id IN (SELECT posthorn.permitted_communities('webhooks:read')));
GRANT SELECT ON posthorn.webhook_redeliveries TO posthorn_service, posthorn_member;

CREATE FUNCTION posthorn.start_webhook_redelivery(
    community  text,
    what       text,
    endpoint   uuid DEFAULT NULL,
    event_type text DEFAULT NULL,
    from_time  timestamptz DEFAULT NULL,
    to_time    timestamptz DEFAULT NULL
)
RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    owner    constant uuid := posthorn.find_community(community);
    -- What is queued from now on is not missing, and has not failed.
    until    constant timestamptz := least(coalesce($6, 'infinity'), posthorn.clock_now());
    since    constant timestamptz :=
        coalesce($5, until - make_interval(days => posthorn.setting_number('retention_days')::integer));
    job      uuid;
BEGIN
    IF owner IS NULL OR NOT posthorn.caller_may('webhooks:write', owner) THEN
        RAISE EXCEPTION 'there is no community %', quote_literal(community) USING ERRCODE = 'PH001';
    ELSIF $2 IS NULL OR $2 NOT IN ('failed', 'missing', 'all') THEN
        RAISE EXCEPTION 'what must be failed, missing or all' USING ERRCODE = 'PH009';
    ELSIF $5 IS NULL AND $2 <> 'failed' THEN
        RAISE EXCEPTION 'from_time is missing: say since when % is to be sent anew', $2 USING ERRCODE = 'PH009';
    ELSIF since >= until THEN
        RAISE EXCEPTION 'from_time must be before to_time and before now' USING ERRCODE = 'PH009';
    ELSIF $3 IS NOT NULL AND NOT EXISTS (
        SELECT FROM posthorn.webhook_endpoints AS e WHERE e.id = $3 AND e.community_id = owner AND e.deleted_at IS NULL)
    THEN
        RAISE EXCEPTION 'there is no endpoint %', $3 USING ERRCODE = 'PH006';
    END IF;
    INSERT INTO posthorn.webhook_redeliveries AS r (community_id, what, endpoint_id, event_type, from_time, to_time, reached_id)
    VALUES (owner, $2, $3, $4, since, until, posthorn.uuid_v7_floor(since))
    RETURNING r.id INTO job;
    RETURN job;
END
$$;

COMMENT ON FUNCTION posthorn.start_webhook_redelivery(text, text, uuid, text, timestamptz, timestamptz) IS
    'Begins a job that sends anew what has failed, is missing, or all, of a community, by endpoint, event type and time of queueing [from_time, to_time). Nodes carry it out; webhook_redeliveries shows how far it is. Errors: PH001 no such community, PH006 no such endpoint, PH009 argument.';

CREATE FUNCTION posthorn.cancel_webhook_redelivery(id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    wanted constant uuid := id;
    job    posthorn.webhook_redeliveries;
BEGIN
    SELECT r.* INTO job FROM posthorn.webhook_redeliveries AS r WHERE r.id = wanted FOR UPDATE;
    IF NOT FOUND OR NOT posthorn.caller_may('webhooks:write', job.community_id) THEN
        RAISE EXCEPTION 'there is no redelivery %', wanted USING ERRCODE = 'PH006';
    ELSIF job.status <> 'running' THEN
        RAISE EXCEPTION 'redelivery % is already %', wanted, job.status USING ERRCODE = 'PH007';
    END IF;
    UPDATE posthorn.webhook_redeliveries AS r
    SET status = 'cancelled', updated_at = t.now, ended_at = t.now
    FROM (SELECT posthorn.clock_now() AS now) AS t
    WHERE r.id = wanted;
END
$$;

COMMENT ON FUNCTION posthorn.cancel_webhook_redelivery(uuid) IS
    'Ends a job; what it has queued already is delivered. Errors: PH006 no such job, PH007 ended before.';

CREATE FUNCTION posthorn.queue_missing_deliveries(events uuid[], endpoint uuid) RETURNS integer
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    WITH takers AS MATERIALIZED (
        SELECT v.id AS event_id, v.community_id, v.event_type, v.payload_bytes, v.deliveries, e.id AS endpoint_id, e.max_attempts,
               h.disabled_at IS NOT NULL AS parked,
               CASE e.ordering
                   WHEN 'endpoint' THEN e.id
                   WHEN 'key' THEN posthorn.ordered_lane(e.id, e.ordering_key, posthorn.payload_as_jsonb(v.payload::text))
               END AS ordered_lane
        FROM posthorn.webhook_events AS v
        JOIN posthorn.webhook_endpoints AS e ON e.community_id = v.community_id AND e.deleted_at IS NULL
        JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = e.id
        WHERE v.id = ANY (events)
          AND (endpoint IS NULL OR e.id = endpoint)
          AND e.event_types && posthorn.event_type_patterns(v.event_type)
          AND (h.disabled_reason IS NULL OR h.disabled_reason = 'auto')
          AND (e.filter IS NULL OR posthorn.filter_matches(e.filter, posthorn.payload_as_jsonb(v.payload::text)))
          AND NOT EXISTS (
              SELECT FROM posthorn.webhook_deliveries AS d
              WHERE d.id BETWEEN posthorn.first_delivery_id(v.id) AND posthorn.last_delivery_id(v.id)
                AND d.event_id = v.id AND d.endpoint_id = e.id)
    ),
    queued AS (
        INSERT INTO posthorn.webhook_deliveries
            (id, stage, status, event_id, community_id, endpoint_id, ordered_lane, position, created_at, next_attempt_at, parked_at,
             max_attempts, payload_bytes, event_type)
        SELECT posthorn.delivery_id(t.event_id, t.place),
               (CASE WHEN t.parked THEN 'parked' ELSE 'ready' END)::posthorn.delivery_stage,
               'pending', t.event_id, t.community_id, t.endpoint_id, t.ordered_lane, nextval('posthorn.webhook_delivery_position'), c.at,
               CASE WHEN NOT t.parked THEN c.at END, CASE WHEN t.parked THEN c.at END, t.max_attempts, t.payload_bytes, t.event_type
        FROM (
            SELECT t.*, t.deliveries + row_number() OVER (PARTITION BY t.event_id ORDER BY t.endpoint_id)::integer AS place
            FROM takers AS t
            ORDER BY t.event_id
        ) AS t
        CROSS JOIN (SELECT posthorn.clock_now() AS at OFFSET 0) AS c
        RETURNING event_id
    ),
    counted AS (
        UPDATE posthorn.webhook_events AS v
        SET deliveries = v.deliveries + q.more
        FROM (SELECT q.event_id, count(*)::integer AS more FROM queued AS q GROUP BY q.event_id) AS q
        WHERE v.id = q.event_id
    )
    SELECT count(*)::integer FROM queued
$$;

COMMENT ON FUNCTION posthorn.queue_missing_deliveries(uuid[], uuid) IS
    'Creates the deliveries that events lack: one for each endpoint that takes the event today and has none of it.';

-- Locks: the job, SKIP LOCKED. While much waits, jobs wait too: what they queue must not make the hot table large.
CREATE FUNCTION posthorn.advance_webhook_redelivery(max integer DEFAULT 500) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at     constant timestamptz := posthorn.clock_now();
    job    posthorn.webhook_redeliveries;
    events uuid[];
    queued integer := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM posthorn.webhook_redeliveries AS r WHERE r.status = 'running')
        OR (SELECT count(*) FROM (SELECT FROM posthorn.webhook_deliveries_ready LIMIT 20000) AS d) = 20000
    THEN
        RETURN 0;
    END IF;
    SELECT r.* INTO job
    FROM posthorn.webhook_redeliveries AS r
    WHERE r.status = 'running'
    ORDER BY r.updated_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;

    SELECT array_agg(v.id ORDER BY v.id) INTO events
    FROM (
        SELECT v.id
        FROM posthorn.webhook_events AS v
        WHERE v.community_id = job.community_id
          AND v.id > job.reached_id
          AND v.id < posthorn.uuid_v7_floor(job.to_time)
          AND (job.event_type IS NULL OR v.event_type = job.event_type)
        ORDER BY v.id
        LIMIT max
    ) AS v;

    IF events IS NOT NULL AND job.what <> 'missing' THEN
        SELECT count(*) INTO queued
        FROM posthorn.give_new_attempts(ARRAY(
            SELECT d.id
            FROM unnest(events) AS v (id)
            CROSS JOIN LATERAL (
                SELECT d.id, d.endpoint_id, d.status, d.last_error
                FROM posthorn.webhook_deliveries AS d
                WHERE d.id BETWEEN posthorn.first_delivery_id(v.id) AND posthorn.last_delivery_id(v.id)
                  AND d.event_id = v.id
                  AND d.stage IN ('dead', 'ended')
                OFFSET 0
            ) AS d
            WHERE (job.endpoint_id IS NULL OR d.endpoint_id = job.endpoint_id)
              AND (job.what = 'all' OR d.status <> 'delivered')
              -- Somebody gave it up by hand.
              AND NOT (d.status = 'failed' AND d.last_error = 'cancelled')));
    END IF;
    IF events IS NOT NULL AND job.what <> 'failed' THEN
        queued := queued + posthorn.queue_missing_deliveries(events, job.endpoint_id);
    END IF;

    UPDATE posthorn.webhook_redeliveries AS r
    SET reached_id = coalesce(events[cardinality(events)], r.reached_id),
        examined = r.examined + coalesce(cardinality(events), 0),
        redelivered = r.redelivered + queued,
        status = CASE WHEN coalesce(cardinality(events), 0) < max THEN 'completed' ELSE 'running' END,
        updated_at = at,
        ended_at = CASE WHEN coalesce(cardinality(events), 0) < max THEN at END
    WHERE r.id = job.id;
    IF queued > 0 THEN
        PERFORM posthorn.wake_dispatchers();
    END IF;
    RETURN coalesce(cardinality(events), 0);
END
$$;

COMMENT ON FUNCTION posthorn.advance_webhook_redelivery(integer) IS
    'Carries the job that has waited longest a batch of events further, in one transaction; returns how many events were looked at. Nodes call it every second and again while it returns max.';

GRANT EXECUTE ON FUNCTION
    posthorn.start_webhook_redelivery(text, text, uuid, text, timestamptz, timestamptz),
    posthorn.cancel_webhook_redelivery(uuid)
TO posthorn_service, posthorn_member;
GRANT EXECUTE ON FUNCTION posthorn.advance_webhook_redelivery(integer) TO posthorn_service;
