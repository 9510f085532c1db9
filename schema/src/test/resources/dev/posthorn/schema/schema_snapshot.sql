-- Everything in the schema posthorn but the daily partitions and the history of migrations, one line each, in a stable order.
WITH relations AS (
    SELECT c.*
    FROM pg_class AS c
    WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relname !~ '_[0-9]{8}' AND c.relname NOT LIKE 'schema_history%'
),
lines AS (
    SELECT 1 AS part, c.relname::text AS name, 0 AS position,
           CASE c.relkind WHEN 'r' THEN 'table ' WHEN 'p' THEN 'partitioned table ' WHEN 'v' THEN 'view ' WHEN 'S' THEN 'sequence ' WHEN 'c' THEN 'type ' END
               || c.relname
               || coalesce(' ' || pg_get_partkeydef(c.oid), '')
               || coalesce(' ' || pg_get_expr(c.relpartbound, c.oid), '')
               || coalesce(' with ' || c.reloptions::text, '')
               || CASE WHEN c.relrowsecurity THEN ' row level security' || CASE WHEN c.relforcerowsecurity THEN ' forced' ELSE '' END ELSE '' END
               || coalesce(' -- ' || obj_description(c.oid, 'pg_class'), '') AS line
    FROM relations AS c
    WHERE c.relkind IN ('r', 'p', 'v', 'S', 'c')
    UNION ALL
    SELECT 1, c.relname, a.attnum,
           '    ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
               || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
               || coalesce(' -- ' || col_description(c.oid, a.attnum), '')
    FROM relations AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p', 'v') AND c.relispartition = false
    UNION ALL
    SELECT 1, c.relname, 1000, '    constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
    FROM relations AS c
    JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype <> 'n' AND k.conparentid = 0 AND NOT c.relispartition
    UNION ALL
    SELECT 1, c.relname, 1001, '    index ' || pg_get_indexdef(i.indexrelid)
    FROM relations AS c
    JOIN pg_index AS i ON i.indrelid = c.oid
    WHERE NOT i.indisprimary AND NOT EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = i.indexrelid)
    UNION ALL
    SELECT 1, c.relname, 1002,
           '    policy ' || p.polname || ' for ' || CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END
               || ' to ' || array_to_string(ARRAY(SELECT r.rolname FROM pg_roles AS r WHERE r.oid = ANY (p.polroles) ORDER BY 1), ', ')
               || coalesce(' using ' || regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\s+', ' ', 'g'), '')
               || coalesce(' check ' || regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), '\s+', ' ', 'g'), '')
    FROM relations AS c
    JOIN pg_policy AS p ON p.polrelid = c.oid
    UNION ALL
    SELECT 1, c.relname, 1003, '    trigger ' || pg_get_triggerdef(t.oid)
    FROM relations AS c
    JOIN pg_trigger AS t ON t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgparentid = 0
    UNION ALL
    SELECT 1, c.relname, 1004, '    grant ' || string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) || ' to ' || a.grantee::regrole
    FROM relations AS c
    CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE c.relkind IN ('r', 'p', 'v', 'S') AND a.grantee <> c.relowner
    GROUP BY c.relname, a.grantee
    UNION ALL
    SELECT 1, c.relname, 1005, '    view is ' || regexp_replace(pg_get_viewdef(c.oid), '\s+', ' ', 'g')
    FROM relations AS c
    WHERE c.relkind = 'v'
    UNION ALL
    SELECT 2, t.typname, 0,
           'enum ' || t.typname || ' (' || (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid) || ')'
               || coalesce(' -- ' || obj_description(t.oid, 'pg_type'), '')
    FROM pg_type AS t
    WHERE t.typnamespace = 'posthorn'::regnamespace AND t.typtype = 'e'
    UNION ALL
    SELECT 3, f.proname || pg_get_function_identity_arguments(f.oid), 0,
           'function ' || f.proname || '(' || pg_get_function_arguments(f.oid) || ') returns ' || pg_get_function_result(f.oid)
               || ' ' || l.lanname
               || CASE f.provolatile WHEN 'i' THEN ' immutable' WHEN 's' THEN ' stable' ELSE ' volatile' END
               || CASE WHEN f.prosecdef THEN ' security definer' ELSE '' END
               || coalesce(' set ' || array_to_string(f.proconfig, '; '), '')
               || coalesce(' execute: ' || (SELECT string_agg(a.grantee::regrole::text, ', ' ORDER BY a.grantee::regrole::text)
                                            FROM aclexplode(f.proacl) AS a WHERE a.grantee <> f.proowner), '')
               || coalesce(' -- ' || obj_description(f.oid, 'pg_proc'), '')
    FROM pg_proc AS f
    JOIN pg_language AS l ON l.oid = f.prolang
    WHERE f.pronamespace = 'posthorn'::regnamespace
)
SELECT line FROM lines ORDER BY part, name COLLATE "C", position, line COLLATE "C"
