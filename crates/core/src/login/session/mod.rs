//! The state of one account's login: a value without secrets, and one pure function that steps it.

mod derive;
mod outcome;
mod step;
#[cfg(test)]
mod tests;

pub use derive::server_changed;
use jiff::{SignedDuration, Timestamp};

use crate::keychain::KeychainProblem;
use crate::login::access_token::AccessTokenInfo;
use crate::login::journal::Wait;
use crate::login::notice::{Notice, NoticeKind};
use crate::login::policy::Jitter;
use crate::login::token_store::RefreshTokenInfo;
use crate::oauth::failure::{Failure, Refusal};
use crate::oauth::origin::ForeignServer;

/// An account's login. Two questions, two fields: is there a usable access token, and what is the refresher doing?
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    access_token: Option<AccessTokenInfo>,
    refresh_token: Option<RefreshTokenInfo>,
    phase: Phase,
    requests: u64,
    last_success: Option<Timestamp>,
    shown: Shown,
}

/// What the refresher is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// The tokens have not been read from the keychain yet.
    Opening {
        /// The next attempt; `None` while one is under way.
        retry_at: Option<Timestamp>,
        /// Why the last attempt failed.
        problem: Option<KeychainProblem>,
        /// Attempts that failed.
        failures: u32,
    },
    /// No refresh token.
    SignedOut,
    /// The next refresh is planned.
    Scheduled {
        /// When.
        at: Timestamp,
    },
    /// A rotation is under way.
    Requesting {
        /// Which.
        request: RequestId,
        /// The failures before it.
        troubles: Option<FailureStreak>,
        /// The new refresh token is here, and the keychain does not take it yet.
        unstored: Option<KeychainProblem>,
    },
    /// Waiting after a failure.
    BackingOff {
        /// The next attempt.
        until: Timestamp,
        /// When the last attempt began to wait.
        from: Timestamp,
        /// What went wrong so far.
        troubles: FailureStreak,
    },
    /// The endpoint refused the refresh token.
    AuthorizationRequired {
        /// Its words.
        refusal: Refusal,
        /// Since when.
        since: Timestamp,
        /// From when on a person may insist on one more try.
        not_before: Timestamp,
        /// A person insisted on one more try.
        probe: Option<RequestId>,
    },
    /// The login belongs to another server than the account names: nothing is sent and nothing is handed out until a person
    /// changes the one or the other.
    ServerChanged(ForeignServer),
}

/// Failures in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureStreak {
    /// How many.
    pub failures: u32,
    /// Since when; starts anew when the machine wakes up or changes networks.
    pub since: Timestamp,
    /// How many of them may have lost a new refresh token.
    pub lost_answers: u32,
    /// The newest.
    pub newest: Failure,
}

/// The number of a rotation. An outcome that carries an old one changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(u64);

/// Which notifications this incident has shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Shown {
    not_renewed: bool,
    keychain: bool,
    login_ends: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The keychain was read: this is what it and the journal know.
    Opened(Recovered),
    /// The keychain could not be read.
    OpenFailed(KeychainProblem),
    /// The time of [`Session::next_wakeup`] has come.
    TimeoutElapsed,
    /// New tokens are stored.
    TokenGranted {
        /// The rotation.
        request: RequestId,
        /// What it brought.
        tokens: TokensInfo,
    },
    /// New tokens are here, and the keychain does not take the refresh token.
    TokenStoreDelayed {
        /// The rotation.
        request: RequestId,
        /// Why.
        problem: KeychainProblem,
    },
    /// A rotation brought no new tokens.
    TokenRequestFailed {
        /// The rotation.
        request: RequestId,
        /// Why.
        failure: Failure,
    },
    /// A program needs an access token that lasts.
    TokenWanted {
        /// At least this long; `None`: as long as is usual.
        min_valid: Option<SignedDuration>,
    },
    /// A person asks for a refresh now.
    RefreshRequested,
    /// A person logged in, and the new tokens are stored.
    AuthorizationGranted(TokensInfo),
    /// The machine woke up or the network returned.
    ConnectivityReturned,
    /// The keychain may answer again.
    KeychainReturned,
    /// Somebody set the clock.
    ClockSet {
        /// Forward if positive.
        by: SignedDuration,
    },
    /// A person logs out.
    LoggedOut,
}

/// Tokens that are in the keychain, without the tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokensInfo {
    /// The refresh token.
    pub refresh_token: RefreshTokenInfo,
    /// The access token.
    pub access_token: AccessTokenInfo,
}

/// What a start finds in keychain and journal: the outcome of [`recover`](crate::login::recovery::recover). By default
/// nothing: nobody is logged in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The current refresh token; `None`: nobody is logged in.
    pub refresh_token: Option<RefreshTokenInfo>,
    /// The access token that belongs to it.
    pub access_token: Option<AccessTokenInfo>,
    /// How long the endpoint does not want to be asked.
    pub asked_to_wait: Option<Wait>,
    /// What to do with them.
    pub resume: Resume,
}

/// How a login goes on after a start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Resume {
    /// As if nothing had happened.
    #[default]
    Continue,
    /// The refresh token was presented and the outcome is not known: one more try, now.
    TryAgain,
    /// It was presented several times without a known outcome: no hurry.
    TryPatiently {
        /// How often.
        times: u32,
        /// When last.
        last_at: Timestamp,
    },
    /// It was refused before.
    Refused {
        /// The endpoint's words.
        refusal: Refusal,
        /// When.
        since: Timestamp,
        /// Was the person told?
        told: bool,
    },
    /// It belongs to another server than the account names now.
    ServerChanged(ForeignServer),
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Read the tokens from the keychain.
    OpenTokens,
    /// Start a rotation.
    RequestToken(RequestId),
    /// Show a notification.
    Notify(Notice),
    /// Put this in its place if it is still on the screen: what it said is no longer true.
    Update(Notice),
    /// Take a notification back.
    Withdraw(NoticeKind),
    /// Delete the tokens.
    DropFromMemory,
}

/// Why the session wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeupReason {
    /// To read the keychain again.
    Open,
    /// To refresh as planned.
    Refresh,
    /// To try again after a failure.
    Retry,
    /// To tell a person that the token is not renewed.
    Warn,
    /// Because the access token ends, which people see.
    AccessTokenEnds,
}

/// The arguments that make a step repeatable: what time it is, and a sample of randomness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepInput {
    /// The wall clock, UTC.
    pub now: Timestamp,
    /// For jitter.
    pub chance: Jitter,
}

/// The session after an event, and what to do about it.
type Stepped = (Session, Vec<Effect>);

impl Session {
    /// A session whose tokens have yet to be read; [`Effect::OpenTokens`] is what it needs.
    #[must_use]
    pub fn opening() -> Self {
        Self {
            access_token: None,
            refresh_token: None,
            phase: Phase::Opening { retry_at: None, problem: None, failures: 0 },
            requests: 0,
            last_success: None,
            shown: Shown::default(),
        }
    }

    /// What the refresher is doing.
    #[must_use]
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The access token at hand, also when it is over.
    #[must_use]
    pub const fn access_token(&self) -> Option<&AccessTokenInfo> {
        self.access_token.as_ref()
    }

    /// The refresh token in the keychain.
    #[must_use]
    pub const fn refresh_token(&self) -> Option<&RefreshTokenInfo> {
        self.refresh_token.as_ref()
    }
}
