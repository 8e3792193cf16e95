-- What requests added up to, so that sources need not be read again: one slot of all services a row, finer ones for days, longer ones for a
-- year. `grain` is the length of the slot (15m, 1h, 24h), `start` its first minute since 1970, `minutes` how many of its minutes are
-- known, and `source_rows` how many rows of the source are in it. `figures` is what is asked for often, `body` every sum and sketch:
-- lines of JSON, compressed, in letters.
-- The same statements run on SQLite and PostgreSQL.
CREATE TABLE optimizer_history (
    grain       TEXT NOT NULL,
    start       BIGINT NOT NULL,
    minutes     BIGINT NOT NULL,
    source_rows BIGINT NOT NULL,
    figures     TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (grain, start)
);
