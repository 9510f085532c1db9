-- A new function may be executed by everybody. In this schema only by those a GRANT names.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA posthorn FROM PUBLIC;
