//! What a rival takes on the disk: itself, and with all that Debian has to install for it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::alive::said;

pub(crate) const HOW: &str = "On disk: its one file, its package as Debian counts it, the folder that \
    npm makes; and with everything that is installed for it (without recommendations) and that not \
    every Debian has: Python, Node.js, C libraries.";

pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

/// The package alone; with its dependencies, as long as not every Debian has them.
pub(crate) fn debian(package: &str) -> Result<String, String> {
    let packages = Packages::read()?;
    let base = packages.closure(packages.base());
    let all = packages.closure(vec![package.to_owned()]);
    let bytes = all.difference(&base).map(|name| packages.bytes(name)).sum();
    Ok(format!("{}; {}", megabytes(packages.bytes(package)), megabytes(bytes)))
}

/// Bytes of the package that a file belongs to, or of the file.
pub(crate) fn installed_by(file: &Path) -> u64 {
    let owner = said("dpkg", &["-S", &file.to_string_lossy()]);
    let package = owner.ok().and_then(|line| Some(line.split_once(':')?.0.to_owned()));
    let packages = Packages::read();
    match (package, packages) {
        (Some(package), Ok(packages)) => packages.bytes(&package),
        _ => file.metadata().unwrap().len(),
    }
}

struct Package {
    is_required: bool,
    kilobytes: u64,
    depends: Vec<Vec<String>>,
}

/// What dpkg has installed.
struct Packages {
    known: HashMap<String, Package>,
    /// Names that others provide.
    provided: HashMap<String, String>,
}

impl Packages {
    fn read() -> Result<Packages, String> {
        let format = "${Package}\\t${Essential} ${Priority}\\t${Installed-Size}\\t\
                      ${Pre-Depends}, ${Depends}\\t${Provides}\\n";
        let text = said("dpkg-query", &["-W", "-f", format])?;
        let (mut known, mut provided) = (HashMap::new(), HashMap::new());
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let name = fields[0].to_owned();
            for virtual_name in fields.get(4).unwrap_or(&"").split(", ") {
                provided.insert(plain(virtual_name), name.clone());
            }
            let depends = fields[3].split(", ").map(|any| any.split('|').map(plain).collect());
            let package = Package {
                is_required: fields[1].starts_with("yes") || fields[1].ends_with("required"),
                kilobytes: fields[2].parse().unwrap_or(0),
                depends: depends.collect(),
            };
            known.insert(name, package);
        }
        Ok(Packages { known, provided })
    }

    fn base(&self) -> Vec<String> {
        let required = self.known.iter().filter(|(_, package)| package.is_required);
        required.map(|(name, _)| name.clone()).collect()
    }

    fn closure(&self, mut waiting: Vec<String>) -> HashSet<String> {
        let mut found = HashSet::new();
        while let Some(name) = waiting.pop() {
            let Some(package) = self.known.get(&name) else { continue };
            if found.insert(name) {
                let first = |any: &Vec<String>| any.iter().find_map(|name| self.installed(name));
                waiting.extend(package.depends.iter().filter_map(first));
            }
        }
        found
    }

    fn installed(&self, name: &str) -> Option<String> {
        let real = self.known.contains_key(name).then(|| name.to_owned());
        real.or_else(|| self.provided.get(name).cloned())
    }

    fn bytes(&self, name: &str) -> u64 {
        self.known.get(name).map_or(0, |package| 1024 * package.kilobytes)
    }
}

/// `python3` of `python3:any (>= 3.9)`.
fn plain(dependency: &str) -> String {
    let name = dependency.trim().split([' ', ':', '(']).next().unwrap_or("");
    name.to_owned()
}
