//! Lengths of time: as people type them (`90s`, `10m`, `24h`, `1d`) and as sentences say them ("23 h 12 m").

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A length of time in whole seconds, typed as `90s`, `10m`, `24h` or `1d`; a bare number is seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[0-9]+(s|m|h|d)?$", "examples" = ["45s"])))]
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
        let (number, factor) = match unit {
            '0'..='9' => (text, 1),
            's' => (&text[..text.len() - 1], 1),
            'm' => (&text[..text.len() - 1], 60),
            'h' => (&text[..text.len() - 1], 3600),
            'd' => (&text[..text.len() - 1], 86400),
            _ => return Err(InvalidSpan),
        };
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

/// A length of time for a sentence: "3 d 4 h", "23 h 12 min", "12 min", "45 s". Rounded as people do it, so that a token
/// of 20 minutes has "20 min left" right after it came. Never negative.
#[must_use]
pub fn in_words(duration: SignedDuration) -> String {
    let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2).max(0);
    let unit = unit_of(milliseconds);
    let number = (milliseconds + unit / 2) / unit;
    match unit {
        SECOND => format!("{number} s"),
        MINUTE if number < 60 => format!("{number} min"),
        MINUTE => format!("{} h {} min", number / 60, number % 60),
        _ => format!("{} d {} h", number / 24, number % 24),
    }
}

/// How long [`in_words`] reads the same while that length of time runs out.
#[must_use]
pub fn reads_the_same_for(duration: SignedDuration) -> SignedDuration {
    let left = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2).max(0);
    let unit = unit_of(left);
    let to_a_smaller_unit = match unit {
        MINUTE => left - BELOW_A_MINUTE,
        HOUR => left - BELOW_TWO_DAYS,
        _ => i64::MAX,
    };
    SignedDuration::from_millis(((left + unit / 2) % unit).min(to_a_smaller_unit) + 1)
}

/// In milliseconds, as all below.
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// What is less than this rounds to less than 60 seconds.
const BELOW_A_MINUTE: i64 = MINUTE - SECOND / 2;
/// What is less than this rounds to less than 48 hours.
const BELOW_TWO_DAYS: i64 = 48 * HOUR - MINUTE / 2;

/// The unit that a person would count in.
const fn unit_of(milliseconds: i64) -> i64 {
    match milliseconds {
        ..BELOW_A_MINUTE => SECOND,
        BELOW_A_MINUTE..BELOW_TWO_DAYS => MINUTE,
        _ => HOUR,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_read_as_documented() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("24h", 86400), ("1d", 86400), ("0s", 0), ("10", 10)] {
            assert_eq!(text.parse::<Span>().unwrap().as_secs(), seconds);
        }
        for bad in ["", "s", "-10", "-1s", "1 0", "1.5h", "1w", "99999999999999999999s", "é", "1é"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sentences_say_what_a_clock_would() {
        for (milliseconds, words) in [
            (-5_000, "0 s"),
            (29_700, "30 s"),
            (45_000, "45 s"),
            (59_499, "59 s"),
            (59_500, "1 min"),
            (725_000, "12 min"),
            (1_199_700, "20 min"),
            (3_599_900, "1 h 0 min"),
            (83_520_000, "23 h 12 min"),
            (86_399_500, "24 h 0 min"),
            (90_000_000, "25 h 0 min"),
            (172_769_999, "47 h 59 min"),
            (172_799_000, "2 d 0 h"),
            (273_600_000, "3 d 4 h"),
        ] {
            assert_eq!(in_words(SignedDuration::from_millis(milliseconds)), words);
        }
    }

    proptest! {
        #[test]
        fn a_span_reads_back_as_it_was_written(seconds in 0..LONGEST_SECONDS) {
            let span = Span::from_secs(seconds);
            prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }

        #[test]
        fn a_text_reads_the_same_for_as_long_as_it_says(left in 2..400_000_000_i64) {
            let duration = SignedDuration::from_millis(left);
            let same = reads_the_same_for(duration);
            prop_assert!(same.is_positive());
            let just_before = duration - (same - SignedDuration::from_millis(1));
            prop_assert_eq!(in_words(just_before), in_words(duration));
            if same < duration {
                prop_assert_ne!(in_words(duration - same), in_words(duration));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,20}") {
            let _ = text.parse::<Span>();
        }
    }
}
