-- What all runs together came to (`tally`), and what each receiver of messages was told (`told`): one small document each. State: known.
CREATE TABLE optimizer_notes (
    id         TEXT NOT NULL PRIMARY KEY,
    service    TEXT NOT NULL,
    state      TEXT NOT NULL,
    generation BIGINT NOT NULL,
    changed_at TEXT NOT NULL,
    body       TEXT NOT NULL
);
