//! supervisord as Debian packages it, in the foreground, with the control socket that its own
//! sample configuration has.

use std::fmt::Write;
use std::process::Command;

use super::alive::{Alive, said};
use super::rival::{Jobs, Output, Rival, When};
use super::size;
use crate::harness::Home;

pub(crate) struct Supervisord;

impl Rival for Supervisord {
    fn name(&self) -> &'static str {
        "supervisord"
    }

    fn version(&self) -> Result<String, String> {
        let python = said("python3", &["--version"])?;
        Ok(format!("supervisor {} with {python}", said("supervisord", &["--version"])?))
    }

    fn size(&self) -> Result<String, String> {
        size::debian("supervisor")
    }

    fn lacks(&self, jobs: &Jobs<'_>) -> Option<&'static str> {
        matches!(jobs.when, When::Every(_)).then_some("it has no schedules")
    }

    fn start(&self, home: &Home, jobs: &Jobs<'_>) -> Result<Alive, String> {
        let dir = home.dir().display();
        let mut text = format!(
            "[supervisord]\nnodaemon=true\nminfds=20000\nlogfile={dir}/supervisord.log\n\
             pidfile={dir}/supervisord.pid\nchildlogdir={dir}/logs\n\
             [unix_http_server]\nfile={dir}/socket\n[supervisorctl]\nserverurl=unix://{dir}/socket\n\
             [rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
        );
        // An instant end is no failure to start.
        let how = match jobs.when {
            When::Never => "autostart=false",
            When::Kept if jobs.argument == crate::short::SCRIPT => "autorestart=true\nstartsecs=0",
            When::AtStart | When::Kept | When::Every(_) => "autorestart=true",
        };
        let limit = match jobs.output {
            Output::KeptWhole => "stdout_logfile_maxbytes=0\n",
            Output::Ignored | Output::Kept => "",
        };
        for number in jobs.numbers() {
            let (program, argument) = (jobs.program.display(), jobs.argument.replace('%', "%%"));
            writeln!(
                text,
                "[program:job-{number}]\ncommand={program} -c \"{argument}\"\n{how}\n{limit}\
                 stdout_logfile={dir}/logs/job-{number}.log"
            )
            .unwrap();
        }
        home.write("supervisord.conf", text);
        std::fs::create_dir_all(home.path("logs")).unwrap();
        let mut command = Command::new("supervisord");
        command.arg("-c").arg(home.path("supervisord.conf"));
        Ok(Alive::launch(command, home, &["supervisord"]))
    }
}
