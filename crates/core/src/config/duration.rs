//! Lengths of time: as people type them (`90s`, `10m`, `24h`, `1d`) and as sentences say them ("23 h 12 m").

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A length of time in whole seconds, typed as `90s`, `10m`, `24h` or `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[0-9]+(s|m|h|d)$", "examples" = ["45s"])))]
#[serde(try_from = "String", into = "String")]
pub struct Span(u64);

/// A text that is not a [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a duration is a number and s, m, h or d: 90s, 10m, 24h, 1d")]
pub struct InvalidSpan;

/// 10 years: longer than any token lives, short enough that no sum of instants overflows.
const LONGEST_SECONDS: u64 = 10 * 366 * 24 * 3600;

impl Span {
    /// From whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// In whole seconds.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let unit = text.chars().last().ok_or(InvalidSpan)?;
        let factor = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            _ => return Err(InvalidSpan),
        };
        let number = &text[..text.len() - 1];
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidSpan);
        }
        let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or(InvalidSpan)?;
        if seconds > LONGEST_SECONDS { Err(InvalidSpan) } else { Ok(Self(seconds)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => write!(f, "0s"),
            s if s % 86400 == 0 => write!(f, "{}d", s / 86400),
            s if s % 3600 == 0 => write!(f, "{}h", s / 3600),
            s if s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

impl TryFrom<String> for Span {
    type Error = InvalidSpan;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl From<Span> for SignedDuration {
    fn from(span: Span) -> Self {
        Self::from_secs(i64::try_from(span.0).unwrap_or(i64::MAX))
    }
}

/// A length of time for a sentence: "3 d 4 h", "23 h 12 m", "12 m", "45 s". Rounded down, never negative.
#[must_use]
pub fn in_words(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, m) => format!("{m} m"),
        (0, h, m) => format!("{h} h {m} m"),
        (1, h, m) if h < 24 && seconds < 48 * 3600 => format!("{} h {m} m", 24 + h),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_read_as_documented() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("24h", 86400), ("1d", 86400), ("0s", 0)] {
            assert_eq!(text.parse::<Span>().unwrap().as_secs(), seconds);
        }
        for bad in ["", "s", "10", "-1s", "1.5h", "1w", "99999999999999999999s", "é", "1é"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sentences_say_what_a_clock_would() {
        for (seconds, words) in [
            (-5, "0 s"),
            (45, "45 s"),
            (725, "12 m"),
            (83_520, "23 h 12 m"),
            (90_000, "25 h 0 m"),
            (273_600, "3 d 4 h"),
        ] {
            assert_eq!(in_words(SignedDuration::from_secs(seconds)), words);
        }
    }

    proptest! {
        #[test]
        fn a_span_reads_back_as_it_was_written(seconds in 0..LONGEST_SECONDS) {
            let span = Span::from_secs(seconds);
            prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,20}") {
            let _ = text.parse::<Span>();
        }
    }
}
