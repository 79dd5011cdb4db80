//! Reading beside a writer, after a crash, and without companions.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use super::*;
use crate::logs::append_system;

#[test]
fn companions_come_late_and_tell_times() {
    let place = Place::new();
    let mut writer = place.writer(None, OnFull::DropOld);
    let write = |writer: &mut LogWriter, millis, count: usize| {
        writer.take(at(millis), Stream::Stdout, "x\n".repeat(count).as_bytes());
        place.files()
    };
    assert_eq!(write(&mut writer, 999, 1024), [LogFile::Log]);
    assert_eq!(write(&mut writer, 999, 1), [LogFile::Log, LogFile::Index]);
    assert_eq!(write(&mut writer, 2_500, 1), [LogFile::Log, LogFile::Index, LogFile::Times]);
    write(&mut writer, 2_600, 1);
    write(&mut writer, 7_000, 2000);
    writer.close(at(7_100));
    let times: Vec<_> = place.lines().iter().map(|line| line.at - at(0).as_millisecond()).collect();
    for (from, to, millis) in [(0, 1025, 0), (1025, 1027, 2_500), (1027, 3027, 7_000)] {
        assert!(times[from..to].iter().all(|&time| time == millis), "{from}");
    }
    assert_eq!(place.files(), [LogFile::Log, LogFile::Index, LogFile::Times]);
    assert_eq!(fs::read(place.path(LogFile::Index)).unwrap().len(), 8 * 3);
    assert_eq!(fs::read(place.path(LogFile::Times)).unwrap().len(), 12 * 4);
}

#[test]
fn a_log_reads_the_same_without_companions_and_with_broken_ones() {
    let place = Place::new();
    let mut writer = place.writer(None, OnFull::DropOld);
    let text: String = (0..5000).map(|n| format!("line {n}\n")).collect();
    writer.take(at(0), Stream::Stdout, text.as_bytes());
    writer.close(at(0));
    let all = place.lines();
    let index = fs::read(place.path(LogFile::Index)).unwrap();
    let torn = &index[..index.len() - 3];
    let foreign = [&index[..16], &[9; 24]].concat();
    for index in [&index[..], torn, &foreign, b"", b"junk", &[0; 64]] {
        fs::write(place.path(LogFile::Index), index).unwrap();
        let reader = place.reader();
        assert_eq!(reader.total(), 5000);
        for from in [0, 1, 1023, 1024, 1025, 3071, 3072, 3073, 4999, 5000, -1] {
            let page: Vec<_> = reader.lines(from, 3).map(Result::unwrap).collect();
            let start = if from < 0 { 5000 + from } else { from } as usize;
            assert_eq!(page, all[start..5000.min(start + 3)], "from {from}");
        }
    }
    fs::remove_file(place.path(LogFile::Index)).unwrap();
    assert!(place.lines() == all);
}

#[test]
fn the_last_word_ends_half_a_line_and_begins_a_log_where_there_is_none() {
    let place = Place::new();
    append_system(&place.place, "one").unwrap();
    fs::write(place.path(LogFile::Log), "[SYSTEM] one\nha").unwrap();
    append_system(&place.place, "two").unwrap();
    assert_eq!(place.texts(), ["one", "ha", "two"]);
    // Killed between the steps of a rotation.
    fs::rename(place.path(LogFile::Log), place.path(LogFile::Previous)).unwrap();
    let meta = Meta { rotated_lines: 3, truncated: true, ..Meta::default() };
    meta.prepare(&place.place).unwrap();
    append_system(&place.place, "three").unwrap();
    assert_eq!(place.texts(), ["one", "ha", "two", "three"]);
    let mode = fs::metadata(place.path(LogFile::Log)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn half_a_line_counts_once_nobody_writes_any_more() {
    let place = Place::new();
    fs::create_dir_all(place.place.directory()).unwrap();
    fs::write(place.path(LogFile::Log), "whole\n[ERR] ha").unwrap();
    let read = |writing| {
        let reader = LogReader::open(place.place.clone(), at(0), writing).unwrap();
        let texts =
            reader.lines(-10, 10).map(|line| String::from_utf8(line.unwrap().text).unwrap());
        (reader.total(), texts.collect::<Vec<_>>())
    };
    assert_eq!(read(Writing::Over), (2, vec!["whole".to_owned(), "ha".to_owned()]));
    assert_eq!(read(Writing::Ongoing), (1, vec!["whole".to_owned()]));
    assert_eq!(place.raw(), b"whole\n[ERR] ha");
    fs::write(place.path(LogFile::Meta), "{torn").unwrap();
    assert_eq!(read(Writing::Over).0, 2);
}

#[test]
fn a_line_beyond_any_piece_is_read_in_bounded_memory() {
    let place = Place::new();
    fs::create_dir_all(place.place.directory()).unwrap();
    fs::write(place.path(LogFile::Log), [vec![0; 1 << 20], b"\nnext\n".to_vec()].concat()).unwrap();
    let lengths: Vec<_> = place.lines().iter().map(|line| line.text.len()).collect();
    assert_eq!(lengths, [LONGEST + 9, 4]);
}

#[test]
fn pieces_of_a_long_line_say_that_they_continue() {
    let place = Place::new();
    let mut writer = place.writer(None, OnFull::DropOld);
    writer.take(at(0), Stream::Stderr, &[b'e'; LONGEST]);
    writer.take(at(0), Stream::Stdout, b"between\n");
    writer.take(at(0), Stream::Stderr, &[b'e'; LONGEST + 5]);
    writer.take(at(0), Stream::Stderr, b"\nshort\n");
    writer.close(at(0));
    let seen: Vec<_> = place.lines().iter().map(|line| (line.text.len(), line.continued)).collect();
    assert_eq!(seen, [(LONGEST, false), (7, false), (LONGEST, true), (5, true), (5, false)]);
    let page = place.reader().lines(3, 1).next().unwrap().unwrap();
    assert!(page.continued);
}

/// Number and text of every line that can be read.
fn known(place: &Place) -> HashMap<u64, Vec<u8>> {
    place.lines().into_iter().map(|line| (line.n, line.text)).collect()
}

#[test]
fn a_crash_at_any_step_of_a_rotation_moves_no_line() {
    let place = Place::new();
    let mut writer = place.writer(Some(40_000), OnFull::DropOld);
    let mut next = 0;
    while !place.path(LogFile::Previous).exists()
        || fs::metadata(place.path(LogFile::Log)).unwrap().len() < 39_900
    {
        writer.take(at(next * 10), Stream::Stdout, format!("line {next}\n").as_bytes());
        next += 1;
    }
    drop(writer);
    let before = known(&place);
    let first_of_current = Meta::read(&place.path(LogFile::Meta)).unwrap().unwrap().rotated_lines;
    let total = place.reader().total();
    let meta = Meta { rotated_lines: total, prev_start: first_of_current, ..Meta::default() };
    let rename = |from, to| fs::rename(place.path(from), place.path(to)).unwrap();
    let steps: [&dyn Fn(); 7] = [
        &|| meta.prepare(&place.place).unwrap(),
        &|| fs::remove_file(place.path(LogFile::PreviousIndex)).unwrap(),
        &|| fs::remove_file(place.path(LogFile::Previous)).unwrap(),
        &|| rename(LogFile::Log, LogFile::Previous),
        &|| rename(LogFile::Index, LogFile::PreviousIndex),
        &|| rename(LogFile::Times, LogFile::PreviousTimes),
        &|| Meta::publish(&place.place).unwrap(),
    ];
    for (step, act) in steps.iter().enumerate() {
        act();
        let now = known(&place);
        assert_eq!(place.reader().total(), total, "step {step}");
        assert!(now.iter().all(|(n, text)| before[n] == *text), "step {step}");
        assert!((first_of_current..total).all(|n| now.contains_key(&n)), "step {step}");
    }
}

#[test]
fn readers_beside_a_writer_that_rotates_never_disagree() {
    let place = Place::new();
    let mut writer = place.writer(Some(20_000), OnFull::DropOld);
    let mut seen: HashMap<u64, Vec<u8>> = HashMap::new();
    let finished = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..60_000 {
                writer.take(at(n), Stream::Stdout, format!("line {n}\n").as_bytes());
            }
            finished.store(true, Ordering::Release);
            writer.close(at(60_000));
        });
        let mut total = 0;
        while !finished.load(Ordering::Acquire) {
            let reader = LogReader::open(place.place.clone(), at(0), Writing::Ongoing).unwrap();
            assert!(reader.total() >= total, "the total went from {total} to {}", reader.total());
            total = reader.total();
            let mut expected = reader.first_available();
            for line in reader.lines(0, u64::MAX).map(Result::unwrap) {
                assert_eq!(line.n, expected);
                expected += 1;
                let text = seen.entry(line.n).or_insert_with(|| line.text.clone());
                assert_eq!(*text, line.text, "line {}", line.n);
            }
            assert_eq!(expected, total);
        }
    });
    assert!(seen.len() > 100, "{}", seen.len());
}
