-- Communities (the tenants), who acts for them, and the one question every policy asks: which communities does this session hold a permission in?

CREATE TABLE posthorn.communities (
    id          uuid PRIMARY KEY DEFAULT posthorn.generate_uuid_v7(),
    external_id text UNIQUE CHECK (char_length(external_id) BETWEEN 1 AND 255),
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    metadata    jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    limits      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(limits) = 'object'),
    created_at  timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    updated_at  timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    deleted_at  timestamptz
);

COMMENT ON TABLE posthorn.communities IS 'The tenants. Every endpoint, event, delivery, key and secret belongs to exactly one of them.';
COMMENT ON COLUMN posthorn.communities.id IS 'Identifier; may be given at creation, so that a product can keep its own.';
COMMENT ON COLUMN posthorn.communities.external_id IS 'The product''s own id of this tenant; wherever an id is taken, ext:<external_id> is taken too.';
COMMENT ON COLUMN posthorn.communities.name IS 'Name for people.';
COMMENT ON COLUMN posthorn.communities.metadata IS 'Free JSON object of the product.';
COMMENT ON COLUMN posthorn.communities.limits IS 'Limits that differ from the defaults, by name.';
COMMENT ON COLUMN posthorn.communities.created_at IS 'When it was created.';
COMMENT ON COLUMN posthorn.communities.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN posthorn.communities.deleted_at IS 'When it was deleted; nothing can be queued for it any more.';

CREATE TRIGGER update_updated_at BEFORE UPDATE ON posthorn.communities
    FOR EACH ROW EXECUTE FUNCTION posthorn.update_updated_at();

CREATE TABLE posthorn.roles (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    description text NOT NULL,
    permissions text[] NOT NULL
);

COMMENT ON TABLE posthorn.roles IS 'Named sets of permissions that a membership gives within one community.';
COMMENT ON COLUMN posthorn.roles.name IS 'Name of the role.';
COMMENT ON COLUMN posthorn.roles.description IS 'What somebody with this role may do.';
COMMENT ON COLUMN posthorn.roles.permissions IS 'Permissions resource:action; either side, or the whole, may be *.';

INSERT INTO posthorn.roles (name, description, permissions) VALUES
    ('admin', 'Everything within the community.', '{*}'),
    ('developer', 'Endpoints and events; reads the rest.', '{webhooks:*,events:*,*:read}'),
    ('viewer', 'Reads everything but secrets.', '{*:read}');

CREATE TABLE posthorn.memberships (
    community_id uuid NOT NULL REFERENCES posthorn.communities (id) ON DELETE CASCADE,
    user_id      text NOT NULL CHECK (char_length(user_id) BETWEEN 1 AND 255),
    role         text NOT NULL REFERENCES posthorn.roles (name),
    login_role   name,
    created_at   timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    PRIMARY KEY (community_id, user_id, role)
);

CREATE INDEX memberships_user ON posthorn.memberships (user_id);
CREATE INDEX memberships_login ON posthorn.memberships (login_role) WHERE login_role IS NOT NULL;

COMMENT ON TABLE posthorn.memberships IS 'Who holds which role in which community.';
COMMENT ON COLUMN posthorn.memberships.community_id IS 'The community.';
COMMENT ON COLUMN posthorn.memberships.user_id IS 'The product''s own id of the person.';
COMMENT ON COLUMN posthorn.memberships.role IS 'The role held.';
COMMENT ON COLUMN posthorn.memberships.login_role IS 'A database login that is this person: such a login is believed as it is, and session settings are ignored for it.';
COMMENT ON COLUMN posthorn.memberships.created_at IS 'Since when.';

CREATE TABLE posthorn.trusted_logins (
    login       name PRIMARY KEY,
    description text NOT NULL DEFAULT ''
);

COMMENT ON TABLE posthorn.trusted_logins IS
    'Logins whose session settings and JWT claims are believed besides members of posthorn_service, such as PostgREST''s authenticator.';
COMMENT ON COLUMN posthorn.trusted_logins.login IS 'Name of the database login.';
COMMENT ON COLUMN posthorn.trusted_logins.description IS 'Why it is trusted.';

CREATE FUNCTION posthorn.permission_matches(granted text, wanted text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN granted = '*'
        OR granted = wanted
        OR ((split_part(granted, ':', 1) IN ('*', split_part(wanted, ':', 1)))
            AND (split_part(granted, ':', 2) IN ('*', split_part(wanted, ':', 2)))
            AND granted ~ '^[^:]+:[^:]+$'
            AND wanted ~ '^[^:]+:[^:]+$');

COMMENT ON FUNCTION posthorn.permission_matches(text, text) IS
    'Whether a granted permission or scope covers a wanted one: *, resource:*, *:action and the exact text do; nothing else does.';

CREATE FUNCTION posthorn.session_is_trusted() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT pg_has_role(session_user, 'posthorn_service', 'MEMBER')
        OR EXISTS (SELECT FROM posthorn.trusted_logins WHERE login = session_user)
$$;

COMMENT ON FUNCTION posthorn.session_is_trusted() IS
    'Whether this connection''s login may say in session settings for whom it acts: members of posthorn_service and the logins in trusted_logins.';

CREATE FUNCTION posthorn.current_user_id() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    bound  text;
    claims text;
BEGIN
    SELECT user_id INTO bound FROM posthorn.memberships WHERE login_role = session_user LIMIT 1;
    IF bound IS NOT NULL THEN
        RETURN bound;
    END IF;
    IF NOT posthorn.session_is_trusted() THEN
        RETURN NULL;
    END IF;
    bound := nullif(current_setting('posthorn.user_id', true), '');
    IF bound IS NOT NULL THEN
        RETURN bound;
    END IF;
    claims := nullif(current_setting('request.jwt.claims', true), '');
    RETURN claims::jsonb ->> 'sub';
EXCEPTION
    WHEN invalid_text_representation THEN
        RETURN NULL;
END
$$;

COMMENT ON FUNCTION posthorn.current_user_id() IS
    'For whom this session acts: the person bound to the login in memberships.login_role; else, where the login is trusted, the setting posthorn.user_id or the sub of request.jwt.claims; else null.';

CREATE FUNCTION posthorn.permitted_communities(wanted text) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT m.community_id
    FROM posthorn.memberships AS m
    JOIN posthorn.roles AS r ON r.name = m.role
    WHERE m.user_id = posthorn.current_user_id()
      AND (m.login_role IS NULL OR m.login_role = session_user)
      AND EXISTS (SELECT FROM unnest(r.permissions) AS granted WHERE posthorn.permission_matches(granted, wanted))
    UNION
    SELECT nullif(current_setting('posthorn.community_id', true), '')::uuid
    WHERE nullif(current_setting('posthorn.community_id', true), '') IS NOT NULL
      AND posthorn.session_is_trusted()
      AND EXISTS (
          SELECT FROM regexp_split_to_table(coalesce(current_setting('posthorn.scopes', true), ''), '\s+') AS granted
          WHERE posthorn.permission_matches(granted, wanted))
$$;

COMMENT ON FUNCTION posthorn.permitted_communities(text) IS
    'The communities in which this session holds a permission, by memberships or by the community and scopes that a trusted node has set for a key. Policies ask it once per statement.';

CREATE FUNCTION posthorn.has_permission(permission text, community_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
    SELECT pg_has_role(current_user, 'posthorn_service', 'USAGE')
        OR EXISTS (SELECT FROM posthorn.permitted_communities(permission) AS permitted WHERE permitted = community_id)
$$;

COMMENT ON FUNCTION posthorn.has_permission(text, uuid) IS
    'Whether this session may do something in a community: a service may everything; others what their roles there, or their key''s scopes, say.';

CREATE FUNCTION posthorn.find_community(community text) RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, posthorn, pg_temp
AS $$
DECLARE
    found uuid;
BEGIN
    IF community LIKE 'ext:%' THEN
        SELECT id INTO found FROM posthorn.communities WHERE external_id = substring(community FROM 5) AND deleted_at IS NULL;
    ELSIF community ~ '^[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}$' THEN
        SELECT id INTO found FROM posthorn.communities WHERE id = community::uuid AND deleted_at IS NULL;
    END IF;
    RETURN found;
END
$$;

COMMENT ON FUNCTION posthorn.find_community(text) IS
    'The id of a community named by its UUID or by ext:<external_id>; null where there is none.';

-- Row level security. The owner needs policies of its own under FORCE: without them its definer functions would silently see nothing.
ALTER TABLE posthorn.communities ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.communities FORCE ROW LEVEL SECURITY;
CREATE POLICY communities_owner ON posthorn.communities TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY communities_service ON posthorn.communities TO posthorn_service USING (true) WITH CHECK (true);
CREATE POLICY communities_member_read ON posthorn.communities FOR SELECT TO posthorn_member
    USING (id IN (SELECT posthorn.permitted_communities('communities:read')));
CREATE POLICY communities_member_write ON posthorn.communities FOR UPDATE TO posthorn_member
    USING (id IN (SELECT posthorn.permitted_communities('communities:write')))
    WITH CHECK (id IN (SELECT posthorn.permitted_communities('communities:write')));

ALTER TABLE posthorn.roles ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.roles FORCE ROW LEVEL SECURITY;
CREATE POLICY roles_owner ON posthorn.roles TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY roles_service ON posthorn.roles TO posthorn_service USING (true) WITH CHECK (true);
CREATE POLICY roles_member_read ON posthorn.roles FOR SELECT TO posthorn_member USING (true);

ALTER TABLE posthorn.memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.memberships FORCE ROW LEVEL SECURITY;
CREATE POLICY memberships_owner ON posthorn.memberships TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY memberships_service ON posthorn.memberships TO posthorn_service USING (true) WITH CHECK (true);
CREATE POLICY memberships_member_read ON posthorn.memberships FOR SELECT TO posthorn_member
    USING (community_id IN (SELECT posthorn.permitted_communities('members:read')));
-- Somebody who may write members may not bind a login: a login is the cluster's, not the community's.
CREATE POLICY memberships_member_write ON posthorn.memberships FOR ALL TO posthorn_member
    USING (community_id IN (SELECT posthorn.permitted_communities('members:write')) AND login_role IS NULL)
    WITH CHECK (community_id IN (SELECT posthorn.permitted_communities('members:write')) AND login_role IS NULL);

ALTER TABLE posthorn.trusted_logins ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.trusted_logins FORCE ROW LEVEL SECURITY;
CREATE POLICY trusted_logins_owner ON posthorn.trusted_logins TO CURRENT_USER USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE ON posthorn.communities TO posthorn_service;
GRANT SELECT ON posthorn.communities TO posthorn_member;
GRANT UPDATE (name, metadata) ON posthorn.communities TO posthorn_member;
GRANT SELECT ON posthorn.roles TO posthorn_service, posthorn_member;
GRANT SELECT, INSERT, UPDATE, DELETE ON posthorn.memberships TO posthorn_service, posthorn_member;

GRANT EXECUTE ON FUNCTION
    posthorn.permission_matches(text, text),
    posthorn.session_is_trusted(),
    posthorn.current_user_id(),
    posthorn.permitted_communities(text),
    posthorn.has_permission(text, uuid)
TO posthorn_service, posthorn_producer, posthorn_member;
GRANT EXECUTE ON FUNCTION posthorn.find_community(text) TO posthorn_service;
