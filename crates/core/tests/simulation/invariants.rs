//! What must hold, by the numbers of the list in the crate's README.

use evertoken_core::login::journal::Record;
use evertoken_core::login::rotation::Outcome;
use evertoken_core::login::session::{Effect, Event, Phase, Session, StepInput};
use evertoken_core::login::token_store::RefreshTokenInfo;
use evertoken_core::oauth::failure::{Failure, NotSent};
use evertoken_core::oauth::token::Fingerprint;
use jiff::{SignedDuration, Timestamp};

use super::agent::{Hold, Job, Running};
use super::clock::{DAY, MINUTE, SECOND};
use super::server::Fate;
use super::world::World;

impl World {
    #[track_caller]
    pub(crate) fn violated(&self, invariant: &str, how: &str) -> ! {
        panic!(
            "{invariant} is violated: {how}\nafter {:.4} days; see it again with EVERTOKEN_SIM_SEED={}\n{:?}",
            self.t as f64 / DAY as f64,
            self.seed,
            self.setting
        );
    }

    /// After each happening.
    pub(crate) fn check(&mut self) {
        let touched = std::mem::take(&mut self.keychain.touched);
        if let Some(token) = self.must_hold.as_ref().filter(|token| touched && !self.keychain.holds(token)) {
            self.violated("I2", &format!("the keychain has lost {token}"));
        }
        for agent in self.agents.iter().filter(|agent| agent.alive) {
            let signed_out = *agent.session.phase() == Phase::SignedOut;
            if signed_out && self.must_hold.is_some() && !agent.is_forgetting() && self.agents.len() == 1 {
                let busy = agent.running.is_some() || !agent.jobs.is_empty() || agent.forgets_later;
                if !busy {
                    self.violated("I2", "signed out with a login in the keychain");
                }
            }
        }
    }

    /// After each step of a session.
    pub(crate) fn check_step(&mut self, i: usize, before: &Session, event: &Event, effects: &[Effect], now: Timestamp) {
        let after = self.agents[i].session.clone();
        self.check_access_token_is_kept(before, &after, event);
        let late = after.next_wakeup(now, &self.policy).is_some_and(|(at, _)| at <= now);
        if late && matches!(event, Event::TimeoutElapsed) {
            self.violated("I8", "the next wake-up is not in the future");
        }
        let requests = effects.iter().filter(|effect| matches!(effect, Effect::RequestToken(_))).count();
        if requests > 0 {
            if requests > 1 || self.agents[i].is_refreshing_for(before) {
                self.violated("I1", "a second request for one account");
            }
            self.check_hold(i, event);
            self.check_spacing(i, before);
            self.agents[i].hold = None;
        }
        self.hold_after(i, &after, event, now);
    }

    fn check_access_token_is_kept(&self, before: &Session, after: &Session, event: &Event) {
        match event {
            Event::Opened(_)
            | Event::TokenGranted { .. }
            | Event::AuthorizationGranted(_)
            | Event::ClockSet { .. }
            | Event::LoggedOut => {}
            Event::OpenFailed(_)
            | Event::TimeoutElapsed
            | Event::TokenStoreDelayed { .. }
            | Event::TokenRequestFailed { .. }
            | Event::TokenWanted { .. }
            | Event::RefreshRequested
            | Event::ConnectivityReturned
            | Event::KeychainReturned => {
                if before.access_token() != after.access_token() {
                    self.violated("I7", &format!("{event:?} changed the access token"));
                }
            }
        }
    }

    fn check_hold(&self, i: usize, event: &Event) {
        let Some(hold) = self.agents[i].hold else { return };
        // An hour of drift, at most.
        let early = self.t + SECOND < hold.until;
        let asked = matches!(event, Event::RefreshRequested | Event::ConnectivityReturned | Event::KeychainReturned);
        if early && (hold.strict || !asked) {
            let ahead = (hold.until - self.t) / SECOND;
            self.violated("I5", &format!("{event:?} causes a request {ahead} s before the wait ends ({hold:?})"));
        }
    }

    /// Grants lie half a minute apart, or a quarter of a token's life.
    fn check_spacing(&self, i: usize, before: &Session) {
        let (Phase::Scheduled { .. }, Some(granted_at)) = (before.phase(), self.agents[i].granted_at) else { return };
        let lifetime = before.access_token().map_or(DAY, |token| token.lifetime().as_millis() as i64);
        let apart = (lifetime / 4).clamp(SECOND, 30 * SECOND);
        if self.t - granted_at < apart - SECOND / 10 {
            self.violated("I5", &format!("a request {} ms after the last grant", self.t - granted_at));
        }
    }

    fn hold_after(&mut self, i: usize, after: &Session, event: &Event, now: Timestamp) {
        match event {
            Event::TokenRequestFailed { failure: Failure::RetryLater { retry_after: Some(asked), .. }, .. } => {
                let asked = asked.as_secs().clamp(1, 3600) * SECOND;
                self.agents[i].hold = Some(Hold { until: self.t + asked, strict: true });
                self.last_trouble = self.last_trouble.max(self.t + asked);
            }
            Event::TokenRequestFailed { .. } => {
                if let Phase::BackingOff { until, .. } = after.phase() {
                    let wait = until.duration_since(now).as_millis() as i64;
                    self.agents[i].hold = Some(Hold { until: self.t + wait.max(SECOND), strict: false });
                }
            }
            Event::TokenGranted { .. } | Event::AuthorizationGranted(_) | Event::LoggedOut => {
                self.agents[i].hold = None;
                self.agents[i].granted_at = Some(self.t);
            }
            Event::Opened(_) => {
                // A wait that the endpoint asked for goes on after a restart.
                if let Phase::BackingOff { until, troubles, .. } = after.phase()
                    && troubles.newest.asked_wait().is_some()
                {
                    let until = self.t + until.duration_since(now).as_millis() as i64;
                    self.agents[i].hold = Some(Hold { until, strict: true });
                    self.last_trouble = self.last_trouble.max(until);
                }
            }
            Event::OpenFailed(_)
            | Event::TimeoutElapsed
            | Event::TokenStoreDelayed { .. }
            | Event::TokenWanted { .. }
            | Event::RefreshRequested
            | Event::ConnectivityReturned
            | Event::KeychainReturned
            | Event::ClockSet { .. } => {}
        }
    }

    /// When all that an endpoint asked to wait for is over.
    pub(crate) fn end_of_holds(&self) -> i64 {
        let holds = self.agents.iter().filter_map(|agent| agent.hold).filter(|hold| hold.strict);
        holds.map(|hold| hold.until).max().unwrap_or(0)
    }

    /// Before a refresh token leaves the machine.
    pub(crate) fn check_may_send(&mut self, i: usize, info: RefreshTokenInfo, token: &str) {
        self.counts.sent += 1;
        if self.agents.iter().filter_map(|agent| agent.running.as_ref()).any(|running| running.sending) {
            self.violated("I1", "two requests in flight");
        }
        let fingerprint = Fingerprint::of(token);
        if info.fingerprint != fingerprint {
            self.violated("I2", "the token in the slot is not the one that the rotation presents");
        }
        let server = self.running(i).server.clone();
        if self.server.home(token).is_some_and(|home| Some(home) != server.as_ref().map(|server| &server.endpoint)) {
            self.violated("I12", &format!("{token} is sent to {:?}", server.map(|server| server.endpoint)));
        }
        if !self.running(i).proven {
            self.violated("I6", "a request without a proof that the keychain can be written");
        }
        if self.journal.last_presented() != Some(Record::Presented { fingerprint }) {
            self.violated("I6", "a request that the journal does not know of");
        }
    }

    /// The server took a token for replayed.
    pub(crate) fn check_replay(&mut self, token: &str) {
        let fates = self.server.fates_of_children(token);
        let grace = self.setting.terms.grace;
        let all_lost = fates.iter().all(|fate| matches!(fate, Fate::LostToFault | Fate::LostToKill));
        if !all_lost || fates.len() <= grace as usize {
            self.violated("I2", &format!("{token} is presented again although its successor came: {fates:?}"));
        }
    }

    pub(crate) fn check_finished(&self, running: &Running, outcome: &Outcome) {
        let new = running.new_refresh.as_ref();
        if new.and_then(|new| self.server.fates.get(new)) == Some(&Fate::Received) {
            self.violated("I2", &format!("{new:?} was received and not stored: {outcome:?}"));
        }
        if let (Job::Refresh(_), Outcome::Granted(_), None) = (&running.job, outcome, &running.new_access) {
            self.violated("I4", "granted without an access token");
        }
    }

    /// A caller gets a token, if the session says that it lasts.
    pub(crate) fn check_handed_out(&mut self, i: usize, min_valid: Option<SignedDuration>) {
        let now = self.clock.timestamp(self.t);
        let agent = &self.agents[i];
        if !agent.session.lasts(min_valid, now, &self.policy) {
            return;
        }
        let Some(token) = agent.access.clone() else { self.violated("I4", "a token that lasts and is not there") };
        let lifetime = agent.session.access_token().map_or(SignedDuration::ZERO, |token| token.lifetime());
        let asked = self.policy.min_valid(min_valid, lifetime).as_millis() as i64;
        let known = &self.server.access[&token];
        let drift = self.setting.terms.lifetime * self.setting.drift.abs() / 1_000_000 + 10;
        let short = asked - (known.expires_at - self.t) - known.slack - drift;
        if short > 0 {
            self.violated("I4", &format!("{token} is handed out {short} ms short of {asked} ms"));
        }
        let fate = known.refresh.as_ref().and_then(|refresh| self.server.fates.get(refresh));
        if fate.is_some_and(|fate| *fate != Fate::Stored) {
            self.violated("I11", &format!("{token} is handed out, its refresh token is {fate:?}"));
        }
        self.counts.handed_out += 1;
    }

    /// What an old request brings is of no interest any more.
    pub(crate) fn check_stale(&mut self, i: usize) {
        let agent = &self.agents[i];
        let Some(request) = agent.requests.iter().copied().find(|id| !agent.awaits(*id)) else { return };
        let moment = StepInput { now: self.clock.timestamp(self.t), chance: self.random.chance() };
        let session = self.agents[i].session.clone();
        let failure = Failure::NotSent(NotSent::Dns);
        let refusal = Failure::AuthorizationRequired(evertoken_core::oauth::failure::Refusal::default());
        for failure in [failure, refusal] {
            let event = Event::TokenRequestFailed { request, failure };
            if session.clone().step(event, moment, &self.policy) != (session.clone(), vec![]) {
                self.violated("I10", &format!("a stale outcome of {request:?} changed {session:?}"));
            }
        }
    }

    /// A person is about to be asked to log in. Returns the token that was refused.
    pub(crate) fn check_told(&mut self, i: usize) -> Option<String> {
        let refused = self.agents[i].refused.clone();
        let current = self.keychain.current();
        if self.keychain.left_behind().is_some() {
            self.violated("I3", "asked to log in although a login lies beside the refused candidate");
        }
        if current != refused {
            self.violated("I3", &format!("asked to log in: {refused:?} was refused, {current:?} is current"));
        }
        let Some(token) = refused.filter(|token| self.server.refused.contains(token)) else {
            self.violated("I3", "asked to log in although the endpoint did not refuse the token");
        };
        let told = self.told.entry((i, token.clone())).or_default();
        *told += 1;
        if *told > 1 + self.excused.get(&token).copied().unwrap_or(0) {
            self.violated("I3", &format!("asked to log in a second time for {token}"));
        }
        Some(token)
    }

    /// A quarter of an hour after the last trouble, all is well or a person knows.
    pub(crate) fn check_liveness(&mut self) {
        let calm_since = self.last_trouble.max(self.end_of_holds()) + 16 * MINUTE + 30 * SECOND;
        if self.is_troubled() || self.t < calm_since || self.must_hold.is_none() {
            return;
        }
        let now = self.clock.timestamp(self.t);
        let short_lived = self.setting.terms.lifetime < MINUTE;
        let never_valid = ["0", "-5"].contains(&self.setting.terms.expires_in);
        for agent in &self.agents {
            let known = agent.access.as_ref().and_then(|access| self.server.access.get(access));
            let valid = agent.session.access_token().is_some_and(|token| token.remaining(now).is_positive())
                && known.is_some_and(|known| self.t - known.slack <= known.expires_at + SECOND);
            let told = match agent.session.phase() {
                Phase::AuthorizationRequired { .. } => self.is_told(agent.refused.as_ref()),
                Phase::SignedOut => true,
                // Nobody tells one agent of another's log-in.
                Phase::ServerChanged(_) => self.is_foreign() || self.agents.len() > 1,
                Phase::Scheduled { .. } | Phase::Requesting { troubles: None, .. } => short_lived,
                // Of a server whose access tokens have expired by its own words.
                Phase::Requesting { .. } | Phase::BackingOff { .. } if never_valid => true,
                Phase::Requesting { .. } | Phase::BackingOff { .. } | Phase::Opening { .. } => false,
            };
            if !valid && !told {
                self.violated("I9", &format!("no token after a quarter of an hour of calm: {:?}", agent.session));
            }
        }
    }

    /// Does the login belong to another server than the one that the configuration names?
    fn is_foreign(&self) -> bool {
        let current = self.keychain.current();
        current.and_then(|token| self.server.home(&token).cloned()).is_some_and(|home| home != self.configured.endpoint)
    }

    fn is_told(&self, refused: Option<&String>) -> bool {
        self.told.keys().any(|(_, token)| refused == Some(token))
    }

    pub(crate) fn check_count_of_requests(&self) {
        let days = (self.t / DAY + 1) as u64;
        let grants = (self.t / (self.setting.terms.lifetime / 4).clamp(SECOND, 30 * SECOND)) as u64;
        let planned = (self.t * 3 / self.setting.terms.lifetime.max(SECOND)) as u64;
        let most = (300 * days + grants.min(planned) + 3 * self.counts.reasons) * self.agents.len() as u64;
        if self.counts.sent > most {
            self.violated("I5", &format!("{} requests in {days} days, at most {most} expected", self.counts.sent));
        }
    }
}
