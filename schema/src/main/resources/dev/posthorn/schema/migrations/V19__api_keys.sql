-- API keys: what is stored of a key is its first 16 characters and its SHA-256, never the key.

CREATE TABLE posthorn.api_keys (
    id             uuid PRIMARY KEY DEFAULT posthorn.generate_uuid_v7(),
    community_id   uuid REFERENCES posthorn.communities (id) ON DELETE CASCADE,
    name           text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    prefix         text NOT NULL CHECK (char_length(prefix) = 16),
    hash           bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    scopes         text[] NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    expires_at     timestamptz,
    revoked_at     timestamptz,
    revoked_by     text,
    revoked_reason text,
    last_used_at   timestamptz
);

CREATE INDEX api_keys_community ON posthorn.api_keys (community_id, id);

COMMENT ON TABLE posthorn.api_keys IS 'Keys that let programs in. A key without community is a service key and belongs to the installation.';
COMMENT ON COLUMN posthorn.api_keys.id IS 'Identifier.';
COMMENT ON COLUMN posthorn.api_keys.community_id IS 'The community within which it works; null for a service key, which works across communities.';
COMMENT ON COLUMN posthorn.api_keys.name IS 'For people.';
COMMENT ON COLUMN posthorn.api_keys.prefix IS 'The first 16 characters of the key, to recognise it by.';
COMMENT ON COLUMN posthorn.api_keys.hash IS 'SHA-256 of the whole key. No slow hash: a key is random, there is nothing to guess.';
COMMENT ON COLUMN posthorn.api_keys.scopes IS 'What it may do: resource:action, resource:*, *:action or *.';
COMMENT ON COLUMN posthorn.api_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN posthorn.api_keys.expires_at IS 'When it ends by itself; null never.';
COMMENT ON COLUMN posthorn.api_keys.revoked_at IS 'When it was revoked.';
COMMENT ON COLUMN posthorn.api_keys.revoked_by IS 'By whom.';
COMMENT ON COLUMN posthorn.api_keys.revoked_reason IS 'Why.';
COMMENT ON COLUMN posthorn.api_keys.last_used_at IS 'When it was last used, to the minute.';

ALTER TABLE posthorn.api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY api_keys_owner ON posthorn.api_keys TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY api_keys_service ON posthorn.api_keys TO posthorn_service USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON posthorn.api_keys TO posthorn_service;
