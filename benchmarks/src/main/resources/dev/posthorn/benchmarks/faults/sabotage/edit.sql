-- For the other files: replaces what matches a pattern in the text of a function, and fails if nothing does.
CREATE FUNCTION pg_temp.sabotage(function text, pattern text, replacement text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    whole constant text := pg_get_functiondef(('posthorn.' || function)::regproc);
BEGIN
    IF regexp_count(whole, pattern) = 0 THEN
        RAISE EXCEPTION 'posthorn.% no longer holds what the sabotage replaces: %', function, pattern;
    END IF;
    EXECUTE regexp_replace(whole, pattern, replacement, 'g');
END
$$;
