-- Of 10,000 deliveries one is counted and not queued.
CREATE SEQUENCE posthorn.unlucky;
ALTER SEQUENCE posthorn.unlucky OWNER TO posthorn;
SELECT pg_temp.sabotage(
    'store_webhook_events',
    'WHERE s\.taken AND \(s\.disabled_reason IS NULL OR s\.disabled_reason = ''auto''\)',
    '\& AND nextval(''posthorn.unlucky'') % 10000 <> 0');
