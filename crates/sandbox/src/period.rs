//! Lengths of time as people write them: `250ms`, `90s`, `10m`, `24h`, `1d`.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A hundred years: far beyond any use, and no sum with the present can leave the calendar.
const LONGEST_MILLISECONDS: i64 = 36_500 * DAY;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Longest unit first, so that a period is shown as it was most likely written; `ms` before `m` and `s`,
/// because units are recognised by how a text ends.
const UNITS: [(&str, i64); 5] = [("ms", 1), ("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)];

/// A text that is no length of time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a length of time as a number and a unit: 250ms, 90s, 10m, 24h, 1d (at most 36500d)")]
pub(crate) struct PeriodError;

/// A length of time that is not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Period(SignedDuration);

/// How far a clock is off: a period that may begin with a minus sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Skew(SignedDuration);

impl Period {
    #[cfg(test)]
    pub(crate) const fn from_secs(seconds: u32) -> Self {
        Self(SignedDuration::from_secs(seconds as i64))
    }

    /// Whole seconds, as `expires_in` counts them (RFC 6749 section 5.1).
    pub(crate) fn as_secs(self) -> i64 {
        self.0.as_secs()
    }

    pub(crate) fn after(self, instant: Timestamp) -> Timestamp {
        instant.checked_add(self.0).unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn to_std(self) -> std::time::Duration {
        self.0.unsigned_abs()
    }
}

impl Skew {
    pub(crate) fn apply(self, instant: Timestamp) -> Timestamp {
        instant.checked_add(self.0).unwrap_or(instant)
    }
}

fn parse(text: &str) -> Result<SignedDuration, PeriodError> {
    let (number, milliseconds) =
        UNITS.iter().find_map(|(unit, length)| Some((text.strip_suffix(unit)?, *length))).ok_or(PeriodError)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PeriodError);
    }
    number
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(milliseconds))
        .filter(|total| *total <= LONGEST_MILLISECONDS)
        .map(SignedDuration::from_millis)
        .ok_or(PeriodError)
}

fn show(length: SignedDuration) -> String {
    let milliseconds = i64::try_from(length.as_millis()).unwrap_or(LONGEST_MILLISECONDS);
    let sign = if milliseconds < 0 { "-" } else { "" };
    let (unit, size) = UNITS[1..]
        .iter()
        .find(|(_, size)| milliseconds != 0 && milliseconds % size == 0)
        .unwrap_or(if milliseconds == 0 { &UNITS[4] } else { &UNITS[0] });
    format!("{sign}{}{unit}", milliseconds.abs() / size)
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        parse(text).map(Self)
    }
}

impl FromStr for Skew {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        match text.strip_prefix('-') {
            Some(length) => parse(length).map(|length| Self(-length)),
            None => parse(text.strip_prefix('+').unwrap_or(text)).map(Self),
        }
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&show(self.0))
            }
        }

        impl TryFrom<String> for $name {
            type Error = PeriodError;

            fn try_from(text: String) -> Result<Self, PeriodError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

as_text!(Period);
as_text!(Skew);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

    use super::*;

    #[test]
    fn a_period_reads_and_shows_the_same() {
        for text in ["0s", "250ms", "90s", "10m", "7h", "1d", "30d"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        assert_eq!("24h".parse::<Period>().unwrap(), "1d".parse().unwrap());
        assert_eq!("90s".parse::<Period>().unwrap().as_secs(), 90);
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in ["", "s", "5", "-5s", "+5s", "1.5h", "5 s", "5w", "99999999999999999999s", "36501d"] {
            assert_eq!(text.parse::<Period>(), Err(PeriodError), "{text}");
        }
    }

    #[test]
    fn a_skew_has_a_direction() {
        let noon: Timestamp = "2025-01-01T12:00:00Z".parse().unwrap();
        let shifted = |text: &str| text.parse::<Skew>().unwrap().apply(noon).to_string();
        assert_eq!(shifted("-90s"), "2025-01-01T11:58:30Z");
        assert_eq!(shifted("+1h"), "2025-01-01T13:00:00Z");
        assert_eq!("-90s".parse::<Skew>().unwrap().to_string(), "-90s");
        assert!("--5s".parse::<Skew>().is_err());
    }
}
