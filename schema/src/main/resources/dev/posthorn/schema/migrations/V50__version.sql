-- Last of each release: the version that programs compare themselves with, and what must be true of all that came before.

CREATE OR REPLACE FUNCTION posthorn.schema_version() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 50;

COMMENT ON FUNCTION posthorn.schema_version() IS 'The number of the newest migration that was applied.';

CREATE FUNCTION posthorn.serves_since() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 50;

COMMENT ON FUNCTION posthorn.serves_since() IS 'The oldest version of the schema whose programs this one still serves.';

-- A new function may be executed by everybody. In this schema only by those a GRANT names.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA posthorn FROM PUBLIC;
GRANT EXECUTE ON FUNCTION posthorn.schema_version(), posthorn.serves_since() TO posthorn_service, posthorn_producer, posthorn_member;
