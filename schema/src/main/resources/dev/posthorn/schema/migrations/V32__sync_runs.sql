-- Runs: claimed, carried out, ended. A batch of records, what they mean for others and how far reading has come are one transaction, so
-- that a crash neither repeats nor skips anything.

CREATE FUNCTION posthorn.claim_sync_runs(max integer)
RETURNS TABLE (
    run_id          uuid,
    lease           uuid,
    integration_id  uuid,
    community_id    uuid,
    connector       text,
    config          text,
    vault_secret_id uuid,
    cursor          text,
    attempt         integer,
    taken_over      boolean
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at   constant timestamptz := posthorn.clock_now();
    lost record;
BEGIN
    -- Nodes that ran them were lost five times: whatever it is, it kills nodes.
    FOR lost IN
        SELECT r.id, r.lease FROM posthorn.integration_sync_logs AS r
        WHERE r.status = 'running' AND r.heartbeat_at <= at - interval '15 seconds' AND r.lost_runners >= 4
        FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM posthorn.end_sync_run(lost.id, lost.lease, 'failed', 'internal', 'us', false, 'five nodes in a row were lost while they ran it');
    END LOOP;

    RETURN QUERY
    WITH chosen AS MATERIALIZED (
        SELECT r.id, r.status = 'running' AS taken_over
        FROM posthorn.integration_sync_logs AS r
        WHERE (r.status = 'queued'
               OR (r.status = 'retrying' AND r.next_attempt_at <= at)
               OR (r.status = 'running' AND r.heartbeat_at <= at - interval '15 seconds'))
        ORDER BY coalesce(r.next_attempt_at, r.created_at)
        LIMIT max
        FOR UPDATE SKIP LOCKED
    ),
    claimed AS (
        UPDATE posthorn.integration_sync_logs AS r
        SET status = 'running', lease = gen_random_uuid(), heartbeat_at = at,
            started_at = coalesce(r.started_at, at),
            next_attempt_at = NULL,
            attempt = r.attempt + CASE WHEN chosen.taken_over THEN 0 ELSE 1 END,
            lost_runners = r.lost_runners + CASE WHEN chosen.taken_over THEN 1 ELSE 0 END,
            cursor_from = CASE WHEN r.started_at IS NULL THEN k.cursor ELSE r.cursor_from END,
            cursor_to = CASE WHEN r.started_at IS NULL THEN k.cursor ELSE r.cursor_to END
        FROM chosen, posthorn.integration_checkpoints AS k
        WHERE r.id = chosen.id AND k.integration_id = r.integration_id
        RETURNING r.id, r.lease, r.integration_id, r.attempt, chosen.taken_over, k.cursor
    )
    SELECT c.id, c.lease, g.id, g.community_id, g.connector, g.config::text, g.vault_secret_id, c.cursor::text, c.attempt, c.taken_over
    FROM claimed AS c
    JOIN posthorn.integration_configs AS g ON g.id = c.integration_id;
END
$$;

COMMENT ON FUNCTION posthorn.claim_sync_runs(integer) IS
    'Runs that are due, and those whose node was not heard for 15 seconds, each with a new lease and the checkpoint from which to go on.';

CREATE FUNCTION posthorn.beat_sync_runs(leases uuid[]) RETURNS TABLE (lease uuid, cancelled boolean)
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    UPDATE posthorn.integration_sync_logs AS r
    SET heartbeat_at = posthorn.clock_now()
    WHERE r.status = 'running' AND r.lease = ANY (leases)
    RETURNING r.lease, r.cancel_requested_at IS NOT NULL
$$;

COMMENT ON FUNCTION posthorn.beat_sync_runs(uuid[]) IS
    'Says that these runs are alive. Returns those that are still the caller''s, and whether they are to stop; every other one must be let go.';

CREATE FUNCTION posthorn.lock_sync_run(run uuid, lease uuid) RETURNS posthorn.integration_sync_logs
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    present posthorn.integration_sync_logs;
BEGIN
    SELECT r.* INTO present FROM posthorn.integration_sync_logs AS r WHERE r.id = run AND r.status = 'running' AND r.lease = lock_sync_run.lease FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the run % is no longer this node''s', run USING ERRCODE = 'PH007';
    END IF;
    RETURN present;
END
$$;

COMMENT ON FUNCTION posthorn.lock_sync_run(uuid, uuid) IS 'Locks a run whose lease the caller holds; anybody else learns by PH007 that it has been taken over.';

CREATE FUNCTION posthorn.apply_source_records(
    community        uuid,
    integration      uuid,
    run              uuid,
    seen             boolean,
    types            text[],
    external_ids     text[],
    datas            text[],
    versions         numeric[],
    OUT created      integer,
    OUT updated      integer,
    OUT unchanged    integer,
    OUT deleted      integer,
    OUT too_large    integer
)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at          constant timestamptz := posthorn.clock_now();
    -- What does not fit into an event would be a change that nobody is told of. The rest of the event's payload has less than 4 KiB.
    largest     constant bigint := posthorn.setting_number('max_payload_bytes') - 4096;
    config      record;
    event_types text[];
    payloads    text[];
BEGIN
    SELECT c.name, c.record_events INTO config FROM posthorn.integration_configs AS c WHERE c.id = integration;

    WITH given AS MATERIALIZED (
        SELECT DISTINCT ON (i.type, i.external_id) i.type, i.external_id, i.data::jsonb AS data, i.version
        FROM unnest(types, external_ids, datas, versions) WITH ORDINALITY AS i (type, external_id, data, version, ordinal)
        ORDER BY i.type, i.external_id, i.version DESC NULLS LAST, i.ordinal DESC
    ),
    known AS MATERIALIZED (
        SELECT g.type, g.external_id, g.data, g.version, r.id,
               CASE
                   -- Overtaken by what is known already.
                   WHEN g.version < r.version THEN 'unchanged'
                   WHEN g.data IS NULL THEN CASE WHEN r.id IS NULL OR r.deleted_at IS NOT NULL THEN 'unchanged' ELSE 'deleted' END
                   WHEN octet_length(g.data::text) > largest THEN 'too_large'
                   WHEN r.id IS NULL OR r.deleted_at IS NOT NULL THEN 'created'
                   WHEN r.data = g.data THEN 'unchanged'
                   ELSE 'updated'
               END AS outcome
        FROM given AS g
        LEFT JOIN posthorn.integration_records AS r
            ON r.integration_id = integration AND r.type = g.type AND r.external_id = g.external_id
    ),
    written AS (
        INSERT INTO posthorn.integration_records AS r (community_id, integration_id, type, external_id, data, version, run_id, created_at, updated_at)
        SELECT community, integration, k.type, k.external_id, k.data, k.version, run, at, at
        FROM known AS k
        WHERE k.outcome IN ('created', 'updated')
        ORDER BY k.type, k.external_id
        ON CONFLICT (integration_id, type, external_id) DO UPDATE
            SET data = excluded.data, version = excluded.version, run_id = excluded.run_id, updated_at = excluded.updated_at, deleted_at = NULL
            WHERE coalesce(excluded.version >= r.version, true)
        RETURNING r.id, r.type, r.external_id, r.data
    ),
    removed AS (
        UPDATE posthorn.integration_records AS r
        SET deleted_at = at, updated_at = at, run_id = run, version = k.version
        FROM known AS k
        WHERE k.outcome = 'deleted' AND r.id = k.id
        RETURNING r.id, r.type, r.external_id, r.data
    ),
    marked AS (
        UPDATE posthorn.integration_records AS r
        SET run_id = CASE WHEN seen THEN run ELSE r.run_id END,
            version = CASE WHEN k.outcome = 'unchanged' THEN greatest(r.version, k.version) ELSE r.version END
        FROM known AS k
        WHERE k.outcome IN ('unchanged', 'too_large') AND r.id = k.id
          AND (seen OR k.outcome = 'unchanged' AND k.version IS NOT NULL AND coalesce(k.version > r.version, true))
    ),
    -- A deletion that overtook the creation, which is still to come and must then be known to be older.
    overtaking AS (
        INSERT INTO posthorn.integration_records
            (community_id, integration_id, type, external_id, data, version, run_id, created_at, updated_at, deleted_at)
        SELECT community, integration, k.type, k.external_id, '{}', k.version, run, at, at, at
        FROM known AS k
        WHERE k.data IS NULL AND k.id IS NULL AND k.version IS NOT NULL
        ON CONFLICT (integration_id, type, external_id) DO NOTHING
    ),
    changes AS (
        SELECT k.outcome, w.* FROM written AS w JOIN known AS k ON k.type = w.type AND k.external_id = w.external_id
        UNION ALL
        SELECT 'deleted', d.* FROM removed AS d
    ),
    told AS (
        SELECT array_agg('integration.record.' || c.outcome ORDER BY c.type, c.external_id) AS event_types,
               array_agg(jsonb_build_object('integration_id', integration, 'integration', config.name, 'record_id', c.id,
                                            'type', c.type, 'external_id', c.external_id, 'data', c.data)::text
                         ORDER BY c.type, c.external_id) AS payloads
        FROM changes AS c
        WHERE config.record_events
    )
    SELECT count(*) FILTER (WHERE k.outcome = 'created'), count(*) FILTER (WHERE k.outcome = 'updated'),
           count(*) FILTER (WHERE k.outcome = 'unchanged'), count(*) FILTER (WHERE k.outcome = 'deleted'),
           count(*) FILTER (WHERE k.outcome = 'too_large'),
           (SELECT t.event_types FROM told AS t), (SELECT t.payloads FROM told AS t)
    INTO created, updated, unchanged, deleted, too_large, event_types, payloads
    FROM known AS k;

    IF event_types IS NOT NULL THEN
        PERFORM posthorn.store_webhook_events(
            array_fill(community, ARRAY[cardinality(event_types)]), event_types, payloads,
            array_fill(NULL::text, ARRAY[cardinality(event_types)]), NULL);
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.apply_source_records(uuid, uuid, uuid, boolean, text[], text[], text[], numeric[]) IS
    'Brings records to what the other side says and queues an event for each change, in the present transaction; the caller has locked the integration''s run. Of several with the same id the highest version holds, and then the last one; an older version than the known one changes nothing (null versions: none are known). Null data: deleted. seen: remember that the unchanged ones came.';

CREATE FUNCTION posthorn.save_sync_batch(
    run          uuid,
    lease        uuid,
    snapshot     boolean,
    types        text[],
    external_ids text[],
    datas        text[],
    rejected     integer,
    next_cursor  text,
    versions     numeric[] DEFAULT NULL
)
RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    -- A run that began in the middle, from the checkpoint of one that was cancelled, has not seen all.
    present  constant posthorn.integration_sync_logs := posthorn.lock_sync_run(run, lease);
    whole  constant boolean := save_sync_batch.snapshot AND present.cursor_from IS NULL;
    counts record;
BEGIN
    SELECT * INTO counts
    FROM posthorn.apply_source_records(present.community_id, present.integration_id, run, whole, types, external_ids, datas, versions);
    UPDATE posthorn.integration_sync_logs AS r
    SET snapshot = whole,
        cursor_to = next_cursor::jsonb,
        batches = r.batches + 1,
        heartbeat_at = posthorn.clock_now(),
        records_read = r.records_read + cardinality(types) + rejected,
        records_created = r.records_created + counts.created,
        records_updated = r.records_updated + counts.updated,
        records_unchanged = r.records_unchanged + counts.unchanged,
        records_deleted = r.records_deleted + counts.deleted,
        records_rejected = r.records_rejected + rejected + counts.too_large
    WHERE r.id = run;
    UPDATE posthorn.integration_checkpoints AS k
    SET cursor = next_cursor::jsonb, saved_at = posthorn.clock_now()
    WHERE k.integration_id = present.integration_id;
    RETURN counts.too_large;
END
$$;

COMMENT ON FUNCTION posthorn.save_sync_batch(uuid, uuid, boolean, text[], text[], text[], integer, text, numeric[]) IS
    'Saves a batch: records, their events, counts and the cursor after them, all or nothing. Returns how many records were too large for an event and hence rejected. Error: PH007 the lease is no longer the run''s.';

CREATE FUNCTION posthorn.delete_unseen_records(run uuid, lease uuid, after uuid, max integer DEFAULT 1000) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    present   constant posthorn.integration_sync_logs := posthorn.lock_sync_run(run, lease);
    at      constant timestamptz := posthorn.clock_now();
    allowed integer;
    unseen  bigint;
    known   bigint;
    gone    record;
    counts  record;
BEGIN
    IF NOT present.snapshot OR present.records_rejected > 0 THEN
        RETURN NULL;
    END IF;
    IF after IS NULL THEN
        SELECT count(*) FILTER (WHERE r.run_id <> run), count(*) INTO unseen, known
        FROM posthorn.integration_records AS r
        WHERE r.integration_id = present.integration_id AND r.deleted_at IS NULL;
        SELECT c.max_deletions_percent INTO allowed FROM posthorn.integration_configs AS c WHERE c.id = present.integration_id;
        -- A handful may always go: percentages of little say little.
        IF unseen > 10 AND unseen * 100 > known * allowed THEN
            RAISE EXCEPTION '% of % records are gone at the other side, and max_deletions_percent is %', unseen, known, allowed USING ERRCODE = 'PH010';
        END IF;
    END IF;
    SELECT array_agg(r.type ORDER BY r.id) AS types, array_agg(r.external_id ORDER BY r.id) AS external_ids,
           array_agg(NULL::text) AS datas, (array_agg(r.id ORDER BY r.id DESC))[1] AS last
    INTO gone
    FROM (
        SELECT r.id, r.type, r.external_id FROM posthorn.integration_records AS r
        WHERE r.integration_id = present.integration_id AND r.deleted_at IS NULL AND r.run_id <> run
          AND (after IS NULL OR r.id > after)
        ORDER BY r.id
        LIMIT max
    ) AS r;
    IF gone.last IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT * INTO counts
    FROM posthorn.apply_source_records(present.community_id, present.integration_id, run, false, gone.types, gone.external_ids, gone.datas, NULL);
    UPDATE posthorn.integration_sync_logs AS r
    SET records_deleted = r.records_deleted + counts.deleted, heartbeat_at = at
    WHERE r.id = run;
    RETURN gone.last;
END
$$;

COMMENT ON FUNCTION posthorn.delete_unseen_records(uuid, uuid, uuid, integer) IS
    'After a whole snapshot: marks records that did not come as deleted, a batch after the given record. Returns the last of the batch, to be given to the next call; null when done, or when something was rejected and might be one of them. Errors: PH007 as ever, PH010 more are gone than the integration allows at once.';

CREATE FUNCTION posthorn.log_sync_lines(run uuid, levels text[], lines text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    most  constant integer := 10000;
    at    constant timestamptz := posthorn.clock_now();
    present posthorn.integration_sync_logs;
BEGIN
    PERFORM posthorn.ensure_day(at), posthorn.ensure_day(at + interval '1 second');
    SELECT r.* INTO present FROM posthorn.integration_sync_logs AS r WHERE r.id = run FOR UPDATE;
    INSERT INTO posthorn.integration_log_lines (id, community_id, integration_id, run_id, number, level, line)
    SELECT posthorn.generate_uuid_v7(at), present.community_id, present.integration_id, run, present.log_lines + l.ordinal, l.level, left(l.line, 4000)
    FROM unnest(levels, lines) WITH ORDINALITY AS l (level, line, ordinal)
    WHERE present.id IS NOT NULL AND l.ordinal <= most - present.log_lines;
    UPDATE posthorn.integration_sync_logs AS r
    SET log_lines = least(present.log_lines + cardinality(lines), most)
    WHERE r.id = run;
END
$$;

COMMENT ON FUNCTION posthorn.log_sync_lines(uuid, text[], text[]) IS 'Writes lines into the log of a run; at most 10,000 are kept, each of at most 4,000 characters.';
