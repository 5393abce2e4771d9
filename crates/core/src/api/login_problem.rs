//! What a person is told when a log-in did not work.

use crate::account::AccountName;
use crate::api::problem::{Problem, ProblemKind};
use crate::keychain::KeychainProblem;
use crate::oauth::authorization_code::CallbackRefusal;
use crate::oauth::failure::{AnotherUser, ErrorCode, Failure, OAuthError, Refusal};

/// What to do where a keychain has no default keyring: after an automatic log-in, or where it was deleted.
const NO_DEFAULT_KEYRING: &str = "Make one and set it as default: in Passwords and Keys (seahorse), in KeePassXC, or by logging in to the desktop with \
     your password instead of automatically. Evertoken then continues.";

/// The problem of a keychain that does not do what it was asked to for an account.
#[must_use]
pub fn keychain_problem(name: &AccountName, problem: KeychainProblem) -> Problem {
    let advice = keychain_advice(problem).replace("ACCOUNT", name.as_str());
    Problem::new(ProblemKind::Keychain, format!("{name}: {problem}; {}.", problem.meaning()), advice)
}

/// What to do about a keychain, whosever login is meant.
#[must_use]
pub const fn keychain_advice(problem: KeychainProblem) -> &'static str {
    match problem {
        KeychainProblem::Locked | KeychainProblem::TimedOut => "Unlock the keychain. Evertoken then continues.",
        KeychainProblem::PasswordAsked => "Enter it there; Evertoken continues automatically.",
        KeychainProblem::Unavailable => {
            "Start a keychain such as GNOME Keyring, or open your database in KeePassXC. Evertoken then continues."
        }
        KeychainProblem::NoDefaultKeyring => NO_DEFAULT_KEYRING,
        KeychainProblem::Refused => "Unlock the keychain or make room in it, then run `evertoken refresh`.",
        KeychainProblem::Missing => "Unlock the keychain that was used before, or log in again.",
        KeychainProblem::KeyMissing => {
            "Hand the agent its key: a systemd credential evertoken-key, or settings.keychain_file.key (docs/servers.md)."
        }
        KeychainProblem::KeyNotPrivate => "Make the key readable only by the agent's user, with chown and `chmod 600`.",
        KeychainProblem::KeyMalformed => {
            "Restore the key the file was created with; if there is no login yet, create a key (docs/servers.md)."
        }
        KeychainProblem::FileNotOurs => {
            "The file was not changed. Restore its key or a backup of the file, or move it away and log in again."
        }
        KeychainProblem::FileNotRead => {
            "Check its permissions and its disk; the agent's log says what the system says."
        }
        KeychainProblem::NoClientSecret => "Give it with a log-in: `evertoken login ACCOUNT --client-secret`.",
    }
}

impl CallbackRefusal {
    /// What it is to a client of the local API.
    #[must_use]
    pub fn problem_kind(&self) -> ProblemKind {
        match self {
            Self::Server { error, .. } => match error.as_str() {
                "access_denied" | "login_required" | "consent_required" | "interaction_required" => {
                    ProblemKind::LoginRefused
                }
                "temporarily_unavailable" | "server_error" => ProblemKind::TryLater,
                _ => ProblemKind::ClientRefused,
            },
            Self::AnotherIssuer | Self::NoIssuer | Self::AnotherSignIn => ProblemKind::LoginRefused,
            Self::NoCode => ProblemKind::TryLater,
        }
    }
}

/// The problem of a new refresh token that the keychain does not take yet.
#[must_use]
pub fn login_store_delayed(account: &AccountName, problem: KeychainProblem) -> Problem {
    let advice = keychain_advice(problem);
    Problem::new(
        ProblemKind::Keychain,
        format!(
            "{account}: {problem}; you are logged in, and the new login is only in memory until the keychain accepts it."
        ),
        format!("Keep the agent running: it stores the login by itself. {advice}"),
    )
}

/// The problem of a sign-in at the server that failed before it brought tokens.
#[must_use]
pub fn sign_in_problem(account: &AccountName, failure: &Failure) -> Problem {
    let with = |kind, reason: &str, advice: &str| {
        Problem::new(kind, format!("{account}: not signed in, because {reason}; nothing was changed."), advice)
    };
    let reason = failure.in_words();
    match failure {
        Failure::AuthorizationRequired(Refusal { error: Some(error), .. })
        | Failure::UnexpectedAnswer { error: Some(error), .. } => {
            let (kind, meaning, advice) = sign_in_refused(error);
            with(kind, &meaning, advice)
        }
        Failure::AuthorizationRequired(_) => with(ProblemKind::LoginRefused, NOT_ACCEPTED, "Sign in again."),
        Failure::NotSent(reason) if reason.concerns_certificates() => {
            with(ProblemKind::TryLater, &failure.in_words(), CHECK_CERTIFICATES)
        }
        Failure::NotSent(_)
        | Failure::OutcomeUnknown(_)
        | Failure::RetryLater { .. }
        | Failure::UnexpectedAnswer { error: None, .. } => {
            with(ProblemKind::TryLater, &reason, "Check the network and the issuer, then sign in again.")
        }
        Failure::AnotherUser(_)
        | Failure::ServerChanged(_)
        | Failure::Keychain(_)
        | Failure::Journal
        | Failure::Lock(_)
        | Failure::Ending => login_problem(account, failure),
    }
}

const NOT_ACCEPTED: &str = "the server does not accept the sign-in";
const CHECK_CERTIFICATES: &str = "Check the endpoint's URL and this machine's certificates and clock.";

/// What the server's error means for a sign-in: the kind of problem, the reason, and what to do.
fn sign_in_refused(error: &OAuthError) -> (ProblemKind, String, &'static str) {
    match error.code {
        ErrorCode::UnsupportedGrantType | ErrorCode::UnauthorizedClient => (
            ProblemKind::ClientRefused,
            error.as_cause_of("the server does not let this client sign in this way"),
            "Sign in another way, or ask the people who run the server to allow it for this client.",
        ),
        ErrorCode::InvalidGrant | ErrorCode::BadRefreshToken => {
            (ProblemKind::LoginRefused, error.as_cause_of(NOT_ACCEPTED), "Sign in again.")
        }
        ErrorCode::InteractionRequired
        | ErrorCode::LoginRequired
        | ErrorCode::ConsentRequired
        | ErrorCode::AccountSelectionRequired => (
            ProblemKind::LoginRefused,
            error.as_cause_of(NOT_ACCEPTED),
            "Sign in again with --parameter prompt=consent, or without --parameter prompt=none.",
        ),
        ErrorCode::InvalidClient
        | ErrorCode::InvalidRequest
        | ErrorCode::InvalidScope
        | ErrorCode::InvalidTarget
        | ErrorCode::ServerError
        | ErrorCode::TemporarilyUnavailable
        | ErrorCode::SlowDown => (ProblemKind::ClientRefused, error.in_words(), error.advice()),
    }
}

/// Minutes for which a login of another user waits for its answer, in the agent's memory.
pub const ANOTHER_USER_WAITS: u64 = 10;

fn another_user(account: &AccountName, users: &AnotherUser) -> Problem {
    let AnotherUser { account: was, login } = users;
    Problem::new(
        ProblemKind::AnotherUser,
        format!(
            "The account {account} belongs to {was}; this login belongs to {login}. Nothing was replaced: {was} stays logged in."
        ),
        format!(
            "To replace it, log in again with --replace-user. The token may be used up: for {ANOTHER_USER_WAITS} minutes the \
             same token still works here, then you need a new one. To keep both, log in to an account of another name."
        ),
    )
}

/// The problem of a sign-in whose tokens are here, and whose first refresh failed: nothing was pasted that could be tried
/// again, and the tokens are given up. An earlier login of the account is still there.
#[must_use]
pub fn unproven_sign_in_problem(account: &AccountName, failure: &Failure) -> Problem {
    let with = |kind, advice: &str| {
        let reason = failure.in_words();
        let detail = format!("{account}: you signed in, and the first refresh failed: {reason}; nothing was changed.");
        Problem::new(kind, detail, advice)
    };
    match failure {
        Failure::AuthorizationRequired(Refusal { error: Some(error), .. }) if error.code.refuses_the_client() => {
            with(ProblemKind::ClientRefused, error.advice())
        }
        Failure::AuthorizationRequired(_) => with(
            ProblemKind::LoginRefused,
            "Sign in again. If that fails too, ask the people who run the server whether this client may refresh.",
        ),
        Failure::UnexpectedAnswer { error: Some(error), .. } => with(ProblemKind::ClientRefused, error.advice()),
        Failure::NotSent(reason) if reason.concerns_certificates() => with(ProblemKind::TryLater, CHECK_CERTIFICATES),
        Failure::NotSent(_)
        | Failure::OutcomeUnknown(_)
        | Failure::RetryLater { .. }
        | Failure::UnexpectedAnswer { error: None, .. } => with(ProblemKind::TryLater, "Sign in again later."),
        Failure::AnotherUser(AnotherUser { login, .. }) => Problem {
            advice: format!(
                "To replace it, sign in again as {login} with --replace-user; to keep both, sign in to an account of another \
                 name."
            ),
            ..login_problem(account, failure)
        },
        Failure::ServerChanged(_) | Failure::Keychain(_) | Failure::Journal | Failure::Lock(_) | Failure::Ending => {
            login_problem(account, failure)
        }
    }
}

/// The problem of a log-in that failed. Whatever it is, an earlier login of the account is still there.
#[must_use]
pub fn login_problem(account: &AccountName, failure: &Failure) -> Problem {
    let reason = failure.in_words();
    let with =
        |kind, meaning: &str, advice: &str| Problem::new(kind, format!("{account}: {reason}; {meaning}."), advice);
    const NOTHING_CHANGED: &str = "nothing was changed";
    match failure {
        Failure::AuthorizationRequired(Refusal { error: Some(error), .. }) if error.code.refuses_the_client() => {
            with(ProblemKind::ClientRefused, NOTHING_CHANGED, error.advice())
        }
        Failure::AuthorizationRequired(_) => with(
            ProblemKind::LoginRefused,
            "this refresh token cannot log in, and nothing was changed",
            "Get a new refresh token from the server and try again; an access token cannot log in.",
        ),
        Failure::NotSent(reason) if reason.concerns_certificates() => {
            with(ProblemKind::TryLater, NOTHING_CHANGED, CHECK_CERTIFICATES)
        }
        Failure::NotSent(_) => with(
            ProblemKind::TryLater,
            NOTHING_CHANGED,
            "Check the endpoint's URL and the network, then try again with the same token.",
        ),
        Failure::OutcomeUnknown(_) => with(
            ProblemKind::TryLater,
            "it may have used up this refresh token",
            "Try once more with the same token; if it is refused, get a new one from the server.",
        ),
        Failure::RetryLater { .. } => {
            with(ProblemKind::TryLater, NOTHING_CHANGED, "Try again later with the same token.")
        }
        Failure::UnexpectedAnswer { error: Some(error), .. } => {
            with(ProblemKind::ClientRefused, NOTHING_CHANGED, error.advice())
        }
        Failure::UnexpectedAnswer { error: None, .. } => with(
            ProblemKind::TryLater,
            NOTHING_CHANGED,
            "Check the endpoint's URL, and whether a proxy or a sign-in page stands before it.",
        ),
        Failure::AnotherUser(users) => another_user(account, users),
        Failure::ServerChanged(foreign) => crate::login::session::server_changed(account, foreign),
        Failure::Keychain(problem) => {
            let Problem { advice, .. } = keychain_problem(account, *problem);
            // In a log-in the secret is for the person to give.
            let is_theirs = *problem == KeychainProblem::NoClientSecret;
            let kind = if is_theirs { ProblemKind::InvalidInput } else { ProblemKind::Keychain };
            with(kind, "nothing was sent and nothing was changed", &advice)
        }
        Failure::Journal => with(
            ProblemKind::Failed,
            "nothing was sent and nothing was changed",
            "Make the state folder writable and free some space, then try again.",
        ),
        Failure::Lock(_) => with(
            ProblemKind::TryLater,
            "nothing was sent and nothing was changed",
            "`evertoken doctor` says who holds the lock; end that process, then try again.",
        ),
        Failure::Ending => with(
            ProblemKind::AgentUnavailable,
            "nothing was sent and nothing was changed",
            "Start it again, then log in again.",
        ),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use crate::oauth::failure::{NotSent, OutcomeUnknown};

    #[test]
    fn whoever_signed_in_is_not_told_of_a_token_that_was_pasted() {
        let users = AnotherUser { account: "alice".to_owned(), login: "bob".to_owned() };
        for failure in [
            Failure::AuthorizationRequired(Refusal::default()),
            Failure::OutcomeUnknown(OutcomeUnknown::ServerError { http_status: 500 }),
            Failure::NotSent(NotSent::Connect),
            Failure::RetryLater { retry_after: None, http_status: 429 },
            Failure::UnexpectedAnswer { http_status: 404, error: None, web_page: false },
            Failure::AnotherUser(users),
        ] {
            let Problem { detail, advice, .. } = unproven_sign_in_problem(&"a".parse().unwrap(), &failure);
            let text = format!("{detail} {advice}");
            assert!(!text.contains("token") && text.to_lowercase().contains("sign in"), "{text}");
        }
    }
}
