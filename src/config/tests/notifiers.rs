//! What each type of notifier takes (docs/configuration.md, Notifications).

use std::path::{Path, PathBuf};

use super::good;
use super::notifications::{ME, OPS, check};
use crate::model::notifier::{Driver, Mail, MailTls, Notifier, ParseMode, Secret, Smtp, Source};

const MAIL: &str = "from = \"rw@example.org\"\nto = [\"ops@example.org\"]\n";

fn notifier(lines: &str) -> String {
    format!("[[notifier]]\nid = \"n\"\n{lines}\n")
}

fn read(lines: &str) -> Notifier {
    let config = good(&notifier(lines));
    Notifier::clone(&config.notify.notifiers[0])
}

fn value(key: &'static str, value: &str) -> Secret {
    Secret { key, source: Source::Value(value.to_owned()) }
}

fn variable(key: &'static str, name: &str) -> Secret {
    Secret { key, source: Source::Variable(name.to_owned()) }
}

fn file(key: &'static str, path: &str) -> Secret {
    Secret { key, source: Source::File(PathBuf::from(path)) }
}

#[test]
fn chats_are_kept_with_where_their_secret_stands() {
    let Driver::Slack { webhook_url, channel } =
        read("type = \"slack\"\nwebhook_url = \"https://h/x\"\nchannel = \"#a\"").driver
    else {
        panic!("no slack")
    };
    assert!(webhook_url == value("webhook_url", "https://h/x"));
    assert_eq!(channel.as_deref(), Some("#a"));
    let Driver::Discord { webhook_url } =
        read("type = \"discord\"\nwebhook_url_file = \"hook\"").driver
    else {
        panic!("no discord")
    };
    assert!(webhook_url == file("webhook_url_file", "hook"));
    let telegram = "type = \"telegram\"\nbot_token_env = \"BOT\"\nchat_id = \"-1\"\n";
    let Driver::Telegram { bot_token, chat_id, parse_mode, api } = read(telegram).driver else {
        panic!("no telegram")
    };
    assert!(bot_token == variable("bot_token_env", "BOT"));
    assert_eq!((&*chat_id, parse_mode), ("-1", ParseMode::Html));
    assert_eq!(api, "https://api.telegram.org");
    let own = format!(
        "{telegram}api_url = \"http://127.0.0.1:81/\"\nparse_mode = \"MarkdownV2\"\ntemplate_path = \"plain.txt\""
    );
    let notifier = read(&own);
    let Driver::Telegram { parse_mode, api, .. } = notifier.driver else { panic!("no telegram") };
    assert_eq!((parse_mode, &*api), (ParseMode::MarkdownV2, "http://127.0.0.1:81"));
    let template = "{{task}} {{verb}}: {{sentence|raw}}\n";
    assert_eq!(notifier.template.as_deref(), Some(template));
}

#[test]
fn pushes_and_webhooks_are_kept() {
    let Driver::Ntfy { url, topic, token } = read("type = \"ntfy\"\ntopic = \"a-B_1\"").driver
    else {
        panic!("no ntfy")
    };
    assert_eq!((&*url, &*topic), ("https://ntfy.sh", "a-B_1"));
    assert!(token.is_none());
    let own = "type = \"ntfy\"\ntopic = \"t\"\nurl = \"http://push/\"\ntoken_env = \"T\"";
    let Driver::Ntfy { url, token, .. } = read(own).driver else { panic!("no ntfy") };
    assert_eq!(url, "http://push");
    assert!(token == Some(variable("token_env", "T")));
    let gotify = "type = \"gotify\"\nurl = \"https://push/g/\"\ntoken_file = \"~/gotify\"";
    let Driver::Gotify { url, token } = read(gotify).driver else { panic!("no gotify") };
    assert_eq!(url, "https://push/g");
    assert!(token == file("token_file", "/home/me/gotify"));
    let pushover = "type = \"pushover\"\ntoken = \"a\"\nuser_env = \"U\"\napi_url = \"http://p\"";
    let Driver::Pushover { token, user, api } = read(pushover).driver else {
        panic!("no pushover")
    };
    assert!(token == value("token", "a") && user == variable("user_env", "U"));
    assert_eq!(api, "http://p");
    let webhook = "type = \"webhook\"\nurl = \"https://h/?key=1\"\nheaders = { X-Key = \"k\", b = \"\" }\ntemplate_path = \"list.json\"";
    let Driver::Webhook { url, headers } = read(webhook).driver else { panic!("no webhook") };
    assert!(url == value("url", "https://h/?key=1"));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(headers, [header("X-Key", "k"), header("b", "")]);
}

#[test]
fn mail_is_kept_and_its_defaults_follow_the_port() {
    let mail = Mail {
        from: "Jobs <rw@example.org>".to_owned(),
        reply_to: Some("me@example.org".to_owned()),
        to: vec!["a@b".to_owned(), "\"A, B\" <c@d>".to_owned()],
        cc: vec!["e@f".to_owned()],
        bcc: vec!["g@h".to_owned()],
    };
    let lines = "from = \"Jobs <rw@example.org>\"\nreply_to = \"me@example.org\"\n\
                 to = [\"a@b\", '\"A, B\" <c@d>']\ncc = [\"e@f\"]\nbcc = [\" g@h \"]\n";
    let sendmail = read(&format!("type = \"sendmail\"\nsendmail_path = \"/bin/msmtp\"\n{lines}"));
    let Driver::Sendmail { path, mail: kept } = sendmail.driver else { panic!("no sendmail") };
    assert_eq!(path.as_deref(), Some(Path::new("/bin/msmtp")));
    assert_eq!(kept, mail);
    let smtp = |lines: &str| {
        let notifier = read(&format!("type = \"smtp\"\nhost = \"mx\"\n{lines}"));
        let Driver::Smtp(smtp) = notifier.driver else { panic!("no smtp") };
        smtp
    };
    let Smtp { host, port, tls, tls_skip_verify, login, mail: kept } = smtp(lines);
    assert_eq!((&*host, port, tls, tls_skip_verify), ("mx", 25, MailTls::StartTls, false));
    assert!(login.is_none() && kept == mail);
    for (lines, tls) in [
        ("port = 465", MailTls::Implicit),
        ("port = 587", MailTls::StartTls),
        ("port = 465\ntls = \"starttls\"", MailTls::StartTls),
        ("tls = \"none\"", MailTls::None),
        ("tls_mode = \"off\"", MailTls::None),
        ("tls = \"implicit\"\ntls_skip_verify = true", MailTls::Implicit),
    ] {
        assert_eq!(smtp(&format!("{lines}\n{MAIL}")).tls, tls, "{lines}");
    }
    let login = smtp(&format!("username = \"me\"\npassword_env = \"P\"\n{MAIL}")).login.unwrap();
    assert!(login == ("me".to_owned(), variable("password_env", "P")));
}

#[test]
fn each_type_has_its_own_keys_and_values() {
    let ntfy = "type = \"ntfy\"\ntopic = \"t\"\n";
    let gotify = "type = \"gotify\"\nurl = \"https://g\"\ntoken = \"t\"\n";
    let pushover = "type = \"pushover\"\ntoken = \"t\"\nuser = \"u\"\n";
    let webhook = "type = \"webhook\"\nurl = \"https://h\"\n";
    let smtp = format!("type = \"smtp\"\nhost = \"mx\"\n{MAIL}");
    let login = "username = \"me\"\npassword = \"hush\"\n";
    let sendmail = format!("type = \"sendmail\"\n{MAIL}");
    let without = |text: &str, key: &str| {
        text.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n")
    };
    for (lines, place, facts) in [
        (without(ntfy, "topic"), "", ["topic is required", ""]),
        (format!("{ntfy}topik = \"x\""), "topik", ["unknown key", "did you mean \"topic\"?"]),
        ("type = \"ntfy\"\ntopic = \"a b\"".to_owned(), "topic", ["\"a b\"", "1 to 64"]),
        (format!("type = \"ntfy\"\ntopic = \"{}\"", "x".repeat(65)), "topic", ["1 to 64", ""]),
        (format!("{ntfy}url = \"ntfy.sh\""), "url", ["<hidden>", "http or https"]),
        (format!("{ntfy}url = \"https://n/?a\""), "url", ["<hidden>", "without query"]),
        (
            format!("{ntfy}token = \"a\"\ntoken_env = \"B\""),
            "token_env",
            ["only one of token, token_env, token_file", ""],
        ),
        (format!("{ntfy}token = \"a\\nb\""), "token", ["<hidden> contains a control", ""]),
        (without(gotify, "url"), "", ["url is required", ""]),
        (without(gotify, "token"), "", ["one is required of token, token_env, token_file", ""]),
        (
            format!("{gotify}url_env = \"X\""),
            "url_env",
            ["only valid on notifiers of type webhook", ""],
        ),
        (without(pushover, "user"), "", ["one is required of user, user_env, user_file", ""]),
        (format!("{pushover}api_url = \"p\""), "api_url", ["http or https", ""]),
        (without(webhook, "url"), "", ["one is required of url, url_env, url_file", ""]),
        (webhook.replace("https", "ftp"), "url", ["<hidden>", "http or https"]),
        (format!("{webhook}headers = [\"a\"]"), "headers", ["expected table", ""]),
        (
            format!("{webhook}headers = {{ \"a b\" = \"hush\" }}"),
            "headers.\"a b\"",
            ["not the name of a header", ""],
        ),
        (
            format!("{webhook}headers = {{ \"\" = \"hush\" }}"),
            "headers.\"\"",
            ["not the name of a header", ""],
        ),
        (
            format!("{webhook}headers = {{ a = \"hush\\r\\nb: c\" }}"),
            "headers.a",
            ["<hidden>", "control character"],
        ),
        (
            format!("{webhook}headers = {{ a = 5 }}"),
            "headers.a",
            ["expected string, found integer", ""],
        ),
        (format!("{webhook}headers = {{ a = \"x\", A = \"y\" }}"), "headers.A", ["set twice", ""]),
        (format!("{webhook}topic = \"x\""), "topic", ["only valid on notifiers of type ntfy", ""]),
        (
            format!("{webhook}cc = [\"a@b\"]"),
            "cc",
            ["only valid on notifiers of type smtp, sendmail", ""],
        ),
        (without(&smtp, "host"), "", ["host is required", ""]),
        (smtp.replace("mx", "mx:25"), "host", ["\"mx:25\"", "use port"]),
        (smtp.replace("mx", "smtp://mx"), "host", ["name or the address", ""]),
        (format!("{smtp}port = 0"), "port", ["must be between 1 and 65535", ""]),
        (format!("{smtp}tls = \"ssl\""), "tls", ["must be one of starttls, implicit, none", ""]),
        (
            format!("{smtp}tls = \"none\"\ntls_mode = \"off\""),
            "tls_mode",
            ["tls and tls_mode are the same", ""],
        ),
        (
            format!("{smtp}username = \"me\""),
            "username",
            ["one is required of password, password_env, password_file", ""],
        ),
        (format!("{smtp}password = \"hush\""), "password", ["password needs username", ""]),
        (format!("{smtp}{login}tls = \"none\""), "tls", ["unencrypted", "starttls or implicit"]),
        (
            format!("{smtp}{login}password_file = \"f\""),
            "password_file",
            ["only one of password, password_env, password_file", ""],
        ),
        (without(&smtp, "from"), "", ["from is required", ""]),
        (without(&smtp, "to"), "", ["to is required", ""]),
        (smtp.replace("[\"ops@example.org\"]", "[]"), "to", ["to is empty", ""]),
        (smtp.replace("[\"ops@example.org\"]", "\"a@b\""), "to", ["expected array of strings", ""]),
        (sendmail.replace("rw@", "rw"), "from", ["\"rwexample.org\"", "is no mail address"]),
        (sendmail.replace("ops@", "ops@x@"), "to", ["is no mail address", ""]),
        (sendmail.replace("rw@example.org", "a@b\\nBcc: c@d"), "from", ["control character", ""]),
        (format!("{sendmail}reply_to = \"me\""), "reply_to", ["is no mail address", ""]),
        (format!("{sendmail}bcc = [\"a@b\", \"c\"]"), "bcc", ["\"c\" is no mail address", ""]),
        (format!("{sendmail}sendmail_path = \"sendmail\""), "sendmail_path", ["absolute path", ""]),
        (format!("{sendmail}host = \"mx\""), "host", ["only valid on notifiers of type smtp", ""]),
    ] {
        let text = notifier(&lines);
        let key = if place.is_empty() { String::new() } else { format!(".{place}") };
        let problem = super::problems(&text).concat();
        assert!(problem.contains(&format!(": notifier[0] (n){key}: ")), "{text}\n{problem}");
        assert!(!problem.contains("hush"), "{problem}");
        check(&text, "", &facts);
    }
}

#[test]
fn a_target_is_one_that_the_type_takes() {
    let all = format!(
        "{OPS}{ME}[[notifier]]\nid = \"smtp\"\ntype = \"smtp\"\nhost = \"mx\"\n{MAIL}\
         [[notifier]]\nid = \"mail\"\ntype = \"sendmail\"\n{MAIL}\
         [[notifier]]\nid = \"ntfy\"\ntype = \"ntfy\"\ntopic = \"t\"\n\
         [[notifier]]\nid = \"push\"\ntype = \"pushover\"\ntoken = \"t\"\nuser = \"u\"\n\
         [[notifier]]\nid = \"hook\"\ntype = \"webhook\"\nurl = \"https://h\"\n\
         [[notifier]]\nid = \"chat\"\ntype = \"discord\"\nwebhook_url = \"https://h\"\n\
         [[notifier]]\nid = \"bell\"\ntype = \"gotify\"\nurl = \"https://g\"\ntoken = \"t\"\n"
    );
    let with = |token: &str| format!("{all}[notify]\ndefault_notifiers = [{token:?}]\n");
    for token in [
        "ops:#a",
        "ops:@a",
        "me:-100",
        "me:@news",
        "smtp:a@b",
        "mail: Me <a@b>",
        "ntfy:a-b",
        "push:aB1",
    ] {
        let kept = &good(&with(token)).notify.settings.default_notifiers[0];
        assert_eq!(kept.as_str(), token.replace(": ", ":"));
    }
    for (token, fact) in [
        ("ops:a", "must start with # or @"),
        ("me:a b", "is no chat id"),
        ("smtp:ops", "is no mail address"),
        ("mail:a@b\nx", "control character"),
        ("ntfy:a b", "1 to 64"),
        ("push:a-b", "no user or group key"),
        ("hook:x", "notifiers of type webhook have no target"),
        ("chat:#x", "notifiers of type discord have no target"),
        ("bell:x", "notifiers of type gotify have no target"),
    ] {
        check(&with(token), "", &["notify.default_notifiers: ", &format!("{token:?}: "), fact]);
    }
}

#[test]
fn templates_are_read_and_checked_with_the_file() {
    let slack = |path: &str| {
        notifier(&format!(
            "type = \"slack\"\nwebhook_url = \"https://h\"\ntemplate_path = {path:?}"
        ))
    };
    let telegram = |path: &str| format!("{ME}template_path = {path:?}\n");
    assert!(good(&slack("object.json")).notify.notifiers[0].template.is_some());
    assert!(good(&telegram("/etc/rw/most.txt")).notify.notifiers[0].template.is_some());
    for (text, facts) in [
        (telegram("none.txt"), ["cannot use \"/etc/rw/none.txt\": no such file", ""]),
        (telegram("large.txt"), ["larger than 64 KiB", ""]),
        (telegram("typo.txt"), ["line 2: unknown name \"tsak\"", "must be one of kind, severity"]),
        (telegram(""), ["blank", ""]),
        (slack("typo.txt"), ["line 2: unknown name", ""]),
        (slack("plain.txt"), ["not a JSON object", "line 1"]),
        (slack("list.json"), ["not a JSON object", ""]),
        (
            slack("object.json")
                .replace("slack", "webhook")
                .replace("webhook_url", "url")
                .replace("object.json", "plain.txt"),
            ["is not JSON", ""],
        ),
    ] {
        check(&text, "", &[".template_path: ", facts[0], facts[1]]);
    }
}

#[test]
fn nothing_shows_a_secret() {
    let text = format!(
        "[daemon]\nheartbeat = \"https://hush/\"\n{}{}{}{}{}",
        notifier("type = \"webhook\"\nurl = \"https://hush\"\nheaders = { A = \"hush\" }"),
        notifier("type = \"telegram\"\nbot_token = \"hush\"\nchat_id = \"1\"")
            .replace("\"n\"", "\"o\""),
        notifier("type = \"pushover\"\ntoken = \"hush\"\nuser = \"hush\"")
            .replace("\"n\"", "\"p\""),
        notifier(&format!(
            "type = \"smtp\"\nhost = \"mx\"\nusername = \"me\"\npassword = \"hush\"\n{MAIL}"
        ))
        .replace("\"n\"", "\"q\""),
        super::with_task("heartbeat = \"https://hush\""),
    );
    let shown = format!("{:?}", good(&text));
    assert!(!shown.contains("hush"), "{shown}");
}
