//! Which day a run belongs to: the date of its creation in the zone of its task. Days of one
//! task are days as its schedule means them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::{Config, zone_named};
use crate::cron::Schedule;
use crate::model::job::JobName;

/// The zones of all tasks. Clones share them, and a reload changes them for all.
#[derive(Clone, Debug)]
pub(crate) struct Calendar(Arc<Mutex<Arc<Zones>>>);

#[derive(Debug)]
struct Zones {
    /// Only of tasks that have another one than `default`.
    of: HashMap<JobName, TimeZone>,
    default: TimeZone,
}

impl Calendar {
    pub(crate) fn new(default: TimeZone, of: HashMap<JobName, TimeZone>) -> Calendar {
        Calendar(Arc::new(Mutex::new(Arc::new(Zones { of, default }))))
    }

    /// From now on the zones are those of `other`.
    pub(crate) fn follow(&self, other: &Calendar) {
        let zones = other.zones();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = zones;
    }

    fn zones(&self) -> Arc<Zones> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The zones that the configuration names.
    pub(crate) fn of(config: &Config) -> Calendar {
        // Reading the configuration has found the zone before.
        let default = zone_named(&config.timezone).unwrap_or(TimeZone::UTC);
        let mut of = HashMap::new();
        for job in &config.jobs {
            match job.task().and_then(|task| task.schedule.as_deref()) {
                Some(Schedule::Cron(cron)) if *cron.zone() != default => {
                    of.insert(job.name.clone(), cron.zone().clone());
                }
                Some(Schedule::Cron(_) | Schedule::Every(_)) | None => {}
            }
        }
        Calendar::new(default, of)
    }

    /// The day of an instant as this task sees it. Jobs that are not configured see that of the
    /// configuration.
    pub(crate) fn date(&self, job: &JobName, instant: Timestamp) -> Date {
        self.zone(job.as_str()).to_datetime(instant).date()
    }

    /// The zone of a task, or that of the configuration.
    pub(crate) fn zone(&self, job: &str) -> TimeZone {
        let zones = self.zones();
        zones.of.get(job).unwrap_or(&zones.default).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_has_the_days_of_its_own_zone() {
        let zone = |hours| jiff::tz::offset(hours).to_time_zone();
        let of = HashMap::from([(JobName::new("tokyo"), zone(9))]);
        let calendar = Calendar::new(zone(-5), of);
        let late = "2026-05-07T23:30:00Z".parse().unwrap();
        let early = "2026-05-08T00:30:00Z".parse().unwrap();
        let date = |job: &str, at| calendar.date(&JobName::new(job), at).to_string();
        assert_eq!(
            [date("tokyo", late), date("tokyo", early), date("other", late), date("other", early)],
            ["2026-05-08", "2026-05-08", "2026-05-07", "2026-05-07"]
        );
    }
}
