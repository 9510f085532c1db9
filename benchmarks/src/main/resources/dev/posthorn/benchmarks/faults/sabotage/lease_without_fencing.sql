-- A result counts whoever brings it: the token of the lease is not asked for.
SELECT pg_temp.sabotage('settle_successes', 'AND (\w+)\.dispatcher_id = r\.dispatcher AND \1\.lease_no = r\.lease', '');
SELECT pg_temp.sabotage('settle_mixed_results', 'AND (\w+)\.dispatcher_id = r\.dispatcher AND \1\.lease_no = r\.lease', '');
-- Its receiver fails at first, always; the endpoint must not be disabled for that before the frozen node comes back.
UPDATE posthorn.settings SET value = '0' WHERE name = 'auto_disable_after';
