//! What arrives, byte for byte.

use proptest::prelude::*;
use serde_json::Value;

use super::{notifier, secret, send_to};
use crate::model::alert::{Delivery, Kind, More};
use crate::model::notifier::{Driver, Notifier, ParseMode};
use crate::notify::drivers::{Letter, discord, gotify, ntfy, pushover, slack, webhook};
use crate::notify::fixtures;
use crate::notify::receiver::{Receiver, Reply, Request};
use crate::notify::{Outcome, message::Message};

fn arrives(driver: impl Fn(String) -> Driver, target: Option<&str>) -> Request {
    arrives_as(&|url| notifier(driver(url), None), target, &fixtures::delivery(Kind::RunFailed))
}

fn arrives_as(
    notifier: &dyn Fn(String) -> Notifier,
    target: Option<&str>,
    delivery: &Delivery,
) -> Request {
    let receiver = Receiver::new([Reply::Status(200)]);
    let outcome = send_to(&notifier(receiver.url()), target, delivery);
    assert_eq!(outcome, Outcome::Delivered { answer: "200 OK".to_owned() });
    receiver.request()
}

fn slack_of(url: String) -> Driver {
    Driver::Slack {
        webhook_url: secret(format!("{url}/services/T0/B0")),
        channel: Some("#night-shift".to_owned()),
    }
}

// docs/notifications.md, Channels.
#[test]
fn slack_gets_blocks() {
    let request = arrives(slack_of, None);
    assert!(request.head.starts_with("POST /services/T0/B0 HTTP/1.1\r\n"), "{}", request.head);
    for header in [
        "content-type: application/json\r\n",
        "user-agent: runwisp-notify/1\r\n",
        "idempotency-key: 01KRKGN3T0000000000000001A\r\n",
        "x-runwisp-delivery: 01KRKGN3T0000000000000001A\r\n",
    ] {
        assert!(request.head.contains(header), "{header} is not in {}", request.head);
    }
    let expected = r##"{"channel":"#night-shift","text":"sync-orders failed","blocks":[{"type":"header","text":{"type":"plain_text","emoji":true,"text":"❌ sync-orders failed"}},{"type":"section","text":{"type":"mrkdwn","text":"Exit code 1 after 0.3s\nScheduled · 14 May, 17:11"}},{"type":"section","text":{"type":"mrkdwn","text":"```\nfatal: no route to host\n```"}},{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Open run"},"url":"https://cron.example.net/tasks/sync-orders/01KRKGN3T0000000000000001A"}]},{"type":"context","elements":[{"type":"mrkdwn","text":"from runwisp · bright-falcon"}]}]}"##;
    assert_eq!(request.body, expected);
    let elsewhere = arrives(slack_of, Some("@bob"));
    assert!(elsewhere.body.starts_with(r#"{"channel":"@bob","#), "{}", elsewhere.body);
}

#[test]
fn telegram_gets_a_form() {
    let telegram = |api| Driver::Telegram {
        bot_token: secret("1:tok"),
        chat_id: "-100".to_owned(),
        parse_mode: ParseMode::Html,
        api,
    };
    let request = arrives(telegram, Some("-200"));
    assert!(
        request.head.starts_with("POST /bot1:tok/sendMessage HTTP/1.1\r\n"),
        "{}",
        request.head
    );
    assert!(request.head.contains("content-type: application/x-www-form-urlencoded\r\n"));
    let text = "❌ <b>sync-orders</b> failed\n\nExit code 1 after 0.3s\nScheduled · 14 May, 17:11\n\
                <pre>fatal: no route to host</pre>\n<a href=\"https://cron.example.net/tasks/\
                sync-orders/01KRKGN3T0000000000000001A\">Open run</a>\n\
                <i>from runwisp · bright-falcon</i>";
    let text = crate::notify::message::percent(text);
    let end = "&disable_web_page_preview=true";
    assert_eq!(request.body, format!("chat_id=-200&parse_mode=HTML&text={text}{end}"));
}

#[test]
fn push_services_get_json() {
    let text = r#""title":"❌ sync-orders failed","message":"Exit code 1 after 0.3s\nScheduled · 14 May, 17:11\n\nfatal: no route to host\n\nfrom runwisp · bright-falcon""#;
    let run = r#""https://cron.example.net/tasks/sync-orders/01KRKGN3T0000000000000001A""#;
    let ntfy = |url| Driver::Ntfy { url, topic: "alerts".to_owned(), token: Some(secret("tk_1")) };
    let request = arrives(ntfy, None);
    assert!(request.head.starts_with("POST / HTTP/1.1\r\n"), "{}", request.head);
    assert!(request.head.contains("authorization: Bearer tk_1\r\n"), "{}", request.head);
    let body = format!(r#"{{"topic":"alerts",{text},"priority":4,"click":{run}}}"#);
    assert_eq!(request.body, body);
    assert!(arrives(ntfy, Some("other")).body.starts_with(r#"{"topic":"other","#));

    let request = arrives(|url| Driver::Gotify { url, token: secret("AppTok") }, None);
    assert!(request.head.starts_with("POST /message HTTP/1.1\r\n"), "{}", request.head);
    assert!(request.head.contains("x-gotify-key: AppTok\r\n"), "{}", request.head);
    let click = format!(r#""extras":{{"client::notification":{{"click":{{"url":{run}}}}}}}"#);
    assert_eq!(request.body, format!(r#"{{{text},"priority":8,{click}}}"#));

    let pushover = |api| Driver::Pushover { token: secret("app"), user: secret("usr"), api };
    let request = arrives(pushover, None);
    assert!(request.head.starts_with("POST /1/messages.json HTTP/1.1\r\n"), "{}", request.head);
    let body = format!(r#"{{"token":"app","user":"usr",{text},"priority":0,"url":{run}}}"#);
    assert_eq!(request.body, body);
    assert!(arrives(pushover, Some("grp")).body.contains(r#""user":"grp""#));
}

#[test]
fn discord_gets_an_embed_that_mentions_nobody() {
    let discord = |url| Driver::Discord { webhook_url: secret(format!("{url}/api/webhooks/1/t")) };
    let request = arrives(discord, None);
    assert_eq!(
        request.body,
        r#"{"embeds":[{"title":"❌ sync-orders failed","url":"https://cron.example.net/tasks/sync-orders/01KRKGN3T0000000000000001A","description":"Exit code 1 after 0.3s\nScheduled · 14 May, 17:11\n```\nfatal: no route to host\n```","color":15548997,"footer":{"text":"from runwisp · bright-falcon"},"timestamp":"2026-05-14T15:11:04Z"}],"allowed_mentions":{"parse":[]}}"#
    );
}

#[test]
fn a_webhook_gets_everything() {
    let webhook = |url| Driver::Webhook {
        url: secret(url),
        headers: vec![
            ("X-Key".to_owned(), "header-s3cret".to_owned()),
            ("idempotency-key".to_owned(), "mine".to_owned()),
        ],
    };
    let request = arrives(webhook, None);
    assert!(request.head.contains("x-key: header-s3cret\r\n"), "{}", request.head);
    assert_eq!(request.head.matches("idempotency-key:").count(), 1, "{}", request.head);
    let run = r#"{"id":"01KRKGN3T0000000000000001A","exit_code":1,"triggered_by":"cron","url":"https://cron.example.net/tasks/sync-orders/01KRKGN3T0000000000000001A","duration":"0.3s"}"#;
    let body = format!(
        r#"{{"kind":"run.failed","severity":"error","timestamp":"2026-05-14T15:11:04Z","task":"sync-orders","title":"sync-orders failed","message":"Exit code 1 after 0.3s","trigger":"Scheduled","run":{run},"output_tail":"fatal: no route to host","reason":"exit 1","source":"runwisp (bright-falcon)","id":"01KRKGN3T0000000000000001A"}}"#
    );
    assert_eq!(request.body, body);
    let made =
        |delivery: &Delivery| arrives_as(&|url| notifier(webhook(url), None), None, delivery).body;
    let body = made(&fixtures::summary());
    assert!(body.contains(r#","coalesced_count":3,"coalesced_summary":true,"id""#), "{body}");
    for (kind, part) in [
        (Kind::RunTimeout, r#""timeout_ms":300000,"#),
        (Kind::RunRecovered, r#""failures":13,"failing_since":"2026-05-14T13:02:00Z","#),
        (Kind::RunLate, r#""expected_ms":120000,"#),
        (Kind::RunTooQuiet, r#""output_bytes":12,"expected_bytes":1024,"#),
        (
            Kind::DiskPressure,
            r#""free_bytes":222298112,"min_free_bytes":524288000,"killed_task":true,"#,
        ),
        (
            Kind::DeliveryFailed,
            r#""channel":"ops-chat","original_kind":"run.failed","error":"slack:"#,
        ),
        (Kind::Misconfigured, r#""channel":"ops-chat","key":"webhook_url_env","error":"#),
    ] {
        let body = made(&fixtures::delivery(kind));
        assert!(body.contains(part), "{body}");
    }
}

// docs/notifications.md, Templates.
#[test]
fn a_template_replaces_the_message() {
    let delivery = fixtures::delivery(Kind::RunFailed);
    let with = |driver: &dyn Fn(String) -> Driver, template: &str| {
        arrives_as(&|url| notifier(driver(url), Some(template)), Some("#here"), &delivery)
    };
    let body = with(&slack_of, r#"{"text":"{{title}}","n":{{exit_code}}}"#).body;
    assert_eq!(body, r##"{"channel":"#here","n":1,"text":"sync-orders failed"}"##);
    let telegram = |parse_mode| {
        move |api| Driver::Telegram {
            bot_token: secret("1:tok"),
            chat_id: "-100".to_owned(),
            parse_mode,
            api,
        }
    };
    let body = with(&telegram(ParseMode::MarkdownV2), "*{{task}}*").body;
    assert!(body.contains("parse_mode=MarkdownV2&text=%2Async%5C-orders%2A&"), "{body}");
    let body = with(&telegram(ParseMode::Html), "<b>{{task}}</b>").body;
    assert!(body.contains("text=%3Cb%3Esync-orders%3C%2Fb%3E&"), "{body}");
    let webhook = |url| Driver::Webhook { url: secret(url), headers: Vec::new() };
    let request = with(&webhook, "{{emoji}} {{task}}");
    assert_eq!(request.body, "❌ sync-orders");
    assert!(request.head.contains("content-type: text/plain; charset=utf-8\r\n"));
    assert!(with(&webhook, "[{{task|json}}]").head.contains("content-type: application/json\r\n"));
    let gotify = |url| Driver::Gotify { url, token: secret("AppTok") };
    assert!(
        with(&gotify, "{{sentence}}!").body.contains(r#""message":"Exit code 1 after 0.3s!","#)
    );

    let error = "slack:ops: template_path: the result is not a JSON object".to_owned();
    let torn = notifier(slack_of("http://127.0.0.1:1".to_owned()), Some("plain"));
    assert_eq!(send_to(&torn, None, &delivery), Outcome::Refused { error });
}

fn letter(job: &str, tail: &str) -> Letter {
    let mut delivery = Delivery { tail: tail.to_owned(), ..fixtures::delivery(Kind::RunFailed) };
    delivery.alert.job = job.to_owned();
    delivery.more = More::CheckIn(10);
    let message = Message::new(&delivery, &fixtures::facts(), &fixtures::zone());
    Letter { message, id: delivery.id, template: None }
}

/// All texts in a document.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

proptest! {
    #[test]
    fn no_output_breaks_a_document_or_calls_a_channel(
        job in "[a-z`<!@\"\\\\\u{0}é🐢 ]{0,400}",
        tail in "[a-z`<!>@\"\\\\\n\u{1}é🐢 ]{0,300}|```<!channel> <@U1> &lt;",
    ) {
        let letter = letter(&job, &tail);
        let slack: Value = serde_json::from_str(&slack::body(&letter, None).unwrap()).unwrap();
        let mut found = Vec::new();
        texts(&slack["blocks"], &mut found);
        texts(&slack["text"], &mut found);
        for text in &found {
            prop_assert!(!text.contains('<') && !text.contains('>'), "{text}");
            prop_assert!(text.matches("```").count() <= 2 && text.chars().count() <= 3000);
        }
        let header = slack["blocks"][0]["text"]["text"].as_str().unwrap();
        prop_assert!(header.chars().count() <= 150);

        let discord: Value = serde_json::from_str(&discord::body(&letter)).unwrap();
        let embed = &discord["embeds"][0];
        prop_assert!(embed["title"].as_str().unwrap().chars().count() <= 256);
        let description = embed["description"].as_str().unwrap();
        prop_assert!(description.chars().count() <= 4096);
        prop_assert!(description.matches("```").count() <= 2, "{description}");

        for body in [
            ntfy::body(&letter, "t"),
            gotify::body(&letter),
            pushover::body(&letter, "t", "u"),
            webhook::request(String::new(), &letter).body,
        ] {
            prop_assert!(serde_json::from_str::<Value>(&body).is_ok(), "{body}");
        }
    }
}
