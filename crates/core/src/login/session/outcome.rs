//! What the outcome of a rotation does to the session.

use jiff::{SignedDuration, Timestamp};

use super::{Effect, Moment, Phase, Session, Shown, Stepped, Tokens, Troubles};
use crate::keychain::KeychainProblem;
use crate::login::access_token::shifted;
use crate::login::notice::Notice;
use crate::login::notice::NoticeKind;
use crate::login::policy::Policy;
use crate::oauth::failure::{Failure, OutcomeUnknown, Refusal};
use crate::oauth::origin::ForeignServer;

impl Session {
    pub(super) fn granted(mut self, tokens: Tokens, moment: Moment, policy: &Policy) -> Stepped {
        if !tokens.access_token.lifetime().is_positive() {
            return self.granted_without_access_token(tokens, moment, policy);
        }
        let effects = self.withdrawals();
        let Tokens { refresh_token, access_token } = tokens;
        let lifetime = access_token.lifetime();
        let planned = shifted(access_token.issued_at, policy.refresh_delay(lifetime, moment.chance));
        let not_before = shifted(moment.now, policy.grant_spacing(lifetime));
        self.phase = Phase::Scheduled { at: planned.max(not_before) };
        self.last_success = Some(moment.now);
        self.access_token = Some(access_token);
        self.refresh_token = Some(refresh_token);
        self.shown = Shown::default();
        (self, effects)
    }

    /// The login was renewed, and the access token had expired when it came, or was none: the endpoint is asked again, less
    /// and less often.
    fn granted_without_access_token(mut self, tokens: Tokens, moment: Moment, policy: &Policy) -> Stepped {
        let mut effects = self.withdrawals();
        effects.retain(|effect| *effect != Effect::Withdraw(NoticeKind::NotRenewed));
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
        [login, not_renewed, keychain].into_iter().flatten().map(Effect::Withdraw).collect()
    }

    pub(super) fn store_delayed(mut self, problem: KeychainProblem) -> Stepped {
        if let Phase::Requesting { unstored, .. } = &mut self.phase {
            *unstored = Some(problem);
        }
        let first = !std::mem::replace(&mut self.shown.keychain, true);
        (self, if first { vec![Effect::Notify(Notice::KeychainRefused)] } else { vec![] })
    }

    pub(super) fn failed(mut self, failure: Failure, moment: Moment, policy: &Policy) -> Stepped {
        match (failure, &mut self.phase) {
            (
                Failure::AuthorizationRequired(refusal),
                Phase::AuthorizationRequired { refusal: old, tried_at, probe, .. },
            ) => {
                *old = refusal;
                *tried_at = moment.now;
                *probe = None;
                (self, vec![])
            }
            (_, Phase::AuthorizationRequired { tried_at, probe, .. }) => {
                *tried_at = moment.now;
                *probe = None;
                (self, vec![])
            }
            (Failure::AuthorizationRequired(refusal), _) => self.refused(refusal, moment.now),
            (Failure::ServerChanged(foreign), _) => self.server_changed(foreign),
            (Failure::Odd { error: Some(error), .. }, Phase::Requesting { troubles: Some(before), .. })
                if before.failures >= policy.most_refusals && is_refusal(&before.newest) =>
            {
                self.refused(Refusal { error: Some(error), ..Refusal::default() }, moment.now)
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

    pub(super) fn refused(mut self, refusal: Refusal, now: Timestamp) -> Stepped {
        let mut effects: Vec<Effect> = self.withdrawals();
        effects.push(Effect::Notify(self.login_notice(&refusal, now)));
        self.shown = Shown::default();
        self.phase = Phase::AuthorizationRequired { refusal, since: now, tried_at: now, probe: None };
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
        let valid = self.access_token.as_ref().filter(|token| token.remaining(now).is_positive());
        Notice::LoginRequired {
            expired_at: refusal.expired_at,
            access_token_until: valid.map(|token| token.expires_at),
        }
    }

    fn wait_after(&self, troubles: &Troubles, moment: Moment, policy: &Policy) -> SignedDuration {
        let usual = policy.backoff(troubles.failures, moment.chance);
        match &troubles.newest {
            Failure::Later { retry_after: Some(asked), .. } => policy.retry_after(*asked),
            Failure::Odd { .. } => policy.odd_backoff(troubles.failures, moment.chance),
            Failure::OutcomeUnknown(_)
                if troubles.lost_answers >= policy.lost_answers_before_patience && self.is_valid(moment.now) =>
            {
                policy.longest_backoff
            }
            Failure::NotSent(_)
            | Failure::OutcomeUnknown(_)
            | Failure::Later { retry_after: None, .. }
            | Failure::AuthorizationRequired(_)
            | Failure::AnotherUser(_)
            | Failure::ServerChanged(_)
            | Failure::Keychain(_)
            | Failure::Journal
            | Failure::Lock(_) => usual,
        }
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        self.access_token.as_ref().is_some_and(|token| token.remaining(now).is_positive())
    }
}

/// Is it the server's own word that no waiting will change?
const fn is_refusal(failure: &Failure) -> bool {
    matches!(failure, Failure::Odd { error: Some(_), .. })
}

fn after(before: Option<Troubles>, failure: Failure, now: Timestamp) -> Troubles {
    let lost = match &failure {
        Failure::OutcomeUnknown(outcome) => u32::from(outcome.loses_an_answer()),
        Failure::NotSent(_)
        | Failure::Later { .. }
        | Failure::Odd { .. }
        | Failure::AuthorizationRequired(_)
        | Failure::AnotherUser(_)
        | Failure::ServerChanged(_)
        | Failure::Keychain(_)
        | Failure::Journal
        | Failure::Lock(_) => 0,
    };
    match before {
        Some(before) => Troubles {
            failures: before.failures.saturating_add(1),
            since: before.since.min(now),
            lost_answers: before.lost_answers + lost,
            newest: failure,
        },
        None => Troubles { failures: 1, since: now, lost_answers: lost, newest: failure },
    }
}
