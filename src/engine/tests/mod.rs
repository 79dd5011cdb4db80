//! The promises of the manual, one by one: what happens on the stage, what the engine does.

mod alerts;
mod boot;
mod clock;
mod cron;
mod gate;
mod health;
mod operate;
mod overlap;
mod reload;
mod retries;
mod services;
mod shutdown;
mod stage;
