//! The loop of the main thread: sleeps until something happened or is due, asks the engine,
//! and has the world carry out the answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use crate::base::time::Clock;
use crate::daemon::world::{Audience, World};
use crate::engine::{Effect, Engine, Input};

/// Runs until the engine says [`Effect::Quit`]; the result is the exit code. A panic kills every
/// run, whose rows stay as they are, and is an exit code of 1, so that systemd starts us again.
pub(crate) fn run<A: Audience>(
    clock: &Clock,
    inbox: &Receiver<Input>,
    engine: &mut Engine,
    world: &mut World<A>,
    first: Vec<Effect>,
) -> u8 {
    let code =
        catch_unwind(AssertUnwindSafe(|| go_round(clock, inbox, engine, &mut *world, first)));
    code.unwrap_or_else(|_| {
        // The hook has logged it. What the engine knew may be half true: nobody asks it again.
        world.perform(Effect::KillAll);
        1
    })
}

fn go_round<A: Audience>(
    clock: &Clock,
    inbox: &Receiver<Input>,
    engine: &mut Engine,
    world: &mut World<A>,
    first: Vec<Effect>,
) -> u8 {
    let mut effects = first;
    loop {
        for effect in effects {
            if let Some(code) = world.perform(effect) {
                return code;
            }
        }
        let input = match engine.patience(clock.now()) {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(patience) => inbox.recv_timeout(patience),
        };
        let input = match input {
            Ok(input) => input,
            Err(RecvTimeoutError::Timeout) => Input::Woke,
            Err(RecvTimeoutError::Disconnected) => unreachable!("the world keeps a sender"),
        };
        effects = engine.handle(clock.now(), input);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::config;
    use crate::engine::{Answer, Lifetime, Reconciled, ReplyId};
    use crate::inbox::Inbox;
    use crate::model::event::Event;
    use crate::model::run::Leader;
    use crate::process::spec::Surroundings;
    use crate::store::scratch::Scratch;
    use crate::store::writer;
    use crate::sys::group::{is_alive, start_of};

    /// Fails when the first process has written its pid.
    struct Unlucky<'a>(&'a Path);

    impl Audience for Unlucky<'_> {
        fn hear(&mut self, event: &Event) {
            let Event::RunStarted(_) = event else { return };
            while std::fs::read(self.0).unwrap_or_default().is_empty() {
                std::thread::yield_now();
            }
            panic!("a test")
        }

        fn answer(&mut self, _: ReplyId, _: Answer) {}
    }

    #[test]
    fn a_panic_leaves_no_process_and_ends_in_failure() {
        let scratch = Scratch::new();
        let (pid, file) = (scratch.path().join("pid"), scratch.path().join("c.toml"));
        let script = format!("echo $$ > {}; exec sleep 60", pid.display());
        std::fs::write(&file, format!("[services.a]\nrun = '{script}'\n")).unwrap();
        let clock = Clock::start();
        let jobs = config::load(&file, clock.now().wall).unwrap().jobs;
        let (sender, inputs) = mpsc::channel();
        let inbox = Inbox::new(sender);
        let (writer, writing) =
            writer::start(scratch.store(), clock.clone(), inbox.clone()).unwrap();
        let logs = scratch.path().join("logs");
        let surroundings = Surroundings::new(std::env::vars_os(), None, logs, None);
        let audience = Unlucky(&pid);
        let mut world = World::new(clock.clone(), inbox, writer.clone(), surroundings, audience);
        let budget = Duration::from_secs(3);
        let mut engine = Engine::new(jobs, budget, Lifetime::Daemon, 1, clock.now());
        let first = engine.serve(clock.now(), Reconciled::default());
        assert_eq!(run(&clock, &inputs, &mut engine, &mut world, first), 1);
        let pid: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        let leader = start_of(pid).map(|start| Leader { pid, start });
        world.await_killed(&inputs);
        assert!(leader.is_none_or(|leader| !is_alive(leader)));
        writer.close();
        writing.join().unwrap();
    }
}
