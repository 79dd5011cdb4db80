// The files of one run's log as the daemon would have written them (docs/logs.md, Files): the text
// with its prefixes, when lines came, and where every 1024th line begins.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PREFIX = { stdout: "", stderr: "[ERR] ", system: "[SYSTEM] " };
/** A line that comes so many milliseconds after the last record gets a record of its own. */
const TIME_STEP = 1000;
const STRIDE = 1024;

/**
 * `lines` are `[ms since the start, stream, text or bytes]`. Returns what the row says of them.
 */
export function writeLog(logs, run, lines) {
  if (lines.length === 0) return { lines: 0, bytes: 0 };
  const directory = join(logs, run.task.replace(/[^A-Za-z0-9_-]/g, "_"));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const stamp = new Date(run.createdAt).toISOString().replace(/[-:]/g, "").replace("T", "_").slice(0, 15);
  const file = join(directory, `${stamp}_${run.id}.log`);
  const { text, offsets, bytes } = assemble(lines);
  writeFileSync(file, text);
  const times = timesOf(run.startAt, run.endAt, lines);
  if (times.length > 0) writeFileSync(`${file}.tidx`, times);
  if (offsets.length > 1) writeFileSync(`${file}.idx`, longs(offsets));
  return { lines: lines.length, bytes };
}

function assemble(lines) {
  const parts = [];
  const offsets = [];
  let size = 0;
  let bytes = 0;
  lines.forEach(([, stream, text], n) => {
    if (n % STRIDE === 0) offsets.push(size);
    const body = Buffer.from(text);
    parts.push(Buffer.from(PREFIX[stream]), body, Buffer.from("\n"));
    size += PREFIX[stream].length + body.length + 1;
    if (stream !== "system") bytes += body.length + 1;
  });
  return { text: Buffer.concat(parts), offsets, bytes };
}

function timesOf(start, end, lines) {
  const records = [];
  let last = start;
  lines.forEach(([after], n) => {
    const at = start + after;
    const isStride = records.length > 0 && n % STRIDE === 0;
    if (at - last < TIME_STEP && !isStride) return;
    last = Math.max(last, at);
    records.push(record(n, last));
  });
  if (records.length > 0) records.push(record(lines.length, Math.max(last, end)));
  return Buffer.concat(records);
}

function record(line, at) {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(line, 0);
  bytes.writeBigInt64LE(BigInt(at), 4);
  return bytes;
}

function longs(numbers) {
  const bytes = Buffer.alloc(numbers.length * 8);
  numbers.forEach((number, n) => bytes.writeBigUInt64LE(BigInt(number), n * 8));
  return bytes;
}
