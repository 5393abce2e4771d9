//! What a person is told after a click: what they have, or why not and what to do.

use crate::present::wall_clock::WallClock;
use jiff::{SignedDuration, Timestamp};

use crate::account::AccountName;
use crate::api::problem::Problem;
use crate::api::requests::{CopyAnswer, RefreshAnswer};
use crate::config::duration::in_words;
use crate::present::sentence::{at_local_time, not_refreshed, state_and_end, with_local_times};

/// The answer to one click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Is a token on the clipboard now?
    pub is_copied: bool,
    /// What happened.
    pub sentence: String,
    /// What to expect, or what to do about it; may be empty.
    pub advice: String,
}

impl Said {
    /// The answer to a copy at `now`, in the person's time zone.
    #[must_use]
    pub fn of_copy(
        name: &AccountName,
        outcome: &Result<CopyAnswer, Problem>,
        now: Timestamp,
        wall: &WallClock,
    ) -> Self {
        match outcome {
            Ok(CopyAnswer { expires_at, cleared_after }) => {
                let expires = format!("It expires {}", at_local_time(*expires_at, now, wall));
                let advice = match cleared_after {
                    0 => format!("{expires}, and stays on the clipboard until you log out or quit Evertoken."),
                    seconds => format!("{expires}; the clipboard is cleared in {}.", span_in_words(*seconds)),
                };
                Self { is_copied: true, sentence: format!("Copied {name}'s access token."), advice }
            }
            Err(problem) => Self::of_problem(problem, now, wall),
        }
    }

    /// The answer to *Refresh now*.
    #[must_use]
    pub fn of_refresh(outcome: &Result<RefreshAnswer, Problem>, now: Timestamp, wall: &WallClock) -> Self {
        match outcome {
            Ok(RefreshAnswer { account, refreshed }) => {
                let renewed = || format!("Refreshed: {}.", state_and_end(account, now, wall));
                let sentence = if *refreshed { renewed() } else { not_refreshed(account, now) };
                Self { is_copied: false, sentence, advice: String::new() }
            }
            Err(problem) => Self::of_problem(problem, now, wall),
        }
    }

    /// Why what was asked for was not done.
    #[must_use]
    pub fn of_problem(Problem { detail, advice, .. }: &Problem, now: Timestamp, wall: &WallClock) -> Self {
        let local = |sentence| with_local_times(sentence, now, wall);
        Self { is_copied: false, sentence: local(detail), advice: local(advice) }
    }

    /// Nothing was copied, because several accounts could be meant.
    #[must_use]
    pub fn which_account() -> Self {
        Self {
            is_copied: false,
            sentence: "Not copied: no account is the default.".to_owned(),
            advice: "Copy from an account's own menu, or make one the default there.".to_owned(),
        }
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(format!("{} {}", self.sentence, self.advice).trim_end())
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
        Said::of_copy(&"Production".parse().unwrap(), &outcome, now, &WallClock::UTC).to_string()
    }

    #[test]
    fn who_copies_knows_how_long_the_token_and_the_copy_last() {
        let expires_at = "2026-11-22T14:32:00Z".parse().unwrap();
        assert_eq!(
            told(Ok(CopyAnswer { expires_at, cleared_after: 45 })),
            "Copied Production's access token. It expires at 14:32; the clipboard is cleared in 45 s."
        );
        let tomorrow = "2026-11-23T10:13:00Z".parse().unwrap();
        let lasts = told(Ok(CopyAnswer { expires_at: tomorrow, cleared_after: 45 }));
        assert!(lasts.contains("It expires on 23 Nov at 10:13; "), "{lasts}");
        assert!(told(Ok(CopyAnswer { expires_at, cleared_after: 0 })).contains("stays on the clipboard until"));
        let problem = Problem::new(ProblemKind::LoginRequired, "Production: nobody is logged in.", "Log in.");
        assert_eq!(told(Err(problem)), "Production: nobody is logged in. Log in.");
    }
}
