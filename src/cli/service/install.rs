//! `service install`: what has to be true of the paths, then the steps of the manual
//! (docs/deployment.md, Installing as a service), each only where it is still to be done.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::base::time::Clock;
use crate::cli::globals::Globals;
use crate::cli::service::steps::{self, Steps};
use crate::cli::service::unit::{self, DROP_INS};
use crate::cli::service::{Order, Service, confirm};
use crate::cli::{Exit, Failure, cannot, failed, init, print, to_stderr, user_id};
use crate::daemon::data_dir::user_name;
use crate::web::client::{self, Answer};

/// The user of a service of the system, and its group.
const USER: &str = "runwisp";
/// Emptied at each boot, or seen by the service as another directory.
const FLEETING: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];
/// Hidden from a service of the system by ProtectHome=.
const HIDDEN: [&str; 3] = ["/home", "/root", "/run/user"];
/// How long a daemon may take to become healthy, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(15);
const STEP: Duration = Duration::from_millis(100);

pub(super) fn run(
    globals: &Globals,
    order: &Order,
    service: &Service,
    binary: Option<&Path>,
    print_only: bool,
) -> Result<Exit, Failure> {
    let Baked { settings, binary, hash } = Baked::of(globals, binary, service)?;
    let found = service.found()?;
    // A service that took over from cron stays what it is.
    let took_over = found.as_ref().and_then(|(_, old)| unit::took_over(old));
    let text = unit::text(&binary, &settings, &hash, service.local, took_over);
    if print_only {
        print(&text)?;
        return Ok(Exit::Success);
    }
    let is_update = match &found {
        None => false,
        Some((path, old)) if *path == service.path && *old == text => {
            print("Already installed.\n")?;
            return Ok(Exit::Success);
        }
        Some((path, old)) if unit::is_managed(old) || order.force => {
            let changes = unit::difference(old, &text);
            print(&format!("{} differs:\n{changes}", path.display()))?;
            if !order.yes && !order.dry_run && !confirm("Update it and restart the service?")? {
                return Err(Failure::Error("nothing was changed".to_owned()));
            }
            true
        }
        Some((path, _)) => {
            return Err(Failure::Error(format!(
                "{} was not written by \"runwisp service install\": --force replaces it",
                path.display()
            )));
        }
    };
    let steps = if order.dry_run { Steps::Printed } else { Steps::Done };
    let user = if took_over.is_some() { "root" } else { USER };
    let plan = Plan { service, settings: &settings, steps, user, config: init::STARTER };
    if !service.local {
        plan.check_owner(&binary)?;
    }
    if steps == Steps::Done {
        plan.check_machine()?;
    }
    match service.local {
        false => plan.prepare_system()?,
        true => plan.prepare_user(order)?,
    }
    plan.write(&text, order.force)?;
    plan.start(is_update)?;
    if steps == Steps::Done {
        plan.wait()?;
    }
    Ok(Exit::Success)
}

/// What stands in a unit.
pub(super) struct Baked {
    /// With absolute paths.
    pub(super) settings: Globals,
    pub(super) binary: PathBuf,
    pub(super) hash: String,
}

impl Baked {
    pub(super) fn of(
        globals: &Globals,
        binary: Option<&Path>,
        service: &Service,
    ) -> Result<Baked, Failure> {
        let mut settings = globals.clone();
        for setting in [&mut settings.config, &mut settings.data, &mut settings.socket] {
            setting.path = std::path::absolute(&setting.path).map_err(failed)?;
        }
        let binary = match binary {
            Some(path) => std::path::absolute(path).map_err(failed)?,
            None => std::env::current_exe().map_err(failed)?,
        };
        let paths = [&binary, &settings.config.path, &settings.data.path, &settings.socket.path];
        for path in paths {
            check_place(path, service.local)?;
        }
        let program =
            fs::read(&binary).map_err(|error| cannot("read", binary.display(), &error))?;
        Ok(Baked { settings, binary, hash: unit::hex(&program) })
    }
}

/// Whether a service would find there, after the next boot, what is there now.
fn check_place(path: &Path, local: bool) -> Result<(), Failure> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let shown = path.display();
    let is_in = |places: &[&str]| places.iter().any(|place| real.starts_with(place));
    Err(Failure::Error(if !unit::is_plain(path) {
        format!("{shown:?} cannot stand in a unit: use letters, digits and any of / . _ - + @ : ,")
    } else if is_in(&FLEETING) {
        format!("{shown} is in a temporary directory, which does not outlive a boot")
    } else if !local && is_in(&HIDDEN) {
        format!(
            "{shown} is hidden from a service of the system (ProtectHome=): move it, or use --local"
        )
    } else {
        return Ok(());
    }))
}

pub(super) struct Plan<'a> {
    pub(super) service: &'a Service,
    /// With absolute paths.
    pub(super) settings: &'a Globals,
    pub(super) steps: Steps,
    /// Of a service of the system.
    pub(super) user: &'a str,
    /// The text of the configuration, where there is none.
    pub(super) config: &'a str,
}

impl Plan<'_> {
    /// Whoever can write or replace the configuration, or what root is to run, runs commands as
    /// the user of the service.
    pub(super) fn check_owner(&self, program: &Path) -> Result<(), Failure> {
        let (config, user) = (self.settings.config.path.as_path(), self.user);
        let paths = [
            Some(config).filter(|_| config.exists()),
            config.parent().filter(|_| config.exists()),
            Some(program).filter(|_| user == "root"),
        ];
        for path in paths.into_iter().flatten() {
            let facts =
                fs::metadata(path).map_err(|error| cannot("look at", path.display(), &error))?;
            let shown = path.display();
            if facts.uid() != 0 {
                let owner = user_name(facts.uid());
                return Err(Failure::Error(format!(
                    "{shown} belongs to {owner}, who could run commands as {user}: chown root:{user} {shown}"
                )));
            }
            if facts.mode() & 0o022 != 0 {
                return Err(Failure::Error(format!(
                    "{shown} can be written by others than root, who could run commands as {user}: \
                     chmod go-w {shown}"
                )));
            }
        }
        Ok(())
    }

    /// What would only show once the service fails.
    pub(super) fn check_machine(&self) -> Result<(), Failure> {
        if !Path::new("/run/systemd/system").exists() {
            return Err(Failure::Error("systemd does not run this machine".to_owned()));
        }
        let (host, port) = (&self.settings.host, self.settings.port);
        let is_active = self.service.property("ActiveState") == "active";
        if !is_active
            && !matches!(client::health(host, port, client::GLANCE), Answer::Unreachable(_))
        {
            return Err(Failure::Error(format!(
                "port {port} on {host} is already in use: stop what listens there, or use another --port"
            )));
        }
        self.note_variables();
        Ok(())
    }

    /// What is set here is not set there.
    fn note_variables(&self) {
        const FLAGS: [&str; 7] =
            ["CONFIG", "DATA", "SOCKET", "HOST", "PORT", "LOG_LEVEL", "LOG_FORMAT"];
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let Some(rest) = name.strip_prefix("RUNWISP_") else { continue };
            if !FLAGS.contains(&rest) {
                let file = self.settings.config.path.with_file_name("runwisp.env");
                let file = file.display();
                to_stderr(&format!(
                    "note: {name} is set here and not for the service; put it into {file}\n"
                ));
            }
        }
    }

    pub(super) fn prepare_system(&self) -> Result<(), Failure> {
        let name = self.user;
        let data = self.settings.data.path.display().to_string();
        let user = steps::output(&["id", "-u", name]);
        if user.is_empty() {
            let home = ["--home-dir", &data, "--no-create-home", "--shell", "/usr/sbin/nologin"];
            let create = ["useradd", "--system", "--user-group"];
            self.steps.run(&[&create[..], &home, &[name]].concat())?;
        }
        self.check_data()?;
        if !self.settings.data.path.exists() {
            self.steps.run(&["install", "-d", "-o", name, "-g", name, "-m", "0750", &data])?;
        }
        self.make_config(&["install", "-d", "-o", "root", "-g", name, "-m", "0750"], true)
    }

    /// The data of a service is its user's own.
    pub(super) fn check_data(&self) -> Result<(), Failure> {
        let (name, data) = (self.user, &self.settings.data.path);
        let user = steps::output(&["id", "-u", name]);
        match fs::metadata(data) {
            Ok(facts) if !user.is_empty() && facts.uid().to_string() != user => {
                let (owner, data) = (user_name(facts.uid()), data.display());
                Err(Failure::Error(format!(
                    "{data} belongs to {owner} and not to {name}: chown -R {name}:{name} {data}"
                )))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn prepare_user(&self, order: &Order) -> Result<(), Failure> {
        self.make_config(&["install", "-d", "-m", "0700"], false)?;
        let user = user_name(user_id());
        let linger = Path::new("/var/lib/systemd/linger").join(&user);
        if linger.exists() {
            return Ok(());
        }
        let question = "Keep your services running while you are not logged in (enable-linger)?";
        if order.yes || order.dry_run || confirm(question)? {
            // Some machines leave it to root. Without it there is a service all the same.
            if let Err(Failure::Error(why)) = self.steps.run(&["loginctl", "enable-linger", &user])
            {
                to_stderr(&format!("note: {why}\n"));
            }
        }
        if self.steps == Steps::Done && !linger.exists() {
            to_stderr(&format!(
                "note: the service runs only while you are logged in, until \
                 \"sudo loginctl enable-linger {user}\"\n"
            ));
        }
        Ok(())
    }

    fn make_config(&self, make_directory: &[&str], give: bool) -> Result<(), Failure> {
        let config = &self.settings.config.path;
        if config.exists() {
            return Ok(());
        }
        if let Some(directory) = config.parent().filter(|directory| !directory.exists()) {
            self.steps.run(&[make_directory, &[&*directory.to_string_lossy()]].concat())?;
        }
        self.steps.write(config, self.config, init::MODE)?;
        let owner = format!("root:{}", self.user);
        match give {
            true => self.steps.run(&["chown", &owner, &*config.to_string_lossy()]),
            false => Ok(()),
        }
    }

    /// A drop-in that somebody has made his own stays as it is.
    pub(super) fn write(&self, text: &str, force: bool) -> Result<(), Failure> {
        let directory = self.service.directory();
        if !directory.exists() {
            self.steps.run(&["install", "-d", "-m", "0755", &*directory.to_string_lossy()])?;
        }
        self.steps.write(&self.service.path, text, 0o644)?;
        for (name, drop_in) in DROP_INS {
            let path = directory.join(name);
            match fs::read_to_string(&path) {
                Ok(known) if known == drop_in => {}
                Ok(_) if !force => print(&format!("keep {} as it is\n", path.display()))?,
                Ok(_) | Err(_) => self.steps.write(&path, drop_in, 0o644)?,
            }
        }
        Ok(())
    }

    pub(super) fn start(&self, is_update: bool) -> Result<(), Failure> {
        let (service, name) = (self.service, &*self.service.name);
        self.steps.run(&service.systemctl(&["daemon-reload"]))?;
        if !is_update {
            return self.steps.run(&service.systemctl(&["enable", "--now", name]));
        }
        self.steps.run(&service.systemctl(&["enable", name]))?;
        self.steps.run(&service.systemctl(&["restart", name]))
    }

    /// A unit is active as soon as its process exists; whether it stays so shows in its health.
    pub(super) fn wait(&self) -> Result<(), Failure> {
        let (name, journal) = (&self.service.name, self.service.journal());
        let clock = Clock::start();
        let (host, port) = (&self.settings.host, self.settings.port);
        let is_active = || self.service.property("ActiveState") == "active";
        while clock.now().steady < PATIENCE && is_active() {
            let healthy = matches!(client::health(host, port, client::GLANCE), Answer::Healthy);
            if healthy && is_active() {
                let address = client::address(host, port);
                return print(&format!(
                    "{name} is running\n  Web:      http://{address}\n  Log:      {journal} -f\n"
                ));
            }
            thread::sleep(STEP);
        }
        let words: Vec<&str> = journal.split(' ').chain(["-n", "10", "-o", "cat"]).collect();
        to_stderr(&format!("{}\n", steps::output(&words)));
        Err(Failure::Error(format!("{name} is installed but does not come up; see {journal}")))
    }
}
