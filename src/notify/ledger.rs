//! What alerts come to: rows of the feed, messages for channels, or nothing yet. Pure; the thread
//! `notify` makes it durable (docs/notifications.md).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::base::order;
use crate::base::time::to_millis;
use crate::base::ulid::Ulids;
use crate::model::alert::{Alert, Delivery, Detail, FAILURES, Kind, More};
use crate::model::change::Tell;
use crate::model::job::Job;
use crate::model::notice::{Entry, Trouble, Window};
use crate::model::notifier::{IN_APP, JobAlerts, Notify};
use crate::model::run::RunId;
use crate::notify::coalesce::{self, Step};
use crate::notify::policy::{self, Verdict};
use crate::notify::route;

/// Puts alerts into words; what takes a disk is asked for once, for what is really told.
pub(crate) trait Words {
    /// The last lines of the run's output.
    fn tail(&self, alert: &Alert) -> String;
    /// Title and body of a row of the feed.
    fn feed(&self, alert: &Alert, tail: &str) -> (String, String);
    /// What a message about it begins with.
    fn title(&self, alert: &Alert) -> String;
}

/// Everything that decides what an alert comes to.
pub(crate) struct Ledger {
    notify: Arc<Notify>,
    jobs: HashMap<String, Arc<JobAlerts>>,
    ids: Ulids,
    /// By channel and by what makes alerts one.
    windows: BTreeMap<(String, String), Window>,
    troubles: HashMap<String, Trouble>,
    /// Until when nobody wants to hear of a job.
    pub(crate) mutes: HashMap<String, Timestamp>,
    /// Messages that wait for each channel.
    pub(crate) waiting: HashMap<String, u64>,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// In one transaction.
    pub(crate) tells: Vec<Tell>,
    /// Fingerprints of what is new in the feed, and how many came to each.
    pub(crate) feed: Vec<(String, u64)>,
    /// Channels that have something to do.
    pub(crate) wake: BTreeSet<String>,
    /// Messages that found their channel's queue full.
    pub(crate) dropped: u64,
}

/// A plan that is being made.
struct Draft<'a> {
    now: Timestamp,
    words: &'a dyn Words,
    plan: Plan,
    /// With the newest alert of each.
    entries: Vec<(Entry, Alert)>,
    /// Windows that were changed.
    touched: BTreeSet<(String, String)>,
    /// Of runs that were asked for: a message and its row of the feed have the same.
    tails: HashMap<(RunId, Kind), String>,
}

impl Ledger {
    pub(crate) fn new(
        notify: Arc<Notify>,
        jobs: &[Arc<Job>],
        windows: Vec<(String, String, Window)>,
        troubles: Vec<(String, Trouble)>,
        seed: u64,
    ) -> Ledger {
        let of = |job: &Arc<Job>| (job.name.to_string(), Arc::clone(&job.alerts));
        let windows = windows.into_iter().map(|(channel, key, window)| ((channel, key), window));
        Ledger {
            notify,
            jobs: jobs.iter().map(of).collect(),
            ids: Ulids::new(seed),
            windows: order::map(windows),
            troubles: troubles.into_iter().collect(),
            mutes: HashMap::new(),
            waiting: HashMap::new(),
        }
    }

    /// Whether it decides by these rules.
    pub(crate) fn is_by(&self, notify: &Notify) -> bool {
        *self.notify == *notify
    }

    /// Other jobs are configured now.
    pub(crate) fn follow(&mut self, jobs: &[Arc<Job>]) {
        let of = |job: &Arc<Job>| (job.name.to_string(), Arc::clone(&job.alerts));
        self.jobs = jobs.iter().map(of).collect();
    }

    /// Decides about the next alerts, in their order; `None` is one that cannot be read.
    pub(crate) fn take(
        &mut self,
        now: Timestamp,
        alerts: Vec<(i64, Option<Alert>)>,
        words: &dyn Words,
    ) -> Plan {
        let mut draft = Draft::new(now, words);
        self.end_windows_into(&mut draft);
        let mut changed = BTreeSet::new();
        for (number, alert) in alerts {
            draft.plan.tells.push(Tell::Heard(number));
            let Some(alert) = alert else { continue };
            let mut trouble = self.troubles.remove(&alert.job);
            let was_there = trouble.is_some();
            let after = self.jobs.get(&alert.job).map(|job| job.after).unwrap_or_default();
            let verdict = policy::judge(&mut trouble, after, &alert);
            if was_there || trouble.is_some() {
                changed.insert(alert.job.clone());
            }
            trouble.into_iter().for_each(|it| drop(self.troubles.insert(alert.job.clone(), it)));
            match verdict {
                Verdict::Wait => {}
                Verdict::Tell => self.tell(&mut draft, &alert, false, &[]),
                Verdict::TellAtOnce => self.tell(&mut draft, &alert, true, &[]),
                Verdict::Recovered { failures, since } => {
                    let detail = Detail::Recovered { failures, since };
                    let over = Alert { kind: Kind::RunRecovered, detail, ..alert.clone() };
                    self.forget_failures(&mut draft, &over);
                    let told = self.channels(&over);
                    self.tell(&mut draft, &over, false, &[]);
                    self.tell(&mut draft, &alert, false, &told);
                }
            }
        }
        for job in changed {
            let trouble = self.troubles.get(&job).cloned().map(Box::new);
            draft.plan.tells.push(Tell::Trouble { job, trouble });
        }
        self.finish(draft)
    }

    /// Sends what was held in windows that are over.
    pub(crate) fn end_windows(&mut self, now: Timestamp, words: &dyn Words) -> Plan {
        let mut draft = Draft::new(now, words);
        self.end_windows_into(&mut draft);
        self.finish(draft)
    }

    /// Sends everything that is held: nobody knows when the next daemon starts.
    pub(crate) fn let_go(&mut self, now: Timestamp, words: &dyn Words) -> Plan {
        let mut draft = Draft::new(now, words);
        let held = self.windows.iter().filter(|(_, window)| window.count > 0);
        let held: Vec<_> = held.map(|(place, _)| place.clone()).collect();
        held.into_iter().for_each(|place| self.end_window(&mut draft, place));
        self.finish(draft)
    }

    /// How long until the next window is over.
    pub(crate) fn patience(&self, now: Timestamp) -> Option<std::time::Duration> {
        let settings = &self.notify.settings;
        let left = |window| coalesce::left(window, settings, now).unwrap_or_default();
        self.windows.values().map(left).min()
    }

    /// Jobs and channels that something is kept of and that are no longer there.
    pub(crate) fn forget(&mut self, knows: impl Fn(&str) -> bool) -> Vec<Tell> {
        let gone: Vec<String> =
            self.troubles.keys().filter(|job| !self.jobs.contains_key(*job)).cloned().collect();
        gone.iter().for_each(|job| drop(self.troubles.remove(job)));
        let left = self.windows.keys().filter(|(channel, _)| !knows(channel));
        let closed: Vec<(String, String)> = left.cloned().collect();
        closed.iter().for_each(|place| drop(self.windows.remove(place)));
        let jobs = gone.into_iter().map(|job| Tell::Trouble { job, trouble: None });
        let windows =
            closed.into_iter().map(|(channel, key)| Tell::Hold { channel, key, window: None });
        jobs.chain(windows).collect()
    }

    fn channels(&self, alert: &Alert) -> Vec<String> {
        let job = self.jobs.get(&alert.job).map(|job| &**job);
        let channels = route::channels(&self.notify, job, alert);
        channels.iter().map(|token| token.as_str().to_owned()).collect()
    }

    /// Brings an alert to its channels, but for those that were told already.
    fn tell(&mut self, draft: &mut Draft<'_>, alert: &Alert, at_once: bool, told: &[String]) {
        let is_muted = self.mutes.get(&alert.job).is_some_and(|until| draft.now < *until);
        let channels = self.channels(alert);
        for channel in channels.into_iter().filter(|channel| !told.contains(channel)) {
            if channel == IN_APP {
                self.enter(draft, alert, is_muted);
            } else if !is_muted {
                self.pass_on(draft, channel, alert, at_once);
            }
        }
    }

    fn enter(&mut self, draft: &mut Draft<'_>, alert: &Alert, is_muted: bool) {
        let settings = &self.notify.settings;
        let fingerprint = fingerprint(&alert.dedup_key());
        let is_same = |(entry, _): &&mut (Entry, Alert)| entry.fingerprint == fingerprint;
        let known = draft.entries.iter_mut().find(is_same);
        if let Some((entry, newest)) = known.filter(|_| !settings.coalesce_window.is_zero()) {
            entry.count += 1;
            entry.times.insert(0, alert.at);
            entry.times.truncate(entry.ring);
            (entry.job, entry.run) = (alert.job.clone(), alert.run.as_ref().map(|run| run.id));
            *newest = alert.clone();
            return;
        }
        let entry = Entry {
            id: self.ids.next(draft.now),
            fingerprint,
            kind: alert.kind,
            job: alert.job.clone(),
            run: alert.run.as_ref().map(|run| run.id),
            title: String::new(),
            body: String::new(),
            count: 1,
            times: vec![to_millis(alert.at)],
            read_at: is_muted.then_some(draft.now),
            window: settings.coalesce_window,
            ring: settings.occurrence_ring,
        };
        draft.entries.push((entry, alert.clone()));
    }

    fn pass_on(&mut self, draft: &mut Draft<'_>, channel: String, alert: &Alert, at_once: bool) {
        let place = (channel, alert.dedup_key());
        let mut window = self.windows.remove(&place);
        let settings = &self.notify.settings;
        let step = coalesce::arrive(&mut window, settings, draft.now, alert, at_once);
        window.into_iter().for_each(|it| drop(self.windows.insert(place.clone(), it)));
        let channel = place.0.clone();
        draft.touched.insert(place);
        if let Step::Send(more) = step {
            self.queue(draft, channel, alert.clone(), more);
        }
    }

    fn queue(&mut self, draft: &mut Draft<'_>, channel: String, alert: Alert, more: More) {
        let waiting = self.waiting.entry(channel.clone()).or_default();
        if *waiting >= self.notify.settings.queue_size as u64 {
            draft.plan.dropped += 1;
            let error = format!("{waiting} messages wait already, and queue_size is reached");
            let title = draft.words.title(&alert);
            if let Some(lost) = alert.undelivered(alert.at, &channel, title, error) {
                self.enter(draft, &lost, false);
            }
            return;
        }
        *waiting += 1;
        let tail = draft.tail(&alert);
        let delivery =
            Delivery { id: self.ids.next(draft.now), channel: channel.clone(), alert, tail, more };
        draft.plan.tells.push(Tell::Queue { delivery: Box::new(delivery), at: draft.now });
        draft.plan.wake.insert(channel);
    }

    /// What was held of the failures of a job that is well again is part of that message. A job
    /// that was well only just now keeps its windows: it would alert with every turn.
    fn forget_failures(&mut self, draft: &mut Draft<'_>, over: &Alert) {
        let recovered = over.dedup_key();
        let is_failure = |key: &str| {
            let kind = key.split('\n').nth(1).unwrap_or_default();
            FAILURES.iter().any(|failure| failure.as_str() == kind)
        };
        let places = self.windows.iter().filter(|(_, window)| window.job == over.job);
        let places: Vec<_> = places.map(|(place, _)| place.clone()).collect();
        for place in places.into_iter().filter(|(_, key)| is_failure(key)) {
            if !self.windows.contains_key(&(place.0.clone(), recovered.clone())) {
                self.windows.remove(&place);
                draft.touched.insert(place);
            }
        }
    }

    fn end_windows_into(&mut self, draft: &mut Draft<'_>) {
        let settings = &self.notify.settings;
        let is_over = |window: &Window| coalesce::left(window, settings, draft.now).is_none();
        let over = self.windows.iter().filter(|(_, window)| is_over(window));
        let over: Vec<_> = over.map(|(place, _)| place.clone()).collect();
        over.into_iter().for_each(|place| self.end_window(draft, place));
    }

    fn end_window(&mut self, draft: &mut Draft<'_>, place: (String, String)) {
        let Some(window) = self.windows.remove(&place) else { return };
        let channel = place.0.clone();
        draft.touched.insert(place);
        if let Some((alert, more)) = coalesce::end(window, &self.notify.settings) {
            self.queue(draft, channel, alert, more);
        }
    }

    fn finish(&mut self, mut draft: Draft<'_>) -> Plan {
        for (mut entry, alert) in std::mem::take(&mut draft.entries) {
            let tail = draft.tail(&alert);
            (entry.title, entry.body) = draft.words.feed(&alert, &tail);
            draft.plan.feed.push((entry.fingerprint.clone(), entry.count));
            draft.plan.tells.push(Tell::Feed(Box::new(entry)));
        }
        for (channel, key) in draft.touched {
            let window = self.windows.get(&(channel.clone(), key.clone()));
            let window = window.cloned().map(Box::new);
            draft.plan.tells.push(Tell::Hold { channel, key, window });
        }
        draft.plan
    }
}

impl<'a> Draft<'a> {
    fn new(now: Timestamp, words: &'a dyn Words) -> Draft<'a> {
        let (plan, now) = (Plan::default(), to_millis(now));
        let (entries, touched, tails) = (Vec::new(), BTreeSet::new(), HashMap::new());
        Draft { now, words, plan, entries, touched, tails }
    }

    fn tail(&mut self, alert: &Alert) -> String {
        let Some(run) = &alert.run else { return String::new() };
        self.tails.entry((run.id, alert.kind)).or_insert_with(|| self.words.tail(alert)).clone()
    }
}

fn fingerprint(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
