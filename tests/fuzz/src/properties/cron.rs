//! Schedules: what is read goes on for ever or is known to end, and never back.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use crate::cron::{Cron, Schedule, TickNote, split_zone};
use crate::properties::{assert_plain, first_line};

/// How many ticks are looked at.
const TICKS: usize = 4;
/// Minutes that the slow walk goes at most.
const PATIENCE: i64 = 3 * 24 * 60;

/// The first line says where to begin, in minutes since 1970 modulo 80 years, and the zone; the
/// rest is the expression.
pub(crate) fn cron(data: &[u8]) {
    let Some((start, text)) = first_line(data) else { return };
    let number =
        start.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let after = Timestamp::from_second(number.cast_signed().rem_euclid(80 * 365 * 86_400))
        .expect("80 years are less than all time");
    let zone = zone(number % 5);
    let schedule = match Schedule::parse(text, zone.clone(), "zone") {
        Ok(schedule) => schedule,
        Err(error) => {
            assert_plain(&error.to_string());
            return;
        }
    };
    assert_eq!(schedule.text(), text.trim());
    let again = Schedule::parse(schedule.text(), zone, "zone").expect("it was read before");
    assert_eq!(again.identity(), schedule.identity());
    let fired = schedule.fires_after(after);
    assert!(fired.is_none_or(|at| at > after));
    assert_plain(&schedule.identity());
    let Schedule::Cron(cron) = &schedule else { return };
    assert_eq!(schedule.never_fires(after), cron.next_after(after).is_none());
    ticks(cron, after);
    let expression = split_zone(text).1;
    if cron.zone().to_fixed_offset().is_ok() {
        walk(cron, expression, after);
    }
}

fn zone(number: u64) -> TimeZone {
    match number {
        0 => TimeZone::UTC,
        1 => TimeZone::fixed(Offset::constant(-9)),
        // Written out, so that no file is read: an hour, half an hour, and the southern half.
        2 => TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a good rule"),
        3 => TimeZone::posix("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0").expect("a good rule"),
        _ => TimeZone::posix("<-02>2<-01>,M3.5.0/-1,M10.5.0/0").expect("a good rule"),
    }
}

/// Each tick is later than the one before, and from anywhere between them it is the next.
fn ticks(cron: &Cron, mut after: Timestamp) {
    for _ in 0..TICKS {
        let Some(tick) = cron.next_after(after) else { return };
        assert!(tick.at > after);
        assert_eq!(tick.at.subsec_nanosecond(), 0);
        let middle = after.as_second() + (tick.at.as_second() - after.as_second()) / 2;
        let middle = Timestamp::from_second(middle).expect("it lies between two");
        if middle < tick.at {
            assert_eq!(cron.next_after(middle), Some(tick), "from {middle}");
        }
        if let TickNote::AfterGap { wanted } = tick.note {
            let shown = cron.zone().to_datetime(tick.at);
            assert!(cron.is_hour_fixed() && wanted < shown);
        }
        after = tick.at;
    }
}

/// Where clocks never change, another reader of the five fields finds the same, minute by minute.
fn walk(cron: &Cron, expression: &str, after: Timestamp) {
    let fields: Vec<&str> = expression.split_ascii_whitespace().collect();
    let plain = |byte: u8| byte.is_ascii_digit() || b"*,/- ".contains(&byte);
    let [minute, hour, day, month, weekday] = fields[..] else { return };
    if !expression.bytes().all(plain) {
        return;
    }
    let offset = cron.zone().to_fixed_offset().expect("asked before");
    let matches = |at: DateTime| {
        let sunday = i64::from(at.weekday().to_sunday_zero_offset());
        let in_day = has(day, at.day().into(), 1, 31);
        let in_week = has(weekday, sunday, 0, 7) || (sunday == 0 && has(weekday, 7, 0, 7));
        let is_starred = |field: &str| field.split(',').any(|item| item.starts_with('*'));
        let day_fits = match is_starred(day) || is_starred(weekday) {
            true => in_day && in_week,
            false => in_day || in_week,
        };
        day_fits
            && has(month, at.month().into(), 1, 12)
            && has(hour, at.hour().into(), 0, 23)
            && has(minute, at.minute().into(), 0, 59)
    };
    let first = after.as_second().div_euclid(60) + 1;
    let mut at = first;
    while at < first + PATIENCE {
        let instant = Timestamp::from_second(at * 60).expect("within 80 years");
        let local = offset.to_datetime(instant);
        if matches(local) {
            assert_eq!(cron.next_after(after).map(|tick| tick.at), Some(instant));
            return;
        }
        at += 1;
    }
    let found = cron.next_after(after).map(|tick| tick.at.as_second().div_euclid(60));
    assert!(found.is_none_or(|found| found >= at));
}

fn has(field: &str, value: i64, min: i64, max: i64) -> bool {
    field.split(',').any(|item| {
        let (range, step) = item.split_once('/').unwrap_or((item, ""));
        let number = |text: &str| text.parse::<i64>().unwrap_or(i64::MAX);
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (min, max),
            // The week may end with a Sunday that is written as 0.
            Some((from, to)) if max == 7 && number(to) == 0 && number(from) > 0 => {
                (number(from), 7)
            }
            Some((from, to)) => (number(from), number(to)),
            None if step.is_empty() => (number(range), number(range)),
            None => (number(range), max),
        };
        let step = if step.is_empty() { 1 } else { number(step) };
        (from..=to).contains(&value) && (value - from) % step == 0
    })
}
