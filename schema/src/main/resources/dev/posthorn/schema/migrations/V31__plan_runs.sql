-- Planning: which runs are due, and what people ask of integrations: begin, cancel, pause, resume.

CREATE FUNCTION posthorn.due_integrations(max integer DEFAULT 100)
RETURNS TABLE (
    integration_id   uuid,
    interval_seconds integer,
    cron             text,
    time_zone        text,
    changed          boolean,
    now_at           timestamptz,
    connector        text,
    config           text
)
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT c.id, c.interval_seconds, c.cron, c.time_zone, h.schedule_changed,
           posthorn.clock_now(), c.connector, CASE WHEN c.vault_secret_id IS NULL THEN c.config::text END
    FROM (
        SELECT d.integration_id
        FROM posthorn.integration_health AS d
        WHERE d.schedule_changed OR d.next_run_at <= posthorn.clock_now()
        ORDER BY d.integration_id
        LIMIT max
        FOR UPDATE SKIP LOCKED
    ) AS due
    JOIN posthorn.integration_health AS h ON h.integration_id = due.integration_id
    JOIN posthorn.integration_configs AS c ON c.id = due.integration_id
$$;

COMMENT ON FUNCTION posthorn.due_integrations(integer) IS
    'Integrations whose next run is due, or must be worked out anew; locked until the transaction ends with plan_integrations. config: only where no credentials are stored, so that a node can tell whether it may be read without.';

CREATE FUNCTION posthorn.plan_integrations(ids uuid[], next_runs timestamptz[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at     constant timestamptz := posthorn.clock_now();
    queued integer;
BEGIN
    INSERT INTO posthorn.integration_sync_logs AS r (community_id, integration_id, trigger, status, requested_by)
    SELECT c.community_id, c.id, 'schedule', 'queued', 'schedule'
    FROM unnest(ids) AS i (id)
    JOIN posthorn.integration_health AS h ON h.integration_id = i.id AND NOT h.schedule_changed AND h.next_run_at <= at AND h.disabled_at IS NULL
    JOIN posthorn.integration_configs AS c ON c.id = i.id AND c.paused_at IS NULL AND c.deleted_at IS NULL
    -- The one before has not ended: this one is left out, the next comes in its time.
    ON CONFLICT (integration_id) WHERE status IN ('queued', 'running', 'retrying') DO NOTHING;
    GET DIAGNOSTICS queued = ROW_COUNT;

    UPDATE posthorn.integration_health AS h
    SET schedule_changed = false,
        next_run_at = CASE WHEN c.paused_at IS NULL AND c.deleted_at IS NULL AND h.disabled_at IS NULL THEN i.next_run END
    FROM unnest(ids, next_runs) AS i (id, next_run)
    JOIN posthorn.integration_configs AS c ON c.id = i.id
    WHERE h.integration_id = i.id;
    RETURN queued;
END
$$;

COMMENT ON FUNCTION posthorn.plan_integrations(uuid[], timestamptz[]) IS
    'Queues a run of each integration that is due and sets when the next one is; null: when asked for. Returns how many were queued.';

CREATE FUNCTION posthorn.find_managed_integration(integration uuid) RETURNS posthorn.integration_configs
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    present posthorn.integration_configs;
BEGIN
    SELECT c.* INTO present FROM posthorn.integration_configs AS c WHERE c.id = integration AND c.deleted_at IS NULL FOR UPDATE;
    IF NOT FOUND OR NOT posthorn.caller_may('integrations:write', present.community_id) THEN
        RAISE EXCEPTION 'there is no integration %', integration USING ERRCODE = 'PH006';
    END IF;
    RETURN present;
END
$$;

COMMENT ON FUNCTION posthorn.find_managed_integration(uuid) IS 'Locks an integration that the caller may change, or says that there is none.';

CREATE FUNCTION posthorn.start_sync_run(integration uuid) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    config  constant posthorn.integration_configs := posthorn.find_managed_integration(integration);
    started uuid;
BEGIN
    IF config.paused_at IS NOT NULL
        OR EXISTS (SELECT FROM posthorn.integration_health AS h WHERE h.integration_id = config.id AND h.disabled_at IS NOT NULL)
    THEN
        RAISE EXCEPTION 'the integration is %', CASE WHEN config.paused_at IS NULL THEN 'disabled' ELSE 'paused' END
            USING ERRCODE = 'PH007', HINT = 'Resume it first.';
    END IF;
    INSERT INTO posthorn.integration_sync_logs AS r (community_id, integration_id, trigger, status, requested_by)
    VALUES (config.community_id, config.id, 'manual', 'queued', posthorn.current_actor())
    ON CONFLICT (integration_id) WHERE status IN ('queued', 'running', 'retrying') DO NOTHING
    RETURNING r.id INTO started;
    IF NOT FOUND THEN
        SELECT r.id INTO started FROM posthorn.integration_sync_logs AS r
        WHERE r.integration_id = config.id AND r.status IN ('queued', 'running', 'retrying');
        -- One that waits to be tried again is tried now.
        UPDATE posthorn.integration_sync_logs AS r SET next_attempt_at = posthorn.clock_now() WHERE r.id = started AND r.status = 'retrying';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a run of this integration has not ended' USING ERRCODE = 'PH004', DETAIL = started::text;
        END IF;
    END IF;
    RETURN started;
END
$$;

COMMENT ON FUNCTION posthorn.start_sync_run(uuid) IS
    'Queues a run, which a node begins within about a second; one that waits to be tried again is tried at once instead. Returns its id. Errors: PH004 one runs already, its id as DETAIL; PH006 no such integration; PH007 paused or disabled.';

CREATE FUNCTION posthorn.cancel_sync_run(run uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at    constant timestamptz := posthorn.clock_now();
    present posthorn.integration_sync_logs;
BEGIN
    SELECT r.* INTO present FROM posthorn.integration_sync_logs AS r WHERE r.id = run FOR UPDATE;
    IF NOT FOUND OR NOT posthorn.caller_may('integrations:write', present.community_id) THEN
        RAISE EXCEPTION 'there is no run %', run USING ERRCODE = 'PH006';
    ELSIF present.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'the run is already %', present.status USING ERRCODE = 'PH007';
    END IF;
    UPDATE posthorn.integration_sync_logs AS r
    SET cancel_requested_at = coalesce(r.cancel_requested_at, at),
        status = CASE WHEN r.status = 'running' THEN r.status ELSE 'cancelled' END,
        ended_at = CASE WHEN r.status = 'running' THEN NULL ELSE at END
    WHERE r.id = run;
END
$$;

COMMENT ON FUNCTION posthorn.cancel_sync_run(uuid) IS
    'Cancels a run: one that waits at once, one that runs within some seconds; what it has saved stays, and the next run goes on there. Errors: PH006, PH007 ended already.';

CREATE FUNCTION posthorn.pause_integration(integration uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    config constant posthorn.integration_configs := posthorn.find_managed_integration(integration);
BEGIN
    UPDATE posthorn.integration_configs AS c SET paused_at = posthorn.clock_now() WHERE c.id = config.id AND c.paused_at IS NULL;
END
$$;

COMMENT ON FUNCTION posthorn.pause_integration(uuid) IS 'Lets no run begin, nothing be pushed any more; one that runs goes on to its end. Error: PH006.';

CREATE FUNCTION posthorn.resume_integration(integration uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    config constant posthorn.integration_configs := posthorn.find_managed_integration(integration);
BEGIN
    UPDATE posthorn.integration_configs AS c SET paused_at = NULL WHERE c.id = config.id AND c.paused_at IS NOT NULL;
    UPDATE posthorn.integration_health AS h
    SET disabled_at = NULL, warned_at = NULL, schedule_changed = true,
        consecutive_failures = CASE WHEN h.disabled_at IS NULL THEN h.consecutive_failures ELSE 0 END,
        failing_since = CASE WHEN h.disabled_at IS NULL THEN h.failing_since END
    WHERE h.integration_id = config.id;
END
$$;

COMMENT ON FUNCTION posthorn.resume_integration(uuid) IS 'Ends a pause or an automatic disabling; where there is an interval, a run begins at once. Error: PH006.';

CREATE FUNCTION posthorn.set_integration_credentials(integration uuid, secret uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    UPDATE posthorn.integration_configs AS c
    SET vault_secret_id = secret
    WHERE c.id = integration AND posthorn.caller_may('integrations:write', c.community_id);
    -- Also where a new version of the same secret was written: it is tried at once, however long the old one has failed.
    UPDATE posthorn.integration_health AS h
    SET schedule_changed = true
    WHERE h.integration_id = integration AND posthorn.caller_may('integrations:write', h.community_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no integration %', integration USING ERRCODE = 'PH006';
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.set_integration_credentials(uuid, uuid) IS
    'Sets the secret of the vault that holds an integration''s credentials, or says that it has a new version; null for none. Errors: PH006, PH008 no secret of the same community.';
