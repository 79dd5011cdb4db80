//! The manual keeps its promises: every place that a comment cites exists, every link leads
//! somewhere, every example of a configuration is accepted.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// Comments such as `docs/running.md, Retries` name a file of the manual and a heading in it.
#[test]
fn every_heading_that_a_comment_cites_exists() {
    let manual = manual();
    let mut missing = Vec::new();
    let mut cited = 0;
    for path in files_below(&root().join("src"), &["rs", "sql"]) {
        let text = unwrapped(&fs::read_to_string(&path).unwrap());
        for (place, _) in text.match_indices("docs/") {
            let Some((name, rest)) = text[place..].split_once(".md") else { continue };
            let Some(page) = manual.get(&PathBuf::from(format!("{name}.md"))) else { continue };
            let Some(cite) = rest.strip_prefix(", ") else { continue };
            cited += 1;
            if !headings(page).any(|heading| begins_with(cite, heading)) {
                let cite: String = cite.chars().take(40).collect();
                missing.push(format!("{}: {name}.md, {cite}", path.display()));
            }
        }
    }
    assert!(cited > 50, "only {cited} citations were found: has their form changed?");
    assert!(missing.is_empty(), "no such heading:\n{}", missing.join("\n"));
}

/// tests/README.md, What must never happen.
#[test]
fn every_line_of_what_must_never_happen_has_its_tests() {
    let text = |folder: &str, ending: &[&str]| -> String {
        let files = files_below(&root().join(folder), ending);
        files.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    };
    let (code, scenes) = (text("src", &["rs"]) + &text("tests", &["rs"]), text("tests", &["mjs"]));
    let table = fs::read_to_string(root().join("tests/README.md")).unwrap();
    let (_, table) = table.split_once("## What must never happen").unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(rows.len(), 48);
    for (number, row) in (1..).zip(rows) {
        let cells: Vec<&str> = row.split(" | ").collect();
        assert_eq!(cells[0], format!("| {number}"));
        let names: Vec<&str> = cells[2].split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            let is_there = match name.contains(' ') {
                true => scenes.contains(&format!("scene(\"{name}\"")),
                false => code.contains(&format!("fn {name}(")),
            };
            assert!(is_there, "there is no test {name:?} for line {number}");
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let manual = manual();
    let mut broken = Vec::new();
    for (from, page) in &manual {
        for link in links(page) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => from.clone(),
                file => plain(&from.parent().unwrap().join(file)),
            };
            let leads = match (manual.get(&target), anchor) {
                (None, "") => root().join(&target).exists(),
                (None, _) => false,
                (Some(_), "") => true,
                (Some(page), anchor) => headings(page).any(|heading| slug(heading) == anchor),
            };
            if !leads {
                broken.push(format!("{}: {link}", from.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn every_example_of_a_configuration_is_accepted() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs-examples");
    fs::create_dir_all(&directory).unwrap();
    for name in ["app.env", "dump.secrets"] {
        fs::write(directory.join(name), "TOKEN=1\n").unwrap();
    }
    let file = directory.join("runwisp.toml");
    let mut examples = 0;
    for (path, page) in manual() {
        for example in page.split("```toml\n").skip(1) {
            let (example, _) = example.split_once("```").unwrap();
            let sends = example.contains("[[notifier]]") || example.contains("heartbeat");
            if sends && cfg!(not(feature = "notify")) {
                continue;
            }
            fs::write(&file, example).unwrap();
            let mut validate = Command::new(env!("CARGO_BIN_EXE_runwisp"));
            let output = validate.arg("validate").arg(&file).output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}:\n{example}\n{errors}", path.display());
            examples += 1;
        }
    }
    assert!(examples > 10, "only {examples} examples were found");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages by their path from the root.
fn manual() -> HashMap<PathBuf, String> {
    let mut pages = files_below(&root().join("docs"), &["md"]);
    pages.extend(["README.md", "ARCHITECTURE.md"].map(|name| root().join(name)));
    let page = |path: PathBuf| {
        (path.strip_prefix(root()).unwrap().to_owned(), fs::read_to_string(&path).unwrap())
    };
    pages.into_iter().map(page).collect()
}

fn files_below(directory: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path, extensions));
        } else if path.extension().is_some_and(|it| extensions.iter().any(|wanted| it == *wanted)) {
            files.push(path);
        }
    }
    files
}

/// Comments with their lines joined, so that a citation may be broken over two of them.
fn unwrapped(source: &str) -> String {
    let mut text = String::new();
    for line in source.lines().map(str::trim) {
        match ["//! ", "/// ", "// "].iter().find_map(|mark| line.strip_prefix(mark)) {
            Some(comment) => text.push_str(comment),
            None => text.push_str(line),
        }
        text.push(' ');
    }
    text
}

/// Outside of code blocks.
fn headings(page: &str) -> impl Iterator<Item = &str> {
    let outside = page.split("```").step_by(2);
    let lines = outside.flat_map(str::lines).filter(|line| line.starts_with('#'));
    lines.map(|line| line.trim_start_matches('#').trim())
}

fn begins_with(text: &str, heading: &str) -> bool {
    let rest = text.strip_prefix(heading);
    rest.is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_alphanumeric()))
}

/// Targets of `[text](target)` that are no web addresses.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let outside = page.split("```").step_by(2);
    let targets = outside.flat_map(|text| text.split("](").skip(1));
    let targets = targets.filter_map(|text| text.split_once(')')).map(|(target, _)| target);
    targets.filter(|target| !target.contains("://"))
}

/// `a/../b` is `b`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

/// The anchor that GitHub gives a heading.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
