//! The people and programs that use an account.

use evertoken_core::login::session::{Event, Phase};
use jiff::SignedDuration;

use super::agent::Job;
use super::clock::{HOUR, MINUTE, SECOND};
use super::world::{Happening, World};

impl World {
    pub(crate) fn call(&mut self) {
        self.often(3 * HOUR, Happening::Caller);
        let i = self.random.below(self.agents.len() as u64) as usize;
        if !self.agents[i].alive {
            return;
        }
        let half = SignedDuration::from_millis(self.setting.terms.lifetime / 2);
        let usual = Some(SignedDuration::from_secs(60)).filter(|usual| *usual < half);
        let min_valid = self.random.pick(&[None, None, None, usual, Some(half), Some(half * 4)]);
        self.counts.reasons += 1;
        self.feed(i, Event::TokenWanted { min_valid });
        self.check_handed_out(i, min_valid);
        self.check_stale(i);
        if self.setting.troubled && self.random.one_in(60) {
            self.counts.reasons += 3;
            self.schedule(SECOND, Happening::Poll(90));
        }
        self.check_liveness();
    }

    /// A program wants a token that lasts nearly as long as one lives.
    pub(crate) fn poll(&mut self, left: u32) {
        let min_valid = Some(SignedDuration::from_millis(self.setting.terms.lifetime / 100 * 96));
        self.feed(0, Event::TokenWanted { min_valid });
        self.check_handed_out(0, min_valid);
        if left > 0 {
            self.schedule(SECOND, Happening::Poll(left - 1));
        }
    }

    pub(crate) fn person_acts(&mut self) {
        if !self.agents[0].alive {
            return;
        }
        self.counts.reasons += 2;
        let token = match self.random.below(20) {
            0..=10 => {
                self.feed(0, Event::RefreshRequested);
                return;
            }
            11 if self.agents.len() == 1 => {
                self.feed(0, Event::LogoutRequested);
                self.person_comes_back();
                return;
            }
            12 => self.server.sign_in_as_another(self.t),
            13..=14 => self.server.sign_in(self.t),
            _ => format!("wrong-{}", self.random.below(1_000_000)),
        };
        self.agents[0].jobs.push_back(Job::LogIn(token));
        self.start_jobs();
    }

    pub(crate) fn person_comes_back(&mut self) {
        let after = self.random.spread(MINUTE.min(self.setting.pace / 100), self.setting.pace);
        self.schedule(after, Happening::PersonLogsIn);
    }

    pub(crate) fn person_logs_in(&mut self) {
        let needed = matches!(
            self.agents[0].session.phase(),
            Phase::AuthorizationRequired { .. } | Phase::SignedOut | Phase::Opening { retry_at: Some(_), .. }
        );
        let alive = self.agents[0].alive;
        if alive && needed && !self.agents[0].is_forgetting() {
            self.counts.logins += 1;
            self.counts.reasons += 1;
            let token = self.server.sign_in(self.t);
            self.agents[0].jobs.push_back(Job::LogIn(token));
            self.start_jobs();
        }
        if needed || !alive {
            self.person_comes_back();
        }
    }
}
