//! A worst year: what breaks other daemons, on purpose and again and again. Each rig has a short
//! form, which runs with all tests, and a long one (README.md beside `tests/rig`).

mod alerts;
mod attack;
mod crash;
mod fault;
mod load;
mod soak;

/// Whether the heavy counts are wanted.
fn is_long() -> bool {
    std::env::var_os("RUNWISP_RIG_LONG").is_some_and(|value| value == "1")
}

/// The one count or the other.
fn count(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}
