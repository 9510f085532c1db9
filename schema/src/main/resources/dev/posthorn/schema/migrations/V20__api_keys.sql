-- API keys: what is stored of a key is its first 16 characters and its SHA-256, never the key. docs/api-keys.md tells how they are used.

INSERT INTO posthorn.settings (name, value, description) VALUES
    ('api_key_expiring_days', '7', 'Days before its end at which api_key.expiring is queued for a key that was made to live longer.'),
    ('api_key_usage_days', '90', 'Days for which the usage of keys, refused calls and replaced hashes are kept.'),
    ('audit_days', '365', 'Days for which the audit log is kept.');

-- Who did what.

CREATE TABLE posthorn.audit_log (
    id            uuid PRIMARY KEY DEFAULT posthorn.generate_uuid_v7(),
    community_id  uuid,
    actor         text NOT NULL,
    action        text NOT NULL,
    resource_type text NOT NULL,
    resource_id   uuid,
    detail        jsonb NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL DEFAULT posthorn.clock_now()
);

CREATE INDEX audit_log_community ON posthorn.audit_log (community_id, id);

COMMENT ON TABLE posthorn.audit_log IS 'Who did what to which resource, and when; written in the transaction that did it.';
COMMENT ON COLUMN posthorn.audit_log.id IS 'Identifier, version 7.';
COMMENT ON COLUMN posthorn.audit_log.community_id IS 'The community of the resource; null for what belongs to the installation.';
COMMENT ON COLUMN posthorn.audit_log.actor IS 'Who: key: and the id of an API key, a person''s id, or a database login.';
COMMENT ON COLUMN posthorn.audit_log.action IS 'What, such as api_key.revoked.';
COMMENT ON COLUMN posthorn.audit_log.resource_type IS 'Kind of the resource, such as api_key.';
COMMENT ON COLUMN posthorn.audit_log.resource_id IS 'The resource.';
COMMENT ON COLUMN posthorn.audit_log.detail IS 'What else is worth knowing; never a secret.';
COMMENT ON COLUMN posthorn.audit_log.created_at IS 'When.';

CREATE FUNCTION posthorn.current_actor() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT coalesce(
        CASE WHEN posthorn.session_is_trusted() THEN nullif(current_setting('posthorn.actor', true), '') END,
        posthorn.current_user_id(),
        session_user::text)
$$;

COMMENT ON FUNCTION posthorn.current_actor() IS
    'Who acts, for the audit log: the setting posthorn.actor where the login is trusted, else the person, else the login.';

CREATE FUNCTION posthorn.record_audit(action text, resource_type text, resource_id uuid, community uuid, detail jsonb DEFAULT '{}') RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    INSERT INTO posthorn.audit_log (community_id, actor, action, resource_type, resource_id, detail)
    VALUES (community, posthorn.current_actor(), action, resource_type, resource_id, detail)
$$;

COMMENT ON FUNCTION posthorn.record_audit(text, text, uuid, uuid, jsonb) IS 'Writes a line of the audit log within the present transaction.';

-- The keys.

CREATE TABLE posthorn.api_keys (
    id                uuid PRIMARY KEY DEFAULT posthorn.generate_uuid_v7(),
    community_id      uuid REFERENCES posthorn.communities (id) ON DELETE CASCADE,
    name              text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    owner             text CHECK (char_length(owner) BETWEEN 1 AND 255),
    prefix            text NOT NULL CHECK (prefix ~ '^ph_(live|test)_[0-9A-Za-z]{8}$'),
    hash              bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    mode              text NOT NULL GENERATED ALWAYS AS (CASE WHEN starts_with(prefix, 'ph_live_') THEN 'live' ELSE 'test' END) STORED,
    scopes            text[] NOT NULL,
    allowed_networks  inet[] NOT NULL DEFAULT '{}',
    metadata          jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    idempotency_key   text,
    created_at        timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    created_by        text NOT NULL,
    updated_at        timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    rotated_at        timestamptz,
    expires_at        timestamptz,
    told_expiring_at  timestamptz,
    told_expired_at   timestamptz,
    disabled_at       timestamptz,
    revoked_at        timestamptz,
    revoked_by        text,
    revoked_reason    text CHECK (char_length(revoked_reason) <= 1000),
    last_used_at      timestamptz
) WITH (fillfactor = 80);

CREATE INDEX api_keys_community ON posthorn.api_keys (community_id, id);
CREATE INDEX api_keys_expiry ON posthorn.api_keys (expires_at) WHERE revoked_at IS NULL AND told_expired_at IS NULL;
CREATE INDEX api_keys_prefix ON posthorn.api_keys (prefix);
CREATE UNIQUE INDEX api_keys_idempotency ON posthorn.api_keys (community_id, idempotency_key) NULLS NOT DISTINCT WHERE idempotency_key IS NOT NULL;

COMMENT ON TABLE posthorn.api_keys IS
    'Keys that let programs in. A key without community is a service key and belongs to the installation. Written by functions only.';
COMMENT ON COLUMN posthorn.api_keys.id IS 'Identifier; stays the same when the key is rotated.';
COMMENT ON COLUMN posthorn.api_keys.community_id IS 'The community within which it works; null for a service key, which works across communities.';
COMMENT ON COLUMN posthorn.api_keys.name IS 'For people.';
COMMENT ON COLUMN posthorn.api_keys.owner IS 'Whom it was given to, in the product''s own words.';
COMMENT ON COLUMN posthorn.api_keys.prefix IS 'The first 16 characters of the key, to recognise it by.';
COMMENT ON COLUMN posthorn.api_keys.hash IS 'SHA-256 of the whole key. No slow hash: a key is random, there is nothing to guess.';
COMMENT ON COLUMN posthorn.api_keys.mode IS 'live or test, as the key itself says.';
COMMENT ON COLUMN posthorn.api_keys.scopes IS 'What it may do: resource:action, resource:*, *:action or *.';
COMMENT ON COLUMN posthorn.api_keys.allowed_networks IS 'From where it may be used; from everywhere if empty.';
COMMENT ON COLUMN posthorn.api_keys.metadata IS 'Free JSON object of the product, at most 8 KB; part of every verification.';
COMMENT ON COLUMN posthorn.api_keys.idempotency_key IS 'The idempotency key it was made with, for 24 hours.';
COMMENT ON COLUMN posthorn.api_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN posthorn.api_keys.created_by IS 'By whom.';
COMMENT ON COLUMN posthorn.api_keys.updated_at IS 'When it was last changed by somebody; use does not count.';
COMMENT ON COLUMN posthorn.api_keys.rotated_at IS 'When it was last rotated.';
COMMENT ON COLUMN posthorn.api_keys.expires_at IS 'When it ends by itself; null never.';
COMMENT ON COLUMN posthorn.api_keys.told_expiring_at IS 'When api_key.expiring was queued.';
COMMENT ON COLUMN posthorn.api_keys.told_expired_at IS 'When api_key.expired was queued.';
COMMENT ON COLUMN posthorn.api_keys.disabled_at IS 'Since when it is disabled; null while it is not.';
COMMENT ON COLUMN posthorn.api_keys.revoked_at IS 'When it was revoked, for ever.';
COMMENT ON COLUMN posthorn.api_keys.revoked_by IS 'By whom.';
COMMENT ON COLUMN posthorn.api_keys.revoked_reason IS 'Why.';
COMMENT ON COLUMN posthorn.api_keys.last_used_at IS 'When it was last used, to the minute.';

CREATE TABLE posthorn.api_key_previous_hashes (
    hash            bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    api_key_id      uuid NOT NULL REFERENCES posthorn.api_keys (id) ON DELETE CASCADE,
    community_id    uuid,
    prefix          text NOT NULL,
    replaced_at     timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    idempotency_key text,
    UNIQUE (api_key_id, idempotency_key)
);

COMMENT ON TABLE posthorn.api_key_previous_hashes IS 'What a key was before it was rotated; accepted until the grace ends.';
COMMENT ON COLUMN posthorn.api_key_previous_hashes.hash IS 'SHA-256 of the key as it was.';
COMMENT ON COLUMN posthorn.api_key_previous_hashes.api_key_id IS 'The key.';
COMMENT ON COLUMN posthorn.api_key_previous_hashes.community_id IS 'Its community.';
COMMENT ON COLUMN posthorn.api_key_previous_hashes.prefix IS 'Its first 16 characters as they were.';
COMMENT ON COLUMN posthorn.api_key_previous_hashes.replaced_at IS 'When it was rotated.';
COMMENT ON COLUMN posthorn.api_key_previous_hashes.expires_at IS 'Until when it is accepted.';
COMMENT ON COLUMN posthorn.api_key_previous_hashes.idempotency_key IS 'The idempotency key of the rotation.';

CREATE TABLE posthorn.api_key_rate_limits (
    api_key_id     uuid NOT NULL REFERENCES posthorn.api_keys (id) ON DELETE CASCADE,
    community_id   uuid,
    name           text NOT NULL,
    max            integer NOT NULL CHECK (max > 0),
    period_seconds integer NOT NULL CHECK (period_seconds > 0),
    PRIMARY KEY (api_key_id, name)
);

COMMENT ON TABLE posthorn.api_key_rate_limits IS 'The named rate limits of keys. The one named default is drawn at every verification that names no other.';
COMMENT ON COLUMN posthorn.api_key_rate_limits.api_key_id IS 'The key.';
COMMENT ON COLUMN posthorn.api_key_rate_limits.community_id IS 'Its community.';
COMMENT ON COLUMN posthorn.api_key_rate_limits.name IS 'Name of the limit.';
COMMENT ON COLUMN posthorn.api_key_rate_limits.max IS 'Size of the bucket, and what flows into it in period_seconds.';
COMMENT ON COLUMN posthorn.api_key_rate_limits.period_seconds IS 'The period, in seconds.';

CREATE TABLE posthorn.api_key_credits (
    api_key_id    uuid PRIMARY KEY REFERENCES posthorn.api_keys (id) ON DELETE CASCADE,
    community_id  uuid,
    remaining     bigint NOT NULL CHECK (remaining >= 0),
    refill_amount bigint CHECK (refill_amount > 0),
    refill_every  text CHECK (refill_every IN ('day', 'month')),
    refilled_at   timestamptz NOT NULL,
    CHECK ((refill_amount IS NULL) = (refill_every IS NULL))
) WITH (fillfactor = 50);

COMMENT ON TABLE posthorn.api_key_credits IS 'How many calls keys have left that were given a number of them; keys without a row have no such bound.';
COMMENT ON COLUMN posthorn.api_key_credits.api_key_id IS 'The key.';
COMMENT ON COLUMN posthorn.api_key_credits.community_id IS 'Its community.';
COMMENT ON COLUMN posthorn.api_key_credits.remaining IS 'What was left at the last draw, or refill.';
COMMENT ON COLUMN posthorn.api_key_credits.refill_amount IS 'What it is set to at each refill; null if it is not refilled.';
COMMENT ON COLUMN posthorn.api_key_credits.refill_every IS 'day or month: refilled when one begins, in UTC.';
COMMENT ON COLUMN posthorn.api_key_credits.refilled_at IS 'When it was last refilled or set.';

-- Not logged: a bucket that a crash empties is a full one, and the busiest rows of all cost no WAL. Neither this table nor the usage has a
-- foreign key: a call would wait for whoever has just rotated its key and not committed yet. A trigger clears them.
CREATE UNLOGGED TABLE posthorn.api_key_buckets (
    api_key_id uuid NOT NULL,
    name       text NOT NULL,
    tokens     double precision NOT NULL,
    counted_at timestamptz NOT NULL,
    granted    integer NOT NULL,
    PRIMARY KEY (api_key_id, name)
) WITH (fillfactor = 50);

COMMENT ON TABLE posthorn.api_key_buckets IS 'What is left in the token buckets of rate limits. No row: the bucket is full.';
COMMENT ON COLUMN posthorn.api_key_buckets.api_key_id IS 'The key.';
COMMENT ON COLUMN posthorn.api_key_buckets.name IS 'Name of the limit.';
COMMENT ON COLUMN posthorn.api_key_buckets.tokens IS 'Tokens at counted_at.';
COMMENT ON COLUMN posthorn.api_key_buckets.counted_at IS 'When tokens was last counted.';
COMMENT ON COLUMN posthorn.api_key_buckets.granted IS 'How many the last draw got.';

CREATE TABLE posthorn.api_key_usage (
    api_key_id   uuid NOT NULL,
    community_id uuid,
    hour         timestamptz NOT NULL,
    code         text NOT NULL,
    calls        bigint NOT NULL,
    cost         bigint NOT NULL,
    PRIMARY KEY (api_key_id, hour, code)
);

CREATE INDEX api_key_usage_hour ON posthorn.api_key_usage (hour);

COMMENT ON TABLE posthorn.api_key_usage IS 'How often each key was used, by the hour and by what came of it.';
COMMENT ON COLUMN posthorn.api_key_usage.api_key_id IS 'The key.';
COMMENT ON COLUMN posthorn.api_key_usage.community_id IS 'Its community.';
COMMENT ON COLUMN posthorn.api_key_usage.hour IS 'The UTC hour.';
COMMENT ON COLUMN posthorn.api_key_usage.code IS 'valid, or why it was refused.';
COMMENT ON COLUMN posthorn.api_key_usage.calls IS 'How many calls.';
COMMENT ON COLUMN posthorn.api_key_usage.cost IS 'What they cost in sum.';

CREATE TABLE posthorn.api_key_failures (
    hour   timestamptz NOT NULL,
    source inet NOT NULL,
    calls  bigint NOT NULL,
    PRIMARY KEY (hour, source)
);

COMMENT ON TABLE posthorn.api_key_failures IS 'Calls with keys that do not exist, by the hour and the address they came from; at most some 1,000 addresses an hour, the others in one row.';
COMMENT ON COLUMN posthorn.api_key_failures.hour IS 'The UTC hour.';
COMMENT ON COLUMN posthorn.api_key_failures.source IS 'The address; 0.0.0.0/0 stands for the many that have no row, and for those unknown.';
COMMENT ON COLUMN posthorn.api_key_failures.calls IS 'How many calls.';

DO $policies$
DECLARE
    secured text;
BEGIN
    FOREACH secured IN ARRAY ARRAY[
        'audit_log', 'api_keys', 'api_key_previous_hashes', 'api_key_rate_limits', 'api_key_credits', 'api_key_buckets', 'api_key_usage',
        'api_key_failures'
    ] LOOP
        EXECUTE format('ALTER TABLE posthorn.%I ENABLE ROW LEVEL SECURITY', secured);
        EXECUTE format('ALTER TABLE posthorn.%I FORCE ROW LEVEL SECURITY', secured);
        EXECUTE format('CREATE POLICY %I ON posthorn.%I TO CURRENT_USER USING (true) WITH CHECK (true)', secured || '_owner', secured);
        EXECUTE format('CREATE POLICY %I ON posthorn.%I FOR SELECT TO posthorn_service USING (true)', secured || '_service', secured);
        EXECUTE format('GRANT SELECT ON posthorn.%I TO posthorn_service', secured);
    END LOOP;

    FOREACH secured IN ARRAY ARRAY[
        'audit_log', 'api_keys', 'api_key_previous_hashes', 'api_key_rate_limits', 'api_key_credits', 'api_key_usage'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY %I ON posthorn.%I FOR SELECT TO posthorn_member
                 USING (community_id IN (SELECT posthorn.permitted_communities(%L)))',
            secured || '_member_read', secured,
            CASE secured WHEN 'audit_log' THEN 'audit:read' ELSE 'keys:read' END);
    END LOOP;
END
$policies$;

-- A member sees everything but the hashes.
GRANT SELECT (id, community_id, name, owner, prefix, mode, scopes, allowed_networks, metadata, created_at, created_by, updated_at, rotated_at,
              expires_at, disabled_at, revoked_at, revoked_by, revoked_reason, last_used_at) ON posthorn.api_keys TO posthorn_member;
GRANT SELECT (api_key_id, community_id, prefix, replaced_at, expires_at) ON posthorn.api_key_previous_hashes TO posthorn_member;
GRANT SELECT ON posthorn.audit_log, posthorn.api_key_rate_limits, posthorn.api_key_credits, posthorn.api_key_usage TO posthorn_member;

-- Every node keeps verified keys in memory and drops one when it hears its prefix; '*' drops them all.
CREATE FUNCTION posthorn.announce_api_key_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    IF TG_TABLE_NAME = 'communities' THEN
        PERFORM pg_notify('posthorn_api_key', '*');
    ELSIF TG_TABLE_NAME = 'api_key_previous_hashes' THEN
        PERFORM pg_notify('posthorn_api_key', OLD.prefix);
    ELSE
        -- PostgreSQL says the same thing once for a transaction.
        PERFORM pg_notify('posthorn_api_key', text.prefix) FROM (VALUES (OLD.prefix), (NEW.prefix)) AS text (prefix)
        WHERE text.prefix IS NOT NULL;
        PERFORM pg_notify('posthorn_api_key', h.prefix) FROM posthorn.api_key_previous_hashes AS h WHERE h.api_key_id = OLD.id;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.announce_api_key_change() IS 'Trigger function: tells every node which keys it must ask the database for again.';

-- Nodes remember for a while that there is no such key.
CREATE TRIGGER announce_key AFTER INSERT ON posthorn.api_keys FOR EACH ROW EXECUTE FUNCTION posthorn.announce_api_key_change();
-- Use writes last_used_at and maintain_api_keys told_…, of which nobody needs to hear.
CREATE TRIGGER announce_change
    AFTER UPDATE OF community_id, name, owner, prefix, hash, scopes, allowed_networks, metadata, updated_at, expires_at, disabled_at, revoked_at
    ON posthorn.api_keys FOR EACH ROW EXECUTE FUNCTION posthorn.announce_api_key_change();
CREATE TRIGGER announce_deletion AFTER DELETE ON posthorn.api_keys FOR EACH ROW EXECUTE FUNCTION posthorn.announce_api_key_change();
CREATE TRIGGER announce_deletion AFTER DELETE ON posthorn.api_key_previous_hashes
    FOR EACH ROW EXECUTE FUNCTION posthorn.announce_api_key_change();
CREATE TRIGGER announce_keys AFTER UPDATE OF deleted_at ON posthorn.communities
    FOR EACH ROW EXECUTE FUNCTION posthorn.announce_api_key_change();

CREATE FUNCTION posthorn.clear_api_key_traces() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    DELETE FROM posthorn.api_key_buckets AS b WHERE b.api_key_id = OLD.id;
    DELETE FROM posthorn.api_key_usage AS u WHERE u.api_key_id = OLD.id;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.clear_api_key_traces() IS 'Trigger function: deletes the usage and the buckets of a key that is deleted with its community.';

CREATE TRIGGER clear_traces AFTER DELETE ON posthorn.api_keys FOR EACH ROW EXECUTE FUNCTION posthorn.clear_api_key_traces();

GRANT EXECUTE ON FUNCTION posthorn.current_actor() TO posthorn_service, posthorn_member;
GRANT EXECUTE ON FUNCTION posthorn.record_audit(text, text, uuid, uuid, jsonb) TO posthorn_service;
