//! The main job on real input: tests/vps is a server as its owner would set it up, and here it
//! works for a while. Every outcome is read from the database and the files.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::harness::daemon::PATIENCE;
use crate::harness::rows::Row;
use crate::harness::{Daemon, Home, http, process, skip, wait_for, wait_until};

#[test]
fn a_small_server_does_its_daily_work() {
    for tool in ["sqlite3", "openssl", "curl", "python3", "gzip"] {
        if Command::new("which").arg(tool).output().is_ok_and(|found| !found.status.success()) {
            return skip(&format!("there is no {tool}"));
        }
    }
    let server = Server::set_up();
    let home = &server.home;
    let daemon = home.start();

    backups_are_whole(home);
    logs_are_rotated(home);
    the_disk_is_reported(home);
    certificates_are_checked(home);
    a_flaky_fetch_succeeds_at_last(home);
    overlapping_runs_follow_their_policy(home);
    a_flood_is_cut(home);
    the_web_server_is_kept_alive(&server, &daemon);

    let rows = home.rows("import-orders");
    daemon.stop_well();
    let status = Command::new("sqlite3")
        .arg("-readonly")
        .arg(home.data().join("runwisp.db"))
        .arg("SELECT count(*) FROM runs WHERE status = 'running'")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&status.stdout).trim(), "0");
    assert!(rows.len() >= 3);
}

struct Server {
    home: Home,
    web_port: u16,
}

impl Server {
    fn set_up() -> Server {
        let home = Home::new("");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vps"), home.dir());
        let rates_port = http::serve(|request| if request < 2 { 503 } else { 200 });
        let web_port = two_ports();
        home.write("site.env", format!("RATES_PORT={rates_port}\nWEB_PORT={web_port}\n"));
        let database = rusqlite::Connection::open(home.path("shop.db")).unwrap();
        database
            .execute_batch(
                "PRAGMA journal_mode = WAL;
                 CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, cents INTEGER);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                 INSERT INTO orders SELECT i, 'customer ' || i, i * 7 FROM n;",
            )
            .unwrap();
        home.write("weblogs/access.log", "GET / 200\n".repeat(1000));
        certificate(&home, "shop", 10);
        certificate(&home, "mail", 300);
        Server { home, web_port }
    }
}

fn backups_are_whole(home: &Home) {
    wait_until("four backups were made", PATIENCE, || {
        successes(home, "backup-database").len() >= 4
    });
    let row = &successes(home, "backup-database")[3];
    assert_eq!(home.log(row), "kept 3\n");
    let newest = newest_file(&home.path("backups"), ".gz");
    let copy = home.path("restored.db");
    let unpacked = Command::new("gzip").arg("-dc").arg(newest).output().unwrap();
    fs::write(&copy, unpacked.stdout).unwrap();
    let restored = rusqlite::Connection::open(copy).unwrap();
    let sum: i64 =
        restored.query_row("SELECT sum(cents) FROM orders", [], |row| row.get(0)).unwrap();
    assert_eq!(sum, 7 * 20_000 * 20_001 / 2);
}

fn logs_are_rotated(home: &Home) {
    wait_until("the log was rotated", PATIENCE, || successes(home, "rotate-logs").len() >= 2);
    let unpacked =
        Command::new("gzip").arg("-dc").arg(newest_file(&home.path("weblogs"), ".gz")).output();
    assert_eq!(unpacked.unwrap().stdout, "GET / 200\n".repeat(1000).as_bytes());
    let last = successes(home, "rotate-logs").pop().unwrap();
    assert_eq!(home.log(&last), "nothing to rotate\n");
}

fn the_disk_is_reported(home: &Home) {
    let row = wait_for("a report", PATIENCE, || successes(home, "disk-report").pop());
    let log = home.log(&row);
    assert!(log.starts_with("used ") && log.ends_with("%\n"), "{log}");
    assert!(home.read("report.txt").contains("data"));
}

fn certificates_are_checked(home: &Home) {
    let bad = wait_for("the check", PATIENCE, || home.ended("check-certificate:shop"));
    assert_eq!(bad.end(), "failed 1");
    let folder = home.logs("check-certificate_shop");
    let log = fs::read_to_string(newest_file(&folder, ".log")).unwrap();
    assert!(log.contains("notAfter=") && log.contains("Certificate will expire"), "{log}");
    let good = wait_for("the check", PATIENCE, || home.ended("check-certificate:mail"));
    assert_eq!(good.end(), "success 0");
}

fn a_flaky_fetch_succeeds_at_last(home: &Home) {
    wait_until("the rates are there", PATIENCE, || !home.read("rates.txt").is_empty());
    wait_until("it is recorded", PATIENCE, || !successes(home, "fetch-rates").is_empty());
    let rows = home.rows("fetch-rates");
    let chain: Vec<String> =
        rows.iter().take(3).map(|row| format!("{} {}", row.retry_attempt, row.end())).collect();
    // curl(1): 22 is an answer of 400 or above.
    assert_eq!(chain, ["0 failed 22", "1 failed 22", "2 success 0"]);
    for (pair, wait) in rows.windows(2).zip([200, 400]) {
        assert_eq!(pair[1].retry_of.as_ref(), Some(&pair[0].id));
        let waited = pair[1].created_at.duration_since(pair[0].end_at.unwrap()).as_millis();
        assert!((wait - 1..wait + 500).contains(&waited), "{waited} ms instead of {wait}");
        assert_eq!(pair[1].triggered_by, "cron");
    }
    assert!(home.log(&rows[0]).starts_with("[ERR] curl: "), "{}", home.log(&rows[0]));
}

fn overlapping_runs_follow_their_policy(home: &Home) {
    let ends = |task: &str| home.rows(task).iter().map(Row::end).collect::<Vec<_>>();
    let has = |task: &str, end: &str| ends(task).iter().any(|found| found == end);
    wait_until("the line is full", PATIENCE, || has("import-orders", "queue_full -1"));
    wait_until("one was skipped", PATIENCE, || has("refresh-cache", "skipped -1"));
    wait_until("one was replaced", PATIENCE, || has("build-index", "stopped 143"));
    wait_until("some succeeded", PATIENCE, || {
        has("import-orders", "success 0") && has("refresh-cache", "success 0")
    });
    assert!(!has("import-orders", "stopped 143") && !has("import-orders", "skipped -1"));
    assert!(!has("refresh-cache", "stopped 143") && !has("build-index", "skipped -1"));
    for task in ["import-orders", "refresh-cache", "build-index"] {
        let mut ran: Vec<Row> =
            home.rows(task).into_iter().filter(|row| row.start_at.is_some()).collect();
        assert!(ran.is_sorted_by_key(|row| row.start_at), "{task}: in the order of their ticks");
        ran.sort_by_key(|row| row.start_at);
        for pair in ran.windows(2) {
            assert!(pair[0].end_at.is_some_and(|end| end <= pair[1].start_at.unwrap()), "{pair:?}");
        }
    }
}

fn a_flood_is_cut(home: &Home) {
    let row = wait_for("it ends", PATIENCE, || home.ended("migrate"));
    assert_eq!(row.end(), "success 0");
    let log = home.log(&row);
    assert!(log.len() <= 256 * 1024 + 200, "{} bytes", log.len());
    assert!(log.contains("\n200000\n"), "the end is kept");
    assert!(home.run_file(&row, ".log.prev").is_some());
    assert_eq!(
        row.log_bytes,
        (1..=200_000_i64).map(|n| n.to_string().len() as i64 + 1).sum::<i64>()
    );
}

fn the_web_server_is_kept_alive(server: &Server, daemon: &Daemon) {
    let home = &server.home;
    let opens = |port| {
        http::get(port, "/").is_some_and(|(status, body)| status == 200 && body.contains("Open"))
    };
    wait_until("both answer", PATIENCE, || opens(server.web_port) && opens(server.web_port + 1));
    let replicas = || -> Vec<Row> {
        home.rows("web").into_iter().filter(|row| row.status == "running").collect()
    };
    let before = replicas();
    assert_eq!(before.iter().map(|row| row.replica).collect::<Vec<_>>(), [0, 1]);
    let victim = process::with_mark(&format!("www\0{}", server.web_port + 1));
    assert_eq!(victim.len(), 1);
    assert!(process::children(daemon.pid()).contains(&victim[0]));
    process::signal(victim[0], "KILL");
    wait_until("its end is recorded", PATIENCE, || {
        home.rows("web").iter().any(|row| row.id == before[1].id && row.end() == "failed 137")
    });
    wait_until("it answers again", PATIENCE, || opens(server.web_port + 1));
    let after = wait_for("both are recorded", PATIENCE, || {
        let rows = replicas();
        (rows.len() == 2).then_some(rows)
    });
    assert_eq!(after[0].id, before[0].id, "the other was left alone");
    assert_eq!((after[1].replica, after[1].retry_of.as_ref()), (1, Some(&before[1].id)));
    let log = wait_for("the access is logged", Duration::from_secs(5), || {
        let log = home.log(&after[1]);
        log.contains("GET /").then_some(log)
    });
    assert!(log.contains("[ERR] 127.0.0.1"), "{log}");
}

fn successes(home: &Home, task: &str) -> Vec<Row> {
    home.rows(task).into_iter().filter(|row| row.reason() == "success").collect()
}

fn newest_file(folder: &Path, ending: &str) -> std::path::PathBuf {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().ends_with(ending)).max().unwrap()
}

fn certificate(home: &Home, name: &str, days: u32) {
    fs::create_dir_all(home.path("certs")).unwrap();
    let made = Command::new("openssl")
        .current_dir(home.path("certs"))
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", &format!("/CN={name}.example.org"), "-days", &days.to_string()])
        .args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// The first of two neighbouring ports that are both free.
fn two_ports() -> u16 {
    wait_for("two neighbouring ports", PATIENCE, || {
        let port = http::free_port();
        TcpListener::bind((Ipv4Addr::LOCALHOST, port.checked_add(1)?)).ok().map(|_| port)
    })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
