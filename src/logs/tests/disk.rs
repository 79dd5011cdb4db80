//! What stands in the way of a log: a full disk, a size limit, other files, no directory.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::sync::{Arc, Mutex};

use super::*;
use crate::sys;

const IN_CHILD: &str = "RUNWISP_TEST_LOG_ROOT";

/// Runs the test `name` again in a process that `prepare` made ready. Skips where namespaces are
/// not allowed, as in most containers.
fn repeat_in_child(name: &str, prepare: &str) {
    let place = Place::new();
    fs::create_dir_all(&place.root).unwrap();
    let test = format!("--exact logs::tests::disk::{name} --nocapture");
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg(format!("{prepare} && exec \"$0\" {test}"))
        .arg(env::current_exe().unwrap())
        .env(IN_CHILD, &place.root)
        .output();
    let Ok(output) = output else { return sys::skip("no unshare") };
    let told = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    if !told.contains("running 1 test") {
        return sys::skip(&complaint);
    }
    assert!(output.status.success(), "{told}{complaint}");
}

#[test]
fn a_full_disk_ends_the_capture_between_two_lines() {
    let Some(root) = env::var_os(IN_CHILD) else {
        let mount = format!("mount -t tmpfs -o size=256k none \"${IN_CHILD}\"");
        repeat_in_child("a_full_disk_ends_the_capture_between_two_lines", &mount);
        return;
    };
    for on_full in POLICIES {
        let place = Place::below(PathBuf::from(&root));
        let mut writer = place.writer(None, on_full);
        let text: String = (0..50_000).map(|n| format!("line {n}\n")).collect();
        let verdicts: Vec<_> = text
            .as_bytes()
            .chunks(30_000)
            .map(|bytes| writer.take(at(1), Stream::Stdout, bytes))
            .collect();
        let stop = Verdict::Stop(Cause::DiskPressure);
        let stops = verdicts.iter().filter(|&&verdict| verdict == stop).count();
        assert_eq!(stops, usize::from(on_full == OnFull::KillTask));
        writer.end_of(at(2), Stream::Stdout);
        let totals = writer.close(at(2));
        assert_eq!((totals.bytes, totals.truncated), (text.len() as u64, true));
        let texts = place.texts();
        assert_eq!(texts.len() as u64, totals.lines);
        let (last, lines) = texts.split_last().unwrap();
        assert!(
            lines.len() > 5_000
                && lines.iter().enumerate().all(|(n, text)| *text == format!("line {n}"))
        );
        assert_eq!(last, "Log output stopped: no space left on device");
        fs::remove_dir_all(place.root.join("logs")).unwrap();
    }
}

#[test]
fn a_limit_on_file_sizes_ends_the_capture_but_not_the_daemon() {
    let Some(root) = env::var_os(IN_CHILD) else {
        let limit = "trap '' XFSZ && ulimit -f 100";
        repeat_in_child("a_limit_on_file_sizes_ends_the_capture_but_not_the_daemon", limit);
        return;
    };
    let place = Place::below(PathBuf::from(&root));
    let mut writer = place.writer(None, OnFull::KillTask);
    for _ in 0..20 {
        assert_eq!(
            writer.take(at(1), Stream::Stderr, "0123456789\n".repeat(1000).as_bytes()),
            Verdict::Go
        );
    }
    let totals = writer.close(at(2));
    let texts = place.texts();
    assert_eq!((totals.lines, totals.bytes, totals.truncated), (texts.len() as u64, 220_000, true));
    assert!(
        texts.iter().filter(|text| *text == "0123456789").count() >= texts.len() - 1
            && texts.len() > 1000
    );
}

#[test]
fn too_little_free_space_ends_the_capture_once() {
    for on_full in POLICIES {
        let place = Place::new();
        let limit = LogLimit { max: Some(1 << 20), on_full };
        let limit =
            if on_full == OnFull::DropOld { limit } else { LogLimit { max: None, ..limit } };
        let mut writer = LogWriter::new(place.place.clone(), limit, Some(u64::MAX), at(0));
        let chunk = "0123456789abcde\n".repeat(4096);
        let verdicts: Vec<_> =
            (0..400).map(|_| writer.take(at(1), Stream::Stdout, chunk.as_bytes())).collect();
        // The 160th chunk of 64 KiB completes 10 MiB; rotations do not start the count again.
        let stops: Vec<_> = (0..400).filter(|&n| verdicts[n] != Verdict::Go).collect();
        let killed = on_full == OnFull::KillTask;
        assert_eq!(stops, if killed { vec![159] } else { vec![] });
        writer.system(at(2), "killed by SIGTERM");
        assert_eq!(writer.close(at(2)).bytes, 400 << 16);
        let texts = place.texts();
        let [.., output, notice, signal, total] = &texts[..] else { panic!("{texts:?}") };
        let expected = if killed {
            "Process killed: disk space critically low: "
        } else {
            "Log output stopped: disk space critically low"
        };
        assert!(notice.starts_with(expected), "{notice}");
        assert_eq!(
            notice.ends_with(r#" free, minimum 16777216 TB; log_on_full="kill_task""#),
            killed,
            "{notice}"
        );
        assert_eq!(output, "0123456789abcde");
        assert_eq!(
            (&signal[..], &total[..]),
            ("killed by SIGTERM", "Total process output: 26214400 bytes")
        );
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_known_before_the_run() {
    let place = Place::new();
    fs::create_dir_all(&place.root).unwrap();
    fs::write(place.root.join("logs"), "in the way").unwrap();
    let mut writer = place.writer(None, OnFull::DropOld);
    let error = writer.prepare().unwrap_err().to_string();
    assert!(error.starts_with("cannot create /") && error.contains("/logs/a_b: "), "{error}");
    assert_eq!(writer.take(at(0), Stream::Stdout, b"lost\n"), Verdict::Go);
    assert_eq!(writer.close(at(0)), LogTotals { lines: 0, bytes: 5, truncated: true });
}

#[test]
fn modes_are_tight_and_a_directory_that_vanished_comes_back() {
    let place = Place::new();
    let mut writer = place.writer(None, OnFull::DropOld);
    writer.prepare().unwrap();
    fs::remove_dir_all(place.root.join("logs")).unwrap();
    writer.take(at(0), Stream::Stdout, b"kept\n");
    writer.close(at(0));
    assert_eq!(place.texts(), ["kept"]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(place.place.directory()), mode(&place.root.join("logs"))), (0o700, 0o700));
    assert_eq!(mode(&place.path(LogFile::Log)) & !0o644, 0);
}

/// docs/running.md, Lost files: whoever moves it back finds nothing in its way.
#[test]
fn a_data_directory_that_was_taken_away_is_not_made_anew() {
    let place = Place::new();
    let mut writer = place.writer(None, OnFull::DropOld);
    writer.prepare().unwrap();
    fs::remove_dir_all(&place.root).unwrap();
    writer.take(at(0), Stream::Stdout, b"lost\n");
    writer.close(at(0));
    assert!(place.writer(None, OnFull::DropOld).prepare().is_err());
    assert!(!place.root.exists());
    fs::create_dir(&place.root).unwrap();
}

#[test]
fn no_other_file_is_ever_written_to() {
    let place = Place::new();
    fs::create_dir_all(place.place.directory()).unwrap();
    let other = place.root.join("other");
    for target in [other.as_path(), &place.path(LogFile::Log)] {
        fs::write(target, "mine").unwrap();
        if target == other {
            symlink(target, place.path(LogFile::Log)).unwrap();
        }
        let mut writer = place.writer(None, OnFull::DropOld);
        writer.take(at(0), Stream::Stdout, b"lost\n");
        writer.close(at(0));
        assert_eq!(fs::read(target).unwrap(), b"mine");
        fs::remove_file(place.path(LogFile::Log)).unwrap();
    }
}

#[test]
fn a_companion_that_fails_costs_no_line() {
    let place = Place::new();
    for file in [LogFile::Index, LogFile::Times] {
        fs::create_dir_all(place.path(file)).unwrap();
    }
    let mut writer = place.writer(None, OnFull::DropOld);
    for second in 0..5 {
        writer.take(at(second * 1000), Stream::Stdout, "x\n".repeat(1000).as_bytes());
    }
    assert_eq!(writer.close(at(9_000)), LogTotals { lines: 5000, bytes: 10_000, truncated: false });
    for file in [LogFile::Index, LogFile::Times] {
        fs::remove_dir(place.path(file)).unwrap();
    }
    assert_eq!(place.lines().len(), 5000);
}

#[test]
fn text_from_outside_stays_one_system_line() {
    let place = Place::new();
    let mut writer = place.writer(None, OnFull::DropOld);
    writer.system(at(0), "failed to start: /bin/a\nforged\x1b[2J: é");
    writer.close(at(0));
    assert_eq!(place.raw(), "[SYSTEM] failed to start: /bin/a\\nforged\\u{1b}[2J: é\n".as_bytes());
}

#[test]
fn an_observer_sees_whole_lines_also_those_that_are_dropped() {
    let place = Place::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut writer = place.writer(Some(8), OnFull::DropNew);
    let copy = Arc::clone(&seen);
    writer.observe(Box::new(move |stream, lines| {
        copy.lock().unwrap().push((stream, lines.to_vec()))
    }));
    writer.take(at(0), Stream::Stdout, b"one\ntw");
    writer.take(at(0), Stream::Stderr, b"err\n");
    writer.take(at(0), Stream::Stdout, b"o\nlast");
    writer.close(at(0));
    let all = |wanted| {
        let seen = seen.lock().unwrap();
        let lines =
            seen.iter().filter(|(stream, _)| *stream == wanted).flat_map(|(_, lines)| lines);
        String::from_utf8(lines.copied().collect()).unwrap()
    };
    assert_eq!(all(Stream::Stdout), "one\ntwo\nlast\n");
    assert_eq!(all(Stream::Stderr), "err\n");
    assert!(all(Stream::System).starts_with("Log truncated: log_max_size 8 B reached"));
}
