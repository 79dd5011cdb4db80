//! `GET /metrics` for Prometheus and whoever reads OpenMetrics, on the port of the dashboard or on a
//! listener of its own (docs/deployment.md, Metrics). It reads what was counted in passing, never
//! the history.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::Metrics;
use crate::tally::Counts;
use crate::threads;
use crate::web::context::Context;
use crate::web::http::{Method, Problem, Reply, Request, Whole, reason};

pub(crate) const PATH: &str = "/metrics";
const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const ALLOW: &str = "GET, HEAD, OPTIONS";
/// What a client of the own listener may take to ask, and to take the answer: there is one at a time.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long nobody is let in when there is nothing to let anybody in with.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest head of a request there.
const LONGEST: usize = 8192;

/// Answers on the port of the dashboard.
pub(crate) fn answer(context: &Context, request: &Request) -> Result<Reply, Problem> {
    if context.facts.metrics != Metrics::Port {
        let why = "not served here; see metrics_enabled and metrics_listen of [daemon]";
        return Err(Problem::new(404, why));
    }
    match request.method {
        Method::Get | Method::Head => {}
        Method::Options => return Ok(Whole::new(204).header("Allow", ALLOW).into()),
        Method::Post | Method::Delete | Method::Other => {
            let problem = Problem::new(405, format!("allowed here: {ALLOW}"));
            return Err(problem.header("Allow", ALLOW));
        }
    }
    let mut whole = Whole::text(200, page(context));
    whole.headers =
        vec![("Content-Type", KIND.to_owned()), ("Cache-Control", "no-store".to_owned())];
    Ok(whole.into())
}

/// The listener of its own.
pub(crate) struct Own(TcpListener);

impl Own {
    /// Serves nothing but [`PATH`], to one client after the other, until [`Own::close`].
    pub(crate) fn serve(listener: TcpListener, context: Arc<Context>) -> io::Result<Own> {
        let own = Own(listener.try_clone()?);
        threads::spawn("metrics", move || {
            loop {
                match listener.accept() {
                    // Whoever does not ask or take the answer in time gets none.
                    Ok((client, _)) => drop(serve(client, &context)),
                    // It was shut down (accept(2), EINVAL).
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => return,
                    // A lack of descriptors, or somebody who has gone.
                    Err(_) => std::thread::park_timeout(PAUSE),
                }
            }
        })?;
        Ok(own)
    }

    pub(crate) fn close(self) {
        // A listener is shut down as any other socket; whoever waits for clients hears of it.
        let _ = TcpStream::from(OwnedFd::from(self.0)).shutdown(Shutdown::Both);
    }
}

fn serve(mut client: TcpStream, context: &Context) -> io::Result<()> {
    let by = context.clock.now().steady + PATIENCE;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        // Not for each part anew: a client that sends a byte now and then would stay for hours.
        let left = by.saturating_sub(context.clock.now().steady);
        if left.is_zero() {
            return Ok(());
        }
        client.set_read_timeout(Some(left))?;
        let length = client.read(&mut part)?;
        if length == 0 || head.len() > LONGEST {
            return Ok(());
        }
        head.extend_from_slice(&part[..length]);
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split(|byte| *byte == b'?').next();
    let (status, body) = match (method, path == Some(PATH.as_bytes())) {
        (b"GET" | b"HEAD", true) => (200, page(context)),
        (b"GET" | b"HEAD", false) => (404, String::new()),
        _ => (405, String::new()),
    };
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: {KIND}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        reason(status),
        body.len()
    );
    client.write_all(head.as_bytes())?;
    if method == b"GET" {
        client.write_all(body.as_bytes())?;
    }
    client.shutdown(Shutdown::Write)
}

/// A family with one sample for each job that has a value.
struct OfJobs {
    name: &'static str,
    kind: &'static str,
    about: &'static str,
    samples: fn(&Counts) -> [Option<String>; 2],
}

/// Beside counters, which have a sample for each status, only the first sample counts.
const OF_JOBS: [OfJobs; 8] = [
    OfJobs {
        name: "task_active_runs",
        kind: "gauge",
        about: "Runs that are running",
        samples: |counts| [Some(counts.active.to_string()), None],
    },
    OfJobs {
        name: "task_queued_runs",
        kind: "gauge",
        about: "Runs that wait for a slot",
        samples: |counts| [Some(counts.queued.to_string()), None],
    },
    OfJobs {
        name: "task_runs",
        kind: "counter",
        about: "Runs that ended since the daemon started",
        samples: |counts| [Some(counts.success.to_string()), Some(counts.failed.to_string())],
    },
    OfJobs {
        name: "task_last_run_success",
        kind: "gauge",
        about: "0 if the run that ended last counts as a failure, else 1",
        samples: |counts| [counts.last.map(|last| u8::from(!last.is_failure).to_string()), None],
    },
    OfJobs {
        name: "task_last_run_exit_code",
        kind: "gauge",
        about: "Exit code of the run that ended last",
        samples: |counts| [counts.last.map(|last| last.exit_code.to_string()), None],
    },
    OfJobs {
        name: "task_last_run_timestamp_seconds",
        kind: "gauge",
        about: "When the last run ended",
        samples: |counts| [counts.last.map(|last| seconds(last.at)), None],
    },
    OfJobs {
        name: "task_last_run_duration_seconds",
        kind: "gauge",
        about: "How long the run took that ended last",
        samples: |counts| [counts.last.and_then(|last| last.took).map(fraction), None],
    },
    OfJobs {
        name: "task_last_success_timestamp_seconds",
        kind: "gauge",
        about: "When the last run ended that was a success",
        samples: |counts| [counts.last_success.map(seconds), None],
    },
];

const STATUSES: [&str; 2] = ["success", "failed"];

fn page(context: &Context) -> String {
    let (current, counted, sample) =
        (context.current(), context.tally.counted(), context.sampler.newest());
    let all = counted.of(current.jobs.iter().map(|job| &job.name));
    let labels: Vec<String> = current
        .jobs
        .iter()
        .map(|job| {
            format!("task=\"{}\",kind=\"{}\"", escaped(job.name.as_str()), job.kind().as_str())
        })
        .collect();
    let mut page = String::new();
    family(&mut page, "build", "info", "The version that runs");
    put(&mut page, "build_info", &format!("version=\"{}\"", env!("CARGO_PKG_VERSION")), "1");
    let mut single = |name, about, value: String| {
        family(&mut page, name, "gauge", about);
        put(&mut page, name, "", &value);
    };
    let uptime = context.clock.now().steady;
    single("daemon_uptime_seconds", "Since the daemon started", fraction(uptime));
    single("daemon_cpu_percent", "Of all processors of the host", format!("{:.1}", sample.cpu));
    single("daemon_memory_used_bytes", "Of the host", sample.mem_used.to_string());
    single("daemon_memory_total_bytes", "Of the host", sample.mem_total.to_string());
    if let Some(at) = counted.last_failure {
        let name = "runs_last_failure_timestamp_seconds";
        single(name, "When the last run ended that failed", seconds(at));
    }
    family(&mut page, "runs", "counter", "Runs that ended since the daemon started");
    let sums = [all.iter().map(|one| one.success).sum(), all.iter().map(|one| one.failed).sum()];
    for (status, sum) in STATUSES.into_iter().zip::<[u64; 2]>(sums) {
        put(&mut page, "runs_total", &format!("status=\"{status}\""), &sum.to_string());
    }
    for OfJobs { name, kind, about, samples } in &OF_JOBS {
        family(&mut page, name, kind, about);
        for (counts, labels) in all.iter().zip(&labels) {
            match samples(counts) {
                [Some(value), None] => put(&mut page, name, labels, &value),
                values => {
                    for (value, status) in values.iter().flatten().zip(STATUSES) {
                        let labels = format!("{labels},status=\"{status}\"");
                        put(&mut page, &format!("{name}_total"), &labels, value);
                    }
                }
            }
        }
    }
    page.push_str("# EOF\n");
    page
}

fn family(page: &mut String, name: &str, kind: &str, about: &str) {
    let _ = writeln!(page, "# TYPE runwisp_{name} {kind}");
    if let Some(unit @ ("seconds" | "bytes")) = name.rsplit('_').next() {
        let _ = writeln!(page, "# UNIT runwisp_{name} {unit}");
    }
    let _ = writeln!(page, "# HELP runwisp_{name} {about}");
}

fn put(page: &mut String, name: &str, labels: &str, value: &str) {
    let _ = match labels {
        "" => writeln!(page, "runwisp_{name} {value}"),
        labels => writeln!(page, "runwisp_{name}{{{labels}}} {value}"),
    };
}

fn seconds(at: Timestamp) -> String {
    fraction(Duration::from_millis(at.as_millisecond().unsigned_abs()))
}

fn fraction(of: Duration) -> String {
    format!("{}.{:03}", of.as_secs(), of.subsec_millis())
}

/// As a label's value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
