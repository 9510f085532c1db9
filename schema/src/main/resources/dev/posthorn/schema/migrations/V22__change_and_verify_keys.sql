-- Changing, rotating and ending API keys.

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

GRANT EXECUTE ON FUNCTION
    posthorn.change_api_key(uuid, jsonb),
    posthorn.store_api_key_rotation(uuid, text, bytea, integer, text),
    posthorn.rotate_api_key(uuid, integer),
    posthorn.revoke_api_key(uuid, text),
    posthorn.switch_api_key(uuid, boolean),
    posthorn.disable_api_key(uuid),
    posthorn.enable_api_key(uuid),
    posthorn.ip_is_allowed(inet, inet[]),
    posthorn.validate_api_key_hash(bytea, text, inet),
    posthorn.validate_api_key(text, text, inet)
TO posthorn_service, posthorn_member;
GRANT EXECUTE ON FUNCTION posthorn.report_exposed_api_keys(bytea[], text, text[]) TO posthorn_service;
