-- What counts as a failure may be otherwise than an end reason alone says: such ends have words of
-- their own, so that the indexes, counters and triggers for reasons serve them as they are. A CHECK
-- is replaced in place, as in migration 2.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''dst_skipped'', ''missed'')', '''dst_skipped'', ''missed'',
                        ''failed:ok'', ''timeout:ok'', ''log_overflow:ok'', ''crashed:ok'', ''missed:ok'',
                        ''stopped:failure'', ''skipped:failure'', ''queue_full:failure'',
                        ''dst_skipped:failure'')')
    WHERE type = 'table' AND name = 'runs';
PRAGMA writable_schema = RESET;

-- Beside runs_by_failure, for those that only their job calls a failure.
CREATE INDEX runs_by_other_failure ON runs (end_at)
    WHERE end_reason IN ('stopped:failure', 'skipped:failure', 'queue_full:failure', 'dst_skipped:failure');

-- What the machine looked like when a run went wrong, as text; gone with the row of the run, or of
-- the trash.
CREATE TABLE snapshots (
    run_id TEXT NOT NULL PRIMARY KEY,
    text   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
