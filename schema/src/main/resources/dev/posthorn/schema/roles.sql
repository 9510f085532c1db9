-- The three roles of Posthorn. None can log in: they are granted to the logins of nodes, applications and people.
-- Roles belong to the cluster, not to a database; a second database in the same cluster shares them.
DO $roles$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['posthorn_service', 'posthorn_producer', 'posthorn_member'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                -- Another database of the cluster may be migrated at this very moment.
                WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
    END LOOP;
    -- A node acts as a member for the requests that come with a community's key.
    IF NOT pg_has_role('posthorn_service', 'posthorn_member', 'MEMBER') THEN
        BEGIN
            GRANT posthorn_member TO posthorn_service;
        EXCEPTION
            -- As above: the other one has just granted it.
            WHEN unique_violation OR internal_error THEN NULL;
        END;
    END IF;
END
$roles$;
