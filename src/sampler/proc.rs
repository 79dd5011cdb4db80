//! What the kernel says about the host, from text to numbers (proc_stat(5), proc_meminfo(5)).
//! Pure: a file that looks other than expected is `None`, never a panic.

/// Time that all processors together have spent since boot, in clock ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticks {
    idle: u64,
    total: u64,
}

/// Memory of the host in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) total: u64,
    /// Total minus what programs could still get.
    pub(crate) used: u64,
}

impl Ticks {
    /// Reads /proc/stat.
    pub(crate) fn parse(stat: &str) -> Option<Ticks> {
        let fields = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        // user nice system idle iowait irq softirq steal; guest time is a part of user time.
        let ticks: Vec<u64> =
            fields.split_ascii_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
        let idle = ticks.get(3)?.saturating_add(ticks.get(4).copied().unwrap_or(0));
        Some(Ticks { idle, total: ticks.iter().fold(0, |sum, part| sum.saturating_add(*part)) })
    }

    /// Percent of the time since `earlier` that was not idle; `None` when no time passed. Single
    /// counters may go back (proc_stat(5), iowait).
    pub(crate) fn usage_since(self, earlier: Ticks) -> Option<f64> {
        let passed = self.total.checked_sub(earlier.total).filter(|ticks| *ticks > 0)?;
        let idle = self.idle.saturating_sub(earlier.idle).min(passed);
        Some(percent(passed - idle, passed))
    }
}

/// How many processors /proc/stat lists, at least one.
pub(crate) fn cores(stat: &str) -> usize {
    let of_one = |line: &&str| line.strip_prefix("cpu").is_some_and(|rest| !rest.starts_with(' '));
    stat.lines().filter(of_one).count().max(1)
}

impl Memory {
    /// Reads /proc/meminfo.
    pub(crate) fn parse(meminfo: &str) -> Option<Memory> {
        let field = |name: &str| {
            let value = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kib: u64 = value?.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
            kib.checked_mul(1024)
        };
        let (total, available) = (field("MemTotal")?, field("MemAvailable")?);
        Some(Memory { total, used: total.saturating_sub(available) })
    }

    /// Percent of the memory that is in use.
    pub(crate) fn usage(self) -> f64 {
        percent(self.used, self.total)
    }
}

/// With one decimal, 0 to 100.
fn percent(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        whole => (part.min(whole) as f64 * 1000.0 / whole as f64).round() / 10.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_is_what_neither_idled_nor_waited_for_a_disk() {
        let stat = |line: &str| Ticks::parse(&format!("{line}\ncpu0 1 2 3 4\nintr 9 9\n"));
        let before = stat("cpu  100 0 100 700 100 0 0 0 0 0").unwrap();
        for (after, usage) in [
            // user nice system idle iowait irq softirq steal guest guest_nice
            ("cpu  150 0 150 750 150 0 0 0 0 0", Some(50.0)),
            ("cpu  100 0 100 790 110 0 0 0 0 0", Some(0.0)),
            ("cpu  100 10 100 700 100 10 10 10 999 999", Some(100.0)),
            ("cpu  101 0 100 702 100 0 0 0 0 0", Some(33.3)),
            // iowait went back.
            ("cpu  150 0 100 750 90 0 0 0 0 0", Some(55.6)),
            // Nothing passed, or everything went back.
            ("cpu  100 0 100 700 100 0 0 0 0 0", None),
            ("cpu  1 0 1 7 1 0 0 0 0 0", None),
            // Kernels before 2.5.41.
            ("cpu  200 0 100 900", Some(50.0)),
        ] {
            assert_eq!(stat(after).unwrap().usage_since(before), usage, "{after}");
        }
    }

    #[test]
    fn what_is_no_proc_stat_is_none() {
        for stat in ["", "cpu", "cpu  1 2 3", "cpu0 1 2 3 4 5", "cpu  1 2 x 4", "cpu  1 -2 3 4"] {
            assert_eq!(Ticks::parse(stat), None, "{stat}");
        }
        let huge = Ticks::parse(&format!("cpu  {0} {0} {0} {0} {0}", u64::MAX)).unwrap();
        assert_eq!(huge, Ticks { idle: u64::MAX, total: u64::MAX });
    }

    #[test]
    fn processors_are_counted() {
        for (stat, count) in
            [("cpu  1\ncpu0 1\ncpu1 1\nctxt 3\n", 2), ("cpu  1\ncpu7 1\n", 1), ("", 1)]
        {
            assert_eq!(cores(stat), count, "{stat}");
        }
    }

    #[test]
    fn used_memory_is_what_no_program_could_get() {
        for (meminfo, expected) in [
            ("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable:  250 kB\n", Some((1000, 750, 75.0))),
            ("MemAvailable:\t250 kB\nMemTotal:\t1000 kB", Some((1000, 750, 75.0))),
            ("MemTotal: 100 kB\nMemAvailable: 250 kB\n", Some((100, 0, 0.0))),
            ("MemTotal: 0 kB\nMemAvailable: 0 kB\n", Some((0, 0, 0.0))),
            ("MemTotal: 1000 kB\nMemFree: 1 kB\n", None),
            ("MemTotal: 1000\nMemAvailable: 250\n", None),
            ("MemTotal: 99999999999999999999 kB\nMemAvailable: 250 kB\n", None),
            ("MemTotal: 18446744073709551615 kB\nMemAvailable: 250 kB\n", None),
            ("MemTotalX: 1000 kB\nMemAvailable: 250 kB\n", None),
            ("", None),
        ] {
            let found = Memory::parse(meminfo);
            let found = found.map(|found| (found.total / 1024, found.used / 1024, found.usage()));
            assert_eq!(found, expected, "{meminfo}");
        }
    }
}
