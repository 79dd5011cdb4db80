//! Samples to lines of the report.

use std::time::Duration;

/// The value below which a part of the samples lies; 0.5 is the median, 1.0 the worst.
pub(crate) fn quantile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted[rank.saturating_sub(1)]
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// `median 1.2 p99 3.4 worst 5.6 ms (n=20)`
pub(crate) fn spread(samples_ms: &[f64]) -> String {
    let [median, p99, worst] = [0.5, 0.99, 1.0].map(|part| quantile(samples_ms, part));
    format!("median {median:.1} p99 {p99:.1} worst {worst:.1} ms (n={})", samples_ms.len())
}

/// One line: the figure, what was measured, and the target.
pub(crate) fn line(figure: &str, measured: &str, target: &str) {
    println!("{figure:<48} {measured:<56} target {target}");
}

/// How much of it, unless the environment names another number for a try.
pub(crate) fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}
