//! The nearest known word, for `did you mean`: a typo of a letter or two is worth a guess,
//! unrelated text is not (docs/configuration.md, Errors).

/// The known word with the fewest edits from `word`, at most two and at most a third of its
/// length rounded up; upper and lower case are the same. Of equals the first wins.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = letters(word);
    let limit = word.len().div_ceil(3).min(2);
    known
        .into_iter()
        .map(|candidate| (edits(&word, &letters(candidate)), candidate))
        .filter(|(edits, _)| *edits <= limit)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

fn letters(word: &str) -> Vec<char> {
    word.chars().flat_map(char::to_lowercase).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours between two words
/// (optimal string alignment).
fn edits(from: &[char], to: &[char]) -> usize {
    let mut before = vec![0; to.len() + 1];
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in to.iter().enumerate() {
            let replaced = above[j] + usize::from(letter != other);
            let mut best = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == to[j - 1] && from[i - 1] == *other {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word_and_unrelated_text_finds_none() {
        let known = ["run", "timeout", "timezone", "keep_for", "keep_runs", "cron"];
        for (word, nearest_word) in [
            ("timeuot", Some("timeout")),
            ("TIMEOUT", Some("timeout")),
            ("time_out", Some("timeout")),
            ("timezon", Some("timezone")),
            ("keepfor", Some("keep_for")),
            ("rnu", Some("run")),
            ("corn", Some("cron")),
            ("urns", Some("run")),
            ("ru", Some("run")),
            ("command", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), nearest_word, "{word}");
        }
    }
}
