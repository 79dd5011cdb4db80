//! systemd is measured where it is process 1: this very program plays its part in a container and
//! hands its cells out as lines.

use std::fs;
use std::path::Path;

use super::Bench;
use super::alive::said_within;
use crate::harness::Home;

/// Adds the column of systemd to the rows that are there.
pub(crate) fn measure(bench: &mut Bench, groups: &[&str]) {
    // A machine that is busy may not boot it in time.
    match boot(bench, groups).or_else(|_| boot(bench, groups)) {
        Ok(lines) => bench.table.read(&lines),
        Err(reason) => bench.table.fill("systemd", &format!("no container: {reason}")),
    }
}

fn boot(bench: &Bench, groups: &[&str]) -> Result<String, String> {
    if !crate::harness::is_root() {
        return Err("it needs root".to_owned());
    }
    let home = Home::new("");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copies = [
        // Also when it was built anew meanwhile.
        ("figures", "/proc/self/exe".into()),
        ("stamp", bench.tools.stamp.clone()),
        ("stay", bench.tools.stay.clone()),
        ("inside", root.join("benches/rivals/inside")),
    ];
    let mut words = vec![root.join("tests/systemd/box").display().to_string()];
    words.extend(["container".to_owned(), "inside".to_owned()]);
    for (name, from) in copies {
        fs::copy(from, home.path(name)).map_err(|error| error.to_string())?;
        words.push(home.path(name).display().to_string());
    }
    home.write("groups", groups.join(" "));
    words.push(home.path("groups").display().to_string());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    said_within(900, "bash", &words)
}
