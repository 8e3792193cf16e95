-- What is on its way to production, what was written to get it there, and who said what. Every table of documents has the same columns:
-- `state` is what they are looked for by, `generation` counts the changes of a row, so that whoever saw another one knows that somebody
-- was here meanwhile, `changed_at` is RFC 3339 in UTC, and `body` is JSON.
-- The same statements run on SQLite and PostgreSQL.

-- One rollout a row; the id is that of the decision that began it. State: open or closed.
CREATE TABLE optimizer_rollouts (
    id         TEXT NOT NULL PRIMARY KEY,
    service    TEXT NOT NULL,
    state      TEXT NOT NULL,
    generation BIGINT NOT NULL,
    changed_at TEXT NOT NULL,
    body       TEXT NOT NULL
);
-- One at a time in each service.
CREATE UNIQUE INDEX optimizer_rollouts_open ON optimizer_rollouts (service) WHERE state = 'open';
CREATE INDEX optimizer_rollouts_state ON optimizer_rollouts (state, changed_at);

-- What was seen of a rollout so far; the id is the rollout's. State: open or closed, as the rollout.
CREATE TABLE optimizer_evidence (
    id         TEXT NOT NULL PRIMARY KEY,
    service    TEXT NOT NULL,
    state      TEXT NOT NULL,
    generation BIGINT NOT NULL,
    changed_at TEXT NOT NULL,
    body       TEXT NOT NULL
);
CREATE INDEX optimizer_evidence_state ON optimizer_evidence (state, changed_at);

-- A write to a sink: recorded before it is sent, settled when its outcome is known. The id is its idempotency key. State: open or settled.
CREATE TABLE optimizer_intents (
    id         TEXT NOT NULL PRIMARY KEY,
    service    TEXT NOT NULL,
    state      TEXT NOT NULL,
    generation BIGINT NOT NULL,
    changed_at TEXT NOT NULL,
    body       TEXT NOT NULL
);
CREATE INDEX optimizer_intents_state ON optimizer_intents (state, changed_at);

-- Configurations by service and content: `service@version`. State: proven, failed or known.
CREATE TABLE optimizer_configurations (
    id         TEXT NOT NULL PRIMARY KEY,
    service    TEXT NOT NULL,
    state      TEXT NOT NULL,
    generation BIGINT NOT NULL,
    changed_at TEXT NOT NULL,
    body       TEXT NOT NULL
);
CREATE INDEX optimizer_configurations_service ON optimizer_configurations (service, changed_at);

-- What holds for a service: an operator's word, its rest after rollbacks. The id is its name, or `*` for all. State: known.
CREATE TABLE optimizer_services (
    id         TEXT NOT NULL PRIMARY KEY,
    service    TEXT NOT NULL,
    state      TEXT NOT NULL,
    generation BIGINT NOT NULL,
    changed_at TEXT NOT NULL,
    body       TEXT NOT NULL
);

-- Whether a sink is spared after failures. The id is the sink's address. State: known.
CREATE TABLE optimizer_breakers (
    id         TEXT NOT NULL PRIMARY KEY,
    service    TEXT NOT NULL,
    state      TEXT NOT NULL,
    generation BIGINT NOT NULL,
    changed_at TEXT NOT NULL,
    body       TEXT NOT NULL
);

-- What each run did. State: running or ended; one that runs and holds no lease was killed.
CREATE TABLE optimizer_ticks (
    id         TEXT NOT NULL PRIMARY KEY,
    service    TEXT NOT NULL,
    state      TEXT NOT NULL,
    generation BIGINT NOT NULL,
    changed_at TEXT NOT NULL,
    body       TEXT NOT NULL
);
CREATE INDEX optimizer_ticks_changed ON optimizer_ticks (changed_at);

-- One acting run at a time. Who takes the lease counts `token` up; who comes with an older one is refused. `expires_at` is in
-- milliseconds since 1970, by the clock of the database where it has one.
CREATE TABLE optimizer_lease (
    name       TEXT NOT NULL PRIMARY KEY,
    holder     TEXT NOT NULL,
    token      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
INSERT INTO optimizer_lease (name, holder, token, expires_at) VALUES ('tick', '', 0, 0);

-- Who did what, why, and what came of it. Rows are only ever added; each holds the hash of the one before it.
CREATE TABLE optimizer_audit (
    seq      BIGINT NOT NULL PRIMARY KEY,
    at       TEXT NOT NULL,
    actor    TEXT NOT NULL,
    action   TEXT NOT NULL,
    service  TEXT NOT NULL,
    body     TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL
);
CREATE INDEX optimizer_audit_service ON optimizer_audit (service, seq);
-- Its newest row, so that one cut off at the end is missed.
CREATE TABLE optimizer_audit_head (
    name TEXT NOT NULL PRIMARY KEY,
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO optimizer_audit_head (name, seq, hash) VALUES ('audit', 0, '');
