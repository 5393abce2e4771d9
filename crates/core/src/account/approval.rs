//! Who asked for access tokens, and who may have them.

use std::collections::VecDeque;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{AccountName, Sharing};

/// A program: the file that a process runs, as the operating system tells it. Not what the process says of itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Program(String);

impl Program {
    /// A program by the path of its file.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The path of its file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who asks. `evertoken` itself asks on behalf of the program that ran it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Caller {
    /// The program; absent when the operating system does not tell.
    pub program: Option<Program>,
    /// Its process.
    pub pid: Option<u32>,
}

/// What became of the wish for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AccessOutcome {
    /// It got the token.
    Granted,
    /// It may have one, and there was none to give, or no clipboard to put it on.
    Unavailable,
    /// It was the first time, and a person was asked.
    Asked,
    /// A person said no.
    Denied,
}

/// One wish for an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Access {
    /// When, UTC.
    pub at: Timestamp,
    /// Whose token.
    pub account: AccountName,
    /// Who asked.
    #[serde(flatten)]
    pub caller: Caller,
    /// What became of it.
    pub outcome: AccessOutcome,
    /// Why it got none, in a sentence, when there was none to give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// So many are remembered: a day of a person's work, about 200 KiB.
pub const MOST_ACCESSES: usize = 1_000;

/// The newest accesses, in memory only.
#[derive(Debug, Default)]
pub struct AccessLog(VecDeque<Access>);

impl AccessLog {
    /// Takes note of one; the oldest goes when there are [`MOST_ACCESSES`].
    pub fn record(&mut self, access: Access) {
        if self.0.len() == MOST_ACCESSES {
            self.0.pop_front();
        }
        self.0.push_back(access);
    }

    /// All of them, the newest last.
    pub fn iter(&self) -> impl Iterator<Item = &Access> {
        self.0.iter()
    }
}

/// What an account's settings say of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It may have tokens.
    Allowed,
    /// It may not.
    Denied,
    /// A person has to decide.
    Undecided,
}

impl Sharing {
    /// May the program have this account's access tokens? A program that the system does not name is never let in
    /// where a person has to approve.
    #[must_use]
    pub fn permission(&self, program: Option<&Program>) -> Permission {
        match program {
            _ if !self.require_approval => Permission::Allowed,
            None => Permission::Denied,
            Some(program) if self.denied_programs.contains(program) => Permission::Denied,
            Some(program) if self.allowed_programs.contains(program) => Permission::Allowed,
            Some(_) => Permission::Undecided,
        }
    }

    /// Remembers what a person decided; the newest decision counts.
    pub fn decide(&mut self, program: &Program, allow: bool) {
        self.allowed_programs.remove(program);
        self.denied_programs.remove(program);
        let programs = if allow { &mut self.allowed_programs } else { &mut self.denied_programs };
        programs.insert(program.clone());
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    fn asking() -> Sharing {
        Sharing { require_approval: true, ..Sharing::default() }
    }

    #[test]
    fn where_nothing_has_to_be_approved_everybody_is_let_in() {
        assert_eq!(Sharing::default().permission(None), Permission::Allowed);
    }

    #[test]
    fn a_person_is_asked_once_and_the_newest_decision_counts() {
        let (mut account, curl) = (asking(), Program::new("/usr/bin/curl"));
        assert_eq!(account.permission(Some(&curl)), Permission::Undecided);
        account.decide(&curl, true);
        assert_eq!(account.permission(Some(&curl)), Permission::Allowed);
        account.decide(&curl, false);
        assert_eq!(account.permission(Some(&curl)), Permission::Denied);
        assert_eq!(account.permission(Some(&Program::new("/usr/bin/curl2"))), Permission::Undecided);
    }

    #[test]
    fn a_program_without_a_name_is_not_let_in_where_a_person_has_to_approve() {
        assert_eq!(asking().permission(None), Permission::Denied);
    }

    #[test]
    fn the_log_does_not_grow_with_use() {
        let mut log = AccessLog::default();
        for second in 0..MOST_ACCESSES as i64 + 5 {
            log.record(Access {
                at: Timestamp::new(second, 0).unwrap(),
                account: "a".parse().unwrap(),
                caller: Caller::default(),
                outcome: AccessOutcome::Granted,
                reason: None,
            });
        }
        let seconds: Vec<_> = log.iter().map(|access| access.at.as_second()).collect();
        assert_eq!(seconds.len(), MOST_ACCESSES);
        assert_eq!((seconds[0], seconds[MOST_ACCESSES - 1]), (5, MOST_ACCESSES as i64 + 4));
    }
}
