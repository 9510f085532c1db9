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
        PERFORM pg_notify('posthorn_api_key', OLD.prefix);
        PERFORM pg_notify('posthorn_api_key', h.prefix) FROM posthorn.api_key_previous_hashes AS h WHERE h.api_key_id = OLD.id;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.announce_api_key_change() IS 'Trigger function: tells every node which keys it must ask the database for again.';

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

-- What may be set.

CREATE FUNCTION posthorn.refuse_api_key_setting(field text, detail text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% %', field, detail USING ERRCODE = 'PH008', COLUMN = field;
END
$$;

COMMENT ON FUNCTION posthorn.refuse_api_key_setting(text, text) IS 'Raises PH008 for a setting of an API key.';

CREATE FUNCTION posthorn.check_api_key_setting(field text, value jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    kind constant text := jsonb_typeof(value);
    item jsonb;
    name text;
    at   timestamptz;
    net  inet;
BEGIN
    CASE field
        WHEN 'name', 'owner' THEN
            IF field = 'owner' AND kind = 'null' THEN
                RETURN;
            END IF;
            IF kind <> 'string' OR char_length(value #>> '{}') NOT BETWEEN 1 AND 255 THEN
                PERFORM posthorn.refuse_api_key_setting(field, 'must be a text of 1 to 255 characters');
            END IF;
        WHEN 'scopes' THEN
            IF kind <> 'array' OR jsonb_array_length(value) > 100 THEN
                PERFORM posthorn.refuse_api_key_setting(field, 'must be a list of at most 100 scopes');
            END IF;
            FOR item IN SELECT jsonb_array_elements(value) LOOP
                IF jsonb_typeof(item) <> 'string'
                    OR item #>> '{}' !~ '^(\*|(\*|[A-Za-z0-9_.-]{1,64}):(\*|[A-Za-z0-9_.-]{1,64}))$'
                THEN
                    PERFORM posthorn.refuse_api_key_setting(field, format('must hold resource:action, resource:*, *:action or *, and %s is none', item));
                END IF;
            END LOOP;
        WHEN 'metadata' THEN
            IF kind <> 'object' OR octet_length(value::text) > 8192 THEN
                PERFORM posthorn.refuse_api_key_setting(field, 'must be an object of at most 8192 bytes');
            END IF;
        WHEN 'expires_at' THEN
            IF kind = 'null' THEN
                RETURN;
            END IF;
            IF kind = 'string' AND value #>> '{}' ~ '^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d(:?\d\d)?)$' THEN
                BEGIN
                    at := (value #>> '{}')::timestamptz;
                EXCEPTION
                    WHEN data_exception THEN NULL;
                END;
            END IF;
            IF at IS NULL THEN
                PERFORM posthorn.refuse_api_key_setting(field, 'must be a time such as 2030-01-31T12:00:00Z, or null');
            ELSIF at <= posthorn.clock_now() THEN
                PERFORM posthorn.refuse_api_key_setting(field, 'must be in the future; to end a key now, revoke it');
            END IF;
        WHEN 'allowed_networks' THEN
            IF kind <> 'array' OR jsonb_array_length(value) > 100 THEN
                PERFORM posthorn.refuse_api_key_setting(field, 'must be a list of at most 100 networks');
            END IF;
            FOR item IN SELECT jsonb_array_elements(value) LOOP
                net := NULL;
                BEGIN
                    net := CASE jsonb_typeof(item) WHEN 'string' THEN (item #>> '{}')::inet END;
                EXCEPTION
                    WHEN data_exception THEN NULL;
                END;
                IF net IS NULL THEN
                    PERFORM posthorn.refuse_api_key_setting(field, format('must hold addresses and networks such as 192.0.2.0/24 or 2001:db8::/32, and %s is none', item));
                ELSIF host(network(net)) <> host(net) THEN
                    PERFORM posthorn.refuse_api_key_setting(field, format('holds %s, which has bits set behind its prefix; write "%s" or "%s"', item, network(net), host(net)));
                ELSIF net <<= '::ffff:0:0/96' THEN
                    PERFORM posthorn.refuse_api_key_setting(field, format('holds %s; write it as an IPv4 network', item));
                END IF;
            END LOOP;
        WHEN 'rate_limits' THEN
            IF kind <> 'object' OR (SELECT count(*) > 10 FROM jsonb_object_keys(value)) THEN
                PERFORM posthorn.refuse_api_key_setting(field, 'must be an object of at most 10 limits by name');
            END IF;
            FOR name, item IN SELECT * FROM jsonb_each(value) LOOP
                IF name !~ '^[a-z][a-z0-9_-]{0,62}$' THEN
                    PERFORM posthorn.refuse_api_key_setting(field, format('names a limit %s; a name is 1 to 63 small letters, digits, _ and -', to_json(name)));
                ELSIF jsonb_typeof(item) <> 'object' OR item - '{limit,period_seconds}'::text[] <> '{}'
                    OR NOT posthorn.is_whole_number(item -> 'limit', 1, 1000000000)
                    OR NOT posthorn.is_whole_number(item -> 'period_seconds', 1, 2678400)
                THEN
                    PERFORM posthorn.refuse_api_key_setting(field, format('must be such as {"%s": {"limit": 100, "period_seconds": 60}}, with a limit from 1 to 1000000000 and a period from 1 second to 31 days', name));
                END IF;
            END LOOP;
        WHEN 'credits' THEN
            IF kind = 'null' THEN
                RETURN;
            END IF;
            IF kind <> 'object' OR value - '{remaining,refill}'::text[] <> '{}'
                OR NOT posthorn.is_whole_number(value -> 'remaining', 0, 1000000000000000)
            THEN
                PERFORM posthorn.refuse_api_key_setting(field, 'must be null or such as {"remaining": 1000, "refill": {"amount": 1000, "every": "month"}}');
            END IF;
            item := coalesce(value -> 'refill', 'null');
            IF item <> 'null' AND (jsonb_typeof(item) <> 'object' OR item - '{amount,every}'::text[] <> '{}'
                OR NOT posthorn.is_whole_number(item -> 'amount', 1, 1000000000000000)
                OR coalesce(item ->> 'every' NOT IN ('day', 'month'), true))
            THEN
                PERFORM posthorn.refuse_api_key_setting(field, 'must have a refill such as {"amount": 1000, "every": "month"}, every day or month, or none');
            END IF;
        ELSE
            PERFORM posthorn.refuse_api_key_setting(
                field, 'is unknown; known are name, owner, scopes, metadata, expires_at, allowed_networks, rate_limits and credits');
    END CASE;
END
$$;

COMMENT ON FUNCTION posthorn.check_api_key_setting(text, jsonb) IS 'Refuses a setting of an API key that makes no sense, with PH008 and its name as the column.';

CREATE FUNCTION posthorn.is_whole_number(value jsonb, low bigint, high bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN jsonb_typeof(value) = 'number' THEN
            (value #>> '{}')::numeric BETWEEN low AND high AND (value #>> '{}')::numeric = trunc((value #>> '{}')::numeric)
        ELSE false
    END;

COMMENT ON FUNCTION posthorn.is_whole_number(jsonb, bigint, bigint) IS 'Whether a JSON value is a whole number within bounds.';

CREATE FUNCTION posthorn.find_managed_api_key(key_id uuid) RETURNS posthorn.api_keys
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    key posthorn.api_keys;
BEGIN
    SELECT * INTO key FROM posthorn.api_keys AS k WHERE k.id = key_id FOR NO KEY UPDATE;
    IF NOT FOUND OR NOT coalesce(posthorn.caller_may('keys:write', key.community_id), false) THEN
        RAISE EXCEPTION 'there is no API key %', key_id USING ERRCODE = 'PH006';
    END IF;
    RETURN key;
END
$$;

COMMENT ON FUNCTION posthorn.find_managed_api_key(uuid) IS 'Locks and returns a key that the caller may manage; PH006 otherwise.';

-- Who may make keys must not get through them what he has not.
CREATE FUNCTION posthorn.require_scopes(scopes text[], community uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    beyond text;
BEGIN
    SELECT s INTO beyond FROM unnest(scopes) AS s WHERE NOT coalesce(posthorn.caller_may(s, community), false) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'you do not hold the scope % and cannot give it', beyond USING ERRCODE = 'insufficient_privilege', COLUMN = 'scopes';
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.require_scopes(text[], uuid) IS 'Raises 42501 if the caller lacks one of the scopes in the community.';

CREATE FUNCTION posthorn.set_api_key_children(key posthorn.api_keys, settings jsonb) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    DELETE FROM posthorn.api_key_rate_limits AS l WHERE l.api_key_id = key.id AND settings ? 'rate_limits';
    INSERT INTO posthorn.api_key_rate_limits (api_key_id, community_id, name, max, period_seconds)
    SELECT key.id, key.community_id, l.name, (l.value ->> 'limit')::numeric::integer, (l.value ->> 'period_seconds')::numeric::integer
    FROM jsonb_each(settings -> 'rate_limits') AS l (name, value);

    DELETE FROM posthorn.api_key_credits AS c WHERE c.api_key_id = key.id AND settings ? 'credits';
    INSERT INTO posthorn.api_key_credits (api_key_id, community_id, remaining, refill_amount, refill_every, refilled_at)
    SELECT key.id, key.community_id, (c ->> 'remaining')::numeric::bigint, (c #>> '{refill,amount}')::numeric::bigint, c #>> '{refill,every}',
           posthorn.clock_now()
    FROM (SELECT settings -> 'credits') AS s (c)
    WHERE jsonb_typeof(c) = 'object';
$$;

COMMENT ON FUNCTION posthorn.set_api_key_children(posthorn.api_keys, jsonb) IS 'Sets the rate limits and credits of a key where the settings name them.';

CREATE FUNCTION posthorn.tell_of_api_key(what text, key posthorn.api_keys, detail jsonb DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    PERFORM posthorn.record_audit('api_key.' || what, 'api_key', key.id, key.community_id, jsonb_build_object('name', key.name) || detail);
    -- A service key belongs to no community: there is nobody to whom an event could go.
    IF key.community_id IS NOT NULL AND what IN ('created', 'rotated', 'revoked', 'expiring', 'expired', 'exposed') THEN
        PERFORM posthorn.queue_operational_event(
            key.community_id, 'api_key.' || what,
            jsonb_build_object(
                'api_key_id', key.id, 'name', key.name, 'owner', key.owner, 'prefix', key.prefix, 'mode', key.mode,
                'expires_at', key.expires_at, 'actor', posthorn.current_actor()) || detail,
            NULL);
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.tell_of_api_key(text, posthorn.api_keys, jsonb) IS
    'Writes what happened to a key into the audit log and queues the event api_key.… for its community, in the present transaction.';

-- Making.

CREATE FUNCTION posthorn.store_api_key(
    prefix          text,
    hash            bytea,
    community       text,
    settings        jsonb,
    idempotency_key text DEFAULT NULL
)
RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    owner_id constant uuid := posthorn.find_community(community);
    at       constant timestamptz := posthorn.clock_now();
    given    constant jsonb := settings;
    idem     constant text := idempotency_key;
    made     posthorn.api_keys;
    first_id uuid;
BEGIN
    IF community IS NOT NULL AND owner_id IS NULL THEN
        RAISE EXCEPTION 'there is no such community' USING ERRCODE = 'PH001';
    END IF;
    IF NOT coalesce(posthorn.caller_may('keys:write', owner_id), false) THEN
        RAISE EXCEPTION 'you may not make API keys %', CASE WHEN owner_id IS NULL THEN 'for the installation' ELSE 'for this community' END
            USING ERRCODE = 'insufficient_privilege', HINT = 'It needs keys:write in the community.';
    END IF;
    IF coalesce(jsonb_typeof(given), '') <> 'object' OR NOT given ? 'name' THEN
        PERFORM posthorn.refuse_api_key_setting('name', 'is missing');
    END IF;
    IF char_length(idem) NOT BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION 'an idempotency key has 1 to 255 characters' USING ERRCODE = 'PH009';
    END IF;
    PERFORM posthorn.check_api_key_setting(s.field, s.value) FROM jsonb_each(given) AS s (field, value);

    made.scopes := ARRAY(SELECT jsonb_array_elements_text(given -> 'scopes'));
    PERFORM posthorn.require_scopes(made.scopes, owner_id);
    UPDATE posthorn.api_keys AS k SET idempotency_key = NULL
    WHERE k.community_id IS NOT DISTINCT FROM owner_id AND k.idempotency_key = idem AND k.created_at <= at - interval '24 hours';
    INSERT INTO posthorn.api_keys AS k
        (community_id, name, owner, prefix, hash, scopes, allowed_networks, metadata, expires_at, idempotency_key, created_at, created_by, updated_at)
    VALUES (
        owner_id, given ->> 'name', given ->> 'owner', store_api_key.prefix, store_api_key.hash, made.scopes,
        ARRAY(SELECT n::inet FROM jsonb_array_elements_text(given -> 'allowed_networks') AS n),
        coalesce(given -> 'metadata', '{}'), (given ->> 'expires_at')::timestamptz, idem, at, posthorn.current_actor(), at)
    ON CONFLICT (community_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING k.* INTO made;
    IF NOT FOUND THEN
        SELECT k.id INTO first_id FROM posthorn.api_keys AS k WHERE k.community_id IS NOT DISTINCT FROM owner_id AND k.idempotency_key = idem;
        RAISE EXCEPTION 'this idempotency key made the API key % already; a key is shown only once', first_id
            USING ERRCODE = 'PH004', DETAIL = first_id::text, HINT = 'If it was not received, rotate that key or revoke it.';
    END IF;
    PERFORM posthorn.set_api_key_children(made, given);
    PERFORM posthorn.tell_of_api_key('created', made, jsonb_build_object('scopes', to_jsonb(made.scopes)));
    RETURN made.id;
END
$$;

COMMENT ON FUNCTION posthorn.store_api_key(text, bytea, text, jsonb, text) IS
    'Stores a key that the caller has made, by its first 16 characters and its SHA-256. community is an id or ext:…, null for a service key. settings: name, owner, scopes, metadata, expires_at, allowed_networks, rate_limits, credits. A repeated idempotency key is PH004 with the id of the first key as DETAIL.';

-- The 14 of 16 bytes of a random UUID that hold no version and no variant; 248 is the largest multiple of 62 in a byte, so that no digit is likelier.
CREATE FUNCTION posthorn.random_api_key(test boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    digits constant text := '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    start  constant text := CASE WHEN test THEN 'ph_test_' ELSE 'ph_live_' END;
    text   text := start;
    random bytea;
    rest   bigint;
    tail   text := '';
BEGIN
    WHILE length(text) < 40 LOOP
        random := uuid_send(gen_random_uuid());
        FOR place IN 0 .. 15 LOOP
            IF place NOT IN (6, 8) AND get_byte(random, place) < 248 AND length(text) < 40 THEN
                text := text || substr(digits, get_byte(random, place) % 62 + 1, 1);
            END IF;
        END LOOP;
    END LOOP;
    rest := posthorn.crc32_of(convert_to(text, 'UTF8'));
    FOR place IN 1 .. 6 LOOP
        tail := substr(digits, (rest % 62)::integer + 1, 1) || tail;
        rest := rest / 62;
    END LOOP;
    RETURN text || tail;
END
$$;

COMMENT ON FUNCTION posthorn.random_api_key(boolean) IS 'A new random key: ph_live_ or ph_test_, 32 random base62 characters, 6 of CRC-32 over all before.';

CREATE FUNCTION posthorn.crc32_of(bytes bytea) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog
AS $$
DECLARE
    crc bigint := 4294967295;
BEGIN
    FOR place IN 0 .. length(bytes) - 1 LOOP
        crc := crc # get_byte(bytes, place);
        FOR bit IN 1 .. 8 LOOP
            crc := CASE WHEN crc & 1 = 1 THEN (crc >> 1) # 3988292384 ELSE crc >> 1 END;
        END LOOP;
    END LOOP;
    RETURN crc # 4294967295;
END
$$;

COMMENT ON FUNCTION posthorn.crc32_of(bytea) IS 'CRC-32 as of zip and Ethernet; PostgreSQL has it itself only from 18 on.';

CREATE FUNCTION posthorn.generate_api_key(
    name            text,
    community       text DEFAULT NULL,
    scopes          text[] DEFAULT '{}',
    settings        jsonb DEFAULT '{}',
    test            boolean DEFAULT false,
    idempotency_key text DEFAULT NULL,
    OUT id          uuid,
    OUT key         text
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    key := posthorn.random_api_key(test);
    id := posthorn.store_api_key(
        left(key, 16), sha256(convert_to(key, 'UTF8')), community,
        settings || jsonb_build_object('name', name, 'scopes', to_jsonb(scopes)), idempotency_key);
END
$$;

COMMENT ON FUNCTION posthorn.generate_api_key(text, text, text[], jsonb, boolean, text) IS
    'Makes a key and returns it in full, this once. It is not among the statement''s parameters, so that statement logging does not see it. Errors as of store_api_key.';

-- Changing and ending.

CREATE FUNCTION posthorn.change_api_key(key_id uuid, settings jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    key posthorn.api_keys := posthorn.find_managed_api_key(key_id);
BEGIN
    IF coalesce(jsonb_typeof(settings), '') <> 'object' THEN
        RAISE EXCEPTION 'settings must be a JSON object' USING ERRCODE = 'PH009';
    END IF;
    IF key.revoked_at IS NOT NULL THEN
        RAISE EXCEPTION 'the key is revoked' USING ERRCODE = 'PH007';
    END IF;
    PERFORM posthorn.check_api_key_setting(s.field, s.value) FROM jsonb_each(settings) AS s (field, value);
    IF settings ? 'scopes' THEN
        key.scopes := ARRAY(SELECT jsonb_array_elements_text(settings -> 'scopes'));
        PERFORM posthorn.require_scopes(key.scopes, key.community_id);
    END IF;
    UPDATE posthorn.api_keys AS k
    SET name = coalesce(settings ->> 'name', k.name),
        owner = CASE WHEN settings ? 'owner' THEN settings ->> 'owner' ELSE k.owner END,
        scopes = key.scopes,
        metadata = coalesce(settings -> 'metadata', k.metadata),
        allowed_networks = CASE WHEN settings ? 'allowed_networks'
            THEN ARRAY(SELECT n::inet FROM jsonb_array_elements_text(settings -> 'allowed_networks') AS n) ELSE k.allowed_networks END,
        expires_at = CASE WHEN settings ? 'expires_at' THEN (settings ->> 'expires_at')::timestamptz ELSE k.expires_at END,
        told_expiring_at = CASE WHEN settings ? 'expires_at' THEN NULL ELSE k.told_expiring_at END,
        told_expired_at = CASE WHEN settings ? 'expires_at' THEN NULL ELSE k.told_expired_at END,
        updated_at = posthorn.clock_now()
    WHERE k.id = key_id
    RETURNING k.* INTO key;
    PERFORM posthorn.set_api_key_children(key, settings);
    PERFORM posthorn.tell_of_api_key('changed', key, jsonb_build_object('fields', (SELECT jsonb_agg(f) FROM jsonb_object_keys(settings) AS f)));
END
$$;

COMMENT ON FUNCTION posthorn.change_api_key(uuid, jsonb) IS
    'Changes the settings that are given, as store_api_key takes them; on every node at once. PH006 not there, PH007 revoked, PH008 a setting makes no sense, 42501 a scope that the caller lacks.';

CREATE FUNCTION posthorn.store_api_key_rotation(
    key_id          uuid,
    new_prefix      text,
    new_hash        bytea,
    grace_seconds   integer DEFAULT 86400,
    idempotency_key text DEFAULT NULL
)
RETURNS timestamptz
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at   constant timestamptz := posthorn.clock_now();
    ends constant timestamptz := at + make_interval(secs => grace_seconds);
    idem constant text := idempotency_key;
    key  posthorn.api_keys := posthorn.find_managed_api_key(key_id);
BEGIN
    IF coalesce(grace_seconds NOT BETWEEN 0 AND 2592000, true) THEN
        RAISE EXCEPTION 'grace_seconds must be a number from 0 to 2592000' USING ERRCODE = 'PH008', COLUMN = 'grace_seconds';
    END IF;
    IF left(new_prefix, 8) <> left(key.prefix, 8) THEN
        RAISE EXCEPTION 'a % key stays one', key.mode USING ERRCODE = 'PH009';
    END IF;
    IF key.revoked_at IS NOT NULL OR key.expires_at <= at THEN
        RAISE EXCEPTION 'the key is %', CASE WHEN key.revoked_at IS NULL THEN 'expired' ELSE 'revoked' END
            USING ERRCODE = 'PH007', HINT = 'Make a new one.';
    END IF;
    IF EXISTS (SELECT FROM posthorn.api_key_previous_hashes AS h
               WHERE h.api_key_id = key_id AND h.idempotency_key = idem AND h.replaced_at > at - interval '24 hours') THEN
        RAISE EXCEPTION 'this idempotency key rotated the API key % already; a key is shown only once', key_id
            USING ERRCODE = 'PH004', DETAIL = key_id::text, HINT = 'If it was not received, rotate again with another one.';
    END IF;
    -- Whoever rotates a key holds it afterwards.
    PERFORM posthorn.require_scopes(key.scopes, key.community_id);
    UPDATE posthorn.api_key_previous_hashes AS h SET idempotency_key = NULL WHERE h.api_key_id = key_id AND h.idempotency_key = idem;
    -- An earlier grace that ends sooner keeps its end; one that ends later is not cut short either.
    INSERT INTO posthorn.api_key_previous_hashes (hash, api_key_id, community_id, prefix, replaced_at, expires_at, idempotency_key)
    VALUES (key.hash, key.id, key.community_id, key.prefix, at, ends, idem);
    UPDATE posthorn.api_keys AS k
    SET prefix = new_prefix, hash = new_hash, rotated_at = at, updated_at = at
    WHERE k.id = key_id
    RETURNING k.* INTO key;
    PERFORM posthorn.tell_of_api_key('rotated', key, jsonb_build_object('previous_expires_at', ends));
    RETURN ends;
END
$$;

COMMENT ON FUNCTION posthorn.store_api_key_rotation(uuid, text, bytea, integer, text) IS
    'Gives a key a new text, by its prefix and hash; its id, settings, limits and usage stay. The text before is accepted until the time returned. PH004 idempotency key repeated, PH006 not there, PH007 ended, PH008 grace_seconds, 42501 the key has a scope that the caller lacks.';

CREATE FUNCTION posthorn.rotate_api_key(
    key_id                  uuid,
    grace_seconds           integer DEFAULT 86400,
    OUT key                 text,
    OUT previous_expires_at timestamptz
)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    managed posthorn.api_keys := posthorn.find_managed_api_key(key_id);
BEGIN
    key := posthorn.random_api_key(managed.mode = 'test');
    previous_expires_at := posthorn.store_api_key_rotation(key_id, left(key, 16), sha256(convert_to(key, 'UTF8')), grace_seconds);
END
$$;

COMMENT ON FUNCTION posthorn.rotate_api_key(uuid, integer) IS
    'Gives a key a new text and returns it, this once; the text before is accepted for grace_seconds more. Errors as of store_api_key_rotation.';

CREATE FUNCTION posthorn.end_api_key(key_id uuid, reason text, by text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    key posthorn.api_keys;
BEGIN
    UPDATE posthorn.api_keys AS k
    SET revoked_at = posthorn.clock_now(), revoked_by = by, revoked_reason = reason, updated_at = posthorn.clock_now()
    WHERE k.id = key_id AND k.revoked_at IS NULL
    RETURNING k.* INTO key;
    IF FOUND THEN
        PERFORM posthorn.tell_of_api_key('revoked', key, jsonb_build_object('reason', reason, 'revoked_at', key.revoked_at));
        RETURN true;
    END IF;
    RETURN false;
END
$$;

COMMENT ON FUNCTION posthorn.end_api_key(uuid, text, text) IS 'Revokes a key, once; false if it was revoked before.';

CREATE FUNCTION posthorn.revoke_api_key(key_id uuid, reason text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    PERFORM posthorn.find_managed_api_key(key_id);
    IF char_length(reason) > 1000 THEN
        RAISE EXCEPTION 'reason must have at most 1000 characters' USING ERRCODE = 'PH008', COLUMN = 'reason';
    END IF;
    RETURN posthorn.end_api_key(key_id, reason, posthorn.current_actor());
END
$$;

COMMENT ON FUNCTION posthorn.revoke_api_key(uuid, text) IS
    'Revokes a key for ever, with all its earlier texts, on every node: within 100 ms of the commit, within 2 seconds where notifications do not come through. False if it was revoked before. PH006 not there.';

CREATE FUNCTION posthorn.switch_api_key(key_id uuid, disabled boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    key posthorn.api_keys := posthorn.find_managed_api_key(key_id);
BEGIN
    IF key.revoked_at IS NOT NULL THEN
        RAISE EXCEPTION 'the key is revoked' USING ERRCODE = 'PH007', HINT = 'Make a new one.';
    END IF;
    IF disabled = (key.disabled_at IS NOT NULL) THEN
        RETURN false;
    END IF;
    UPDATE posthorn.api_keys AS k
    SET disabled_at = CASE WHEN disabled THEN posthorn.clock_now() END, updated_at = posthorn.clock_now()
    WHERE k.id = key_id;
    PERFORM posthorn.tell_of_api_key(CASE WHEN disabled THEN 'disabled' ELSE 'enabled' END, key);
    RETURN true;
END
$$;

COMMENT ON FUNCTION posthorn.switch_api_key(uuid, boolean) IS 'Disables or enables a key; false if it was so already. PH006 not there, PH007 revoked.';

CREATE FUNCTION posthorn.disable_api_key(key_id uuid) RETURNS boolean
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT posthorn.switch_api_key(key_id, true)
$$;

COMMENT ON FUNCTION posthorn.disable_api_key(uuid) IS 'Disables a key until enable_api_key; false if it was so already. PH006 not there, PH007 revoked.';

CREATE FUNCTION posthorn.enable_api_key(key_id uuid) RETURNS boolean
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT posthorn.switch_api_key(key_id, false)
$$;

COMMENT ON FUNCTION posthorn.enable_api_key(uuid) IS 'Enables a disabled key; false if it was so already. PH006 not there, PH007 revoked.';

CREATE FUNCTION posthorn.report_exposed_api_keys(hashes bytea[], source text, urls text[]) RETURNS TABLE (hash bytea, known boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    report record;
    key    posthorn.api_keys;
BEGIN
    FOR report IN
        SELECT DISTINCT ON (i.hash) i.hash, i.url, f.id
        FROM unnest(hashes, urls) AS i (hash, url)
        LEFT JOIN LATERAL (
            SELECT k.id FROM posthorn.api_keys AS k WHERE k.hash = i.hash
            UNION ALL
            SELECT h.api_key_id FROM posthorn.api_key_previous_hashes AS h WHERE h.hash = i.hash AND h.expires_at > posthorn.clock_now()
        ) AS f ON true
        ORDER BY i.hash
    LOOP
        hash := report.hash;
        known := report.id IS NOT NULL;
        IF posthorn.end_api_key(report.id, 'exposed', source) THEN
            SELECT * INTO key FROM posthorn.api_keys AS k WHERE k.id = report.id;
            PERFORM posthorn.tell_of_api_key('exposed', key, jsonb_build_object('source', source, 'url', report.url));
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

COMMENT ON FUNCTION posthorn.report_exposed_api_keys(bytea[], text, text[]) IS
    'Revokes keys that somebody found in public, by their hashes, and tells their communities; answers for each whether there is such a key.';

-- Verifying. docs/api-keys.md has the order of the checks and the truth tables, which tests read.

CREATE FUNCTION posthorn.ip_is_allowed(ip inet, networks inet[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN cardinality(networks) = 0
        OR coalesce(
            CASE WHEN ip <<= '::ffff:0:0/96' THEN '0.0.0.0'::inet + (host(ip)::inet - '::ffff:0:0'::inet) ELSE host(ip)::inet END <<= ANY (networks),
            false);

COMMENT ON FUNCTION posthorn.ip_is_allowed(inet, inet[]) IS
    'Whether an address lies in one of the networks; always if there are none, never if the address is not known and there are some. ::ffff:a.b.c.d is a.b.c.d.';

CREATE FUNCTION posthorn.validate_api_key_hash(hash bytea, scope text DEFAULT NULL, ip inet DEFAULT NULL)
RETURNS TABLE (
    valid            boolean,
    code             text,
    key_id           uuid,
    community_id     uuid,
    name             text,
    owner            text,
    mode             text,
    scopes           text[],
    allowed_networks inet[],
    metadata         jsonb,
    expires_at       timestamptz,
    limit_names      text[],
    limit_maxima     integer[],
    limit_periods    integer[],
    has_credits      boolean,
    checked_at       timestamptz
)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    wanted constant text := scope;
    at     constant timestamptz := posthorn.clock_now();
BEGIN
    RETURN QUERY
    SELECT v.code = 'valid', v.code, k.id, k.community_id, k.name, k.owner, k.mode, k.scopes, k.allowed_networks, k.metadata,
           least(k.expires_at, f.replaced_until), l.names, l.maxima, l.periods,
           EXISTS (SELECT FROM posthorn.api_key_credits AS c WHERE c.api_key_id = k.id), at
    FROM (
        SELECT k.id, NULL::timestamptz AS replaced_until FROM posthorn.api_keys AS k WHERE k.hash = validate_api_key_hash.hash
        UNION ALL
        SELECT h.api_key_id, h.expires_at FROM posthorn.api_key_previous_hashes AS h WHERE h.hash = validate_api_key_hash.hash
    ) AS f
    JOIN posthorn.api_keys AS k ON k.id = f.id
    LEFT JOIN posthorn.communities AS o ON o.id = k.community_id
    LEFT JOIN LATERAL (
        SELECT array_agg(l.name ORDER BY l.name) AS names, array_agg(l.max ORDER BY l.name) AS maxima, array_agg(l.period_seconds ORDER BY l.name) AS periods
        FROM posthorn.api_key_rate_limits AS l
        WHERE l.api_key_id = k.id
    ) AS l ON true
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN k.revoked_at IS NOT NULL OR o.deleted_at IS NOT NULL THEN 'revoked'
            WHEN k.disabled_at IS NOT NULL THEN 'disabled'
            WHEN least(k.expires_at, f.replaced_until) <= at THEN 'expired'
            WHEN NOT posthorn.ip_is_allowed(ip, k.allowed_networks) THEN 'ip_not_allowed'
            WHEN wanted IS NOT NULL AND NOT EXISTS (SELECT FROM unnest(k.scopes) AS s WHERE posthorn.permission_matches(s, wanted)) THEN 'scope_missing'
            ELSE 'valid'
        END AS code
    ) AS v
    WHERE coalesce(posthorn.caller_may('keys:verify', k.community_id), false);
    IF NOT FOUND THEN
        valid := false;
        code := 'unknown';
        checked_at := at;
        RETURN NEXT;
    END IF;
END
$$;

COMMENT ON FUNCTION posthorn.validate_api_key_hash(bytea, text, inet) IS
    'Whether the key with this SHA-256 lets its caller in, for services and for those with keys:verify in its community; consumes nothing. code: valid, unknown, revoked, disabled, expired, ip_not_allowed or scope_missing, the first that is true. Always one row.';

CREATE FUNCTION posthorn.validate_api_key(key text, scope text DEFAULT NULL, ip inet DEFAULT NULL)
RETURNS TABLE (valid boolean, code text, key_id uuid, community_id uuid, owner text, mode text, scopes text[], metadata jsonb, expires_at timestamptz)
    LANGUAGE sql STABLE ROWS 1
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT v.valid, v.code, v.key_id, v.community_id, v.owner, v.mode, v.scopes, v.metadata, v.expires_at
    FROM posthorn.validate_api_key_hash(sha256(convert_to(key, 'UTF8')), scope, ip) AS v
$$;

COMMENT ON FUNCTION posthorn.validate_api_key(text, text, inet) IS
    'validate_api_key_hash of the key itself. The key then is a parameter of the statement: log_statement, log_min_duration_statement, auto_explain and pg_stat_activity may show it. Where that matters, hash it in the client and call validate_api_key_hash, as Posthorn''s own programs always do.';

-- Limits.

CREATE FUNCTION posthorn.bucket_level(tokens double precision, counted_at timestamptz, at timestamptz, max integer, period_seconds integer)
RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN least(
        max::double precision,
        tokens + greatest(0, extract(epoch FROM at - counted_at)::double precision) * max / period_seconds);

COMMENT ON FUNCTION posthorn.bucket_level(double precision, timestamptz, timestamptz, integer, integer) IS
    'What a token bucket holds: it begins full, max tokens flow in every period_seconds, and it holds max at most.';

CREATE FUNCTION posthorn.credits_at(remaining bigint, refill_amount bigint, refill_every text, refilled_at timestamptz, at timestamptz) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN date_trunc(refill_every, at, 'UTC') > refilled_at THEN refill_amount ELSE remaining END;

COMMENT ON FUNCTION posthorn.credits_at(bigint, bigint, text, timestamptz, timestamptz) IS 'The credits at a time: refilled if a day or month has begun since.';

CREATE FUNCTION posthorn.draw_api_key(
    key_id         uuid,
    limit_name     text,
    cost           integer,
    wanted         integer,
    bound          integer,
    period_seconds integer,
    give_back      integer,
    OUT allowed    boolean,
    OUT code       text,
    OUT granted    integer,
    OUT tokens     double precision,
    OUT credits    bigint,
    OUT retry_after_seconds integer
)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    at     constant timestamptz := posthorn.clock_now();
    credit posthorn.api_key_credits;
BEGIN
    allowed := false;
    -- Locked before the bucket, by everybody in this order, and changed only once both have enough: who is denied has consumed nothing.
    SELECT * INTO credit FROM posthorn.api_key_credits AS c WHERE c.api_key_id = key_id FOR UPDATE;
    IF FOUND THEN
        credits := posthorn.credits_at(credit.remaining, credit.refill_amount, credit.refill_every, credit.refilled_at, at);
        IF credits < cost THEN
            code := 'credits_exhausted';
            retry_after_seconds := ceil(extract(epoch FROM
                date_trunc(credit.refill_every, at, 'UTC') + CASE credit.refill_every WHEN 'day' THEN interval '1 day' ELSE interval '1 month' END - at));
            RETURN;
        END IF;
    END IF;

    IF bound IS NOT NULL THEN
        INSERT INTO posthorn.api_key_buckets AS b (api_key_id, name, tokens, counted_at, granted)
        SELECT key_id, limit_name, bound - least(wanted, bound), at, least(wanted, bound) WHERE cost <= bound
        ON CONFLICT (api_key_id, name) DO UPDATE
            SET tokens = posthorn.bucket_level(b.tokens + give_back, b.counted_at, at, bound, period_seconds)
                    - least(wanted, floor(posthorn.bucket_level(b.tokens + give_back, b.counted_at, at, bound, period_seconds))::integer),
                granted = least(wanted, floor(posthorn.bucket_level(b.tokens + give_back, b.counted_at, at, bound, period_seconds))::integer),
                counted_at = greatest(b.counted_at, at)
            WHERE posthorn.bucket_level(b.tokens + give_back, b.counted_at, at, bound, period_seconds) >= cost
        RETURNING b.granted, b.tokens INTO granted, tokens;
        IF NOT FOUND THEN
            SELECT posthorn.bucket_level(b.tokens, b.counted_at, at, bound, period_seconds) INTO tokens
            FROM posthorn.api_key_buckets AS b WHERE b.api_key_id = key_id AND b.name = limit_name;
            tokens := coalesce(tokens, bound);
            code := 'rate_limited';
            retry_after_seconds := greatest(1, ceil((least(cost, bound) - tokens) * period_seconds / bound));
            RETURN;
        END IF;
    END IF;

    IF credits IS NOT NULL THEN
        credits := credits - cost;
        UPDATE posthorn.api_key_credits AS c
        SET remaining = credits,
            refilled_at = CASE WHEN date_trunc(c.refill_every, at, 'UTC') > c.refilled_at THEN at ELSE c.refilled_at END
        WHERE c.api_key_id = key_id;
    END IF;
    allowed := true;
    code := 'valid';
END
$$;

COMMENT ON FUNCTION posthorn.draw_api_key(uuid, text, integer, integer, integer, integer, integer) IS
    'Draws cost from the credits of a key, and from its bucket cost at least and wanted at most; both or neither. bound null: no rate limit. give_back: tokens that an earlier draw got and nobody used.';

CREATE FUNCTION posthorn.check_api_key_rate_limit(
    key_id         uuid,
    limit_name     text DEFAULT 'default',
    cost           integer DEFAULT 1,
    max            integer DEFAULT NULL,
    period_seconds integer DEFAULT NULL
)
RETURNS TABLE (
    allowed             boolean,
    code                text,
    quota               integer,
    window_seconds      integer,
    remaining           bigint,
    reset_seconds       integer,
    retry_after_seconds integer,
    credits_remaining   bigint
)
    LANGUAGE plpgsql SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    key    constant uuid := $1;
    wanted constant text := $2;
    price  constant integer := $3;
    bound  integer := $4;
    period integer := $5;
BEGIN
    IF NOT EXISTS (SELECT FROM posthorn.api_keys AS k WHERE k.id = key AND posthorn.caller_may('keys:verify', k.community_id)) THEN
        RAISE EXCEPTION 'there is no API key %', key USING ERRCODE = 'PH006';
    END IF;
    IF coalesce(price NOT BETWEEN 0 AND 1000000000, true) THEN
        RAISE EXCEPTION 'cost must be a number from 0 to 1000000000' USING ERRCODE = 'PH008', COLUMN = 'cost';
    END IF;
    IF (bound IS NULL) <> (period IS NULL) OR bound NOT BETWEEN 1 AND 1000000000 OR period NOT BETWEEN 1 AND 2678400 THEN
        RAISE EXCEPTION 'max and period_seconds go together, max from 1 to 1000000000, period_seconds from 1 to 2678400'
            USING ERRCODE = 'PH008', COLUMN = 'max';
    END IF;
    IF bound IS NULL THEN
        SELECT l.max, l.period_seconds INTO bound, period FROM posthorn.api_key_rate_limits AS l WHERE l.api_key_id = key AND l.name = wanted;
    END IF;
    RETURN QUERY
    SELECT d.allowed, d.code, bound, period, floor(d.tokens)::bigint, ceil((bound - d.tokens) * period / bound)::integer, d.retry_after_seconds, d.credits
    FROM posthorn.draw_api_key(key, wanted, price, price, bound, period, 0) AS d;
END
$$;

COMMENT ON FUNCTION posthorn.check_api_key_rate_limit(uuid, text, integer, integer, integer) IS
    'Draws cost from a named rate limit of a key and from its credits, both or neither, and says whether there was enough: code valid, rate_limited or credits_exhausted. A key that has no limit of that name is not limited by it. max with period_seconds take the place of what the key says. reset_seconds: until the bucket is full.';

CREATE FUNCTION posthorn.lease_api_key_tokens(
    key_id uuid, limit_name text, cost integer, wanted integer, bound integer, period_seconds integer, give_back integer
)
RETURNS TABLE (allowed boolean, code text, granted integer, tokens double precision, credits bigint, retry_after_seconds integer)
    LANGUAGE plpgsql SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    -- Nothing of this is worth waiting for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN QUERY SELECT * FROM posthorn.draw_api_key(key_id, limit_name, cost, wanted, bound, period_seconds, give_back);
END
$$;

COMMENT ON FUNCTION posthorn.lease_api_key_tokens(uuid, text, integer, integer, integer, integer, integer) IS
    'draw_api_key for nodes, which draw tokens of busy keys in advance. Turns off synchronous commit for its transaction: not for use within others.';

-- Usage.

CREATE FUNCTION posthorn.log_api_key_usages(key_ids uuid[], hours timestamptz[], codes text[], calls bigint[], costs bigint[], last_used timestamptz[])
RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO posthorn.api_key_usage AS u (api_key_id, community_id, hour, code, calls, cost)
    SELECT k.id, k.community_id, date_trunc('hour', i.hour, 'UTC'), i.code, sum(i.calls), sum(i.cost)
    FROM unnest(key_ids, hours, codes, calls, costs) AS i (key_id, hour, code, calls, cost)
    JOIN posthorn.api_keys AS k ON k.id = i.key_id
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 3, 4
    ON CONFLICT (api_key_id, hour, code) DO UPDATE SET calls = u.calls + excluded.calls, cost = u.cost + excluded.cost;

    -- SKIP LOCKED: who changes the key at this moment is not waited for; the next flush moves it.
    UPDATE posthorn.api_keys AS k
    SET last_used_at = f.used
    FROM (
        SELECT k.id, i.used
        FROM (SELECT i.id, max(i.used) AS used FROM unnest(key_ids, last_used) AS i (id, used) GROUP BY i.id) AS i
        JOIN posthorn.api_keys AS k ON k.id = i.id
        WHERE k.last_used_at IS NULL OR k.last_used_at <= i.used - interval '1 minute'
        ORDER BY k.id
        FOR NO KEY UPDATE OF k SKIP LOCKED
    ) AS f
    WHERE k.id = f.id;
END
$$;

COMMENT ON FUNCTION posthorn.log_api_key_usages(uuid[], timestamptz[], text[], bigint[], bigint[], timestamptz[]) IS
    'Adds a batch to api_key_usage and moves last_used_at, the latter at most once a minute for a key; last_used is null for refused calls.';

CREATE FUNCTION posthorn.log_api_key_usage(key_id uuid, code text DEFAULT 'valid', cost bigint DEFAULT 1) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM posthorn.api_keys AS k WHERE k.id = key_id AND posthorn.caller_may('keys:verify', k.community_id)) THEN
        RAISE EXCEPTION 'there is no API key %', key_id USING ERRCODE = 'PH006';
    END IF;
    IF code IS NULL OR code NOT IN ('valid', 'revoked', 'disabled', 'expired', 'ip_not_allowed', 'scope_missing', 'rate_limited', 'credits_exhausted')
        OR coalesce(cost < 0, true)
    THEN
        RAISE EXCEPTION 'code must be valid or a reason of refusal, and cost 0 or more' USING ERRCODE = 'PH009';
    END IF;
    PERFORM posthorn.log_api_key_usages(
        ARRAY[key_id], ARRAY[posthorn.clock_now()], ARRAY[code], ARRAY[1::bigint], ARRAY[cost], ARRAY[CASE code WHEN 'valid' THEN posthorn.clock_now() END]);
END
$$;

COMMENT ON FUNCTION posthorn.log_api_key_usage(uuid, text, bigint) IS
    'Counts one call with a key in api_key_usage. verify = validate_api_key + check_api_key_rate_limit + log_api_key_usage. PH006 not there, PH009 argument.';

CREATE FUNCTION posthorn.log_api_key_failures(sources inet[], calls bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    this_hour constant timestamptz := date_trunc('hour', posthorn.clock_now(), 'UTC');
    crowded   constant boolean := (SELECT count(*) >= 1000 FROM posthorn.api_key_failures AS f WHERE f.hour = this_hour);
BEGIN
    INSERT INTO posthorn.api_key_failures AS f (hour, source, calls)
    SELECT this_hour, CASE WHEN crowded OR i.source IS NULL THEN '0.0.0.0/0' ELSE i.source END AS place, sum(i.calls)
    FROM unnest(sources, calls) AS i (source, calls)
    GROUP BY place
    ORDER BY place
    ON CONFLICT (hour, source) DO UPDATE SET calls = f.calls + excluded.calls;
END
$$;

COMMENT ON FUNCTION posthorn.log_api_key_failures(inet[], bigint[]) IS
    'Counts calls with keys that do not exist. Once an hour has 1,000 addresses, all others go into its row 0.0.0.0/0, so that a flood fills no table.';

-- Upkeep.

CREATE FUNCTION posthorn.maintain_api_keys() RETURNS TABLE (task text, rows bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at   constant timestamptz := posthorn.clock_now();
    soon constant interval := make_interval(days => posthorn.setting_number('api_key_expiring_days')::integer);
    old  constant interval := make_interval(days => posthorn.setting_number('api_key_usage_days')::integer);
    done bigint;
    key  posthorn.api_keys;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('posthorn.maintain_api_keys')) THEN
        RETURN;
    END IF;
    done := 0;
    FOR key IN
        UPDATE posthorn.api_keys AS k
        SET told_expiring_at = at
        WHERE k.id IN (
            SELECT e.id FROM posthorn.api_keys AS e
            WHERE e.revoked_at IS NULL AND e.told_expired_at IS NULL AND e.expires_at > at AND e.expires_at <= at + soon
              AND e.told_expiring_at IS NULL AND e.updated_at < e.expires_at - soon
            ORDER BY e.expires_at
            LIMIT 1000
            FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING k.*
    LOOP
        PERFORM posthorn.tell_of_api_key('expiring', key);
        done := done + 1;
    END LOOP;
    RETURN QUERY SELECT 'tell_of_expiring_api_keys', done;

    done := 0;
    FOR key IN
        UPDATE posthorn.api_keys AS k
        SET told_expired_at = at
        WHERE k.id IN (
            SELECT e.id FROM posthorn.api_keys AS e
            WHERE e.revoked_at IS NULL AND e.told_expired_at IS NULL AND e.expires_at <= at
            ORDER BY e.expires_at
            LIMIT 1000
            FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING k.*
    LOOP
        PERFORM posthorn.tell_of_api_key('expired', key);
        done := done + 1;
    END LOOP;
    RETURN QUERY SELECT 'tell_of_expired_api_keys', done;

    DELETE FROM posthorn.api_key_usage AS u WHERE u.hour < at - old;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN QUERY SELECT 'drop_api_key_usage', done;
    DELETE FROM posthorn.api_key_failures AS f WHERE f.hour < at - old;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN QUERY SELECT 'drop_api_key_failures', done;
    DELETE FROM posthorn.api_key_previous_hashes AS h WHERE h.expires_at < at - old;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN QUERY SELECT 'drop_previous_hashes', done;
    DELETE FROM posthorn.audit_log AS a
    WHERE a.id < posthorn.uuid_v7_floor(at - make_interval(days => posthorn.setting_number('audit_days')::integer));
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN QUERY SELECT 'drop_audit_log', done;
END
$$;

COMMENT ON FUNCTION posthorn.maintain_api_keys() IS
    'Upkeep of keys: queues api_key.expiring and .expired, drops usage, refused calls, replaced hashes and audit log past their time. Nodes call it every minute; where none runs, pg_cron may.';

CREATE VIEW posthorn.api_key_summary WITH (security_invoker = true) AS
SELECT k.id, k.community_id, k.name, k.owner, k.mode, k.prefix, k.scopes, k.allowed_networks, k.metadata,
       CASE
           WHEN k.revoked_at IS NOT NULL THEN 'revoked'
           WHEN k.disabled_at IS NOT NULL THEN 'disabled'
           WHEN k.expires_at <= posthorn.clock_now() THEN 'expired'
           ELSE 'active'
       END AS state,
       k.expires_at, k.disabled_at, k.revoked_at, k.revoked_by, k.revoked_reason, k.last_used_at, k.created_at, k.created_by, k.updated_at, k.rotated_at,
       (SELECT max(h.expires_at) FROM posthorn.api_key_previous_hashes AS h WHERE h.api_key_id = k.id AND h.expires_at > posthorn.clock_now()) AS previous_expires_at,
       (SELECT coalesce(jsonb_object_agg(l.name, jsonb_build_object('limit', l.max, 'period_seconds', l.period_seconds)), '{}')
        FROM posthorn.api_key_rate_limits AS l WHERE l.api_key_id = k.id) AS rate_limits,
       (SELECT jsonb_build_object(
                   'remaining', posthorn.credits_at(c.remaining, c.refill_amount, c.refill_every, c.refilled_at, posthorn.clock_now()),
                   'refill', CASE WHEN c.refill_every IS NOT NULL THEN jsonb_build_object('amount', c.refill_amount, 'every', c.refill_every) END)
        FROM posthorn.api_key_credits AS c WHERE c.api_key_id = k.id) AS credits
FROM posthorn.api_keys AS k;

COMMENT ON VIEW posthorn.api_key_summary IS 'Keys with their limits and their state, without the hash.';

GRANT SELECT ON posthorn.api_key_summary TO posthorn_service, posthorn_member;
GRANT EXECUTE ON FUNCTION
    posthorn.current_actor(),
    posthorn.store_api_key(text, bytea, text, jsonb, text),
    posthorn.generate_api_key(text, text, text[], jsonb, boolean, text),
    posthorn.change_api_key(uuid, jsonb),
    posthorn.store_api_key_rotation(uuid, text, bytea, integer, text),
    posthorn.rotate_api_key(uuid, integer),
    posthorn.revoke_api_key(uuid, text),
    posthorn.switch_api_key(uuid, boolean),
    posthorn.disable_api_key(uuid),
    posthorn.enable_api_key(uuid),
    posthorn.ip_is_allowed(inet, inet[]),
    posthorn.validate_api_key_hash(bytea, text, inet),
    posthorn.validate_api_key(text, text, inet),
    posthorn.check_api_key_rate_limit(uuid, text, integer, integer, integer),
    posthorn.log_api_key_usage(uuid, text, bigint),
    posthorn.credits_at(bigint, bigint, text, timestamptz, timestamptz)
TO posthorn_service, posthorn_member;
GRANT EXECUTE ON FUNCTION
    posthorn.record_audit(text, text, uuid, uuid, jsonb),
    posthorn.report_exposed_api_keys(bytea[], text, text[]),
    posthorn.lease_api_key_tokens(uuid, text, integer, integer, integer, integer, integer),
    posthorn.log_api_key_usages(uuid[], timestamptz[], text[], bigint[], bigint[], timestamptz[]),
    posthorn.log_api_key_failures(inet[], bigint[]),
    posthorn.maintain_api_keys()
TO posthorn_service;
