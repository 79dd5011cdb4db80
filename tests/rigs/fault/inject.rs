//! System calls of a daemon that fail on demand: `inject.c`, compiled once and loaded before the
//! C library, and the file by which it is told what is to fail.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::harness::Home;

/// What can fail; the numbers are those of `inject.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Open = 1,
    Read,
    Write,
    Sync,
    Rename,
    Unlink,
    Mkdir,
    Thread,
    Clone,
    Map,
}

const RULES: usize = 16;
const RULE_BYTES: usize = 256;
/// Call, errno, every, seen, hits.
const NUMBERS: usize = 5;

/// The control file of one daemon.
pub(super) struct Injector {
    path: PathBuf,
    file: File,
}

impl Injector {
    /// Nothing fails yet.
    pub(super) fn new(home: &Home) -> Injector {
        let path = home.path("faults");
        home.write("faults", [0; RULES * RULE_BYTES]);
        let file = File::options().read(true).write(true).open(&path).unwrap();
        Injector { path, file }
    }

    /// Has the daemon of this command listen to the file.
    pub(super) fn load(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library()).env("RUNWISP_FAULT_CONTROL", &self.path);
    }

    /// From now on every nth of these calls below this path fails with this errno.
    pub(super) fn set(&self, calls: &[Call], errno: i32, every: u32, below: &Path) {
        assert!(calls.len() <= RULES);
        self.clear();
        let mut switches = Vec::new();
        for (number, call) in calls.iter().enumerate() {
            let numbers = [*call as u32, errno.unsigned_abs(), 0, 0, 0];
            let mut rule: Vec<u8> = numbers.iter().flat_map(|n| n.to_ne_bytes()).collect();
            let prefix = below.to_str().unwrap().as_bytes();
            rule.extend_from_slice(prefix);
            assert!(rule.len() < RULE_BYTES, "too long a path: {}", below.display());
            rule.resize(RULE_BYTES, 0);
            let at = (number * RULE_BYTES) as u64;
            self.file.write_all_at(&rule, at).unwrap();
            switches.push(at + 8);
        }
        // The last thing to be written: a rule that is half there does nothing.
        for switch in switches {
            self.file.write_all_at(&every.to_ne_bytes(), switch).unwrap();
        }
    }

    /// Nothing fails any more.
    pub(super) fn clear(&self) {
        for number in 0..RULES {
            self.file.write_all_at(&[0; 4], (number * RULE_BYTES + 8) as u64).unwrap();
        }
    }

    /// How many calls of this kind have failed since the rules were set.
    pub(super) fn hits(&self, wanted: Call) -> u32 {
        let numbers = |rule: usize| {
            let mut bytes = [0; 4 * NUMBERS];
            self.file.read_exact_at(&mut bytes, (rule * RULE_BYTES) as u64).unwrap();
            let number =
                |at: usize| u32::from_ne_bytes(bytes[4 * at..4 * at + 4].try_into().unwrap());
            (number(0), number(4))
        };
        let rules = (0..RULES).map(numbers);
        rules.filter(|(call, _)| *call == wanted as u32).map(|(_, hits)| hits).sum()
    }
}

/// The compiled `inject.c`.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rigs/fault/inject.c");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (library, draft) =
            (folder.join("inject.so"), folder.join(format!("inject-{}.so", std::process::id())));
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-o"]).arg(&draft);
        let output = compiler.arg(source).arg("-ldl").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Whoever uses the one before keeps it.
        std::fs::rename(&draft, &library).unwrap();
        library
    })
}
