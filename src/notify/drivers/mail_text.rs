//! HTML as plain text, for who reads mail without it. It knows what a message is made of, not all
//! of HTML: tags go, blocks become lines, the address of a link stands behind it.

/// The text of a page.
pub(super) fn to_text(page: &str) -> String {
    let mut text = Text::default();
    let mut rest = page;
    while !rest.is_empty() {
        let Some(tag) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            text.add(&decoded(&rest[..end]));
            rest = &rest[end..];
            continue;
        };
        let Some((tag, after)) = tag.split_once('>') else { break };
        rest = after;
        text.tag(tag);
        let name = tag.split_whitespace().next().unwrap_or("").to_ascii_lowercase();
        if matches!(name.as_str(), "head" | "style" | "script" | "title") {
            let end = format!("</{name}>");
            rest = rest.find(&end).map_or("", |start| &rest[start + end.len()..]);
        }
    }
    text.written.trim().to_owned() + "\n"
}

#[derive(Default)]
struct Text {
    written: String,
    /// Blanks count as they are.
    is_pre: bool,
    link: Option<String>,
}

impl Text {
    fn add(&mut self, text: &str) {
        if self.is_pre {
            self.written.push_str(text);
            return;
        }
        for (place, word) in text.split(char::is_whitespace).enumerate() {
            if place > 0 && !self.written.ends_with([' ', '\n']) && !self.written.is_empty() {
                self.written.push(' ');
            }
            self.written.push_str(word);
        }
    }

    fn tag(&mut self, tag: &str) {
        let name = tag.split([' ', '\n', '\t']).next().unwrap_or("").trim_end_matches('/');
        match name.to_ascii_lowercase().as_str() {
            "br" => self.lines(1, 9),
            "pre" => {
                self.lines(2, 2);
                self.is_pre = true;
            }
            "/pre" => {
                self.is_pre = false;
                self.lines(2, 2);
            }
            "p" | "/p" | "h1" | "/h1" | "h2" | "/h2" | "h3" | "/h3" | "ul" | "/ul" | "ol"
            | "/ol" | "table" | "/table" => self.lines(2, 2),
            "li" => {
                self.lines(1, 1);
                self.written.push_str("- ");
            }
            "div" | "/div" | "tr" | "/tr" | "/li" | "hr" => self.lines(1, 1),
            "td" | "th" => self.add(" "),
            "a" => self.link = href(tag),
            "/a" => {
                if let Some(link) = self.link.take().filter(|link| !self.written.ends_with(link)) {
                    self.written.push_str(&format!(": {link}"));
                }
            }
            _ => {}
        }
    }

    /// Begins a line, after blank ones so that `count` line ends stand here; no more than `most`.
    fn lines(&mut self, count: usize, most: usize) {
        let kept = self.written.trim_end_matches(' ').len();
        self.written.truncate(kept);
        let there = kept - self.written.trim_end_matches('\n').len();
        if kept > 0 {
            let wanted = if most == count { count.saturating_sub(there) } else { count };
            self.written.push_str(&"\n".repeat(wanted));
        }
    }
}

fn href(tag: &str) -> Option<String> {
    let (_, value) = tag.split_once("href=")?;
    let quote = value.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
    value[1..].split_once(quote).map(|(url, _)| decoded(url))
}

fn decoded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let named = after.split_once(';').and_then(|(name, next)| Some((entity(name)?, next)));
        let (letter, next) = named.unwrap_or(('&', after));
        plain.push(letter);
        rest = next;
    }
    plain + rest
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "nbsp" => Some(' '),
        "middot" => Some('·'),
        _ => {
            let number = name.strip_prefix('#')?;
            let hex = number.strip_prefix(['x', 'X']).map(|hex| u32::from_str_radix(hex, 16));
            char::from_u32(hex.unwrap_or_else(|| number.parse()).ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_lines_and_links_name_their_address() {
        for (page, text) in [
            ("<p>a &lt;b&gt; &#39;c&#x27; &amp;amp; R&D;</p>", "a <b> 'c' &amp; R&D;\n"),
            ("<h3>Title</h3>\n<p>one<br>two</p>\n<p>three</p>", "Title\n\none\ntwo\n\nthree\n"),
            ("<pre>  a\n\n  b</pre><p>c</p>", "a\n\n  b\n\nc\n"),
            ("<a href=\"http://x/?a=1&amp;b=2\">Open run</a>", "Open run: http://x/?a=1&b=2\n"),
            ("<a href='http://x'>http://x</a>", "http://x\n"),
            ("<style>p { x: y }</style>a   b\n c", "a b c\n"),
            ("<ul><li>a<li>b</ul>c", "- a\n- b\n\nc\n"),
            ("a<br><br>b<unknown x=1>c</unknown>", "a\n\nbc\n"),
            ("a < b", "a\n"),
        ] {
            assert_eq!(to_text(page), text, "{page}");
        }
    }
}
