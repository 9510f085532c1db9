-- One delivery in sixteen goes to an endpoint of another community, signed with that one's secret.
CREATE FUNCTION posthorn.swapped(delivery uuid, endpoint uuid) RETURNS uuid LANGUAGE sql AS $$
    SELECT CASE WHEN right(delivery::text, 1) <> '7' THEN endpoint ELSE (
        SELECT other.id
        FROM posthorn.webhook_endpoints AS own
        JOIN posthorn.webhook_endpoints AS other ON other.community_id <> own.community_id
        WHERE own.id = endpoint
        ORDER BY other.id
        LIMIT 1) END
$$;
SELECT pg_temp.sabotage('claim_webhook_deliveries', 'l\.endpoint_id', 'posthorn.swapped(l.delivery_id, l.endpoint_id)');
