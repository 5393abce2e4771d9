//! What a person is told after asking for a copy of the access token: what they have, or why not and what to do.

use crate::present::wall_clock::WallClock;
use jiff::{SignedDuration, Timestamp};

use crate::account::AccountName;
use crate::api::problem::Problem;
use crate::api::requests::CopyAnswer;
use crate::config::duration::in_words;
use crate::present::sentence::{local_time, with_local_times};

/// The answer to one copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Is the token on the clipboard?
    pub succeeded: bool,
    /// What happened.
    pub sentence: String,
    /// What to expect, or what to do about it.
    pub advice: String,
}

impl Copied {
    /// The answer at `now`, in the person's time zone.
    #[must_use]
    pub fn of(name: &AccountName, outcome: &Result<CopyAnswer, Problem>, now: Timestamp, wall: &WallClock) -> Self {
        match outcome {
            Ok(CopyAnswer { expires_at, cleared_after }) => {
                let expires = format!("It expires at {}", local_time(*expires_at, now, wall));
                let advice = match cleared_after {
                    0 => format!("{expires}, and stays on the clipboard until you log out or quit Evertoken."),
                    seconds => format!("{expires}; the clipboard is cleared in {}.", span_in_words(*seconds)),
                };
                Self { succeeded: true, sentence: format!("Copied {name}'s access token."), advice }
            }
            Err(Problem { detail, advice, .. }) => {
                let local = |sentence| with_local_times(sentence, now, wall);
                Self { succeeded: false, sentence: local(detail), advice: local(advice) }
            }
        }
    }

    /// Nothing was copied, because several accounts could be meant.
    #[must_use]
    pub fn which_account() -> Self {
        Self {
            succeeded: false,
            sentence: "Not copied: no account is the default.".to_owned(),
            advice: "Copy from an account's own menu, or make one the default there.".to_owned(),
        }
    }
}

impl std::fmt::Display for Copied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.sentence, self.advice)
    }
}

fn span_in_words(seconds: u64) -> String {
    in_words(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use crate::api::problem::ProblemKind;

    fn told(outcome: Result<CopyAnswer, Problem>) -> String {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        Copied::of(&"Production".parse().unwrap(), &outcome, now, &WallClock::UTC).to_string()
    }

    #[test]
    fn who_copies_knows_how_long_the_token_and_the_copy_last() {
        let expires_at = "2026-11-22T14:32:00Z".parse().unwrap();
        assert_eq!(
            told(Ok(CopyAnswer { expires_at, cleared_after: 45 })),
            "Copied Production's access token. It expires at 14:32; the clipboard is cleared in 45 s."
        );
        assert!(told(Ok(CopyAnswer { expires_at, cleared_after: 0 })).contains("stays on the clipboard until"));
        let problem = Problem::new(ProblemKind::LoginRequired, "Production: nobody is logged in.", "Log in.");
        assert_eq!(told(Err(problem)), "Production: nobody is logged in. Log in.");
    }
}
