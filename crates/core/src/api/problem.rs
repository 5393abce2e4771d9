//! Errors of the local API as `application/problem+json` (RFC 9457), and the exit codes they turn into.

use serde::{Deserialize, Serialize};

use crate::oauth::token::Fingerprint;

/// What went wrong, what it means for the login, and what to do. Never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[error("{detail}")]
pub struct Problem {
    /// The stable name of the problem.
    #[serde(rename = "type")]
    pub kind: ProblemKind,
    /// The HTTP status it travels with.
    pub status: u16,
    /// One sentence: what happened and what it means for the login.
    pub detail: String,
    /// One sentence: what to do.
    pub advice: String,
    /// The login that waits for a person's answer, for `login/replace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Fingerprint>,
}

macro_rules! problem_kinds {
    ($($(#[$doc:meta])* $name:ident = $slug:literal, $status:literal, $exit:ident;)*) => {
        /// The stable names of all problems.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum ProblemKind { $($(#[$doc])* #[serde(rename = $slug)] $name,)* }

        impl ProblemKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
            /// The HTTP status that it travels with.
            #[must_use]
            pub const fn http_status(self) -> u16 { match self { $(Self::$name => $status,)* } }
            /// The exit code of a command that fails with it.
            #[must_use]
            pub const fn exit_code(self) -> ExitCode { match self { $(Self::$name => ExitCode::$exit,)* } }
        }
    };
}

problem_kinds! {
    /// The request is not what the API documents.
    BadRequest = "urn:evertoken:bad-request", 400, Usage;
    /// The person's input cannot be used.
    InvalidInput = "urn:evertoken:invalid-input", 422, Usage;
    /// No account has that name.
    UnknownAccount = "urn:evertoken:unknown-account", 404, Usage;
    /// Several accounts, and none is named or the default.
    AccountNotNamed = "urn:evertoken:account-not-named", 409, Usage;
    /// An account of that name exists.
    AccountExists = "urn:evertoken:account-exists", 409, Usage;
    /// No such path or version.
    NoSuchCall = "urn:evertoken:no-such-call", 404, Failed;
    /// The endpoint refused the refresh token: a person must log in.
    LoginRequired = "urn:evertoken:login-required", 403, LoginRequired;
    /// The login belongs to another server than the configuration names.
    ServerChanged = "urn:evertoken:server-changed", 403, LoginRequired;
    /// The credential that was given in a log-in was refused by the endpoint.
    LoginRefused = "urn:evertoken:login-refused", 403, LoginRequired;
    /// The new login belongs to another user than the account's.
    AnotherUser = "urn:evertoken:another-user", 409, Failed;
    /// The endpoint does not accept the account's client: its id, its secret or what it asks for.
    ClientRefused = "urn:evertoken:client-refused", 502, Failed;
    /// The endpoint cannot be reached or wants to be left alone for a while.
    TryLater = "urn:evertoken:try-later", 503, TryLater;
    /// The endpoint's access tokens do not live as long as was asked for.
    TooShortLived = "urn:evertoken:too-short-lived", 409, Failed;
    /// The keychain is locked or unavailable.
    Keychain = "urn:evertoken:keychain", 503, Keychain;
    /// A person has to allow the program first, and is asked.
    ApprovalRequired = "urn:evertoken:approval-required", 403, TryLater;
    /// A person refused the program.
    AccessDenied = "urn:evertoken:access-denied", 403, Failed;
    /// There is no clipboard to copy to.
    NoClipboard = "urn:evertoken:no-clipboard", 503, Failed;
    /// The configuration cannot be read or written.
    Configuration = "urn:evertoken:configuration", 500, Failed;
    /// The agent cannot be reached or started (made by clients).
    AgentUnavailable = "urn:evertoken:agent-unavailable", 503, Failed;
    /// Something else failed.
    Failed = "urn:evertoken:failed", 500, Failed;
}

/// The exit codes of `evertoken`: stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// A person must log in.
    LoginRequired = 3,
    /// Not possible now; try again later.
    TryLater = 4,
    /// The keychain is locked or unavailable.
    Keychain = 5,
}

impl Problem {
    /// A problem from its kind and its two sentences.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        let detail = without_error_numbers(detail.into());
        Self { kind, status: kind.http_status(), detail, advice: advice.into(), login: None }
    }
}

/// What libraries add to the words of the operating system: the number of the error, and a temporary path.
fn without_error_numbers(mut text: String) -> String {
    for (begin, end) in [(" (os error ", ")"), (" at path \"", "\"")] {
        while let Some(start) = text.find(begin)
            && let Some(length) = text[start + begin.len()..].find(end)
        {
            text.replace_range(start..start + begin.len() + length + end.len(), "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_person_reads_the_systems_words_and_no_numbers() {
        let full = std::io::Error::from_raw_os_error(28);
        let problem = Problem::new(ProblemKind::Failed, format!("Not written: {full} at path \"/a/.tmpX\"."), "");
        assert!(problem.detail.starts_with("Not written: ") && problem.detail.ends_with('.'));
        assert!(!problem.detail.contains("os error") && !problem.detail.contains(".tmp"), "{}", problem.detail);
        assert_eq!(without_error_numbers("(os error x, at path \"".to_owned()), "(os error x, at path \"");
    }

    #[test]
    fn every_problem_travels_as_an_error_and_ends_in_a_failing_exit_code() {
        for kind in ProblemKind::ALL {
            assert!(kind.http_status() >= 400);
            assert_ne!(kind.exit_code(), ExitCode::Done);
            let text = serde_json::to_string(&Problem::new(*kind, "a", "b")).unwrap();
            assert!(text.contains("urn:evertoken:"), "{text}");
            assert_eq!(serde_json::from_str::<Problem>(&text).unwrap().kind, *kind);
        }
    }
}
