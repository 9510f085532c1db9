-- The vault: secrets, encrypted by Posthorn's programs before they come here. The database alone never suffices to read one.

CREATE TABLE posthorn.vault_data_keys (
    id             uuid PRIMARY KEY,
    wrapped_keyset bytea NOT NULL,
    master_key_id  text NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    retired_at     timestamptz
);

COMMENT ON TABLE posthorn.vault_data_keys IS 'Keys that encrypt secrets, themselves encrypted by a master key that is never in the database.';
COMMENT ON COLUMN posthorn.vault_data_keys.id IS 'Identifier.';
COMMENT ON COLUMN posthorn.vault_data_keys.wrapped_keyset IS 'Tink keyset (AES-256-GCM), encrypted by the master key with the id as associated data.';
COMMENT ON COLUMN posthorn.vault_data_keys.master_key_id IS 'Which master key opens it.';
COMMENT ON COLUMN posthorn.vault_data_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN posthorn.vault_data_keys.retired_at IS 'Since when nothing new is encrypted with it.';

CREATE TABLE posthorn.vault_secrets (
    id             uuid PRIMARY KEY,
    community_id   uuid NOT NULL REFERENCES posthorn.communities (id) ON DELETE CASCADE,
    purpose        text NOT NULL CHECK (purpose ~ '^[a-z][a-z_]{0,62}$'),
    owner_id       uuid,
    name           text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200 AND name !~ '[[:cntrl:]]'),
    description    text NOT NULL DEFAULT '' CHECK (char_length(description) <= 1000),
    fields         text[],
    store          text NOT NULL DEFAULT 'database' CHECK (store ~ '^[a-z][a-z_]{0,30}$'),
    reference      text CHECK (char_length(reference) BETWEEN 1 AND 500),
    version        integer NOT NULL DEFAULT 0 CHECK (version >= 0),
    created_at     timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    written_at     timestamptz,
    expires_at     timestamptz,
    previous_until timestamptz,
    UNIQUE NULLS NOT DISTINCT (community_id, purpose, owner_id, name)
);

CREATE INDEX vault_secrets_owner ON posthorn.vault_secrets (owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX vault_secrets_integration ON posthorn.vault_secrets (created_at) WHERE purpose = 'integration' AND owner_id IS NOT NULL;

COMMENT ON TABLE posthorn.vault_secrets IS 'What is known of each secret. Its value is not here: encrypted in vault_secret_versions, or in a store outside of the database.';
COMMENT ON COLUMN posthorn.vault_secrets.id IS 'Identifier; stays the same in every version.';
COMMENT ON COLUMN posthorn.vault_secrets.community_id IS 'The community it belongs to.';
COMMENT ON COLUMN posthorn.vault_secrets.purpose IS 'What it is for. Of a webhook endpoint: endpoint_signing, its signing secret; endpoint_key_pair, its key pair; endpoint_headers, endpoint_authentication, endpoint_client_certificate, its credentials.';
COMMENT ON COLUMN posthorn.vault_secrets.owner_id IS 'The endpoint or other thing whose secret it is, and which it lives with; null for one that stands for itself.';
COMMENT ON COLUMN posthorn.vault_secrets.name IS 'Name, of which there is one for each community, purpose and owner.';
COMMENT ON COLUMN posthorn.vault_secrets.description IS 'For people; never secret.';
COMMENT ON COLUMN posthorn.vault_secrets.fields IS 'The names of the fields of a structured credential; null if the value is one text.';
COMMENT ON COLUMN posthorn.vault_secrets.store IS 'Where the value is: database, or the name of another store.';
COMMENT ON COLUMN posthorn.vault_secrets.reference IS 'What names the value in a store that Posthorn only reads; null where Posthorn itself keeps it.';
COMMENT ON COLUMN posthorn.vault_secrets.version IS 'The newest version; 0 while none was written.';
COMMENT ON COLUMN posthorn.vault_secrets.created_at IS 'When it was made.';
COMMENT ON COLUMN posthorn.vault_secrets.written_at IS 'When its newest version was written; null while none was.';
COMMENT ON COLUMN posthorn.vault_secrets.expires_at IS 'From when on it is no longer given to anybody; null never.';
COMMENT ON COLUMN posthorn.vault_secrets.previous_until IS 'Until when the version before the newest is used beside it; null: not at all.';

CREATE TABLE posthorn.vault_secret_versions (
    secret_id    uuid NOT NULL REFERENCES posthorn.vault_secrets (id) ON DELETE CASCADE,
    community_id uuid NOT NULL,
    version      integer NOT NULL CHECK (version > 0),
    ciphertext   bytea NOT NULL,
    data_key_id  uuid NOT NULL REFERENCES posthorn.vault_data_keys (id),
    created_at   timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    expires_at   timestamptz,
    PRIMARY KEY (secret_id, version)
);

CREATE INDEX vault_secret_versions_data_key ON posthorn.vault_secret_versions (data_key_id);

COMMENT ON TABLE posthorn.vault_secret_versions IS
    'Encrypted values of secrets, each bound to its community, secret, version, purpose and owner, so that rows cannot be swapped.';
COMMENT ON COLUMN posthorn.vault_secret_versions.secret_id IS 'The secret.';
COMMENT ON COLUMN posthorn.vault_secret_versions.community_id IS 'The community it belongs to.';
COMMENT ON COLUMN posthorn.vault_secret_versions.version IS 'Counts up at each new value.';
COMMENT ON COLUMN posthorn.vault_secret_versions.ciphertext IS 'Encrypted with the data key; associated data: community, secret, version, owner (zeros if none), purpose.';
COMMENT ON COLUMN posthorn.vault_secret_versions.data_key_id IS 'The data key that opens it.';
COMMENT ON COLUMN posthorn.vault_secret_versions.created_at IS 'When it was written.';
COMMENT ON COLUMN posthorn.vault_secret_versions.expires_at IS 'Until when it is still used beside a newer version; null for the newest.';

ALTER TABLE posthorn.vault_data_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.vault_data_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY vault_data_keys_owner ON posthorn.vault_data_keys TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY vault_data_keys_service ON posthorn.vault_data_keys TO posthorn_service USING (true) WITH CHECK (true);
ALTER TABLE posthorn.vault_secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.vault_secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY vault_secrets_owner ON posthorn.vault_secrets TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY vault_secrets_service ON posthorn.vault_secrets TO posthorn_service USING (true) WITH CHECK (true);
CREATE POLICY vault_secrets_member_read ON posthorn.vault_secrets FOR SELECT TO posthorn_member
    USING (community_id IN (SELECT posthorn.permitted_communities('secrets:read')));
ALTER TABLE posthorn.vault_secret_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.vault_secret_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY vault_secret_versions_owner ON posthorn.vault_secret_versions TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY vault_secret_versions_service ON posthorn.vault_secret_versions TO posthorn_service USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON posthorn.vault_data_keys, posthorn.vault_secrets, posthorn.vault_secret_versions TO posthorn_service;
-- A member sees everything but the name that a referenced secret has in the operator's own store.
GRANT SELECT (id, community_id, purpose, owner_id, name, description, fields, store, version, created_at, written_at, expires_at, previous_until)
    ON posthorn.vault_secrets TO posthorn_member;

-- Of two nodes that make a secret for the same endpoint at the same moment the first wins; the other's is never stored.
CREATE FUNCTION posthorn.store_endpoint_secrets(
    ids          uuid[],
    endpoint_ids uuid[],
    versions     integer[],
    ciphertexts  bytea[],
    data_key     uuid,
    overlap_seconds integer DEFAULT NULL,
    kind         text DEFAULT 'endpoint_signing'
)
RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    at     timestamptz := posthorn.clock_now();
    stored uuid[];
BEGIN
    INSERT INTO posthorn.vault_secrets (id, community_id, purpose, owner_id, name, created_at)
    SELECT i.id, e.community_id, kind, e.id, replace(kind, 'endpoint_', ''), at
    FROM unnest(ids, endpoint_ids, versions) AS i (id, endpoint_id, version)
    JOIN posthorn.webhook_endpoints AS e ON e.id = i.endpoint_id AND e.deleted_at IS NULL
    WHERE i.version = 1
    ORDER BY e.id
    ON CONFLICT (community_id, purpose, owner_id, name) DO NOTHING;

    WITH moved AS (
        UPDATE posthorn.vault_secrets AS s
        SET version = i.version, written_at = at
        FROM unnest(ids, endpoint_ids, versions) AS i (id, endpoint_id, version)
        WHERE s.id = i.id AND s.owner_id = i.endpoint_id AND s.purpose = kind AND s.version = i.version - 1
        RETURNING s.id, s.community_id, s.owner_id, s.version
    ),
    inserted AS (
        INSERT INTO posthorn.vault_secret_versions (secret_id, community_id, version, ciphertext, data_key_id, created_at)
        SELECT m.id, m.community_id, m.version, i.ciphertext, data_key, at
        FROM moved AS m
        JOIN unnest(ids, ciphertexts) AS i (id, ciphertext) ON i.id = m.id
    )
    SELECT array_agg(m.owner_id) INTO stored FROM moved AS m;

    UPDATE posthorn.vault_secret_versions AS v
    SET expires_at = at + make_interval(secs => coalesce(overlap_seconds, 0))
    FROM unnest(ids, endpoint_ids, versions) AS i (id, endpoint_id, version)
    WHERE i.endpoint_id = ANY (stored)
      AND v.secret_id = i.id
      AND v.version < i.version
      AND (v.expires_at IS NULL OR v.expires_at > at + make_interval(secs => coalesce(overlap_seconds, 0)));

    -- A request carries a signature of each: so many fit into a header, and no verifier looks at more key pairs.
    IF EXISTS (
        SELECT
        FROM posthorn.vault_secret_versions AS v
        WHERE v.secret_id = ANY (ids) AND (v.expires_at IS NULL OR v.expires_at > at)
        GROUP BY v.secret_id
        HAVING count(*) > 16)
    THEN
        RAISE EXCEPTION 'an endpoint may have at most 16 secrets of a kind in use, and this would be one more'
            USING ERRCODE = 'PH007', HINT = 'Wait until an older one expires, or rotate with overlap_seconds 0, which ends the older ones at once.';
    END IF;

    UPDATE posthorn.webhook_endpoint_health AS h
    SET secret_version = greatest(h.secret_version + 1, i.version)
    FROM unnest(endpoint_ids, versions) AS i (endpoint_id, version)
    WHERE i.endpoint_id = ANY (stored)
      AND h.endpoint_id = i.endpoint_id
      AND (h.secret_version IS NOT NULL OR kind = 'endpoint_signing');

    PERFORM posthorn.wake_dispatchers();
    RETURN QUERY SELECT unnest(stored);
END
$$;

COMMENT ON FUNCTION posthorn.store_endpoint_secrets(uuid[], uuid[], integer[], bytea[], uuid, integer, text) IS
    'Stores a version of the signing secret or key pair (kind) of endpoints (ids: of the secrets, new ones for version 1) and returns the endpoints for which this call was the first to do so. Older versions stay in use for overlap_seconds. Error: PH007, more than 16 would be in use.';

CREATE TABLE posthorn.webhook_endpoint_credentials (
    endpoint_id  uuid NOT NULL REFERENCES posthorn.webhook_endpoints (id) ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('headers', 'authentication', 'client_certificate')),
    community_id uuid NOT NULL,
    description  jsonb NOT NULL,
    updated_at   timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    PRIMARY KEY (endpoint_id, kind)
);

COMMENT ON TABLE posthorn.webhook_endpoint_credentials IS
    'What may be shown of the credentials with which requests to an endpoint are made; the credentials themselves are in the vault. Written by REST, which encrypts them.';
COMMENT ON COLUMN posthorn.webhook_endpoint_credentials.endpoint_id IS 'The endpoint.';
COMMENT ON COLUMN posthorn.webhook_endpoint_credentials.kind IS
    'headers: the endpoint''s own headers. authentication: basic, bearer or oauth2_client_credentials. client_certificate: of mutual TLS.';
COMMENT ON COLUMN posthorn.webhook_endpoint_credentials.community_id IS 'Its community.';
COMMENT ON COLUMN posthorn.webhook_endpoint_credentials.description IS 'Names, masked values, subject and expiry of a certificate: nothing secret.';
COMMENT ON COLUMN posthorn.webhook_endpoint_credentials.updated_at IS 'When it was last set.';

ALTER TABLE posthorn.webhook_endpoint_credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.webhook_endpoint_credentials FORCE ROW LEVEL SECURITY;
CREATE POLICY webhook_endpoint_credentials_owner ON posthorn.webhook_endpoint_credentials TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY webhook_endpoint_credentials_service ON posthorn.webhook_endpoint_credentials TO posthorn_service USING (true) WITH CHECK (true);
CREATE POLICY webhook_endpoint_credentials_member_read ON posthorn.webhook_endpoint_credentials FOR SELECT TO posthorn_member
    USING (community_id IN (SELECT posthorn.permitted_communities('webhooks:read')));
GRANT SELECT ON posthorn.webhook_endpoint_credentials TO posthorn_service, posthorn_member;

CREATE FUNCTION posthorn.describe_endpoint_credential(endpoint uuid, kind text, description jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    community uuid;
BEGIN
    SELECT e.community_id INTO community
    FROM posthorn.webhook_endpoints AS e
    JOIN posthorn.webhook_endpoint_health AS h ON h.endpoint_id = e.id
    WHERE e.id = endpoint AND e.deleted_at IS NULL
    FOR UPDATE OF h;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no endpoint %', endpoint USING ERRCODE = 'PH006';
    END IF;
    IF description IS NULL THEN
        DELETE FROM posthorn.webhook_endpoint_credentials AS c WHERE c.endpoint_id = endpoint AND c.kind = kind;
    ELSE
        INSERT INTO posthorn.webhook_endpoint_credentials AS c (endpoint_id, kind, community_id, description)
        VALUES (endpoint, kind, community, description)
        ON CONFLICT ON CONSTRAINT webhook_endpoint_credentials_pkey
        DO UPDATE SET description = excluded.description, updated_at = posthorn.clock_now();
    END IF;
    UPDATE posthorn.webhook_endpoint_health AS h SET secret_version = h.secret_version + 1 WHERE h.endpoint_id = endpoint;
    RETURN community;
END
$$;

COMMENT ON FUNCTION posthorn.describe_endpoint_credential(uuid, text, jsonb) IS
    'For Posthorn''s programs: says what may be shown of a credential of an endpoint, which the same transaction writes to the vault, or that it is taken away (null description). Returns the endpoint''s community. Error: PH006.';

CREATE FUNCTION posthorn.endpoint_secret_ciphertexts(endpoint uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT coalesce(
        jsonb_agg(
            jsonb_build_object(
                'id', s.id,
                'version', v.version,
                'ciphertext', translate(encode(v.ciphertext, 'base64'), E'\n', ''),
                'data_key_id', v.data_key_id,
                'expires_at', v.expires_at)
            ORDER BY v.version DESC),
        '[]')
    FROM posthorn.vault_secrets AS s
    JOIN posthorn.vault_secret_versions AS v ON v.secret_id = s.id
    WHERE s.owner_id = endpoint
      AND s.purpose = 'endpoint_signing'
      AND (v.expires_at IS NULL OR v.expires_at > posthorn.clock_now())
$$;

COMMENT ON FUNCTION posthorn.endpoint_secret_ciphertexts(uuid) IS
    'The encrypted signing secrets of an endpoint that are in use, newest first. What opens them is not in the database.';

GRANT EXECUTE ON FUNCTION
    posthorn.store_endpoint_secrets(uuid[], uuid[], integer[], bytea[], uuid, integer, text),
    posthorn.describe_endpoint_credential(uuid, text, jsonb),
    posthorn.endpoint_secret_ciphertexts(uuid)
TO posthorn_service;
