//! What only `[tasks.NAME]` has: the schedule, overlap, catch-up and retries
//! (docs/configuration.md, Tasks).

use std::sync::Arc;
use std::time::Duration;

use super::job::Context;
use super::params::{self, Uses};
use super::problem::key_part;
use super::surroundings::Zone;
use super::table::{Table, later};
use crate::base::sentence::quoted;
use crate::cron::{self, Schedule};
use crate::model::job::{AfterFailure, Backoff, CatchUp, Overlap, RunOnStart, Task};
use crate::model::process::Process;

/// The longest wait before a retry (docs/running.md, Retries).
const RETRY_DELAY_LIMIT: Duration = Duration::from_secs(300);
/// `catch_up = "all"` with a shorter interval is worth a warning.
const SHORT_INTERVAL: Duration = Duration::from_secs(60);

const ON_OVERLAP: [(&str, Overlap); 4] = [
    ("queue", Overlap::Queue),
    ("skip", Overlap::Skip),
    ("terminate", Overlap::Terminate),
    ("kill", Overlap::Terminate),
];

const BACKOFF: [(&str, Backoff); 3] = [
    ("constant", Backoff::Constant),
    ("linear", Backoff::Linear),
    ("exponential", Backoff::Exponential),
];

pub(crate) fn read(
    name: &str,
    table: &Table<'_>,
    api_trigger: bool,
    process: &Process,
    context: &Context<'_>,
) -> Task {
    let schedule = schedule(table, context);
    let catch_up = catch_up(table, context.defaults.catch_up);
    let jitter = jitter(table, context.defaults.jitter);
    let on_overlap = on_overlap(table);
    let run_on_start = run_on_start(table);
    let max_queued = table.alias("max_queued", "queue_max");
    let max_queued = table.number(max_queued, 0..=10_000).unwrap_or(100);
    let has_cron = table.has("cron") && table.text_or_nothing("cron") != Some("");
    if let CatchUp::All { .. } = catch_up {
        check_all_replays(table, on_overlap, schedule.as_ref(), context);
    }
    if !has_cron {
        for key in ["catch_up", "timezone"].into_iter().filter(|key| table.has(key)) {
            table.warn(key, format!("{key} has no effect without cron"));
        }
        if jitter.is_some() && table.has("jitter") {
            table.misplaced("jitter", "jitter needs cron: only ticks wait for one another");
        }
        let is_manual = api_trigger || table.has_items("hook_tokens");
        if !is_manual && run_on_start == RunOnStart::Never {
            let reason = "with api_trigger = false and no cron";
            table.warn_here(format!("the task can never start {reason}"));
        }
    }
    let is_automatic = has_cron || run_on_start != RunOnStart::Never;
    let params = params::read(table, &Uses { is_automatic, process });
    Task {
        jitter: jitter.filter(|_| schedule.is_some()),
        schedule: schedule.map(Arc::new),
        catch_up,
        parallelism: count(parallelism(table).1),
        on_overlap: on_overlap.unwrap_or(Overlap::Queue),
        max_queued: count(max_queued),
        after_failure: after_failure(name, table),
        run_on_start,
        params,
    }
}

/// Runs at once, and the spelling of the key.
pub(super) fn parallelism(table: &Table<'_>) -> (&'static str, i64) {
    let key = table.alias("parallelism", "max_concurrent");
    (key, table.number(key, 1..=1024).unwrap_or(1))
}

pub(super) fn on_overlap(table: &Table<'_>) -> Option<Overlap> {
    table.choice("on_overlap", &ON_OVERLAP)
}

pub(super) fn backoff(table: &Table<'_>, key: &'static str) -> Option<Backoff> {
    table.choice(key, &BACKOFF)
}

/// A number from a checked range.
pub(super) fn count(number: i64) -> usize {
    usize::try_from(number).expect("ranges start at zero or above")
}

/// `cron` in the zone of its prefix, of `timezone`, or of the whole file.
fn schedule(table: &Table<'_>, context: &Context<'_>) -> Option<Schedule> {
    let own_zone = own_zone(table, context);
    let text = table.text("cron").filter(|text| !text.is_empty())?;
    schedule_of(table, text, own_zone, context)
}

/// What `timezone` names.
pub(super) fn own_zone(table: &Table<'_>, context: &Context<'_>) -> Option<Zone> {
    zone(table, "timezone", table.text("timezone")?, context)
}

/// The same of a text that may come from elsewhere.
pub(super) fn schedule_of(
    table: &Table<'_>,
    text: &str,
    own_zone: Option<Zone>,
    context: &Context<'_>,
) -> Option<Schedule> {
    let zone = match cron::split_zone(text).0 {
        Some(_) if table.has("timezone") => {
            let message =
                format!("{} names a zone, and so does timezone; use one of them", quoted(text));
            table.error("cron", message);
            return None;
        }
        Some(name) => zone(table, "cron", name, context)?,
        None => own_zone.unwrap_or_else(|| context.zone.clone()),
    };
    match Schedule::parse(text, zone.zone, zone.name) {
        Ok(schedule) if schedule.never_fires(context.surroundings.now) => {
            let message =
                format!("{} can never fire; no date within 40 years matches", quoted(text));
            table.error("cron", message);
            None
        }
        Ok(schedule) => Some(schedule),
        Err(error) => {
            table.error("cron", format!("{}: {error}; {}", quoted(text), cron::FORM));
            None
        }
    }
}

fn zone(table: &Table<'_>, key: &str, name: &str, context: &Context<'_>) -> Option<Zone> {
    context.zones.find(name).map_err(|message| table.error(key, message)).ok()
}

/// The longest wait of a tick for others.
const JITTER_LIMIT: Duration = Duration::from_secs(86_400);

/// How long a tick may wait for others; zero opts out of what is inherited.
pub(super) fn jitter(table: &Table<'_>, inherited: Option<Duration>) -> Option<Duration> {
    let Some(jitter) = table.duration("jitter") else { return inherited };
    if jitter > JITTER_LIMIT {
        let text = quoted(table.text_or_nothing("jitter").unwrap_or_default());
        table.error("jitter", format!("{text} is out of range; must be between 0s and 24h"));
    }
    Some(jitter).filter(|jitter| !jitter.is_zero())
}

/// The words, or how many of the newest missed ticks to run.
pub(super) fn catch_up(table: &Table<'_>, inherited: CatchUp) -> CatchUp {
    let cap = table.number("max_catch_up_runs", 1..=10_000);
    match (own_catch_up(table, cap), inherited, cap) {
        (Some(own), _, _) => own,
        (None, CatchUp::All { .. }, Some(cap)) => CatchUp::All { cap: count(cap) },
        (None, CatchUp::All { .. } | CatchUp::Latest | CatchUp::Skip, _) => inherited,
    }
}

fn own_catch_up(table: &Table<'_>, cap: Option<i64>) -> Option<CatchUp> {
    let words = [
        ("latest", CatchUp::Latest),
        ("all", CatchUp::All { cap: count(cap.unwrap_or(100)) }),
        ("skip", CatchUp::Skip),
    ];
    if table.is_recorded() {
        table.choice("catch_up", &words);
        table.number("catch_up", 0..=10_000);
    }
    if !table.entry("catch_up")?.value.is_integer() {
        return table.choice("catch_up", &words);
    }
    match table.number("catch_up", 0..=10_000)? {
        0 => Some(CatchUp::Skip),
        1 => Some(CatchUp::Latest),
        _ if cap.is_some() => {
            let message = "a number is a limit, and so is max_catch_up_runs; use one of them";
            table.error("catch_up", message);
            None
        }
        cap => Some(CatchUp::All { cap: count(cap) }),
    }
}

/// Whether replaying every missed tick makes sense.
fn check_all_replays(
    table: &Table<'_>,
    on_overlap: Option<Overlap>,
    schedule: Option<&Schedule>,
    context: &Context<'_>,
) {
    if let Some(policy @ (Overlap::Skip | Overlap::Terminate)) = on_overlap {
        let position = |key| (key, table.entry(key).map_or(table.at(), |entry| entry.key_at));
        let (key, _) = later(position("catch_up"), position("on_overlap"));
        let message = format!(
            "catch_up = \"all\" together with on_overlap = {:?} would keep one replay only; \
             use on_overlap = \"queue\" or catch_up = \"latest\"",
            policy.as_str()
        );
        table.error(key, message);
    }
    let interval = schedule.and_then(|schedule| interval(schedule, context));
    if interval.is_some_and(|interval| interval < SHORT_INTERVAL) {
        table.warn("catch_up", "may start many runs when the daemon starts: the schedule fires more than once a minute");
    }
}

/// From the next tick to the one after it.
fn interval(schedule: &Schedule, context: &Context<'_>) -> Option<Duration> {
    match schedule {
        Schedule::Every(every) => Some(every.interval),
        Schedule::Cron(cron) => {
            let first = cron.next_after(context.surroundings.now)?.at;
            let second = cron.next_after(first)?.at;
            second.duration_since(first).try_into().ok()
        }
    }
}

fn run_on_start(table: &Table<'_>) -> RunOnStart {
    let words = [("daemon", RunOnStart::Daemon), ("boot", RunOnStart::Boot)];
    if table.is_recorded() {
        table.choice("run_on_start", &words);
        table.switch("run_on_start");
    }
    let Some(entry) = table.entry("run_on_start") else {
        return RunOnStart::Never;
    };
    if entry.value.is_str() {
        return table.choice("run_on_start", &words).unwrap_or(RunOnStart::Never);
    }
    match entry.value.as_bool() {
        Some(true) => RunOnStart::Daemon,
        Some(false) => RunOnStart::Never,
        None => {
            let allowed = r#"use true, false, "daemon" or "boot""#;
            table.expected("run_on_start", entry, "boolean or string", allowed);
            RunOnStart::Never
        }
    }
}

/// `retry_delay` and `retry_backoff`.
pub(super) fn retry_waits(table: &Table<'_>) -> (Option<Duration>, Option<Backoff>) {
    let delay = table.duration("retry_delay");
    if delay.is_some_and(|delay| delay > RETRY_DELAY_LIMIT) {
        table.warn("retry_delay", "waits before retries are capped at 5 min");
    }
    (delay, backoff(table, "retry_backoff"))
}

fn after_failure(name: &str, table: &Table<'_>) -> AfterFailure {
    let attempts = table.number("retry_attempts", 0..=100);
    let (delay, backoff) = retry_waits(table);
    // A wrong number of attempts has been reported; what follows from it has not to be.
    if attempts == Some(0) || !table.has("retry_attempts") {
        for key in ["retry_delay", "retry_backoff"].into_iter().filter(|key| table.has(key)) {
            table.warn(key, format!("{key} has no effect with retry_attempts = 0"));
        }
    }
    if table.text_or_nothing("restart") == Some("always") {
        let path = key_part(name);
        let message = format!(
            "task {name:?} cannot have restart = \"always\"; use [services.{path}] instead"
        );
        table.entry("restart");
        table.error("restart", message);
    } else if table.choice("restart", &[("never", false), ("on_failure", true)]) == Some(true) {
        if attempts.is_some_and(|attempts| attempts > 0) {
            table.warn("restart", "restart wins over retry_attempts: retries are ignored");
        }
        return AfterFailure::Restart;
    }
    AfterFailure::Retry {
        attempts: u32::try_from(attempts.unwrap_or(0)).expect("at most 100"),
        delay: delay.unwrap_or(Duration::from_secs(5)),
        backoff: backoff.unwrap_or(Backoff::Constant),
    }
}
