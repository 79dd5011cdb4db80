//! The daemon, from its first check to its exit code. Everything that can go wrong at a start
//! goes wrong before the port is open (docs/deployment.md, Start and stop).

mod announce;
mod audience;
pub(crate) mod boot;
mod cron_watch;
pub(crate) mod data_dir;
pub(crate) mod fingerprint;
#[cfg(feature = "notify")]
mod heartbeats;
#[cfg(not(feature = "notify"))]
#[path = "no_heartbeats.rs"]
mod heartbeats;
mod keys;
pub(crate) mod listen;
pub(crate) mod lock;
pub(crate) mod main_loop;
mod metrics;
pub(crate) mod reload;
mod sd_notify;
pub(crate) mod secrets;
pub(crate) mod whole_file;
mod words;
pub(crate) mod world;

use std::env;
use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};

use crate::auth::proxy::Proxies;
use crate::base::duration::brief;
use crate::base::time::Clock;
use crate::board::Board;
use crate::config::{Config, Metrics};
use crate::current::{Configured, Current};
use crate::daemon::audience::DaemonAudience;
use crate::daemon::cron_watch::CronWatch;
use crate::daemon::fingerprint::Fingerprint;
use crate::daemon::heartbeats::Heartbeats;
use crate::daemon::lock::InstanceLock;
use crate::daemon::reload::Reloader;
use crate::daemon::world::{Audience, World};
use crate::engine::{Engine, Lifetime};
use crate::hub::Hub;
use crate::inbox::{Asker, Inbox};
use crate::logs::Feeds;
use crate::model::event::Event;
use crate::model::job::JobName;
use crate::notify::surroundings::Surroundings as AlertSurroundings;
use crate::notify::{self, dispatch};
use crate::process::cgroup;
use crate::process::spec::Surroundings;
use crate::process::survivor;
use crate::sampler;
use crate::store::calendar::Calendar;
use crate::store::{self, Store};
use crate::sweep::{self, Rules};
use crate::web::context::{Context, Facts, Readers};
use crate::web::gate;
use crate::web::gate::control::Control;
use crate::web::guard::Guard;
use crate::web::guard::keys::KeyRing;
use crate::web::health::{Health, State};
use crate::web::metrics::Own;
use crate::{sys, web};

/// What the command line says.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Absolute.
    pub(crate) data: PathBuf,
    /// The control socket; absolute.
    pub(crate) socket: PathBuf,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Those of the environment; `None` leaves it to the configuration.
    pub(crate) trusted_proxies: Option<Proxies>,
}

/// Why the daemon did not start.
#[derive(Debug)]
pub(crate) struct StartError(pub(crate) String);

impl<E: Display> From<E> for StartError {
    fn from(error: E) -> StartError {
        StartError(error.to_string())
    }
}

/// Runs the daemon until it is told to stop; the result is the exit code.
pub(crate) fn run(options: &Options, mut config: Config) -> Result<u8, StartError> {
    for warning in &config.warnings {
        log::warn!("{warning}");
    }
    data_dir::prepare(&options.data)?;
    let _lock = InstanceLock::take(&options.data)?;
    boot::warn(&config, &options.data);
    run_locked(options, &mut config)
}

fn run_locked(options: &Options, config: &mut Config) -> Result<u8, StartError> {
    let clock = Clock::start();
    let (sender, inputs) = mpsc::channel();
    let inbox = Inbox::new(sender);
    sys::signals::listen(inbox.clone())?;
    sys::limits::raise_open_files()?;
    sys::child::check_kernel()?;
    cgroup::divide();
    let logs = options.data.join("logs");
    let database = options.data.join(store::FILE_NAME);
    let machine = survivor::boot_id()?;
    let calendar = Calendar::of(config);
    let mut store = Store::open(&database, machine.clone(), calendar.clone())?;
    let fingerprint = boot::fingerprint(&store)?;
    let mut changes = boot::remember(&fingerprint, &machine);
    let password = boot::settle_password(&options.data)?;
    let remembered = keys::Remembered::read(&store)?;
    let mut found = boot::find(&store, config, &machine, &logs, &clock)?;
    let (last, kept) = boot::configuration(&store, config, clock.now().wall)?;
    found.config = last.number;
    let cron = CronWatch::new(inbox.clone(), clock.clone());
    found.cron_lives = cron.follow(config)?;
    changes.extend(kept);
    // A large configuration is a large text, which nobody here needs any more.
    config.files.iter_mut().for_each(|file| file.text_hidden = String::new());
    let config = &*config;

    let (budget, seed) = (config.shutdown_timeout, boot::seed()?);
    let mut engine = Engine::new(config.jobs.clone(), budget, Lifetime::Daemon, seed, clock.now());
    let (settled, reconciled) = engine.reconcile(clock.now(), found);
    changes.extend(settled);
    store.write(&changes)?;
    let listener = listen::listen(&options.host, options.port)?;
    let for_metrics = metrics::listen(config)?;
    let control = Control::bind(&options.socket)?;
    let tally = metrics::tally(config, &store, &database)?;
    store.begin_session(env!("CARGO_PKG_VERSION"), clock.now().wall)?;

    let board = Board::default();
    for mute in store.mutes()? {
        board.mute(&JobName::new(&mute.job), Some(mute.until));
    }
    let (writer, writing) = store::writer::start(store, clock.clone(), inbox.clone())?;
    let ring = KeyRing::default();
    let sealing = keys::settle(password, remembered, writer.clone(), ring.clone(), inbox.clone())?;
    let health = Health::starting();
    let hub = Hub::new(clock.now().wall.as_millisecond().unsigned_abs() * 1000);
    let (asker, feeds) = (Asker::new(inbox.clone()), Feeds::default());
    let (sampler, sampling) = sampler::start(clock.clone(), inbox.clone())?;
    let (sweeper, sweeping) = sweep::start(
        database.clone(),
        logs.clone(),
        Rules::of(config),
        clock.clone(),
        writer.clone(),
        hub.clone(),
        inbox.clone(),
    )?;
    let configured = Configured::new(Current::of(config, clock.now().wall));
    let host = host_name();
    let alert_facts = notify::Facts {
        external_url: config.external_url.clone(),
        fingerprint: fingerprint.as_str().to_owned(),
        hostname: host.clone(),
        data: options.data.clone(),
        ca_file: config.notify.settings.ca_file.clone(),
    };
    let (dispatcher, channels, notifying) = dispatch::start(AlertSurroundings {
        configured: configured.clone(),
        facts: alert_facts.clone(),
        calendar: calendar.clone(),
        database: database.clone(),
        logs: logs.clone(),
        clock: clock.clone(),
        writer: writer.clone(),
        hub: hub.clone(),
        inbox: inbox.clone(),
        seed: boot::seed()?,
    })?;
    let home = env::var_os("HOME").map(PathBuf::from);
    let free = config.storage.min_free_space;
    let surroundings = Surroundings::new(env::vars_os(), home, logs.clone(), free)
        .with_socket(options.socket.clone());
    let heartbeats = Heartbeats::new(config, &alert_facts, &logs, &asker, &clock, &inbox);
    let reloader = Arc::new(Reloader {
        path: config.path.clone(),
        clock: clock.clone(),
        configured: configured.clone(),
        calendar: calendar.clone(),
        board: board.clone(),
        hub: hub.clone(),
        engine: asker.clone(),
        dispatcher: dispatcher.clone(),
        sweeper: sweeper.clone(),
        heartbeats: heartbeats.clone(),
        cron: cron.clone(),
        limits: surroundings.limits(),
        metrics: config.metrics.clone(),
        last: Mutex::new(last),
    });
    let context = Arc::new(Context {
        clock: clock.clone(),
        facts: facts(options, config.metrics.clone(), calendar.clone(), &clock, fingerprint, host),
        configured: configured.clone(),
        reload: Box::new({
            let reloader = Arc::clone(&reloader);
            move |dry| reloader.reload(dry)
        }),
        health: health.clone(),
        guard: Guard::new(clock.clone(), configured, options.trusted_proxies.clone(), ring),
        engine: asker.clone(),
        board: board.clone(),
        readers: Readers::new(database),
        writer: writer.clone(),
        sweeper: sweeper.clone(),
        hub: hub.clone(),
        feeds: feeds.clone(),
        sampler: sampler.clone(),
        tally: tally.clone().unwrap_or_default(),
        channels,
    });
    let gate = gate::open(listener, control, Arc::clone(&context), inbox.clone())?;
    let for_metrics = for_metrics.map(|it| Own::serve(it, Arc::clone(&context))).transpose()?;
    sys::clock::watch(inbox.clone())?;
    let audience = DaemonAudience {
        clock: clock.clone(),
        health: health.clone(),
        sweeper,
        dispatcher: dispatcher.clone(),
        heartbeats: heartbeats.clone(),
        tally,
        board,
        hub,
        feeds: feeds.clone(),
        asker,
        reloader,
        stopping: None,
    };
    let mut world = World::new(clock.clone(), inbox, writer.clone(), surroundings, audience);
    world.tell(feeds);
    let first = engine.serve(clock.now(), reconciled);
    engine.standings().for_each(|standing| world.audience.hear(&Event::Standing(standing)));
    // Reading a large configuration took much more than what it came to.
    sys::memory::give_back();
    health.set(State::Serving);
    sd_notify::notify(sd_notify::READY);
    say_ready(options, config);
    let code = main_loop::run(&clock, &inputs, &mut engine, &mut world, first);
    world.await_killed(&inputs);

    world.audience.asker.close();
    gate.stop();
    for_metrics.into_iter().for_each(Own::close);
    let stopping = world.audience.stopping;
    world.audience.sweeper.close();
    drop(world);
    sampler.close();
    heartbeats.stop();
    cron.stop();
    dispatcher.close();
    context.readers.close();
    writer.close();
    for thread in [sweeping, sampling, writing, sealing, notifying] {
        if thread.join().is_err() {
            log::error!("a thread panicked while the daemon stopped");
        }
    }
    if let Some(since) = stopping {
        log::info!("stopped dur={}", brief(clock.now().steady - since));
    }
    Ok(code)
}

fn facts(
    options: &Options,
    metrics: Metrics,
    calendar: Calendar,
    clock: &Clock,
    fingerprint: Fingerprint,
    host: String,
) -> Facts {
    // What systemd sets for what it starts (systemd.exec(5)).
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    Facts {
        calendar,
        data: options.data.clone(),
        logs: options.data.join("logs"),
        port: options.port,
        metrics,
        fingerprint: fingerprint.as_str().to_owned(),
        started_at: clock.now().wall,
        host,
        work_dir: env::current_dir().unwrap_or_default(),
        service_managed: is_set("INVOCATION_ID") || is_set("NOTIFY_SOCKET"),
    }
}

fn host_name() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    host.trim_end().to_owned()
}

fn say_ready(options: &Options, config: &Config) {
    let file = std::path::absolute(&config.path).unwrap_or_else(|_| config.path.clone());
    let services = config.jobs.iter().filter(|job| job.service().is_some()).count();
    log::info!(
        "ready url=http://{} version={} config={} data={} tasks={} services={services}",
        web::client::address(&options.host, options.port),
        env!("CARGO_PKG_VERSION"),
        file.display(),
        options.data.display(),
        config.jobs.len() - services,
    );
}
