//! Discord: a webhook, with one embed.

use serde::Serialize;

use super::{Letter, to_json};
use crate::model::alert::{Kind, Severity};
use crate::notify::render::{discord, fitted, raw, without_fences};

/// Characters that Discord takes (discord.com/developers, Embed Limits).
const TITLE: usize = 256;
const DESCRIPTION: usize = 4096;
const FOOTER: usize = 2048;
/// Around a tail.
const FENCES: usize = "\n```\n\n```".len();

#[derive(Serialize)]
struct Body<'a> {
    embeds: [Embed<'a>; 1],
    allowed_mentions: Mentions,
}

#[derive(Serialize)]
struct Embed<'a> {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    description: String,
    color: u32,
    footer: Footer,
    timestamp: String,
}

#[derive(Serialize)]
struct Footer {
    text: String,
}

/// Nobody.
#[derive(Serialize)]
struct Mentions {
    parse: [&'static str; 0],
}

/// What is posted. The result of a template is the description.
pub(super) fn body(letter: &Letter) -> String {
    let message = &letter.message;
    let description = letter.rendered(&|text| crate::notify::render::escaped(text, discord));
    let description = match description {
        Some(text) => fitted(&text, raw, DESCRIPTION),
        None => built_in(letter),
    };
    let embed = Embed {
        title: fitted(&message.title_with_emoji(), discord, TITLE),
        url: message.link(),
        description,
        color: color(message.kind),
        footer: Footer { text: fitted(&message.footer, raw, FOOTER) },
        timestamp: format!("{:.0}", message.at),
    };
    to_json(&Body { embeds: [embed], allowed_mentions: Mentions { parse: [] } })
}

fn built_in(letter: &Letter) -> String {
    let message = &letter.message;
    let tail = without_fences(&message.tail);
    let lines = message.lines().collect::<Vec<_>>().join("\n");
    if tail.is_empty() {
        return fitted(&lines, discord, DESCRIPTION);
    }
    let tail = fitted(&tail, raw, DESCRIPTION / 2);
    let left = DESCRIPTION - FENCES - tail.chars().count();
    format!("{}\n```\n{tail}\n```", fitted(&lines, discord, left))
}

fn color(kind: Kind) -> u32 {
    match (kind, kind.severity()) {
        (_, Severity::Error) => 15_548_997,
        (_, Severity::Warn) => 16_705_372,
        (Kind::RunSucceeded | Kind::RunRecovered, Severity::Info) => 5_763_719,
        (_, Severity::Info) => 5_793_266,
    }
}
