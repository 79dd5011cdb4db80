//! How busy the host is: the thread `sampler` takes one sample a minute for the last day and, as
//! long as somebody looks, one every 2 s for the last 10 minutes. While nobody looks it wakes up
//! once a minute and not more (docs/api.md, Host).

mod proc;

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use crate::base::order;
use crate::base::time::{Clock, Moment};
use crate::inbox::Inbox;
use crate::threads;
use proc::{Memory, Ticks};

/// Between two samples while somebody looks.
pub(crate) const FAST: Duration = Duration::from_secs(2);
/// 10 minutes of fast samples; in seconds too, because nobody may have looked for a while.
const FAST_KEPT: usize = 300;
const FAST_AGE: i64 = 600;
const SLOW: Duration = Duration::from_secs(60);
/// Of [`Window::Hour`], in seconds.
const HOUR: i64 = 3600;
/// 24 hours of slow samples.
const SLOW_KEPT: usize = 1440;
/// How long somebody who asked once counts as looking.
const INTEREST: Duration = Duration::from_secs(30);

/// The host at one time, as the API shows it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Sample {
    /// Seconds since 1970.
    pub(crate) ts: i64,
    /// Percent of all processors since the sample before; 0 in the first one.
    pub(crate) cpu: f64,
    /// Percent of the memory.
    pub(crate) mem: f64,
    /// Bytes.
    pub(crate) mem_used: u64,
    /// Bytes.
    pub(crate) mem_total: u64,
}

/// What is kept of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// Fast samples of the last 10 minutes, as far as somebody looked.
    TenMinutes,
    /// Both kinds of the last hour, oldest first.
    Hour,
    /// One sample a minute.
    Day,
    /// Both, oldest first.
    Both,
}

/// The way to the samples. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Sampler(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    cores: usize,
    /// Locked to put a sample in or to copy some out; /proc is read outside.
    state: Mutex<State>,
    /// Somebody has begun to look, there is a new sample, or the daemon stops.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    fast: VecDeque<Sample>,
    slow: VecDeque<Sample>,
    newest: Reading,
    /// What the next slow sample is measured against.
    minute: Reading,
    /// How many hold a [`Look`].
    looking: usize,
    /// Who asked once counts until then, on the steady clock.
    interest_until: Duration,
    closed: bool,
}

/// What /proc said at one time.
#[derive(Clone, Copy, Debug)]
struct Reading {
    at: Moment,
    /// `None` where the file cannot be read.
    ticks: Option<Ticks>,
    memory: Option<Memory>,
    /// Since the reading before this one.
    cpu: f64,
}

/// Somebody looks as long as this lives.
#[derive(Debug)]
pub(crate) struct Look(Sampler);

/// Starts the thread; it ends after [`Sampler::close`].
pub(crate) fn start(clock: Clock, inbox: Inbox) -> io::Result<(Sampler, JoinHandle<()>)> {
    let cores = proc::cores(&fs::read_to_string("/proc/stat").unwrap_or_default());
    let state = Mutex::new(State::new(Reading::take(&clock)));
    let sampler = Sampler(Arc::new(Shared { clock, cores, state, changed: Condvar::new() }));
    let own = sampler.clone();
    let thread = threads::spawn_vital("sampler", inbox, move || {
        own.work();
        Ok(())
    })?;
    Ok((sampler, thread))
}

impl Sampler {
    /// How many processors the host has.
    pub(crate) fn cores(&self) -> usize {
        self.0.cores
    }

    /// The newest sample, 2 s old at most; whoever asks counts as looking for 30 s.
    pub(crate) fn now(&self) -> Sample {
        let mut state = self.lock();
        state.interest_until = self.0.clock.now().steady + INTEREST;
        self.fresh(state)
    }

    /// The newest sample, a minute old at most. Asking does not count as looking.
    pub(crate) fn newest(&self) -> Sample {
        self.lock().newest.sample()
    }

    /// The newest sample; the thread takes one at once when it is too old.
    fn fresh(&self, mut state: MutexGuard<'_, State>) -> Sample {
        let now = self.0.clock.now().steady;
        let is_old = |state: &mut State| !state.closed && state.newest.at.steady + FAST <= now;
        if is_old(&mut state) {
            self.0.changed.notify_all();
        }
        let (state, _) = self
            .0
            .changed
            .wait_timeout_while(state, FAST, is_old)
            .unwrap_or_else(PoisonError::into_inner);
        state.newest.sample()
    }

    /// What is kept, oldest first. Asking counts as looking, as in [`Sampler::now`].
    pub(crate) fn history(&self, window: Window) -> Vec<Sample> {
        self.now();
        let mut samples = self.lock().kept(window);
        order::sort_by_key(&mut samples, |sample| sample.ts);
        samples
    }

    /// Looks for as long as the result lives.
    pub(crate) fn look(&self) -> Look {
        self.lock().looking += 1;
        self.0.changed.notify_all();
        Look(self.clone())
    }

    /// Ends the thread.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.0.changed.notify_all();
    }

    fn work(&self) {
        let mut state = self.lock();
        while !state.closed {
            let now = self.0.clock.now();
            let wait = state.due(now).saturating_sub(now.steady);
            if wait.is_zero() {
                drop(state);
                let reading = Reading::take(&self.0.clock);
                state = self.lock();
                state.keep(reading);
                self.0.changed.notify_all();
                continue;
            }
            (state, _) =
                self.0.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock, so a state that was left is whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Look {
    /// The newest sample, 2 s old at most.
    pub(crate) fn now(&self) -> Sample {
        self.0.fresh(self.0.lock())
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        // The thread notices at its next sample.
        self.0.lock().looking -= 1;
    }
}

impl State {
    fn new(first: Reading) -> State {
        State {
            fast: VecDeque::new(),
            slow: VecDeque::from([first.sample()]),
            newest: first,
            minute: first,
            looking: 0,
            interest_until: Duration::ZERO,
            closed: false,
        }
    }

    fn is_looked_at(&self, now: Moment) -> bool {
        self.looking > 0 || now.steady < self.interest_until
    }

    /// When the thread takes its next sample, on the steady clock.
    fn due(&self, now: Moment) -> Duration {
        let slow = self.minute.at.steady + SLOW;
        match self.is_looked_at(now) {
            true => slow.min(self.newest.at.steady + FAST),
            false => slow,
        }
    }

    /// What there is of a window; the two kinds stand one after the other.
    fn kept(&self, window: Window) -> Vec<Sample> {
        let both = self.slow.iter().chain(&self.fast).copied();
        let before = self.newest.at.wall.as_second() - HOUR;
        match window {
            Window::TenMinutes => self.fast.iter().copied().collect(),
            Window::Hour => both.filter(|sample| sample.ts > before).collect(),
            Window::Day => self.slow.iter().copied().collect(),
            Window::Both => both.collect(),
        }
    }

    fn keep(&mut self, reading: Reading) {
        self.newest = reading.since(self.newest);
        if self.is_looked_at(reading.at) {
            let sample = self.newest.sample();
            // Those of an earlier look are older than that.
            self.fast.retain(|earlier| earlier.ts > sample.ts - FAST_AGE);
            push(&mut self.fast, FAST_KEPT, sample);
        }
        if reading.at.steady >= self.minute.at.steady + SLOW {
            self.minute = reading.since(self.minute);
            push(&mut self.slow, SLOW_KEPT, self.minute.sample());
        }
    }
}

fn push(ring: &mut VecDeque<Sample>, kept: usize, sample: Sample) {
    if ring.len() == kept {
        ring.pop_front();
    }
    ring.push_back(sample);
}

impl Reading {
    fn take(clock: &Clock) -> Reading {
        let read = |path| fs::read_to_string(path).ok();
        Reading {
            at: clock.now(),
            ticks: read("/proc/stat").and_then(|stat| Ticks::parse(&stat)),
            memory: read("/proc/meminfo").and_then(|meminfo| Memory::parse(&meminfo)),
            cpu: 0.0,
        }
    }

    /// The same reading with the use of the processors since `earlier`; where that cannot be told,
    /// what was told then.
    fn since(self, earlier: Reading) -> Reading {
        let usage = self.ticks.zip(earlier.ticks).and_then(|(now, then)| now.usage_since(then));
        Reading { cpu: usage.unwrap_or(earlier.cpu), ..self }
    }

    fn sample(self) -> Sample {
        let memory = self.memory.unwrap_or(Memory { total: 0, used: 0 });
        Sample {
            ts: self.at.wall.as_second(),
            cpu: self.cpu,
            mem: memory.usage(),
            mem_used: memory.used,
            mem_total: memory.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn reading(seconds: u64, busy: u64) -> Reading {
        let wall = jiff::Timestamp::from_second(1_700_000_000).unwrap();
        let steady = Duration::from_secs(seconds);
        let idle = seconds * 100 - busy;
        Reading {
            at: Moment { wall: wall + steady, steady },
            ticks: Ticks::parse(&format!("cpu  {busy} 0 0 {idle}")),
            memory: Memory::parse("MemTotal: 4 kB\nMemAvailable: 1 kB"),
            cpu: 0.0,
        }
    }

    fn state() -> State {
        State::new(reading(0, 0))
    }

    #[test]
    fn while_nobody_looks_there_is_one_sample_a_minute() {
        let mut state = state();
        assert_eq!(state.due(reading(0, 0).at), SLOW);
        state.keep(reading(60, 1500));
        assert_eq!(state.due(reading(60, 0).at), 2 * SLOW);
        assert_eq!(state.fast, []);
        let expected =
            Sample { ts: 1_700_000_060, cpu: 25.0, mem: 75.0, mem_used: 3072, mem_total: 4096 };
        assert_eq!(state.slow, [Sample { ts: 1_700_000_000, cpu: 0.0, ..expected }, expected]);
    }

    #[test]
    fn who_looks_gets_one_every_two_seconds_beside_those_of_the_minutes() {
        let mut state = state();
        state.looking = 1;
        for seconds in (2..=120).step_by(2) {
            assert_eq!(state.due(reading(seconds - 2, 0).at), Duration::from_secs(seconds));
            // Busy in the second minute only.
            state.keep(reading(seconds, seconds.saturating_sub(60) * 50));
        }
        assert_eq!(state.fast.len(), 60);
        assert_eq!(state.fast.iter().map(|sample| sample.cpu).sum::<f64>(), 30.0 * 50.0);
        assert_eq!(
            state.slow.iter().map(|sample| sample.cpu).collect::<Vec<_>>(),
            [0.0, 0.0, 50.0]
        );
        state.looking = 0;
        assert_eq!(state.due(reading(120, 0).at), 3 * SLOW);
        state.interest_until = Duration::from_secs(130);
        assert_eq!(state.due(reading(129, 0).at), Duration::from_secs(122));
        assert_eq!(state.due(reading(130, 0).at), 3 * SLOW);
    }

    #[test]
    fn only_the_newest_are_kept() {
        let mut state = state();
        state.looking = 1;
        for number in 1..=50_000 {
            state.keep(reading(number * 2, 0));
        }
        assert_eq!((state.fast.len(), state.slow.len()), (FAST_KEPT, SLOW_KEPT));
        assert_eq!(state.slow.back().unwrap().ts, 1_700_000_000 + 1666 * 60);
        // Somebody looks again, five minutes later.
        state.keep(reading(100_300, 0));
        assert_eq!(state.fast.len(), FAST_KEPT / 2 + 1);
    }

    #[test]
    fn an_hour_has_its_samples_of_both_kinds() {
        let mut state = state();
        for minute in 1..=100 {
            state.keep(reading(minute * 60, 0));
        }
        state.looking = 1;
        state.keep(reading(6002, 0));
        let times = |window| -> Vec<i64> {
            state.kept(window).iter().map(|sample| sample.ts - 1_700_000_000).collect()
        };
        let hour: Vec<i64> = (41..=100).map(|minute| minute * 60).chain([6002]).collect();
        assert_eq!(times(Window::Hour), hour);
        assert_eq!(times(Window::TenMinutes), [6002]);
        assert_eq!((times(Window::Day).len(), times(Window::Both).len()), (101, 102));
    }

    #[test]
    fn two_readings_in_one_tick_say_the_same() {
        let mut state = state();
        state.keep(reading(10, 500));
        state.keep(reading(10, 500));
        assert_eq!(state.newest.cpu, 50.0);
    }

    #[test]
    fn the_thread_wakes_up_for_who_looks_and_ends_at_once() {
        let clock = Clock::start();
        let (sender, _inputs) = mpsc::channel();
        let (sampler, thread) = start(clock.clone(), Inbox::new(sender)).unwrap();
        let look = sampler.look();
        let first = sampler.now();
        assert!(first.mem_total > 0 && sampler.cores() > 0);
        let state = sampler.lock();
        let is_empty = |state: &mut State| state.fast.is_empty();
        let (state, waited) =
            sampler.0.changed.wait_timeout_while(state, SLOW / 2, is_empty).unwrap();
        assert!(!waited.timed_out(), "no sample came");
        drop(state);
        drop(look);
        assert_eq!(sampler.history(Window::Day), [first]);
        assert!(sampler.history(Window::Both).len() > sampler.history(Window::Day).len());
        sampler.close();
        thread.join().unwrap();
        assert!(clock.now().steady < SLOW / 2, "it did not end at once");
    }
}
