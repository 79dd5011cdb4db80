//! `runwisp demo`: the daemon with a sample configuration in a directory that goes when it stops.

use std::env;
use std::fs::{self, DirBuilder};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::base::sentence::error_text;
use crate::base::time::Clock;
use crate::cli::globals::{self, Globals};
use crate::cli::{Exit, Failure, cannot, daemon, failed, print, to_stderr, trusted_proxies};
use crate::config;
use crate::daemon::Options;
use crate::daemon::secrets::{self, Found};
use crate::web::client;

const CONFIG: &str = include_str!("demo.toml");

pub(crate) fn run(globals: &Globals) -> Result<Exit, Failure> {
    let directory = Throwaway::make()?;
    let path = directory.0.join("runwisp.toml");
    fs::write(&path, CONFIG).map_err(|error| cannot("write", path.display(), &error))?;
    let config = config::load(&path, Clock::start().now().wall)?;
    let data = directory.0.join("data");
    let port = free_port(&globals.host, globals.port);
    let socket = data.join(globals::SOCKET);
    let options = Options {
        data: data.clone(),
        socket,
        host: globals.host.clone(),
        port,
        trusted_proxies: trusted_proxies()?,
    };
    DirBuilder::new()
        .mode(0o700)
        .create(&data)
        .map_err(|error| cannot("create", data.display(), &error))?;
    // One that the daemon would not use is not shown.
    let password = match secrets::read(env::var_os(secrets::VARIABLE), &data).map_err(failed)? {
        Found { password: Some(_), .. } => format!("the one in {}", secrets::VARIABLE),
        Found { password: None, .. } => {
            let password = secrets::generate().map_err(failed)?;
            secrets::store(&data, &password).map_err(failed)?;
            password
        }
    };
    print(&introduction(&options, &password))?;
    daemon(globals, &options, config)
}

fn introduction(options: &Options, password: &str) -> String {
    let address = client::address(&options.host, options.port);
    let data = options.data.display();
    format!(
        "RunWisp demo: jobs every few seconds, two services, until Ctrl-C.\n  \
         Dashboard: http://{address}\n  \
         Password:  {password}\n  \
         Look at:   runwisp history --data {data}\n             \
         runwisp logs -f web --data {data}\n  \
         Try:       runwisp run by-hand --data {data}\n             \
         runwisp restart web --data {data}\n\n"
    )
}

/// The usual port, or any free one where it is taken.
fn free_port(host: &str, usual: u16) -> u16 {
    let bound = TcpListener::bind((host, usual)).or_else(|_| TcpListener::bind((host, 0)));
    bound.and_then(|listener| listener.local_addr()).map_or(usual, |address| address.port())
}

struct Throwaway(PathBuf);

impl Throwaway {
    fn make() -> Result<Throwaway, Failure> {
        let path = env::temp_dir().join(format!("runwisp-demo-{}", std::process::id()));
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| cannot("create", path.display(), &error))?;
        Ok(Throwaway(path))
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path) {
        let cause = error_text(&error);
        to_stderr(&format!("cannot remove {}: {cause}\n", path.display()));
    }
}
