-- Times are UTC text, YYYY-MM-DDTHH:MM:SS.sssZ, so that text order is time order.

CREATE TABLE runs (
    id              TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 26),
    task_name       TEXT NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('task', 'service')),
    status          TEXT NOT NULL CHECK (status IN ('pending', 'running', 'ended')),
    end_reason      TEXT CHECK (end_reason IN (
                        'success', 'failed', 'timeout', 'log_overflow', 'crashed', 'stopped',
                        'skipped', 'queue_full', 'dst_skipped', 'missed')),
    exit_code       INTEGER,
    triggered_by    TEXT NOT NULL CHECK (triggered_by IN ('cron', 'api', 'service', 'startup')),
    created_at      TEXT NOT NULL,
    start_at        TEXT,
    end_at          TEXT,
    retry_attempt   INTEGER NOT NULL,
    retry_of_run_id TEXT,
    replica_index   INTEGER NOT NULL,
    message         TEXT,
    leader_pid      INTEGER,
    leader_start    INTEGER,
    boot_id         TEXT,
    log_lines       INTEGER NOT NULL DEFAULT 0,
    log_bytes       INTEGER NOT NULL DEFAULT 0,
    log_truncated   INTEGER NOT NULL DEFAULT 0 CHECK (log_truncated IN (0, 1)),
    CHECK ((status = 'pending' AND start_at IS NULL)
        OR (status = 'running' AND start_at IS NOT NULL)
        OR status = 'ended'),
    CHECK ((status = 'ended') = (end_reason IS NOT NULL)),
    CHECK ((status = 'ended') = (exit_code IS NOT NULL)),
    CHECK ((status = 'ended') = (end_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_by_task ON runs (task_name, created_at);
CREATE INDEX runs_by_time ON runs (created_at);
-- Only the few rows that are worth finding: each end of a run touches one index less.
CREATE INDEX runs_unfinished ON runs (status) WHERE status <> 'ended';
CREATE INDEX runs_by_reason ON runs (end_reason, created_at) WHERE end_reason <> 'success';

CREATE TABLE notifications (
    id               TEXT NOT NULL PRIMARY KEY,
    fingerprint      TEXT NOT NULL,
    kind             TEXT NOT NULL,
    severity         TEXT NOT NULL,
    task_name        TEXT,
    run_id           TEXT,
    title            TEXT NOT NULL,
    body             TEXT NOT NULL,
    count            INTEGER NOT NULL,
    occurrences      TEXT NOT NULL,
    created_at       TEXT NOT NULL,
    last_occurred_at TEXT NOT NULL,
    read_at          TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX notifications_by_fingerprint ON notifications (fingerprint, last_occurred_at);
CREATE INDEX notifications_by_time ON notifications (last_occurred_at);

CREATE TABLE config_entries (
    key        TEXT NOT NULL PRIMARY KEY,
    value      TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE task_state (
    task_name     TEXT NOT NULL PRIMARY KEY,
    first_seen_at TEXT NOT NULL,
    last_tick_at  TEXT NOT NULL,
    schedule      TEXT NOT NULL,
    updated_at    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
