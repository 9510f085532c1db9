-- Pushed records: what a verified request brought, saved with its events in one transaction.

CREATE FUNCTION posthorn.receive_push(
    integration  uuid,
    delivery_id  text,
    types        text[],
    external_ids text[],
    datas        text[],
    rejected     integer DEFAULT 0,
    versions     numeric[] DEFAULT NULL
)
RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at     constant timestamptz := posthorn.clock_now();
    config posthorn.integration_configs;
    run    uuid;
    counts record;
BEGIN
    SELECT c.* INTO config FROM posthorn.integration_configs AS c
    WHERE c.id = integration AND c.deleted_at IS NULL AND c.paused_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no integration %', integration USING ERRCODE = 'PH006';
    END IF;
    -- One push of an integration after the other: the row of the hour is locked until commit.
    INSERT INTO posthorn.integration_sync_logs AS r
        (community_id, integration_id, trigger, status, requested_by, started_at, ended_at)
    VALUES (config.community_id, config.id, 'push', 'completed', 'push', date_trunc('hour', at, 'UTC'), at)
    ON CONFLICT (integration_id, started_at) WHERE trigger = 'push' DO UPDATE SET ended_at = excluded.ended_at
    RETURNING r.id INTO run;
    INSERT INTO posthorn.integration_push_receipts AS p (integration_id, delivery_id, community_id, received_at)
    VALUES (config.id, receive_push.delivery_id, config.community_id, at)
    ON CONFLICT (integration_id, delivery_id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT * INTO counts
    FROM posthorn.apply_source_records(config.community_id, config.id, run, false, types, external_ids, datas, versions);
    UPDATE posthorn.integration_sync_logs AS r
    SET batches = r.batches + 1,
        records_read = r.records_read + cardinality(types) + rejected,
        records_created = r.records_created + counts.created,
        records_updated = r.records_updated + counts.updated,
        records_unchanged = r.records_unchanged + counts.unchanged,
        records_deleted = r.records_deleted + counts.deleted,
        records_rejected = r.records_rejected + rejected + counts.too_large
    WHERE r.id = run;
    UPDATE posthorn.integration_health AS h
    SET last_success_at = at, last_run_id = run, stale_at = at + make_interval(secs => config.stale_after_seconds)
    WHERE h.integration_id = config.id AND coalesce(h.last_success_at <= at - interval '10 seconds', true);
    RETURN true;
END
$$;

COMMENT ON FUNCTION posthorn.receive_push(uuid, text, text[], text[], text[], integer, numeric[]) IS
    'Saves what a verified request brought, its events included; durable once committed. Records of an older version than the known one change nothing. False if the delivery was saved before. Error: PH006 no such integration, or it is paused.';
