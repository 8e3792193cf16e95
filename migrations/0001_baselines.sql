-- What services did at a time that is worth remembering. The same statements run on SQLite and PostgreSQL.
CREATE TABLE optimizer_baselines (
    name       TEXT NOT NULL PRIMARY KEY,
    -- initial, rolling, peak, pre_change or golden
    kind       TEXT NOT NULL,
    -- RFC 3339, UTC
    created_at TEXT NOT NULL,
    -- JSON, its schema_version says of which form
    body       TEXT NOT NULL
);
