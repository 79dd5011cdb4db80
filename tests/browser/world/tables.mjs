// A past as rows of the database (docs/logs.md, Database), and these as SQL.

const AT_ONCE = 500;

export function runRow(run) {
  return {
    id: run.id,
    task_name: run.task,
    kind: run.kind,
    status: "ended",
    end_reason: run.reason,
    exit_code: run.exit,
    triggered_by: run.by,
    created_at: time(run.createdAt),
    start_at: time(run.startAt),
    end_at: time(run.endAt),
    retry_attempt: run.attempt,
    retry_of_run_id: run.retryOf,
    replica_index: run.replica,
    message: run.message,
    log_lines: run.log.lines,
    log_bytes: run.log.bytes,
    duration_ms: run.startAt === null ? null : run.endAt - run.startAt,
  };
}

export function dayRow({ task, date, count, failed, worst }) {
  return { task_name: task, date, count, failed, worst };
}

export function sessionRow({ start, end, isKilled }) {
  return {
    boot_id: "00000000-0000-4000-8000-000000000000",
    version: "0.1.0",
    started_at: time(start),
    last_seen_at: time(end),
    stopped_at: isKilled ? null : time(end),
  };
}

export function noticeRow({ id, run, title, body, at, kind = "run.failed", severity = "error", isRead = false }) {
  const times = at.map(time);
  return {
    id,
    fingerprint: id.toLowerCase(),
    kind,
    severity,
    task_name: run.task,
    run_id: run.id,
    title,
    body,
    count: at.length,
    occurrences: JSON.stringify(times),
    created_at: times[0],
    last_occurred_at: times.at(-1),
    read_at: isRead ? times.at(-1) : null,
  };
}

export function channelRow({ channel, delivered = 0, failed = 0, deliveredAt, failedAt, answer = null, error = null }) {
  return {
    channel,
    delivered,
    failed,
    delivered_at: deliveredAt === undefined ? null : time(deliveredAt),
    failed_at: failedAt === undefined ? null : time(failedAt),
    answer,
    error,
  };
}

/** The statements that put rows with the same columns into a table. */
export function* inserts(table, rows) {
  for (let n = 0; n < rows.length; n += AT_ONCE) {
    const values = rows.slice(n, n + AT_ONCE).map((row) => `(${Object.values(row).map(literal).join(", ")})`);
    yield `INSERT INTO ${table} (${Object.keys(rows[0]).join(", ")}) VALUES\n${values.join(",\n")};`;
  }
}

function literal(value) {
  if (value === null) return "NULL";
  return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

function time(at) {
  return at === null ? null : new Date(at).toISOString();
}
