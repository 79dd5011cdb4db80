//! The text of a TOML file cut at its headers, so that tables can be moved with their comments and
//! nothing else is touched. The parser says where headers are: a line that looks like one may be
//! inside a string.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

/// A header with all that follows it, up to the next one.
pub(crate) struct Section {
    /// The keys of the header: `tasks`, `backup`, `env`.
    pub(crate) path: Vec<String>,
    /// From the comment right above the header on.
    pub(crate) range: Range<usize>,
    /// The header itself.
    pub(crate) at: usize,
}

/// Every section in the order of the text; what stands above the first one is none.
pub(crate) fn sections(text: &str) -> Result<Vec<Section>, Error> {
    let tree = DeTable::parse(text)?;
    let mut headers = BTreeMap::new();
    walk(text, tree.get_ref(), &mut Vec::new(), &mut headers);
    let starts: Vec<usize> = headers.keys().map(|at| with_comment(text, *at)).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let ranges = starts.iter().copied().zip(ends);
    let named = headers.into_iter().zip(ranges);
    Ok(named.map(|((at, path), (start, end))| Section { path, range: start..end, at }).collect())
}

/// The jobs that a file defines, with their commands, however they are written.
pub(crate) fn jobs(text: &str) -> Result<Vec<(String, String)>, Error> {
    let tree = DeTable::parse(text)?;
    let tables = ["tasks", "services"].into_iter().filter_map(|kind| tree.get_ref().get(kind));
    let jobs = tables.filter_map(|tables| tables.get_ref().as_table()).flatten();
    let run = |job: &Spanned<DeValue<'_>>| {
        let run = job.get_ref().as_table()?.get("run")?;
        run.get_ref().as_str().map(str::to_owned)
    };
    Ok(jobs.map(|(name, job)| (name.get_ref().to_string(), run(job).unwrap_or_default())).collect())
}

fn walk(
    text: &str,
    table: &DeTable<'_>,
    path: &mut Vec<String>,
    headers: &mut BTreeMap<usize, Vec<String>>,
) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        visit(text, value, path, headers);
        path.pop();
    }
}

fn visit(
    text: &str,
    value: &Spanned<DeValue<'_>>,
    path: &mut Vec<String>,
    headers: &mut BTreeMap<usize, Vec<String>>,
) {
    let at = value.span().start;
    match value.get_ref() {
        DeValue::Table(table) => {
            // `[a.b]` also makes `a`, which then has the same place: the longest path is meant.
            if text[at..].starts_with('[')
                && headers.get(&at).is_none_or(|known| known.len() < path.len())
            {
                headers.insert(at, path.clone());
            }
            walk(text, table, path, headers);
        }
        DeValue::Array(items) => items.iter().for_each(|item| visit(text, item, path, headers)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {}
    }
}

/// Back over the lines right above that are comments and nothing else.
fn with_comment(text: &str, at: usize) -> usize {
    let mut start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    while start > 0 {
        let above = text[..start - 1].rfind('\n').map_or(0, |end| end + 1);
        if !text[above..start].trim_start().starts_with('#') {
            break;
        }
        start = above;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_headers_and_before_their_comments() {
        let text = "# top\n\n[daemon]\nx = 1 # y\n# about a\n# more\n[tasks.a]\nrun = '''\n[tasks.no]\n# c\n'''\n\
                    y = [\n  1]\n\n[tasks.a.env] # e\nA = \"1\"\n\n# not near\n\n[tasks.\"b.c\"]\nrun = \"x\"\n\
                    [[notifier]]\nid = \"1\"\n[[notifier]]\nid = \"2\"\n[services]\nd.run = \"q\"\n";
        let found = sections(text).unwrap();
        let shown =
            found.iter().map(|s| (s.path.join("/"), text[s.range.clone()].lines().next().unwrap()));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                ("daemon".to_owned(), "[daemon]"),
                ("tasks/a".to_owned(), "# about a"),
                ("tasks/a/env".to_owned(), "[tasks.a.env] # e"),
                ("tasks/b.c".to_owned(), "[tasks.\"b.c\"]"),
                ("notifier".to_owned(), "[[notifier]]"),
                ("notifier".to_owned(), "[[notifier]]"),
                ("services".to_owned(), "[services]"),
            ]
        );
        assert!(found.iter().all(|section| text[section.at..].starts_with('[')));
        let whole: String = found.iter().map(|section| &text[section.range.clone()]).collect();
        assert_eq!(format!("# top\n\n{whole}"), text);
        let pairs = [("a", "[tasks.no]\n# c\n"), ("b.c", "x"), ("d", "q")];
        assert_eq!(jobs(text).unwrap(), pairs.map(|(name, run)| (name.to_owned(), run.to_owned())));
    }
}
