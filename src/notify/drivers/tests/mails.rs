//! Mail to a real server and through a program, as it arrives.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{fs, thread};

use serde::Deserialize;

use super::{ENOUGH, notifier, secret, send, send_to};
use crate::base::time::Clock;
use crate::model::alert::Kind;
use crate::model::notifier::{Driver, Mail, MailTls, Smtp};
use crate::notify::receiver::{Certificate, closed_port};
use crate::notify::{Facts, Outcome, fixtures};
use crate::store::scratch::Scratch;
use crate::threads;

/// One mail as tests/receivers/smtp_sink.py saw it.
#[derive(Debug, Deserialize)]
struct Seen {
    from: String,
    to: Vec<String>,
    tls: bool,
    user: Option<String>,
    data: String,
}

struct Sink {
    server: Child,
    port: u16,
    mails: Receiver<Seen>,
}

impl Sink {
    fn new(mode: &str, certificate: &Certificate, login: &[&str]) -> Sink {
        static READY: OnceLock<()> = OnceLock::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        READY.get_or_init(|| {
            let made = Command::new(root.join("tests/receivers/setup")).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        });
        let mut server = Command::new(root.join("target/receivers/bin/python"))
            .args(["-W", "ignore"])
            .arg(root.join("tests/receivers/smtp_sink.py"))
            .arg(mode)
            .args([&certificate.file, &certificate.key])
            .args(login)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let port = lines.next().expect("a port").unwrap().parse().unwrap();
        let (sender, mails) = mpsc::channel();
        threads::spawn("sink", move || {
            for line in lines.map_while(Result::ok) {
                // The test may be over.
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        })
        .unwrap();
        Sink { server, port, mails }
    }

    fn mail(&self) -> Seen {
        self.mails.recv_timeout(ENOUGH).expect("a mail")
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        self.server.wait().unwrap();
    }
}

fn mail(to: &[&str]) -> Mail {
    Mail {
        from: "Rünwisp <runwisp@host.example>".to_owned(),
        reply_to: Some("ops@host.example".to_owned()),
        to: to.iter().map(|&to| to.to_owned()).collect(),
        cc: vec!["cc@host.example".to_owned()],
        bcc: vec!["hidden@host.example".to_owned()],
    }
}

fn smtp(port: u16, tls: MailTls, login: Option<(&str, &str)>) -> Smtp {
    Smtp {
        host: "localhost".to_owned(),
        port,
        tls,
        tls_skip_verify: false,
        login: login.map(|(user, password)| (user.to_owned(), secret(password))),
        mail: mail(&["Ops <ops@host.example>"]),
    }
}

fn trusting(certificate: &Certificate) -> Facts {
    Facts { ca_file: Some(certificate.file.clone()), ..fixtures::facts() }
}

fn queued() -> Outcome {
    Outcome::Delivered { answer: "250 2.0.0 queued as 1A2B".to_owned() }
}

#[test]
fn a_server_gets_text_and_html_over_tls_with_a_login() {
    let scratch = Scratch::new();
    let certificate = Certificate::new(scratch.path());
    let facts = trusting(&certificate);
    let sink = Sink::new("starttls", &certificate, &["bob", "s3cr3t word"]);
    let driver =
        |password| Driver::Smtp(smtp(sink.port, MailTls::StartTls, Some(("bob", password))));
    assert_eq!(send(driver("s3cr3t word"), &facts, ENOUGH), queued());
    let seen = sink.mail();
    assert_eq!(
        (&*seen.from, seen.tls, seen.user.as_deref()),
        ("runwisp@host.example", true, Some("bob"))
    );
    assert_eq!(seen.to, ["ops@host.example", "cc@host.example", "hidden@host.example"]);
    for part in [
        "From: =?utf-8?b?UsO8bndpc3A=?= <runwisp@host.example>\r\n",
        "To: Ops <ops@host.example>\r\n",
        "Cc: cc@host.example\r\n",
        "Reply-To: ops@host.example\r\n",
        "Subject: sync-orders failed\r\n",
        "Date: ",
        "Message-ID: <01KRKGN3T0000000000000001A@host.example>\r\n",
        "MIME-Version: 1.0\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "X-Auto-Response-Suppress: All\r\n",
        "User-Agent: runwisp-notify/1\r\n",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
        "Exit code 1 after 0.3s",
        "fatal: no route to host",
    ] {
        assert!(seen.data.contains(part), "{part} is not in {}", seen.data);
    }
    assert!(!seen.data.contains("hidden@") && !seen.data.contains("Bcc"), "{}", seen.data);

    let wrong = send(driver("wr0ng word"), &facts, ENOUGH);
    let Outcome::Refused { error } = wrong else { panic!("{wrong:?}") };
    assert!(error.starts_with("smtp:ops: 535 ") && !error.contains("wr0ng"), "{error}");
}

#[test]
fn tls_is_trusted_as_told_and_never_done_without() {
    let scratch = Scratch::new();
    let certificate = Certificate::new(scratch.path());
    let sink = Sink::new("implicit", &certificate, &[]);
    let implicit = smtp(sink.port, MailTls::Implicit, None);
    assert_eq!(send(Driver::Smtp(implicit.clone()), &trusting(&certificate), ENOUGH), queued());
    assert!(sink.mail().tls);
    let outcome = send(Driver::Smtp(implicit.clone()), &fixtures::facts(), ENOUGH);
    let Outcome::Retry { error, .. } = outcome else { panic!("{outcome:?}") };
    assert!(error.contains("certificate"), "{error}");
    let skipping = Smtp { tls_skip_verify: true, ..implicit };
    assert_eq!(send(Driver::Smtp(skipping), &fixtures::facts(), ENOUGH), queued());

    let plain = Sink::new("none", &certificate, &[]);
    let starttls = Driver::Smtp(smtp(plain.port, MailTls::StartTls, None));
    let error = "smtp:ops: STARTTLS is not supported on this server".to_owned();
    assert_eq!(send(starttls, &fixtures::facts(), ENOUGH), Outcome::Refused { error });
}

#[test]
fn a_server_that_says_no_is_believed() {
    let scratch = Scratch::new();
    let certificate = Certificate::new(scratch.path());
    let sink = Sink::new("none", &certificate, &[]);
    let notifier =
        notifier(Driver::Smtp(smtp(sink.port, MailTls::None, None)), Some("<p>{{task}}"));
    let delivery = fixtures::delivery(Kind::RunFailed);
    let error = |text: &str| format!("smtp:ops: {text}");
    assert_eq!(
        send_to(&notifier, Some("452@host.example"), &delivery),
        Outcome::Retry { error: error("452 not for 452"), after: None }
    );
    assert_eq!(
        send_to(&notifier, Some("550@host.example"), &delivery),
        Outcome::Refused { error: error("550 not for 550") }
    );
    assert_eq!(
        send_to(&notifier, Some("nobody"), &delivery),
        Outcome::Refused { error: error("to: \"nobody\" is not an address") }
    );
    assert_eq!(send_to(&notifier, Some("someone@host.example"), &delivery), queued());
    let seen = sink.mail();
    assert_eq!(seen.to, ["someone@host.example", "cc@host.example", "hidden@host.example"]);
    assert!(seen.data.contains("<p>sync-orders") && !seen.tls && seen.user.is_none());
}

#[test]
fn a_server_that_is_not_there_or_silent_is_tried_again() {
    let nowhere = Driver::Smtp(smtp(closed_port(), MailTls::None, None));
    let error = "smtp:ops: connection refused".to_owned();
    let outcome = send(nowhere, &fixtures::facts(), ENOUGH);
    assert_eq!(outcome, Outcome::Retry { error, after: None });

    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let clock = Clock::start();
    let driver = Driver::Smtp(smtp(port, MailTls::None, None));
    let outcome = send(driver, &fixtures::facts(), Duration::from_millis(200));
    let error = "smtp:ops: no answer in time".to_owned();
    assert_eq!(outcome, Outcome::Retry { error, after: None });
    assert!(clock.now().steady < Duration::from_secs(5));
}

/// A program in the place of sendmail. What it is given it writes to the file `mail`.
fn program(scratch: &Scratch, script: &str) -> PathBuf {
    let path = scratch.path().join("sendmail");
    let text = format!("#!/bin/sh\ncd {}\n{script}\n", scratch.path().display());
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn sendmail(path: PathBuf, mail: Mail, limit: Duration) -> Outcome {
    let driver = || Driver::Sendmail { path: Some(path.clone()), mail: mail.clone() };
    let clock = Clock::start();
    loop {
        let outcome = send(driver(), &fixtures::facts(), limit);
        // Another test's child may still hold the script open for writing (execve(2), ETXTBSY).
        let is_busy =
            matches!(&outcome, Outcome::Retry { error, .. } if error.contains("text file busy"));
        if !is_busy {
            return outcome;
        }
        assert!(clock.now().steady < ENOUGH);
        thread::yield_now();
    }
}

#[test]
fn the_program_gets_the_whole_mail_and_no_address() {
    let scratch = Scratch::new();
    let path = program(&scratch, "echo \"$@\" > args; cat > mail");
    let outcome = sendmail(path, mail(&["Ops <ops@host.example>"]), ENOUGH);
    assert_eq!(outcome, Outcome::Delivered { answer: "sendmail exit 0".to_owned() });
    assert_eq!(fs::read_to_string(scratch.path().join("args")).unwrap(), "-t -i\n");
    let text = fs::read_to_string(scratch.path().join("mail")).unwrap();
    assert!(!text.contains('\r'), "{text}");
    for part in [
        "From: =?utf-8?b?UsO8bndpc3A=?= <runwisp@host.example>\n",
        "To: Ops <ops@host.example>\n",
        "Bcc: hidden@host.example\n",
        "Subject: sync-orders failed\n",
        "Auto-Submitted: auto-generated\n",
        "MIME-Version: 1.0\n",
        "Content-Type: text/plain; charset=utf-8\n",
        "Exit code 1 after 0.3s",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn the_end_of_the_program_is_the_answer() {
    let to = || mail(&["ops@host.example"]);
    let error = |text: &str| format!("sendmail:ops: {text}");
    for (script, outcome) in [
        (
            "echo busy >&2; exit 75",
            Outcome::Retry { error: error("sendmail exit 75: busy"), after: None },
        ),
        ("cat > mail; exit 1", Outcome::Refused { error: error("sendmail exit 1") }),
        (
            "echo 'no such\nuser' >&2; exit 67",
            Outcome::Refused { error: error("sendmail exit 67: no such user") },
        ),
        ("kill -9 $$", Outcome::Refused { error: error("sendmail killed by SIGKILL") }),
    ] {
        let scratch = Scratch::new();
        assert_eq!(sendmail(program(&scratch, script), to(), ENOUGH), outcome, "{script}");
    }
    let scratch = Scratch::new();
    let none = scratch.path().join("none");
    let text = format!("cannot run {}: no such file or directory", none.display());
    assert_eq!(sendmail(none, to(), ENOUGH), Outcome::Refused { error: error(&text) });
    let torn = mail(&["ops@host.example\nBcc: all@host.example"]);
    let refused = Outcome::Refused { error: error("to: must be on one line") };
    assert_eq!(sendmail(program(&scratch, "exit 0"), torn, ENOUGH), refused);
}

#[test]
fn a_program_that_hangs_is_killed_with_its_children() {
    let scratch = Scratch::new();
    let path = program(&scratch, "sleep 600 & echo $! > child; wait");
    let clock = Clock::start();
    let outcome = sendmail(path, mail(&["ops@host.example"]), Duration::from_millis(500));
    let error = "sendmail:ops: no end in time".to_owned();
    assert_eq!(outcome, Outcome::Retry { error, after: None });
    let child: u32 =
        fs::read_to_string(scratch.path().join("child")).unwrap().trim().parse().unwrap();
    let is_there = || {
        fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    };
    while is_there() {
        assert!(clock.now().steady < ENOUGH, "the child lives");
        thread::yield_now();
    }
}
