//! What people, machines and power plugs do to a daemon.

use std::time::Duration;

use crate::engine::simulator::world::{Event, World};
use crate::engine::{Input, ReplyId};
use crate::model::job::JobName;
use crate::model::job::Verb;
use crate::model::run::Trigger;
use crate::model::run::{ExitHow, RunId};

impl World {
    pub(super) fn happen(&mut self) {
        match self.dice.roll(24) {
            0..4 => self.trigger(),
            4 => (0..100).for_each(|_| self.trigger()),
            5 => self.burst_in_one_job(),
            6..9 => self.stop_somebody(),
            9 => self.operate(),
            10 => self.kill_from_outside(),
            11 | 12 => self.stall(),
            13 => self.set_clock(),
            14 => self.suspend(),
            15 => self.disk_slow_until = self.now.steady + Duration::from_mins(10),
            16 => self.shut_down(),
            17 => self.tell(Input::Fatal("the disk is gone".to_owned())),
            18 | 19 => self.kill_daemon(),
            _ => self.operate(),
        }
    }

    fn reply(&mut self) -> ReplyId {
        ReplyId(self.dice.next())
    }

    fn any_job(&mut self) -> JobName {
        if self.dice.chance(3) {
            return JobName::new("unknown");
        }
        let place = self.dice.roll(self.jobs.len() as u64) as usize;
        self.jobs[place].name.clone()
    }

    fn trigger(&mut self) {
        let (job, reply) = (self.any_job(), self.reply());
        self.tell(Input::Operate { job, verb: Verb::Run, by: Trigger::Api, reply });
    }

    fn burst_in_one_job(&mut self) {
        let job = self.any_job();
        for _ in 0..100 {
            let reply = self.reply();
            self.tell(Input::Operate {
                job: job.clone(),
                verb: Verb::Run,
                by: Trigger::Api,
                reply,
            });
        }
    }

    /// Of those that live, wait, or did so before.
    fn stop_somebody(&mut self) {
        for _ in 0..self.dice.roll(4) {
            let mut known: Vec<RunId> = self.database.open().map(|run| run.id).collect();
            known.extend(self.children.keys());
            if known.is_empty() {
                return;
            }
            let (run, reply) = (self.dice.pick(&known), self.reply());
            self.tell(Input::StopRun { run, reply });
        }
    }

    /// A few verbs after each other, often with the same job.
    fn operate(&mut self) {
        let mut job = self.any_job();
        for _ in 0..=self.dice.roll(6) {
            if self.dice.chance(20) {
                job = self.any_job();
            }
            let (verb, reply) = (self.dice.pick(&Verb::ALL), self.reply());
            let by = self.dice.pick(&[Trigger::Api, Trigger::Hook]);
            self.tell(Input::Operate { job: job.clone(), verb, by, reply });
            (0..self.dice.roll(6)).for_each(|_| self.step());
        }
    }

    /// As systemd does with a whole control group, perhaps with the daemon's own turn next.
    fn kill_from_outside(&mut self) {
        for id in self.children.keys().copied().collect::<Vec<_>>() {
            self.end_child_in(id, Duration::from_millis(6), ExitHow::Signal(15), None);
        }
        if self.dice.chance(50) {
            let wait = self.dice.millis(400);
            self.plan(wait, Event::Tell(Input::Shutdown { signal: "SIGTERM" }));
        }
    }

    /// A loaded host: nobody gets to run for a while.
    fn stall(&mut self) {
        let time = self.dice.span(Duration::from_millis(1), Duration::from_mins(20));
        self.pass(time);
    }

    fn set_clock(&mut self) {
        let by = self.dice.span(Duration::from_secs(1), Duration::from_hours(40));
        if self.dice.chance(50) {
            self.now.wall += by;
        } else {
            self.now.wall -= by;
        }
        self.tell(Input::Woke);
    }

    fn suspend(&mut self) {
        self.now.wall += self.dice.span(Duration::from_secs(10), Duration::from_hours(72));
        self.tell(Input::Woke);
    }

    fn shut_down(&mut self) {
        if self.dice.chance(20) {
            let wait = self.dice.millis(2_000);
            self.plan(wait, Event::Tell(Input::Shutdown { signal: "SIGINT" }));
        }
        self.tell(Input::Shutdown { signal: "SIGTERM" });
    }

    /// Often just after it said something, so between a row and its process.
    fn kill_daemon(&mut self) {
        if self.dice.chance(60) {
            self.trigger();
            (0..self.dice.roll(6)).for_each(|_| self.step());
        }
        let kept = self.dice.roll(self.database.on_the_way() as u64 + 1) as usize;
        self.next_life(kept);
    }
}
