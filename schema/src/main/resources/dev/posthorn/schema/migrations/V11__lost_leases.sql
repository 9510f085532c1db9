-- How leases end without a result: the dispatcher signs off, it no longer holds them, or it is no longer heard.

CREATE FUNCTION posthorn.sign_off_dispatcher(id uuid) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    gone     constant uuid := id;
    returned integer;
BEGIN
    UPDATE posthorn.webhook_deliveries AS d
    SET status = CASE WHEN d.attempt_count = 0 THEN 'pending' ELSE 'retrying' END::posthorn.webhook_status,
        dispatcher_id = NULL, lease_no = NULL
    WHERE d.stage = 'ready' AND d.dispatcher_id = gone;
    GET DIAGNOSTICS returned = ROW_COUNT;
    DELETE FROM posthorn.dispatchers AS d WHERE d.id = gone;
    IF returned > 0 THEN
        PERFORM posthorn.wake_dispatchers();
    END IF;
    RETURN returned;
END
$$;

COMMENT ON FUNCTION posthorn.sign_off_dispatcher(uuid) IS 'A graceful stop: gives back what was not sent, without using an attempt.';

CREATE FUNCTION posthorn.return_unheld_leases(dispatcher uuid, held uuid[], newest_lease bigint) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    returned integer;
BEGIN
    UPDATE posthorn.webhook_deliveries AS d
    SET status = CASE WHEN d.attempt_count = 0 THEN 'pending' ELSE 'retrying' END::posthorn.webhook_status,
        dispatcher_id = NULL, lease_no = NULL
    WHERE d.stage = 'ready'
      AND d.dispatcher_id = dispatcher
      AND d.lease_no <= newest_lease
      AND NOT (d.id = ANY (held));
    GET DIAGNOSTICS returned = ROW_COUNT;
    IF returned > 0 THEN
        PERFORM posthorn.wake_dispatchers();
    END IF;
    RETURN returned;
END
$$;

COMMENT ON FUNCTION posthorn.return_unheld_leases(uuid, uuid[], bigint) IS
    'A living dispatcher says what it holds of the leases up to newest_lease; what stands as leased to it but is not held returns. Needed because results are written without synchronous commit: after a crash of PostgreSQL a finished delivery may be sending again.';

-- A node is silent because it is lost, or because the database stood still, was away or was cut off from everybody. Only for a lost one is
-- there another that was heard all the while: for as long as a lease lasts, with no gap in which two beats would have been missed.
-- Where no node is heard at all, callers of SQL and pg_cron have nobody to ask, and wait for ten minutes, longer than databases stand still.
CREATE FUNCTION posthorn.rescue_lost_leases() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
    SET lock_timeout = '500ms'
AS $$
DECLARE
    at        timestamptz := posthorn.clock_now();
    witnessed boolean;
    deserted  boolean;
    expired   uuid[];
    lost      record;
    returned  integer;
BEGIN
    SELECT coalesce(bool_or(
               d.heartbeat_at BETWEEN at - interval '3 seconds' AND at + interval '1 second'
               AND d.heard_since <= at - interval '4 seconds'), false),
           coalesce(bool_and(d.heartbeat_at <= at - interval '10 minutes'), true)
    INTO witnessed, deserted
    FROM posthorn.dispatchers AS d
    WHERE d.kind = 'node';

    SELECT array_agg(e.id) INTO expired
    FROM (SELECT d.id FROM posthorn.dispatchers AS d
          WHERE d.expires_at <= at AND (d.kind = 'sql' OR witnessed OR deserted)
             -- The database's clock was set back since it was last heard.
             OR d.kind = 'node' AND d.heartbeat_at > at + interval '5 seconds' AND witnessed
          ORDER BY d.id
          FOR UPDATE SKIP LOCKED) AS e;
    IF expired IS NULL THEN
        RETURN 0;
    END IF;

    SELECT array_agg(d.id) AS ids, array_agg(d.dispatcher_id) AS dispatchers, array_agg(d.lease_no) AS leases
    INTO lost
    FROM posthorn.webhook_deliveries AS d
    WHERE d.stage = 'ready' AND d.dispatcher_id = ANY (expired) AND d.lost_leases >= 2;
    IF lost.ids IS NOT NULL THEN
        BEGIN
            PERFORM posthorn.record_claimed_results(
                lost.ids, lost.dispatchers, lost.leases,
                array_fill(NULL::integer, ARRAY[cardinality(lost.ids)]),
                array_fill('lease_lost'::text, ARRAY[cardinality(lost.ids)]),
                array_fill('three dispatchers in a row were lost while they sent it'::text, ARRAY[cardinality(lost.ids)]),
                array_fill(NULL::integer, ARRAY[cardinality(lost.ids)]),
                array_fill(NULL::text, ARRAY[cardinality(lost.ids)]),
                array_fill(NULL::integer, ARRAY[cardinality(lost.ids)]));
        EXCEPTION
            -- Somebody has an endpoint of them locked. Then they return as the others do, which must not wait; the next loss counts.
            WHEN lock_not_available THEN
                lost.ids := NULL;
        END;
    END IF;

    UPDATE posthorn.webhook_deliveries AS d
    SET status = CASE WHEN d.attempt_count = 0 THEN 'pending' ELSE 'retrying' END::posthorn.webhook_status,
        dispatcher_id = NULL, lease_no = NULL, lost_leases = d.lost_leases + 1
    WHERE d.stage = 'ready' AND d.dispatcher_id = ANY (expired);
    GET DIAGNOSTICS returned = ROW_COUNT;
    DELETE FROM posthorn.dispatchers AS d WHERE d.id = ANY (expired);
    IF returned > 0 THEN
        PERFORM posthorn.wake_dispatchers();
    END IF;
    RETURN returned + coalesce(cardinality(lost.ids), 0);
END
$$;

COMMENT ON FUNCTION posthorn.rescue_lost_leases() IS
    'sending → pending, retrying for deliveries whose node was not heard for 4 seconds in which another one was, or for ten minutes in which none was, or whose SQL lease has run out; the third loss in a row counts as an attempt failed with lease_lost. Returns how many.';

GRANT EXECUTE ON FUNCTION
    posthorn.sign_off_dispatcher(uuid),
    posthorn.return_unheld_leases(uuid, uuid[], bigint),
    posthorn.rescue_lost_leases()
TO posthorn_service;
