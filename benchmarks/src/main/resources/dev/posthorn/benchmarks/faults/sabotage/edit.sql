-- For the other files: takes the text of a function, replaces a part of it, and fails if that part is not there.
CREATE FUNCTION pg_temp.sabotage(function text, wanted text, replacement text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    whole constant text := pg_get_functiondef(('posthorn.' || function)::regproc);
BEGIN
    IF position(wanted IN whole) = 0 THEN
        RAISE EXCEPTION 'posthorn.% no longer holds: %', function, wanted;
    END IF;
    EXECUTE replace(whole, wanted, replacement);
END
$$;
