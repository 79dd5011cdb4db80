//! Following a log that grows: each line once, in order, and an account of those that a rotation
//! took away unread.

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::logs::{Extent, Feeds, Outlook, Step, Tail};

/// What one follower was given, checked as it comes.
struct Seen {
    tail: Tail,
    /// Texts by number; `None` is lost.
    lines: Vec<Option<String>>,
}

impl Seen {
    fn new(place: &Place) -> Seen {
        Seen { tail: Tail::new(place.place.clone(), at(0), 0), lines: Vec::new() }
    }

    /// Takes at most `most` steps; false when it has caught up.
    fn read(&mut self, extent: &Extent, writing: Writing, most: u64) -> bool {
        for _ in 0..most {
            match self.tail.step(extent, writing).unwrap() {
                Step::Line(line) => {
                    assert_eq!(line.n, self.lines.len() as u64);
                    self.lines.push(Some(String::from_utf8(line.text).unwrap()));
                }
                Step::Rotated { first, lost } => {
                    assert!(lost == 0 || first == self.lines.len() as u64 + lost);
                    self.lines.extend((0..lost).map(|_| None));
                }
                Step::CaughtUp => return false,
            }
            assert_eq!(self.tail.next(), self.lines.len() as u64);
        }
        true
    }
}

#[derive(Clone, Debug)]
enum Act {
    /// So many lines of so many bytes in one write.
    Write(usize, usize),
    /// This follower takes so many steps.
    Read(usize, u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (1..60usize, 0..80usize).prop_map(|(count, length)| Act::Write(count, length)),
        (0..3usize, 1..200u64).prop_map(|(who, most)| Act::Read(who, most)),
    ];
    prop::collection::vec(act, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_line_comes_once_or_is_accounted_for(acts in acts(), max in 200..4000u64) {
        let place = Place::new();
        let (feeds, run) = (Feeds::default(), Ulids::new(1).next(at(0)));
        let feed = feeds.of(run);
        let mut writer = place.writer(Some(max), OnFull::DropOld);
        writer.tell(Arc::clone(&feed));
        let mut followers: Vec<Seen> = (0..3).map(|_| Seen::new(&place)).collect();
        let mut all: Vec<String> = Vec::new();
        for (now, act) in acts.into_iter().enumerate() {
            match act {
                Act::Write(count, length) => {
                    let line = format!("{now}:{}\n", "x".repeat(length));
                    let lines = line.repeat(count);
                    writer.take(at(now as i64 * 300), Stream::Stdout, lines.as_bytes());
                    // What was written and is still there, whatever was rotated meanwhile.
                    for line in place.lines() {
                        all.resize(all.len().max(line.n as usize), "gone".to_owned());
                        all.truncate(line.n as usize);
                        all.push(String::from_utf8(line.text).unwrap());
                    }
                }
                Act::Read(who, most) => {
                    let (extent, outlook) = feed.wait(0, Duration::ZERO);
                    assert_eq!(outlook, Outlook::Open);
                    followers[who].read(&extent, Writing::Ongoing, most);
                }
            }
        }
        let totals = writer.close(at(99_000));
        let end = place.reader().extent();
        assert_eq!(end, feed.wait(0, Duration::ZERO).0);
        for follower in &mut followers {
            while follower.read(&end, Writing::Over, 1000) {}
            assert_eq!(follower.lines.len() as u64, totals.lines);
            for (place, line) in follower.lines.iter().enumerate() {
                let known = all.get(place).filter(|text| *text != "gone");
                if let (Some(line), Some(known)) = (line, known) {
                    assert_eq!(line, known, "line {place}");
                }
            }
            // Only what is not there any more can have been lost.
            let kept = &follower.lines[end.first as usize..];
            assert!(kept.iter().all(Option::is_some));
        }
    }
}

#[test]
fn followers_beside_a_writer_that_rotates_agree_and_miss_nothing_that_is_there() {
    let place = Place::new();
    let (feeds, run) = (Feeds::default(), Ulids::new(1).next(at(0)));
    let feed = feeds.of(run);
    let mut writer = place.writer(Some(50_000), OnFull::DropOld);
    writer.tell(Arc::clone(&feed));
    let is_slow = AtomicBool::new(true);
    let seen: Vec<Vec<Option<String>>> = thread::scope(|scope| {
        let follow = |patient: bool| {
            let (place, feed, is_slow) = (&place, Arc::clone(&feed), &is_slow);
            scope.spawn(move || {
                let mut seen = Seen::new(place);
                loop {
                    let (extent, outlook) = feed.wait(seen.tail.next(), Duration::from_secs(60));
                    if outlook == Outlook::Ended {
                        let end = place.reader().extent();
                        while seen.read(&end, Writing::Over, 1000) {}
                        return seen.lines;
                    }
                    seen.read(&extent, Writing::Ongoing, 100);
                    while patient && is_slow.load(Ordering::Acquire) {
                        thread::yield_now();
                    }
                }
            })
        };
        let followers = [follow(false), follow(false), follow(true)];
        for n in 0..30_000 {
            writer.take(at(n), Stream::Stdout, format!("line {n}\n").as_bytes());
        }
        is_slow.store(false, Ordering::Release);
        writer.close(at(30_000));
        feeds.end(run);
        followers.map(|follower| follower.join().unwrap()).into()
    });
    let total = place.reader().total() as usize;
    for (who, lines) in seen.iter().enumerate() {
        assert_eq!(lines.len(), total, "follower {who}");
        for (n, line) in lines.iter().enumerate() {
            let known = seen.iter().find_map(|other| other[n].as_ref());
            assert!(line.is_none() || line.as_ref() == known, "follower {who}, line {n}");
        }
        let numbers: Vec<u64> = lines
            .iter()
            .flatten()
            .filter_map(|line| line.strip_prefix("line ")?.parse().ok())
            .collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "follower {who}");
        assert_eq!(numbers.last(), Some(&29_999), "follower {who}");
    }
}

#[test]
fn lines_that_are_followed_have_the_times_that_a_page_shows() {
    let place = Place::new();
    let feed = Feeds::default().of(Ulids::new(1).next(at(0)));
    let mut writer = place.writer(None, OnFull::DropOld);
    writer.tell(Arc::clone(&feed));
    let mut tail = Tail::new(place.place.clone(), at(0), 0);
    let mut followed = Vec::new();
    for millis in [0, 500, 1_700, 1_800, 5_000, 5_900, 6_100] {
        writer.take(at(millis), Stream::Stderr, b"x\ny\n");
        let (extent, _) = feed.wait(0, Duration::ZERO);
        while let Step::Line(line) = tail.step(&extent, Writing::Ongoing).unwrap() {
            followed.push(line);
        }
    }
    writer.close(at(9_000));
    assert_eq!(followed, place.lines());
}

#[test]
fn a_log_that_somebody_removes_or_cuts_is_passed_over() {
    let harms: [fn(&Place); 2] = [
        |place| fs::remove_file(place.path(LogFile::Log)).unwrap(),
        |place| fs::write(place.path(LogFile::Log), "").unwrap(),
    ];
    for harm in harms {
        for has_begun in [true, false] {
            let place = Place::new();
            let feed = Feeds::default().of(Ulids::new(1).next(at(0)));
            let mut writer = place.writer(None, OnFull::DropOld);
            writer.tell(Arc::clone(&feed));
            let mut tail = Tail::new(place.place.clone(), at(0), 0);
            writer.take(at(0), Stream::Stdout, b"0\n1\n");
            let mut step = || tail.step(&feed.wait(0, Duration::ZERO).0, Writing::Ongoing);
            if has_begun {
                step().unwrap();
                step().unwrap();
                writer.take(at(0), Stream::Stdout, &b"x\n".repeat(50_000));
            }
            harm(&place);
            let mut lines = 0;
            loop {
                match step().unwrap() {
                    Step::Line(_) => lines += 1,
                    Step::Rotated { lost, .. } => lines += lost,
                    Step::CaughtUp => break,
                }
            }
            assert_eq!(lines, if has_begun { 50_000 } else { 2 });
        }
    }
}
