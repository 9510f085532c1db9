-- Secrets beside those of endpoints: what members see of them, and the vault's upkeep. docs/vault.md tells how they are used.

CREATE VIEW posthorn.vault_secret_summary WITH (security_invoker = true) AS
SELECT s.id, s.community_id, s.name, s.purpose, s.owner_id, s.description, s.fields, s.store, s.version,
       CASE
           WHEN s.version = 0 THEN 'empty'
           WHEN s.expires_at <= posthorn.clock_now() THEN 'expired'
           ELSE 'active'
       END AS state,
       s.expires_at,
       CASE WHEN s.previous_until > posthorn.clock_now() THEN s.previous_until END AS previous_until,
       s.created_at, s.written_at
FROM posthorn.vault_secrets AS s;

COMMENT ON VIEW posthorn.vault_secret_summary IS
    'What is known of each secret and its state: active, expired, or empty while no value was written. Values cannot be read from SQL.';

GRANT SELECT ON posthorn.vault_secret_summary TO posthorn_service, posthorn_member;

CREATE TABLE posthorn.vault_idempotency_keys (
    community_id uuid NOT NULL REFERENCES posthorn.communities (id) ON DELETE CASCADE,
    key          text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    secret_id    uuid NOT NULL REFERENCES posthorn.vault_secrets (id) ON DELETE CASCADE,
    version      integer NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (community_id, key)
);

CREATE INDEX vault_idempotency_keys_secret ON posthorn.vault_idempotency_keys (secret_id);

COMMENT ON TABLE posthorn.vault_idempotency_keys IS
    'Which version of which secret was written under an idempotency key. A repetition is compared with that version; nothing of the value is kept here.';
COMMENT ON COLUMN posthorn.vault_idempotency_keys.community_id IS 'The community.';
COMMENT ON COLUMN posthorn.vault_idempotency_keys.key IS 'The key.';
COMMENT ON COLUMN posthorn.vault_idempotency_keys.secret_id IS 'The secret.';
COMMENT ON COLUMN posthorn.vault_idempotency_keys.version IS 'The version that was, or was to be, written.';
COMMENT ON COLUMN posthorn.vault_idempotency_keys.expires_at IS 'Until when the key is remembered.';

CREATE TABLE posthorn.vault_nodes (
    id             uuid PRIMARY KEY,
    name           text NOT NULL,
    master_key_ids text[] NOT NULL,
    seen_at        timestamptz NOT NULL DEFAULT posthorn.clock_now()
);

COMMENT ON TABLE posthorn.vault_nodes IS
    'Which master keys each running node holds, so that nothing is encrypted with one that a node would lack.';
COMMENT ON COLUMN posthorn.vault_nodes.id IS 'The node, new at each start.';
COMMENT ON COLUMN posthorn.vault_nodes.name IS 'Machine and process, for people.';
COMMENT ON COLUMN posthorn.vault_nodes.master_key_ids IS 'Ids of its master keys, the one that encrypts first.';
COMMENT ON COLUMN posthorn.vault_nodes.seen_at IS 'When it last said so; one that has not for a minute does not run.';

DO $policies$
DECLARE
    secured text;
BEGIN
    FOREACH secured IN ARRAY ARRAY['vault_idempotency_keys', 'vault_nodes'] LOOP
        EXECUTE format('ALTER TABLE posthorn.%I ENABLE ROW LEVEL SECURITY', secured);
        EXECUTE format('ALTER TABLE posthorn.%I FORCE ROW LEVEL SECURITY', secured);
        EXECUTE format('CREATE POLICY %I ON posthorn.%I TO CURRENT_USER USING (true) WITH CHECK (true)', secured || '_owner', secured);
        EXECUTE format('CREATE POLICY %I ON posthorn.%I TO posthorn_service USING (true) WITH CHECK (true)', secured || '_service', secured);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON posthorn.%I TO posthorn_service', secured);
    END LOOP;
END
$policies$;

CREATE FUNCTION posthorn.delete_integration_secrets(integration uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    deleted record;
BEGIN
    FOR deleted IN
        DELETE FROM posthorn.vault_secrets AS s
        WHERE s.owner_id = integration AND s.purpose = 'integration' AND s.store = 'database'
        RETURNING s.id, s.community_id, s.name, s.purpose, s.version, s.store
    LOOP
        PERFORM posthorn.record_audit(
            'secret.deleted', 'secret', deleted.id, deleted.community_id,
            jsonb_build_object('name', deleted.name, 'purpose', deleted.purpose, 'version', deleted.version, 'store', deleted.store));
    END LOOP;
END
$$;

COMMENT ON FUNCTION posthorn.delete_integration_secrets(uuid) IS
    'Deletes the credentials that are an integration''s own, in the transaction that deletes it. What another store keeps is deleted by the nodes: orphaned_secrets.';

CREATE FUNCTION posthorn.maintain_vault() RETURNS TABLE (task text, rows bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at   constant timestamptz := posthorn.clock_now();
    done bigint;
BEGIN
    DELETE FROM posthorn.vault_idempotency_keys AS k WHERE k.expires_at <= at;

    -- An hour longer than they are used: a sender may have read just before the end.
    DELETE FROM posthorn.vault_secret_versions AS v
    USING posthorn.vault_secrets AS s
    WHERE s.id = v.secret_id
      AND v.version < s.version
      AND CASE
              WHEN s.purpose IN ('endpoint_signing', 'endpoint_key_pair') THEN v.expires_at
              WHEN v.version = s.version - 1 THEN coalesce(s.previous_until, s.written_at)
              ELSE s.written_at
          END < at - interval '1 hour';
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN QUERY SELECT 'drop_replaced_secrets', done;

    DELETE FROM posthorn.vault_secrets AS s
    USING posthorn.orphaned_secrets() AS o
    WHERE s.id = o.secret_id AND o.store = 'database';
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN QUERY SELECT 'drop_orphaned_secrets', done;

    -- Made, and then whoever made it died before the value was written.
    DELETE FROM posthorn.vault_secrets AS s WHERE s.version = 0 AND s.created_at < at - interval '1 day';

    DELETE FROM posthorn.vault_nodes AS n WHERE n.seen_at < at - interval '1 day';

    -- A day later, and only those that nothing is encrypted with: a sender outside of the server may hold ciphertext.
    DELETE FROM posthorn.vault_data_keys AS k
    WHERE k.retired_at < at - interval '1 day'
      AND NOT EXISTS (SELECT FROM posthorn.vault_secret_versions AS v WHERE v.data_key_id = k.id);
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN QUERY SELECT 'drop_retired_data_keys', done;
END
$$;

COMMENT ON FUNCTION posthorn.maintain_vault() IS
    'Drops what the vault no longer needs: replaced values an hour after their use ended, secrets whose owner is gone, unused data keys a day after they were retired, old idempotency keys. Part of maintain().';

GRANT EXECUTE ON FUNCTION posthorn.maintain_vault() TO posthorn_service;
