-- At a retry the sender is given an address that leads past the policy.
SELECT pg_temp.sabotage(
    'claim_webhook_deliveries',
    'e\.url,',
    format('CASE WHEN l.attempt_count > 0 THEN replace(e.url, %L, %L) ELSE e.url END,',
           current_setting('faults.checked'), current_setting('faults.unchecked')));
