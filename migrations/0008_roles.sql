-- Who may do what. While nobody has a role, everybody who reaches the store may do everything.
-- The same statements run on SQLite and PostgreSQL.
CREATE TABLE optimizer_roles (
    -- env:NAME, kubernetes:system:serviceaccount:NAMESPACE:NAME or database:ROLE
    identity   TEXT NOT NULL PRIMARY KEY,
    -- viewer, operator or admin
    role       TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    -- RFC 3339, UTC
    granted_at TEXT NOT NULL,
    reason     TEXT NOT NULL
);
