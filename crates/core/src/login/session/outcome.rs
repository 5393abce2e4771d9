//! What the outcome of a rotation does to the session.

use jiff::{SignedDuration, Timestamp};

use super::{Effect, FailureStreak, Phase, Session, Shown, StepInput, Stepped, TokensInfo};
use crate::keychain::KeychainProblem;
use crate::login::access_token::{AccessTokenInfo, shifted};
use crate::login::notice::{Notice, NoticeKind};
use crate::login::policy::Policy;
use crate::login::token_store::{LoginEnd, RefreshTokenInfo};
use crate::oauth::failure::{Failure, OutcomeUnknown, Refusal};
use crate::oauth::origin::ForeignServer;

impl Session {
    pub(super) fn granted(mut self, tokens: TokensInfo, moment: StepInput, policy: &Policy) -> Stepped {
        if !tokens.access_token.lifetime().is_positive() {
            return self.granted_without_access_token(tokens, moment, policy);
        }
        let mut effects = self.withdrawals();
        // The end that was told, and not one that each refresh rounds anew.
        let soon = shifted(moment.now, LoginEnd::COMPARABLE);
        let still_ends = self.shown.login_ends && ends_soon(&tokens.refresh_token, soon, policy);
        effects.retain(|effect| !still_ends || *effect != Effect::Withdraw(NoticeKind::LoginEnds));
        let TokensInfo { refresh_token, access_token } = tokens;
        let planned = planned_refresh(&refresh_token, &access_token, moment, policy);
        let not_before = shifted(moment.now, policy.grant_spacing(access_token.lifetime()));
        self.phase = Phase::Scheduled { at: planned.max(not_before) };
        self.last_success = Some(moment.now);
        self.access_token = Some(access_token);
        self.refresh_token = Some(refresh_token);
        self.shown = Shown { login_ends: still_ends, ..Shown::default() };
        (self, effects)
    }

    /// The login was renewed, and the access token had expired when it came, or was none: the endpoint is asked again, less
    /// and less often.
    fn granted_without_access_token(mut self, tokens: TokensInfo, moment: StepInput, policy: &Policy) -> Stepped {
        let mut effects = self.withdrawals();
        let stays = [NoticeKind::NotRenewed, NoticeKind::LoginEnds].map(Effect::Withdraw);
        effects.retain(|effect| !stays.contains(effect));
        let failure = Failure::OutcomeUnknown(OutcomeUnknown::NoAccessToken);
        let troubles = after(self.troubles().cloned(), failure, moment.now);
        let wait = self.wait_after(&troubles, moment, policy).max(policy.spacing);
        self.phase = Phase::BackingOff { until: shifted(moment.now, wait), from: moment.now, troubles };
        self.last_success = Some(moment.now);
        self.access_token = Some(tokens.access_token);
        self.refresh_token = Some(tokens.refresh_token);
        self.shown.keychain = false;
        (self, effects)
    }

    /// What a success takes back.
    pub(super) fn withdrawals(&self) -> Vec<Effect> {
        let login = match self.phase {
            Phase::AuthorizationRequired { .. } => Some(NoticeKind::LoginRequired),
            Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::ServerChanged(_) => None,
        };
        let not_renewed = self.shown.not_renewed.then_some(NoticeKind::NotRenewed);
        let keychain = self.shown.keychain.then_some(NoticeKind::KeychainRefused);
        let login_ends = self.shown.login_ends.then_some(NoticeKind::LoginEnds);
        [login, not_renewed, keychain, login_ends].into_iter().flatten().map(Effect::Withdraw).collect()
    }

    pub(super) fn store_delayed(mut self, problem: KeychainProblem) -> Stepped {
        if let Phase::Requesting { unstored, .. } = &mut self.phase {
            *unstored = Some(problem);
        }
        let first = !std::mem::replace(&mut self.shown.keychain, true);
        (self, if first { vec![Effect::Notify(Notice::KeychainRefused)] } else { vec![] })
    }

    pub(super) fn failed(mut self, failure: Failure, moment: StepInput, policy: &Policy) -> Stepped {
        match (failure, &mut self.phase) {
            (
                Failure::AuthorizationRequired(refusal),
                Phase::AuthorizationRequired { refusal: old, not_before, probe, .. },
            ) => {
                *old = refusal;
                *not_before = shifted(moment.now, policy.spacing);
                *probe = None;
                (self, vec![])
            }
            (failure, Phase::AuthorizationRequired { not_before, probe, .. }) => {
                *not_before =
                    shifted(moment.now, failure.asked_wait().map_or(policy.spacing, |asked| policy.retry_after(asked)));
                *probe = None;
                (self, vec![])
            }
            (Failure::AuthorizationRequired(refusal), _) => self.refused(refusal, moment.now, policy),
            (Failure::ServerChanged(foreign), _) => self.server_changed(foreign),
            (
                Failure::UnexpectedAnswer { error: Some(error), .. },
                Phase::Requesting { troubles: Some(before), .. },
            ) if before.failures >= policy.most_refusals && is_refusal(&before.newest) => {
                self.refused(Refusal { error: Some(error), ..Refusal::default() }, moment.now, policy)
            }
            (failure, Phase::Requesting { troubles, .. }) => {
                let troubles = after(troubles.take(), failure, moment.now);
                let wait = self.wait_after(&troubles, moment, policy);
                self.phase = Phase::BackingOff { until: shifted(moment.now, wait), from: moment.now, troubles };
                (self, vec![])
            }
            (
                _,
                Phase::Opening { .. }
                | Phase::SignedOut
                | Phase::Scheduled { .. }
                | Phase::BackingOff { .. }
                | Phase::ServerChanged(_),
            ) => (self, vec![]),
        }
    }

    pub(super) fn refused(mut self, refusal: Refusal, now: Timestamp, policy: &Policy) -> Stepped {
        let mut effects: Vec<Effect> = self.withdrawals();
        effects.push(Effect::Notify(self.login_notice(&refusal, now)));
        self.shown = Shown::default();
        self.phase =
            Phase::AuthorizationRequired { refusal, since: now, not_before: shifted(now, policy.spacing), probe: None };
        (self, effects)
    }

    /// Nobody is told to log in: the login is not lost.
    pub(super) fn server_changed(mut self, foreign: ForeignServer) -> Stepped {
        let effects = self.withdrawals();
        self.access_token = None;
        self.shown = Shown::default();
        self.phase = Phase::ServerChanged(foreign);
        (self, effects)
    }

    pub(super) fn login_notice(&self, refusal: &Refusal, now: Timestamp) -> Notice {
        // A token from the future may have expired or not: the clock was set back.
        let is_known = |token: &&AccessTokenInfo| token.remaining(now).is_positive() || token.expires_at <= now;
        Notice::LoginRequired {
            expired_at: refusal.expired_at,
            access_token_until: self.access_token.as_ref().filter(is_known).map(|token| token.expires_at),
        }
    }

    fn wait_after(&self, troubles: &FailureStreak, moment: StepInput, policy: &Policy) -> SignedDuration {
        let usual = policy.backoff(troubles.failures, moment.chance);
        match &troubles.newest {
            Failure::RetryLater { retry_after: Some(asked), .. } => policy.retry_after(*asked),
            Failure::UnexpectedAnswer { .. } => policy.odd_backoff(troubles.failures, moment.chance),
            Failure::OutcomeUnknown(_)
                if troubles.lost_answers >= policy.lost_answers_before_patience && self.is_valid(moment.now) =>
            {
                policy.longest_backoff
            }
            Failure::NotSent(_)
            | Failure::OutcomeUnknown(_)
            | Failure::RetryLater { retry_after: None, .. }
            | Failure::AuthorizationRequired(_)
            | Failure::AnotherUser(_)
            | Failure::ServerChanged(_)
            | Failure::Keychain(_)
            | Failure::Journal
            | Failure::Lock(_)
            | Failure::Ending => usual,
        }
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        self.access_token.as_ref().is_some_and(|token| token.remaining(now).is_positive())
    }
}

/// When new tokens are refreshed. A login whose end each refresh moves, or may move, is renewed before that end.
pub(super) fn planned_refresh(
    refresh_token: &RefreshTokenInfo,
    access_token: &AccessTokenInfo,
    moment: StepInput,
    policy: &Policy,
) -> Timestamp {
    let planned = shifted(access_token.issued_at, policy.refresh_delay(access_token.lifetime(), moment.chance));
    let may_move = refresh_token.end.filter(|end| end.moves != Some(false));
    let in_time = may_move.map(|end| {
        let life = end.at.duration_since(refresh_token.stored_at);
        shifted(refresh_token.stored_at, policy.refresh_delay(life, moment.chance))
    });
    // One that has passed was missed, or refreshes do not move the end: asking more often would not help.
    in_time.filter(|in_time| *in_time > moment.now).map_or(planned, |in_time| planned.min(in_time))
}

/// From when on a person is told that the login ends.
pub(super) fn login_warning_at(refresh_token: &RefreshTokenInfo, policy: &Policy) -> Option<Timestamp> {
    refresh_token.end.map(|end| shifted(end.at, -policy.login_warning_lead(end.lifetime())))
}

fn ends_soon(refresh_token: &RefreshTokenInfo, now: Timestamp, policy: &Policy) -> bool {
    login_warning_at(refresh_token, policy).is_some_and(|at| at <= now)
}

/// Is it the server's own word that no waiting will change?
const fn is_refusal(failure: &Failure) -> bool {
    matches!(failure, Failure::UnexpectedAnswer { error: Some(_), .. })
}

fn after(before: Option<FailureStreak>, failure: Failure, now: Timestamp) -> FailureStreak {
    let lost = match &failure {
        Failure::OutcomeUnknown(outcome) => u32::from(outcome.loses_an_answer()),
        Failure::NotSent(_)
        | Failure::RetryLater { .. }
        | Failure::UnexpectedAnswer { .. }
        | Failure::AuthorizationRequired(_)
        | Failure::AnotherUser(_)
        | Failure::ServerChanged(_)
        | Failure::Keychain(_)
        | Failure::Journal
        | Failure::Lock(_)
        | Failure::Ending => 0,
    };
    match before {
        Some(before) => FailureStreak {
            failures: before.failures.saturating_add(1),
            since: before.since.min(now),
            lost_answers: before.lost_answers + lost,
            newest: failure,
        },
        None => FailureStreak { failures: 1, since: now, lost_answers: lost, newest: failure },
    }
}
