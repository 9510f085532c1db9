-- How runs end, what that says of an integration, and who is told.

CREATE FUNCTION posthorn.tell_of_integration(config posthorn.integration_configs, event_type text, detail jsonb) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT posthorn.queue_operational_event(
        config.community_id, event_type,
        jsonb_build_object('integration_id', config.id, 'integration', config.name, 'connector', config.connector) || detail, NULL)
$$;

COMMENT ON FUNCTION posthorn.tell_of_integration(posthorn.integration_configs, text, jsonb) IS 'Queues an event about an integration, in the present transaction.';

CREATE FUNCTION posthorn.note_integration_failure(config posthorn.integration_configs, kind text, origin text, must_act boolean, message text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at    constant timestamptz := posthorn.clock_now();
    issue posthorn.integration_issues;
BEGIN
    INSERT INTO posthorn.integration_issues AS i
        (community_id, integration_id, kind, origin, person_must_act, message, first_seen_at, last_seen_at)
    VALUES (config.community_id, config.id, note_integration_failure.kind, note_integration_failure.origin, must_act,
            note_integration_failure.message, at, at)
    ON CONFLICT (integration_id, kind) WHERE resolved_at IS NULL DO UPDATE
        SET occurrences = i.occurrences + 1, last_seen_at = at, message = excluded.message, good_runs = 0
    RETURNING i.* INTO issue;
    IF issue.opened_at IS NULL AND (must_act OR issue.occurrences >= 2) THEN
        UPDATE posthorn.integration_issues AS i SET opened_at = at WHERE i.id = issue.id;
        PERFORM posthorn.tell_of_integration(config, 'integration.issue.opened', jsonb_build_object(
            'issue_id', issue.id, 'kind', issue.kind, 'origin', issue.origin, 'person_must_act', issue.person_must_act,
            'message', issue.message, 'occurrences', issue.occurrences, 'first_seen_at', issue.first_seen_at));
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.note_integration_failure(posthorn.integration_configs, text, text, boolean, text) IS
    'Counts a failure under the present issue of its kind, and opens it where that is due.';

CREATE FUNCTION posthorn.note_integration_success(config posthorn.integration_configs) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at    constant timestamptz := posthorn.clock_now();
    issue posthorn.integration_issues;
BEGIN
    DELETE FROM posthorn.integration_issues AS i WHERE i.integration_id = config.id AND i.resolved_at IS NULL AND i.opened_at IS NULL;
    FOR issue IN
        UPDATE posthorn.integration_issues AS i
        SET good_runs = i.good_runs + 1,
            resolved_at = CASE WHEN i.person_must_act OR i.kind = 'stale' OR i.good_runs >= 1 THEN at END
        WHERE i.integration_id = config.id AND i.resolved_at IS NULL
        RETURNING i.*
    LOOP
        IF issue.resolved_at IS NOT NULL THEN
            PERFORM posthorn.tell_of_integration(config, 'integration.issue.resolved', jsonb_build_object(
                'issue_id', issue.id, 'kind', issue.kind, 'occurrences', issue.occurrences,
                'first_seen_at', issue.first_seen_at, 'last_seen_at', issue.last_seen_at));
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION posthorn.note_integration_success(posthorn.integration_configs) IS 'Counts a good run for the open issues, and resolves those for which that suffices.';

CREATE FUNCTION posthorn.disable_failing_integration(config posthorn.integration_configs, health posthorn.integration_health) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at       constant timestamptz := posthorn.clock_now();
    failures constant bigint := posthorn.setting_number('integration_disable_failures');
    hours    constant bigint := posthorn.setting_number('integration_disable_hours');
    about    constant jsonb := jsonb_build_object('consecutive_failures', health.consecutive_failures, 'failing_since', health.failing_since);
BEGIN
    IF failures = 0 OR health.disabled_at IS NOT NULL THEN
        RETURN;
    END IF;
    IF health.warned_at IS NOT NULL AND health.consecutive_failures >= failures AND health.failing_since <= at - make_interval(hours => hours::integer) THEN
        UPDATE posthorn.integration_health AS h SET disabled_at = at, next_run_at = NULL WHERE h.integration_id = config.id;
        PERFORM posthorn.record_audit('integration.disabled', 'integration', config.id, config.community_id, about);
        PERFORM posthorn.tell_of_integration(config, 'integration.disabled', about);
    ELSIF health.warned_at IS NULL AND health.consecutive_failures * 2 >= failures
        AND health.failing_since <= at - make_interval(mins => (hours * 30)::integer)
    THEN
        UPDATE posthorn.integration_health AS h SET warned_at = at WHERE h.integration_id = config.id;
        PERFORM posthorn.tell_of_integration(
            config, 'integration.disabling',
            about || jsonb_build_object('disabled_from', health.failing_since + make_interval(hours => hours::integer)));
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.disable_failing_integration(posthorn.integration_configs, posthorn.integration_health) IS
    'Disables an integration that has failed often and for long enough, after a warning at half of both.';

CREATE FUNCTION posthorn.end_sync_run(
    run                 uuid,
    lease               uuid,
    outcome             text,
    error_class         text DEFAULT NULL,
    error_origin        text DEFAULT NULL,
    person_must_act     boolean DEFAULT NULL,
    error_message       text DEFAULT NULL,
    retry_after_seconds integer DEFAULT NULL,
    stale_at            timestamptz DEFAULT NULL
)
RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at     constant timestamptz := posthorn.clock_now();
    waits  constant interval[] := '{30 seconds,2 minutes,10 minutes}';
    present  posthorn.integration_sync_logs := posthorn.lock_sync_run(run, end_sync_run.lease);
    config posthorn.integration_configs;
    health posthorn.integration_health;
    again  boolean;
    about  jsonb;
BEGIN
    IF outcome NOT IN ('completed', 'failed', 'cancelled', 'returned') THEN
        RAISE EXCEPTION 'outcome must be completed, failed, cancelled or returned' USING ERRCODE = 'PH009';
    END IF;
    -- Whoever cancelled it does not ask any more why it failed.
    IF outcome = 'failed' AND present.cancel_requested_at IS NOT NULL THEN
        outcome := 'cancelled';
    END IF;
    SELECT c.* INTO config FROM posthorn.integration_configs AS c WHERE c.id = present.integration_id;
    again := outcome = 'failed' AND NOT coalesce(end_sync_run.person_must_act, false) AND present.attempt <= cardinality(waits)
        AND config.paused_at IS NULL AND config.deleted_at IS NULL AND present.lost_runners < 4;
    UPDATE posthorn.integration_sync_logs AS r
    SET lease = NULL,
        status = CASE WHEN outcome = 'returned' THEN 'queued' WHEN again THEN 'retrying' ELSE outcome END,
        attempt = r.attempt - CASE WHEN outcome = 'returned' THEN 1 ELSE 0 END,
        next_attempt_at = CASE WHEN again THEN at + greatest(waits[r.attempt], make_interval(secs => coalesce(retry_after_seconds, 0))) END,
        ended_at = CASE WHEN outcome <> 'returned' AND NOT again THEN at END,
        error_class = CASE WHEN outcome = 'failed' THEN end_sync_run.error_class END,
        error_origin = CASE WHEN outcome = 'failed' THEN end_sync_run.error_origin END,
        error_message = CASE WHEN outcome = 'failed' THEN left(end_sync_run.error_message, 2000) END,
        person_must_act = CASE WHEN outcome = 'failed' THEN end_sync_run.person_must_act END
    WHERE r.id = run
    RETURNING r.* INTO present;
    IF present.ended_at IS NULL THEN
        RETURN present.status;
    END IF;

    about := jsonb_build_object(
        'run_id', present.id, 'trigger', present.trigger, 'started_at', present.started_at, 'ended_at', present.ended_at, 'attempts', present.attempt,
        'records_read', present.records_read, 'records_created', present.records_created, 'records_updated', present.records_updated,
        'records_unchanged', present.records_unchanged, 'records_deleted', present.records_deleted, 'records_rejected', present.records_rejected);
    IF outcome = 'completed' THEN
        UPDATE posthorn.integration_health AS h
        SET consecutive_failures = 0, failing_since = NULL, warned_at = NULL, last_success_at = at, last_run_id = run,
            stale_at = CASE WHEN config.stale_after_seconds IS NULL THEN end_sync_run.stale_at
                            ELSE at + make_interval(secs => config.stale_after_seconds) END
        WHERE h.integration_id = config.id;
        PERFORM posthorn.note_integration_success(config);
        PERFORM posthorn.tell_of_integration(config, 'sync.completed', about);
    ELSIF outcome = 'failed' THEN
        UPDATE posthorn.integration_health AS h
        SET consecutive_failures = h.consecutive_failures + 1, failing_since = coalesce(h.failing_since, at), last_failure_at = at, last_run_id = run,
            -- Until somebody acts, asking again and again would only lock the account.
            next_run_at = CASE
                WHEN end_sync_run.person_must_act AND h.next_run_at IS NOT NULL
                THEN greatest(h.next_run_at, at + least(interval '6 hours', interval '15 minutes' * 2 ^ least(h.consecutive_failures, 10)))
                WHEN h.next_run_at IS NOT NULL THEN greatest(h.next_run_at, at + make_interval(secs => coalesce(retry_after_seconds, 0)))
            END
        WHERE h.integration_id = config.id
        RETURNING h.* INTO health;
        PERFORM posthorn.note_integration_failure(
            config, end_sync_run.error_class, end_sync_run.error_origin, end_sync_run.person_must_act, end_sync_run.error_message);
        PERFORM posthorn.tell_of_integration(config, 'sync.failed', about || jsonb_build_object(
            'error_class', present.error_class, 'error_origin', present.error_origin, 'error_message', present.error_message,
            'person_must_act', present.person_must_act, 'consecutive_failures', health.consecutive_failures));
        PERFORM posthorn.disable_failing_integration(config, health);
    END IF;
    RETURN present.status;
END
$$;

COMMENT ON FUNCTION posthorn.end_sync_run(uuid, uuid, text, text, text, boolean, text, integer, timestamptz) IS
    'Ends the caller''s part of a run: completed, failed, cancelled, or returned (unfinished, for another node). One that was to be cancelled and failed is cancelled. What failed and may work another time is tried again after 30 seconds, 2 and 10 minutes, or when the other side said. Returns the run''s status. Error: PH007 the lease is no longer the run''s.';

CREATE FUNCTION posthorn.maintain_integrations() RETURNS TABLE (task text, rows bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at      constant timestamptz := posthorn.clock_now();
    oldest  constant timestamptz := at - make_interval(days => posthorn.setting_number('retention_days')::integer);
    stale   bigint := 0;
    removed bigint;
    config  posthorn.integration_configs;
BEGIN
    FOR config IN
        SELECT c.*
        FROM posthorn.integration_health AS h
        JOIN posthorn.integration_configs AS c ON c.id = h.integration_id AND c.paused_at IS NULL AND c.deleted_at IS NULL
        WHERE h.stale_at <= at AND h.disabled_at IS NULL
          AND NOT EXISTS (SELECT FROM posthorn.integration_issues AS i
                          WHERE i.integration_id = c.id AND i.kind = 'stale' AND i.resolved_at IS NULL)
    LOOP
        PERFORM posthorn.note_integration_failure(config, 'stale', 'remote', true, 'nothing has come for longer than expected');
        stale := stale + 1;
    END LOOP;
    RETURN QUERY SELECT 'find_stale_integrations', stale;

    -- Pushed again after a silence: there is no run whose end would resolve it.
    FOR config IN
        SELECT c.*
        FROM posthorn.integration_issues AS i
        JOIN posthorn.integration_health AS h ON h.integration_id = i.integration_id AND h.stale_at > at
        JOIN posthorn.integration_configs AS c ON c.id = i.integration_id
        WHERE i.kind = 'stale' AND i.resolved_at IS NULL
    LOOP
        PERFORM posthorn.note_integration_success(config);
    END LOOP;

    DELETE FROM posthorn.integration_push_receipts AS p
    WHERE p.received_at < at - make_interval(days => posthorn.setting_number('push_receipt_days')::integer);
    DELETE FROM posthorn.integration_issues AS i WHERE i.resolved_at < oldest;
    DELETE FROM posthorn.integration_sync_logs AS r WHERE r.ended_at < oldest;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN QUERY SELECT 'expire_sync_logs', removed;

    WITH old AS MATERIALIZED (
        SELECT r.id FROM posthorn.integration_records AS r WHERE r.deleted_at < oldest LIMIT 5000
    )
    DELETE FROM posthorn.integration_records AS r USING old WHERE r.id = old.id;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN QUERY SELECT 'expire_deleted_records', removed;

    -- What a deleted integration had read goes at once; the integration itself, when nothing is left that names it.
    WITH old AS MATERIALIZED (
        SELECT r.id
        FROM posthorn.integration_configs AS c
        JOIN posthorn.integration_records AS r ON r.integration_id = c.id
        WHERE c.deleted_at IS NOT NULL
        LIMIT 5000
    )
    DELETE FROM posthorn.integration_records AS r USING old WHERE r.id = old.id;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN QUERY SELECT 'remove_records_of_deleted', removed;
    DELETE FROM posthorn.integration_configs AS c
    WHERE c.deleted_at < oldest AND NOT EXISTS (SELECT FROM posthorn.integration_records AS r WHERE r.integration_id = c.id);
END
$$;

COMMENT ON FUNCTION posthorn.maintain_integrations() IS
    'Upkeep of integrations: finds stale ones, forgets what is past retention, removes what belonged to deleted ones. Called by maintain().';

-- Endpoints an hour later, because a sender may hold the lease of a delivery; credentials that are an hour old, because whoever makes an integration
-- stores them first.
CREATE FUNCTION posthorn.orphaned_secrets() RETURNS TABLE (secret_id uuid, community_id uuid, store text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT s.id, s.community_id, s.store
    FROM posthorn.webhook_endpoints AS e
    JOIN posthorn.vault_secrets AS s ON s.owner_id = e.id AND s.purpose LIKE 'endpoint\_%'
    WHERE e.deleted_at < posthorn.clock_now() - interval '1 hour'
    UNION ALL
    SELECT s.id, s.community_id, s.store
    FROM posthorn.vault_secrets AS s
    WHERE s.purpose = 'integration'
      AND s.owner_id IS NOT NULL
      AND s.created_at < posthorn.clock_now() - interval '1 hour'
      AND NOT EXISTS (SELECT FROM posthorn.integration_configs AS c WHERE c.id = s.owner_id AND c.deleted_at IS NULL)
$$;

COMMENT ON FUNCTION posthorn.orphaned_secrets() IS
    'Secrets whose endpoint was deleted an hour ago, and those made an hour ago whose integration is not there. Upkeep deletes those of the database, nodes those of other stores.';

CREATE INDEX integration_records_deleted ON posthorn.integration_records (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE VIEW posthorn.integration_status WITH (security_invoker = true) AS
SELECT c.community_id, c.id AS integration_id, c.name, c.connector,
       CASE
           WHEN c.paused_at IS NOT NULL THEN 'paused'
           WHEN h.disabled_at IS NOT NULL OR h.consecutive_failures >= 3 OR i.must_act THEN 'failing'
           WHEN h.last_success_at IS NULL AND h.last_failure_at IS NULL THEN 'never_ran'
           WHEN h.stale_at <= posthorn.clock_now() THEN 'stale'
           WHEN h.consecutive_failures > 0 OR i.open > 0 OR last.records_rejected > 0 OR active.status = 'retrying' THEN 'degraded'
           ELSE 'healthy'
       END AS health,
       coalesce(i.must_act, false) AS person_must_act,
       coalesce(i.open, 0) AS open_issues,
       i.worst AS issue,
       h.consecutive_failures, h.failing_since, h.last_success_at, h.last_failure_at, h.stale_at, h.next_run_at, h.disabled_at, c.paused_at,
       h.last_run_id,
       active.id AS active_run_id, active.status AS active_run_status
FROM posthorn.integration_configs AS c
JOIN posthorn.integration_health AS h ON h.integration_id = c.id
LEFT JOIN posthorn.integration_sync_logs AS last ON last.id = h.last_run_id
LEFT JOIN posthorn.integration_sync_logs AS active
    ON active.integration_id = c.id AND active.status IN ('queued', 'running', 'retrying')
LEFT JOIN LATERAL (
    SELECT count(*)::integer AS open, bool_or(i.person_must_act AND i.kind <> 'stale') AS must_act,
           (array_agg(i.message ORDER BY i.person_must_act DESC, i.last_seen_at DESC))[1] AS worst
    FROM posthorn.integration_issues AS i
    WHERE i.integration_id = c.id AND i.resolved_at IS NULL AND i.opened_at IS NOT NULL
) AS i ON true
WHERE c.deleted_at IS NULL;

COMMENT ON VIEW posthorn.integration_status IS
    'How each integration is. health: paused; failing: disabled, three failed runs in a row, or a person must act; never_ran; stale: the last success is too old; degraded: the last run failed or rejected records, or an issue is open; healthy.';

GRANT SELECT ON posthorn.integration_status TO posthorn_service, posthorn_member;

GRANT EXECUTE ON FUNCTION
    posthorn.orphaned_secrets(),
    posthorn.due_integrations(integer),
    posthorn.plan_integrations(uuid[], timestamptz[]),
    posthorn.claim_sync_runs(integer),
    posthorn.beat_sync_runs(uuid[]),
    posthorn.save_sync_batch(uuid, uuid, boolean, text[], text[], text[], integer, text, numeric[]),
    posthorn.delete_unseen_records(uuid, uuid, uuid, integer),
    posthorn.log_sync_lines(uuid, text[], text[]),
    posthorn.receive_push(uuid, text, text[], text[], text[], integer, numeric[]),
    posthorn.end_sync_run(uuid, uuid, text, text, text, boolean, text, integer, timestamptz)
TO posthorn_service;
GRANT EXECUTE ON FUNCTION
    posthorn.start_sync_run(uuid),
    posthorn.cancel_sync_run(uuid),
    posthorn.pause_integration(uuid),
    posthorn.set_integration_credentials(uuid, uuid),
    posthorn.resume_integration(uuid)
TO posthorn_service, posthorn_member;
