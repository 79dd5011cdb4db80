//! Slack: an incoming webhook, with blocks.

use serde::Serialize;
use serde_json::Value;

use super::{Letter, json_text, to_json};
use crate::notify::render::{entities, escaped, fitted, without_fences};

/// Characters that Slack takes (api.slack.com/reference/block-kit/blocks).
const HEADER: usize = 150;
const SECTION: usize = 3000;
/// Around a tail.
const FENCES: usize = "```\n\n```".len();

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    text: String,
    blocks: Vec<Block<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Header { text: Text },
    Section { text: Text },
    Actions { elements: [Button<'a>; 1] },
    Context { elements: [Text; 1] },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Text {
    PlainText {
        #[serde(skip_serializing_if = "Option::is_none")]
        emoji: Option<bool>,
        text: String,
    },
    Mrkdwn {
        text: String,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "button")]
struct Button<'a> {
    text: Text,
    url: &'a str,
}

/// What is posted. The result of a template has to be a JSON object.
pub(super) fn body(letter: &Letter, channel: Option<&str>) -> Result<String, String> {
    if let Some(text) = letter.rendered(&json_text) {
        return of_template(text, channel);
    }
    let message = &letter.message;
    let section = |text: String| Block::Section { text: Text::Mrkdwn { text } };
    let title = fitted(&message.title_with_emoji(), entities, HEADER);
    let lines = message.lines().collect::<Vec<_>>().join("\n");
    let mut blocks =
        vec![Block::Header { text: Text::PlainText { emoji: Some(true), text: title } }];
    if !lines.is_empty() {
        blocks.push(section(fitted(&lines, entities, SECTION)));
    }
    if !message.tail.is_empty() {
        let tail = fitted(&without_fences(&message.tail), entities, SECTION - FENCES);
        blocks.push(section(format!("```\n{tail}\n```")));
    }
    if let Some(url) = message.link() {
        let text = Text::PlainText { emoji: None, text: message.link_name().to_owned() };
        blocks.push(Block::Actions { elements: [Button { text, url }] });
    }
    let footer = Text::Mrkdwn { text: escaped(&message.footer, entities) };
    blocks.push(Block::Context { elements: [footer] });
    let text = fitted(&message.title, entities, SECTION);
    Ok(to_json(&Body { channel, text, blocks }))
}

fn of_template(text: String, channel: Option<&str>) -> Result<String, String> {
    let parsed: Result<Value, _> = serde_json::from_str(&text);
    let Ok(Value::Object(mut object)) = parsed else {
        return Err("template_path: the result is not a JSON object".to_owned());
    };
    let Some(channel) = channel else { return Ok(text) };
    object.insert("channel".to_owned(), channel.into());
    Ok(Value::Object(object).to_string())
}
