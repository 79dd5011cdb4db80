//! How text becomes part of somebody else's language without meaning anything in it, and how it is
//! cut to what fits there.

use crate::notify::message::percent;

/// Adds one character as it has to be written.
pub(crate) type Escape = fn(char, &mut String);

/// `&`, `<` and `>` as entities: what Slack and Telegram ask for.
pub(crate) fn entities(letter: char, text: &mut String) {
    match letter {
        '&' => text.push_str("&amp;"),
        '<' => text.push_str("&lt;"),
        '>' => text.push_str("&gt;"),
        letter => text.push(letter),
    }
}

/// [`entities`] and quotes, for HTML that anybody may read.
pub(crate) fn html(letter: char, text: &mut String) {
    match letter {
        '"' => text.push_str("&quot;"),
        '\'' => text.push_str("&#39;"),
        letter => entities(letter, text),
    }
}

/// A backslash before the marks of Discord.
pub(crate) fn discord(letter: char, text: &mut String) {
    if matches!(letter, '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']') {
        text.push('\\');
    }
    text.push(letter);
}

/// A backslash before everything that Telegram reserves
/// (core.telegram.org/bots/api#markdownv2-style).
pub(crate) fn markdown_v2(letter: char, text: &mut String) {
    if "\\_*[]()~`>#+-=|{}.!".contains(letter) {
        text.push('\\');
    }
    text.push(letter);
}

/// As it is.
pub(crate) fn raw(letter: char, text: &mut String) {
    text.push(letter);
}

/// All of the text.
pub(crate) fn escaped(text: &str, escape: Escape) -> String {
    let mut written = String::with_capacity(text.len());
    text.chars().for_each(|letter| escape(letter, &mut written));
    written
}

/// As much of the text as fits into `most` characters of the other language; `…` stands for what
/// does not. No escape is cut in two.
pub(crate) fn fitted(text: &str, escape: Escape, most: usize) -> String {
    let whole = escaped(text, escape);
    if whole.chars().count() <= most {
        return whole;
    }
    let (mut cut, mut left) = (String::new(), most.saturating_sub(1));
    for letter in text.chars() {
        let start = cut.len();
        escape(letter, &mut cut);
        let taken = cut[start..].chars().count();
        if taken > left {
            cut.truncate(start);
            break;
        }
        left -= taken;
    }
    cut.push('…');
    cut
}

/// Output for a block between three backticks: none of its own may end it.
pub(crate) fn without_fences(text: &str) -> String {
    // A character without width: it looks the same and is no fence.
    text.replace("``", "`\u{200b}`")
}

/// Markup as Telegram knows it, cut to `most` UTF-16 units without breaking a tag or an entity:
/// what is open at the cut is closed.
pub(crate) fn cut_markup(markup: &str, most: usize) -> String {
    if units(markup) <= most {
        return markup.to_owned();
    }
    let (mut cut, mut open): (String, Vec<&str>) = (String::new(), Vec::new());
    let mut used = 1;
    let mut closing = 0;
    for piece in pieces(markup) {
        let before = closing;
        let tag = piece.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        let named = tag.map(|tag| {
            let name = tag.trim_start_matches('/');
            (tag, &name[..name.find([' ', '\n']).unwrap_or(name.len())])
        });
        match named {
            Some((tag, name)) if tag.starts_with('/') && open.last() == Some(&name) => {
                open.pop();
                closing -= name.len() + 3;
            }
            // Nothing that we would close.
            Some((tag, _)) if tag.starts_with('/') => {}
            Some((_, name)) => {
                open.push(name);
                closing += name.len() + 3;
            }
            None => {}
        }
        if used + units(piece) + closing > most {
            if closing > before {
                open.pop();
            } else if let (Some((_, name)), true) = (named, closing < before) {
                open.push(name);
            }
            break;
        }
        cut.push_str(piece);
        used += units(piece);
    }
    cut.push('…');
    for name in open.iter().rev() {
        cut.push_str(&format!("</{name}>"));
    }
    cut
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Tags, entities and single characters.
fn pieces(markup: &str) -> impl Iterator<Item = &str> {
    let mut rest = markup;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = match first {
            '<' => rest.find('>').map(|end| end + 1),
            '&' => rest.find(';').map(|end| end + 1).filter(|end| *end <= 10),
            _ => None,
        };
        let (piece, next) = rest.split_at(end.unwrap_or(first.len_utf8()));
        rest = next;
        Some(piece)
    })
}

/// How Telegram counts.
pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_escape_is_never_cut_in_two() {
        for (text, most, fit) in [
            ("a&b", 7, "a&amp;b"),
            ("a&b", 6, "a…"),
            ("a&bc", 7, "a&amp;…"),
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("", 3, ""),
        ] {
            assert_eq!(fitted(text, entities, most), fit, "{text} {most}");
        }
        assert_eq!(escaped(r#"<a href='"'>&"#, html), "&lt;a href=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(escaped("*a_b* [x](y) `c`", discord), r"\*a\_b\* \[x\](y) \`c\`");
        assert_eq!(escaped("a-b. (c)!", markdown_v2), r"a\-b\. \(c\)\!");
        assert_eq!(form(&[("a b", "1&2"), ("c", "é")]), "a%20b=1%262&c=%C3%A9");
    }

    #[test]
    fn markup_is_closed_where_it_is_cut() {
        let text = "<b>title</b> said <pre>&lt;long output&gt;</pre><i>foot</i>";
        for (most, cut) in [
            (59, text),
            (50, "<b>title</b> said <pre>&lt;long output&gt;</pre>…"),
            (48, "<b>title</b> said <pre>&lt;long output…</pre>"),
            (24, "<b>title</b> said …"),
            (11, "<b>tit…</b>"),
            (1, "…"),
        ] {
            assert_eq!(cut_markup(text, most), cut, "{most}");
        }
    }

    #[test]
    fn no_fence_is_left() {
        assert_eq!(without_fences("a`b"), "a`b");
        for count in 2..12 {
            assert!(!without_fences(&"`".repeat(count)).contains("```"), "{count}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_cut_fits(text in "[a<>&`é🐢 ]{0,60}", most in 1usize..60) {
            prop_assert!(fitted(&text, html, most).chars().count() <= most);
            let markup = format!("<b>{}</b>\n<pre>x</pre>", escaped(&text, entities));
            let cut = cut_markup(&markup, most);
            prop_assert!(units(&cut) <= most, "{cut}");
            prop_assert_eq!(cut.matches("<b>").count(), cut.matches("</b>").count());
            prop_assert_eq!(cut.matches("<pre>").count(), cut.matches("</pre>").count());
        }
    }
}
