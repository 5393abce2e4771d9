use clap::Args;
use evertoken_client::environment::wall_clock;
use evertoken_core::login::journal::{Entry, Record};
use evertoken_core::present::sentence::local_time;
use evertoken_core::present::wall_clock::WallClock;
use jiff::Timestamp;

use super::account_argument::AccountArgument;
use super::agent_client;
use crate::failure::Failure;
use crate::output::{self, plain};

/// Show what happened to a login: the rotation journal, the newest entry last
///
/// Tokens are shown as fingerprints: the first 12 hex digits of their SHA-256.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken history | tail                what happened last night
  evertoken history --json | jq '.entries[-1]'")]
pub(crate) struct History {
    #[command(flatten)]
    account: AccountArgument,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl History {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let history = agent_client().await?.history(self.account.name()?.as_ref()).await?;
        if self.json {
            return output::json(&history);
        }
        if history.entries.is_empty() {
            return output::line("Nothing has happened yet.");
        }
        let wall = wall_clock();
        history.entries.iter().try_for_each(|entry| output::line(in_words(entry, &wall)))
    }
}

fn in_words(entry: &Entry, wall: &WallClock) -> String {
    let local = |at: Timestamp| local_time(at, entry.at, wall);
    let what = match &entry.record {
        Record::Presented { fingerprint } => format!("refresh token {fingerprint} is sent to the endpoint"),
        Record::Stored { fingerprint, rotations, expires_at } => format!(
            "refresh token {fingerprint} is stored (rotation {rotations}); the access token lasts until {}",
            local(*expires_at)
        ),
        Record::NotSent { fingerprint, reason } => {
            format!("refresh token {fingerprint} was not sent: {}", plain(reason))
        }
        Record::OutcomeUnknown { fingerprint, reason } => {
            format!("refresh token {fingerprint} was sent, the outcome is unknown: {}", plain(reason))
        }
        Record::Declined { fingerprint, reason, .. } => {
            format!("refresh token {fingerprint} brought no new token: {}", plain(reason))
        }
        Record::Refused { fingerprint, expired_at, trace_id, reason } => {
            let words = reason.as_deref().map(|words| format!(" ({})", plain(words))).unwrap_or_default();
            let expired = expired_at.map(|at| format!("; expired: {}", local(at))).unwrap_or_default();
            let trace = trace_id.as_deref().map(|id| format!("; trace id {}", plain(id))).unwrap_or_default();
            format!("the endpoint refused refresh token {fingerprint}{words}{expired}{trace}")
        }
        Record::Told { .. } => "you were told to log in again".to_owned(),
        Record::StoreDelayed { fingerprint, reason } => {
            format!("refresh token {fingerprint} is only in memory for now: {}", plain(reason))
        }
        Record::LoggedIn { fingerprint } => format!("logged in; refresh token {fingerprint} is in the keychain"),
        Record::LoggedOut => "logged out; the tokens are deleted".to_owned(),
        Record::Revoked { fingerprint, reason: None, .. } => {
            format!("the server has revoked refresh token {fingerprint}")
        }
        Record::Revoked { fingerprint, reason: Some(reason), .. } => {
            format!("the server did not confirm that refresh token {fingerprint} is revoked: {}", plain(reason))
        }
        Record::Slept { since } => format!("the machine woke up; it slept since {}", local((*since).min(entry.at))),
    };
    format!("{}  {what}", wall.stamp(entry.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertoken_core::oauth::token::Fingerprint;

    #[test]
    fn a_refusal_says_when_the_login_expired_and_what_support_will_ask() {
        let record = Record::Refused {
            fingerprint: Fingerprint::of("a"),
            expired_at: Some(Timestamp::UNIX_EPOCH),
            trace_id: Some("t-1".to_owned()),
            reason: Some("invalid_grant: too old".to_owned()),
        };
        let entry = Entry { at: Timestamp::constant(60, 0), record };
        assert_eq!(
            in_words(&entry, &WallClock::UTC),
            "1970-01-01 00:01:00  the endpoint refused refresh token ca978112ca1b (invalid_grant: too old); expired: 00:00:00; trace id t-1"
        );
    }

    #[test]
    fn a_sleep_says_since_when_and_never_from_after_its_end() {
        let woke_up = |since| {
            let record = Record::Slept { since: Timestamp::constant(since, 0) };
            in_words(&Entry { at: Timestamp::constant(36_000, 0), record }, &WallClock::UTC)
        };
        assert_eq!(woke_up(3_600), "1970-01-01 10:00:00  the machine woke up; it slept since 01:00");
        assert_eq!(woke_up(40_000), "1970-01-01 10:00:00  the machine woke up; it slept since 10:00:00");
    }
}
