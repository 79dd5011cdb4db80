//! `runwisp start`, `stop`, `restart`, `pause`, `resume`: what is done with tasks and services of
//! the daemon, by name or pattern, and with single runs. One line per job on stdout or stderr.

use crate::base::escape::escape;
use crate::base::glob;
use crate::base::ulid::Ulid;
use crate::cli::argv::hint;
use crate::cli::globals::Globals;
use crate::cli::{Exit, Failure, Outcome, door};
use crate::model::job::Verb;
use crate::web::client::documents::{Message, Run, Task};
use crate::web::client::{Client, Refusal, segment};

pub(crate) fn run(globals: &Globals, verb: Verb, targets: &[String]) -> Result<Outcome, Failure> {
    let client = door::open(globals, None)?;
    let known: Vec<Task> = client.get("/api/tasks")?;
    let mut outcome = Outcome::success(String::new());
    let mut orders: Vec<Order> = Vec::new();
    for target in targets {
        match meant(&client, &known, verb, target) {
            // Two patterns may mean the same job.
            Ok(meant) => meant.into_iter().for_each(|order| {
                if !orders.contains(&order) {
                    orders.push(order);
                }
            }),
            Err(why) => outcome.fail(&why),
        }
    }
    for order in orders {
        match client.post::<Message>(&order.path) {
            Ok(Message { message }) => {
                let line = format!("{}: {}\n", escape(&order.name), escape(&message));
                outcome.stdout.push_str(&line);
            }
            Err(refusal @ Refusal::Said { .. }) => {
                outcome.fail(&format!("{}: {refusal}", escape(&order.name)));
            }
            // The others would fare no better.
            Err(refusal) => {
                outcome.fail(&refusal.to_string());
                break;
            }
        }
    }
    Ok(outcome)
}

/// One request.
#[derive(Debug, PartialEq)]
struct Order {
    /// Of the job or the run.
    name: String,
    path: String,
}

impl Order {
    fn new(task: &Task, verb: Verb) -> Order {
        let path = format!("/api/tasks/{}/{}", segment(&task.name), verb.as_str());
        Order { name: task.name.clone(), path }
    }
}

impl Outcome {
    fn fail(&mut self, why: &str) {
        self.stderr.push_str(&format!("error: {why}\n"));
        self.exit = Exit::Failure;
    }
}

fn meant(client: &Client, known: &[Task], verb: Verb, target: &str) -> Result<Vec<Order>, String> {
    if let Some(task) = known.iter().find(|task| task.name == target) {
        return Ok(vec![Order::new(task, verb)]);
    }
    if glob::is_pattern(target) {
        return matching(known, verb, target);
    }
    if verb == Verb::Stop && target.parse::<Ulid>().is_ok() {
        let run: Run =
            client.get(&format!("/api/runs/{target}")).map_err(|refusal| refusal.to_string())?;
        let task = segment(&run.task_name);
        let path = format!("/api/tasks/{task}/runs/{target}/stop");
        return Ok(vec![Order { name: target.to_owned(), path }]);
    }
    let near = hint(target, known.iter().map(|task| task.name.as_str()));
    Err(format!("task not found: {}{near}", escape(target)))
}

/// Only what has a schedule can be paused, so a pattern means no other job then.
fn matching(known: &[Task], verb: Verb, pattern: &str) -> Result<Vec<Order>, String> {
    if let Some(flaw) = glob::flaw(pattern) {
        return Err(format!("{}: {flaw}", escape(pattern)));
    }
    let is_meant = |task: &&Task| {
        let has_schedule = task.cron.is_some();
        glob::fits(pattern, &task.name)
            && (has_schedule || !matches!(verb, Verb::Pause | Verb::Resume))
    };
    let orders: Vec<Order> =
        known.iter().filter(is_meant).map(|task| Order::new(task, verb)).collect();
    match orders.is_empty() {
        true => Err(format!("no task or service fits {}", escape(pattern))),
        false => Ok(orders),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(name: &str, cron: Option<&str>) -> Task {
        Task {
            name: name.to_owned(),
            kind: "task".to_owned(),
            api_trigger: true,
            cron: cron.map(str::to_owned),
            next_run_at: None,
            held_by: None,
            retry_attempts: None,
            retry_delay: None,
            retry_backoff: None,
        }
    }

    #[test]
    fn a_pattern_means_the_jobs_that_the_verb_is_for() {
        let known = [task("db-a", Some("@daily")), task("db-b", None), task("web", None)];
        for (verb, pattern, expected) in [
            (Verb::Stop, "db-*", Ok(&["db-a", "db-b"][..])),
            (Verb::Pause, "db-*", Ok(&["db-a"])),
            (Verb::Pause, "w*", Err("no task or service fits w*")),
            (Verb::Start, "x?", Err("no task or service fits x?")),
            (Verb::Start, "[x", Err("[x: [ is not closed by ]")),
        ] {
            let meant = matching(&known, verb, pattern);
            let names = meant
                .as_ref()
                .map(|orders| orders.iter().map(|order| order.name.as_str()).collect::<Vec<_>>());
            assert_eq!(names.map_err(String::as_str), expected.map(<[_]>::to_vec), "{pattern}");
        }
    }
}
