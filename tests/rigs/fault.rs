//! The fault rig: disks that fill up, fail or become read-only, calls that the kernel refuses, a
//! database that another program holds, files that somebody takes away; each while the daemon is
//! busy, and each goes away again. The daemon lives, says once what is wrong, goes on by itself
//! when it is over, and its history is what really happened.
//!
//! `RUNWISP_RIG_LONG=1` makes more and longer ones, `RUNWISP_RIG_SEED=N` repeats random moments.

pub(super) mod busy;
mod calls;
mod database;
mod disk;
mod files;
mod full;
mod inject;
mod limits;
