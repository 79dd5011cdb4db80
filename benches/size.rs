//! How large the program is.

use crate::harness::home::program;
use crate::report::line;

pub(crate) fn measure() {
    let bytes = std::fs::metadata(program()).unwrap().len();
    let linked = if cfg!(target_feature = "crt-static") { "static" } else { "dynamic" };
    line("size of the program", &format!("{bytes} bytes, {linked}"), "4,800,000 bytes, static");
}
