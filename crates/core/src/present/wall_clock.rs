//! The clock on the wall: the person's time zone, and how their locale writes dates and times.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Tells instants as the person's own clock and calendar do. Months and days have their English names, as all our texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WallClock {
    zone: TimeZone,
    twelve_hours: bool,
    order: Order,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    DayFirst,
    MonthFirst,
    YearFirst,
    /// No locale: as RFC 3339 where there is a table, the day first in sentences.
    Unknown,
}

/// How much of a time is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// "14:32"
    Minutes,
    /// "14:32:07"
    Seconds,
}

/// Where clocks have twelve hours, and where dates begin with the month or the year (CLDR 48: `time_formats` and `yMMMd`
/// of each territory's most spoken languages).
const TWELVE_HOURS: &str = "AE AG AL AS AU BB BD BH BM BN BO BS BT CA CO CR CU CY DJ DM DO DZ EC EG EH ER ET FJ FM GD GH \
    GM GR GT GU GY HK HN IN IQ JM JO KH KI KN KP KR KW KY LB LC LR LS LY MH MO MP MR MW MX MY NA NI NZ OM PA PE PG PH PK PR \
    PS PW QA SA SB SD SG SL SO SS SV SY SZ TC TD TN TO TT TW UM US VC VE VG VI VU WS YE";
const MONTH_FIRST: &str = "AS CA GU MH MP PH UM US VI";
const YEAR_FIRST: &str = "BT CN HU JP KP KR LT MM MN NP TW";

impl WallClock {
    /// In a time zone, for a person whose locale is not known.
    #[must_use]
    pub const fn in_zone(zone: TimeZone) -> Self {
        Self { zone, twelve_hours: false, order: Order::Unknown }
    }

    /// In UTC, for a person whose locale is not known.
    pub const UTC: Self = Self::in_zone(TimeZone::UTC);

    /// From the time zone and the variables of a POSIX locale: the first of `LC_ALL`, `LC_TIME` and `LANG` that is set.
    #[must_use]
    pub fn of(zone: TimeZone, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_TIME", "LANG"].iter().find_map(set).unwrap_or_default();
        let (language, territory) = parts(&locale);
        // French Canada writes both as France does.
        let lists = |territories: &str| {
            territories.split(' ').any(|one| one == territory) && (language, territory) != ("fr", "CA")
        };
        let order = match territory {
            "" => Order::Unknown,
            _ if lists(MONTH_FIRST) => Order::MonthFirst,
            _ if lists(YEAR_FIRST) => Order::YearFirst,
            _ => Order::DayFirst,
        };
        Self { zone, twelve_hours: lists(TWELVE_HOURS), order }
    }

    /// The instant in the person's time zone.
    #[must_use]
    pub fn zoned(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.zone.clone())
    }

    /// The day of an instant there.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> Date {
        self.zoned(at).date()
    }

    /// "14:32" or "2:32 PM"; with seconds "14:32:07".
    #[must_use]
    pub fn time(&self, at: Timestamp, precision: Precision) -> String {
        let format = match (self.twelve_hours, precision) {
            (false, Precision::Minutes) => "%H:%M",
            (false, Precision::Seconds) => "%H:%M:%S",
            (true, Precision::Minutes) => "%-I:%M %p",
            (true, Precision::Seconds) => "%-I:%M:%S %p",
        };
        self.zoned(at).strftime(format).to_string()
    }

    /// "24 Nov", "Nov 24".
    #[must_use]
    pub fn day(&self, at: Timestamp) -> String {
        let format = match self.order {
            Order::DayFirst | Order::Unknown => "%-d %b",
            Order::MonthFirst | Order::YearFirst => "%b %-d",
        };
        self.zoned(at).strftime(format).to_string()
    }

    /// "24 Nov 2026", "Nov 24, 2026", "2026 Nov 24".
    #[must_use]
    pub fn day_of_year(&self, at: Timestamp) -> String {
        let format = match self.order {
            Order::DayFirst | Order::Unknown => "%-d %b %Y",
            Order::MonthFirst => "%b %-d, %Y",
            Order::YearFirst => "%Y %b %-d",
        };
        self.zoned(at).strftime(format).to_string()
    }

    /// "Sunday, 22 November", "Sunday, November 22".
    #[must_use]
    pub fn weekday(&self, at: Timestamp) -> String {
        let format = match self.order {
            Order::DayFirst | Order::Unknown => "%A, %-d %B",
            Order::MonthFirst | Order::YearFirst => "%A, %B %-d",
        };
        self.zoned(at).strftime(format).to_string()
    }

    /// Date and time for a column, always equally wide: "2026-11-24 14:32:07" where the locale is not known.
    #[must_use]
    pub fn stamp(&self, at: Timestamp) -> String {
        let date = match self.order {
            Order::Unknown => "%Y-%m-%d",
            Order::DayFirst => "%d %b %Y",
            Order::MonthFirst => "%b %d, %Y",
            Order::YearFirst => "%Y %b %d",
        };
        let time = if self.twelve_hours { "%I:%M:%S %p" } else { "%H:%M:%S" };
        self.zoned(at).strftime(&format!("{date} {time}")).to_string()
    }
}

/// Language and territory of a locale as in `en_US.UTF-8`; both empty for `C` and `POSIX`.
fn parts(locale: &str) -> (&str, &str) {
    let name = locale.split(['.', '@']).next().unwrap_or_default();
    name.split_once('_').unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(locale: &str) -> WallClock {
        WallClock::of(TimeZone::UTC, |name| (name == "LC_TIME").then(|| locale.to_owned()))
    }

    #[test]
    fn dates_and_times_are_written_as_the_locale_has_them() {
        let at = Timestamp::constant(1_795_530_727, 0);
        for (locale, time, day, year, stamp) in [
            ("en_US.UTF-8", "2:32 PM", "Nov 24", "Nov 24, 2026", "Nov 24, 2026 02:32:07 PM"),
            ("en_GB", "14:32", "24 Nov", "24 Nov 2026", "24 Nov 2026 14:32:07"),
            ("en_AU.utf8", "2:32 PM", "24 Nov", "24 Nov 2026", "24 Nov 2026 02:32:07 PM"),
            ("de_DE@euro", "14:32", "24 Nov", "24 Nov 2026", "24 Nov 2026 14:32:07"),
            ("ja_JP.UTF-8", "14:32", "Nov 24", "2026 Nov 24", "2026 Nov 24 14:32:07"),
            ("fr_CA", "14:32", "24 Nov", "24 Nov 2026", "24 Nov 2026 14:32:07"),
            ("C.UTF-8", "14:32", "24 Nov", "24 Nov 2026", "2026-11-24 14:32:07"),
            ("POSIX", "14:32", "24 Nov", "24 Nov 2026", "2026-11-24 14:32:07"),
        ] {
            let clock = clock(locale);
            let told = [clock.time(at, Precision::Minutes), clock.day(at), clock.day_of_year(at), clock.stamp(at)];
            assert_eq!(told, [time, day, year, stamp], "{locale}");
        }
        assert_eq!(clock("en_US").time(at, Precision::Seconds), "2:32:07 PM");
        assert_eq!(clock("en_US").weekday(at), "Tuesday, November 24");
    }

    #[test]
    fn the_locale_of_times_comes_before_the_general_one_and_all_before_both() {
        let clock = |all: &'static str, time: &'static str| {
            WallClock::of(TimeZone::UTC, move |name| {
                let value = match name {
                    "LC_ALL" => all,
                    "LC_TIME" => time,
                    _ => "en_US.UTF-8",
                };
                Some(value.to_owned())
            })
        };
        assert!(clock("", "").twelve_hours);
        assert!(!clock("", "de_DE.UTF-8").twelve_hours);
        assert!(!clock("sv_SE", "en_US").twelve_hours);
    }
}
