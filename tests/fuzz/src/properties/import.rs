//! What comes from other schedulers: crontabs, and everything that `import` reads.

use jiff::tz::TimeZone;

use crate::cli::import::draft::{Fate, Import};
use crate::cli::import::sections::{jobs, sections};
use crate::cli::import::systemd::unit::Unit;
use crate::cli::import::{anacron, cron, page, pm2, supervisord, systemd};
use crate::config::crontab::{self as crontabs, Form, When, name_of};
use crate::config::name_flaw;
use crate::cron::Schedule;
use crate::model::job::Kind;
use crate::properties::first_line;

/// Each line is an entry that we can run, or it is told why not.
pub(crate) fn crontab(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for form in [Form::User, Form::System] {
        let read = crontabs::read(&text, form);
        let mut lines: Vec<usize> = read.entries.iter().map(|entry| entry.line).collect();
        assert!(lines.is_sorted());
        lines.extend(read.skipped.iter().map(|skipped| skipped.line));
        lines.sort_unstable();
        assert!(lines.windows(2).all(|pair| pair[0] < pair[1]), "a line counts twice");
        for entry in &read.entries {
            if let When::Cron(expression) = &entry.when {
                let schedule = Schedule::parse(expression, TimeZone::UTC, "UTC");
                assert!(schedule.is_ok(), "{expression}");
            }
            assert!(!entry.command.trim().is_empty() && !entry.command.contains('\0'));
            assert_eq!(name_flaw(&name_of(&entry.command), Kind::Task), None);
            assert_eq!(entry.user.is_some(), form == Form::System);
            assert!(entry.variables().count() + entry.lost_variables().count() <= entry.env.len());
            let script = entry.script();
            assert!(script.is_none_or(|script| script.ends_with(&entry.command)));
        }
    }
}

/// The first line names the source, the rest is its text. What comes out is TOML with exactly the
/// jobs that were found, and cuts well at its headers.
pub(crate) fn import(data: &[u8]) {
    let Some((source, text)) = first_line(data) else { return };
    let mut found = Import::default();
    match source {
        "cron" => {
            let host = cron::Host {
                is_debian: false,
                has_user: &|_| true,
                has_zone: &|zone| zone == "UTC",
            };
            cron::import(&mut found, text, Form::System, None, "", &host);
        }
        "anacron" => anacron::import(&mut found, text),
        "supervisord" => {
            let source = supervisord::Source { text, file: "x", here: Some("/etc") };
            supervisord::import(&mut found, &[source]);
        }
        "timer" | "service" => {
            let unit = Unit::read(&format!("a@b.{source}"), [text]);
            systemd::import(&mut found, &unit, &|name| Some(Unit::read(name, [text])));
        }
        "pm2" => _ = pm2::import(&mut found, text, "/srv"),
        _ => return,
    }
    found.settle_names(&[]);
    let _ = found.summary();
    let page = page::tables(&found);
    let mut written = jobs(&page).unwrap_or_else(|error| panic!("{error}\n{page}"));
    let made = found.drafts.iter().filter(|draft| draft.fate == Fate::Made);
    let run = |run: Option<&str>| run.unwrap_or_default().to_owned();
    let mut made: Vec<_> =
        made.map(|draft| (draft.name.clone(), run(draft.text_of("run")))).collect();
    for (name, _) in &made {
        assert_eq!(name_flaw(name, Kind::Task), None);
    }
    written.sort();
    made.sort();
    assert_eq!(written, made);
    let parts = sections(&page).expect("it was read before");
    assert!(
        parts.is_empty() || parts.windows(2).all(|pair| pair[0].range.end == pair[1].range.start)
    );
}
