//! The life of one process as a machine: what was seen → what to do. No clock, no signal, no
//! pipe; the run's thread tells it what happens and carries out its orders.
//!
//! | state | waits for | at its deadline |
//! |---|---|---|
//! | running | the leader | the timeout: stop |
//! | stopping | leader and group | the grace time is over: kill |
//! | killed | leader, group and pipes | close the pipes, later complain |
//! | draining | the pipes, held by processes that stay | close the pipes |

use std::time::Duration;

use crate::model::job::{Kind, Stop, StopSignal};
use crate::model::run::Cause;

/// How long processes that outlive the leader may hold its pipes (docs/running.md, How a run ends).
const HELD_AFTER_EXIT: Duration = Duration::from_secs(5);
/// The same after a stop or a kill (docs/running.md, Stopping).
const HELD_AFTER_STOP: Duration = Duration::from_secs(2);
/// How often a process that survives SIGKILL is reported (docs/running.md, Stopping).
const COMPLAINT: Duration = Duration::from_secs(60);

/// What the thread of the run has noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The instant that [`Watch::deadline`] named has come.
    DeadlinePassed,
    /// Somebody wants it to stop.
    StopAsked(Cause),
    LeaderExited,
    /// After the leader: nobody is left in its group.
    GroupEmpty,
    /// Both pipes are at their end, or were closed.
    PipesClosed,
}

/// What the thread is to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Nothing,
    /// The stop signal to the group.
    Terminate,
    /// SIGKILL to the group.
    Kill,
    /// Close our ends, then say [`Seen::PipesClosed`].
    ClosePipes,
    /// Report that the process does not die.
    Complain,
    /// The run is over.
    Finish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Stopping,
    Killed,
    Draining,
    Over,
}

/// One process from its start to the end of its run. Instants are on the steady clock.
#[derive(Debug)]
pub(crate) struct Watch {
    kind: Kind,
    stop: Stop,
    state: State,
    deadline: Option<Duration>,
    cause: Option<Cause>,
    leader_gone: Option<Duration>,
    group_empty: bool,
    pipes_closed: bool,
}

impl Watch {
    /// The process was started at `now`.
    pub(crate) fn new(now: Duration, kind: Kind, stop: Stop, timeout: Option<Duration>) -> Watch {
        Watch {
            kind,
            stop,
            state: State::Running,
            deadline: timeout.map(|timeout| now.saturating_add(timeout)),
            cause: None,
            leader_gone: None,
            group_empty: false,
            pipes_closed: false,
        }
    }

    /// When [`Seen::DeadlinePassed`] is to be said, unless something else comes first.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Why it was stopped, if it was: the first who asked.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.cause
    }

    /// Whether the group is to be looked at for [`Seen::GroupEmpty`].
    pub(crate) fn wants_group(&self) -> bool {
        let stopping = match self.state {
            State::Stopping | State::Killed => true,
            State::Running | State::Draining | State::Over => false,
        };
        stopping && self.leader_gone.is_some() && !self.group_empty
    }

    pub(crate) fn see(&mut self, now: Duration, seen: Seen) -> Order {
        match seen {
            Seen::LeaderExited => self.leader_gone = Some(now),
            Seen::GroupEmpty => self.group_empty = true,
            Seen::PipesClosed => self.pipes_closed = true,
            Seen::DeadlinePassed | Seen::StopAsked(_) => {}
        }
        match (self.state, seen) {
            (State::Running, Seen::DeadlinePassed) => self.stop(now, Cause::Timeout),
            (State::Running, Seen::StopAsked(cause)) => self.stop(now, cause),
            (State::Running, Seen::LeaderExited) => match self.kind {
                Kind::Task => self.drain(now),
                // Its successor must not find leftovers in its place.
                Kind::Service => self.terminate(now),
            },
            (State::Running, Seen::GroupEmpty | Seen::PipesClosed) => Order::Nothing,

            (State::Stopping, Seen::DeadlinePassed) => self.kill(now),
            (State::Stopping | State::Killed, Seen::StopAsked(cause)) => {
                // Nobody asked yet when the leftovers of a replica are being cleared away.
                self.cause.get_or_insert(cause);
                Order::Nothing
            }
            (State::Stopping, Seen::LeaderExited | Seen::GroupEmpty) if self.is_dead() => {
                self.drain(now)
            }
            (State::Stopping, Seen::LeaderExited | Seen::GroupEmpty | Seen::PipesClosed) => {
                Order::Nothing
            }

            (State::Killed, Seen::DeadlinePassed) => {
                self.deadline = Some(now + COMPLAINT);
                if self.pipes_closed { Order::Complain } else { Order::ClosePipes }
            }
            (State::Killed, Seen::LeaderExited | Seen::GroupEmpty | Seen::PipesClosed)
                if self.is_dead() && self.pipes_closed =>
            {
                self.finish()
            }
            (State::Killed, Seen::LeaderExited | Seen::GroupEmpty | Seen::PipesClosed) => {
                Order::Nothing
            }

            (State::Draining, Seen::DeadlinePassed) => Order::ClosePipes,
            (State::Draining, Seen::StopAsked(cause)) if self.cause.is_none() => {
                self.stop(now, cause)
            }
            (State::Draining, Seen::StopAsked(_) | Seen::LeaderExited | Seen::GroupEmpty) => {
                Order::Nothing
            }
            (State::Draining, Seen::PipesClosed) => self.finish(),

            (
                State::Over,
                Seen::DeadlinePassed
                | Seen::StopAsked(_)
                | Seen::LeaderExited
                | Seen::GroupEmpty
                | Seen::PipesClosed,
            ) => Order::Nothing,
        }
    }

    /// The leader and everybody in its group.
    fn is_dead(&self) -> bool {
        self.leader_gone.is_some() && self.group_empty
    }

    fn stop(&mut self, now: Duration, cause: Cause) -> Order {
        self.cause = Some(cause);
        if self.is_dead() { self.drain(now) } else { self.terminate(now) }
    }

    fn terminate(&mut self, now: Duration) -> Order {
        if self.stop.grace.is_zero() || self.stop.signal == StopSignal::Kill {
            return self.kill(now);
        }
        self.state = State::Stopping;
        self.deadline = Some(now.saturating_add(self.stop.grace));
        Order::Terminate
    }

    fn kill(&mut self, now: Duration) -> Order {
        self.state = State::Killed;
        self.deadline = Some(now + HELD_AFTER_STOP);
        Order::Kill
    }

    /// Only the pipes are left to wait for.
    fn drain(&mut self, now: Duration) -> Order {
        if self.pipes_closed {
            return self.finish();
        }
        self.state = State::Draining;
        self.deadline = Some(match self.cause {
            Some(_) => now + HELD_AFTER_STOP,
            None => self.leader_gone.unwrap_or(now) + HELD_AFTER_EXIT,
        });
        Order::Nothing
    }

    fn finish(&mut self) -> Order {
        self.state = State::Over;
        self.deadline = None;
        Order::Finish
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Seen = Seen::DeadlinePassed;
    const LEADER: Seen = Seen::LeaderExited;
    const GROUP: Seen = Seen::GroupEmpty;
    const PIPES: Seen = Seen::PipesClosed;
    const OPERATOR: Seen = Seen::StopAsked(Cause::Operator);
    const SHUTDOWN: Seen = Seen::StopAsked(Cause::Shutdown);

    /// A fresh watch, what was seen, and the order, state and deadline after the last of it.
    type Cell = (Watch, &'static [Seen], Order, State, Option<u64>);

    fn watch(kind: Kind, grace: u64) -> Watch {
        let stop = Stop { signal: StopSignal::Term, grace: Duration::from_secs(grace) };
        Watch::new(Duration::ZERO, kind, stop, Some(Duration::from_secs(100)))
    }

    /// Plays what is seen, the last of it at `now`, and returns the last order.
    fn play(watch: &mut Watch, history: &[Seen], now: u64) -> Order {
        let mut last = Order::Nothing;
        for (place, &seen) in history.iter().enumerate() {
            let at = if place + 1 == history.len() { now } else { 0 };
            last = watch.see(Duration::from_secs(at), seen);
        }
        last
    }

    #[test]
    fn every_state_answers_everything_that_can_be_seen() {
        use Order::*;
        use State::*;
        let task = || watch(Kind::Task, 5);
        let service = || watch(Kind::Service, 5);
        // What was seen, the last at second 10 → order, state, deadline (docs/running.md, Stopping).
        #[rustfmt::skip]
        let cells: Vec<Cell> = vec![
            (task(), &[DEADLINE], Terminate, Stopping, Some(15)),
            (task(), &[OPERATOR], Terminate, Stopping, Some(15)),
            (watch(Kind::Task, 0), &[OPERATOR], Kill, Killed, Some(12)),
            (task(), &[LEADER], Nothing, Draining, Some(15)),
            (task(), &[PIPES, LEADER], Finish, Over, None),
            (service(), &[LEADER], Terminate, Stopping, Some(15)),
            (service(), &[PIPES, LEADER], Terminate, Stopping, Some(15)),
            (watch(Kind::Service, 0), &[LEADER], Kill, Killed, Some(12)),
            (task(), &[GROUP], Nothing, Running, Some(100)),
            (task(), &[PIPES], Nothing, Running, Some(100)),

            (task(), &[OPERATOR, DEADLINE], Kill, Killed, Some(12)),
            (task(), &[OPERATOR, SHUTDOWN], Nothing, Stopping, Some(5)),
            (task(), &[OPERATOR, LEADER], Nothing, Stopping, Some(5)),
            (task(), &[OPERATOR, PIPES], Nothing, Stopping, Some(5)),
            (task(), &[OPERATOR, PIPES, LEADER], Nothing, Stopping, Some(5)),
            (task(), &[OPERATOR, LEADER, GROUP], Nothing, Draining, Some(12)),
            (task(), &[OPERATOR, LEADER, PIPES, GROUP], Finish, Over, None),
            (service(), &[LEADER, GROUP], Nothing, Draining, Some(5)),
            (service(), &[LEADER, PIPES, GROUP], Finish, Over, None),
            (service(), &[LEADER, DEADLINE], Kill, Killed, Some(12)),

            (task(), &[OPERATOR, DEADLINE, DEADLINE], ClosePipes, Killed, Some(70)),
            (task(), &[OPERATOR, DEADLINE, DEADLINE, PIPES, DEADLINE], Complain, Killed, Some(70)),
            (task(), &[OPERATOR, DEADLINE, PIPES, DEADLINE], Complain, Killed, Some(70)),
            (task(), &[OPERATOR, DEADLINE, SHUTDOWN], Nothing, Killed, Some(2)),
            (task(), &[OPERATOR, DEADLINE, LEADER], Nothing, Killed, Some(2)),
            (task(), &[OPERATOR, DEADLINE, LEADER, GROUP], Nothing, Killed, Some(2)),
            (task(), &[OPERATOR, DEADLINE, LEADER, PIPES], Nothing, Killed, Some(2)),
            (task(), &[OPERATOR, DEADLINE, LEADER, GROUP, PIPES], Finish, Over, None),
            (task(), &[OPERATOR, DEADLINE, PIPES, LEADER, GROUP], Finish, Over, None),

            (task(), &[LEADER, DEADLINE], ClosePipes, Draining, Some(5)),
            (task(), &[LEADER, PIPES], Finish, Over, None),
            (task(), &[LEADER, GROUP], Nothing, Draining, Some(5)),
            (task(), &[LEADER, LEADER], Nothing, Draining, Some(5)),
            (task(), &[LEADER, OPERATOR], Terminate, Stopping, Some(15)),
            (task(), &[LEADER, OPERATOR, GROUP], Nothing, Draining, Some(12)),
            (service(), &[LEADER, GROUP, OPERATOR], Nothing, Draining, Some(12)),
            (task(), &[OPERATOR, LEADER, GROUP, SHUTDOWN], Nothing, Draining, Some(2)),

            (task(), &[PIPES, LEADER, DEADLINE], Nothing, Over, None),
            (task(), &[PIPES, LEADER, OPERATOR], Nothing, Over, None),
            (task(), &[PIPES, LEADER, LEADER], Nothing, Over, None),
            (task(), &[PIPES, LEADER, GROUP], Nothing, Over, None),
            (task(), &[PIPES, LEADER, PIPES], Nothing, Over, None),
        ];
        for (mut watch, history, order, state, deadline) in cells {
            assert_eq!(play(&mut watch, history, 10), order, "{history:?}");
            assert_eq!(
                (watch.state, watch.deadline),
                (state, deadline.map(Duration::from_secs)),
                "{history:?}"
            );
        }
    }

    #[test]
    fn the_first_cause_is_kept() {
        let overflow = Seen::StopAsked(Cause::LogOverflow);
        for (history, cause) in [
            (&[DEADLINE, OPERATOR][..], Some(Cause::Timeout)),
            (&[overflow, DEADLINE, OPERATOR], Some(Cause::LogOverflow)),
            (&[OPERATOR, overflow, DEADLINE], Some(Cause::Operator)),
            (&[LEADER, OPERATOR, SHUTDOWN], Some(Cause::Operator)),
            (&[LEADER, PIPES, SHUTDOWN], None),
        ] {
            let mut watch = watch(Kind::Task, 5);
            play(&mut watch, history, 1);
            assert_eq!(watch.cause(), cause, "{history:?}");
        }
        let mut clearing = watch(Kind::Service, 5);
        play(&mut clearing, &[LEADER, SHUTDOWN], 1);
        assert_eq!(
            clearing.cause(),
            Some(Cause::Shutdown),
            "asked while leftovers were cleared away"
        );
    }

    #[test]
    fn a_stop_signal_that_kills_leaves_no_grace() {
        let stop = Stop { signal: StopSignal::Kill, grace: Duration::from_secs(5) };
        let mut watch = Watch::new(Duration::ZERO, Kind::Task, stop, None);
        assert_eq!(watch.deadline(), None);
        assert_eq!(watch.see(Duration::ZERO, OPERATOR), Order::Kill);
    }

    #[test]
    fn the_group_is_looked_at_only_between_the_leader_and_the_last_of_it() {
        let mut watch = watch(Kind::Task, 5);
        let wanted = [OPERATOR, LEADER, DEADLINE, GROUP].map(|seen| {
            watch.see(Duration::ZERO, seen);
            watch.wants_group()
        });
        assert_eq!(wanted, [false, true, true, false]);
    }

    #[test]
    fn whatever_comes_in_whatever_order_it_finishes_exactly_once() {
        let facts = [LEADER, GROUP, PIPES];
        for order in [[0, 1, 2], [0, 2, 1], [2, 0, 1]] {
            for stop_at in 0..4 {
                for kind in [Kind::Task, Kind::Service] {
                    let mut watch = watch(kind, 1);
                    let mut history: Vec<Seen> = order.map(|place| facts[place]).to_vec();
                    history.insert(stop_at, OPERATOR);
                    history.insert(stop_at, DEADLINE);
                    let finished = history
                        .iter()
                        .filter(|&&seen| watch.see(Duration::ZERO, seen) == Order::Finish);
                    assert_eq!(finished.count(), 1, "{history:?}");
                    assert_eq!(watch.deadline(), None);
                }
            }
        }
    }
}
