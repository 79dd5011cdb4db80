//! `runwisp demo` shows the main job on sample data, and leaves nothing behind.

use std::fs;
use std::path::PathBuf;

use crate::harness::daemon::PATIENCE;
use crate::harness::rows::{self, Row};
use crate::harness::{Home, http, process, wait_for, wait_until};

#[test]
fn the_demo_works_and_cleans_up() {
    let home = Home::new("");
    fs::create_dir(home.path("tmp")).unwrap();
    let mut command = home.command(["demo", "--port", &http::free_port().to_string()]);
    command.env("TMPDIR", home.path("tmp")).env_remove("RUNWISP_DATA");
    command.stdout(fs::File::create(home.path("out")).unwrap());
    command.stderr(fs::File::create(home.path("err")).unwrap());
    let mut demo = command.spawn().unwrap();

    let directory = wait_for("its directory", PATIENCE, || only_entry(home.path("tmp")));
    let rows = |task: &str| -> Vec<Row> {
        rows::all(&directory.join("data")).into_iter().filter(|row| row.task == task).collect()
    };
    wait_until("workers run and one dies and comes back", PATIENCE, || {
        rows("web").len() == 2 && rows("crashy").iter().any(|row| row.end() == "failed 1")
    });
    wait_until("a backup succeeds", PATIENCE, || {
        rows("backup").iter().any(|row| row.end() == "success 0")
    });
    assert!(home.read("out").contains("Password: "), "{}", home.read("out"));

    process::signal(demo.id(), "INT");
    let status = wait_for("it ends", PATIENCE, || demo.try_wait().unwrap());
    assert_eq!(status.code(), Some(0), "{}", home.read("err"));
    assert_eq!(only_entry(home.path("tmp")), None, "its directory is gone");
    let mut left: Vec<_> =
        fs::read_dir(home.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["err", "out", "runwisp.toml", "tmp"], "nothing was written beside it");
}

fn only_entry(folder: PathBuf) -> Option<PathBuf> {
    fs::read_dir(folder).unwrap().next().map(|entry| entry.unwrap().path())
}
