//! The people and programs that use an account.

use evertoken_core::login::session::{Event, Phase};
use evertoken_core::oauth::server::Server;
use jiff::SignedDuration;

use super::agent::Job;
use super::clock::{HOUR, MINUTE, SECOND};
use super::world::{ELSEWHERE, HERE, Happening, World};

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
                self.feed(0, Event::LoggedOut);
                self.person_comes_back();
                return;
            }
            12 => self.server.sign_in_as_another(&self.configured.endpoint, self.t),
            13 => self.server.sign_in(&self.configured.endpoint, self.t),
            14..=15 => return self.log_in_elsewhere(),
            16 => return self.edit_configuration(),
            _ => format!("wrong-{}", self.random.below(1_000_000)),
        };
        self.log_in(token, self.configured.clone(), false);
    }

    fn log_in(&mut self, token: String, server: Server, replaces_user: bool) {
        self.counts.flows += 1;
        self.agents[0].jobs.push_back(Job::LogIn(token, Box::new(server), replaces_user));
        self.start_jobs();
    }

    /// A person answers whether the login of another user may take the account.
    pub(crate) fn answer(&mut self) {
        let Some((token, server)) = self.keychain.waiting() else { return };
        if !self.journal.was_presented(&token) && self.random.one_in(2) {
            self.counts.reasons += 1;
            self.log_in(token, server, true);
        } else {
            self.forget_waiting_login();
        }
    }

    fn log_in_elsewhere(&mut self) {
        let server = self.other_server();
        let token = if self.random.one_in(3) {
            format!("wrong-{}", self.random.below(1_000_000))
        } else {
            self.server.sign_in(&server.endpoint, self.t)
        };
        let replaces_user = self.random.one_in(3);
        self.log_in(token, server, replaces_user);
    }

    /// A person writes another server into `config.toml`, or the one that was there before.
    fn edit_configuration(&mut self) {
        self.configured = self.other_server();
        self.trace(|| format!("a person configures {}", self.configured.endpoint.host()));
        self.agents_read_configuration(None);
        self.start_jobs();
        // Most people notice.
        if !self.random.one_in(3) {
            self.person_comes_back();
        }
    }

    /// Every agent but the one that wrote it reads the tokens anew for the server that is configured now.
    pub(crate) fn agents_read_configuration(&mut self, author: Option<usize>) {
        for agent in self.agents.iter_mut().enumerate().filter(|(i, agent)| agent.alive && author != Some(*i)) {
            agent.1.session = agent.1.session.clone().reopened();
            agent.1.hold = agent.1.hold.filter(|hold| hold.strict);
            agent.1.jobs.push_back(Job::Open);
        }
    }

    fn other_server(&self) -> Server {
        let other = if self.configured.endpoint.host() == HERE { ELSEWHERE } else { HERE };
        Server::at(format!("https://{other}/token").parse().unwrap())
    }

    pub(crate) fn person_comes_back(&mut self) {
        let after = self.random.spread(MINUTE.min(self.setting.pace / 100), self.setting.pace);
        self.schedule(after, Happening::PersonLogsIn);
    }

    pub(crate) fn person_logs_in(&mut self) {
        let needed = matches!(
            self.agents[0].session.phase(),
            Phase::AuthorizationRequired { .. }
                | Phase::SignedOut
                | Phase::ServerChanged(_)
                | Phase::Opening { retry_at: Some(_), .. }
        );
        let alive = self.agents[0].alive;
        if alive && needed && !self.agents[0].is_forgetting() {
            self.counts.logins += 1;
            self.counts.reasons += 1;
            let token = self.server.sign_in(&self.configured.endpoint, self.t);
            self.log_in(token, self.configured.clone(), true);
        }
        if needed || !alive {
            self.person_comes_back();
        }
    }
}
