//! `runwisp next`: when a schedule ticks, and what a change of the clocks does to it.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::base::suggest;
use crate::cli::args::{NextArgs, Output};
use crate::cli::globals::Globals;
use crate::cli::{Failure, Outcome, document};
use crate::config;
use crate::cron::{Schedule, Tick, TickNote, split_zone};
use crate::model::job::{Job, Work};

pub(crate) fn run(globals: &Globals, args: &NextArgs, now: Timestamp) -> Result<Outcome, Failure> {
    let is_expression = args.what.starts_with('@') || args.what.contains([' ', '\t']);
    let (schedule, zone) = match is_expression {
        true => of_expression(&args.what, args.timezone.as_deref())?,
        false => of_task(globals, args, now)?,
    };
    let from = args.from.unwrap_or(now);
    if schedule.never_fires(from) {
        return Err(Failure::Error(format!("{:?} can never fire", schedule.text())));
    }
    let lines: Vec<Line> =
        ticks(&schedule, from, args.count as usize).map(|tick| Line::of(tick, &zone)).collect();
    Ok(Outcome::success(match args.output {
        Output::Human => lines.iter().map(Line::text).collect(),
        Output::Json => document(&Answer {
            schema_version: 1,
            schedule: schedule.text(),
            timezone: zone.iana_name().unwrap_or("Local"),
            ticks: &lines,
        }),
    }))
}

fn of_expression(text: &str, flag: Option<&str>) -> Result<(Schedule, TimeZone), Failure> {
    let name = match (split_zone(text).0, flag) {
        (Some(_), Some(_)) => {
            let message = "the expression names a zone of its own: drop --timezone or its prefix";
            return Err(Failure::Error(message.to_owned()));
        }
        (Some(name), None) | (None, Some(name)) => name,
        (None, None) => "UTC",
    };
    let zone = config::zone_named(name).map_err(Failure::Error)?;
    let schedule = Schedule::parse(text, zone.clone(), name);
    let schedule = schedule.map_err(|error| Failure::Error(format!("{text:?}: {error}")))?;
    Ok((schedule, zone))
}

fn of_task(
    globals: &Globals,
    args: &NextArgs,
    now: Timestamp,
) -> Result<(Schedule, TimeZone), Failure> {
    let name = &args.what;
    if args.timezone.is_some() {
        let message =
            format!("--timezone goes with an expression; the task {name:?} has its own zone");
        return Err(Failure::Error(message));
    }
    let config = config::load(&globals.config.path, now)?;
    let Some(job) = config.jobs.iter().find(|job| job.name.as_str() == name) else {
        return Err(Failure::Error(unknown_task(name, &config.jobs)));
    };
    let schedule = match &job.work {
        Work::Service(_) => {
            Err(format!("{name:?} is a service: it always runs and has no schedule"))
        }
        Work::Task(task) => {
            task.schedule.as_deref().cloned().ok_or(format!("the task {name:?} has no schedule"))
        }
    };
    let schedule = schedule.map_err(Failure::Error)?;
    let zone = match &schedule {
        Schedule::Cron(cron) => cron.zone().clone(),
        Schedule::Every(_) => config::zone_named(&config.timezone).unwrap_or(TimeZone::UTC),
    };
    Ok((schedule, zone))
}

/// The message about a name that the configuration does not have, with the nearest one it has.
pub(crate) fn unknown_task(name: &str, jobs: &[Arc<Job>]) -> String {
    let near = suggest::nearest(name, jobs.iter().map(|job| job.name.as_str()));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    format!("unknown task {name:?}{hint}")
}

/// The ticks strictly after `from`, those that do not fire among them.
fn ticks(schedule: &Schedule, from: Timestamp, count: usize) -> impl Iterator<Item = Tick> {
    let after = |last: Timestamp| match schedule {
        Schedule::Cron(cron) => cron.next_after(last),
        Schedule::Every(every) => {
            let interval = SignedDuration::try_from(every.interval).ok()?;
            Some(Tick { at: last.checked_add(interval).ok()?, note: TickNote::Plain })
        }
    };
    std::iter::successors(after(from), move |tick| after(tick.at)).take(count)
}

/// One tick as it is shown.
#[derive(Serialize)]
struct Line {
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    fires: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    schema_version: u32,
    schedule: &'a str,
    timezone: &'a str,
    ticks: &'a [Line],
}

impl Line {
    fn of(tick: Tick, zone: &TimeZone) -> Line {
        let at = tick.at.to_zoned(zone.clone());
        let local = at.datetime();
        let clock = |time: jiff::civil::Time| match time.second() {
            0 => time.strftime("%H:%M").to_string(),
            _ => time.strftime("%H:%M:%S").to_string(),
        };
        let time = clock(local.time());
        let note = match tick.note {
            TickNote::Plain => None,
            TickNote::AfterGap { wanted } => {
                let skipped = match wanted.date() == local.date() {
                    true => format!("{} does not exist that day", clock(wanted.time())),
                    false => format!("{} {} does not exist", wanted.date(), clock(wanted.time())),
                };
                Some(format!("{skipped} (clocks go forward); runs once at the end of the gap"))
            }
            TickNote::SecondPass => {
                Some(format!("{time} comes twice that day (clocks go back); runs both times"))
            }
            TickNote::Suppressed => Some(format!(
                "{time} comes twice that day (clocks go back); not run the second time"
            )),
        };
        let at = at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        Line { at, note, fires: tick.note != TickNote::Suppressed }
    }

    fn text(&self) -> String {
        match &self.note {
            None => format!("{}\n", self.at),
            Some(note) => format!("{}  {note}\n", self.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Exit;
    use crate::cli::args::{self, Command, Invocation};
    use crate::cli::globals::Surroundings;

    /// The arguments of `next` apart by `|`.
    fn answer(arguments: &str) -> Result<String, Failure> {
        let around = Surroundings { env: &|_| None, is_root: false, has_local_config: false };
        let argv = ["next"].into_iter().chain(arguments.split('|')).map(Into::into).collect();
        let Ok(Invocation::Run(globals, Command::Next(args))) = args::parse(argv, &around) else {
            panic!("{arguments}");
        };
        let outcome = run(&globals, &args, "2026-01-01T00:00:00Z".parse().unwrap())?;
        assert_eq!((outcome.exit, outcome.stderr.as_str()), (Exit::Success, ""));
        Ok(outcome.stdout)
    }

    #[test]
    fn ticks_are_shown_in_their_zone_with_what_the_clocks_do_to_them() {
        for (arguments, expected) in [
            ("30 9 */2 * 2|-n|2", "2026-01-13T09:30:00+00:00\n2026-01-27T09:30:00+00:00\n"),
            (
                "30 2 * * *|-z|Europe/Prague|--from|2026-03-28T02:00:00+01:00|-n|3",
                "2026-03-28T02:30:00+01:00\n\
                 2026-03-29T03:00:00+02:00  02:30 does not exist that day (clocks go forward); runs once at the end of the gap\n\
                 2026-03-30T02:30:00+02:00\n",
            ),
            (
                "TZ=Europe/Prague 30 2 * * *|--from|2026-10-25T00:00:00+02:00|-n|3",
                "2026-10-25T02:30:00+02:00\n\
                 2026-10-25T02:30:00+01:00  02:30 comes twice that day (clocks go back); not run the second time\n\
                 2026-10-26T02:30:00+01:00\n",
            ),
            (
                "30 * * * *|-z|Europe/Prague|--from|2026-10-25T00:00:00Z|-n|2",
                "2026-10-25T02:30:00+02:00\n\
                 2026-10-25T02:30:00+01:00  02:30 comes twice that day (clocks go back); runs both times\n",
            ),
            ("@every 90s|-n|2", "2026-01-01T00:01:30+00:00\n2026-01-01T00:03:00+00:00\n"),
            (
                "0 12 30 12 *|-z|Pacific/Apia|--from|2011-12-29T00:00:00Z|-n|1",
                "2011-12-31T00:00:00+14:00  2011-12-30 12:00 does not exist (clocks go forward); runs once at the end of the gap\n",
            ),
        ] {
            assert_eq!(answer(arguments), Ok(expected.to_owned()), "{arguments}");
        }
    }

    #[test]
    fn json_says_which_ticks_fire() {
        let text = answer("30 2 * * *|-z|Europe/Prague|--from|2026-10-25T00:00:00Z|-n|2|--json");
        let value: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
        assert_eq!(
            (&value["schema_version"], &value["timezone"]),
            (&1.into(), &"Europe/Prague".into())
        );
        assert_eq!(value["schedule"], "30 2 * * *");
        let tick = |index: usize| {
            (value["ticks"][index]["at"].clone(), value["ticks"][index]["fires"].clone())
        };
        assert_eq!(tick(0), ("2026-10-25T02:30:00+02:00".into(), true.into()));
        assert_eq!(tick(1), ("2026-10-25T02:30:00+01:00".into(), false.into()));
        assert!(value["ticks"][0].get("note").is_none() && value["ticks"][1]["note"].is_string());
    }

    #[test]
    fn what_has_no_ticks_is_refused() {
        for (arguments, expected) in [
            ("0 0 30 2 *", "\"0 0 30 2 *\" can never fire"),
            ("* * * * *|-z|europe/prague", "\"europe/prague\" is not a valid IANA timezone"),
            ("TZ=UTC * * * * *|-z|UTC", "the expression names a zone of its own"),
            ("a * * * *", "\"a * * * *\": "),
            ("backup|-z|UTC", "--timezone goes with an expression"),
            ("backup|-c|/nonexistent.toml", "config file not found: /nonexistent.toml"),
        ] {
            let Err(Failure::Error(message)) = answer(arguments) else { panic!("{arguments}") };
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
