//! The transition function: every pair of event and phase is answered.

use jiff::{SignedDuration, Timestamp};

use super::outcome::planned_refresh;
use super::{Effect, Event, FailureStreak, Phase, Recovered, RequestId, Resume, Session, StepInput, Stepped};
use crate::keychain::KeychainProblem;
use crate::login::access_token::{AccessTokenInfo, shifted};
use crate::login::policy::Policy;
use crate::oauth::failure::{Failure, OutcomeUnknown};

impl Session {
    /// The session after an event, and what to do about it.
    #[must_use]
    pub fn step(mut self, event: Event, moment: StepInput, policy: &Policy) -> Stepped {
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
            Event::LoggedOut => self.logged_out(),
        }
    }

    /// Does the session wait for the outcome of this request?
    #[must_use]
    pub fn awaits(&self, id: RequestId) -> bool {
        match &self.phase {
            Phase::Requesting { request, .. } => *request == id,
            Phase::AuthorizationRequired { probe, .. } => *probe == Some(id),
            Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::BackingOff { .. }
            | Phase::ServerChanged(_) => false,
        }
    }

    fn opened(mut self, recovered: Recovered, moment: StepInput, policy: &Policy) -> Stepped {
        match self.phase {
            Phase::Opening { .. } => {}
            Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::AuthorizationRequired { .. }
            | Phase::ServerChanged(_) => return (self, vec![]),
        }
        let Recovered { refresh_token, access_token, asked_to_wait, resume } = recovered;
        self.last_success = access_token.as_ref().map(|token| token.issued_at);
        self.access_token = access_token;
        self.refresh_token = refresh_token;
        if self.refresh_token.is_none() {
            self.phase = Phase::SignedOut;
            return (self, vec![]);
        }
        let wait = asked_to_wait.and_then(|wait| wait.until(moment.now, policy.longest_retry_after));
        match (resume, wait) {
            (Resume::Continue | Resume::TryAgain | Resume::TryPatiently { .. }, Some(until)) => {
                self.hold_back(until, moment.now)
            }
            (Resume::Continue, None) => self.continue_as_planned(moment, policy),
            (Resume::TryAgain, None) => self.request(None),
            (Resume::TryPatiently { times, last_at }, None) => {
                // The clock may have been set back since.
                let last_at = last_at.min(moment.now);
                let wait = policy.backoff(times, moment.chance);
                let troubles = FailureStreak {
                    failures: times,
                    since: last_at,
                    lost_answers: times,
                    newest: Failure::OutcomeUnknown(OutcomeUnknown::Interrupted),
                };
                let until = shifted(last_at, wait).max(moment.now);
                self.phase = Phase::BackingOff { until, from: moment.now, troubles };
                (self, vec![])
            }
            (Resume::Refused { refusal, since, told }, _) => {
                let notice = self.login_notice(&refusal, moment.now);
                self.phase = Phase::AuthorizationRequired {
                    refusal,
                    since,
                    not_before: shifted(since, policy.spacing),
                    probe: None,
                };
                (self, if told { vec![] } else { vec![Effect::Notify(notice)] })
            }
            (Resume::ServerChanged(foreign), _) => self.server_changed(foreign),
        }
    }

    /// The wait that the endpoint asked for outlives a restart.
    fn hold_back(mut self, until: Timestamp, now: Timestamp) -> Stepped {
        let asked = Failure::RetryLater { retry_after: Some(until.duration_since(now)), http_status: 429 };
        let troubles = FailureStreak { failures: 1, since: now, lost_answers: 0, newest: asked };
        self.phase = Phase::BackingOff { until, from: now, troubles };
        (self, vec![])
    }

    fn continue_as_planned(mut self, moment: StepInput, policy: &Policy) -> Stepped {
        let valid = self.access_token.as_ref().filter(|token| token.remaining(moment.now).is_positive());
        let Some((token, refresh_token)) = valid.zip(self.refresh_token.as_ref()) else {
            return self.request(None);
        };
        let planned = planned_refresh(refresh_token, token, moment, policy);
        let not_before = shifted(moment.now, policy.start_delay(token.remaining(moment.now)));
        self.phase = Phase::Scheduled { at: planned.max(not_before) };
        (self, vec![])
    }

    fn open_failed(mut self, problem: KeychainProblem, moment: StepInput, policy: &Policy) -> Stepped {
        if let Phase::Opening { failures, .. } = self.phase {
            let failures = failures + 1;
            let retry_at = shifted(moment.now, policy.backoff(failures, moment.chance));
            self.phase = Phase::Opening { retry_at: Some(retry_at), problem: Some(problem), failures };
        }
        (self, vec![])
    }

    fn timeout_elapsed(mut self, moment: StepInput, policy: &Policy) -> Stepped {
        let (warning, login_warning) = (self.warning(moment.now, policy), self.login_warning(moment.now, policy));
        self.shown.not_renewed |= warning.is_some();
        self.shown.login_ends |= login_warning.is_some();
        let mut effects: Vec<Effect> = warning.into_iter().chain(login_warning).map(Effect::Notify).collect();
        let now = moment.now;
        effects.extend(self.notice_of_an_expired_token(now).map(Effect::Update));
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
            | Phase::AuthorizationRequired { .. }
            | Phase::ServerChanged(_) => (self, vec![]),
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

    /// The same session with its tokens yet to be read. What was requested before does not count any more.
    #[must_use]
    pub fn reopened(self) -> Self {
        Self { requests: self.requests + 1, ..Self::opening() }
    }

    fn open_again(self) -> Stepped {
        (self.reopened(), vec![Effect::OpenTokens])
    }

    fn request(mut self, troubles: Option<FailureStreak>) -> Stepped {
        let request = self.next_request();
        self.phase = Phase::Requesting { request, troubles, unstored: None };
        (self, vec![Effect::RequestToken(request)])
    }

    fn next_request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    fn token_wanted(self, min_valid: Option<SignedDuration>, moment: StepInput, policy: &Policy) -> Stepped {
        match &self.phase {
            Phase::Scheduled { .. } if self.refresh_helps(min_valid, moment.now, policy) => self.request(None),
            Phase::Scheduled { .. }
            | Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::AuthorizationRequired { .. }
            | Phase::ServerChanged(_) => (self, vec![]),
        }
    }

    /// Has the last grant been long enough ago for another?
    pub(super) fn may_ask(&self, now: Timestamp, policy: &Policy) -> bool {
        let lifetime = self.access_token.as_ref().map_or(SignedDuration::MAX, AccessTokenInfo::lifetime);
        let apart = |last: Timestamp| !(last..shifted(last, policy.grant_spacing(lifetime))).contains(&now);
        self.last_success.is_none_or(apart)
    }

    fn refresh_requested(self, moment: StepInput, policy: &Policy) -> Stepped {
        let now = moment.now;
        let long_ago = |last: Timestamp| !(last..shifted(last, policy.spacing)).contains(&now);
        match &self.phase {
            Phase::Opening { retry_at: Some(_), .. } => self.open(),
            // Another process may have logged in there.
            Phase::ServerChanged(_) => self.open_again(),
            Phase::Scheduled { .. } if self.may_ask(now, policy) => self.request(None),
            Phase::BackingOff { troubles, from, .. }
                if troubles.newest.is_local() || (troubles.newest.asked_wait().is_none() && long_ago(*from)) =>
            {
                let troubles = troubles.clone();
                self.request(Some(troubles))
            }
            Phase::AuthorizationRequired { probe: None, not_before, .. } if *not_before <= now => self.probe(),
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

    fn connectivity_returned(mut self, moment: StepInput) -> Stepped {
        match &mut self.phase {
            Phase::BackingOff { troubles, .. } => {
                troubles.since = moment.now;
                if troubles.newest.asked_wait().is_some() {
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
            | Phase::AuthorizationRequired { .. }
            | Phase::ServerChanged(_) => (self, vec![]),
        }
    }

    fn keychain_returned(self) -> Stepped {
        match &self.phase {
            Phase::Opening { retry_at: Some(_), .. } => self.open(),
            Phase::BackingOff { troubles, .. } if troubles.newest.is_local() => {
                let troubles = troubles.clone();
                self.request(Some(troubles))
            }
            Phase::Opening { .. }
            | Phase::SignedOut
            | Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::AuthorizationRequired { .. }
            | Phase::ServerChanged(_) => (self, vec![]),
        }
    }

    /// Moves the instants with the clock, so that lengths of time stay what they were. What tells a token's age does
    /// not move to later: a clock that jumps forward may have stood still while the machine was paused.
    fn clock_set(mut self, by: SignedDuration) -> Self {
        let moved = |at: &mut Timestamp| *at = shifted(*at, by);
        let aged = |at: &mut Timestamp| *at = shifted(*at, by.min(SignedDuration::ZERO));
        self.access_token = self.access_token.map(|token| token.shifted(by));
        self.last_success.iter_mut().for_each(aged);
        match &mut self.phase {
            Phase::Opening { retry_at, .. } => retry_at.iter_mut().for_each(moved),
            Phase::SignedOut | Phase::ServerChanged(_) => {}
            Phase::Scheduled { at } => aged(at),
            Phase::Requesting { troubles, .. } => troubles.iter_mut().for_each(|t| moved(&mut t.since)),
            Phase::BackingOff { until, from, troubles } => {
                moved(until);
                moved(from);
                moved(&mut troubles.since);
            }
            Phase::AuthorizationRequired { since, not_before, .. } => {
                moved(since);
                moved(not_before);
            }
        }
        self
    }

    fn logged_out(mut self) -> Stepped {
        let mut effects = self.withdrawals();
        effects.push(Effect::DropFromMemory);
        self = Self { phase: Phase::SignedOut, requests: self.requests + 1, ..Self::opening() };
        (self, effects)
    }

    /// A deadline further away than it can legally be is due now: the clock was set back unseen.
    fn pull_in_impossible_deadlines(&mut self, now: Timestamp, policy: &Policy) {
        let lifetime = self.access_token.as_ref().map_or(SignedDuration::MAX, AccessTokenInfo::lifetime);
        let farthest_refresh = lifetime.max(policy.spacing);
        let (deadline, farthest) = match &mut self.phase {
            Phase::Scheduled { at } => (at, farthest_refresh),
            Phase::BackingOff { until: at, .. } | Phase::AuthorizationRequired { not_before: at, .. } => {
                (at, policy.longest_retry_after)
            }
            Phase::Opening { retry_at: Some(at), .. } => (at, policy.longest_backoff),
            Phase::Opening { retry_at: None, .. }
            | Phase::SignedOut
            | Phase::Requesting { .. }
            | Phase::ServerChanged(_) => return,
        };
        if deadline.duration_since(now) > farthest {
            *deadline = now;
        }
    }
}
