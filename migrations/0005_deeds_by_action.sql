-- `explain` asks when rows were last moved to an archive. Beside that, this step keeps versions away that cannot read packed plans: from
-- here on `optimizer_plans.body` is JSON, or `gzip:` and the same compressed, in base64.
-- The same statements run on SQLite and PostgreSQL.
CREATE INDEX optimizer_audit_action ON optimizer_audit (action, seq);
