-- Plans that were made, each decision of theirs, and what the next tick has to know. Nothing of it is ever deleted by this program.
-- The same statements run on SQLite and PostgreSQL.
CREATE TABLE optimizer_plans (
    id      TEXT NOT NULL PRIMARY KEY,
    -- RFC 3339, UTC
    made_at TEXT NOT NULL,
    -- JSON, its schema_version says of which form
    body    TEXT NOT NULL
);
CREATE INDEX optimizer_plans_made_at ON optimizer_plans (made_at);

-- What is asked for by id; everything else about a decision is in its plan.
CREATE TABLE optimizer_decisions (
    plan_id TEXT NOT NULL REFERENCES optimizer_plans (id),
    id      TEXT NOT NULL,
    service TEXT NOT NULL,
    segment TEXT NOT NULL,
    action  TEXT NOT NULL,
    -- An id is cut short, so two plans may hold the same one.
    PRIMARY KEY (plan_id, id)
);
CREATE INDEX optimizer_decisions_id ON optimizer_decisions (id);

CREATE TABLE optimizer_memory (
    name       TEXT NOT NULL PRIMARY KEY,
    -- One more with each change: who saw another one knows that somebody was here meanwhile.
    generation BIGINT NOT NULL,
    -- JSON
    body       TEXT NOT NULL
);
