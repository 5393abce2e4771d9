//! The rotation journal: one JSON line for each thing that happened to an account's login. No secret in it.
//!
//! It answers one question that the keychain cannot: *was this refresh token already presented?*

mod carried;
mod sleeps;
mod spent;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::carried::carried;
pub use self::sleeps::with_sleeps;
pub use self::spent::is_spent;
use crate::oauth::failure::{Failure, Refusal};
use crate::oauth::token::Fingerprint;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// When, UTC.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub record: Record,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Record {
    /// The refresh token is about to be sent to the endpoint.
    Presented {
        /// The refresh token.
        fingerprint: Fingerprint,
    },
    /// Its successor is in the keychain, read back.
    Stored {
        /// The new refresh token.
        fingerprint: Fingerprint,
        /// Rotations since the log-in.
        rotations: u64,
        /// The end of the access token that came with it, UTC.
        expires_at: Timestamp,
    },
    /// The request never left this machine; the refresh token is untouched.
    NotSent {
        /// The refresh token.
        fingerprint: Fingerprint,
        /// Why, in a sentence.
        reason: String,
    },
    /// The request was sent and no readable answer came: the server may have rotated.
    OutcomeUnknown {
        /// The refresh token.
        fingerprint: Fingerprint,
        /// Why, in a sentence.
        reason: String,
    },
    /// The endpoint answered something that is no verdict on the login.
    Declined {
        /// The refresh token.
        fingerprint: Fingerprint,
        /// What it answered, in a sentence.
        reason: String,
        /// Seconds for which it does not want to be asked again, if it said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<i64>,
    },
    /// The endpoint refused the refresh token.
    Refused {
        /// The refresh token.
        fingerprint: Fingerprint,
        /// When it expired, if the endpoint said so, UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expired_at: Option<Timestamp>,
        /// The endpoint's own id of this answer, for its support.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace_id: Option<String>,
        /// The endpoint's own words, cleaned and bounded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The person has seen that a log-in is required.
    Told {
        /// The refused refresh token.
        fingerprint: Fingerprint,
        /// Since which start of the machine: after the next one they are told again.
        #[serde(default)]
        boot: String,
    },
    /// A new refresh token could not be stored yet.
    StoreDelayed {
        /// The new refresh token.
        fingerprint: Fingerprint,
        /// Why, in a sentence.
        reason: String,
    },
    /// A person logged in: the token is stored, and the configuration names its server.
    LoggedIn {
        /// The refresh token that the log-in ended with.
        fingerprint: Fingerprint,
    },
    /// A person logged out: the tokens are gone on purpose.
    LoggedOut,
    /// The server was asked to revoke what was logged out (RFC 7009).
    Revoked {
        /// The refresh token that was logged out.
        fingerprint: Fingerprint,
        /// Did the server confirm it?
        confirmed: bool,
        /// Why not, in a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The machine woke up.
    Slept {
        /// When it went to sleep, UTC.
        since: Timestamp,
    },
}

impl Record {
    /// Does it say that somebody was logged in?
    #[must_use]
    pub const fn is_of_a_login(&self) -> bool {
        matches!(self, Self::Stored { .. } | Self::LoggedIn { .. } | Self::LoggedOut)
    }

    /// The record of a failed request; `None` when nothing was presented.
    #[must_use]
    pub fn of_failure(fingerprint: Fingerprint, failure: &Failure) -> Option<Self> {
        let reason = failure.in_words();
        match failure {
            Failure::NotSent(_) => Some(Self::NotSent { fingerprint, reason }),
            Failure::OutcomeUnknown(_) => Some(Self::OutcomeUnknown { fingerprint, reason }),
            Failure::RetryLater { retry_after, .. } => {
                let retry_after = retry_after.map(|asked| asked.as_secs());
                Some(Self::Declined { fingerprint, reason, retry_after })
            }
            Failure::UnexpectedAnswer { .. } | Failure::AnotherUser(_) => {
                Some(Self::Declined { fingerprint, reason, retry_after: None })
            }
            Failure::AuthorizationRequired(refusal) => {
                let Refusal { expired_at, trace_id, error } = refusal.clone();
                Some(Self::Refused { fingerprint, expired_at, trace_id, reason: error.map(|error| error.words()) })
            }
            Failure::ServerChanged(_)
            | Failure::Keychain(_)
            | Failure::Journal
            | Failure::Lock(_)
            | Failure::Ending => None,
        }
    }
}

/// What the journal knows about the login, read from its first line to its last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The refresh token that the keychain took last; `None` before the first log-in and after a log-out.
    pub stored: Option<Fingerprint>,
    /// The token that the newest log-in ended with: the configuration has followed it.
    pub logged_in: Option<Fingerprint>,
    /// Tokens whose outcome is not known, since the last that was stored: the login's own and such as people gave.
    pub unresolved: Vec<Unresolved>,
    /// How long the endpoint does not want to be asked.
    pub asked_to_wait: Option<Wait>,
    /// Refused tokens, since the last that was stored.
    pub refused: Vec<Refused>,
}

/// A wait that an endpoint asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// The refresh token that it does not want to see.
    pub fingerprint: Fingerprint,
    /// When it asked, UTC.
    pub since: Timestamp,
    /// Until when, UTC.
    pub until: Timestamp,
}

impl Wait {
    /// Until when it is still to be waited at `now`, but not for longer than `most`. A wait from the future proves that the clock
    /// was set back: nothing is known about its end.
    #[must_use]
    pub fn until(self, now: Timestamp, most: SignedDuration) -> Option<Timestamp> {
        let bounded = self.until.min(now.saturating_add(most).unwrap_or(now));
        Some(bounded).filter(|until| self.since <= now && *until > now)
    }
}

/// A token that was presented and whose outcome no line tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The presented refresh token.
    pub fingerprint: Fingerprint,
    /// How many times it was presented without a known outcome.
    pub times: u32,
    /// The last of them, UTC.
    pub last_at: Timestamp,
}

/// A token that the endpoint refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The refused refresh token.
    pub fingerprint: Fingerprint,
    /// When it was refused, UTC.
    pub at: Timestamp,
    /// When it had expired, if the endpoint said so, UTC.
    pub expired_at: Option<Timestamp>,
    /// In which run of the machine the person was told, if at all.
    pub told: Option<String>,
}

/// `GET /v1/accounts/{name}/history`: the newest entries last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryAnswer {
    /// The journal's entries.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// The token that the endpoint refused, if this is about that.
    #[must_use]
    pub fn refused(&self) -> Option<Fingerprint> {
        if let Record::Refused { fingerprint, .. } = self.record { Some(fingerprint) } else { None }
    }

    /// The entry as the journal holds it: one line with its newline.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

/// Reads a journal. A line that is torn, garbled or of a kind this version does not know is passed over: the
/// lines around it still count.
#[must_use]
pub fn parse(bytes: &[u8]) -> Vec<Entry> {
    bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// What the entries say about the login.
#[must_use]
pub fn summarize(entries: &[Entry]) -> Summary {
    entries.iter().fold(Summary::default(), |summary, entry| summary.and(entry))
}

/// Was this token ever sent to its endpoint? A login that waits for an answer is not sent a second time after a restart.
#[must_use]
pub fn was_presented(entries: &[Entry], token: Fingerprint) -> bool {
    entries.iter().any(|entry| entry.record == Record::Presented { fingerprint: token })
}

impl Summary {
    /// What is not known about this token's outcome.
    #[must_use]
    pub fn unresolved(&self, token: Fingerprint) -> Option<&Unresolved> {
        self.unresolved.iter().find(|unresolved| unresolved.fingerprint == token)
    }

    /// The endpoint's refusal of this token.
    #[must_use]
    pub fn refused(&self, token: Fingerprint) -> Option<&Refused> {
        self.refused.iter().find(|refused| refused.fingerprint == token)
    }

    fn and(mut self, entry: &Entry) -> Self {
        match &entry.record {
            Record::Presented { fingerprint } => self.present(*fingerprint, entry.at),
            Record::Stored { fingerprint, .. } => {
                self = Self { stored: Some(*fingerprint), logged_in: self.logged_in, ..Self::default() };
            }
            Record::LoggedIn { fingerprint } => {
                (self.stored, self.logged_in) = (Some(*fingerprint), Some(*fingerprint));
            }
            Record::NotSent { fingerprint, .. } => self.unpresent(*fingerprint),
            Record::Declined { fingerprint, retry_after, .. } => {
                self.resolve(*fingerprint);
                let asked = retry_after.map(SignedDuration::from_secs);
                let until = asked.and_then(|asked| entry.at.saturating_add(asked).ok());
                self.asked_to_wait = until.map(|until| Wait { fingerprint: *fingerprint, since: entry.at, until });
            }
            Record::Refused { fingerprint, expired_at, .. } => {
                self.resolve(*fingerprint);
                let told = self.refused(*fingerprint).and_then(|refused| refused.told.clone());
                self.refused.retain(|refused| refused.fingerprint != *fingerprint);
                self.refused.push(Refused { fingerprint: *fingerprint, at: entry.at, expired_at: *expired_at, told });
            }
            Record::Told { fingerprint, boot } => {
                if let Some(refused) = self.refused.iter_mut().find(|r| r.fingerprint == *fingerprint) {
                    refused.told = Some(boot.clone());
                }
            }
            Record::OutcomeUnknown { .. }
            | Record::StoreDelayed { .. }
            | Record::Revoked { .. }
            | Record::Slept { .. } => {}
            Record::LoggedOut => self = Self::default(),
        }
        self
    }

    fn present(&mut self, token: Fingerprint, at: Timestamp) {
        match self.unresolved.iter_mut().find(|unresolved| unresolved.fingerprint == token) {
            Some(unresolved) => {
                unresolved.times += 1;
                unresolved.last_at = at;
            }
            None => self.unresolved.push(Unresolved { fingerprint: token, times: 1, last_at: at }),
        }
    }

    fn resolve(&mut self, token: Fingerprint) {
        self.unresolved.retain(|unresolved| unresolved.fingerprint != token);
    }

    /// Takes back one presentation that never left this machine; an earlier one stays unresolved.
    fn unpresent(&mut self, token: Fingerprint) {
        for unresolved in self.unresolved.iter_mut().filter(|unresolved| unresolved.fingerprint == token) {
            unresolved.times -= 1;
        }
        self.unresolved.retain(|unresolved| unresolved.times > 0);
    }
}

#[cfg(test)]
mod tests;
