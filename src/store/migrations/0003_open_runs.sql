-- Counts of ended runs alone: a run that begins touches no counter, and one that ends touches one.
-- The few that are open are counted from their own index.

DROP TRIGGER runs_inserted;
DROP TRIGGER runs_deleted;
DROP TRIGGER runs_moved;

DELETE FROM run_counts WHERE outcome IN ('pending', 'running');

CREATE TRIGGER runs_came AFTER INSERT ON runs WHEN new.status = 'ended' BEGIN
    INSERT INTO run_counts VALUES (new.task_name, new.end_reason, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER runs_went AFTER DELETE ON runs WHEN old.status = 'ended' BEGIN
    UPDATE run_counts SET count = count - 1
        WHERE task_name = old.task_name AND outcome = old.end_reason;
END;

CREATE TRIGGER runs_left AFTER UPDATE OF status, end_reason, task_name ON runs
WHEN old.status = 'ended' BEGIN
    UPDATE run_counts SET count = count - 1
        WHERE task_name = old.task_name AND outcome = old.end_reason;
END;

CREATE TRIGGER runs_ended AFTER UPDATE OF status, end_reason, task_name ON runs
WHEN new.status = 'ended' BEGIN
    INSERT INTO run_counts VALUES (new.task_name, new.end_reason, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

-- How many rows of `runs` there are by task and outcome; a pair may come more than once.
CREATE VIEW run_tally (task_name, outcome, count) AS
    SELECT task_name, outcome, count FROM run_counts
    UNION ALL
    -- With a plus no other index is tempting (sqlite.org, The SQLite Query Optimizer Overview).
    SELECT +task_name, +status, 1 FROM runs WHERE status <> 'ended';
