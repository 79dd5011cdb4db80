//! A worst year: what breaks other daemons, on purpose and again and again. Each rig has a short
//! form, which runs with all tests, and a long one (README.md beside `tests/rig`).

mod attack;
mod crash;
mod fault;
mod load;
mod soak;
