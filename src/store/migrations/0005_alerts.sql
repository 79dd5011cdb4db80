-- What happened and is still to be told: written in the transaction of what happened, gone in the
-- transaction of what it comes to.
CREATE TABLE alerts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    alert  TEXT NOT NULL
) STRICT;

-- Messages on their way to a channel, in the order in which they go out.
CREATE TABLE deliveries (
    id         TEXT NOT NULL PRIMARY KEY,
    channel    TEXT NOT NULL,
    delivery   TEXT NOT NULL,
    created_at TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    -- When the last attempt failed, and why, without secrets.
    tried_at   TEXT,
    error      TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_channel ON deliveries (channel, id);

-- How each channel fared, for as long as it is configured.
CREATE TABLE channels (
    channel      TEXT NOT NULL PRIMARY KEY,
    delivered    INTEGER NOT NULL DEFAULT 0,
    failed       INTEGER NOT NULL DEFAULT 0,
    delivered_at TEXT,
    failed_at    TEXT,
    -- What the other side said last.
    answer       TEXT,
    error        TEXT
) STRICT, WITHOUT ROWID;

-- Open windows: alerts of one kind that are held back for a channel.
CREATE TABLE held_alerts (
    channel   TEXT NOT NULL,
    key       TEXT NOT NULL,
    task_name TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    count     INTEGER NOT NULL,
    -- The newest one, unless none is held.
    alert     TEXT,
    PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;

-- Jobs that are failing, from their first failure to their next success.
CREATE TABLE task_trouble (
    task_name TEXT NOT NULL PRIMARY KEY,
    trouble   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Jobs that nobody wants to hear of for a while.
CREATE TABLE mutes (
    task_name TEXT NOT NULL PRIMARY KEY,
    since     TEXT NOT NULL,
    until     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
