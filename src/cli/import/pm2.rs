//! PM2's ecosystem files and its dump become services and tasks (docs/migration.md, From PM2).
//! Both are JSON here; JavaScript is made JSON by whoever calls, if it may.

use serde_json::{Map, Value as Json};

use super::draft::{Draft, Import, Value};
use super::words;
use crate::config::crontab::sanitised;
use crate::model::job::Kind;

/// What PM2 runs a script with, by its ending.
const INTERPRETERS: [(&str, &str); 9] = [
    ("js", "node"),
    ("cjs", "node"),
    ("mjs", "node"),
    ("sh", "bash"),
    ("py", "python3"),
    ("rb", "ruby"),
    ("pl", "perl"),
    ("php", "php"),
    ("ts", "bun"),
];

/// Keys that have a place in the draft, or that change nothing here.
const KNOWN: [&str; 43] = [
    "name",
    "script",
    "args",
    "interpreter",
    "interpreter_args",
    "node_args",
    "cwd",
    "env",
    "instances",
    "exec_mode",
    "autorestart",
    "cron_restart",
    "cron",
    "max_memory_restart",
    "restart_delay",
    "min_uptime",
    "max_restarts",
    "kill_timeout",
    "watch",
    "ignore_watch",
    "watch_options",
    "watch_delay",
    "uid",
    "gid",
    "user",
    "namespace",
    "exp_backoff_restart_delay",
    "instance_var",
    "out_file",
    "error_file",
    "log_file",
    "output",
    "error",
    "log",
    "out",
    "log_date_format",
    "merge_logs",
    "combine_logs",
    "log_type",
    "pid_file",
    "source_map_support",
    "vizion",
    "time",
];

/// Keys that say something of services only.
const OF_SERVICES: [&str; 6] = [
    "instances",
    "exec_mode",
    "min_uptime",
    "max_restarts",
    "restart_delay",
    "exp_backoff_restart_delay",
];
/// Variables that a dump has from the shell which called PM2, and PM2's own.
const OF_THE_SHELL: [&str; 24] = [
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "OLDPWD",
    "TERM",
    "SHLVL",
    "_",
    "MAIL",
    "DISPLAY",
    "LANGUAGE",
    "LS_COLORS",
    "LESSOPEN",
    "LESSCLOSE",
    "HISTFILE",
    "HISTSIZE",
    "HISTCONTROL",
    "COLORTERM",
    "EDITOR",
    "PM2_USAGE",
    "PM2_HOME",
    "NODE_APP_INSTANCE",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// Reads JSON: `{ "apps": […] }`, a list of apps, or one app. `folder` is where the file lies.
pub(crate) fn import(import: &mut Import, text: &str, folder: &str) -> Result<(), String> {
    let json: Json =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let apps: Vec<&Json> = match &json {
        Json::Array(apps) => apps.iter().collect(),
        Json::Object(file) => {
            if file.contains_key("deploy") {
                import.note("deploy is left out: RunWisp copies nothing to other hosts");
            }
            match file.get("apps") {
                Some(Json::Array(apps)) => apps.iter().collect(),
                Some(app) => vec![app],
                None => vec![&json],
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Vec::new(),
    };
    let mut seen: Vec<(&str, usize)> = Vec::new();
    for (number, app) in (1..).zip(apps) {
        let place = format!("app {number}");
        let Some(app) = app.as_object() else {
            let reason = "it is no object".to_owned();
            import.drafts.push(Draft::broken(String::new(), place, reason, app.to_string()));
            continue;
        };
        let is_dump = app.contains_key("pm_exec_path");
        let name = app.get("name").and_then(Json::as_str).unwrap_or_default();
        // A dump has an entry for each instance.
        if let Some((_, first)) = seen.iter().find(|(known, _)| is_dump && *known == name) {
            one_more(&mut import.drafts[*first]);
            continue;
        }
        seen.push((name, import.drafts.len()));
        if is_dump {
            import.note("the dump holds the variables of a whole shell: look at each env, some may be secrets");
        }
        let is_logging = |key: &&String| key.ends_with("_file") || key.contains("log");
        if !is_dump && app.keys().any(|key| is_logging(&key)) {
            import.note(
                "keys about log files are left out: RunWisp keeps the output of every run itself",
            );
        }
        import.drafts.push(App { app, is_dump, folder }.draft(place));
    }
    if import.drafts.is_empty() {
        return Err("there are no apps in it".to_owned());
    }
    Ok(())
}

fn one_more(draft: &mut Draft) {
    let count = draft.keys.iter().find_map(|(key, value)| match value {
        Value::Whole(count) if *key == "instances" => Some(*count),
        Value::Whole(_) | Value::Text(_) | Value::Switch(_) | Value::List(_) | Value::Table(_) => {
            None
        }
    });
    draft.set("instances", Value::Whole(count.unwrap_or(1) + 1));
    draft.note("several instances: they no longer share a port; give each its own by RUNWISP_REPLICA_INDEX");
}

struct App<'a> {
    app: &'a Map<String, Json>,
    is_dump: bool,
    folder: &'a str,
}

impl App<'_> {
    fn text(&self, key: &str) -> Option<String> {
        match self.app.get(key)? {
            Json::String(text) if !text.is_empty() => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            Json::String(_) | Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
        }
    }

    fn is(&self, key: &str, expected: bool) -> bool {
        self.app.get(key).and_then(Json::as_bool) == Some(expected)
    }

    /// A list, or a text taken apart.
    fn words(&self, key: &str) -> Option<Vec<String>> {
        match self.app.get(key) {
            None | Some(Json::Null) => Some(Vec::new()),
            Some(Json::Array(items)) => {
                let text =
                    |item: &Json| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
                Some(items.iter().map(text).collect())
            }
            Some(Json::String(text)) => words::split(text),
            Some(other) => Some(vec![other.to_string()]),
        }
    }

    fn draft(&self, place: String) -> Draft {
        let script = self.text(if self.is_dump { "pm_exec_path" } else { "script" });
        let stem = script.as_deref().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let name = self
            .text("name")
            .unwrap_or_else(|| stem.split('.').next().unwrap_or_default().to_owned());
        let original = Json::Object(self.app.clone()).to_string();
        let broken = |reason: &str| {
            let original = if self.is_dump { String::new() } else { original.clone() };
            Draft::broken(sanitised(&name), place.clone(), reason.to_owned(), original)
        };
        let Some(script) = script else { return broken("it has no script") };
        let is_task = self.is("autorestart", false);
        let mut draft = Draft::new(
            if is_task { Kind::Task } else { Kind::Service },
            sanitised(&name),
            place.clone(),
        );
        let Some(command) = self.command(&script, &mut draft) else {
            return broken("a quote in its arguments does not end");
        };
        if let Some(group) = self.text("namespace").filter(|group| group != "default") {
            draft.text("group", group);
        }
        let folder = self.text(if self.is_dump { "pm_cwd" } else { "cwd" });
        draft.text("working_dir", folder.unwrap_or_else(|| self.folder.to_owned()));
        let user = self.text("uid").or_else(|| self.text("user").filter(|_| !self.is_dump));
        match (user, self.text("gid")) {
            (Some(user), Some(group)) => draft.text("user", format!("{user}:{group}")),
            (Some(user), None) => draft.text("user", user),
            (None, _) => {}
        }
        self.environment(&mut draft);
        match is_task {
            true => self.task(&mut draft),
            false => self.service(&mut draft),
        }
        if let Some(wait) = self.text("kill_timeout").and_then(|text| duration(&text)) {
            draft.text("graceful_stop", wait);
        }
        self.left_out(&mut draft);
        let instances = draft.keys.iter().any(|(key, _)| *key == "instances");
        draft.text(
            "run",
            match instances {
                // PM2 numbers its instances by this name.
                true => format!("export NODE_APP_INSTANCE=\"$RUNWISP_REPLICA_INDEX\"\n{command}"),
                false => command,
            },
        );
        draft
    }

    fn command(&self, script: &str, draft: &mut Draft) -> Option<String> {
        if script.contains(' ') && !script.starts_with(['/', '.']) {
            // `npm run start`: PM2 gives it to a shell as it is.
            draft.note("the script is a whole command, for the shell");
            let args = words::join(&self.words("args")?);
            return Some(format!("{script} {args}").trim_end().to_owned());
        }
        let key = if self.is_dump { "exec_interpreter" } else { "interpreter" };
        let ending = script.rsplit('/').next()?.rsplit_once('.').map(|(_, ending)| ending);
        let known = ending.and_then(|ending| INTERPRETERS.iter().find(|(it, _)| *it == ending));
        let interpreter = match (self.text(key), known) {
            (Some(interpreter), _) => interpreter,
            (None, Some((_, interpreter))) => (*interpreter).to_owned(),
            (None, None) => "none".to_owned(),
        };
        let mut words = Vec::new();
        if interpreter != "none" {
            words.push(interpreter);
            let mut options = self.words("interpreter_args")?;
            if options.is_empty() {
                options = self.words("node_args")?;
            }
            words.extend(options);
        }
        words.push(script.to_owned());
        words.extend(self.words("args")?);
        Some(words::exec(&words))
    }

    fn environment(&self, draft: &mut Draft) {
        let Some(env) = self.app.get("env").and_then(Json::as_object) else { return };
        let is_wanted = |name: &str| {
            let is_shell = OF_THE_SHELL.contains(&name)
                || ["SSH_", "XDG_", "LC_", "NVM_", "npm_", "VSCODE_", "PM2_"]
                    .iter()
                    .any(|it| name.starts_with(it));
            let is_small = !name.chars().any(|letter| letter.is_ascii_uppercase());
            !self.is_dump || !is_shell && !is_small
        };
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in env {
            let value = match value {
                Json::String(text) => text.clone(),
                Json::Number(_) | Json::Bool(_) => value.to_string(),
                Json::Null | Json::Array(_) | Json::Object(_) => continue,
            };
            if is_wanted(name) {
                pairs.push((name.clone(), value));
            }
        }
        if !pairs.is_empty() {
            draft.set("env", Value::Table(pairs));
        }
    }

    fn task(&self, draft: &mut Draft) {
        // A dump has all of them, mostly as PM2 sets them itself.
        let is_own = |key: &&str| {
            self.app.contains_key(*key)
                && (!self.is_dump || *key == "instances" && self.text(key).as_deref() != Some("1"))
        };
        let lost: Vec<&str> = OF_SERVICES.into_iter().filter(is_own).collect();
        draft.not_of_tasks(&lost);
        match self.text("cron_restart").or_else(|| self.text("cron")) {
            Some(cron) => {
                draft.text("cron", cron);
                draft.text("timezone", "Local");
                draft.text("catch_up", "skip");
                draft.text("on_overlap", "terminate");
            }
            None => draft.text("run_on_start", "daemon"),
        }
    }

    fn service(&self, draft: &mut Draft) {
        match self.text("instances").as_deref() {
            None | Some("1") => {}
            Some("max" | "0" | "-1") => draft.todo("instances = max: write how many"),
            Some(count) => match count.parse() {
                Ok(count @ 2..=64) => {
                    draft.set("instances", Value::Whole(count));
                    draft.note("several instances: they no longer share a port; give each its own by RUNWISP_REPLICA_INDEX");
                }
                Ok(_) | Err(_) => draft.todo(format!("instances = {count}: 1 to 64 are possible")),
            },
        }
        if self.text("exec_mode").is_some_and(|mode| mode.starts_with("cluster")) {
            draft.note("cluster mode: each instance is a process of its own here");
        }
        if let Some(cron) = self.text("cron_restart") {
            draft.todo(format!(
                "cron_restart = {cron}: make a task that runs \"runwisp restart {}\"",
                draft.name
            ));
        }
        if let Some(delay) = self.text("exp_backoff_restart_delay").and_then(|text| duration(&text))
        {
            draft.text("restart_delay", delay);
            draft.text("restart_backoff", "exponential");
        } else if let Some(delay) =
            self.text("restart_delay").and_then(|text| duration(&text)).filter(|it| it != "0ms")
        {
            draft.text("restart_delay", delay);
            draft.text("restart_backoff", "constant");
        }
        if let Some(length) = self.text("min_uptime").and_then(|text| duration(&text)) {
            draft.text("healthy_after", length);
        }
        if let Some(count) = self.text("max_restarts").and_then(|text| text.parse::<i64>().ok()) {
            draft.set("restart_attempts", Value::Whole(count.clamp(0, 100)));
        }
    }

    fn left_out(&self, draft: &mut Draft) {
        if let Some(limit) = self.text("max_memory_restart") {
            draft.note(format!("max_memory_restart = {limit}: nothing restarts it for that here"));
        }
        if self
            .app
            .get("watch")
            .is_some_and(|watch| !matches!(watch, Json::Bool(false) | Json::Null))
        {
            draft.note("watch: files are not watched here");
        }
        let environments = self.app.keys().filter(|key| key.starts_with("env_"));
        let environments: Vec<&str> = environments.map(String::as_str).collect();
        if !environments.is_empty() {
            draft.note(format!(
                "{}: of --env NAME; put into env what you need",
                environments.join(", ")
            ));
        }
        if self.is_dump {
            return;
        }
        let others = self
            .app
            .keys()
            .filter(|key| !KNOWN.contains(&key.as_str()) && !key.starts_with("env_"));
        let others: Vec<&str> = others.map(String::as_str).collect();
        draft.left_out("", &others);
    }
}

/// Milliseconds, or a number with `s`, `m` or `h`.
fn duration(text: &str) -> Option<String> {
    let digits = text.trim_end_matches(['s', 'm', 'h']);
    let number: u64 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "" | "ms" => Some(format!("{number}ms")),
        unit => Some(format!("{number}{unit}")).filter(|_| unit.len() == 1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::tables;
    use super::*;

    fn imported(text: &str) -> (Import, String) {
        let mut found = Import::default();
        import(&mut found, text, "/srv").unwrap();
        found.settle_names(&[]);
        let page = tables(&found);
        (found, page)
    }

    #[test]
    fn what_only_services_have_is_not_dropped_without_a_word() {
        let text = r#"{"name": "a", "script": "./a.sh", "autorestart": false, "instances": 4,
            "max_restarts": 3, "cron_restart": "0 0 * * *"}"#;
        let (found, _) = imported(text);
        assert_eq!(
            found.drafts[0].notes,
            ["left out, a task has no such thing: instances, max_restarts"]
        );
    }

    #[test]
    fn an_app_becomes_a_service() {
        let text = r#"{"apps": [{"name": "api", "script": "./server.js", "args": "--port 80 'a b'", "cwd": "/srv/api",
            "interpreter_args": ["--max-old-space-size=200"], "env": {"NODE_ENV": "production", "PORT": 80},
            "min_uptime": "10s", "max_restarts": 5, "restart_delay": 4000, "kill_timeout": 3000, "uid": "www", "gid": "web"}]}"#;
        let (found, page) = imported(text);
        assert_eq!(
            page,
            "\n# app 1\n[services.api]\nworking_dir = \"/srv/api\"\nuser = \"www:web\"\n\
             env = { NODE_ENV = \"production\", PORT = \"80\" }\nrestart_delay = \"4000ms\"\n\
             restart_backoff = \"constant\"\nhealthy_after = \"10s\"\nrestart_attempts = 5\ngraceful_stop = \"3000ms\"\n\
             run = \"exec node --max-old-space-size=200 ./server.js --port 80 'a b'\"\n"
        );
        assert_eq!(found.drafts[0].mark(), '✓');
    }

    #[test]
    fn an_app_that_ends_is_a_task() {
        let (_, page) = imported(
            r#"[{"name": "n", "script": "x.py", "autorestart": false, "cron_restart": "0 3 * * *"}]"#,
        );
        assert!(
            page.contains("[tasks.n]")
                && page.contains("cron = \"0 3 * * *\"")
                && page.contains("exec python3 x.py"),
            "{page}"
        );
        let (_, page) = imported(r#"{"name": "n", "script": "/bin/x", "autorestart": false}"#);
        assert!(
            page.contains("run_on_start = \"daemon\"") && page.contains("exec /bin/x"),
            "{page}"
        );
    }

    #[test]
    fn what_pm2_alone_does_is_said() {
        let text = r#"{"apps": [{"script": "npm start", "instances": "max", "exec_mode": "cluster", "watch": true,
            "max_memory_restart": "300M", "env_production": {}, "cron_restart": "@daily", "foo": 1, "out_file": "x"},
            {"name": "none"}, 5], "deploy": {}}"#;
        let (found, page) = imported(text);
        assert_eq!(found.drafts.iter().map(Draft::mark).collect::<String>(), "~!!");
        for said in [
            "instances = max",
            "cluster mode",
            "watch:",
            "max_memory_restart",
            "env_production",
            "left out: foo",
            "runwisp restart npm-start",
            "run = \"npm start\"",
            "it has no script",
            "it is no object",
        ] {
            assert!(page.contains(said), "{said}\n{page}");
        }
        assert_eq!(found.notes.len(), 2);
    }

    #[test]
    fn a_dump_has_an_entry_for_each_instance_and_the_variables_of_a_shell() {
        let app = r#"{"name": "w", "pm_exec_path": "/srv/w.js", "exec_interpreter": "node", "node_args": [], "pm_cwd": "/srv",
            "args": ["a"], "exec_mode": "cluster_mode", "username": "x",
            "env": {"HOME": "/root", "PORT": "1", "PATH": "/x", "w": {}, "unique_id": "u", "SSH_TTY": "t"}}"#;
        let (found, page) = imported(&format!("[{app}, {app}]"));
        assert_eq!(found.drafts.len(), 1);
        assert!(page.contains("instances = 2"), "{page}");
        assert!(page.contains("env = { PATH = \"/x\", PORT = \"1\" }"), "{page}");
        assert!(page.contains("exec node /srv/w.js a"), "{page}");
    }

    #[test]
    fn what_is_no_list_of_apps_is_refused() {
        for text in ["{", "5", "[]", r#"{"apps": []}"#] {
            assert!(import(&mut Import::default(), text, "").is_err(), "{text}");
        }
    }
}
