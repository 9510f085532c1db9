-- A result counts whoever brings it: the token of the lease is not asked for.
SELECT pg_temp.sabotage('settle_successes', 'AND (\w+)\.dispatcher_id = r\.dispatcher AND \1\.lease_no = r\.lease', '');
SELECT pg_temp.sabotage('settle_mixed_results', 'AND (\w+)\.dispatcher_id = r\.dispatcher AND \1\.lease_no = r\.lease', '');
