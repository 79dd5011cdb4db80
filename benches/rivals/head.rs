//! When, where and what was measured, in one line.

use std::fs;

use super::alive::said;
use super::table::Cell;

pub(crate) fn line(versions: &[(String, Cell)], groups: &[String]) -> String {
    let asked = |program: &str, args: &[&str]| said(program, args).unwrap_or_else(|error| error);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap();
    let models = info.lines().filter_map(|line| line.strip_prefix("model name"));
    let models: Vec<&str> = models.map(|line| line.trim_start_matches([' ', '\t', ':'])).collect();
    let dir = std::env::temp_dir().display().to_string();
    let disk = asked("findmnt", &["-no", "SOURCE,FSTYPE", "-T", &dir]);
    let device = disk.split_whitespace().next().unwrap_or("");
    let rotates = asked("lsblk", &["-ndo", "ROTA,MODEL", device]);
    let versions: Vec<&str> = versions
        .iter()
        .filter_map(|(_, version)| version.as_ref().ok().map(String::as_str))
        .collect();
    let short = if super::is_short() { "SHORT=1 " } else { "" };
    let built = if cfg!(debug_assertions) { "unoptimised bench" } else { "release bench" };
    format!(
        "{}; {} x {}, {} MB, Linux {}, {} (lsblk: ROTA {}); {}; {built}; \
         `{short}bash benches/rivals/run {}`",
        asked("date", &["-u", "+%F %H:%MZ"]),
        models.len(),
        models.first().unwrap_or(&"unknown processor"),
        asked("sh", &["-c", "awk '/^MemTotal/ { print int($2 / 1000) }' /proc/meminfo"]),
        asked("uname", &["-r"]),
        disk.split_whitespace().collect::<Vec<_>>().join(" "),
        rotates.trim(),
        versions.join(", "),
        groups.join(" ")
    )
}
