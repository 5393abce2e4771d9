//! What befalls a machine: sleep, outages, kills, a clock that is set; and how it passes.

use evertoken_core::login::rotation::Step;
use evertoken_core::login::session::{Event, Session};
use evertoken_core::login::token_store::EntryKind;
use evertoken_core::oauth::token::Fingerprint;
use jiff::SignedDuration;

use super::agent::{Hold, Job};
use super::clock::{DAY, HOUR, MINUTE, SECOND};
use super::keychain::Mood;
use super::server::{Fate, Fault};
use super::world::{Happening, World};

impl World {
    pub(crate) fn trouble(&mut self, trouble: &Happening) {
        self.disturb();
        match trouble {
            Happening::Person => {
                self.often(if self.setting.restless { HOUR } else { 2 * DAY }, Happening::Person);
                self.person_acts();
            }
            Happening::Sleep => {
                self.often(12 * HOUR, Happening::Sleep);
                let dur = self.lasts(14 * HOUR);
                self.asleep_until = Some(self.t + dur);
                self.schedule(dur, Happening::Wake);
                for running in self.agents.iter_mut().filter_map(|agent| agent.running.as_mut()) {
                    running.slept = running.sending;
                }
            }
            Happening::NetworkFails => {
                self.often(DAY, Happening::NetworkFails);
                self.online = false;
                let dur = self.lasts(8 * HOUR);
                self.schedule(dur, Happening::NetworkReturns);
            }
            Happening::Weather => {
                self.often(DAY, Happening::Weather);
                self.weather = self.random.pick(&Fault::ALL);
                let dur = self.lasts(6 * HOUR);
                self.schedule(dur, Happening::WeatherClears);
            }
            Happening::KeychainFails => {
                self.often(2 * DAY, Happening::KeychainFails);
                self.keychain_fails();
            }
            Happening::JournalFails => {
                self.often(6 * DAY, Happening::JournalFails);
                self.journal_fails();
            }
            Happening::ClockIsSet => {
                self.often(4 * DAY, Happening::ClockIsSet);
                let by = self.random.pick(&[2 * SECOND, MINUTE, HOUR, 9 * HOUR, DAY, 365 * DAY]);
                let sign = self.random.pick(&[1, -1]);
                self.set_clock(by * sign);
            }
            Happening::Kill => {
                self.often(2 * DAY, Happening::Kill);
                let all = self.random.one_in(4);
                for i in 0..self.agents.len() {
                    if self.agents[i].alive && (all || i == 0) {
                        self.kill(i);
                    }
                }
                if all {
                    self.journal.lose_power(&mut self.random);
                }
            }
            Happening::Start
            | Happening::Timer { .. }
            | Happening::Opened { .. }
            | Happening::ForgetAgain { .. }
            | Happening::StepDone { .. }
            | Happening::Answer { .. }
            | Happening::LateCommit(_)
            | Happening::Caller
            | Happening::Poll(_)
            | Happening::PersonLogsIn
            | Happening::Wake
            | Happening::NetworkReturns
            | Happening::WeatherClears
            | Happening::KeychainRecovers
            | Happening::JournalRecovers
            | Happening::Restart { .. } => {}
        }
    }

    fn lasts(&mut self, longest: i64) -> i64 {
        let pace = self.setting.pace;
        self.random.spread(5 * SECOND, (longest as f64 * pace as f64 / DAY as f64) as i64 + 10 * SECOND)
    }

    fn keychain_fails(&mut self) {
        let mood = self.random.pick(&Mood::TROUBLES);
        // A keychain that was read a moment ago has been unlocked.
        let mood = if self.lock.is_some() && mood == Mood::NeverUnlocked { Mood::Locked } else { mood };
        self.keychain_becomes(mood);
        let dur = self.lasts(4 * HOUR);
        self.schedule(dur, Happening::KeychainRecovers);
    }

    /// What hung lands, also when the one who wrote it has been killed: then that is the login.
    fn keychain_becomes(&mut self, mood: Mood) {
        self.keychain.become_(mood, &mut self.random);
        let proven = self.keychain.look().current().is_some_and(|current| current.proven);
        let landed = self.keychain.current().filter(|_| proven);
        if self.must_hold.is_some() && landed.is_some() {
            self.server.set_fate(landed.as_deref(), Fate::Stored);
            self.must_hold = landed;
        }
    }

    fn journal_fails(&mut self) {
        self.journal.writable = false;
        let dur = self.lasts(2 * HOUR);
        self.schedule(dur, Happening::JournalRecovers);
    }

    /// The moment that matters: a request is on the wire, and its answer cannot be stored or recorded.
    pub(crate) fn maybe_fail_while_sending(&mut self) {
        if !self.setting.troubled || self.ending {
            return;
        }
        if self.random.one_in(60) {
            self.keychain_fails();
        }
        if self.random.one_in(120) {
            self.journal_fails();
        }
    }

    /// Every fault ends.
    pub(crate) fn calm(&mut self) {
        self.trace(|| "calm".to_owned());
        (self.ending, self.kills_per_step) = (true, u64::MAX);
        self.disturb();
        (self.weather, self.journal.writable) = (Fault::None, true);
        self.network_returns();
        self.keychain_recovers();
        for i in 0..self.agents.len() {
            if !self.agents[i].alive {
                self.restart(i);
            }
        }
    }

    pub(crate) fn is_troubled(&self) -> bool {
        self.asleep_until.is_some()
            || !self.online
            || self.weather != Fault::None
            || self.keychain.mood != Mood::Works
            || !self.journal.writable
            || self.agents.iter().any(|agent| !agent.alive)
    }

    pub(crate) fn disturb(&mut self) {
        self.last_trouble = self.last_trouble.max(self.t);
    }

    /// What this one request meets with.
    pub(crate) fn fault_of_request(&mut self) -> Fault {
        if !self.online {
            return self.random.pick(&[Fault::Dns, Fault::Refused]);
        }
        if self.weather != Fault::None || self.ending || !self.setting.troubled || !self.random.one_in(25) {
            return self.weather;
        }
        self.disturb();
        let may_commit_late = self.setting.terms.grace > 0 && self.setting.terms.lifetime >= HOUR;
        if may_commit_late && self.random.one_in(8) { Fault::CommittedLate } else { self.random.pick(&Fault::ALL) }
    }

    pub(crate) fn wake(&mut self) {
        self.asleep_until = None;
        self.disturb();
        self.tell_all(&Event::ConnectivityReturned);
    }

    pub(crate) fn network_returns(&mut self) {
        self.online = true;
        self.tell_all(&Event::ConnectivityReturned);
    }

    pub(crate) fn keychain_recovers(&mut self) {
        self.keychain_becomes(Mood::Works);
        if !self.random.one_in(4) {
            self.tell_all(&Event::KeychainReturned);
        }
    }

    fn tell_all(&mut self, event: &Event) {
        if self.asleep_until.is_none() {
            self.counts.reasons += 1;
            (0..self.agents.len()).for_each(|i| self.feed(i, event.clone()));
        }
    }

    pub(crate) fn set_clock(&mut self, by: i64) {
        self.trace(|| format!("the clock is set by {} s", by / SECOND));
        self.clock.set(by);
        self.counts.reasons += 1;
        let seen = self.agents.iter().any(|agent| agent.alive);
        let moved = SignedDuration::from_millis(by);
        for i in 0..self.agents.len() {
            if let Some(running) = &mut self.agents[i].running {
                running.rotation = running.rotation.clone().clock_set(moved);
            }
            // The machine may have been paused for as long.
            self.agents[i].granted_at = self.agents[i].granted_at.map(|at| at - by.max(0));
            self.feed(i, Event::ClockSet { by: moved });
        }
        // What was read a millisecond ago is on its way by the old clock.
        let mut running = self.agents.iter().filter_map(|agent| agent.running.as_ref());
        let reading = running.any(|running| *running.rotation.next() == Step::ReadTokens);
        if !(seen && self.rewrite_access_token(moved) && !reading) {
            self.server.access.values_mut().for_each(|access| access.slack += (-by).max(0));
        }
    }

    /// An agent that sees the clock move writes its access token's new times down.
    fn rewrite_access_token(&mut self, by: SignedDuration) -> bool {
        let Some(mut stored) = self.keychain.look().access_token else { return true };
        if self.keychain.mood != Mood::Works {
            return false;
        }
        // The end of a token never moves to later.
        let by = by.min(SignedDuration::ZERO);
        (stored.issued_at, stored.expires_at) = (stored.issued_at + by, stored.expires_at + by);
        let text = secrecy::ExposeSecret::expose_secret(&stored.to_entry()).to_owned();
        self.keychain.write(EntryKind::AccessToken, Some(text), &mut self.random).0.is_ok()
    }

    pub(crate) fn kill(&mut self, i: usize) {
        self.trace(|| format!("agent {i} is killed"));
        self.disturb();
        self.counts.kills += 1;
        self.counts.reasons += 5;
        let agent = &mut self.agents[i];
        (agent.alive, agent.life, agent.timer) = (false, agent.life + 1, agent.timer + 1);
        agent.jobs.clear();
        if let Some(running) = agent.running.take() {
            self.lock = None;
            let new = running.new_refresh.as_deref();
            if new.and_then(|new| self.server.fates.get(new)).is_some_and(|fate| *fate != Fate::Stored) {
                self.server.set_fate(new, Fate::LostToKill);
            }
            self.schedule(0, Happening::Start);
        }
        let down = self.random.spread(200, (3 * HOUR).min(self.setting.pace / 8));
        self.schedule_for(i, down, |agent, life| Happening::Restart { agent, life });
    }

    pub(crate) fn restart(&mut self, i: usize) {
        let agent = &mut self.agents[i];
        if agent.alive {
            return;
        }
        (agent.alive, agent.session, agent.access) = (true, Session::opening(), None);
        // Only a wait that was written down, by a clock that was not set since, outlives a restart.
        let now = self.clock.timestamp(self.t);
        let current = self.keychain.current().map(|token| Fingerprint::of(&token));
        let known = self
            .journal
            .summary()
            .asked_to_wait
            .filter(|wait| current == Some(wait.fingerprint))
            .and_then(|wait| wait.until(now, self.policy.longest_retry_after));
        let written = |hold: &Hold| known.is_some_and(|until| until >= self.clock.timestamp(hold.until - SECOND));
        agent.hold = agent.hold.filter(|hold| hold.strict && written(hold));
        agent.requests.clear();
        agent.granted_at = None;
        agent.jobs.push_back(Job::Open);
        self.schedule(0, Happening::Start);
    }
}
