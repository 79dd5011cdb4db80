//! The executable half of ARCHITECTURE.md: which module may use which, and that the modules that
//! decide touch nothing of the outside world.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Modules below `src/` by layer, lowest first. A module uses its own layer and those below.
const LAYERS: [&[&str]; 7] = [
    &["base"],
    &["cron"],
    &["model"],
    &["auth", "engine", "config"],
    &[
        "hub", "board", "current", "tally", "inbox", "threads", "sys", "process", "logs", "store",
        "sweep", "logging", "sampler", "notify",
    ],
    &["web"],
    &["main", "cli", "daemon"],
];

/// The layers that only decide.
const PURE_LAYERS: usize = 4;

/// The effects among the pure, and why.
const IMPURE: [&str; 3] = [
    // The clock itself.
    "base/time.rs",
    // Reads the file that it is asked for.
    "config/load.rs",
    // Reads what the configuration may mention: environment, home, zones.
    "config/surroundings.rs",
];

/// What pure code never names.
const EFFECTS: [&str; 14] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "std::os",
    "libc::",
    "Mutex",
    "RwLock",
    "log::",
    "::now()",
    "getrandom",
    "rusqlite",
    "tiny_http",
];

#[test]
fn modules_use_only_their_own_layer_and_lower_ones() {
    let mut wrong = Vec::new();
    for source in sources() {
        for used in source.used() {
            let Some(layer) = layer_of(&used) else { continue };
            if layer > source.layer {
                wrong.push(format!("{} uses {used}", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn modules_that_decide_touch_nothing() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.layer >= PURE_LAYERS || IMPURE.contains(&source.name.as_str()) {
            continue;
        }
        for effect in EFFECTS.iter().filter(|effect| source.code.contains(**effect)) {
            wrong.push(format!("{} names {effect}", source.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_is_below_sys_alone() {
    for source in sources().filter(|source| !source.name.starts_with("sys/")) {
        let found = source.code.lines().find(|line| line.contains("unsafe "));
        assert_eq!(found, None, "{}", source.name);
    }
}

#[test]
fn only_the_command_line_prints() {
    for source in sources().filter(|source| !source.name.starts_with("cli/")) {
        for printing in ["println!", "eprintln!", "print!("] {
            assert!(!source.code.contains(printing), "{} has {printing}", source.name);
        }
    }
}

/// Tests are in files of their own where they would drown the code; everything else stays small.
#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    for source in sources() {
        let lines = source.code.lines().count();
        assert!(lines <= 400, "{} has {lines} lines", source.name);
    }
}

/// Threads and blocking calls, all the way down.
#[test]
fn no_async_runtime_is_in_the_tree() {
    // Cargo.lock names what features that are off would bring in too; this is what is built.
    let tree = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--locked", "--all-features", "--prefix", "none"])
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("\nrustls v"), "{tree}");
    for runtime in ["tokio", "async-std", "smol", "mio", "futures", "futures-core", "async-io"] {
        let is_there = tree.lines().any(|line| line.split(' ').next() == Some(runtime));
        assert!(!is_there, "{runtime} is built");
    }
}

struct Source {
    /// Below `src/`.
    name: String,
    layer: usize,
    /// Without comments and without tests.
    code: String,
}

impl Source {
    /// The top modules that it names with `crate::`.
    fn used(&self) -> Vec<String> {
        let name = |rest: &str| -> String {
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        };
        let mut used: Vec<String> = self.code.split("crate::").skip(1).map(name).collect();
        // use crate::{a, b::c};
        for list in self.code.split("crate::{").skip(1) {
            let list = list.split(';').next().unwrap();
            used.extend(list.split(',').map(|part| name(part.trim())));
        }
        used
    }
}

fn sources() -> impl Iterator<Item = Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    files_below(&root).into_iter().filter_map(move |path| {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let is_test = path.ancestors().take_while(|part| *part != root).any(is_for_tests);
        if is_test {
            return None;
        }
        let top = name.split(['/', '.']).next().unwrap();
        let layer = layer_of(top).unwrap_or_else(|| panic!("{name} has no layer"));
        Some(Source { layer, code: code(&fs::read_to_string(&path).unwrap()), name })
    })
}

/// Whether the file or folder is a module that its parent declares for tests only.
fn is_for_tests(path: &Path) -> bool {
    let stem = path.file_stem().unwrap().to_string_lossy();
    if stem == "tests" {
        return true;
    }
    let Ok(parent) = fs::read_to_string(path.with_file_name("mod.rs")) else { return false };
    // The attribute stands on one of the lines before the declaration, among others.
    let mut attributes = Vec::new();
    for line in parent.lines() {
        if line.trim_start().starts_with("#[") {
            attributes.push(line);
            continue;
        }
        let declaration = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        if declaration == format!("mod {stem};") {
            return attributes.contains(&"#[cfg(test)]");
        }
        attributes.clear();
    }
    false
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// The text up to its tests, without comments.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    let lines = text[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}
