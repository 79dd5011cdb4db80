//! What stands between a job's output or somebody's template and a message.

use crate::base::template::Template;
use crate::notify::tail as tails;

const NAMES: [&str; 3] = ["title", "tail", "link"];

/// A template that is accepted can be rendered with whatever comes, and nothing of it comes out of
/// nowhere; a flaw names a line that is there.
pub(crate) fn template(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Template::parse(text, &NAMES) {
        Err(flaw) => {
            let lines = text.lines().count().max(1) + 1;
            assert!((1..=lines).contains(&flaw.line), "{} of {lines}", flaw.line);
            assert!(!flaw.message.is_empty());
        }
        Ok(template) => {
            for value in ["", "false", "{{title}}\"\\<&>\n", "\u{1f600}"] {
                let rendered = template.render(&|_| value.to_owned(), &str::to_owned);
                // Each name takes five bytes at least, and JSON at most six for one.
                let most = text.len() * (6 * value.len() + 2);
                assert!(rendered.len() <= most, "{} of {most}", rendered.len());
            }
        }
    }
}

/// The last lines of any output are short, three at most, and act on nobody.
pub(crate) fn tail(data: &[u8]) {
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let tail = tails::tail(lines.into_iter());
    assert!(tail.len() <= 300 + '…'.len_utf8(), "{}", tail.len());
    assert!(tail.lines().count() <= 3);
    assert!(tail.lines().all(|line| !line.trim().is_empty()));
    assert!(!tail.chars().any(|letter| letter != '\n' && tails::acts(letter)), "{tail:?}");
}
