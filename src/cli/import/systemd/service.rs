//! `[Service]` of a unit as the keys of a task or a service.

use std::path::Path;

use super::super::draft::{Draft, Value};
use super::command::script;
use super::unit::{self, Unit};
use crate::config::crontab::sanitised;
use crate::model::job::Kind;

/// Keys of `[Service]` that have a place in the draft, or change nothing here.
const KNOWN: [&str; 30] = [
    "Type",
    "ExecStart",
    "ExecStartPre",
    "Restart",
    "RestartSec",
    "WorkingDirectory",
    "User",
    "Group",
    "Environment",
    "EnvironmentFile",
    "TimeoutStopSec",
    "TimeoutStartSec",
    "TimeoutSec",
    "RuntimeMaxSec",
    "KillSignal",
    "UMask",
    "RemainAfterExit",
    "StandardOutput",
    "StandardError",
    "StandardInput",
    "SyslogIdentifier",
    "KillMode",
    "GuessMainPID",
    "PIDFile",
    "ExecStop",
    "ExecStartPost",
    "ExecStopPost",
    "ExecCondition",
    "NotifyAccess",
    "BusName",
];
/// What is done beside the command, and not here.
const BESIDE: [&str; 4] = ["ExecStartPost", "ExecStop", "ExecStopPost", "ExecCondition"];
const SIGNALS: [&str; 7] =
    ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2"];

/// A draft of the unit; with the timer that starts it, if one does.
pub(super) fn of_service(service: &Unit, timer: Option<&Unit>) -> Draft {
    let get = |key: &str| service.get("Service", key);
    let kind = get("Type").unwrap_or("simple");
    let is_task = kind == "oneshot" || timer.is_some();
    let place = match timer {
        Some(timer) => format!("{} and {}", timer.name, service.name),
        None => service.name.clone(),
    };
    let name = sanitised(timer.unwrap_or(service).stem());
    let mut draft = Draft::new(if is_task { Kind::Task } else { Kind::Service }, name, place);
    let mut unknown = Vec::new();
    let mut specified = |text: &str| service.specified(text, &mut unknown);
    if let Some(description) = service.get("Unit", "Description") {
        draft.text("description", specified(description));
    }
    let script = match script(service, is_task, &mut draft) {
        Ok(script) => script,
        Err(reason) => {
            let original = service.list("Service", "ExecStart").join("\n");
            return Draft::broken(draft.name, draft.place, reason, original);
        }
    };
    match (get("User"), get("Group")) {
        (Some(user), None) => draft.text("user", specified(user)),
        (Some(user), Some(group)) => draft.text("user", specified(&format!("{user}:{group}"))),
        (None, Some(group)) => draft.text("user", specified(&format!("root:{group}"))),
        (None, None) => {}
    }
    let directory = get("WorkingDirectory").unwrap_or("/");
    draft.text("working_dir", specified(directory.strip_prefix('-').unwrap_or(directory)));
    if let Some(mask) = get("UMask") {
        draft.text("umask", mask);
    }
    environment(service, &mut draft, &mut specified);
    if !unknown.is_empty() {
        draft.todo(format!("write out {}, which only systemd knows", unknown.join(", ")));
    }
    match is_task {
        true => oneshot(service, kind, timer, &mut draft),
        false => staying(service, kind, &mut draft),
    }
    stopping(service, &mut draft);
    left_out(service, &mut draft);
    draft.text("run", script);
    draft
}

fn oneshot(service: &Unit, kind: &str, timer: Option<&Unit>, draft: &mut Draft) {
    if timer.is_none() {
        match service.has("Install") {
            true => draft.text("run_on_start", "boot"),
            false => draft
                .note("nothing starts it at the boot: other units do, which do not know it here"),
        }
    } else if kind != "oneshot" {
        draft.note(format!("Type={kind}: the next run waits for the end of this one"));
    }
    let limit = service.get("Service", "RuntimeMaxSec");
    let limit = limit
        .or(service.get("Service", "TimeoutStartSec"))
        .or(service.get("Service", "TimeoutSec"));
    if let Some(limit) = limit.and_then(unit::duration) {
        draft.text("timeout", limit);
    }
    if let Some(restart) = service.get("Service", "Restart").filter(|restart| *restart != "no") {
        draft.todo(format!("Restart={restart}: say with retry_attempts and retry_delay how often"));
    }
}

fn staying(service: &Unit, kind: &str, draft: &mut Draft) {
    let get = |key: &str| service.get("Service", key);
    match kind {
        "forking" => draft.todo("Type=forking: it must stay in the foreground; change the command"),
        "notify" | "notify-reload" => {
            draft.note(format!("Type={kind}: nobody listens to READY=1 here"))
        }
        "dbus" => draft.note("Type=dbus: nobody waits for its name here"),
        _ => {}
    }
    match get("Restart").unwrap_or("no") {
        "always" => {}
        "on-failure" => draft.text("restart", "on_failure"),
        "no" => {
            draft.text("restart", "never");
            draft.note("it was not started again after its end; without restart = \"never\" it is");
        }
        other => {
            draft.text("restart", "on_failure");
            draft.note(format!("Restart={other}: after every failure now"));
        }
    }
    if let Some(delay) = get("RestartSec").and_then(unit::duration) {
        draft.text("restart_delay", delay);
        draft.text("restart_backoff", "constant");
    }
    if let Some(limit) = get("RuntimeMaxSec").and_then(unit::duration) {
        draft.text("timeout", limit);
    }
    if !service.has("Install") {
        draft.note("nothing starts it at the boot; here it starts with the daemon");
    }
    let needs = ["Requires", "BindsTo"].iter().flat_map(|key| service.list("Unit", key));
    let needs: Vec<&str> = needs.filter(|need| need.ends_with(".service")).collect();
    if !needs.is_empty() {
        draft.note(format!("needs {}: depends_on, when that is here too", needs.join(" ")));
    }
}

fn stopping(service: &Unit, draft: &mut Draft) {
    let get = |key: &str| service.get("Service", key);
    if let Some(wait) = get("TimeoutStopSec").or(get("TimeoutSec")) {
        match unit::duration(wait) {
            Some(wait) => draft.text("graceful_stop", wait),
            None => draft.todo(format!("TimeoutStopSec={wait}: set graceful_stop")),
        }
    }
    if let Some(signal) = get("KillSignal").filter(|signal| *signal != "SIGTERM") {
        match SIGNALS.contains(&signal) {
            true => draft.text("stop_signal", signal),
            false => draft
                .todo(format!("KillSignal={signal}: stop_signal is one of {}", SIGNALS.join(", "))),
        }
    }
    if let Some(mode) = get("KillMode").filter(|mode| *mode != "control-group") {
        draft.note(format!("KillMode={mode}: all of its processes get the signal"));
    }
}

fn environment(service: &Unit, draft: &mut Draft, specified: &mut dyn FnMut(&str) -> String) {
    let mut env: Vec<(String, String)> = Vec::new();
    for line in service.list("Service", "Environment") {
        let Some(words) = unit::split(line) else {
            draft.todo(format!("Environment={line} cannot be read"));
            continue;
        };
        for word in words {
            let Some((name, value)) = word.split_once('=') else { continue };
            env.retain(|(known, _)| known != name);
            env.push((name.to_owned(), specified(value)));
        }
    }
    if !env.is_empty() {
        draft.set("env", Value::Table(env));
    }
    match service.list("Service", "EnvironmentFile")[..] {
        [] => {}
        [file] => {
            let path = specified(file.strip_prefix('-').unwrap_or(file));
            if file.starts_with('-') && !Path::new(&path).exists() {
                draft
                    .todo(format!("EnvironmentFile={file}: there is none; once there is, name it"));
            } else {
                draft.text("env_file", path);
                draft.note(
                    "EnvironmentFile: values are taken literally, but for one pair of quotes",
                );
                if file.starts_with('-') {
                    draft.todo(format!("EnvironmentFile={file}: from now on it must be there"));
                }
            }
        }
        [..] => draft.todo("several EnvironmentFile: put them into one, and name it as env_file"),
    }
}

/// What is done beside the command, and how it is shut in, is not done here.
fn left_out(service: &Unit, draft: &mut Draft) {
    let keys = service.keys("Service");
    let beside: Vec<&str> = keys.iter().copied().filter(|key| BESIDE.contains(key)).collect();
    if !beside.is_empty() {
        draft.todo(format!(
            "{}: not done here; put into the script what is needed",
            beside.join(", ")
        ));
    }
    let directories: Vec<&str> = keys
        .iter()
        .copied()
        .filter(|key| {
            matches!(
                *key,
                "StateDirectory"
                    | "RuntimeDirectory"
                    | "LogsDirectory"
                    | "CacheDirectory"
                    | "DynamicUser"
            )
        })
        .collect();
    if !directories.is_empty() {
        draft.todo(format!("{}: make what it needs yourself", directories.join(", ")));
    }
    let others = keys.iter().filter(|key| !KNOWN.contains(key) && !directories.contains(key));
    let others: Vec<&str> = others.copied().collect();
    draft.left_out("", &others);
    let conditions = service.keys("Unit").into_iter();
    let conditions =
        conditions.filter(|key| key.starts_with("Condition") || key.starts_with("Assert"));
    let conditions: Vec<&str> = conditions.collect();
    if !conditions.is_empty() {
        draft.note(format!("runs without asking {}", conditions.join(", ")));
    }
}
