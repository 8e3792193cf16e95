-- Each tick looks for the newest rollouts, over or not, and people for those of one service; without these, all are read and sorted.
-- The same statements run on SQLite and PostgreSQL.
CREATE INDEX optimizer_rollouts_changed ON optimizer_rollouts (changed_at);
CREATE INDEX optimizer_rollouts_service ON optimizer_rollouts (service, changed_at);
