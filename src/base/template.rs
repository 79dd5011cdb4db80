//! The language of message templates (docs/notifications.md, Templates): text with values in it,
//! and blocks that stay or go with a value. It is checked when it is read, so a template that is
//! there can always be rendered. What the values are is left to the caller.

use std::fmt;

use super::sentence::quoted;
use super::suggest;

/// Blocks inside blocks: more than anybody writes, and no stack ends there.
const DEPTH: usize = 32;

/// A text that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value { name: String, form: Form },
    Block { name: String, keep: Keep, parts: Vec<Part> },
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Escaped,
    Raw,
    Json,
}

/// When a block stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    WithValue,
    WithoutValue,
}

/// A block whose end has not come yet.
struct Open {
    name: String,
    keep: Keep,
    line: usize,
    /// What stands before it, on the same level.
    before: Vec<Part>,
}

impl Template {
    /// Reads a text that may use these names.
    pub(crate) fn parse(text: &str, names: &[&str]) -> Result<Template, Flaw> {
        let mut parts = Vec::new();
        let mut blocks: Vec<Open> = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let line = line_of(text, after);
            let flaw = |message: String| Flaw { line, message };
            push_text(&mut parts, before);
            if let Some(further) = after.strip_prefix("{{") {
                push_text(&mut parts, "{{");
                rest = further;
                continue;
            }
            let (tag, further) =
                after.split_once("}}").ok_or_else(|| flaw("\"{{\" has no \"}}\"".to_owned()))?;
            rest = further;
            let tag = tag.trim();
            let known = |name: &str| known(name, names).map_err(flaw);
            if let Some((keep, name)) = opening(tag) {
                let name = known(name)?;
                if blocks.len() == DEPTH {
                    return Err(flaw(format!("more than {DEPTH} blocks inside each other")));
                }
                blocks.push(Open { name, keep, line, before: std::mem::take(&mut parts) });
            } else if let Some(name) = tag.strip_prefix('/') {
                let name = name.trim();
                let Some(Open { keep, before, .. }) = blocks.pop_if(|block| block.name == name)
                else {
                    return Err(flaw(stray_end(name, blocks.last())));
                };
                let inner = std::mem::replace(&mut parts, before);
                parts.push(Part::Block { name: name.to_owned(), keep, parts: inner });
            } else {
                let (name, form) = form(tag).map_err(flaw)?;
                parts.push(Part::Value { name: known(name)?, form });
            }
        }
        push_text(&mut parts, rest);
        match blocks.pop() {
            Some(Open { name, line, .. }) => {
                let message = format!("the block {} has no end {{{{/{name}}}}}", quoted(&name));
                Err(Flaw { line, message })
            }
            None => Ok(Template { parts }),
        }
    }

    /// The text with the values of all names in it; `escape` makes one safe where it stands.
    pub(crate) fn render(
        &self,
        value: &dyn Fn(&str) -> String,
        escape: &dyn Fn(&str) -> String,
    ) -> String {
        let mut text = String::new();
        render(&self.parts, value, escape, &mut text);
        text
    }
}

fn render(
    parts: &[Part],
    value: &dyn Fn(&str) -> String,
    escape: &dyn Fn(&str) -> String,
    text: &mut String,
) {
    for part in parts {
        match part {
            Part::Text(plain) => text.push_str(plain),
            Part::Value { name, form: Form::Escaped } => text.push_str(&escape(&value(name))),
            Part::Value { name, form: Form::Raw } => text.push_str(&value(name)),
            Part::Value { name, form: Form::Json } => {
                text.push_str(&serde_json::Value::String(value(name)).to_string());
            }
            Part::Block { name, keep, parts } => {
                let has_value = !matches!(value(name).as_str(), "" | "false");
                if has_value == (*keep == Keep::WithValue) {
                    render(parts, value, escape, text);
                }
            }
        }
    }
}

/// The line, from 1, on which the rest of a text begins.
fn line_of(text: &str, rest: &str) -> usize {
    text[..text.len() - rest.len()].matches('\n').count() + 1
}

fn push_text(parts: &mut Vec<Part>, plain: &str) {
    if plain.is_empty() {
        return;
    }
    if let Some(Part::Text(text)) = parts.last_mut() {
        text.push_str(plain);
        return;
    }
    parts.push(Part::Text(plain.to_owned()));
}

fn opening(tag: &str) -> Option<(Keep, &str)> {
    let with = tag.strip_prefix('#').map(|name| (Keep::WithValue, name.trim()));
    with.or_else(|| tag.strip_prefix('^').map(|name| (Keep::WithoutValue, name.trim())))
}

/// `name`, `name|raw` or `name|json`.
fn form(tag: &str) -> Result<(&str, Form), String> {
    let Some((name, form)) = tag.split_once('|') else { return Ok((tag, Form::Escaped)) };
    match form.trim() {
        "raw" => Ok((name.trim(), Form::Raw)),
        "json" => Ok((name.trim(), Form::Json)),
        other => Err(format!("{} is not a form; must be one of raw, json", quoted(other))),
    }
}

fn known(name: &str, names: &[&str]) -> Result<String, String> {
    if names.contains(&name) {
        return Ok(name.to_owned());
    }
    let nearest = suggest::nearest(name, names.iter().copied());
    let advice = nearest.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
    Err(format!("unknown name {}; must be one of {}{advice}", quoted(name), names.join(", ")))
}

fn stray_end(name: &str, open: Option<&Open>) -> String {
    let name = quoted(name);
    match open {
        Some(open) => format!(
            "{name} is not the block that ends here: {} is, of line {}",
            quoted(&open.name),
            open.line
        ),
        None => format!("no block {name} is open here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["task", "tail", "empty", "no"];

    fn value(name: &str) -> String {
        match name {
            "task" => "a\"b",
            "tail" => "<x>\n",
            "no" => "false",
            _ => "",
        }
        .to_owned()
    }

    #[test]
    fn values_stand_escaped_raw_or_as_json_and_blocks_stay_or_go() {
        let escape = |text: &str| text.replace('<', "&lt;");
        for (text, rendered) in [
            ("", ""),
            ("plain } }} { ä", "plain } }} { ä"),
            ("{{task}}", "a\"b"),
            ("{{ task }}!{{tail}}", "a\"b!&lt;x>\n"),
            ("{{tail|raw}}{{ tail | raw }}", "<x>\n<x>\n"),
            ("{\"t\":{{task|json}}}", "{\"t\":\"a\\\"b\"}"),
            ("{{tail|json}}", "\"<x>\\n\""),
            ("{{empty|json}}{{empty}}", "\"\""),
            ("{{{{task}}", "{{task}}"),
            ("{{{{{{task}}", "{{a\"b"),
            ("{{#task}}yes {{task}}{{/task}}.", "yes a\"b."),
            ("{{#empty}}yes{{/empty}}{{#no}}yes{{/no}}.", "."),
            ("{{^empty}}none{{/empty}}{{^no}}no{{/no}}{{^task}}x{{/task}}", "noneno"),
            ("{{#task}}1{{^empty}}2{{#task}}3{{/task}}{{/empty}}4{{/ task }}5", "12345"),
        ] {
            let template = Template::parse(text, &NAMES).unwrap();
            assert_eq!(template.render(&value, &escape), rendered, "{text}");
        }
    }

    #[test]
    fn a_flaw_is_named_with_its_line() {
        let deep = "{{#task}}".repeat(DEPTH + 1);
        for (text, line, fact) in [
            ("a\n{{nobody}}", 2, "unknown name \"nobody\"; must be one of task, tail, empty, no"),
            ("{{taks}}", 1, "empty, no; did you mean \"task\"?"),
            ("{{}}", 1, "unknown name \"\""),
            ("{{#nobody}}{{/nobody}}", 1, "unknown name"),
            ("\n\n{{task|html}}", 3, "\"html\" is not a form; must be one of raw, json"),
            ("x\n{{task\n", 2, "\"{{\" has no \"}}\""),
            ("{{#task}}\n", 1, "the block \"task\" has no end {{/task}}"),
            ("\n{{#task}}{{#tail}}\n{{/tail}}", 2, "the block \"task\" has no end"),
            ("\n{{/task}}", 2, "no block \"task\" is open here"),
            (
                "{{#task}}\n{{/tail}}",
                2,
                "\"tail\" is not the block that ends here: \"task\" is, of line 1",
            ),
            (&deep, 1, "more than 32 blocks"),
        ] {
            let flaw = Template::parse(text, &NAMES).unwrap_err();
            assert_eq!(flaw.line, line, "{text}: {flaw}");
            assert!(flaw.message.contains(fact), "{text}: {flaw}");
        }
    }
}
