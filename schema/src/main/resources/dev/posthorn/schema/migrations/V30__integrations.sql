-- Integrations: what is connected, what came from it, and where its reading stands.

INSERT INTO posthorn.settings (name, value, description) VALUES
    ('integration_disable_failures', '10', 'Failed runs in a row after which an integration is disabled, if integration_disable_hours have passed too; 0: never.'),
    ('integration_disable_hours', '24', 'Hours for which an integration must have failed before it is disabled.'),
    ('push_receipt_days', '7', 'Days for which the ids of pushed deliveries are remembered, so that one that comes again is known.');

CREATE TABLE posthorn.integration_configs (
    id                    uuid PRIMARY KEY DEFAULT posthorn.generate_uuid_v7(),
    community_id          uuid NOT NULL REFERENCES posthorn.communities (id) ON DELETE CASCADE,
    name                  text NOT NULL,
    connector             text NOT NULL,
    config                jsonb NOT NULL DEFAULT '{}',
    vault_secret_id       uuid,
    interval_seconds      integer,
    cron                  text,
    time_zone             text NOT NULL DEFAULT 'UTC',
    stale_after_seconds   integer,
    max_deletions_percent integer NOT NULL DEFAULT 50,
    record_events         boolean NOT NULL DEFAULT true,
    paused_at             timestamptz,
    created_at            timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    updated_at            timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    deleted_at            timestamptz
);

CREATE INDEX integration_configs_community ON posthorn.integration_configs (community_id, id);

COMMENT ON TABLE posthorn.integration_configs IS 'Connections to external systems. Credentials stand in the vault, never here.';
COMMENT ON COLUMN posthorn.integration_configs.id IS 'Identifier.';
COMMENT ON COLUMN posthorn.integration_configs.community_id IS 'The community it belongs to.';
COMMENT ON COLUMN posthorn.integration_configs.name IS 'Name for people.';
COMMENT ON COLUMN posthorn.integration_configs.connector IS 'Which connector talks to the other side, such as http-json.';
COMMENT ON COLUMN posthorn.integration_configs.config IS 'What the connector must be told, by its JSON Schema; nothing that is secret.';
COMMENT ON COLUMN posthorn.integration_configs.vault_secret_id IS 'The secret of the vault that holds the credentials; null where none are needed.';
COMMENT ON COLUMN posthorn.integration_configs.interval_seconds IS 'A run begins this long after the last one began; null: see cron.';
COMMENT ON COLUMN posthorn.integration_configs.cron IS 'When runs begin: second minute hour day month weekday; null with no interval: only when asked for.';
COMMENT ON COLUMN posthorn.integration_configs.time_zone IS 'IANA zone of cron, such as Europe/Zurich.';
COMMENT ON COLUMN posthorn.integration_configs.stale_after_seconds IS 'How old the last success may be before the integration counts as stale; null: by the schedule.';
COMMENT ON COLUMN posthorn.integration_configs.max_deletions_percent IS
    'How much of the known records one run may find deleted; more is taken for a fault of the other side. 100: all.';
COMMENT ON COLUMN posthorn.integration_configs.record_events IS 'Whether integration.record.* events are queued for changed records.';
COMMENT ON COLUMN posthorn.integration_configs.paused_at IS 'Since when no run begins, because somebody wanted it so.';
COMMENT ON COLUMN posthorn.integration_configs.created_at IS 'When it was created.';
COMMENT ON COLUMN posthorn.integration_configs.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN posthorn.integration_configs.deleted_at IS 'When it was deleted.';

-- Apart from the settings, so that runs do not disturb who edits them.
CREATE TABLE posthorn.integration_health (
    integration_id       uuid PRIMARY KEY REFERENCES posthorn.integration_configs (id) ON DELETE CASCADE,
    community_id         uuid NOT NULL,
    schedule_changed     boolean NOT NULL DEFAULT true,
    next_run_at          timestamptz,
    consecutive_failures integer NOT NULL DEFAULT 0,
    failing_since        timestamptz,
    warned_at            timestamptz,
    last_success_at      timestamptz,
    last_failure_at      timestamptz,
    last_run_id          uuid,
    stale_at             timestamptz,
    disabled_at          timestamptz
);

CREATE INDEX integration_health_due ON posthorn.integration_health (next_run_at) WHERE NOT schedule_changed AND next_run_at IS NOT NULL;
CREATE INDEX integration_health_changed ON posthorn.integration_health (integration_id) WHERE schedule_changed;
CREATE INDEX integration_health_stale ON posthorn.integration_health (stale_at) WHERE stale_at IS NOT NULL;

COMMENT ON TABLE posthorn.integration_health IS 'How integrations fare, and when they are read next.';
COMMENT ON COLUMN posthorn.integration_health.integration_id IS 'The integration.';
COMMENT ON COLUMN posthorn.integration_health.community_id IS 'The community it belongs to.';
COMMENT ON COLUMN posthorn.integration_health.schedule_changed IS 'A node must work out next_run_at anew.';
COMMENT ON COLUMN posthorn.integration_health.next_run_at IS 'When the next run is due; null: when asked for.';
COMMENT ON COLUMN posthorn.integration_health.consecutive_failures IS 'Failed runs since the last success.';
COMMENT ON COLUMN posthorn.integration_health.failing_since IS 'When the first of them failed.';
COMMENT ON COLUMN posthorn.integration_health.warned_at IS 'When it was announced that it will be disabled if this goes on.';
COMMENT ON COLUMN posthorn.integration_health.last_success_at IS 'When a run last completed, or something was last pushed.';
COMMENT ON COLUMN posthorn.integration_health.last_failure_at IS 'When a run last failed.';
COMMENT ON COLUMN posthorn.integration_health.last_run_id IS 'The run that ended last.';
COMMENT ON COLUMN posthorn.integration_health.stale_at IS 'From when on it counts as stale unless a run completes before; null: never.';
COMMENT ON COLUMN posthorn.integration_health.disabled_at IS 'Since when no run begins, because too many failed; resume_integration ends it.';

CREATE TABLE posthorn.integration_checkpoints (
    integration_id uuid PRIMARY KEY REFERENCES posthorn.integration_configs (id) ON DELETE CASCADE,
    community_id   uuid NOT NULL,
    cursor         jsonb,
    saved_at       timestamptz NOT NULL
);

COMMENT ON TABLE posthorn.integration_checkpoints IS 'Where reading goes on; written in the transaction that saves the records before it.';
COMMENT ON COLUMN posthorn.integration_checkpoints.integration_id IS 'The integration.';
COMMENT ON COLUMN posthorn.integration_checkpoints.community_id IS 'The community it belongs to.';
COMMENT ON COLUMN posthorn.integration_checkpoints.cursor IS 'What only the connector understands; null: from the beginning.';
COMMENT ON COLUMN posthorn.integration_checkpoints.saved_at IS 'When.';

CREATE TABLE posthorn.integration_sync_logs (
    id                  uuid PRIMARY KEY DEFAULT posthorn.generate_uuid_v7(),
    community_id        uuid NOT NULL,
    integration_id      uuid NOT NULL REFERENCES posthorn.integration_configs (id) ON DELETE CASCADE,
    trigger             text NOT NULL CHECK (trigger IN ('schedule', 'manual', 'push')),
    status              text NOT NULL CHECK (status IN ('queued', 'running', 'retrying', 'completed', 'failed', 'cancelled')),
    requested_by        text NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    started_at          timestamptz,
    ended_at            timestamptz,
    attempt             integer NOT NULL DEFAULT 0,
    next_attempt_at     timestamptz,
    lease               uuid,
    heartbeat_at        timestamptz,
    lost_runners        integer NOT NULL DEFAULT 0,
    cancel_requested_at timestamptz,
    snapshot            boolean NOT NULL DEFAULT false,
    cursor_from         jsonb,
    cursor_to           jsonb,
    batches             integer NOT NULL DEFAULT 0,
    records_read        bigint NOT NULL DEFAULT 0,
    records_created     bigint NOT NULL DEFAULT 0,
    records_updated     bigint NOT NULL DEFAULT 0,
    records_unchanged   bigint NOT NULL DEFAULT 0,
    records_deleted     bigint NOT NULL DEFAULT 0,
    records_rejected    bigint NOT NULL DEFAULT 0,
    error_class         text,
    error_origin        text CHECK (error_origin IN ('configuration', 'credentials', 'remote', 'network', 'us')),
    error_message       text,
    person_must_act     boolean,
    log_lines           integer NOT NULL DEFAULT 0,
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (ended_at IS NOT NULL)),
    CHECK ((status = 'running') = (lease IS NOT NULL)),
    CHECK (status <> 'retrying' OR next_attempt_at IS NOT NULL)
);

CREATE UNIQUE INDEX integration_sync_logs_active ON posthorn.integration_sync_logs (integration_id)
    WHERE status IN ('queued', 'running', 'retrying');
CREATE UNIQUE INDEX integration_sync_logs_push ON posthorn.integration_sync_logs (integration_id, started_at) WHERE trigger = 'push';
CREATE INDEX integration_sync_logs_integration ON posthorn.integration_sync_logs (integration_id, id);
CREATE INDEX integration_sync_logs_community ON posthorn.integration_sync_logs (community_id, id);

COMMENT ON TABLE posthorn.integration_sync_logs IS 'Runs: each reads one integration from its checkpoint to the end. What is pushed counts in one row an hour.';
COMMENT ON COLUMN posthorn.integration_sync_logs.id IS 'Identifier.';
COMMENT ON COLUMN posthorn.integration_sync_logs.community_id IS 'The community it belongs to.';
COMMENT ON COLUMN posthorn.integration_sync_logs.integration_id IS 'What is read.';
COMMENT ON COLUMN posthorn.integration_sync_logs.trigger IS 'schedule; manual: somebody asked for it; push: the other side sent it.';
COMMENT ON COLUMN posthorn.integration_sync_logs.status IS
    'queued; running; retrying: failed and tried again by itself; completed; failed; cancelled. At most one run of an integration is queued, running or retrying.';
COMMENT ON COLUMN posthorn.integration_sync_logs.requested_by IS 'Who asked for it: key: and the id of an API key, a person''s id, or a database login.';
COMMENT ON COLUMN posthorn.integration_sync_logs.created_at IS 'When it was asked for.';
COMMENT ON COLUMN posthorn.integration_sync_logs.started_at IS 'When a node first began it; of pushes, the hour.';
COMMENT ON COLUMN posthorn.integration_sync_logs.ended_at IS 'When it was completed, failed for good or cancelled; of pushes, the last one.';
COMMENT ON COLUMN posthorn.integration_sync_logs.attempt IS 'Counts up at each try; a take-over of a run whose node died is none.';
COMMENT ON COLUMN posthorn.integration_sync_logs.next_attempt_at IS 'When it is tried again.';
COMMENT ON COLUMN posthorn.integration_sync_logs.lease IS 'Who may save its records now. A new one at each claim; what comes under an older one changes nothing.';
COMMENT ON COLUMN posthorn.integration_sync_logs.heartbeat_at IS 'When the node that runs it was last heard.';
COMMENT ON COLUMN posthorn.integration_sync_logs.lost_runners IS 'How many nodes fell silent while they ran it.';
COMMENT ON COLUMN posthorn.integration_sync_logs.cancel_requested_at IS 'When somebody asked to cancel it.';
COMMENT ON COLUMN posthorn.integration_sync_logs.snapshot IS 'Whether it reads everything there is, so that what does not come is deleted.';
COMMENT ON COLUMN posthorn.integration_sync_logs.cursor_from IS 'Where it began; null: at the beginning.';
COMMENT ON COLUMN posthorn.integration_sync_logs.cursor_to IS 'How far it has come.';
COMMENT ON COLUMN posthorn.integration_sync_logs.batches IS 'How many batches were saved.';
COMMENT ON COLUMN posthorn.integration_sync_logs.records_read IS 'How many records came.';
COMMENT ON COLUMN posthorn.integration_sync_logs.records_created IS 'How many of them were new.';
COMMENT ON COLUMN posthorn.integration_sync_logs.records_updated IS 'How many had changed.';
COMMENT ON COLUMN posthorn.integration_sync_logs.records_unchanged IS 'How many had not.';
COMMENT ON COLUMN posthorn.integration_sync_logs.records_deleted IS 'How many known ones are gone.';
COMMENT ON COLUMN posthorn.integration_sync_logs.records_rejected IS 'How many could not be records; the log says why.';
COMMENT ON COLUMN posthorn.integration_sync_logs.error_class IS 'Why it failed, for machines.';
COMMENT ON COLUMN posthorn.integration_sync_logs.error_origin IS 'Where the failure comes from.';
COMMENT ON COLUMN posthorn.integration_sync_logs.error_message IS 'Why it failed, for people; without secrets.';
COMMENT ON COLUMN posthorn.integration_sync_logs.person_must_act IS 'Whether trying again cannot help until somebody has changed something.';
COMMENT ON COLUMN posthorn.integration_sync_logs.log_lines IS 'How many lines its log has.';

CREATE TABLE posthorn.integration_records (
    id             uuid PRIMARY KEY DEFAULT posthorn.generate_uuid_v7(),
    community_id   uuid NOT NULL,
    integration_id uuid NOT NULL REFERENCES posthorn.integration_configs (id) ON DELETE CASCADE,
    type           text NOT NULL,
    external_id    text NOT NULL,
    data           jsonb NOT NULL,
    version        numeric,
    run_id         uuid NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    UNIQUE (integration_id, type, external_id)
);

CREATE INDEX integration_records_page ON posthorn.integration_records (integration_id, id);

COMMENT ON TABLE posthorn.integration_records IS 'What integrations have read: one row for each record of the other side.';
COMMENT ON COLUMN posthorn.integration_records.id IS 'Identifier.';
COMMENT ON COLUMN posthorn.integration_records.community_id IS 'The community it belongs to.';
COMMENT ON COLUMN posthorn.integration_records.integration_id IS 'Where it comes from.';
COMMENT ON COLUMN posthorn.integration_records.type IS 'Kind of record, such as transaction.';
COMMENT ON COLUMN posthorn.integration_records.external_id IS 'The other side''s own id.';
COMMENT ON COLUMN posthorn.integration_records.data IS 'What is known of it; of a deleted one, what was known last.';
COMMENT ON COLUMN posthorn.integration_records.version IS
    'The other side''s own version of it, or its time in seconds since 1970, where the connector''s configuration names one: what is older changes nothing. Null: what came last holds.';
COMMENT ON COLUMN posthorn.integration_records.run_id IS 'The run that changed it last; in snapshots, that saw it last.';
COMMENT ON COLUMN posthorn.integration_records.created_at IS 'When it first came.';
COMMENT ON COLUMN posthorn.integration_records.updated_at IS 'When its data last changed.';
COMMENT ON COLUMN posthorn.integration_records.deleted_at IS 'When it was found to be gone.';

CREATE TABLE posthorn.integration_log_lines (
    id             uuid NOT NULL,
    community_id   uuid NOT NULL,
    integration_id uuid NOT NULL,
    run_id         uuid NOT NULL,
    number         integer NOT NULL,
    level          text NOT NULL CHECK (level IN ('info', 'warn')),
    line           text NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE INDEX integration_log_lines_run ON posthorn.integration_log_lines (run_id, number);

COMMENT ON TABLE posthorn.integration_log_lines IS 'What runs say about themselves, by the day.';
COMMENT ON COLUMN posthorn.integration_log_lines.id IS 'Identifier; version 7, so that it tells the time.';
COMMENT ON COLUMN posthorn.integration_log_lines.community_id IS 'The community it belongs to.';
COMMENT ON COLUMN posthorn.integration_log_lines.integration_id IS 'The integration.';
COMMENT ON COLUMN posthorn.integration_log_lines.run_id IS 'The run.';
COMMENT ON COLUMN posthorn.integration_log_lines.number IS 'Its place in the log of the run, from 1.';
COMMENT ON COLUMN posthorn.integration_log_lines.level IS 'info or warn.';
COMMENT ON COLUMN posthorn.integration_log_lines.line IS 'What happened; without secrets.';

CREATE TABLE posthorn.integration_issues (
    id              uuid PRIMARY KEY DEFAULT posthorn.generate_uuid_v7(),
    community_id    uuid NOT NULL,
    integration_id  uuid NOT NULL REFERENCES posthorn.integration_configs (id) ON DELETE CASCADE,
    kind            text NOT NULL,
    origin          text NOT NULL,
    person_must_act boolean NOT NULL,
    message         text NOT NULL,
    occurrences     integer NOT NULL DEFAULT 1,
    first_seen_at   timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    opened_at       timestamptz,
    good_runs       integer NOT NULL DEFAULT 0,
    resolved_at     timestamptz
);

CREATE UNIQUE INDEX integration_issues_present ON posthorn.integration_issues (integration_id, kind) WHERE resolved_at IS NULL;
CREATE INDEX integration_issues_page ON posthorn.integration_issues (integration_id, id);

COMMENT ON TABLE posthorn.integration_issues IS
    'What is wrong with an integration, each kind once however often it happens. Opened at the first failure where a person must act, else at the second in a row; resolved by the first good run where a person had to act, else by the second in a row.';
COMMENT ON COLUMN posthorn.integration_issues.id IS 'Identifier.';
COMMENT ON COLUMN posthorn.integration_issues.community_id IS 'The community it belongs to.';
COMMENT ON COLUMN posthorn.integration_issues.integration_id IS 'The integration.';
COMMENT ON COLUMN posthorn.integration_issues.kind IS 'The class of the failure, or stale.';
COMMENT ON COLUMN posthorn.integration_issues.origin IS 'Where it comes from: configuration, credentials, remote, network, us.';
COMMENT ON COLUMN posthorn.integration_issues.person_must_act IS 'Whether somebody must change something.';
COMMENT ON COLUMN posthorn.integration_issues.message IS 'What was said last.';
COMMENT ON COLUMN posthorn.integration_issues.occurrences IS 'How many runs it has spoiled.';
COMMENT ON COLUMN posthorn.integration_issues.first_seen_at IS 'When first.';
COMMENT ON COLUMN posthorn.integration_issues.last_seen_at IS 'When last.';
COMMENT ON COLUMN posthorn.integration_issues.opened_at IS 'When it was told to the community; null: not yet serious enough.';
COMMENT ON COLUMN posthorn.integration_issues.good_runs IS 'Good runs in a row since then.';
COMMENT ON COLUMN posthorn.integration_issues.resolved_at IS 'When it was over.';

CREATE TABLE posthorn.integration_push_receipts (
    integration_id uuid NOT NULL REFERENCES posthorn.integration_configs (id) ON DELETE CASCADE,
    delivery_id    text NOT NULL,
    community_id   uuid NOT NULL,
    received_at    timestamptz NOT NULL,
    PRIMARY KEY (integration_id, delivery_id)
);

CREATE INDEX integration_push_receipts_age ON posthorn.integration_push_receipts (received_at);

COMMENT ON TABLE posthorn.integration_push_receipts IS 'Pushed deliveries that were saved, so that one that comes again is known.';
COMMENT ON COLUMN posthorn.integration_push_receipts.integration_id IS 'The integration.';
COMMENT ON COLUMN posthorn.integration_push_receipts.delivery_id IS 'The sender''s own id of the delivery.';
COMMENT ON COLUMN posthorn.integration_push_receipts.community_id IS 'The community it belongs to.';
COMMENT ON COLUMN posthorn.integration_push_receipts.received_at IS 'When.';

SELECT posthorn.create_days_ahead();

-- Who sees and changes what. Nobody but functions writes anything but the settings.

DO $policies$
DECLARE
    secured text;
BEGIN
    FOREACH secured IN ARRAY ARRAY[
        'integration_configs', 'integration_health', 'integration_checkpoints', 'integration_sync_logs', 'integration_records',
        'integration_log_lines', 'integration_issues', 'integration_push_receipts'
    ] LOOP
        EXECUTE format('ALTER TABLE posthorn.%I ENABLE ROW LEVEL SECURITY', secured);
        EXECUTE format('ALTER TABLE posthorn.%I FORCE ROW LEVEL SECURITY', secured);
        EXECUTE format('CREATE POLICY %I ON posthorn.%I TO CURRENT_USER USING (true) WITH CHECK (true)', secured || '_owner', secured);
        EXECUTE format('CREATE POLICY %I ON posthorn.%I TO posthorn_service USING (true) WITH CHECK (true)', secured || '_service', secured);
        EXECUTE format('CREATE POLICY %I ON posthorn.%I FOR SELECT TO posthorn_member
                            USING (community_id IN (SELECT posthorn.permitted_communities(''integrations:read'')))',
                       secured || '_member_read', secured);
        EXECUTE format('GRANT SELECT ON posthorn.%I TO posthorn_service, posthorn_member', secured);
    END LOOP;
END
$policies$;

CREATE POLICY integration_configs_member_insert ON posthorn.integration_configs FOR INSERT TO posthorn_member
    WITH CHECK (community_id IN (SELECT posthorn.permitted_communities('integrations:write')));
CREATE POLICY integration_configs_member_update ON posthorn.integration_configs FOR UPDATE TO posthorn_member
    USING (community_id IN (SELECT posthorn.permitted_communities('integrations:write')))
    WITH CHECK (community_id IN (SELECT posthorn.permitted_communities('integrations:write')));
GRANT INSERT ON posthorn.integration_configs TO posthorn_service, posthorn_member;
-- Community and connector of an integration are fixed at its creation: its records and its cursor are theirs.
GRANT UPDATE (name, config, vault_secret_id, interval_seconds, cron, time_zone, stale_after_seconds, max_deletions_percent,
              record_events, deleted_at) ON posthorn.integration_configs TO posthorn_service, posthorn_member;

CREATE FUNCTION posthorn.validate_integration() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    wrong text;
BEGIN
    wrong := CASE
        WHEN NEW.name IS NULL OR NEW.name ~ '[[:cntrl:]]' OR char_length(NEW.name) NOT BETWEEN 1 AND 255 THEN 'name must have 1 to 255 characters, none of them a control character'
        WHEN NEW.connector !~ '^[a-z0-9-]{1,64}$' THEN 'connector must be the name of one, such as http-json'
        WHEN jsonb_typeof(NEW.config) <> 'object' THEN 'config must be a JSON object'
        WHEN octet_length(NEW.config::text) > 65536 THEN 'config must have at most 65536 bytes'
        WHEN NEW.interval_seconds NOT BETWEEN 10 AND 2678400 THEN 'interval_seconds must be from 10 to 2678400'
        WHEN NEW.interval_seconds IS NOT NULL AND NEW.cron IS NOT NULL THEN 'cron must be null where interval_seconds is given'
        WHEN char_length(NEW.cron) > 255 THEN 'cron must have at most 255 characters'
        WHEN NOT EXISTS (SELECT FROM pg_timezone_names AS z WHERE z.name = NEW.time_zone) THEN 'time_zone must be an IANA zone, such as Europe/Zurich'
        WHEN NEW.stale_after_seconds NOT BETWEEN 60 AND 31536000 THEN 'stale_after_seconds must be from 60 to 31536000, or null'
        WHEN NEW.vault_secret_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.vault_secret_id IS DISTINCT FROM OLD.vault_secret_id) AND NOT EXISTS (
            SELECT FROM posthorn.vault_secrets AS s WHERE s.id = NEW.vault_secret_id AND s.community_id = NEW.community_id)
        THEN 'vault_secret_id must be the id of a secret of the same community'
        WHEN NEW.max_deletions_percent NOT BETWEEN 0 AND 100 THEN 'max_deletions_percent must be from 0 to 100'
    END;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', wrong USING ERRCODE = 'PH008', COLUMN = split_part(wrong, ' ', 1);
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION posthorn.validate_integration() IS
    'Trigger function: refuses settings of an integration that make no sense, with PH008. Configuration and cron are checked where REST or Java takes them.';

CREATE FUNCTION posthorn.follow_integration() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO posthorn.integration_health (integration_id, community_id) VALUES (NEW.id, NEW.community_id);
        INSERT INTO posthorn.integration_checkpoints (integration_id, community_id, saved_at)
        VALUES (NEW.id, NEW.community_id, posthorn.clock_now());
        PERFORM posthorn.record_audit('integration.created', 'integration', NEW.id, NEW.community_id,
                                      jsonb_build_object('name', NEW.name, 'connector', NEW.connector));
        RETURN NULL;
    END IF;
    PERFORM posthorn.record_audit(
        CASE WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL THEN 'integration.deleted'
             WHEN NEW.paused_at IS NOT NULL AND OLD.paused_at IS NULL THEN 'integration.paused'
             WHEN NEW.paused_at IS NULL AND OLD.paused_at IS NOT NULL THEN 'integration.resumed'
             ELSE 'integration.changed' END,
        'integration', NEW.id, NEW.community_id,
        jsonb_build_object('name', NEW.name, 'fields', (
            SELECT coalesce(jsonb_agg(n.key ORDER BY n.key), '[]')
            FROM jsonb_each(to_jsonb(NEW)) AS n
            JOIN jsonb_each(to_jsonb(OLD)) AS o ON o.key = n.key AND o.value <> n.value AND n.key <> 'updated_at')));
    IF NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL THEN
        UPDATE posthorn.integration_sync_logs AS r
        SET status = CASE WHEN r.status = 'running' THEN r.status ELSE 'cancelled' END,
            ended_at = CASE WHEN r.status = 'running' THEN NULL ELSE NEW.deleted_at END,
            cancel_requested_at = coalesce(r.cancel_requested_at, NEW.deleted_at)
        WHERE r.integration_id = NEW.id AND r.status IN ('queued', 'running', 'retrying');
        PERFORM posthorn.delete_integration_secrets(NEW.id);
    END IF;
    -- What somebody has changed is read by its schedule again, however long it has failed; where there is an interval, at once.
    IF (NEW.config, NEW.vault_secret_id, NEW.interval_seconds, NEW.cron, NEW.time_zone, NEW.paused_at, NEW.deleted_at)
        IS DISTINCT FROM (OLD.config, OLD.vault_secret_id, OLD.interval_seconds, OLD.cron, OLD.time_zone, OLD.paused_at, OLD.deleted_at)
    THEN
        UPDATE posthorn.integration_health AS h SET schedule_changed = true WHERE h.integration_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.follow_integration() IS
    'Trigger function: gives a new integration its health and checkpoint, writes the audit log, has a changed schedule worked out anew, and of a deleted one ends the runs and deletes the credentials.';

CREATE TRIGGER validate BEFORE INSERT OR UPDATE ON posthorn.integration_configs
    FOR EACH ROW EXECUTE FUNCTION posthorn.validate_integration();
CREATE TRIGGER update_updated_at BEFORE UPDATE ON posthorn.integration_configs
    FOR EACH ROW EXECUTE FUNCTION posthorn.update_updated_at();
CREATE TRIGGER follow AFTER INSERT OR UPDATE ON posthorn.integration_configs
    FOR EACH ROW EXECUTE FUNCTION posthorn.follow_integration();
