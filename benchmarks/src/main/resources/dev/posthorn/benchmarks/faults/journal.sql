-- Journals of leases and dispatchers, so that a request can be told to the node that sent it, and a duplicate to the node that died.
-- Written in the transaction that they tell of; run as superuser in the database of which those of the runs are copies.
CREATE SCHEMA faults_log;

CREATE TABLE faults_log.leases (delivery_id uuid NOT NULL, dispatcher_id uuid NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE faults_log.dispatchers (id uuid NOT NULL, name text NOT NULL);
COMMENT ON TABLE faults_log.leases IS 'Each lease that was ever given.';
CREATE TABLE faults_log.silences (dispatcher_id uuid NOT NULL, heard_at timestamptz NOT NULL, ended_at timestamptz NOT NULL, how text NOT NULL);
COMMENT ON TABLE faults_log.silences IS
    'Each silence of a node for longer than 2 seconds, and how it ended: beat, gone (signed off or taken for lost), or cut for a shorter one in which its connections were cut.';
COMMENT ON TABLE faults_log.dispatchers IS 'Each dispatcher that ever signed on; the name begins with the number of its process.';

CREATE TABLE faults_log.switches (endpoint_id uuid NOT NULL, state text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
COMMENT ON TABLE faults_log.switches IS 'Each time that an endpoint was disabled or enabled again.';

CREATE FUNCTION faults_log.lease() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO faults_log.leases (delivery_id, dispatcher_id) VALUES (NEW.id, NEW.dispatcher_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION faults_log.lease() IS 'Trigger: journals a lease.';

CREATE FUNCTION faults_log.dispatcher() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO faults_log.dispatchers (id, name) VALUES (NEW.id, NEW.name);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION faults_log.dispatcher() IS 'Trigger: journals who signs on.';

CREATE FUNCTION faults_log.silence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO faults_log.silences (dispatcher_id, heard_at, ended_at, how) VALUES (OLD.id, OLD.heartbeat_at, clock_timestamp(), TG_ARGV[0]);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION faults_log.silence() IS 'Trigger: journals that a node was not heard.';

CREATE FUNCTION faults_log.switch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO faults_log.switches (endpoint_id, state)
    VALUES (NEW.endpoint_id, CASE WHEN NEW.disabled_at IS NULL THEN 'enabled' ELSE 'disabled' END);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION faults_log.switch() IS 'Trigger: journals that an endpoint was disabled or enabled.';

CREATE TRIGGER faults_log_switch AFTER UPDATE ON posthorn.webhook_endpoint_health
    FOR EACH ROW WHEN ((NEW.disabled_at IS NULL) <> (OLD.disabled_at IS NULL)) EXECUTE FUNCTION faults_log.switch();
CREATE TRIGGER faults_log_silence AFTER UPDATE ON posthorn.dispatchers
    FOR EACH ROW WHEN (NEW.heartbeat_at - OLD.heartbeat_at > interval '2 seconds') EXECUTE FUNCTION faults_log.silence('beat');
CREATE TRIGGER faults_log_cut AFTER UPDATE ON posthorn.dispatchers
    FOR EACH ROW WHEN (NEW.heard_since <> OLD.heard_since AND NEW.heartbeat_at - OLD.heartbeat_at <= interval '2 seconds')
    EXECUTE FUNCTION faults_log.silence('cut');
CREATE TRIGGER faults_log_gone AFTER DELETE ON posthorn.dispatchers
    FOR EACH ROW WHEN (OLD.kind = 'node') EXECUTE FUNCTION faults_log.silence('gone');

CREATE TRIGGER faults_log_lease AFTER UPDATE ON posthorn.webhook_deliveries_ready
    FOR EACH ROW WHEN (NEW.status = 'sending' AND (OLD.dispatcher_id, OLD.lease_no) IS DISTINCT FROM (NEW.dispatcher_id, NEW.lease_no))
    EXECUTE FUNCTION faults_log.lease();
-- A probe is leased in the moment in which it is taken out of the parked ones.
CREATE TRIGGER faults_log_probe AFTER INSERT ON posthorn.webhook_deliveries_ready
    FOR EACH ROW WHEN (NEW.status = 'sending') EXECUTE FUNCTION faults_log.lease();
CREATE TRIGGER faults_log_dispatcher AFTER INSERT ON posthorn.dispatchers
    FOR EACH ROW EXECUTE FUNCTION faults_log.dispatcher();

GRANT posthorn_producer TO posthorn WITH SET TRUE;
