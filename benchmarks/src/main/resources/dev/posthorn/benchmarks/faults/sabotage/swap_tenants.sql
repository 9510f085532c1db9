-- One delivery in sixteen goes to an endpoint of another community, signed with that one's secret.
DO $$
DECLARE
    arguments constant text := pg_get_function_arguments('posthorn.lease_ready_deliveries'::regproc);
    result    constant text := pg_get_function_result('posthorn.lease_ready_deliveries'::regproc);
BEGIN
    ALTER FUNCTION posthorn.lease_ready_deliveries RENAME TO lease_honestly;
    EXECUTE format($f$
        CREATE FUNCTION posthorn.lease_ready_deliveries(%s) RETURNS %s
            LANGUAGE plpgsql SET search_path = pg_catalog, posthorn, pg_temp AS $body$
        #variable_conflict use_column
        BEGIN
            RETURN QUERY
            SELECT l.delivery_id, l.event_id, l.community_id,
                   CASE WHEN right(l.delivery_id::text, 1) = '7'
                        THEN (SELECT e.id FROM posthorn.webhook_endpoints AS e WHERE e.community_id <> l.community_id ORDER BY e.id LIMIT 1)
                        ELSE l.endpoint_id END,
                   l.lane, l.place, l.event_type, l.attempt_count, l.open_after_ms
            FROM posthorn.lease_honestly($1, $2, $3, $4, $5, $6, $7) AS l;
        END
        $body$
    $f$, arguments, result);
    ALTER FUNCTION posthorn.lease_ready_deliveries OWNER TO posthorn;
END
$$;
