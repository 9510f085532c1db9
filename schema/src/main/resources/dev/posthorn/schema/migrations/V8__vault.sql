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
    id           uuid PRIMARY KEY,
    community_id uuid NOT NULL REFERENCES posthorn.communities (id) ON DELETE CASCADE,
    purpose      text NOT NULL CHECK (purpose ~ '^[a-z][a-z_]{0,62}$'),
    owner_id     uuid NOT NULL,
    version      integer NOT NULL CHECK (version > 0),
    ciphertext   bytea NOT NULL,
    data_key_id  uuid NOT NULL REFERENCES posthorn.vault_data_keys (id),
    created_at   timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    expires_at   timestamptz,
    UNIQUE (community_id, purpose, owner_id, version)
);

CREATE INDEX vault_secrets_owner ON posthorn.vault_secrets (owner_id);

COMMENT ON TABLE posthorn.vault_secrets IS 'Encrypted secrets, each bound to its community, id and version, so that rows cannot be swapped.';
COMMENT ON COLUMN posthorn.vault_secrets.id IS 'Identifier.';
COMMENT ON COLUMN posthorn.vault_secrets.community_id IS 'The community it belongs to.';
COMMENT ON COLUMN posthorn.vault_secrets.purpose IS 'What it is for. Of a webhook endpoint: endpoint_signing, its signing secret; endpoint_key_pair, its key pair; endpoint_headers, endpoint_authentication, endpoint_client_certificate, its credentials.';
COMMENT ON COLUMN posthorn.vault_secrets.owner_id IS 'The endpoint or other thing whose secret it is.';
COMMENT ON COLUMN posthorn.vault_secrets.version IS 'Counts up at each rotation.';
COMMENT ON COLUMN posthorn.vault_secrets.ciphertext IS 'Encrypted with the data key; associated data: community, id, version.';
COMMENT ON COLUMN posthorn.vault_secrets.data_key_id IS 'The data key that opens it.';
COMMENT ON COLUMN posthorn.vault_secrets.created_at IS 'When it was stored.';
COMMENT ON COLUMN posthorn.vault_secrets.expires_at IS 'Until when it is still used beside a newer version; null for the newest.';

ALTER TABLE posthorn.vault_data_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.vault_data_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY vault_data_keys_owner ON posthorn.vault_data_keys TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY vault_data_keys_service ON posthorn.vault_data_keys TO posthorn_service USING (true) WITH CHECK (true);
ALTER TABLE posthorn.vault_secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.vault_secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY vault_secrets_owner ON posthorn.vault_secrets TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY vault_secrets_service ON posthorn.vault_secrets TO posthorn_service USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON posthorn.vault_data_keys, posthorn.vault_secrets TO posthorn_service;

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
    WITH inserted AS (
        INSERT INTO posthorn.vault_secrets AS s (id, community_id, purpose, owner_id, version, ciphertext, data_key_id, created_at)
        SELECT i.id, e.community_id, kind, e.id, i.version, i.ciphertext, data_key, at
        FROM unnest(ids, endpoint_ids, versions, ciphertexts) AS i (id, endpoint_id, version, ciphertext)
        JOIN posthorn.webhook_endpoints AS e ON e.id = i.endpoint_id AND e.deleted_at IS NULL
        ORDER BY e.id
        ON CONFLICT (community_id, purpose, owner_id, version) DO NOTHING
        RETURNING s.owner_id
    )
    SELECT array_agg(owner_id) INTO stored FROM inserted;

    UPDATE posthorn.vault_secrets AS s
    SET expires_at = at + make_interval(secs => coalesce(overlap_seconds, 0))
    FROM unnest(endpoint_ids, versions) AS i (endpoint_id, version)
    WHERE i.endpoint_id = ANY (stored)
      AND s.owner_id = i.endpoint_id
      AND s.purpose = kind
      AND s.version < i.version
      AND (s.expires_at IS NULL OR s.expires_at > at + make_interval(secs => coalesce(overlap_seconds, 0)));

    -- A request carries a signature of each: so many fit into a header, and no verifier looks at more key pairs.
    IF EXISTS (
        SELECT FROM posthorn.vault_secrets AS s
        WHERE s.owner_id = ANY (stored) AND s.purpose = kind AND (s.expires_at IS NULL OR s.expires_at > at)
        GROUP BY s.owner_id
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
    'Stores a version of the signing secret or key pair (kind) of endpoints and returns the endpoints for which this call was the first to do so. Older versions stay in use for overlap_seconds. Error: PH007, more than 16 would be in use.';

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

CREATE FUNCTION posthorn.store_endpoint_credential(
    endpoint    uuid,
    kind        text,
    description jsonb,
    id          uuid,
    version     integer,
    ciphertext  bytea,
    data_key    uuid
)
RETURNS void
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
    DELETE FROM posthorn.vault_secrets AS s WHERE s.owner_id = endpoint AND s.purpose = 'endpoint_' || kind;
    IF ciphertext IS NULL THEN
        DELETE FROM posthorn.webhook_endpoint_credentials AS c WHERE c.endpoint_id = endpoint AND c.kind = kind;
    ELSE
        INSERT INTO posthorn.vault_secrets (id, community_id, purpose, owner_id, version, ciphertext, data_key_id)
        VALUES (id, community, 'endpoint_' || kind, endpoint, version, ciphertext, data_key);
        INSERT INTO posthorn.webhook_endpoint_credentials AS c (endpoint_id, kind, community_id, description)
        VALUES (endpoint, kind, community, description)
        ON CONFLICT ON CONSTRAINT webhook_endpoint_credentials_pkey
        DO UPDATE SET description = excluded.description, updated_at = posthorn.clock_now();
    END IF;
    UPDATE posthorn.webhook_endpoint_health AS h SET secret_version = h.secret_version + 1 WHERE h.endpoint_id = endpoint;
END
$$;

COMMENT ON FUNCTION posthorn.store_endpoint_credential(uuid, text, jsonb, uuid, integer, bytea, uuid) IS
    'For Posthorn''s programs: replaces a credential of an endpoint, or takes it away (null ciphertext). Error: PH006.';

CREATE FUNCTION posthorn.endpoint_secret_ciphertexts(endpoint uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT coalesce(
        jsonb_agg(
            jsonb_build_object(
                'id', s.id,
                'version', s.version,
                'ciphertext', translate(encode(s.ciphertext, 'base64'), E'\n', ''),
                'data_key_id', s.data_key_id,
                'expires_at', s.expires_at)
            ORDER BY s.version DESC),
        '[]')
    FROM posthorn.vault_secrets AS s
    WHERE s.owner_id = endpoint
      AND s.purpose = 'endpoint_signing'
      AND (s.expires_at IS NULL OR s.expires_at > posthorn.clock_now())
$$;

COMMENT ON FUNCTION posthorn.endpoint_secret_ciphertexts(uuid) IS
    'The encrypted signing secrets of an endpoint that are in use, newest first. What opens them is not in the database.';

GRANT EXECUTE ON FUNCTION
    posthorn.store_endpoint_secrets(uuid[], uuid[], integer[], bytea[], uuid, integer, text),
    posthorn.store_endpoint_credential(uuid, text, jsonb, uuid, integer, bytea, uuid),
    posthorn.endpoint_secret_ciphertexts(uuid)
TO posthorn_service;
