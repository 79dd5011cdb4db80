//! The notification tables (docs/configuration.md, Notifications).

use std::path::Path;
use std::time::Duration;

use super::{good, job, problems, with_task};
use crate::model::alert::{Kind, Kinds, Severity};
use crate::model::notifier::{Route, Settings, Token};

pub(super) const OPS: &str =
    "[[notifier]]\nid = \"ops\"\ntype = \"slack\"\nwebhook_url = \"https://example.org/x\"\n";
pub(super) const ME: &str =
    "[[notifier]]\nid = \"me\"\ntype = \"telegram\"\nbot_token = \"1:x\"\nchat_id = \"-100\"\n";

pub(super) fn check(text: &str, start: &str, facts: &[&str]) {
    let found = problems(text);
    assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    assert!(found[0].starts_with(start), "{text}\nwanted {start}\nfound  {}", found[0]);
    for fact in facts {
        assert!(found[0].contains(fact), "{text}\nwanted {fact}\nfound  {}", found[0]);
    }
}

#[test]
fn a_file_with_everything_loads() {
    let config = good(&format!(
        "{OPS}channel = \"@me\"\n{ME}parse_mode = \"MarkdownV2\"\ntemplate_path = \"plain.txt\"\n\
         [[notifier]]\nid = \"spare\"\ntype = \"slack\"\nwebhook_url_env = \"HOOK\"\n\
         [[notifier]]\nid = \"last\"\ntype = \"telegram\"\nbot_token_file = \"token\"\nchat_id = \"1\"\n\
         [notify]\ndefault_notifiers = [\"inapp\", \" ops : #all \", \"me:12\"]\nqueue_size = 1\n\
         default_timeout = \"15s\"\nhistory_keep = 1\nhistory_keep_for = \"1d\"\ncoalesce_window = \"0s\"\n\
         occurrence_ring = 1000\ncoalesce_outbound = false\nca_file = \"ca.pem\"\n\
         [[notification_route]]\nnotify = [\"ops\"]\n[notification_route.match]\n\
         kind = [\"run.failed\", \"log.disk_pressure\"]\ntask = \"db-[a-z]*\"\nseverity = \"warn\"\n{}",
        with_task("notify_on_failure = []\nnotify_on_success = [\"me\", \"me\"]")
    ));
    assert_eq!(config.warnings, []);
    let ids: Vec<_> = config.notify.notifiers.iter().map(|notifier| &*notifier.id).collect();
    assert_eq!(ids, ["ops", "me", "spare", "last"]);
    let (all, me) = (Token::new("ops", Some("#all")), Token::new("me", Some("12")));
    let defaults = vec![Token::in_app(), all, me];
    let expected = Settings {
        default_notifiers: defaults.clone(),
        queue_size: 1,
        budget: Duration::from_secs(15),
        history_keep: 1,
        history_keep_for: Duration::from_secs(86_400),
        coalesce_window: Duration::ZERO,
        coalesce_outbound: false,
        occurrence_ring: 1000,
        ca_file: Some(Path::new("/etc/rw/ca.pem").to_owned()),
    };
    assert_eq!(config.notify.settings, expected);
    let route = Route {
        kinds: Kinds::of(&[Kind::RunFailed, Kind::DiskPressure]),
        task: Some("db-[a-z]*".to_owned()),
        severity: Severity::Warn,
        to: vec![Token::new("ops", None)],
    };
    assert_eq!(config.notify.routes, [route]);
    let alerts = &job(&config, "t").alerts;
    assert_eq!(alerts.on_failure.as_deref(), Some([].as_slice()));
    assert_eq!(alerts.on_success, [[Token::new("me", None)].as_slice(), &defaults].concat());
}

#[test]
fn a_file_that_says_nothing_has_the_feed_alone() {
    let notify = good("").notify;
    assert_eq!(notify.settings, Settings::default());
    assert_eq!((notify.notifiers.len(), notify.routes.len()), (0, 0));
    assert_eq!(good("[notify]\n").notify.settings, Settings::default());
    let none = good("[notify]\ndefault_notifiers = []\n").notify.settings;
    assert_eq!(none.default_notifiers, []);
}

#[test]
fn other_spellings_mean_the_same() {
    let here = format!(
        "{OPS}[notify]\ndefault_notifiers = [\"ops\"]\ndefault_timeout = \"1m\"\nhistory_keep = 5\n\
         history_keep_for = \"2d\"\noccurrence_ring = 3\n[[notification_route]]\n\
         match = {{ kind = [\"run.failed\"] }}\nnotify = [\"inapp\"]\n"
    );
    let other = "[notifiers.ops]\ntype = \"slack\"\nwebhook_url = \"https://example.org/x\"\n[notify]\n\
         global_notifiers = [\"ops\"]\nretry_budget = \"1m\"\nkeep_notifications = 5\nkeep_for = \"2d\"\n\
         coalesce_limit = 3\n[[route]]\nmatch = { kinds = [\"run.failed\"] }\nnotifiers = [\"inapp\"]\n";
    let (here, other) = (good(&here).notify, good(other).notify);
    assert_eq!(here.settings, other.settings);
    assert_eq!(here.routes, other.routes);
    assert_eq!(here.notifiers[0].id, other.notifiers[0].id);
    assert_eq!(here.settings.history_keep_for, Duration::from_secs(2 * 86_400));
}

#[test]
fn a_notifier_has_an_id_a_type_and_one_secret() {
    let at = "1:1: notifier[0] (ops): ";
    let slack = ["one is required of webhook_url, webhook_url_env, webhook_url_file"];
    let telegram = ["one is required of bot_token, bot_token_env, bot_token_file"];
    check("[[notifier]]\nid = \"ops\"\ntype = \"slack\"\n", at, &slack);
    check("[[notifier]]\nid = \"ops\"\ntype = \"telegram\"\nchat_id = \"1\"\n", at, &telegram);
    check("[[notifier]]\nid = \"ops\"\n", at, &["type is required", "slack, telegram, smtp"]);
    let no_id = "[[notifier]]\ntype = \"slack\"\nwebhook_url_env = \"X\"\n";
    check(no_id, "1:1: notifier[0]: ", &["id is required"]);
    let both = format!("{OPS}webhook_url_env = \"X\"\n");
    let only_one = ["only one of webhook_url, webhook_url_env, webhook_url_file"];
    check(&both, "5:1: notifier[0] (ops).webhook_url_env: ", &only_one);
    check(
        &format!("{OPS}{OPS}"),
        "6:6: notifier[1] (ops).id: ",
        &["duplicate notifier id", "first defined at line 2"],
    );
    for (id, fact) in
        [("inapp", "reserved"), ("a:b", "must not contain \":\""), ("", "blank"), (" ", "blank")]
    {
        check(&OPS.replace("\"ops\"", &format!("{id:?}")), "2:6: notifier[0] (", &[fact]);
    }
    let no_chat = ME.replace("chat_id = \"-100\"\n", "");
    check(&no_chat, "1:1: notifier[0] (me): ", &["chat_id is required"]);
    for (id, fact) in [("\"\"", "blank"), ("\" x\"", "begins or ends with a blank")] {
        let text = format!("[notifiers.{id}]\ntype = \"slack\"\nwebhook_url_env = \"X\"\n");
        check(&text, "1:12: notifiers.", &[fact]);
    }
    let named = "[notifiers.inapp]\ntype = \"slack\"\nwebhook_url_env = \"X\"\n";
    check(named, "1:12: notifiers.inapp.id: ", &["reserved"]);
    let twice = format!("{OPS}[notifiers.x]\ntype = \"slack\"\nwebhook_url_env = \"X\"\n");
    check(&twice, "5:2: notifiers: ", &["notifier and notifiers"]);
}

#[test]
fn values_of_a_notifier_are_checked() {
    for (line, place, fact) in [
        (
            "type = \"pigeon\"",
            "type",
            "must be one of slack, telegram, smtp, sendmail, webhook, discord, ntfy, gotify, pushover",
        ),
        ("webhook_url = \"ftp://x\"", "webhook_url", "http or https"),
        ("webhook_url = \"https:///x\"", "webhook_url", "<hidden>"),
        ("webhook_url = \"https://x y\"", "webhook_url", "http or https"),
        ("webhook_url = 5", "webhook_url", "expected string"),
        ("webhook_url_env = \"A-B\"", "webhook_url_env", "<hidden>: not a variable name"),
        ("webhook_url_file = \"\"", "webhook_url_file", "blank"),
    ] {
        let key = line.split(' ').next().unwrap();
        let rest = if key == "type" { "webhook_url_env = \"X\"" } else { "type = \"slack\"" };
        let text = format!("[[notifier]]\nid = \"ops\"\n{line}\n{rest}\n");
        check(&text, "3:", &[&format!("notifier[0] (ops).{place}: "), fact]);
    }
    check(&format!("{OPS}channel = \"ops\"\n"), "5:11: ", &["must start with # or @"]);
    check(&format!("{ME}parse_mode = \"html\"\n"), "6:14: ", &["must be one of HTML, MarkdownV2"]);
    check(&format!("{ME}parse_mode = \"MarkdownV2\"\n"), "6:14: ", &["needs template_path"]);
    check(&format!("{ME}channel = \"#x\"\n"), "6:1: ", &["channel is only valid", "slack"]);
    check(&format!("{OPS}chat_id = \"1\"\n"), "5:1: ", &["chat_id is only valid", "telegram"]);
    check(&format!("{OPS}colour = \"1\"\n"), "5:1: notifier[0] (ops).colour", &["unknown key"]);
}

#[test]
fn secrets_are_never_repeated() {
    let secret = "hush-hush";
    for line in [
        "type = \"slack\"\nwebhook_url = \"hush-hush\"",
        "type = \"slack\"\nwebhook_url = [\"hush-hush\"]",
        "type = \"telegram\"\nbot_token = \"hush-hush\"\nwebhook_url = \"hush-hush\"",
        "type = \"hash\"\nbot_token = { hush-hush = 1 }",
    ] {
        let found = problems(&format!("[[notifier]]\nid = \"ops\"\n{line}\n"));
        assert!(!found.is_empty() && !found.concat().contains(secret), "{found:#?}");
    }
}

#[test]
fn tokens_name_declared_notifiers() {
    for (token, facts) in [
        ("nobody", ["unknown notifier id \"nobody\"", "declared are inapp, ops, me"]),
        ("nobody:#x", ["unknown parent notifier id \"nobody\"", "inapp, ops, me"]),
        ("pos", ["unknown notifier id \"pos\"", "did you mean \"ops\"?"]),
        ("Inapp", ["unknown notifier id \"Inapp\"", "did you mean \"inapp\"?"]),
        ("inapp:x", ["inapp has no target to override", ""]),
        ("ops:", ["target override is empty", ""]),
        ("ops: ", ["target override is empty", ""]),
        ("ops:all", ["must start with # or @", "\"ops:all\""]),
        ("", ["blank", ""]),
    ] {
        let notifiers = format!("{OPS}{ME}");
        for (text, start) in [
            (
                format!("{notifiers}{}", with_task(&format!("notify_on_success = [{token:?}]"))),
                "12:22: tasks.t.notify_on_success: ",
            ),
            (
                format!("{notifiers}[notify]\ndefault_notifiers = [{token:?}]\n"),
                "11:22: notify.default_notifiers: ",
            ),
            (
                format!(
                    "{notifiers}[[notification_route]]\nmatch.kind = [\"run.failed\"]\nnotify = [\"ops\", {token:?}]\n"
                ),
                "12:18: notification_route[0].notify: ",
            ),
        ] {
            check(&text, start, &facts);
        }
    }
}

#[test]
fn a_route_says_what_and_where_to() {
    let route = |lines: &str| format!("{OPS}[[notification_route]]\n{lines}\n");
    let at = "notification_route[0]";
    let list = "run.started, run.succeeded, run.failed, run.timeout, run.crashed, run.stopped, \
                run.missed, run.recovered, run.late, run.too_long, run.too_short, run.too_quiet, \
                log.disk_pressure, notify.delivery_failed";
    let ok = "match.kind = [\"run.failed\"]\n";
    for (lines, start, facts) in [
        ("notify = [\"ops\"]", format!("5:1: {at}: "), ["match is required", ""]),
        (
            "notify = [\"ops\"]\nmatch = {}",
            format!("7:9: {at}.match: "),
            ["kind is required", list],
        ),
        (
            "notify = [\"ops\"]\nmatch.kind = []",
            format!("7:14: {at}.match.kind: "),
            ["kind is empty", list],
        ),
        (
            "notify = [\"ops\"]\nmatch.kind = [\"run.lost\"]",
            format!("7:15: {at}.match.kind: "),
            ["\"run.lost\"", list],
        ),
        (
            "notify = [\"ops\"]\nmatch.kind = [\"notify.misconfigured\"]",
            format!("7:15: {at}.match.kind: "),
            ["must be one of", list],
        ),
        (ok, format!("5:1: {at}: "), ["notify is required", ""]),
        (&format!("{ok}notify = []"), format!("7:10: {at}.notify: "), ["notify is empty", ""]),
        (
            &format!("{ok}notify = [\"ops\"]\nmatch.task = \"db-[\""),
            format!("8:14: {at}.match.task: "),
            ["not a pattern", "closed"],
        ),
        (
            &format!("{ok}notify = [\"ops\"]\nmatch.severity = \"fatal\""),
            format!("8:18: {at}.match.severity: "),
            ["must be one of info, warn, error", ""],
        ),
        (
            &format!("{ok}notify = [\"ops\"]\nmatch.job = \"x\""),
            format!("8:7: {at}.match.job: "),
            ["unknown key", ""],
        ),
        (
            &format!("{ok}notify = [\"ops\"]\nname = \"x\""),
            format!("8:1: {at}.name: "),
            ["unknown key", ""],
        ),
    ] {
        check(&route(lines), &start, &facts);
    }
}

#[test]
fn settings_have_ranges() {
    for (line, fact) in [
        ("queue_size = 0", "must be between 1 and 1000000"),
        ("queue_size = 1000001", "must be between 1 and 1000000"),
        ("default_timeout = \"0s\"", "positive duration"),
        ("history_keep = 0", "must be 1 or more"),
        ("history_keep_for = \"0s\"", "positive duration"),
        ("coalesce_window = \"-1s\"", "must be 0 or more"),
        ("occurrence_ring = 0", "must be between 1 and 1000"),
        ("occurrence_ring = 1001", "must be between 1 and 1000"),
        ("coalesce_outbound = 1", "expected boolean"),
        ("ca_file = \"none.pem\"", "cannot read \"/etc/rw/none.pem\": no such file"),
        ("ca_file = \"plain.txt\"", "holds no certificate"),
    ] {
        let key = line.split(' ').next().unwrap();
        let start = format!("2:{}: notify.{key}: ", key.len() + 4);
        check(&format!("[notify]\n{line}\n"), &start, &[fact]);
    }
}
