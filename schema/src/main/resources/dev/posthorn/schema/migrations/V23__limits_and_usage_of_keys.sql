-- The rate limits, credits and usage of API keys, their upkeep, and the view of all that may be seen of them.

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
    posthorn.check_api_key_rate_limit(uuid, text, integer, integer, integer),
    posthorn.log_api_key_usage(uuid, text, bigint),
    posthorn.credits_at(bigint, bigint, text, timestamptz, timestamptz)
TO posthorn_service, posthorn_member;
GRANT EXECUTE ON FUNCTION
    posthorn.lease_api_key_tokens(uuid, text, integer, integer, integer, integer, integer),
    posthorn.log_api_key_usages(uuid[], timestamptz[], text[], bigint[], bigint[], timestamptz[]),
    posthorn.log_api_key_failures(inet[], bigint[]),
    posthorn.maintain_api_keys()
TO posthorn_service;
