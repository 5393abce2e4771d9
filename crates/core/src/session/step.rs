//! The transition function: every pair of event and phase is answered.

use jiff::{SignedDuration, Timestamp};

use super::{
    AccessTokenInfo, Effect, Event, Moment, Phase, Recovered, RequestId, Resume, Session, Shown, Tokens, Troubles,
    shifted,
};
use crate::failure::{Failure, Refusal};
use crate::keychain::KeychainProblem;
use crate::notice::{Notice, NoticeKind};
use crate::policy::Policy;

type Stepped = (Session, Vec<Effect>);

impl Session {
    /// The session after an event, and what to do about it.
    #[must_use]
    pub fn step(mut self, event: Event, moment: Moment, policy: &Policy) -> Stepped {
        if let Event::ClockSet { by } = event {
            self = self.clock_set(by);
        }
        self.pull_in_impossible_deadlines(moment.now, policy);
        match event {
            Event::Opened(recovered) => self.opened(recovered, moment, policy),
            Event::OpenFailed(problem) => self.open_failed(problem, moment, policy),
            Event::TimeoutElapsed => self.timeout_elapsed(moment, policy),
            Event::TokenGranted { request, tokens } if self.awaits(request) => self.granted(tokens, moment, policy),
            Event::TokenStoreDelayed { request, problem } if self.awaits(request) => self.store_delayed(problem),
            Event::TokenRequestFailed { request, failure } if self.awaits(request) => {
                self.failed(failure, moment, policy)
            }
            Event::TokenGranted { .. } | Event::TokenStoreDelayed { .. } | Event::TokenRequestFailed { .. } => {
                (self, vec![])
            }
            Event::TokenWanted { min_valid } => self.token_wanted(min_valid, moment, policy),
            Event::RefreshRequested => self.refresh_requested(moment, policy),
            Event::AuthorizationGranted(tokens) => self.granted(tokens, moment, policy),
            Event::ConnectivityReturned => self.connectivity_returned(moment),
            Event::KeychainReturned => self.keychain_returned(),
            Event::ClockSet { .. } => (self, vec![]),
            Event::LogoutRequested => self.logged_out(),
        }
    }

    fn awaits(&self, id: RequestId) -> bool {
        match &self.phase {
            Phase::Requesting { request, .. } => *request == id,
            Phase::AuthorizationRequired { probe, .. } => *probe == Some(id),
            Phase::Opening { .. } | Phase::SignedOut | Phase::Scheduled { .. } | Phase::BackingOff { .. } => false,
        }
    }

    fn opened(mut self, recovered: Recovered, moment: Moment, policy: &Policy) -> Stepped {
        match self.phase {
            Phase::Opening { .. } => {}
            Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::AuthorizationRequired { .. } => return (self, vec![]),
        }
        let Recovered { refresh_token, access_token, resume } = recovered;
        self.last_success = access_token.as_ref().map(|token| token.issued_at);
        self.access_token = access_token;
        self.refresh_token = refresh_token;
        if self.refresh_token.is_none() {
            self.phase = Phase::SignedOut;
            return (self, vec![]);
        }
        match resume {
            Resume::Continue => self.continue_as_planned(moment, policy),
            Resume::TryAgain => self.request(None),
            Resume::TryPatiently { times, last_at } => {
                // The clock may have been set back since.
                let last_at = last_at.min(moment.now);
                let wait = policy.backoff(times, moment.chance);
                let troubles = Troubles {
                    failures: times,
                    since: last_at,
                    lost_answers: times,
                    newest: Failure::OutcomeUnknown(crate::failure::OutcomeUnknown::Interrupted),
                };
                let until = shifted(last_at, wait).max(moment.now);
                self.phase = Phase::BackingOff { until, from: moment.now, troubles };
                (self, vec![])
            }
            Resume::Refused { refusal, since, told } => {
                let notice = self.login_notice(&refusal, moment.now);
                self.phase = Phase::AuthorizationRequired { refusal, since, tried_at: since, probe: None };
                (self, if told { vec![] } else { vec![Effect::Notify(notice)] })
            }
        }
    }

    fn continue_as_planned(mut self, moment: Moment, policy: &Policy) -> Stepped {
        let Some(token) = self.access_token.as_ref().filter(|token| token.remaining(moment.now).is_positive()) else {
            return self.request(None);
        };
        let planned = shifted(token.issued_at, policy.refresh_delay(token.lifetime(), moment.chance));
        let not_before = shifted(moment.now, policy.start_delay(token.remaining(moment.now)));
        self.phase = Phase::Scheduled { at: planned.max(not_before) };
        (self, vec![])
    }

    fn open_failed(mut self, problem: KeychainProblem, moment: Moment, policy: &Policy) -> Stepped {
        if let Phase::Opening { failures, .. } = self.phase {
            let failures = failures + 1;
            let retry_at = shifted(moment.now, policy.backoff(failures, moment.chance));
            self.phase = Phase::Opening { retry_at: Some(retry_at), problem: Some(problem), failures };
        }
        (self, vec![])
    }

    fn timeout_elapsed(mut self, moment: Moment, policy: &Policy) -> Stepped {
        let warning = self.warning(moment.now, policy);
        let mut effects: Vec<Effect> = warning.into_iter().map(Effect::Notify).collect();
        self.shown.not_renewed |= !effects.is_empty();
        let now = moment.now;
        let (session, more) = match &self.phase {
            Phase::Opening { retry_at: Some(at), .. } if *at <= now => self.open(),
            Phase::Scheduled { at } if *at <= now => self.request(None),
            Phase::BackingOff { until, troubles, .. } if *until <= now => {
                let troubles = troubles.clone();
                self.request(Some(troubles))
            }
            Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::AuthorizationRequired { .. } => (self, vec![]),
        };
        effects.extend(more);
        (session, effects)
    }

    fn open(mut self) -> Stepped {
        if let Phase::Opening { retry_at, .. } = &mut self.phase {
            *retry_at = None;
        }
        (self, vec![Effect::OpenTokens])
    }

    fn request(mut self, troubles: Option<Troubles>) -> Stepped {
        let request = self.next_request();
        self.phase = Phase::Requesting { request, troubles, unstored: None };
        (self, vec![Effect::RequestToken(request)])
    }

    fn next_request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    fn granted(mut self, tokens: Tokens, moment: Moment, policy: &Policy) -> Stepped {
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

    /// What a success takes back.
    fn withdrawals(&self) -> Vec<Effect> {
        let login = match self.phase {
            Phase::AuthorizationRequired { .. } => Some(NoticeKind::LoginRequired),
            Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. } => None,
        };
        let not_renewed = self.shown.not_renewed.then_some(NoticeKind::NotRenewed);
        let keychain = self.shown.keychain.then_some(NoticeKind::KeychainRefused);
        [login, not_renewed, keychain].into_iter().flatten().map(Effect::Withdraw).collect()
    }

    fn store_delayed(mut self, problem: KeychainProblem) -> Stepped {
        if let Phase::Requesting { unstored, .. } = &mut self.phase {
            *unstored = Some(problem);
        }
        let first = !std::mem::replace(&mut self.shown.keychain, true);
        (self, if first { vec![Effect::Notify(Notice::KeychainRefused)] } else { vec![] })
    }

    fn failed(mut self, failure: Failure, moment: Moment, policy: &Policy) -> Stepped {
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
            (failure, Phase::Requesting { troubles, .. }) => {
                let troubles = after(troubles.take(), failure, moment.now);
                let wait = self.wait_after(&troubles, moment, policy);
                self.phase = Phase::BackingOff { until: shifted(moment.now, wait), from: moment.now, troubles };
                (self, vec![])
            }
            (_, Phase::Opening { .. } | Phase::SignedOut | Phase::Scheduled { .. } | Phase::BackingOff { .. }) => {
                (self, vec![])
            }
        }
    }

    fn refused(mut self, refusal: Refusal, now: Timestamp) -> Stepped {
        let mut effects: Vec<Effect> = self.withdrawals();
        effects.push(Effect::Notify(self.login_notice(&refusal, now)));
        self.shown = Shown::default();
        self.phase = Phase::AuthorizationRequired { refusal, since: now, tried_at: now, probe: None };
        (self, effects)
    }

    fn login_notice(&self, refusal: &Refusal, now: Timestamp) -> Notice {
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
            | Failure::Keychain(_)
            | Failure::Journal => usual,
        }
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        self.access_token.as_ref().is_some_and(|token| token.remaining(now).is_positive())
    }

    fn token_wanted(self, min_valid: Option<SignedDuration>, moment: Moment, policy: &Policy) -> Stepped {
        match &self.phase {
            Phase::Scheduled { .. } if self.refresh_helps(min_valid, moment.now, policy) => self.request(None),
            Phase::Scheduled { .. }
            | Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::AuthorizationRequired { .. } => (self, vec![]),
        }
    }

    /// Has the last grant been long enough ago for another?
    pub(super) fn may_ask(&self, now: Timestamp, policy: &Policy) -> bool {
        let lifetime = self.access_token.as_ref().map_or(SignedDuration::MAX, AccessTokenInfo::lifetime);
        let apart = |last: Timestamp| !(last..shifted(last, policy.grant_spacing(lifetime))).contains(&now);
        self.last_success.is_none_or(apart)
    }

    fn refresh_requested(self, moment: Moment, policy: &Policy) -> Stepped {
        let now = moment.now;
        let long_ago = |last: Timestamp| !(last..shifted(last, policy.spacing)).contains(&now);
        match &self.phase {
            Phase::Opening { retry_at: Some(_), .. } => self.open(),
            Phase::Scheduled { .. } if self.may_ask(now, policy) => self.request(None),
            Phase::BackingOff { troubles, from, .. }
                if may_hurry(&troubles.newest) || (!asked_to_wait(&troubles.newest) && long_ago(*from)) =>
            {
                let troubles = troubles.clone();
                self.request(Some(troubles))
            }
            Phase::AuthorizationRequired { probe: None, tried_at, .. } if long_ago(*tried_at) => self.probe(),
            Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::AuthorizationRequired { .. } => (self, vec![]),
        }
    }

    fn probe(mut self) -> Stepped {
        let request = self.next_request();
        if let Phase::AuthorizationRequired { probe, .. } = &mut self.phase {
            *probe = Some(request);
        }
        (self, vec![Effect::RequestToken(request)])
    }

    fn connectivity_returned(mut self, moment: Moment) -> Stepped {
        match &mut self.phase {
            Phase::BackingOff { troubles, .. } => {
                troubles.since = moment.now;
                if asked_to_wait(&troubles.newest) {
                    return (self, vec![]);
                }
                let troubles = troubles.clone();
                self.request(Some(troubles))
            }
            Phase::Requesting { troubles: Some(troubles), .. } => {
                troubles.since = moment.now;
                (self, vec![])
            }
            Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::Requesting { troubles: None, .. }
            | Phase::AuthorizationRequired { .. } => (self, vec![]),
        }
    }

    fn keychain_returned(self) -> Stepped {
        match &self.phase {
            Phase::Opening { retry_at: Some(_), .. } => self.open(),
            Phase::BackingOff { troubles, .. } if may_hurry(&troubles.newest) => {
                let troubles = troubles.clone();
                self.request(Some(troubles))
            }
            Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::AuthorizationRequired { .. } => (self, vec![]),
        }
    }

    /// Moves every instant with the clock, so that lengths of time stay what they were.
    fn clock_set(mut self, by: SignedDuration) -> Self {
        let moved = |at: &mut Timestamp| *at = shifted(*at, by);
        self.access_token = self.access_token.map(|token| token.shifted(by));
        self.last_success.iter_mut().for_each(moved);
        match &mut self.phase {
            Phase::Opening { retry_at, .. } => retry_at.iter_mut().for_each(moved),
            Phase::SignedOut => {}
            Phase::Scheduled { at } => moved(at),
            Phase::Requesting { troubles, .. } => troubles.iter_mut().for_each(|t| moved(&mut t.since)),
            Phase::BackingOff { until, from, troubles } => {
                moved(until);
                moved(from);
                moved(&mut troubles.since);
            }
            Phase::AuthorizationRequired { since, tried_at, .. } => {
                moved(since);
                moved(tried_at);
            }
        }
        self
    }

    fn logged_out(mut self) -> Stepped {
        let mut effects = self.withdrawals();
        effects.push(Effect::ForgetTokens);
        self = Self { phase: Phase::SignedOut, requests: self.requests + 1, ..Self::opening() };
        (self, effects)
    }

    /// A deadline further away than it can legally be is due now: the clock was set back unseen.
    fn pull_in_impossible_deadlines(&mut self, now: Timestamp, policy: &Policy) {
        let lifetime = self.access_token.as_ref().map_or(SignedDuration::MAX, AccessTokenInfo::lifetime);
        let farthest_refresh = lifetime.max(policy.spacing);
        let (deadline, farthest) = match &mut self.phase {
            Phase::Scheduled { at } => (at, farthest_refresh),
            Phase::BackingOff { until, .. } => (until, policy.longest_retry_after),
            Phase::Opening { retry_at: Some(at), .. } => (at, policy.longest_backoff),
            Phase::Opening { retry_at: None, .. }
            | Phase::SignedOut
            | Phase::Requesting { .. }
            | Phase::AuthorizationRequired { .. } => return,
        };
        if deadline.duration_since(now) > farthest {
            *deadline = now;
        }
    }
}

fn after(before: Option<Troubles>, failure: Failure, now: Timestamp) -> Troubles {
    let lost = match &failure {
        Failure::OutcomeUnknown(outcome) => u32::from(outcome.loses_an_answer()),
        Failure::NotSent(_)
        | Failure::Later { .. }
        | Failure::Odd { .. }
        | Failure::AuthorizationRequired(_)
        | Failure::Keychain(_)
        | Failure::Journal => 0,
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

/// Nothing was sent, so that trying again costs the endpoint nothing.
const fn may_hurry(failure: &Failure) -> bool {
    match failure {
        Failure::Keychain(_) | Failure::Journal => true,
        Failure::NotSent(_)
        | Failure::OutcomeUnknown(_)
        | Failure::Later { .. }
        | Failure::Odd { .. }
        | Failure::AuthorizationRequired(_) => false,
    }
}

/// The endpoint named a time before which it does not want to be asked.
const fn asked_to_wait(failure: &Failure) -> bool {
    match failure {
        Failure::Later { retry_after, .. } => retry_after.is_some(),
        Failure::NotSent(_)
        | Failure::OutcomeUnknown(_)
        | Failure::Odd { .. }
        | Failure::AuthorizationRequired(_)
        | Failure::Keychain(_)
        | Failure::Journal => false,
    }
}
