//! Ticks that passed while nobody was there to fire them (docs/running.md, Catch-up).

use jiff::Timestamp;

use crate::base::time::Moment;
use crate::cron::{Cron, Schedule, TickNote};
use crate::engine::Engine;
use crate::engine::ticks::Ticking;
use crate::model::decision::{Decision, What};
use crate::model::event::{Event, Missed};
use crate::model::job::{CatchUp, Task};
use crate::model::run::{EndReason, Trigger};

/// docs/running.md, Catch-up: counting stops here, or at the cap of `catch_up = "all"`.
const COUNTED: usize = 1000;

impl Engine {
    /// Settles everything up to now: one `missed` row, and the runs that `catch_up` asks for.
    /// Returns how many runs it submitted.
    pub(super) fn catch_up(&mut self, now: Moment, lane: usize) -> usize {
        let ticking = self.lanes[lane].ticking.as_ref().filter(|ticking| !ticking.is_off());
        let Some(ticking) = ticking else { return 0 };
        let task = self.lanes[lane].job.task().expect("only tasks have a schedule").clone();
        let Some(missed) = missed(ticking, now.wall, COUNTED.max(cap(&task))) else { return 0 };
        let started = missed.count.min(cap(&task));
        let message = describe(ticking.schedule(), missed, started);
        let settled = if missed.cut { now.wall } else { missed.last };
        let mut run = self.new_run(now, lane, Trigger::Cron);
        run.created_at = settled;
        let decision = Decision::new(Some(run.job.clone()), now.wall, What::Missed);
        self.decide(Decision {
            tick: Some(missed.first),
            until: Some(missed.last),
            run: Some(run.id),
            detail: message.clone(),
            ..decision
        });
        self.insert_ended(now, run, EndReason::Missed, &message);
        self.lanes[lane].ticking.as_mut().expect("seen above").anchor = settled;
        self.save_anchor(lane);
        for _ in 0..started {
            self.submit(now, lane, Trigger::Cron);
        }
        let job = self.lanes[lane].job.name.clone();
        self.publish_after(Event::TicksMissed { job, missed, started });
        started
    }
}

fn cap(task: &Task) -> usize {
    match task.catch_up {
        CatchUp::Skip => 0,
        CatchUp::Latest => 1,
        CatchUp::All { cap } => cap,
    }
}

/// Ticks after the anchor, up to and including `wall`. Those that the end of daylight saving
/// time suppresses are none.
fn missed(ticking: &Ticking, wall: Timestamp, limit: usize) -> Option<Missed> {
    match ticking.schedule() {
        Schedule::Cron(cron) => missed_of_cron(cron, ticking.anchor, wall, limit),
        Schedule::Every(every) => {
            let passed = wall.duration_since(ticking.anchor).as_nanos();
            let interval = i128::try_from(every.interval.as_nanos()).unwrap_or(i128::MAX);
            let count = usize::try_from(passed / interval).ok().filter(|count| *count > 0)?;
            let last = ticking
                .anchor
                .checked_add(every.interval.saturating_mul(count as u32))
                .unwrap_or(wall);
            let first = ticking.anchor.checked_add(every.interval).unwrap_or(wall);
            Some(Missed { count, cut: false, first, last })
        }
    }
}

fn missed_of_cron(cron: &Cron, anchor: Timestamp, wall: Timestamp, limit: usize) -> Option<Missed> {
    let mut found: Option<Missed> = None;
    let mut after = anchor;
    while let Some(tick) = cron.next_after(after).filter(|tick| tick.at <= wall) {
        after = tick.at;
        if tick.note == TickNote::Suppressed {
            continue;
        }
        let counted =
            found.get_or_insert(Missed { count: 0, cut: false, first: tick.at, last: tick.at });
        if counted.count == limit {
            counted.cut = true;
            break;
        }
        counted.count += 1;
        counted.last = tick.at;
    }
    found
}

fn describe(schedule: &Schedule, missed: Missed, started: usize) -> String {
    let first = match schedule {
        Schedule::Cron(cron) => missed.first.to_zoned(cron.zone().clone()),
        Schedule::Every(_) => missed.first.to_zoned(jiff::tz::TimeZone::UTC),
    };
    let at_least = if missed.cut { "at least " } else { "" };
    let more = if missed.cut { "+" } else { "" };
    let runs = if missed.count == 1 { "run" } else { "runs" };
    let since = first.strftime("%Y-%m-%d %H:%M");
    let mut text =
        format!("{at_least}{}{more} scheduled {runs} missed since {since}", missed.count);
    if started > 0 && (started < missed.count || missed.cut) {
        text.push_str(&format!("; catch_up starts {started}"));
    }
    text
}
