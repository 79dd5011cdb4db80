//! A slow second opinion on the next tick, for tests: it makes up an expression as a tree, prints
//! it for the real parser, and then walks through real time second by second, asking the tree
//! about each one. It passes over a stretch only when it cannot hold anything.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::{Cron, Schedule, Tick, TickNote};

const SEED: u64 = 20_260_329;
const CASES: usize = 40_000;
const DAY: i64 = 86_400;
/// How many days the oracle walks before it only asks that the other one found nothing either.
const PATIENCE: i64 = 400;

/// Offsets that change by an hour, half an hour, two hours, a day, by politics or not at all.
const ZONES: [&str; 18] = [
    "UTC",
    "Europe/Prague",
    "Europe/Dublin",
    "Europe/Istanbul",
    "America/New_York",
    "America/St_Johns",
    "America/Nuuk",
    "America/Scoresbysund",
    "America/Caracas",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Gaza",
    "Asia/Pyongyang",
    "Asia/Kathmandu",
    "Antarctica/Troll",
];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % sides as u64) as i64
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.roll(to - from + 1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len() as i64) as usize]
    }
}

/// `from-to/step` with the form it is written in.
struct Item {
    from: i64,
    to: i64,
    step: i64,
    text: String,
}

struct Field {
    items: Vec<Item>,
}

impl Field {
    fn random(dice: &mut Dice, min: i64, max: i64, names: &[&str]) -> Field {
        let count = [1, 1, 1, 2, 3][dice.roll(5) as usize];
        Field { items: (0..count).map(|_| Item::random(dice, min, max, names)).collect() }
    }

    fn any() -> Field {
        Field { items: vec![Item { from: 0, to: 99, step: 1, text: "*".to_owned() }] }
    }

    fn has(&self, value: i64) -> bool {
        let is_in = |item: &Item| {
            (item.from..=item.to).contains(&value) && (value - item.from) % item.step == 0
        };
        self.items.iter().any(is_in)
    }

    fn is_starred(&self) -> bool {
        self.items.iter().any(|item| item.text.contains(['*', '?']))
    }

    fn text(&self) -> String {
        self.items.iter().map(|item| item.text.as_str()).collect::<Vec<_>>().join(",")
    }
}

impl Item {
    fn random(dice: &mut Dice, min: i64, max: i64, names: &[&str]) -> Item {
        let widest = [7, 7, max + 9][dice.roll(3) as usize];
        let step = dice.between(1, widest);
        // Clocks change early in the day, so small values are likelier.
        let likely = [max, min + 3][dice.roll(2) as usize];
        let (a, b) = (dice.between(min, likely), dice.between(min, max));
        let mut name = |value: i64| match names.get((value - min) as usize) {
            Some(name) if dice.roll(2) == 0 => {
                dice.pick(&[name, &name.to_uppercase()[..]]).to_owned()
            }
            _ if dice.roll(9) == 0 => format!("0{value}"),
            _ => value.to_string(),
        };
        let (from, to) = (a.min(b), a.max(b));
        // The week may end at a Sunday that is written as 0.
        let end =
            if max == 7 && to == 7 && from > 0 { name([0, 7][(a % 2) as usize]) } else { name(to) };
        let (start, single) = (name(from), name(a));
        match dice.roll(7) {
            0 => Item { from: min, to: max, step: 1, text: dice.pick(&["*", "?"]).to_owned() },
            1 => Item {
                from: min,
                to: max,
                step,
                text: format!("{}/{step}", dice.pick(&["*", "?"])),
            },
            2 => Item { from, to, step: 1, text: format!("{start}-{end}") },
            3 => Item { from, to, step, text: format!("{start}-{end}/{step}") },
            4 => Item { from: a, to: max, step, text: format!("{single}/{step}") },
            _ => Item { from: a, to: a, step: 1, text: single },
        }
    }
}

/// An expression, not parsed but made.
struct Made {
    second: Option<Field>,
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Made {
    fn random(dice: &mut Dice) -> Made {
        let mut often = |chance, min, max, names: &[&str]| {
            if dice.roll(10) < chance { Field::random(dice, min, max, names) } else { Field::any() }
        };
        let second = often(2, 0, 59, &[]);
        Made {
            second: (second.text() != "*").then_some(second),
            minute: often(9, 0, 59, &[]),
            hour: often(6, 0, 23, &[]),
            day: often(3, 1, 31, &[]),
            month: often(2, 1, 12, &MONTHS),
            weekday: often(3, 0, 7, &WEEKDAYS),
        }
    }

    fn text(&self) -> String {
        let fields = [&self.minute, &self.hour, &self.day, &self.month, &self.weekday];
        let texts: Vec<_> = self.second.iter().chain(fields).map(Field::text).collect();
        texts.join(" ")
    }

    fn has_date(&self, at: DateTime) -> bool {
        let weekday = i64::from(at.weekday().to_sunday_zero_offset());
        let day = self.day.has(at.day().into());
        let weekday = self.weekday.has(weekday) || weekday == 0 && self.weekday.has(7);
        let is_either = !self.day.is_starred() && !self.weekday.is_starred();
        self.month.has(at.month().into()) && if is_either { day || weekday } else { day && weekday }
    }

    fn has_hour(&self, at: DateTime) -> bool {
        self.has_date(at) && self.hour.has(at.hour().into())
    }

    fn has_minute(&self, at: DateTime) -> bool {
        self.has_hour(at) && self.minute.has(at.minute().into())
    }

    fn has(&self, at: DateTime) -> bool {
        let second = i64::from(at.second());
        self.has_minute(at) && self.second.as_ref().map_or(second == 0, |field| field.has(second))
    }

    fn is_hour_fixed(&self) -> bool {
        (0..24).any(|hour| !self.hour.has(hour))
    }
}

struct Walk<'a> {
    made: &'a Made,
    zone: &'a TimeZone,
}

impl Walk<'_> {
    fn offset(&self, second: i64) -> Offset {
        self.zone.to_offset(instant(second))
    }

    /// The first tick after second `after` and before second `end`.
    fn next(&self, after: i64, end: i64) -> Option<Tick> {
        let mut at = after + 1;
        while at < end {
            let rest = self.quiet(at);
            if rest > 0 {
                at += rest;
                continue;
            }
            if let Some(note) = self.tick(at) {
                return Some(Tick { at: instant(at), note });
            }
            at += 1;
        }
        None
    }

    /// The seconds left of a local day, hour or minute that does not match, or of a minute whose
    /// only tick is over; 0 if clocks change in it or have just changed.
    fn quiet(&self, at: i64) -> i64 {
        let offset = self.offset(at - 1);
        let local = offset.to_datetime(instant(at));
        let is_over = self.made.second.is_none() && local.second() > 0;
        let unit = if !self.made.has_date(local) {
            DAY
        } else if !self.made.has_hour(local) {
            3600
        } else if !self.made.has_minute(local) || is_over {
            60
        } else {
            return 0;
        };
        let sizes = [DAY, 3600, 60].into_iter().filter(|&size| size <= unit);
        let rests = sizes.map(|size| size - (at + i64::from(offset.seconds())).rem_euclid(size));
        rests.into_iter().find(|rest| self.offset(at + rest - 1) == offset).unwrap_or(0)
    }

    fn tick(&self, at: i64) -> Option<TickNote> {
        let (before, offset) = (self.offset(at - 1), self.offset(at));
        let local = offset.to_datetime(instant(at));
        if self.made.has(local) {
            return Some(match (self.was_shown_before(at, offset), self.made.is_hour_fixed()) {
                (false, _) => TickNote::Plain,
                (true, true) => TickNote::Suppressed,
                (true, false) => TickNote::SecondPass,
            });
        }
        // Since 1975 clocks have only ever moved by whole minutes, and at whole minutes.
        let skipped = i64::from(offset.seconds() - before.seconds());
        let shown = |second| before.to_datetime(instant(second));
        let mut wanted = (at..at + skipped)
            .step_by(60)
            .filter(|&minute| self.made.is_hour_fixed() && self.made.has_minute(shown(minute)))
            .flat_map(|minute| (minute..minute + 60).map(shown));
        let wanted = wanted.find(|&local| self.made.has(local))?;
        Some(TickNote::AfterGap { wanted })
    }

    /// Whether the clock stood at the same local time at some earlier second of this day or the
    /// last.
    fn was_shown_before(&self, at: i64, offset: Offset) -> bool {
        let earlier = (1..26 * 4).map(|quarter| self.offset(at - quarter * 900));
        let earlier: Vec<Offset> =
            if self.offset(at - 26 * 3600) == offset { Vec::new() } else { earlier.collect() };
        earlier.into_iter().any(|other| {
            let shown = at + i64::from(offset.seconds() - other.seconds());
            shown < at && self.offset(shown) == other
        })
    }
}

fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// An instant from 1975 to 2045, mostly within hours of a clock change.
fn moment(dice: &mut Dice, zone: &TimeZone) -> i64 {
    let any = dice.between(1_826 * DAY, 27_393 * DAY);
    let reach = [2 * 3600, 2 * 3600, 2 * 3600, DAY][dice.roll(4) as usize];
    let second = match zone.following(instant(any)).next() {
        Some(change) if dice.roll(5) > 0 => {
            change.timestamp().as_second() - dice.between(-reach / 2, reach)
        }
        Some(_) | None => any,
    };
    let unit = [1, 60, 60, 1800, 1800][dice.roll(5) as usize];
    second - second % unit - dice.roll(2)
}

#[test]
fn the_next_tick_is_the_one_that_a_slow_walk_finds() {
    let zones = ZONES.map(|name| (name, TimeZone::get(name).unwrap()));
    let mut dice = Dice(SEED);
    let mut seen = [0; 5];
    for case in 0..CASES {
        let made = Made::random(&mut dice);
        let (name, zone) = &zones[dice.roll(zones.len() as i64) as usize];
        let after = moment(&mut dice, zone);
        let told =
            format!("seed {SEED}, case {case}: {} in {name} after {}", made.text(), instant(after));
        let cron: Cron = match Schedule::parse(&made.text(), zone.clone(), *name) {
            Ok(Schedule::Cron(cron)) => cron,
            other => panic!("{told}: {other:?}"),
        };
        assert_eq!(cron.is_hour_fixed(), made.is_hour_fixed(), "{told}");
        let end = after + PATIENCE * DAY;
        let expected = Walk { made: &made, zone }.next(after, end);
        let found = cron.next_after(instant(after));
        assert!(found.is_none_or(|tick| tick.at > instant(after)), "{told}: {found:?}");
        assert_eq!(found.filter(|tick| tick.at < instant(end)), expected, "{told}");
        seen[match expected.map(|tick| tick.note) {
            None => 0,
            Some(TickNote::Plain) => 1,
            Some(TickNote::AfterGap { .. }) => 2,
            Some(TickNote::SecondPass) => 3,
            Some(TickNote::Suppressed) => 4,
        }] += 1;
    }
    assert!(seen.iter().all(|&count| count >= 10), "too few of a kind: {seen:?}");
}
