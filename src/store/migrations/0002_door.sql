-- What the API asks of a long history: counters, indexes for every order, a trash, and when the
-- daemon was up. Tables and triggers work on the rows of version 1 too.

-- One more word for `triggered_by`: a CHECK is replaced in place, as lang_altertable.html of
-- SQLite's manual says, because copying a million rows takes minutes on a small host.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''service'', ''startup'')', '''service'', ''startup'', ''hook'')')
    WHERE type = 'table' AND name = 'runs';
PRAGMA writable_schema = RESET;

ALTER TABLE task_state ADD COLUMN paused_at TEXT;

-- From the start of the process to its end. Stored: an index on a computed column covers nothing.
ALTER TABLE runs ADD COLUMN duration_ms INTEGER;
UPDATE runs SET duration_ms = (strftime('%s', end_at) - strftime('%s', start_at)) * 1000
        + substr(end_at, 21, 3) - substr(start_at, 21, 3)
    WHERE start_at IS NOT NULL AND end_at IS NOT NULL;

CREATE INDEX runs_by_name ON runs (task_name, id);
-- With all that a timeline in buckets counts.
CREATE INDEX runs_by_start ON runs (start_at, task_name, end_reason) WHERE start_at IS NOT NULL;
CREATE INDEX runs_by_duration ON runs (duration_ms) WHERE duration_ms IS NOT NULL;
CREATE INDEX runs_by_exit ON runs (exit_code) WHERE exit_code <> 0;
CREATE INDEX runs_by_failure ON runs (end_at)
    WHERE end_reason IN ('failed', 'timeout', 'log_overflow', 'crashed');

-- How many rows of `runs` there are, by what became of them. `outcome` is the end reason, or the
-- status of a run that has not ended. The triggers keep it true whoever writes.
CREATE TABLE run_counts (
    task_name TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (task_name, outcome)
) STRICT, WITHOUT ROWID;

INSERT INTO run_counts
    SELECT task_name, ifnull(end_reason, status), count(*) FROM runs GROUP BY 1, 2;

CREATE TRIGGER runs_inserted AFTER INSERT ON runs BEGIN
    INSERT INTO run_counts VALUES (new.task_name, ifnull(new.end_reason, new.status), 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER runs_deleted AFTER DELETE ON runs BEGIN
    UPDATE run_counts SET count = count - 1
        WHERE task_name = old.task_name AND outcome = ifnull(old.end_reason, old.status);
END;

CREATE TRIGGER runs_moved AFTER UPDATE OF status, end_reason, task_name ON runs BEGIN
    UPDATE run_counts SET count = count - 1
        WHERE task_name = old.task_name AND outcome = ifnull(old.end_reason, old.status);
    INSERT INTO run_counts VALUES (new.task_name, ifnull(new.end_reason, new.status), 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

-- Ended runs by the day of their creation, in the zone of the task; they outlive the rows. Days
-- before this table are those of UTC. `worst` is an end reason.
CREATE TABLE daily_outcomes (
    task_name TEXT NOT NULL,
    date      TEXT NOT NULL,
    count     INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    worst     TEXT NOT NULL,
    PRIMARY KEY (task_name, date)
) STRICT, WITHOUT ROWID;

INSERT INTO daily_outcomes
    SELECT task_name, substr(created_at, 1, 10), count(*), sum(severity.failed),
        substr(max(severity.rank || severity.reason), 2)
    FROM runs JOIN (
        SELECT column1 AS reason, column2 AS rank, column3 AS failed FROM (VALUES
            ('crashed', 9, 1), ('failed', 8, 1), ('timeout', 7, 1), ('log_overflow', 6, 1),
            ('missed', 5, 1), ('queue_full', 4, 0), ('stopped', 3, 0), ('skipped', 2, 0),
            ('dst_skipped', 1, 0), ('success', 0, 0))
    ) AS severity ON severity.reason = end_reason
    GROUP BY 1, 2;

-- One row for each life of the daemon. `last_seen_at` is written along with other changes.
CREATE TABLE daemon_sessions (
    id           INTEGER NOT NULL PRIMARY KEY,
    boot_id      TEXT NOT NULL,
    version      TEXT NOT NULL,
    started_at   TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    stopped_at   TEXT
) STRICT;

-- Runs that were deleted and may be restored for a while. Their files are still there.
CREATE TABLE deleted_runs (
    id              TEXT NOT NULL PRIMARY KEY,
    task_name       TEXT NOT NULL,
    kind            TEXT NOT NULL,
    status          TEXT NOT NULL,
    end_reason      TEXT,
    exit_code       INTEGER,
    triggered_by    TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    start_at        TEXT,
    end_at          TEXT,
    retry_attempt   INTEGER NOT NULL,
    retry_of_run_id TEXT,
    replica_index   INTEGER NOT NULL,
    message         TEXT,
    log_lines       INTEGER NOT NULL,
    log_bytes       INTEGER NOT NULL,
    log_truncated   INTEGER NOT NULL,
    duration_ms     INTEGER,
    deleted_at      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX deleted_runs_by_time ON deleted_runs (deleted_at);
