//! How an agent carries out a job, step by step; it may die between any two of them, and in the middle of one.

use evertoken_core::login::journal::Record;
use evertoken_core::login::recovery::recover;
use evertoken_core::login::rotation::{Answer, Outcome, Purpose, Rotation, Step};
use evertoken_core::login::session::{Event, Session, Tokens};
use evertoken_core::login::token_store::{
    EntryKind, KeychainProblem, RefreshTokenInfo, StoredAccessToken, StoredRefreshToken,
};
use evertoken_core::oauth::failure::{AnotherUser, Failure, OutcomeUnknown};
use evertoken_core::oauth::token::{AccessToken, Fingerprint, RefreshToken};
use jiff::SignedDuration;

use super::agent::{Job, Running};
use super::clock::{MINUTE, SECOND};
use super::server::Fate;
use super::world::{Happening, World};

impl World {
    /// The next job takes the account's lock, if it is free.
    pub(crate) fn start_jobs(&mut self) {
        for i in 0..self.agents.len() {
            let agent = &mut self.agents[i];
            if self.lock.is_some() || !agent.alive {
                continue;
            }
            let Some(job) = agent.jobs.pop_front() else { continue };
            let known = agent.session.refresh_token().map(|info| info.generation);
            let purpose = match &job {
                Job::Refresh(id) if !agent.awaits(*id) => {
                    self.schedule(0, Happening::Start);
                    continue;
                }
                Job::Refresh(_) | Job::Open | Job::Forget => Purpose::Refresh { known },
                Job::LogIn(token) => Purpose::LogIn { fingerprint: Fingerprint::of(token) },
            };
            agent.running = Some(Running::new(job.clone(), Rotation::new(purpose)));
            self.lock = Some(i);
            match job {
                Job::Open => self.open(i),
                Job::Forget => self.forget(i),
                Job::Refresh(_) | Job::LogIn(_) => self.carry_out(i),
            }
        }
    }

    fn open(&mut self, i: usize) {
        let (_, takes) = self.keychain.read();
        self.schedule_for(i, takes, |agent, life| Happening::Opened { agent, life });
    }

    pub(crate) fn opened(&mut self, i: usize) {
        let (read, _) = self.keychain.read();
        let summary = self.journal.summary();
        self.release(i);
        let event = match read.and_then(|(found, access)| Ok((recover(&found, &summary)?, access))) {
            Ok((recovered, access)) => {
                self.agents[i].access = access.map(|stored| stored.token.expose().to_owned());
                self.agents[i].refused = self.keychain.current();
                Event::Opened(recovered)
            }
            Err(problem) => Event::OpenFailed(problem),
        };
        self.feed(i, event);
    }

    fn forget(&mut self, i: usize) {
        self.must_hold = None;
        let mut done = true;
        for kind in EntryKind::LOGIN {
            done &= self.keychain.write(kind, None, &mut self.random).0.is_ok();
        }
        self.release(i);
        self.agents[i].forgets_later = !done;
        if !done {
            self.schedule_for(i, 5 * MINUTE, |agent, life| Happening::ForgetAgain { agent, life });
            return;
        }
        self.journal.append(self.clock.timestamp(self.t), Record::LoggedOut, true, &mut self.random);
    }

    fn release(&mut self, i: usize) -> Option<Running> {
        self.lock = None;
        self.schedule(0, Happening::Start);
        self.agents[i].running.take()
    }

    /// Carries out the next step; its answer comes as an event.
    pub(crate) fn carry_out(&mut self, i: usize) {
        let Some(step) = self.agents[i].running.as_ref().map(|running| running.rotation.next().clone()) else { return };
        self.trace(|| format!("agent {i}: {step:?}"));
        if let Step::Finished(outcome) = step {
            self.finish(i, outcome);
            return;
        }
        let dies = self.random.one_in(self.kills_per_step);
        if dies && self.random.one_in(2) {
            self.tear(i, &step);
            self.kill(i);
            return;
        }
        let (answer, takes) = self.effect_of(i, step);
        if let Some(running) = &mut self.agents[i].running {
            running.reply = Some(answer);
        }
        if dies {
            self.kill(i);
        } else {
            self.schedule_for(i, takes, |agent, life| Happening::StepDone { agent, life });
        }
    }

    /// What a step that is cut in the middle leaves behind.
    fn tear(&mut self, i: usize, step: &Step) {
        let now = self.clock.timestamp(self.t);
        match step {
            Step::StoreRefreshToken(info) if self.has_landed(i, *info) => {}
            Step::StoreCandidate(info) | Step::StoreRefreshToken(info) => {
                self.keychain.tear(EntryKind::RefreshToken(info.slot));
            }
            Step::StoreAccessToken(_) => self.keychain.tear(EntryKind::AccessToken),
            Step::RecordPresented(info) => {
                self.journal.tear(now, Record::Presented { fingerprint: info.fingerprint }, &mut self.random);
            }
            Step::RecordStored(tokens) => self.journal.tear(now, stored(tokens), &mut self.random),
            Step::ReadTokens
            | Step::ProveWritable
            | Step::Send(_)
            | Step::RecordFailure(..)
            | Step::DropCandidate(_)
            | Step::Finished(_) => {}
        }
    }

    fn effect_of(&mut self, i: usize, step: Step) -> (Answer, i64) {
        let now = self.clock.timestamp(self.t);
        match step {
            Step::ReadTokens => match self.keychain.read() {
                (Ok((found, access)), takes) => {
                    let access = access.map(|stored| stored.token.expose().to_owned());
                    self.running(i).new_access = access;
                    (Answer::Read(found), takes)
                }
                (Err(problem), takes) => (Answer::KeychainFailed(problem), takes),
            },
            Step::ProveWritable => {
                let written = self.keychain.write(EntryKind::Probe, Some("probe".to_owned()), &mut self.random);
                self.running(i).proven = written.0.is_ok();
                answered(written)
            }
            Step::StoreCandidate(info) => {
                let Job::LogIn(token) = self.running(i).job.clone() else { panic!("a candidate without a log-in") };
                answered(self.store(info, token))
            }
            Step::RecordPresented(info) => {
                self.record(now, Record::Presented { fingerprint: info.fingerprint }, true, 2)
            }
            Step::Send(info) => self.send(i, info),
            Step::StoreRefreshToken(info) => {
                let running = self.running(i);
                let token = running.new_refresh.clone().or(running.presented.clone()).unwrap();
                let delays = running.delays;
                let landed = self.has_landed(i, info) && self.keychain.read().0.is_ok();
                let (result, takes) = if landed { (Ok(()), 3) } else { self.store(info, token.clone()) };
                if result.is_ok() {
                    self.server.set_fate(Some(&token), Fate::Stored);
                    self.must_hold = Some(token);
                }
                let pause = if result.is_err() { (SECOND << delays.min(8)).min(5 * MINUTE) } else { 0 };
                self.running(i).delays += 1;
                answered((result, takes + pause))
            }
            Step::RecordStored(tokens) => self.record(now, stored(&tokens), true, 2),
            Step::StoreAccessToken(tokens) => {
                let access = self.running(i).new_access.clone().unwrap();
                let Tokens { refresh_token, access_token } = tokens;
                let entry = StoredAccessToken::new(refresh_token.generation, access_token, AccessToken::new(access));
                let text = entry.to_entry();
                let text = secrecy::ExposeSecret::expose_secret(&text).to_owned();
                answered(self.keychain.write(EntryKind::AccessToken, Some(text), &mut self.random))
            }
            Step::RecordFailure(fingerprint, failure) => match Record::of_failure(fingerprint, &failure) {
                Some(record) => self.record(now, record, false, 1),
                None => (Answer::Done, 0),
            },
            Step::DropCandidate(slot) => {
                answered(self.keychain.write(EntryKind::RefreshToken(slot), None, &mut self.random))
            }
            Step::Finished(_) => panic!("nothing is left to carry out"),
        }
    }

    /// A write that timed out may have landed: an agent looks before it replaces the only copy with itself.
    fn has_landed(&self, i: usize, info: RefreshTokenInfo) -> bool {
        let retries = self.agents[i].running.as_ref().is_some_and(|running| running.delays > 0);
        let found = self.keychain.look().0;
        retries && [found.a, found.b].contains(&Some(info))
    }

    fn store(&mut self, info: RefreshTokenInfo, token: String) -> (Result<(), KeychainProblem>, i64) {
        let RefreshTokenInfo { slot, generation, rotations, stored_at, proven, .. } = info;
        let entry = StoredRefreshToken { generation, rotations, stored_at, proven, token: RefreshToken::new(token) };
        let text = secrecy::ExposeSecret::expose_secret(&entry.to_entry()).to_owned();
        self.keychain.write(EntryKind::RefreshToken(slot), Some(text), &mut self.random)
    }

    fn record(&mut self, at: jiff::Timestamp, record: Record, sync: bool, takes: i64) -> (Answer, i64) {
        let done = self.journal.append(at, record, sync, &mut self.random);
        (if done { Answer::Done } else { Answer::JournalFailed }, takes)
    }

    /// The answer of a step has come.
    pub(crate) fn step_done(&mut self, i: usize) {
        let breaks = self.random.one_in(2);
        let now = self.clock.timestamp(self.t);
        let elapsed = SignedDuration::from_millis(self.t - self.running(i).sent_at);
        let another_user = self.login_of_another_user(i);
        let running = self.running(i);
        let Some(mut answer) = running.reply.take() else { return };
        let slept = std::mem::take(&mut running.slept);
        running.sending = false;
        if let Answer::Granted(granted) = &mut answer {
            let lost = running.new_refresh.clone().filter(|_| slept && breaks);
            if slept && breaks {
                (running.new_refresh, running.new_access) = (None, None);
                answer = Answer::RequestFailed(Failure::OutcomeUnknown(OutcomeUnknown::Interrupted));
                self.server.set_fate(lost.as_deref(), Fate::LostToFault);
            } else if let Some(before) = another_user {
                // Nobody said yes: the login before it stays.
                let given_up = running.new_refresh.take();
                running.new_access = None;
                self.must_hold = before;
                self.server.set_fate(given_up.as_deref(), Fate::LostToFault);
                let users = AnotherUser { account: "usr:1".to_owned(), login: "usr:2".to_owned() };
                answer = Answer::RequestFailed(Failure::AnotherUser(users));
            } else {
                // From the moment it was sent, by the clock as it is now.
                let lifetime = granted.access_token.lifetime();
                granted.access_token.issued_at = now - elapsed;
                granted.access_token.expires_at = now - elapsed + lifetime;
                let received = running.new_refresh.clone();
                self.server.set_fate(received.as_deref(), Fate::Received);
                // Proven, and for a log-in the login from now on.
                self.must_hold = self.running(i).presented.clone();
            }
        }
        let running = self.running(i);
        let delayed = match (running.rotation.next(), &answer, &running.job) {
            (Step::StoreRefreshToken(_), Answer::KeychainFailed(problem), Job::Refresh(request)) => {
                Some(Event::TokenStoreDelayed { request: *request, problem: *problem })
            }
            _ => None,
        };
        running.rotation = running.rotation.clone().advance(answer, now);
        if let Some(event) = delayed {
            self.feed(i, event);
        }
        self.carry_out(i);
    }

    fn finish(&mut self, i: usize, outcome: Outcome) {
        let Some(running) = self.release(i) else { return };
        self.check_finished(&running, &outcome);
        let agent = &mut self.agents[i];
        if let Job::Refresh(_) = running.job {
            agent.refused = running.presented.clone().or(agent.refused.take());
        }
        match (running.job, outcome) {
            (Job::Refresh(request), Outcome::Granted(tokens) | Outcome::Adopted(tokens)) => {
                if agent.awaits(request) {
                    agent.access = running.new_access;
                }
                self.feed(i, Event::TokenGranted { request, tokens });
            }
            (Job::Refresh(request), Outcome::Failed(failure)) => {
                self.feed(i, Event::TokenRequestFailed { request, failure });
            }
            (Job::Refresh(_), Outcome::Reverted) => {
                agent.session = Session::opening();
                agent.jobs.push_back(Job::Open);
            }
            (Job::LogIn(_), Outcome::Granted(tokens)) => {
                agent.access = running.new_access;
                let record = Record::LoggedIn { fingerprint: tokens.refresh_token.fingerprint };
                self.journal.append(self.clock.timestamp(self.t), record, true, &mut self.random);
                self.feed(i, Event::AuthorizationGranted(tokens));
            }
            (Job::LogIn(_), Outcome::Failed(_)) => {}
            (job, outcome) => panic!("{job:?} came to {outcome:?}"),
        }
    }

    pub(crate) fn running(&mut self, i: usize) -> &mut Running {
        self.agents[i].running.as_mut().unwrap()
    }
}

fn answered((result, takes): (Result<(), KeychainProblem>, i64)) -> (Answer, i64) {
    (result.map_or_else(Answer::KeychainFailed, |()| Answer::Done), takes)
}

fn stored(tokens: &Tokens) -> Record {
    Record::Stored {
        fingerprint: tokens.refresh_token.fingerprint,
        rotations: tokens.refresh_token.rotations,
        expires_at: tokens.access_token.expires_at,
    }
}
