-- A claim records its deliveries as delivered, and only then hands them to the sender.
DO $$
DECLARE
    arguments constant text := pg_get_function_arguments('posthorn.claim_webhook_deliveries'::regproc);
    result    constant text := pg_get_function_result('posthorn.claim_webhook_deliveries'::regproc);
BEGIN
    ALTER FUNCTION posthorn.claim_webhook_deliveries RENAME TO claim_honestly;
    EXECUTE format($f$
        CREATE FUNCTION posthorn.claim_webhook_deliveries(%s) RETURNS %s
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, posthorn, pg_temp AS $body$
        #variable_conflict use_column
        BEGIN
            RETURN QUERY SELECT * FROM posthorn.claim_honestly($1, $2, $3, $4, $5, $6, $7, $8, $9);
            PERFORM posthorn.settle_successes(
                array_agg(d.id), array_agg(d.dispatcher_id), array_agg(d.lease_no), array_agg(200), array_agg(1), array_agg(NULL::text))
            FROM posthorn.webhook_deliveries_ready AS d
            WHERE d.dispatcher_id = $1 AND d.lease_no = $2
            HAVING count(*) > 0;
        END
        $body$
    $f$, arguments, result);
    ALTER FUNCTION posthorn.claim_webhook_deliveries OWNER TO posthorn;
    GRANT EXECUTE ON FUNCTION posthorn.claim_webhook_deliveries TO posthorn_service;
END
$$;
