-- What the machine looked like when a run went wrong, as text.
CREATE TABLE snapshots (
    run_id TEXT NOT NULL PRIMARY KEY,
    text   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
