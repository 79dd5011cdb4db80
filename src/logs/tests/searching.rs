//! Searching against the plain way: every line by itself.

use super::*;
use crate::logs::search::Hit;
use crate::logs::{Case, Needle};

/// All hits from line `from` on; after each block the search is begun anew where it was.
fn found(reader: &LogReader, needle: &Needle, from: u64, restart: bool) -> Vec<Hit> {
    let (mut hits, mut search) = (Vec::new(), reader.search(needle, from));
    while let Some(some) = search.block().unwrap() {
        hits.extend(some);
        if restart {
            let next = search.next();
            search = reader.search(needle, next);
        }
    }
    hits
}

#[test]
fn a_search_finds_the_lines_that_have_it_and_no_others() {
    let mut random = Random(3);
    for round in 0..2 {
        let place = Place::new();
        let mut writer = place.writer(Some([u64::MAX >> 1, 150_000][round % 2]), OnFull::DropOld);
        for now in 0..8 {
            let stream = [Stream::Stdout, Stream::Stderr][random.below(2) as usize];
            for bytes in random.output(60_000).chunks(50_000) {
                writer.take(at(now), stream, bytes);
            }
        }
        writer.close(at(99));
        let (reader, lines) = (place.reader(), place.lines());
        for (text, pattern, case) in [
            ("line 1", "line 1", Case::Matters),
            ("LINE 2", "LINE 2", Case::Ignored),
            ("line 1\n", "line 1\\n", Case::Matters),
            ("[ERR]", r"\[err\]", Case::Ignored),
            ("é🦀", "é🦀", Case::Ignored),
            ("x", "x", Case::Matters),
            ("output: ", "output: ", Case::Matters),
        ] {
            let lower = |text: &str| match case {
                Case::Matters => text.to_owned(),
                Case::Ignored => text.to_ascii_lowercase(),
            };
            // Half of the searches begin at the first line, as nearly all do.
            let from =
                random.below(2) * (reader.first_available() + random.below(lines.len() as u64));
            let has = |line: &&Line| {
                let text_of_line = String::from_utf8_lossy(&line.text);
                line.n >= from && lower(&text_of_line).contains(&lower(text))
            };
            let expected: Vec<(u64, Stream, &[u8])> =
                lines.iter().filter(has).map(|l| (l.n, l.stream, &l.text[..])).collect();
            for needle in [Needle::text(text, case), Needle::pattern(pattern, case).unwrap()] {
                for restart in [false, true] {
                    let hits = found(&reader, &needle, from, restart);
                    let hits: Vec<_> =
                        hits.iter().map(|hit| (hit.n, hit.stream, &hit.text[..])).collect();
                    assert!(hits == expected, "round {round}: {needle:?} from {from}");
                }
            }
        }
    }
}

#[test]
fn half_a_line_and_a_line_beyond_any_piece_are_searched_in_bounded_memory() {
    let place = Place::new();
    fs::create_dir_all(place.place.directory()).unwrap();
    let long = [b"begin ".to_vec(), vec![0; 1 << 20], b" end\nnext\nhalf".to_vec()].concat();
    fs::write(place.path(LogFile::Log), long).unwrap();
    let reader = place.reader();
    for (text, n) in [("begin", 0), ("end", 0), ("next", 1), ("half", 2)] {
        let hits = found(&reader, &Needle::text(text, Case::Matters), 0, false);
        assert_eq!(hits.iter().map(|hit| hit.n).collect::<Vec<_>>(), [n], "{text}");
        assert!(hits[0].text.len() < 3 * LONGEST);
    }
}

#[test]
fn a_pattern_that_is_wrong_or_too_large_is_refused() {
    for pattern in ["(", "a{2,1}", "(a{1000}){1000}", r"(?=a)", r"(a)\1"] {
        assert!(Needle::pattern(pattern, Case::Matters).is_err(), "{pattern}");
    }
}
