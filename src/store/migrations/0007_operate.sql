-- Ends of services, what a run was given, what it is a run of, and what was decided about ticks. A
-- CHECK is replaced in place, as in migration 2.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''dst_skipped:failure'')', '''dst_skipped:failure'',
                        ''start_failed'', ''unhealthy'', ''start_failed:ok'', ''unhealthy:ok'')')
    WHERE type = 'table' AND name = 'runs';
PRAGMA writable_schema = RESET;

-- Beside runs_by_failure: what only a service or only a job calls a failure.
DROP INDEX runs_by_other_failure;
CREATE INDEX runs_by_other_failure ON runs (end_at)
    WHERE end_reason IN ('stopped:failure', 'skipped:failure', 'queue_full:failure',
                         'dst_skipped:failure', 'start_failed', 'unhealthy');

-- A list of pairs as JSON, or nothing; the number of a row of `configurations`, 0 where it is not
-- known.
ALTER TABLE runs ADD COLUMN params TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN config INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deleted_runs ADD COLUMN params TEXT NOT NULL DEFAULT '';
ALTER TABLE deleted_runs ADD COLUMN config INTEGER NOT NULL DEFAULT 0;

-- The newest configurations that were applied, without what is secret in them. `files` is a list of
-- pairs, path and text, as JSON.
CREATE TABLE configurations (
    number     INTEGER NOT NULL PRIMARY KEY,
    applied_at TEXT NOT NULL,
    files      TEXT NOT NULL
) STRICT;

-- Why a task ran, or did not, where the runs themselves do not say it. Kept for a month.
CREATE TABLE decisions (
    number       INTEGER NOT NULL PRIMARY KEY,
    task_name    TEXT,
    at           TEXT NOT NULL,
    what         TEXT NOT NULL,
    tick         TEXT,
    until        TEXT,
    run_id       TEXT,
    other_run_id TEXT,
    detail       TEXT NOT NULL
) STRICT;

CREATE INDEX decisions_by_task ON decisions (task_name, at);
