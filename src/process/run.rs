//! The thread of one run: it starts the process, waits for output, the end, a stop and deadlines
//! in one `poll`, and does what [`Watch`] says. Whatever happens to it, it reports
//! [`Input::Exited`] exactly once, with nothing of the process left unreaped.

use std::any::Any;
use std::io::{self, PipeReader, Read};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::Timestamp;

use crate::base::time::Clock;
use crate::engine::Input;
use crate::inbox::Inbox;
use crate::logs::{LogWriter, Stream, Verdict};
use crate::model::job::{Kind, StopSignal};
use crate::model::run::{Cause, EndReason, Exit, ExitHow, LogTotals, NO_EXIT_STATUS, RunId};
use crate::process::Stopper;
use crate::process::begin::{Process, begin};
use crate::process::crew::Crew;
use crate::process::mask::Mask;
use crate::process::snapshot::{self, Look};
use crate::process::spec::Spec;
use crate::process::vigil;
use crate::process::watch::{Order, Seen, Watch};
use crate::sys::{error_text, poll, signals};
use crate::threads;

/// What a pipe holds at most (pipe(7)); it is only taken when there is output. With less, what was
/// printed to stderr would come before what was printed to stdout and did not fit.
const BUFFER_BYTES: usize = 64 * 1024;
const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];
/// What is told of a leader that SIGKILL ended, or whose shell says so of a child.
const KILLED: i32 = 128 + 9;
/// How often `/proc` is looked at while a group dies: soon at first, then less and less often.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LAST_LOOK: Duration = Duration::from_millis(100);

/// Starts the thread of a run. An error means that there is no thread and no `Exited`.
pub(crate) fn start(spec: Spec, clock: Clock, inbox: Inbox, crew: &Crew) -> io::Result<Stopper> {
    let stopper = Stopper::new()?;
    let (run, id) = (spec.run.id, spec.run.id.to_string());
    let thread = format!("run-{}", &id[id.len() - 4..]);
    let handle = stopper.clone();
    crew.start(thread, move || {
        let exit = catch_unwind(AssertUnwindSafe(|| execute(spec, &clock, &stopper, &inbox)))
            .unwrap_or_else(|panic| lost(run, &stopper, &clock, &*panic));
        inbox.send(Input::Exited { run, exit });
    })?;
    Ok(handle)
}

/// What is reported when our own code failed; the unwinding has killed and reaped the process.
fn lost(run: RunId, stopper: &Stopper, clock: &Clock, panic: &(dyn Any + Send)) -> Exit {
    let text = format!("the thread of the run was lost: {}", threads::panic_text(panic));
    log::error!("{text} run={run}");
    let (cause, at) = (stopper.cause(), clock.now().wall);
    Exit::new(ExitHow::NotStarted(text), cause, LogTotals::default(), at)
}

/// The whole life of a run, on the thread that calls.
pub(super) fn execute(mut spec: Spec, clock: &Clock, stopper: &Stopper, inbox: &Inbox) -> Exit {
    let started = clock.now().wall;
    let mut log = LogWriter::new(spec.place(), spec.job.log, spec.min_free(), started);
    log.hide(spec.job.process.secrets.iter().map(|(_, value)| value.as_str()));
    log.look_for(&spec.job.failures.output);
    if let Some(observer) = spec.observer.take() {
        log.observe(observer);
    }
    if let Some(feed) = spec.feed.take() {
        log.tell(feed);
    }
    if let Some(cause) = stopper.cause() {
        let how = ExitHow::NotStarted("stopped before it started".to_owned());
        return Exit::new(how, Some(cause), log.close(started), started);
    }
    match begin(&spec, &log, stopper) {
        Ok((process, pipes)) => {
            inbox.send(Input::Started { run: spec.run.id, leader: process.child.leader() });
            let _vigil = vigil::begin(&spec, clock, stopper, inbox);
            Execution::new(&spec, clock, inbox, process, pipes, log).run()
        }
        Err(text) => {
            log.system(started, &text);
            Exit::new(ExitHow::NotStarted(text), None, log.close(started), started)
        }
    }
}

/// A process and everything around it, from its start to its end.
struct Execution<'a> {
    spec: &'a Spec,
    clock: &'a Clock,
    inbox: &'a Inbox,
    process: Process<'a>,
    watch: Watch,
    log: LogWriter,
    /// In the order of [`STREAMS`]; `None` once closed.
    pipes: [Option<PipeReader>; 2],
    /// Empty until there is output: a thousand silent runs cost nothing.
    buffer: Vec<u8>,
    /// How the leader ended, and when we saw it.
    ended: Option<(ExitHow, Timestamp)>,
    /// The next look at the group and the wait after it, on the steady clock.
    look: Option<(Duration, Duration)>,
    /// What the machine looked like when it went wrong.
    snapshot: Option<Box<str>>,
    over: bool,
}

impl<'a> Execution<'a> {
    fn new(
        spec: &'a Spec,
        clock: &'a Clock,
        inbox: &'a Inbox,
        process: Process<'a>,
        pipes: [PipeReader; 2],
        log: LogWriter,
    ) -> Execution<'a> {
        Execution {
            spec,
            clock,
            inbox,
            process,
            watch: Watch::new(clock.now().steady, spec.run.kind, spec.job.stop, spec.job.timeout),
            log,
            pipes: pipes.map(Some),
            buffer: Vec::new(),
            ended: None,
            look: None,
            snapshot: None,
            over: false,
        }
    }

    fn run(mut self) -> Exit {
        while !self.over {
            let [stdout, stderr, leader, stop] = self.wait();
            // Output first: what a process wrote before it did anything else is stored before.
            for (place, ready) in [stdout, stderr].into_iter().enumerate() {
                if ready {
                    self.read(place);
                }
            }
            if leader && let Some(how) = self.process.child.ended() {
                self.note_failure(&how);
                self.ended = Some((how, self.clock.now().wall));
                self.see(Seen::LeaderExited);
            }
            if stop {
                let cause = self.process.stopper.take();
                for note in self.process.stopper.take_notes() {
                    self.log.system(self.clock.now().wall, &note);
                }
                cause.into_iter().for_each(|cause| self.see(Seen::StopAsked(cause)));
            }
            self.look_at_group();
            if self.watch.deadline().is_some_and(|deadline| deadline <= self.clock.now().steady) {
                self.see(Seen::DeadlinePassed);
            }
        }
        self.finish()
    }

    /// Sleeps until something happens or is due; nothing else wakes this thread.
    fn wait(&self) -> [bool; 4] {
        let due = [self.watch.deadline(), self.look.map(|(at, _)| at)].into_iter().flatten().min();
        let patience = due.map(|due| due.saturating_sub(self.clock.now().steady));
        let [stdout, stderr] = self.pipes.each_ref().map(|pipe| pipe.as_ref().map(AsFd::as_fd));
        let leader = self.ended.is_none().then(|| self.process.child.as_fd());
        let fds = [stdout, stderr, leader, Some(self.process.stopper.as_fd())];
        poll::readable(fds, patience).expect("a few descriptors of our own can be polled")
    }

    /// Stores what one read gives.
    fn read(&mut self, place: usize) {
        let Some(pipe) = &mut self.pipes[place] else { return };
        if self.buffer.is_empty() {
            self.buffer = vec![0; BUFFER_BYTES];
        }
        match pipe.read(&mut self.buffer) {
            Ok(length @ 1..) => {
                let now = self.clock.now().wall;
                let verdict = self.log.take(now, STREAMS[place], &self.buffer[..length]);
                self.obey(verdict);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => {
                self.close(place);
                if self.pipes.iter().all(Option::is_none) {
                    self.see(Seen::PipesClosed);
                }
            }
        }
    }

    fn close(&mut self, place: usize) {
        if self.pipes[place].take().is_some() {
            let verdict = self.log.end_of(self.clock.now().wall, STREAMS[place]);
            self.obey(verdict);
        }
    }

    /// The log may want the process to be stopped.
    fn obey(&mut self, verdict: Verdict) {
        if let Some(pressure) = self.log.take_pressure() {
            self.inbox.send(Input::Pressed { run: self.spec.run.id, pressure });
        }
        match verdict {
            Verdict::Go => {}
            Verdict::Stop(cause) => self.see(Seen::StopAsked(cause)),
        }
    }

    fn look_at_group(&mut self) {
        if !self.watch.wants_group() {
            self.look = None;
            return;
        }
        let now = self.clock.now().steady;
        let (at, wait) = self.look.unwrap_or((now, FIRST_LOOK));
        if at > now {
            return;
        }
        self.look = Some((now + wait, (wait * 2).min(LAST_LOOK)));
        if self.process.child.group().is_empty() {
            self.see(Seen::GroupEmpty);
        }
    }

    /// Tells the machine and carries out its order.
    fn see(&mut self, seen: Seen) {
        let now = self.clock.now();
        match self.watch.see(now.steady, seen) {
            Order::Nothing => {}
            Order::Terminate => {
                self.note_stop();
                self.signal(self.spec.job.stop.signal);
            }
            Order::Kill => {
                self.note_stop();
                self.signal(StopSignal::Kill);
                // What was killed is gone at once: look soon again.
                self.look = Some((now.steady, FIRST_LOOK));
            }
            Order::ClosePipes => {
                (0..STREAMS.len()).for_each(|place| self.close(place));
                self.log
                    .system(now.wall, "Output closed: a background process still held the pipe");
                self.see(Seen::PipesClosed);
            }
            Order::Complain => {
                let pid = self.process.child.leader().pid;
                log::error!(
                    "cannot kill a process; its run keeps its place task={} run={} pid={pid}",
                    self.spec.run.job,
                    self.spec.run.id
                );
            }
            Order::Finish => self.over = true,
        }
    }

    /// Before the first signal of a stop that nobody wanted.
    fn note_stop(&mut self) {
        let reason = match self.watch.cause() {
            Some(Cause::Timeout) => EndReason::Timeout,
            Some(Cause::LogOverflow) => EndReason::LogOverflow,
            Some(Cause::DiskPressure) => EndReason::Stopped,
            Some(Cause::Unhealthy) => EndReason::Unhealthy,
            Some(Cause::Operator | Cause::Superseded | Cause::Shutdown | Cause::Reconfigured)
            | None => return,
        };
        let counts = self.spec.job.failures.counts(reason, NO_EXIT_STATUS);
        if self.snapshot.is_none() && (counts || reason == EndReason::Stopped) {
            let cause = self.watch.cause().map_or("", Cause::as_str).replace('_', " ");
            self.note(format!("before the stop: {cause}"), false);
        }
    }

    /// After the leader failed by itself; what it started may still be there.
    fn note_failure(&mut self, how: &ExitHow) {
        let (code, why) = match *how {
            ExitHow::Code(0) if self.log.matched().is_some() => {
                (0, "its output matched".to_owned())
            }
            ExitHow::Code(0) | ExitHow::NotStarted(_) => return,
            ExitHow::Code(code) => (code, format!("exit code {code}")),
            ExitHow::Signal(signal) => (128 + signal, signals::name(signal).into()),
        };
        let is_asked = self.watch.cause().or(self.process.stopper.cause()).is_some();
        let counts = self.spec.job.failures.counts(EndReason::Failed, code);
        if self.snapshot.is_none() && !is_asked && counts {
            self.note(format!("after the end: {why}"), code == KILLED);
        }
    }

    fn note(&mut self, why: String, was_killed: bool) {
        self.snapshot = Some(snapshot::take(Look {
            clock: self.clock.clone(),
            why,
            group: self.process.child.group(),
            logs: self.spec.logs().to_owned(),
            dir: self.spec.dir(),
            was_killed,
            mask: Mask::new(self.spec.secrets()),
        }));
    }

    fn signal(&self, signal: StopSignal) {
        if let Err(error) = self.process.child.group().signal(signals::number(signal)) {
            let (run, cause) = (&self.spec.run, error_text(&error));
            log::warn!(
                "cannot send {} to a process: {cause} task={} run={}",
                signal.as_str(),
                run.job,
                run.id
            );
        }
    }

    fn finish(mut self) -> Exit {
        let (how, at) = self.ended.take().expect("no run is over before its leader is gone");
        let cause = self.watch.cause();
        if cause.is_some() || self.spec.run.kind == Kind::Service {
            // Nobody was seen, but a look at /proc can miss who is being born.
            self.signal(StopSignal::Kill);
        }
        let usage = self.process.reap();
        if let ExitHow::Signal(signal) = how {
            self.log.system(at, &format!("killed by {}", signals::name(signal)));
        }
        if how == ExitHow::Code(0) {
            self.note_failure(&how);
        }
        let at = self.clock.now().wall;
        let (matched, snapshot) = (self.log.matched().map(str::to_owned), self.snapshot.take());
        Exit { matched, snapshot, usage, ..Exit::new(how, cause, self.log.close(at), at) }
    }
}
