//! Behind Debian's nginx and Caddy, with TLS and with the very configurations that
//! README.md shows: the daemon sees its clients through a proxy that it trusts, and nobody
//! from outside can pretend to be one. Clients of different addresses connect from different
//! loopback addresses.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::harness::daemon::PATIENCE;
use crate::harness::http::{Answer, free_port};
use crate::harness::process::signal;
use crate::harness::{Daemon, Home, login, skip, wait_until};

/// The name that the examples of the manual use.
const HOST: &str = "jobs.example.org";
/// Two clients.
const ANNA: &str = "127.0.0.2";
const BERT: &str = "127.0.0.3";

/// Prints the next line when the one before has been seen.
const CONFIG: &str = r#"
[tasks.steps]
run = """
for n in 1 2 3 4 5; do
    echo "line $n"
    while [ ! -e "seen-$n" ]; do sleep 0.01; done
done
"""
"#;

#[test]
fn nginx_is_seen_through_as_the_manual_shows_it() {
    trusted(Kind::Nginx);
}

#[test]
fn caddy_is_seen_through_as_the_manual_shows_it() {
    trusted(Kind::Caddy);
}

#[test]
fn nginx_that_is_not_trusted_changes_nothing() {
    untrusted(Kind::Nginx);
}

#[test]
fn caddy_that_is_not_trusted_changes_nothing() {
    untrusted(Kind::Caddy);
}

fn trusted(kind: Kind) {
    let home = Home::new(CONFIG);
    let trust = example("RUNWISP_TRUST_PROXY=", "\n");
    let daemon = Daemon::launch(&home, free_port(), |command| {
        command.env("RUNWISP_TRUST_PROXY", trust);
    });
    daemon.wait_ready();
    let Some(proxy) = Proxy::start(kind, &home, &daemon) else { return };

    let login = proxy.login(ANNA, &password(&home), &[]);
    assert_eq!(login.status, 200, "{login:?}");
    let set = login.header("set-cookie").unwrap();
    assert!(set.contains("; Secure"), "{set}");
    let cookie = set.split(';').next().unwrap();

    // What a browser sends that has no Sec-Fetch-Site.
    let own = format!("https://{HOST}:{}", proxy.port);
    for (origin, status) in [(own.as_str(), 201), ("https://evil.example", 403), ("null", 403)] {
        let headers = [("Cookie", cookie), ("Origin", origin)];
        let answer = proxy.call(ANNA, "POST", "/api/tasks/steps/run", &headers, "{}");
        assert_eq!(answer.status, status, "{origin}: {answer:?}");
    }
    lines_come_one_by_one(&proxy, &home, cookie);

    // Whoever comes through a proxy is not on the daemon's own host.
    let launch = proxy.call(ANNA, "GET", "/api/auth/launch?ticket=x", &[], "");
    assert_eq!(launch.status, 403, "{launch:?}");

    // One client is locked out, whatever it claims to be; the other one is not.
    for _ in 0..5 {
        assert_eq!(proxy.login(ANNA, "wrong", &[]).status, 401);
    }
    for forged in ["203.0.113.9", BERT, "127.0.0.1", "203.0.113.9, 127.0.0.1", "x"] {
        let answer = proxy.login(ANNA, &password(&home), &[("X-Forwarded-For", forged)]);
        assert_eq!(answer.status, 429, "{forged}: {answer:?}");
    }
    let answer = proxy.login(BERT, &password(&home), &[("X-Forwarded-For", ANNA)]);
    assert_eq!(answer.status, 200, "{answer:?}");
    drop(proxy);
    daemon.stop_well();
}

fn untrusted(kind: Kind) {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let Some(proxy) = Proxy::start(kind, &home, &daemon) else { return };
    let login = proxy.login(ANNA, &password(&home), &[("X-Forwarded-Proto", "https")]);
    assert_eq!(login.status, 200, "{login:?}");
    let set = login.header("set-cookie").unwrap();
    assert!(!set.contains("Secure"), "{set}");
    // The daemon sees one client, and says how to change that.
    for _ in 0..5 {
        assert_eq!(proxy.login(ANNA, "wrong", &[]).status, 401);
    }
    assert_eq!(proxy.login(BERT, &password(&home), &[]).status, 429);
    wait_until("the daemon names the setting", PATIENCE, || {
        home.read("stderr").contains("RUNWISP_TRUST_PROXY")
    });
    drop(proxy);
    daemon.stop_well();
}

/// Each line is there before the next one is printed.
fn lines_come_one_by_one(proxy: &Proxy<'_>, home: &Home, cookie: &str) {
    let run = &home.rows("steps")[0].id;
    let path = format!("/api/tasks/steps/runs/{run}/log/stream");
    let mut curl = proxy.curl(ANNA, "GET", &path, &[("Cookie", cookie)]);
    let mut curl = curl.arg("--no-buffer").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(curl.stdout.take().unwrap()).lines().map(Result::unwrap);
    for number in 1..=5 {
        let text = format!("\"text\":\"line {number}\"");
        assert!(lines.any(|line| line.contains(&text)), "line {number} does not come");
        home.write(&format!("seen-{number}"), "");
    }
    assert!(lines.any(|line| line == "event: done"), "the end does not come");
    assert!(curl.wait().unwrap().success(), "the stream does not end");
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Nginx,
    Caddy,
}

/// A running proxy; ended when dropped.
struct Proxy<'home> {
    port: u16,
    home: &'home Home,
    child: Child,
}

impl<'home> Proxy<'home> {
    /// Nothing where it is not installed.
    fn start(kind: Kind, home: &'home Home, daemon: &Daemon<'_>) -> Option<Proxy<'home>> {
        let port = free_port();
        certify(home);
        let mut command = match kind {
            Kind::Nginx => nginx(home, port, daemon.port),
            Kind::Caddy => caddy(home, port, daemon.port),
        };
        let output = File::create(home.path("proxy.log")).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let Ok(child) = command.spawn() else {
            skip(&format!("{kind:?} is not installed"));
            return None;
        };
        let mut proxy = Proxy { port, home, child };
        wait_until("the proxy is ready", PATIENCE, || {
            assert!(proxy.child.try_wait().unwrap().is_none(), "{}", home.read("proxy.log"));
            let mut curl = proxy.curl(ANNA, "GET", "/health", &[]);
            curl.output().unwrap().stdout.ends_with(b"\r\n\r\nOK")
        });
        Some(proxy)
    }

    /// A request of a client with this address.
    fn curl(&self, from: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--include", "--max-time", "15", "--interface", from]);
        curl.args(["--resolve", &format!("{HOST}:{}:127.0.0.1", self.port)]);
        curl.args(["--noproxy", "*", "--cacert"]).arg(self.home.path("fullchain.pem"));
        for (name, value) in headers {
            curl.args(["--header", &format!("{name}: {value}")]);
        }
        curl.args(["--request", method, &format!("https://{HOST}:{}{path}", self.port)]);
        curl
    }

    fn call(
        &self,
        from: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut curl = self.curl(from, method, path, headers);
        if !body.is_empty() {
            curl.args(["--header", "Content-Type: application/json", "--data-raw", body]);
        }
        let output = curl.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        Answer::parse(&text).unwrap_or_else(|| panic!("{path}: {} {text}", output.status))
    }

    /// Both steps of a login.
    fn login(&self, from: &str, password: &str, headers: &[(&str, &str)]) -> Answer {
        let challenge = self.call(from, "GET", "/api/auth/challenge", headers, "");
        if challenge.status != 200 {
            return challenge;
        }
        let challenge = challenge.json();
        let nonce = challenge["nonce"].as_str().unwrap();
        let body = json!({ "nonce": nonce, "response": login::response(password, nonce) });
        self.call(from, "POST", "/api/auth", headers, &body.to_string())
    }
}

impl Drop for Proxy<'_> {
    fn drop(&mut self) {
        signal(self.child.id(), "TERM");
        self.child.wait().unwrap();
    }
}

fn nginx(home: &Home, port: u16, upstream: u16) -> Command {
    let server = example("```nginx\n", "```");
    let server = replace(&server, "listen 443", &format!("listen 127.0.0.1:{port}"));
    let server = replace(&server, "/etc/ssl/jobs", home.dir().to_str().unwrap());
    let server = replace(&server, ":9477", &format!(":{upstream}"));
    // The rest of Debian's own, as far as it concerns answers.
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path temporary-{what};\n"))
        .concat();
    home.write(
        "nginx.conf",
        format!(
            "daemon off; pid nginx.pid; events {{ }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; gzip on;\n{temporary}{server}}}\n"
        ),
    );
    let mut command = Command::new("nginx");
    command.arg("-p").arg(home.dir()).args(["-c", "nginx.conf", "-e", "nginx.err"]);
    command
}

fn caddy(home: &Home, port: u16, upstream: u16) -> Command {
    let site = example("```caddyfile\n", "```");
    // Without these it would ask a public authority for a certificate.
    let key = "tls fullchain.pem key.pem";
    let opening = format!("https://{HOST}:{port} {{\n    bind 127.0.0.1\n    {key}");
    let site = replace(&site, &format!("{HOST} {{"), &opening);
    let site = replace(&site, ":9477", &format!(":{upstream}"));
    home.write("Caddyfile", format!("{{\n    admin off\n    auto_https off\n}}\n{site}"));
    let mut command = Command::new("caddy");
    command.args(["run", "--config", "Caddyfile"]).current_dir(home.dir());
    command.env("HOME", home.dir()).env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME");
    command
}

/// The password that the daemon has made.
fn password(home: &Home) -> String {
    home.read("data/password").trim_end().to_owned()
}

/// What the manual has between two marks.
fn example(from: &str, to: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once(from).unwrap();
    rest.split_once(to).unwrap().0.to_owned()
}

fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "README.md no longer has {from:?} in\n{text}");
    text.replace(from, to)
}

/// A key and a certificate for [`HOST`], as the authority that it is signed by.
fn certify(home: &Home) {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    openssl.args(["-nodes", "-days", "2", "-keyout", "key.pem", "-out", "fullchain.pem"]);
    openssl.args([
        "-subj",
        &format!("/CN={HOST}"),
        "-addext",
        &format!("subjectAltName=DNS:{HOST}"),
    ]);
    let output = openssl.current_dir(home.dir()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
