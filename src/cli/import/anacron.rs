//! `/etc/anacrontab` becomes tasks: a period in days, a delay in minutes, a name, a command
//! (anacrontab(5)).

use super::draft::{Draft, Import, Value};
use crate::config::crontab::sanitised;
use crate::model::job::Kind;

/// Reads a whole anacrontab.
pub(crate) fn import(import: &mut Import, text: &str) {
    let mut env: Vec<(String, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("line {number}");
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some((name, value)) =
            line.split_once('=').filter(|(name, _)| !name.trim().contains(char::is_whitespace))
        {
            let (name, value) = (name.trim(), value.trim());
            match name {
                "MAILTO" | "MAILFROM" | "LOGNAME" | "SHELL" => {}
                "START_HOURS_RANGE" | "RANDOM_DELAY" => import.note(format!(
                    "{name}={value} has no counterpart: the tasks run at midnight, or when the daemon starts"
                )),
                _ => {
                    env.retain(|(known, _)| known != name);
                    env.push((name.to_owned(), value.to_owned()));
                }
            }
            continue;
        }
        let [period, delay, id, _, ..] = words[..] else {
            let reason = "a period, a delay, a name and a command are needed".to_owned();
            import.drafts.push(Draft::broken(String::new(), place, reason, line.to_owned()));
            continue;
        };
        let cron = match period {
            "1" | "@daily" => "@daily".to_owned(),
            "7" | "@weekly" => "@weekly".to_owned(),
            "@monthly" => period.to_owned(),
            "@yearly" | "@annually" => "@yearly".to_owned(),
            days if days.parse::<u16>().is_ok_and(|days| days > 0) => format!("@every {days}d"),
            _ => {
                let reason = format!("{period:?} is no period");
                import.drafts.push(Draft::broken(sanitised(id), place, reason, line.to_owned()));
                continue;
            }
        };
        // The command is the line from its fourth word on.
        let command = (0..3).fold(line, |rest, _| {
            rest.trim_start().split_once(char::is_whitespace).map_or("", |(_, rest)| rest)
        });
        let mut draft = Draft::new(Kind::Task, sanitised(id), place);
        draft.note(format!(
            "a fixed time now, where anacron counts days from the last run; what was missed runs \
             at once, not {delay} minutes later"
        ));
        if !cron.starts_with("@every") {
            draft.text("timezone", "Local");
        }
        draft.text("cron", cron);
        draft.text("catch_up", "latest");
        draft.text("on_overlap", "queue");
        draft.text("working_dir", "/");
        draft.text("env_base", "clean");
        if !env.is_empty() {
            draft.set("env", Value::Table(env.clone()));
        }
        draft.text("run", format!("set +e\n{}", command.trim_start()));
        import.drafts.push(draft);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_become_schedules() {
        let text = "SHELL=/bin/sh\nHOME=/root\n\n# c\n1\t5\tcron.daily\trun-parts --report /etc/cron.daily\n\
                    @monthly 15 cron.monthly a  b\n3 5 three x\n0 5 zero x\n7 10 seven\n";
        let mut found = Import::default();
        import(&mut found, text);
        let rows = found.drafts.iter().map(|draft| {
            let cron = draft.text_of("cron").unwrap_or_default().to_owned();
            (draft.mark(), draft.name.as_str(), cron, draft.text_of("run").unwrap_or_default())
        });
        let rows: Vec<_> = rows.collect();
        let row = |mark, name, cron: &str, run| (mark, name, cron.to_owned(), run);
        assert_eq!(
            rows,
            [
                row('~', "cron-daily", "@daily", "set +e\nrun-parts --report /etc/cron.daily"),
                row('~', "cron-monthly", "@monthly", "set +e\na  b"),
                row('~', "three", "@every 3d", "set +e\nx"),
                row('!', "zero", "", ""),
                row('!', "", "", ""),
            ]
        );
    }
}
