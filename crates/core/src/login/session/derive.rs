//! What follows from a session: status, deadlines, answers to those who want a token.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::outcome::login_warning_at;
use super::{FailureStreak, Phase, Session, WakeupReason};
use crate::account::AccountName;
use crate::api::login_problem::{keychain_problem, login_store_delayed};
use crate::api::problem::{Problem, ProblemKind};
use crate::api::status::{AccessTokenStatus, AccountStatus, LoginStatus, RefreshStatus, RefreshTokenStatus, State};
use crate::config::duration::in_words;
use crate::keychain::KeychainProblem;
use crate::login::access_token::{AccessTokenInfo, shifted};
use crate::login::notice::Notice;
use crate::login::policy::Policy;
use crate::oauth::cleaned::cleaned;
use crate::oauth::failure::Failure;
use crate::oauth::origin::ForeignServer;
use crate::oauth::server::Server;
use crate::oauth::token_response::LONGEST_SCOPE;

impl Session {
    /// The next instant at which something happens by itself; `None`: never.
    #[must_use]
    pub fn next_wakeup(&self, now: Timestamp, policy: &Policy) -> Option<(Timestamp, WakeupReason)> {
        let planned = match &self.phase {
            Phase::Opening { retry_at, .. } => retry_at.map(|at| (at, WakeupReason::Open)),
            Phase::Scheduled { at } => Some((*at, WakeupReason::Refresh)),
            Phase::BackingOff { until, .. } => Some((*until, WakeupReason::Retry)),
            Phase::SignedOut
            | Phase::Requesting { .. }
            | Phase::AuthorizationRequired { .. }
            | Phase::ServerChanged(_) => None,
        };
        let end = self.access_token.as_ref().map(|token| (token.expires_at, WakeupReason::AccessTokenEnds));
        let end = end.filter(|(at, _)| *at > now);
        let warning = self.warn_at(policy).map(|at| (at, WakeupReason::Warn));
        let login_warning = self.login_warn_at(policy).map(|at| (at, WakeupReason::Warn));
        [planned, end, warning, login_warning].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Is a rotation or the first read of the keychain under way, so that waiting makes sense?
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        match &self.phase {
            Phase::Requesting { unstored, .. } => unstored.is_none(),
            Phase::Opening { retry_at, .. } => retry_at.is_none(),
            Phase::AuthorizationRequired { probe, .. } => probe.is_some(),
            Phase::SignedOut | Phase::Scheduled { .. } | Phase::BackingOff { .. } | Phase::ServerChanged(_) => false,
        }
    }

    /// Does the access token last as long as is asked for?
    #[must_use]
    pub fn lasts(&self, min_valid: Option<SignedDuration>, now: Timestamp, policy: &Policy) -> bool {
        self.access_token.as_ref().is_some_and(|token| {
            let remaining = token.remaining(now);
            remaining.is_positive() && remaining >= policy.min_valid(min_valid, token.lifetime())
        })
    }

    /// Would a refresh now bring a token that lasts as long as is asked for?
    pub(super) fn refresh_helps(&self, min_valid: Option<SignedDuration>, now: Timestamp, policy: &Policy) -> bool {
        self.access_token.is_none()
            || (!self.lasts(min_valid, now, policy)
                && self.may_ask(now, policy)
                && self.is_attainable(min_valid, policy))
    }

    /// Does any refresh bring a token that lasts as long as is asked for?
    fn is_attainable(&self, min_valid: Option<SignedDuration>, policy: &Policy) -> bool {
        self.access_token.as_ref().is_none_or(|token| {
            let lifetime = token.lifetime();
            policy.min_valid(min_valid, lifetime) <= policy.attainable(lifetime)
        })
    }

    pub(super) fn troubles(&self) -> Option<&FailureStreak> {
        match &self.phase {
            Phase::Requesting { troubles, .. } => troubles.as_ref(),
            Phase::BackingOff { troubles, .. } => Some(troubles),
            Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::AuthorizationRequired { .. }
            | Phase::ServerChanged(_) => None,
        }
    }

    fn warn_at(&self, policy: &Policy) -> Option<Timestamp> {
        let (troubles, token) = (self.troubles()?, self.access_token.as_ref()?);
        if self.shown.not_renewed || matches!(troubles.newest, Failure::Keychain(_)) {
            return None;
        }
        let near_the_end = shifted(token.expires_at, -policy.warning_lead(token.lifetime()));
        let failing_long = shifted(troubles.since, policy.warning_patience(token.lifetime()));
        Some(near_the_end.max(failing_long))
    }

    /// The warning that is due, if one is.
    pub(super) fn warning(&self, now: Timestamp, policy: &Policy) -> Option<Notice> {
        self.warn_at(policy).filter(|at| *at <= now)?;
        self.not_renewed_notice()
    }

    fn not_renewed_notice(&self) -> Option<Notice> {
        let (troubles, token) = (self.troubles()?, self.access_token.as_ref()?);
        Some(Notice::NotRenewed {
            cause: troubles.newest.in_words(),
            since: troubles.since,
            access_token_until: token.expires_at,
        })
    }

    /// What a notification says once the access token that it speaks of has expired.
    pub(super) fn notice_of_an_expired_token(&self, now: Timestamp) -> Option<Notice> {
        self.access_token.as_ref().filter(|token| token.expires_at <= now)?;
        match &self.phase {
            Phase::AuthorizationRequired { refusal, .. } => Some(self.login_notice(refusal, now)),
            Phase::Requesting { .. } | Phase::BackingOff { .. } if self.shown.not_renewed => self.not_renewed_notice(),
            Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::ServerChanged(_) => None,
        }
    }

    /// When a person is told that the login ends, once for each start of the agent; `None`: it has no end that is known, or
    /// there is something else to be told.
    fn login_warn_at(&self, policy: &Policy) -> Option<Timestamp> {
        match &self.phase {
            Phase::Scheduled { .. } | Phase::Requesting { .. } | Phase::BackingOff { .. } if !self.shown.login_ends => {
                login_warning_at(self.refresh_token.as_ref()?, policy)
            }
            Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::AuthorizationRequired { .. }
            | Phase::ServerChanged(_) => None,
        }
    }

    /// The warning that the login ends, if it is due.
    pub(super) fn login_warning(&self, now: Timestamp, policy: &Policy) -> Option<Notice> {
        self.login_warn_at(policy).filter(|at| *at <= now)?;
        Some(Notice::LoginEnds { at: self.refresh_token.as_ref()?.end?.at })
    }

    fn keychain_problem(&self) -> Option<KeychainProblem> {
        match &self.phase {
            Phase::Opening { problem, .. } => *problem,
            // Still true while it is asked once more.
            Phase::Requesting {
                unstored: None,
                troubles: Some(FailureStreak { newest: Failure::Keychain(problem), .. }),
                ..
            } => Some(*problem),
            Phase::Requesting { unstored, .. } => *unstored,
            Phase::BackingOff { troubles: FailureStreak { newest: Failure::Keychain(problem), .. }, .. } => {
                Some(*problem)
            }
            Phase::BackingOff { .. }
            | Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::AuthorizationRequired { .. }
            | Phase::ServerChanged(_) => None,
        }
    }

    /// When the last refresh that worked was sent.
    #[must_use]
    pub const fn last_success(&self) -> Option<Timestamp> {
        self.last_success
    }

    /// The state in one word.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        let valid = self.access_token.as_ref().is_some_and(|token| token.remaining(now).is_positive());
        if self.keychain_problem().is_some() {
            return State::KeychainUnavailable;
        }
        match (&self.phase, valid) {
            (Phase::SignedOut, _) => State::SignedOut,
            (Phase::ServerChanged(_), _) => State::ServerChanged,
            (Phase::AuthorizationRequired { .. }, true) => State::LoginSoon,
            (Phase::AuthorizationRequired { .. }, false) => State::LoginRequired,
            (Phase::Opening { .. } | Phase::Requesting { .. }, _) => State::Refreshing,
            (Phase::Scheduled { .. }, true) => State::Valid,
            (Phase::BackingOff { .. }, true) => State::Retrying,
            (Phase::Scheduled { .. } | Phase::BackingOff { .. }, false) => State::Expired,
        }
    }

    /// What people and scripts are told.
    #[must_use]
    pub fn status(&self, name: &AccountName, server: &Server, default: bool, now: Timestamp) -> AccountStatus {
        let token = self.access_token.as_ref();
        let status = AccountStatus {
            name: name.clone(),
            default,
            endpoint: server.endpoint.as_str().to_owned(),
            state: self.state(now),
            user_id: token.and_then(|token| token.user_id.clone()),
            scope: token.map(|token| token.scope.clone()).unwrap_or_default(),
            access_token: token
                .filter(|token| token.remaining(now).is_positive())
                .map(|token| token_status(token, now)),
            refresh: self.refresh_status(),
            refresh_token: self.refresh_token.as_ref().map(|info| RefreshTokenStatus {
                fingerprint: info.fingerprint,
                stored_at: info.stored_at,
                rotations: info.rotations,
            }),
            login: self.login_status(server),
            sign_in: server.sign_in_methods(),
            // What the agent does with the token is not the session's to know.
            token_file: None,
            approvals: Vec::new(),
            identity: None,
        };
        in_whole_seconds(status)
    }

    fn refresh_status(&self) -> RefreshStatus {
        let troubles = self.troubles();
        let next_at = match &self.phase {
            Phase::Scheduled { at } => Some(*at),
            Phase::BackingOff { until, .. } => Some(*until),
            Phase::Opening { retry_at, .. } => *retry_at,
            Phase::SignedOut
            | Phase::Requesting { .. }
            | Phase::AuthorizationRequired { .. }
            | Phase::ServerChanged(_) => None,
        };
        let keychain = self.keychain_problem().map(|problem| problem.to_string());
        RefreshStatus {
            next_at,
            last_success_at: self.last_success,
            failures: troubles.map_or(0, |troubles| troubles.failures),
            failing_since: troubles.map(|troubles| troubles.since),
            last_error: keychain.or_else(|| troubles.map(|troubles| troubles.newest.in_words())),
        }
    }

    fn login_status(&self, server: &Server) -> LoginStatus {
        match &self.phase {
            Phase::AuthorizationRequired { refusal, since, .. } => LoginStatus {
                required_since: Some(*since),
                reason: Some(Failure::AuthorizationRequired(refusal.clone()).in_words()),
                ..LoginStatus::default()
            },
            Phase::ServerChanged(foreign) => {
                LoginStatus { reason: Some(foreign.to_string()), ..LoginStatus::default() }
            }
            Phase::Scheduled { .. } | Phase::Requesting { .. } | Phase::BackingOff { .. } => LoginStatus {
                before: self.refresh_token.as_ref().and_then(|info| info.end?.log_in_before()),
                not_granted: self.not_granted(server),
                ..LoginStatus::default()
            },
            Phase::Opening { .. } | Phase::SignedOut => LoginStatus::default(),
        }
    }

    /// What was asked for and what the access token may not do. The other two scopes of OpenID Connect are about the login.
    fn not_granted(&self, server: &Server) -> Vec<String> {
        let granted = self.access_token.iter().flat_map(|token| &token.scope);
        let granted: BTreeSet<&str> = granted.map(String::as_str).collect();
        // A server that grants what was asked for need not say so (RFC 6749 section 5.1).
        let asked = server.asked_scope().filter(|_| !granted.is_empty());
        let missing = asked.filter(|scope| !granted.contains(scope) && !["openid", "offline_access"].contains(scope));
        missing.map(|scope| cleaned(scope, LONGEST_SCOPE)).collect()
    }

    /// Why there is no access token that lasts as long as was asked for, and what to do about it.
    #[must_use]
    pub fn why_no_token(&self, name: &AccountName, min_valid: Option<SignedDuration>, policy: &Policy) -> Problem {
        if let Phase::Requesting { unstored: Some(problem), .. } = self.phase {
            return login_store_delayed(name, problem);
        }
        if let Some(problem) = self.keychain_problem() {
            return keychain_problem(name, problem);
        }
        let log_in = format!("Log in: `evertoken login {name}`, or open the window.");
        match &self.phase {
            Phase::SignedOut => {
                Problem::new(ProblemKind::LoginRequired, format!("{name}: nobody is logged in."), log_in)
            }
            Phase::AuthorizationRequired { refusal, .. } => {
                let reason = Failure::AuthorizationRequired(refusal.clone()).in_words();
                Problem::new(ProblemKind::LoginRequired, format!("{name}: {reason}."), log_in)
            }
            Phase::ServerChanged(foreign) => server_changed(name, foreign),
            Phase::BackingOff { troubles, until, .. } => failing(name, &troubles.newest, Some(*until)),
            Phase::Requesting { troubles: Some(troubles), .. } => failing(name, &troubles.newest, None),
            Phase::Opening { .. } | Phase::Requesting { troubles: None, .. } => renewing(name),
            // Also a token that had expired when it was stored at last: the next request is due in a moment.
            Phase::Scheduled { .. } if self.is_attainable(min_valid, policy) => renewing(name),
            Phase::Scheduled { .. } => self.too_short_lived(name, policy),
        }
    }

    /// Trying again would not help: no refresh brings a token that lasts that long.
    fn too_short_lived(&self, name: &AccountName, policy: &Policy) -> Problem {
        let lifetime = self.access_token.as_ref().map_or(SignedDuration::ZERO, AccessTokenInfo::lifetime);
        let attainable = policy.attainable(lifetime).max(SignedDuration::ZERO);
        Problem::new(
            ProblemKind::TooShortLived,
            format!("{name}: this server's access tokens do not last that long; they last {}.", in_words(lifetime)),
            format!("Ask for less: --min-valid {}s at most.", attainable.as_secs()),
        )
    }
}

/// People and scripts get whole seconds, rounded down: never more than there is.
fn in_whole_seconds(mut status: AccountStatus) -> AccountStatus {
    let AccountStatus { access_token, refresh, refresh_token, login, .. } = &mut status;
    let RefreshStatus { next_at, last_success_at, failing_since, .. } = refresh;
    let instants = [
        next_at.as_mut(),
        last_success_at.as_mut(),
        failing_since.as_mut(),
        login.required_since.as_mut(),
        login.before.as_mut(),
    ];
    let access_token = access_token.as_mut().map(|token| [&mut token.issued_at, &mut token.expires_at]);
    let stored_at = refresh_token.as_mut().map(|token| &mut token.stored_at);
    for at in instants.into_iter().flatten().chain(access_token.into_iter().flatten()).chain(stored_at) {
        *at = Timestamp::from_second(at.as_second()).unwrap_or(*at);
    }
    status
}

fn token_status(token: &AccessTokenInfo, now: Timestamp) -> AccessTokenStatus {
    AccessTokenStatus {
        issued_at: token.issued_at,
        expires_at: token.expires_at,
        expires_in: token.remaining(now).as_secs(),
    }
}

/// The problem of a login whose account names another server.
#[must_use]
pub fn server_changed(name: &AccountName, foreign: &ForeignServer) -> Problem {
    let ForeignServer { belongs_to, configured } = foreign;
    Problem::new(
        ProblemKind::ServerChanged,
        format!("{name}: {foreign}; nothing was sent and the login is kept."),
        format!(
            "Log in to {configured}: `evertoken login {name}`, or change the account back to {belongs_to} in config.toml."
        ),
    )
}

fn renewing(name: &AccountName) -> Problem {
    Problem::new(
        ProblemKind::TryLater,
        format!("{name}: the access token is being renewed."),
        "Try again in a moment, or wait for it with --wait.",
    )
}

fn failing(name: &AccountName, failure: &Failure, until: Option<Timestamp>) -> Problem {
    let next = until.map_or_else(
        || "Evertoken is trying again now.".to_owned(),
        |at| format!("Evertoken tries again by itself at {}.", at.strftime("%FT%TZ")),
    );
    let detail = format!("{name}: {}, so the access token is not renewed; the login is kept.", failure.in_words());
    match failure {
        Failure::UnexpectedAnswer { error: Some(error), .. } => {
            Problem::new(ProblemKind::ClientRefused, detail, error.advice())
        }
        Failure::UnexpectedAnswer { error: None, .. }
        | Failure::NotSent(_)
        | Failure::OutcomeUnknown(_)
        | Failure::RetryLater { .. }
        | Failure::AuthorizationRequired(_)
        | Failure::AnotherUser(_)
        | Failure::ServerChanged(_)
        | Failure::Keychain(_)
        | Failure::Journal
        | Failure::Lock(_) => Problem::new(ProblemKind::TryLater, detail, next),
        Failure::Ending => Problem::new(ProblemKind::AgentUnavailable, detail, "Start it again."),
    }
}
