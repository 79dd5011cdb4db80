//! supervisord's programs become services (docs/migration.md, From supervisord). No shell reads
//! its commands, so the scripts are one `exec` with everything quoted.

use super::draft::{Draft, Import, Value};
use super::ini::{self, IniSection};
use super::words::{self, REPLICA};
use crate::config::crontab::sanitised;
use crate::model::job::Kind;

/// A file, and the directory it lies in, if it is one.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    pub(crate) file: &'a str,
    pub(crate) here: Option<&'a str>,
}

/// What the `[supervisord]` section says for all programs.
const COMMON: [&str; 4] = ["user", "directory", "umask", "environment"];

/// Keys that are about output, which we keep in any case.
const OUTPUT: [&str; 5] = ["stdout_", "stderr_", "redirect_stderr", "loglevel", "logfile"];

/// Keys that have a place in the draft.
const KNOWN: [&str; 20] = [
    "command",
    "process_name",
    "numprocs",
    "numprocs_start",
    "priority",
    "autostart",
    "startsecs",
    "startretries",
    "autorestart",
    "exitcodes",
    "stopsignal",
    "stopwaitsecs",
    "stopasgroup",
    "killasgroup",
    "user",
    "directory",
    "umask",
    "environment",
    "serverurl",
    "redirect_stderr",
];

/// The patterns of `[include] files`, which somebody has to follow.
pub(crate) fn includes(text: &str) -> Vec<String> {
    let (sections, _) = ini::read(text);
    let files = sections.iter().filter(|section| section.name == "include");
    let files = files.filter_map(|section| section.get("files"));
    files.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// Reads all files as the one configuration that they are.
pub(crate) fn import(import: &mut Import, sources: &[Source<'_>]) {
    let mut all: Vec<(IniSection, &Source<'_>)> = Vec::new();
    for source in sources {
        let (sections, odd) = ini::read(source.text);
        for line in odd {
            import.note(format!("{} line {line}: neither a key nor a section", source.file));
        }
        all.extend(sections.into_iter().map(|section| (section, source)));
    }
    let of = |kind: &str| {
        let of_kind = all.iter().filter_map(|(section, source)| {
            let name = section.name.strip_prefix(kind)?.strip_prefix(':')?;
            Some((name.trim().to_owned(), section, *source))
        });
        of_kind.collect::<Vec<_>>()
    };
    let main = all.iter().find(|(section, _)| section.name == "supervisord").map(|(it, _)| it);
    let groups = of("group");
    let group_of = |program: &str| {
        let members = |section: &IniSection| section.get("programs").unwrap_or_default().to_owned();
        let has =
            |section: &IniSection| members(section).split(',').any(|name| name.trim() == program);
        groups.iter().find(|(_, section, _)| has(section)).map(|(name, ..)| name.clone())
    };
    let programs = of("program");
    let has_order = programs.iter().any(|(_, section, _)| section.get("priority").is_some());
    for (name, section, source) in &programs {
        let program = Program { name, section, source, group: group_of(name), main, has_order };
        import.drafts.push(program.draft());
    }
    for kind in ["eventlistener", "fcgi-program"] {
        for (name, section, _) in of(kind) {
            let place = format!("[{kind}:{name}]");
            let reason =
                format!("RunWisp has nothing like an {kind}").replace("an fcgi", "an FCGI");
            let original = section.get("command").unwrap_or_default().to_owned();
            import.drafts.push(Draft::broken(sanitised(&name), place, reason, original));
        }
    }
    let is_dropped = |name: &str| {
        matches!(name, "supervisord" | "supervisorctl")
            || name.contains("http_server")
            || name.starts_with("rpcinterface")
    };
    let dropped =
        all.iter().map(|(section, _)| section.name.as_str()).filter(|name| is_dropped(name));
    let dropped: Vec<String> = dropped.map(|name| format!("[{name}]")).collect();
    if !dropped.is_empty() {
        import.note(format!("{}: about supervisord itself, left out", dropped.join(", ")));
    }
    let logs = all.iter().flat_map(|(section, _)| &section.values);
    if logs.clone().any(|(key, _)| OUTPUT.iter().any(|start| key.starts_with(start))) {
        import.note(
            "keys about log files are left out: RunWisp keeps the output of every run itself",
        );
    }
}

struct Program<'a> {
    name: &'a str,
    section: &'a IniSection,
    source: &'a Source<'a>,
    group: Option<String>,
    main: Option<&'a IniSection>,
    /// Some program says when it starts.
    has_order: bool,
}

impl Program<'_> {
    /// The value of a key, its own or that of `[supervisord]`.
    fn get(&self, key: &str) -> Option<&str> {
        let common = || COMMON.contains(&key).then(|| self.main?.get(key)).flatten();
        self.section.get(key).or_else(common).filter(|value| !value.is_empty())
    }

    fn draft(&self) -> Draft {
        let place = format!("[program:{}]", self.name);
        let is_task = self.get("autorestart").is_some_and(is_false);
        let kind = if is_task { Kind::Task } else { Kind::Service };
        let mut draft = Draft::new(kind, sanitised(self.name), place);
        let original = self.section.get("command").unwrap_or_default().to_owned();
        if draft.name != self.name {
            draft.note(format!("the name {:?} is not possible here", self.name));
        }
        let command = self.expanded("command", &original, &mut draft);
        let script = words::split(&command).filter(|words| !words.is_empty());
        let Some(script) = script else {
            let reason = "the command is missing, or a quote in it does not end".to_owned();
            return Draft::broken(draft.name, draft.place, reason, original);
        };
        if let Some(group) = &self.group {
            draft.text("group", group);
        }
        for (key, ours) in [("user", "user"), ("directory", "working_dir"), ("umask", "umask")] {
            if let Some(value) = self.get(key) {
                let value = self.expanded(key, value, &mut draft);
                draft.text(ours, value);
            }
        }
        self.environment(&mut draft);
        self.lifecycle(&mut draft, is_task);
        let unknown =
            |key: &str| !KNOWN.contains(&key) && !OUTPUT.iter().any(|start| key.starts_with(start));
        let keys = self.section.values.iter().map(|(key, _)| key.as_str());
        for key in keys.filter(|key| unknown(key) || *key == "serverurl") {
            draft.note(format!("{key} is left out"));
        }
        draft.text("run", words::exec(&script));
        draft
    }

    fn lifecycle(&self, draft: &mut Draft, is_task: bool) {
        let number = |key: &str| self.get(key).and_then(|value| value.parse::<u16>().ok());
        if is_task {
            if !self.get("autostart").is_some_and(is_false) {
                draft.text("run_on_start", "daemon");
            }
            if let Some(count) = number("numprocs").filter(|count| *count > 1) {
                draft.todo(format!("numprocs={count}: a task has one run at a time"));
            }
            let is_set = |key: &&str| self.get(key).is_some();
            let lost = ["startsecs", "startretries", "priority"].into_iter().filter(is_set);
            let lost: Vec<&str> = lost.collect();
            draft.not_of_tasks(&lost);
        } else {
            match number("numprocs") {
                Some(count @ 2..=64) => draft.set("instances", Value::Whole(count.into())),
                Some(count @ 65..) => {
                    draft.todo(format!("numprocs={count}: 64 instances are the most"))
                }
                Some(_) | None => {}
            }
            let seconds = self.get("startsecs").unwrap_or("1");
            match words::seconds(seconds) {
                Some(length) => draft.text("healthy_after", length),
                None => draft.todo(format!("startsecs={seconds} is no number")),
            }
            match number("startretries") {
                Some(retries @ ..=100) => {
                    draft.set("restart_attempts", Value::Whole(retries.into()))
                }
                Some(retries) => {
                    draft.set("restart_attempts", Value::Whole(100));
                    draft.note(format!("startretries={retries}: 100 are the most"));
                }
                None => {}
            }
            if self.get("autostart").is_some_and(is_false) {
                draft.set("autostart", Value::Switch(false));
            }
            if self.has_order {
                let priority = number("priority").unwrap_or(999);
                draft.set("priority", Value::Whole(priority.into()));
            }
            // `unexpected` is what supervisord does when nothing is said.
            let restart = self.get("autorestart").unwrap_or("unexpected");
            if restart.eq_ignore_ascii_case("unexpected") {
                draft.text("restart", "on_failure");
            }
        }
        if let Some(codes) = self.get("exitcodes") {
            match failures(codes) {
                Some(list) if list.is_empty() => {}
                Some(list) => draft.set("failures", Value::List(list)),
                None => draft.todo(format!("exitcodes={codes}: 0 is always a success here")),
            }
        }
        let signal = self.get("stopsignal").unwrap_or("TERM").to_uppercase();
        let signal = signal.strip_prefix("SIG").unwrap_or(&signal);
        if signal != "TERM" {
            draft.text("stop_signal", format!("SIG{signal}"));
        }
        let wait = self.get("stopwaitsecs").unwrap_or("10");
        match words::seconds(wait) {
            Some(length) => draft.text("graceful_stop", length),
            None => draft.todo(format!("stopwaitsecs={wait} is no number")),
        }
    }

    fn environment(&self, draft: &mut Draft) {
        let mut env: Vec<(String, String)> = Vec::new();
        let common = self.main.and_then(|main| main.get("environment"));
        for text in [common, self.section.get("environment")].into_iter().flatten() {
            let text = self.expanded("environment", text, draft);
            let Some(pairs) = pairs(&text) else {
                draft.todo(format!("environment={text} cannot be read"));
                continue;
            };
            for (name, value) in pairs {
                env.retain(|(known, _)| *known != name);
                env.push((name, value));
            }
        }
        if !env.is_empty() {
            draft.set("env", Value::Table(env));
        }
    }

    /// `%(program_name)s` and its like filled in.
    fn expanded(&self, key: &str, text: &str, draft: &mut Draft) -> String {
        let count = self.get("numprocs").unwrap_or("1");
        let start: u32 = self.get("numprocs_start").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut result = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            result += &rest[..at];
            rest = &rest[at + 1..];
            if let Some(behind) = rest.strip_prefix('%') {
                result.push('%');
                rest = behind;
                continue;
            }
            let form = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
            let form = form.and_then(|(name, behind)| {
                let end = behind.find(['s', 'd'])?;
                let width = &behind[..end];
                width.bytes().all(|byte| byte.is_ascii_digit()).then_some((
                    name,
                    width,
                    &behind[end + 1..],
                ))
            });
            let Some((name, width, behind)) = form else {
                result.push('%');
                continue;
            };
            rest = behind;
            match (name, self.source.here) {
                ("program_name", _) => result += self.name,
                ("group_name", _) => result += self.group.as_deref().unwrap_or(self.name),
                ("numprocs", _) => result += count,
                ("here", Some(here)) => result += here,
                ("process_num", _) if count == "1" => result += &padded(start, width),
                ("process_num", _) if key == "command" && start == 0 && width.len() < 3 => {
                    result.push(REPLICA);
                    result += width;
                }
                (name, _) => {
                    result += &format!("%({name}){width}s");
                    let hint = match name.strip_prefix("ENV_") {
                        Some(variable) => {
                            format!("; it was {variable} of supervisord's own environment")
                        }
                        None => String::new(),
                    };
                    draft.todo(format!("{key}: write out %({name})s{hint}"));
                }
            }
        }
        result + rest
    }
}

fn padded(number: u32, width: &str) -> String {
    let digits: usize = width.parse().unwrap_or(0);
    match width.starts_with('0') {
        true => format!("{number:0digits$}"),
        false => format!("{number:digits$}"),
    }
}

fn is_false(value: &str) -> bool {
    ["false", "off", "no", "0"].contains(&value.to_lowercase().as_str())
}

/// What is no success, as an edit of our list; empty when it is the same. `None` where 0 is a
/// failure.
fn failures(codes: &str) -> Option<Vec<String>> {
    let mut good: Vec<u8> = codes.split(',').filter_map(|code| code.trim().parse().ok()).collect();
    good.sort_unstable();
    good.dedup();
    if good.first() != Some(&0) {
        return None;
    }
    if good.len() == 1 {
        return Some(Vec::new());
    }
    let mut list = vec!["-failed".to_owned()];
    let ends = good.iter().skip(1).map(|code| u16::from(*code)).chain([256]);
    for (from, to) in good.iter().map(|code| u16::from(*code) + 1).zip(ends) {
        match to.saturating_sub(from) {
            0 => {}
            1 => list.push(format!("+{from}")),
            _ => list.push(format!("+{from}-{}", to - 1)),
        }
    }
    Some(list)
}

/// `A="b",C='d',E=f`.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let quote = behind.chars().next().filter(|letter| matches!(letter, '"' | '\''));
        let (value, behind) = match quote {
            Some(quote) => behind[1..].split_once(quote)?,
            None => behind.split_at(behind.find([',', '\n']).unwrap_or(behind.len())),
        };
        pairs.push((name.trim().to_owned(), value.trim_end_matches('\n').to_owned()));
        let behind = behind.trim_start();
        rest = match behind.strip_prefix(',') {
            Some(behind) => behind.trim_start(),
            None if behind.is_empty() => behind,
            None => return None,
        };
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::super::page::tables;
    use super::*;

    fn imported(text: &str) -> (Import, String) {
        let mut found = Import::default();
        import(&mut found, &[Source { text, file: "x.conf", here: Some("/etc/sv") }]);
        found.settle_names(&[]);
        let page = tables(&found);
        (found, page)
    }

    #[test]
    fn what_only_services_have_is_not_dropped_without_a_word() {
        let text = "[program:a]\ncommand=/a\nautorestart=false\nstartsecs=9\npriority=3\n";
        let (found, _) = imported(text);
        assert_eq!(
            found.drafts[0].notes,
            ["left out, a task has no such thing: startsecs, priority"]
        );
    }

    #[test]
    fn a_program_becomes_a_service_that_lives_the_same_way() {
        let text = "[supervisord]\nenvironment=A=1,B=\"2\"\n[program:web] ; x\ncommand=/usr/bin/app --p=80%(process_num)02d \
                    '%(program_name)s' $HOME && x ; comment\nnumprocs=2\nprocess_name=%(program_name)s_%(process_num)d\n\
                    directory=%(here)s/app\nuser=www\numask=027\nenvironment=B=\"x,y\",\n  C='%%d'\nautorestart=true\n\
                    startsecs=5\nstartretries=9\nstopsignal=INT\nstopwaitsecs=30\nexitcodes=0,2\nstdout_logfile=/x\n\
                    priority=5\nautostart=false\n[group:g]\nprograms=web, other\n[unix_http_server]\nfile=/x\n";
        let (found, page) = imported(text);
        assert_eq!(
            page,
            "\n# [program:web]\n[services.web]\ngroup = \"g\"\nuser = \"www\"\nworking_dir = \"/etc/sv/app\"\n\
             umask = \"027\"\nenv = { A = \"1\", B = \"x,y\", C = \"%d\" }\ninstances = 2\nhealthy_after = \"5s\"\n\
             restart_attempts = 9\nautostart = false\npriority = 5\nfailures = [\"-failed\", \"+1\", \"+3-255\"]\n\
             stop_signal = \"SIGINT\"\ngraceful_stop = \"30s\"\n\
             run = \"exec /usr/bin/app --p=80\\\"$(printf %02d \\\"$RUNWISP_REPLICA_INDEX\\\")\\\" web '$HOME' '&&' x\"\n"
        );
        assert_eq!(found.drafts[0].mark(), '✓');
        let notes = found.notes.join("\n");
        assert!(
            notes.contains("[supervisord], [unix_http_server]: about")
                && notes.contains("log files"),
            "{notes}"
        );
    }

    #[test]
    fn the_defaults_of_supervisord_are_kept() {
        let (_, page) = imported("[program:a]\ncommand=x\n");
        for line in
            ["restart = \"on_failure\"\n", "healthy_after = \"1s\"\n", "graceful_stop = \"10s\"\n"]
        {
            assert!(page.contains(line), "{line}{page}");
        }
        let (_, page) = imported("[program:once]\ncommand=x\nautorestart=false\n");
        assert!(page.contains("[tasks.once]\nrun_on_start = \"daemon\"\n"), "{page}");
    }

    #[test]
    fn what_cannot_be_said_is_flagged() {
        let text = "[program:a b]\ncommand=x %(ENV_HOME)s\nfoo=1\n[program:bad]\ncommand='x\n[program:none]\nuser=x\n\
                    [eventlistener:e]\ncommand=y\n[fcgi-program:f]\ncommand=z\n";
        let (found, page) = imported(text);
        let marks: String = found.drafts.iter().map(Draft::mark).collect();
        assert_eq!(marks, "~!!!!");
        for said in [
            "# TODO: command: write out %(ENV_HOME)s; it was HOME",
            "# foo is left out",
            "[services.a-b]",
        ] {
            assert!(page.contains(said), "{said}\n{page}");
        }
    }

    #[test]
    fn exit_codes_and_environments_are_read() {
        let list = |codes| failures(codes).map(|list| list.join(" "));
        assert_eq!(list("0").as_deref(), Some(""));
        assert_eq!(list("0, 2,255").as_deref(), Some("-failed +1 +3-254"));
        assert_eq!(list("1,0").as_deref(), Some("-failed +2-255"));
        assert_eq!(list("2"), None);
        assert_eq!(pairs("A=\"b\" c"), None);
        assert_eq!(
            pairs("A='a=b,c' , B=x"),
            Some(vec![("A".into(), "a=b,c".into()), ("B".into(), "x".into())])
        );
        assert_eq!(
            includes("[include]\nfiles = conf.d/*.conf a.ini\n"),
            ["conf.d/*.conf", "a.ini"]
        );
    }
}
