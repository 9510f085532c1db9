-- Making API keys: what may be set of one, who may, and what is told of it.

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
            -- Control characters, line breaks of Unicode and marks that turn the direction of writing: a name is read in lists and logs.
            ELSIF value #>> '{}' ~ '[\u0001-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069]' THEN
                PERFORM posthorn.refuse_api_key_setting(field, 'must have no control characters, such as line breaks');
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
    -- Asked first: who may not make keys there is not told whether there is such a community.
    IF NOT coalesce(posthorn.caller_may('keys:write', owner_id), false) THEN
        RAISE EXCEPTION 'you may not make API keys %', CASE WHEN community IS NULL THEN 'for the installation' ELSE 'for this community' END
            USING ERRCODE = 'insufficient_privilege', HINT = 'It needs keys:write in the community.';
    END IF;
    IF community IS NOT NULL AND owner_id IS NULL THEN
        RAISE EXCEPTION 'there is no such community' USING ERRCODE = 'PH001';
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

GRANT EXECUTE ON FUNCTION
    posthorn.store_api_key(text, bytea, text, jsonb, text),
    posthorn.generate_api_key(text, text, text[], jsonb, boolean, text)
TO posthorn_service, posthorn_member;
