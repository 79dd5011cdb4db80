//! Calendar events of systemd (systemd.time(7)) as cron expressions, where cron can say the same.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cron::Schedule;

/// An expression of ours, and the zone if the event names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) cron: String,
    pub(super) zone: Option<String>,
}

/// Names count in full or by their first three letters.
const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Reads one event; the error says what cron cannot say.
pub(super) fn read(text: &str) -> Result<Calendar, String> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let zone = words.pop_if(|word| is_zone(word)).map(str::to_owned);
    let done = |cron: String| Ok(Calendar { cron, zone: zone.clone() });
    if let [word] = words[..]
        && let Some(cron) = shorthand(&word.to_lowercase())
    {
        return done(cron.to_owned());
    }
    let mut weekdays = None;
    let mut date = None;
    let mut time = None;
    for word in words {
        let place = match word {
            _ if word.starts_with(|c: char| c.is_ascii_alphabetic()) => &mut weekdays,
            _ if word.contains(':') => &mut time,
            _ => &mut date,
        };
        if place.replace(word).is_some() {
            return Err(format!("{word:?} is one part too many"));
        }
    }
    if weekdays.is_none() && date.is_none() && time.is_none() {
        return Err("it is empty".to_owned());
    }
    let weekday = weekdays.map_or(Ok("*".to_owned()), week)?;
    let (month, mut day) = date.map_or(Ok(("*".to_owned(), "*".to_owned())), days)?;
    if weekday != "*" && !day.contains('*') {
        // Two day fields that restrict are joined by "or" in cron; a step of more than a month is
        // the 1st alone, and its star makes it "and".
        let has_first = day.split(',').any(|item| item.split(['-', '/']).next() == Some("1"));
        if !has_first {
            return Err("both a day of the week and days of the month have to fit".to_owned());
        }
        day = format!("*/32,{day}");
    }
    let (second, minute, hour) = clock(time.unwrap_or("0:0"))?;
    let seconds = if second == "0" { String::new() } else { format!("{second} ") };
    let cron = format!("{seconds}{minute} {hour} {day} {month} {weekday}");
    let schedule =
        Schedule::parse(&cron, TimeZone::UTC, "UTC").map_err(|error| error.to_string())?;
    match schedule.never_fires(Timestamp::UNIX_EPOCH) {
        true => Err("there is no such date".to_owned()),
        false => done(cron),
    }
}

fn shorthand(word: &str) -> Option<&'static str> {
    Some(match word {
        "minutely" => "* * * * *",
        "hourly" => "@hourly",
        "daily" => "@daily",
        "weekly" => "0 0 * * mon",
        "monthly" => "@monthly",
        "quarterly" => "0 0 1 1,4,7,10 *",
        "semiannually" => "0 0 1 1,7 *",
        "yearly" | "annually" => "@yearly",
        _ => return None,
    })
}

/// A zone stands at the end; days of the week have no slash and never follow anything.
fn is_zone(word: &str) -> bool {
    let is_capital = word.starts_with(|c: char| c.is_ascii_uppercase());
    is_capital
        && (word == "UTC" || word.contains('/') && !word.contains(':') && !word.contains(','))
        && !word.contains("..")
}

fn week(text: &str) -> Result<String, String> {
    let number = |name: &str| {
        let name = name.to_lowercase();
        let place = DAYS.iter().position(|day| name == *day || name == day[..3]);
        place.ok_or_else(|| format!("{name:?} is no day of the week"))
    };
    let short = |day: usize| &DAYS[day][..3];
    let mut items = Vec::new();
    for item in text.trim_end_matches(',').split(',') {
        let ends = item.split_once("..").or_else(|| item.split_once('-'));
        let Some((from, to)) = ends else {
            items.push(short(number(item)?).to_owned());
            continue;
        };
        let (from, to) = (number(from)?, number(to)?);
        match from <= to {
            true => items.push(format!("{}-{}", short(from), short(to))),
            false => items.extend((from..7).chain(0..=to).map(|day| short(day).to_owned())),
        }
    }
    Ok(items.join(","))
}

/// Month and day of `*-*-01` or `12-24`.
fn days(text: &str) -> Result<(String, String), String> {
    if text.contains('~') {
        return Err("cron cannot count days from the end of a month".to_owned());
    }
    let parts: Vec<&str> = text.split('-').collect();
    let (month, day) = match parts[..] {
        ["*", month, day] => (month, day),
        [_, _, _] => return Err("cron knows no years".to_owned()),
        [month, day] => (month, day),
        _ => return Err(format!("{text:?} is no date")),
    };
    Ok((list(month)?, list(day)?))
}

/// Second, minute and hour of `4:00` or `*:0/15:30`.
fn clock(text: &str) -> Result<(String, String, String), String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (hour, minute, "0"),
        [hour, minute, second] => (hour, minute, second),
        _ => return Err(format!("{text:?} is no time")),
    };
    if second.contains('.') && !second.contains("..") {
        return Err("cron knows no fractions of a second".to_owned());
    }
    Ok((list(second)?, list(minute)?, list(hour)?))
}

/// `1..5,9/2` with a dash for the dots; zeros in front go.
fn list(text: &str) -> Result<String, String> {
    let item = |item: &str| {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, format!("/{}", number(step)?)),
            None => (item, String::new()),
        };
        let range = match range.split_once("..") {
            Some((from, to)) => format!("{}-{}", number(from)?, number(to)?),
            None if range == "*" => "*".to_owned(),
            None => number(range)?,
        };
        Ok(range + &step)
    };
    let items: Result<Vec<String>, String> = text.split(',').map(item).collect();
    Ok(items?.join(","))
}

fn number(text: &str) -> Result<String, String> {
    let number = text.parse::<u32>().map(|number| number.to_string());
    number.map_err(|_| format!("{text:?} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The left sides are from systemd.time(7) and from units of Debian's packages.
    #[test]
    fn events_become_expressions() {
        for (text, cron) in [
            ("minutely", "* * * * *"),
            ("Daily", "@daily"),
            ("weekly", "0 0 * * mon"),
            ("quarterly", "0 0 1 1,4,7,10 *"),
            ("Mon..Fri 09:00", "0 9 * * mon-fri"),
            ("Mon..Fri *-*-* 09:00:00", "0 9 * * mon-fri"),
            ("*-*-* 04:00:00", "0 4 * * *"),
            ("*:0/15", "0/15 * * * *"),
            ("*:00/10", "0/10 * * * *"),
            ("*-*-* 07..23:30", "30 7-23 * * *"),
            ("*-*-* 00,12:00:00", "0 0,12 * * *"),
            ("Sun *-*-* 03:10:00", "10 3 * * sun"),
            ("*-*-* *:09,39:00", "9,39 * * * *"),
            ("00:07:00", "7 0 * * *"),
            ("Sat,Thu,Mon..Wed", "0 0 * * sat,thu,mon-wed"),
            ("Saturday..Monday 10:30", "30 10 * * sat,sun,mon"),
            ("12-24 18:00", "0 18 24 12 *"),
            ("*-*-01,15", "0 0 1,15 * *"),
            ("Mon *-*-1..7 05:00", "0 5 */32,1-7 * mon"),
            ("*:*:0/30", "0/30 * * * * *"),
            ("*-*-* 02:00:30", "30 0 2 * * *"),
            ("*-01..03-*/2 0:0", "0 0 */2 1-3 *"),
        ] {
            assert_eq!(read(text), Ok(Calendar { cron: cron.to_owned(), zone: None }), "{text}");
        }
        let zoned = read("Mon 08:05 Europe/Prague").unwrap();
        assert_eq!(
            (zoned.cron.as_str(), zoned.zone.as_deref()),
            ("5 8 * * mon", Some("Europe/Prague"))
        );
        assert_eq!(read("daily UTC").unwrap().zone.as_deref(), Some("UTC"));
    }

    #[test]
    fn what_cron_cannot_say_is_told() {
        for (text, reason) in [
            ("2030-01-01", "cron knows no years"),
            ("*-*~01", "cron cannot count days from the end of a month"),
            ("Tue *-*-8..14", "both a day of the week and days of the month have to fit"),
            ("*:0:0.5", "cron knows no fractions of a second"),
            ("*-02-30", "there is no such date"),
            ("Foo 10:00", "\"foo\" is no day of the week"),
            ("@12345", "\"@12345\" is no date"),
            ("", "it is empty"),
            ("10:00 11:00", "\"11:00\" is one part too many"),
        ] {
            assert_eq!(read(text), Err(reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_first_monday_is_the_first_monday() {
        let event = read("Mon *-*-1..7 05:00").unwrap();
        let Ok(Schedule::Cron(cron)) = Schedule::parse(&event.cron, TimeZone::UTC, "UTC") else {
            panic!()
        };
        let mut at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for expected in ["2026-01-05", "2026-02-02", "2026-03-02", "2026-04-06"] {
            at = cron.next_after(at).unwrap().at;
            assert!(at.to_string().starts_with(expected), "{at}");
        }
    }
}
