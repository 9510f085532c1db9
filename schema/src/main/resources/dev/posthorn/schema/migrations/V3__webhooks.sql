-- Event types, endpoints, events, deliveries, attempts: the tables. docs/state-machine.md draws how a delivery moves.

CREATE TABLE posthorn.event_types (
    name        text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$' AND char_length(name) <= 128),
    description text NOT NULL DEFAULT '',
    schema      jsonb CHECK (jsonb_typeof(schema) IN ('object', 'boolean')),
    archived_at timestamptz,
    created_at  timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    updated_at  timestamptz NOT NULL DEFAULT posthorn.clock_now()
);

COMMENT ON TABLE posthorn.event_types IS
    'The registry of event types of this installation. Queueing a type that is not registered is allowed; its payload is then not checked.';
COMMENT ON COLUMN posthorn.event_types.name IS 'Dot-separated name, such as payment.received.';
COMMENT ON COLUMN posthorn.event_types.description IS 'What happened, for the people who subscribe.';
COMMENT ON COLUMN posthorn.event_types.schema IS 'JSON Schema (2020-12) of the payload; checked where REST or Java accepts an event, not for SQL callers.';
COMMENT ON COLUMN posthorn.event_types.archived_at IS 'When it was withdrawn from the lists; events of it are still accepted.';
COMMENT ON COLUMN posthorn.event_types.created_at IS 'When it was registered.';
COMMENT ON COLUMN posthorn.event_types.updated_at IS 'When it was last changed.';

CREATE TRIGGER update_updated_at BEFORE UPDATE ON posthorn.event_types
    FOR EACH ROW EXECUTE FUNCTION posthorn.update_updated_at();

CREATE TYPE posthorn.webhook_status AS ENUM ('pending', 'sending', 'delivered', 'failed', 'retrying', 'dead_letter');

COMMENT ON TYPE posthorn.webhook_status IS
    'pending: never tried. sending: leased by a dispatcher. retrying: failed, due again later. delivered: answered 2xx. dead_letter: attempts exhausted. failed: given up at once, because trying again cannot help.';

CREATE TYPE posthorn.delivery_stage AS ENUM ('ready', 'waiting', 'parked', 'dead', 'ended');

COMMENT ON TYPE posthorn.delivery_stage IS
    'Where a delivery is kept. ready: may be claimed, or is claimed. waiting: a retry that is not due. parked: its endpoint is disabled. dead: in the dead letter queue. ended: delivered or failed.';

CREATE TABLE posthorn.webhook_endpoints (
    id              uuid PRIMARY KEY DEFAULT posthorn.generate_uuid_v7(),
    community_id    uuid NOT NULL REFERENCES posthorn.communities (id),
    url             text NOT NULL,
    description     text NOT NULL DEFAULT '' CHECK (char_length(description) <= 1000),
    event_types     text[] NOT NULL DEFAULT '{*}',
    filter          jsonpath,
    payload_format  text NOT NULL DEFAULT 'standard' CHECK (payload_format IN ('standard', 'raw', 'cloudevents')),
    max_in_flight   integer NOT NULL DEFAULT 16 CHECK (max_in_flight BETWEEN 1 AND 1000),
    timeout_seconds integer NOT NULL DEFAULT 15 CHECK (timeout_seconds BETWEEN 1 AND 30),
    max_attempts    integer NOT NULL DEFAULT 6 CHECK (max_attempts BETWEEN 1 AND 100),
    retry_schedule  interval[],
    rate_limit      integer CHECK (rate_limit BETWEEN 1 AND 1000000),
    rate_period     text NOT NULL DEFAULT 'second' CHECK (rate_period IN ('second', 'minute')),
    ordering        text NOT NULL DEFAULT 'none' CHECK (ordering IN ('none', 'endpoint', 'key')),
    ordering_key    jsonpath CHECK ((ordering = 'key') = (ordering_key IS NOT NULL)),
    on_dead_letter  text NOT NULL DEFAULT 'pass' CHECK (on_dead_letter IN ('pass', 'hold')),
    signature_schemes text[] NOT NULL DEFAULT '{v1}',
    signature_header text NOT NULL DEFAULT 'posthorn-signature',
    trusted_ca      text,
    enabled         boolean NOT NULL DEFAULT true,
    created_at      timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    updated_at      timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    deleted_at      timestamptz
);

CREATE INDEX webhook_endpoints_limited ON posthorn.webhook_endpoints (id) WHERE rate_limit IS NOT NULL;
CREATE INDEX webhook_endpoints_deleted ON posthorn.webhook_endpoints (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX webhook_endpoints_community ON posthorn.webhook_endpoints (community_id, id) WHERE deleted_at IS NULL;

COMMENT ON TABLE posthorn.webhook_endpoints IS
    'Subscriptions: where the events of a community go. Only settings stand here; the health that deliveries change stands in webhook_endpoint_health, and webhook_endpoint_status shows both.';
COMMENT ON COLUMN posthorn.webhook_endpoints.id IS 'Identifier.';
COMMENT ON COLUMN posthorn.webhook_endpoints.community_id IS 'The community whose events it receives.';
COMMENT ON COLUMN posthorn.webhook_endpoints.url IS 'Where deliveries are posted to; http or https, at most 2,048 characters.';
COMMENT ON COLUMN posthorn.webhook_endpoints.description IS 'For people.';
COMMENT ON COLUMN posthorn.webhook_endpoints.event_types IS
    'What it subscribes to: exact types, prefixes such as payment.* (any depth), or * for all but the operational posthorn.* events.';
COMMENT ON COLUMN posthorn.webhook_endpoints.filter IS
    'A jsonpath over the payload, at most 1 KB: an event is taken when the first item it yields is neither false nor null. An error counts as no match.';
COMMENT ON COLUMN posthorn.webhook_endpoints.payload_format IS 'standard: {"type","timestamp","data"}. raw: the payload alone. cloudevents: CNCF CloudEvents, structured.';
COMMENT ON COLUMN posthorn.webhook_endpoints.max_in_flight IS 'How many deliveries may be under way to it at once, over all nodes.';
COMMENT ON COLUMN posthorn.webhook_endpoints.timeout_seconds IS 'Deadline of one attempt, everything included.';
COMMENT ON COLUMN posthorn.webhook_endpoints.max_attempts IS 'Attempts before a delivery becomes a dead letter; taken over by each delivery when it is queued.';
COMMENT ON COLUMN posthorn.webhook_endpoints.retry_schedule IS 'Waiting times after the first, second, … failed attempt, the last one for all later; null is the schedule of calculate_next_retry.';
COMMENT ON COLUMN posthorn.webhook_endpoints.rate_limit IS 'Deliveries per rate_period at most, over all nodes; null for no limit.';
COMMENT ON COLUMN posthorn.webhook_endpoints.rate_period IS 'second or minute.';
COMMENT ON COLUMN posthorn.webhook_endpoints.ordering IS
    'none: as fast as it goes. endpoint: one after the other, in the order of the commits. key: the same among deliveries of one ordering_key. Taken over by each delivery when it is queued.';
COMMENT ON COLUMN posthorn.webhook_endpoints.ordering_key IS 'A jsonpath over the payload whose first item is the key; deliveries without one share a lane.';
COMMENT ON COLUMN posthorn.webhook_endpoints.on_dead_letter IS
    'What an ordered lane does after a dead letter. pass: goes on with the next one. hold: waits until that one is delivered, cancelled or dropped. A change to hold does not wait for what became one while it passed.';
COMMENT ON COLUMN posthorn.webhook_endpoints.signature_schemes IS
    'How requests are signed: v1 (HMAC-SHA256), v1a (Ed25519), at least one of them, and for receivers of older forms github (X-Hub-Signature-256) and stripe (signature_header).';
COMMENT ON COLUMN posthorn.webhook_endpoints.signature_header IS 'Name of the header that carries the signature of the scheme stripe.';
COMMENT ON COLUMN posthorn.webhook_endpoints.trusted_ca IS
    'Certificates (PEM) of the authorities that alone are trusted for this endpoint; null for those that the installation trusts.';
COMMENT ON COLUMN posthorn.webhook_endpoints.enabled IS
    'The owner''s switch. Setting it false disables by hand; setting it true enables, also what was disabled automatically.';
COMMENT ON COLUMN posthorn.webhook_endpoints.created_at IS 'When it was created.';
COMMENT ON COLUMN posthorn.webhook_endpoints.updated_at IS 'When its settings were last changed.';
COMMENT ON COLUMN posthorn.webhook_endpoints.deleted_at IS 'When it was deleted; what still waited for it ends as failed.';

CREATE TABLE posthorn.webhook_endpoint_health (
    endpoint_id           uuid PRIMARY KEY REFERENCES posthorn.webhook_endpoints (id) ON DELETE CASCADE,
    community_id          uuid NOT NULL,
    consecutive_failures  integer NOT NULL DEFAULT 0,
    consecutive_gone      integer NOT NULL DEFAULT 0,
    last_success_at       timestamptz,
    last_failure_at       timestamptz,
    last_error            text,
    disabled_at           timestamptz,
    disabled_reason       text CHECK (disabled_reason IN ('manual', 'auto', 'gone', 'receiver')),
    parking               boolean NOT NULL DEFAULT false,
    filter_errors         bigint NOT NULL DEFAULT 0,
    secret_version        integer,
    in_flight_limit       integer CHECK (in_flight_limit > 0),
    tokens                double precision,
    tokens_at             timestamptz,
    probe_at              timestamptz,
    probe_wait            interval,
    probe_id              uuid,
    told_disabled_at      timestamptz,
    told_dead_lettered_at timestamptz,
    told_expiring_before  timestamptz,
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
) WITH (fillfactor = 50);

CREATE INDEX webhook_endpoint_health_without_secret ON posthorn.webhook_endpoint_health (endpoint_id) WHERE secret_version IS NULL;
CREATE INDEX webhook_endpoint_health_probe ON posthorn.webhook_endpoint_health (probe_at) WHERE probe_at IS NOT NULL;
CREATE INDEX webhook_endpoint_health_parking ON posthorn.webhook_endpoint_health (endpoint_id) WHERE parking;

COMMENT ON TABLE posthorn.webhook_endpoint_health IS 'What deliveries have taught about an endpoint; apart from its settings, so that neither disturbs the other.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.endpoint_id IS 'The endpoint.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.community_id IS 'Its community.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.consecutive_failures IS 'Failed attempts since the last success.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.consecutive_gone IS 'Answers 410 in a row; the second one disables.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.last_success_at IS 'Last success; while all goes well written at most every 10 seconds.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.last_failure_at IS 'Last failed attempt.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.last_error IS 'What failed then.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.disabled_at IS 'Since when nothing is sent to it; null while it is active.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.disabled_reason IS 'manual: by its owner. auto: too many failures in a row. gone: answered 410 twice. receiver: the receiver wished it.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.parking IS 'Deliveries of it are still to be parked, brought back or ended by maintain().';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.filter_errors IS 'How often its filter could not be evaluated.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.secret_version IS
    'Counts up whenever a signing secret, a key pair, a credential or how it is signed and trusted changes, so that nodes read these anew; null while it has no signing secret, and Posthorn''s own sender sends nothing before.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.in_flight_limit IS
    'How many deliveries may be under way to it now: 1 after a time-out, twice as many after each batch of successes; null when it is max_in_flight again.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.tokens IS 'Deliveries that rate_limit allowed at tokens_at.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.tokens_at IS 'When tokens was last counted.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.probe_at IS 'When the oldest parked delivery is tried, to see whether the endpoint has recovered; null unless disabled automatically.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.probe_wait IS 'How long after the last probe the next one is; doubles from 30 seconds to an hour.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.probe_id IS 'The delivery that is under way as a probe.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.told_disabled_at IS 'When posthorn.endpoint.disabled was last queued about it.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.told_dead_lettered_at IS 'When posthorn.delivery.dead_lettered was last queued about it.';
COMMENT ON COLUMN posthorn.webhook_endpoint_health.told_expiring_before IS 'Of its dead letters and parked deliveries from before this time posthorn.deliveries.expiring has told.';

CREATE TABLE posthorn.webhook_subscriptions (
    community_id uuid NOT NULL,
    pattern      text NOT NULL,
    endpoint_id  uuid NOT NULL REFERENCES posthorn.webhook_endpoints (id) ON DELETE CASCADE,
    PRIMARY KEY (community_id, pattern, endpoint_id)
);

CREATE INDEX webhook_subscriptions_endpoint ON posthorn.webhook_subscriptions (endpoint_id);

COMMENT ON TABLE posthorn.webhook_subscriptions IS
    'The event_types of the endpoints that are not deleted, one row each, so that queueing finds who takes a type by an index. Kept by a trigger.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.community_id IS 'The community.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.pattern IS 'An exact type, a prefix with .*, or *.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.endpoint_id IS 'The endpoint that takes it.';

CREATE TABLE posthorn.webhook_events (
    id              uuid NOT NULL,
    community_id    uuid NOT NULL,
    event_type      text NOT NULL,
    payload         json NOT NULL,
    payload_bytes   integer NOT NULL,
    idempotency_key text,
    deliveries      integer NOT NULL,
    skipped         integer NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE INDEX webhook_events_community ON posthorn.webhook_events (community_id, id);

COMMENT ON TABLE posthorn.webhook_events IS 'What happened, stored once however many endpoints it goes to. One partition per day of the time inside the id.';
COMMENT ON COLUMN posthorn.webhook_events.id IS 'Identifier, version 7; the webhook-id that receivers deduplicate on.';
COMMENT ON COLUMN posthorn.webhook_events.community_id IS 'The community.';
COMMENT ON COLUMN posthorn.webhook_events.event_type IS 'Its type.';
COMMENT ON COLUMN posthorn.webhook_events.payload IS 'The payload, byte for byte as it came (json, not jsonb: key order and spelling of numbers survive).';
COMMENT ON COLUMN posthorn.webhook_events.payload_bytes IS 'Its size in bytes.';
COMMENT ON COLUMN posthorn.webhook_events.idempotency_key IS 'The key it was queued with, if any.';
COMMENT ON COLUMN posthorn.webhook_events.deliveries IS 'How many deliveries were created.';
COMMENT ON COLUMN posthorn.webhook_events.skipped IS 'How many subscribed endpoints were passed over because they were disabled by hand, by 410 or by the receiver.';
COMMENT ON COLUMN posthorn.webhook_events.created_at IS 'When it was queued.';

-- Without a cache: a place that was drawn long ago and is used now would stand where nobody looks any more.
CREATE SEQUENCE posthorn.webhook_delivery_position AS bigint;
COMMENT ON SEQUENCE posthorn.webhook_delivery_position IS 'Places in the queue, given whenever a delivery becomes claimable; in an ordered lane it keeps its own.';

CREATE TABLE posthorn.webhook_deliveries (
    id               uuid NOT NULL,
    stage            posthorn.delivery_stage NOT NULL,
    status           posthorn.webhook_status NOT NULL,
    event_id         uuid NOT NULL,
    community_id     uuid NOT NULL,
    endpoint_id      uuid NOT NULL,
    ordered_lane     uuid,
    position         bigint NOT NULL,
    lease_no         bigint,
    dispatcher_id    uuid,
    created_at       timestamptz NOT NULL,
    next_attempt_at  timestamptz,
    parked_at        timestamptz,
    ended_at         timestamptz,
    attempt_count    integer NOT NULL DEFAULT 0,
    max_attempts     integer NOT NULL,
    ladder_start     integer NOT NULL DEFAULT 0,
    payload_bytes    integer NOT NULL,
    last_status_code integer,
    last_duration_ms integer,
    lost_leases      smallint NOT NULL DEFAULT 0,
    probing          boolean NOT NULL DEFAULT false,
    event_type       text NOT NULL,
    last_error       text,
    last_response    text,
    PRIMARY KEY (id, stage)
) PARTITION BY LIST (stage);

CREATE TABLE posthorn.webhook_deliveries_ready PARTITION OF posthorn.webhook_deliveries FOR VALUES IN ('ready')
    WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
          autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.2);
CREATE TABLE posthorn.webhook_deliveries_waiting PARTITION OF posthorn.webhook_deliveries FOR VALUES IN ('waiting')
    WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
CREATE TABLE posthorn.webhook_deliveries_parked PARTITION OF posthorn.webhook_deliveries FOR VALUES IN ('parked');
CREATE TABLE posthorn.webhook_deliveries_dead PARTITION OF posthorn.webhook_deliveries FOR VALUES IN ('dead');
CREATE TABLE posthorn.webhook_deliveries_ended PARTITION OF posthorn.webhook_deliveries FOR VALUES IN ('ended')
    PARTITION BY RANGE (id);

-- Each partition says for itself what stands in it: one condition for all of them would be longer, and every statement that writes reads it.
ALTER TABLE posthorn.webhook_deliveries_ready ADD CONSTRAINT webhook_deliveries_ready_state CHECK (
    status IN ('pending', 'retrying', 'sending')
    AND (status = 'sending') = (dispatcher_id IS NOT NULL) AND (dispatcher_id IS NULL) = (lease_no IS NULL)
    AND parked_at IS NULL AND ended_at IS NULL);
ALTER TABLE posthorn.webhook_deliveries_waiting ADD CONSTRAINT webhook_deliveries_waiting_state CHECK (
    status = 'retrying' AND next_attempt_at IS NOT NULL
    AND dispatcher_id IS NULL AND lease_no IS NULL AND parked_at IS NULL AND ended_at IS NULL);
ALTER TABLE posthorn.webhook_deliveries_parked ADD CONSTRAINT webhook_deliveries_parked_state CHECK (
    status IN ('pending', 'retrying') AND parked_at IS NOT NULL AND next_attempt_at IS NULL
    AND dispatcher_id IS NULL AND lease_no IS NULL AND ended_at IS NULL);
ALTER TABLE posthorn.webhook_deliveries_dead ADD CONSTRAINT webhook_deliveries_dead_state CHECK (
    status = 'dead_letter' AND ended_at IS NOT NULL AND dispatcher_id IS NULL AND lease_no IS NULL);
-- Whoever delivered stays named.
ALTER TABLE posthorn.webhook_deliveries_ended ADD CONSTRAINT webhook_deliveries_ended_state CHECK (
    (status = 'delivered' OR status = 'failed' AND dispatcher_id IS NULL) AND ended_at IS NOT NULL AND lease_no IS NULL);

-- A lane is an endpoint, or a key of an ordered one: its deliveries in the order of their position. Nothing in this index changes at a
-- claim, so claims are HOT updates.
CREATE INDEX webhook_deliveries_ready_lane ON posthorn.webhook_deliveries_ready (coalesce(ordered_lane, endpoint_id), position);
CREATE INDEX webhook_deliveries_waiting_due ON posthorn.webhook_deliveries_waiting (next_attempt_at);
CREATE INDEX webhook_deliveries_waiting_lane ON posthorn.webhook_deliveries_waiting (ordered_lane) WHERE ordered_lane IS NOT NULL;
CREATE INDEX webhook_deliveries_waiting_endpoint ON posthorn.webhook_deliveries_waiting (endpoint_id, id);
CREATE INDEX webhook_deliveries_parked_endpoint ON posthorn.webhook_deliveries_parked (endpoint_id, id);
CREATE INDEX webhook_deliveries_parked_lane ON posthorn.webhook_deliveries_parked (ordered_lane, position) WHERE ordered_lane IS NOT NULL;
CREATE INDEX webhook_deliveries_dead_endpoint ON posthorn.webhook_deliveries_dead (endpoint_id, id);
CREATE INDEX webhook_deliveries_dead_lane ON posthorn.webhook_deliveries_dead (ordered_lane) WHERE ordered_lane IS NOT NULL AND position > 0;
CREATE INDEX webhook_deliveries_ended_endpoint ON posthorn.webhook_deliveries_ended (endpoint_id, id);

COMMENT ON TABLE posthorn.webhook_deliveries IS
    'The queue and its history: one row per event and endpoint. One partition per stage, so that what is claimed stays small; what ended is kept by day.';
COMMENT ON COLUMN posthorn.webhook_deliveries.id IS
    'Identifier, version 7; sent as posthorn-delivery-id. Begins with the first ten bytes of its event''s id, so that the deliveries of an event are found by it.';
COMMENT ON COLUMN posthorn.webhook_deliveries.stage IS 'Where it is kept; follows from status, parked_at and next_attempt_at.';
COMMENT ON COLUMN posthorn.webhook_deliveries.status IS 'Its state; see docs/state-machine.md.';
COMMENT ON COLUMN posthorn.webhook_deliveries.event_id IS 'What is delivered.';
COMMENT ON COLUMN posthorn.webhook_deliveries.community_id IS 'The community.';
COMMENT ON COLUMN posthorn.webhook_deliveries.endpoint_id IS 'To whom.';
COMMENT ON COLUMN posthorn.webhook_deliveries.ordered_lane IS 'The lane whose deliveries go one after the other; null where there is no order.';
COMMENT ON COLUMN posthorn.webhook_deliveries.position IS
    'Its place in the queue, given anew whenever it becomes claimable; in an ordered lane it is kept. 0: it became a dead letter while its lane was to pass.';
COMMENT ON COLUMN posthorn.webhook_deliveries.lease_no IS 'With dispatcher_id the fencing token of the lease: <dispatcher_id>-<lease_no>.';
COMMENT ON COLUMN posthorn.webhook_deliveries.dispatcher_id IS 'Who is sending it, or has delivered it.';
COMMENT ON COLUMN posthorn.webhook_deliveries.created_at IS 'When it was queued.';
COMMENT ON COLUMN posthorn.webhook_deliveries.next_attempt_at IS 'When it is due; null once it has ended and while it is parked.';
COMMENT ON COLUMN posthorn.webhook_deliveries.parked_at IS 'Since when it waits for its endpoint to be enabled.';
COMMENT ON COLUMN posthorn.webhook_deliveries.ended_at IS 'When it reached delivered, failed or dead_letter.';
COMMENT ON COLUMN posthorn.webhook_deliveries.attempt_count IS 'Attempts finished so far.';
COMMENT ON COLUMN posthorn.webhook_deliveries.max_attempts IS 'Attempts after which it becomes a dead letter.';
COMMENT ON COLUMN posthorn.webhook_deliveries.ladder_start IS 'The attempt_count at which the retry schedule last began anew.';
COMMENT ON COLUMN posthorn.webhook_deliveries.payload_bytes IS 'Size of the event''s payload, so that a claim can be bounded in bytes.';
COMMENT ON COLUMN posthorn.webhook_deliveries.last_status_code IS 'HTTP status of the last attempt, if there was an answer.';
COMMENT ON COLUMN posthorn.webhook_deliveries.last_duration_ms IS 'How long the last attempt took, in milliseconds.';
COMMENT ON COLUMN posthorn.webhook_deliveries.probing IS 'It is under way to see whether its endpoint, disabled automatically, has recovered.';
COMMENT ON COLUMN posthorn.webhook_deliveries.lost_leases IS 'Leases lost in a row; the third counts as a failed attempt.';
COMMENT ON COLUMN posthorn.webhook_deliveries.event_type IS 'The event''s type.';
COMMENT ON COLUMN posthorn.webhook_deliveries.last_error IS 'What the last failed attempt said.';
COMMENT ON COLUMN posthorn.webhook_deliveries.last_response IS 'Beginning of the answer that was taken for success, at most 4 KiB; null if it had no body.';

CREATE SEQUENCE posthorn.webhook_attempt_id AS bigint CACHE 32;
COMMENT ON SEQUENCE posthorn.webhook_attempt_id IS 'Numbers the rows of webhook_attempt_log. Not an identity column: a partition with one cannot be attached.';

CREATE TABLE posthorn.webhook_attempt_log (
    delivery_id      uuid NOT NULL,
    id               bigint NOT NULL DEFAULT nextval('posthorn.webhook_attempt_id'),
    number           integer,
    event_id         uuid,
    community_id     uuid NOT NULL,
    endpoint_id      uuid NOT NULL,
    dispatcher_id    uuid,
    recorded_at      timestamptz NOT NULL,
    status_code      integer,
    duration_ms      integer,
    outcome          text NOT NULL CHECK (outcome IN ('delivered', 'failed', 'superseded', 'unsent')),
    error_class      text,
    error            text,
    response_excerpt text,
    PRIMARY KEY (delivery_id, id)
) PARTITION BY RANGE (delivery_id);

COMMENT ON TABLE posthorn.webhook_attempt_log IS 'Attempts, one row each, but for the one that delivered: it stands in its delivery, until that is sent anew. Read them together in webhook_attempts. One partition per day of the delivery''s id.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.delivery_id IS 'The delivery.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.id IS 'Order of recording.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.number IS 'Number of the attempt, from 1; null where it does not count: superseded, unsent, a failed probe.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.event_id IS 'The event.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.community_id IS 'The community.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.endpoint_id IS 'The endpoint.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.dispatcher_id IS 'Who sent it.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.recorded_at IS 'When its result was recorded.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.status_code IS 'HTTP status, null when there was no answer.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.duration_ms IS 'How long the attempt took, in milliseconds.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.outcome IS 'delivered; failed; superseded: the result of a lease that was no longer held, kept and of no effect; unsent: the sender''s own side failed, no attempt was used.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.error_class IS 'Kind of failure, such as timeout, connect, tls_expired, status, lease_lost; of an unsent one name_service, no_route, local_limit, egress_proxy; all of them stand in docs/sending.md.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.error IS 'One sentence about it.';
COMMENT ON COLUMN posthorn.webhook_attempt_log.response_excerpt IS 'Beginning of the answer''s body, at most 4 KiB.';

-- A success needs no row of its own: that would be a fifth of all WAL.
CREATE VIEW posthorn.webhook_attempts WITH (security_invoker = true) AS
SELECT l.delivery_id, l.id, l.number, l.event_id, l.community_id, l.endpoint_id, l.dispatcher_id, l.recorded_at, l.status_code, l.duration_ms,
       l.outcome, l.error_class, l.error, l.response_excerpt
FROM posthorn.webhook_attempt_log AS l
UNION ALL
SELECT d.id, NULL, d.attempt_count, d.event_id, d.community_id, d.endpoint_id, d.dispatcher_id, d.ended_at, d.last_status_code, d.last_duration_ms,
       'delivered', NULL, NULL, d.last_response
FROM posthorn.webhook_deliveries AS d
WHERE d.stage = 'ended' AND d.status = 'delivered';

COMMENT ON VIEW posthorn.webhook_attempts IS
    'The history: one row per attempt whose result was recorded. outcome is delivered, failed, superseded: the result of a lease that was no longer held, or unsent: a failure of the sender''s own side, which used no attempt. In order by recorded_at.';

CREATE TABLE posthorn.webhook_idempotency_keys (
    community_id uuid NOT NULL,
    key          text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    event_id     uuid NOT NULL,
    fingerprint  bytea NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (community_id, key)
);

CREATE INDEX webhook_idempotency_keys_expiry ON posthorn.webhook_idempotency_keys (expires_at);

COMMENT ON TABLE posthorn.webhook_idempotency_keys IS 'Keys under which events were queued; apart from the events, because a unique index cannot span partitions by time.';
COMMENT ON COLUMN posthorn.webhook_idempotency_keys.community_id IS 'The community.';
COMMENT ON COLUMN posthorn.webhook_idempotency_keys.key IS 'The caller''s key.';
COMMENT ON COLUMN posthorn.webhook_idempotency_keys.event_id IS 'The event it was first used for.';
COMMENT ON COLUMN posthorn.webhook_idempotency_keys.fingerprint IS 'SHA-256 of type and payload, to tell a repetition from a mistake.';
COMMENT ON COLUMN posthorn.webhook_idempotency_keys.expires_at IS 'When it may be used anew.';

CREATE TABLE posthorn.webhook_filter_errors (
    community_id uuid NOT NULL,
    endpoint_id  uuid NOT NULL,
    occurred_at  timestamptz NOT NULL DEFAULT posthorn.clock_now()
);

COMMENT ON TABLE posthorn.webhook_filter_errors IS
    'Filters that failed, one row each, folded into webhook_endpoint_health by maintain(): queueing must not wait for a lock on the endpoint''s row.';
COMMENT ON COLUMN posthorn.webhook_filter_errors.community_id IS 'The community.';
COMMENT ON COLUMN posthorn.webhook_filter_errors.endpoint_id IS 'The endpoint.';
COMMENT ON COLUMN posthorn.webhook_filter_errors.occurred_at IS 'When.';

-- Written by claims, and only for ordered lanes. What was committed late, or comes back to its old place, stands before what is under way,
-- and would hide it from who looks at the head of the lane.
CREATE TABLE posthorn.webhook_lane_turns (
    lane        uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL,
    position    bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 1000);

COMMENT ON TABLE posthorn.webhook_lane_turns IS
    'Ordered lanes, each with the delivery whose turn it was last: while it is under way nothing else of the lane goes. Whoever claims from a lane locks its row. forget_lane_turns() removes those of empty lanes.';
COMMENT ON COLUMN posthorn.webhook_lane_turns.lane IS 'The lane.';
COMMENT ON COLUMN posthorn.webhook_lane_turns.endpoint_id IS 'Whose lane it is.';
COMMENT ON COLUMN posthorn.webhook_lane_turns.position IS 'Place of the delivery that was claimed last.';

-- A crash empties an unlogged table, and so does the promotion of a standby: both may have lost what was committed without waiting for the disk.
CREATE UNLOGGED TABLE posthorn.queue_epoch (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    id       uuid NOT NULL DEFAULT gen_random_uuid()
);

COMMENT ON TABLE posthorn.queue_epoch IS 'Changes when PostgreSQL may have lost claims, results and places in the queue. What a node knows of the queue holds only within an epoch.';
COMMENT ON COLUMN posthorn.queue_epoch.only_one IS 'There is at most one row.';
COMMENT ON COLUMN posthorn.queue_epoch.id IS 'The epoch; written by the first node that looks.';

CREATE TABLE posthorn.dispatchers (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('node', 'sql')),
    name         text NOT NULL,
    version      text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    heartbeat_at timestamptz NOT NULL,
    heard_since  timestamptz NOT NULL DEFAULT posthorn.clock_now(),
    expires_at   timestamptz NOT NULL,
    asleep       boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

COMMENT ON TABLE posthorn.dispatchers IS 'Who sends: the nodes, and one row per batch that a SQL caller has leased. A lease lives as long as its dispatcher does.';
COMMENT ON COLUMN posthorn.dispatchers.id IS 'New at each start, so that no crash can repeat a token.';
COMMENT ON COLUMN posthorn.dispatchers.kind IS 'node: has a heartbeat. sql: leased by get_pending_webhooks or process_webhook_delivery.';
COMMENT ON COLUMN posthorn.dispatchers.name IS 'Host and process, or the database login.';
COMMENT ON COLUMN posthorn.dispatchers.version IS 'Version of Posthorn, empty for SQL.';
COMMENT ON COLUMN posthorn.dispatchers.created_at IS 'When it signed on.';
COMMENT ON COLUMN posthorn.dispatchers.heartbeat_at IS 'When it was last heard.';
COMMENT ON COLUMN posthorn.dispatchers.heard_since IS 'Since when it has been heard without a gap of more than 3 seconds; whoever has been for 4 bears witness that another one is silent.';
COMMENT ON COLUMN posthorn.dispatchers.expires_at IS 'When its leases end unless it is heard again.';
COMMENT ON COLUMN posthorn.dispatchers.asleep IS 'Found nothing to do and waits to be woken by a notification.';
