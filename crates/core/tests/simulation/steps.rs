//! How an agent carries out a job, step by step; it may die between any two of them, and in the middle of one.

use evertoken_core::keychain::KeychainProblem;
use evertoken_core::login::journal::Record;
use evertoken_core::login::rotation::{Answer, Outcome, Step};
use evertoken_core::login::session::{Event, Session, TokensInfo};
use evertoken_core::login::token_store::{
    Credential, EntryKind, LogIn, Question, RefreshTokenInfo, Slot, StoredAccessToken, StoredRefreshToken,
};
use evertoken_core::oauth::failure::{AnotherUser, Failure, OutcomeUnknown};
use evertoken_core::oauth::token::{AccessToken, Fingerprint, RefreshToken};
use jiff::SignedDuration;

use super::agent::{Job, Running};
use super::clock::{MINUTE, SECOND};
use super::server::Fate;
use super::world::{Happening, World};

impl World {
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
            | Step::StoreWaitingLogin(_)
            | Step::DropCandidate(_)
            | Step::Finished(_) => {}
        }
    }

    fn effect_of(&mut self, i: usize, step: Step) -> (Answer, i64) {
        let now = self.clock.timestamp(self.t);
        match step {
            Step::ReadTokens => match self.keychain.read() {
                (Ok(tokens), takes) => {
                    let tokens = tokens.settled(&self.journal.summary());
                    let access = tokens.access_token.as_ref().map(|stored| stored.token.expose().to_owned());
                    let found = tokens.found(&self.configured);
                    let server = tokens.current().map(|current| current.server(&self.configured).clone());
                    let log_in = tokens.current().and_then(|current| current.log_in.clone());
                    let running = self.running(i);
                    (running.new_access, running.server, running.log_in) = (access, server, log_in);
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
                let Job::LogIn(token, server, replaces_user) = self.running(i).job.clone() else {
                    panic!("a candidate without a log-in")
                };
                let log_in = LogIn::new("a".parse().unwrap(), (*server).clone(), replaces_user);
                let running = self.running(i);
                (running.server, running.log_in) = (Some(*server), Some(log_in.clone()));
                answered(self.store(&StoredRefreshToken::candidate(info, credential(token), log_in), info))
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
                let (result, takes) = if landed { (Ok(()), 3) } else { self.store_successor(i, info, token.clone()) };
                if result.is_ok() {
                    self.server.set_fate(Some(&token), Fate::Stored);
                    self.must_hold = Some(token);
                }
                let pause = if result.is_err() { (SECOND << delays.min(8)).min(5 * MINUTE) } else { 0 };
                self.running(i).delays += 1;
                answered((result, takes + pause))
            }
            Step::StoreWaitingLogin(users) => self.store_waiting_login(i, users),
            Step::RecordStored(tokens) => self.record(now, stored(&tokens), true, 2),
            Step::StoreAccessToken(tokens) => {
                let access = self.running(i).new_access.clone().unwrap();
                let TokensInfo { refresh_token, access_token } = tokens;
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
        let landed = self.keychain.look().in_slot(info.slot).map(|stored| stored.info(info.slot));
        retries && landed == Some(info)
    }

    /// What was granted to another user, or what was given, waits for an answer.
    fn store_waiting_login(&mut self, i: usize, users: AnotherUser) -> (Answer, i64) {
        let stored_at = self.clock.timestamp(self.t);
        let running = self.running(i);
        let (granted, presented) = (running.new_refresh.clone(), running.presented.clone());
        let (given, server) = match running.job.clone() {
            Job::LogIn(token, server, _) => (Some(token), Some(*server)),
            Job::Refresh(_) | Job::Open | Job::Forget => (presented.clone(), running.server.clone()),
        };
        let granted_for = granted.as_ref().and(presented.as_deref()).map(Fingerprint::of);
        let pause = (SECOND << running.delays.min(8)).min(5 * MINUTE);
        running.delays += 1;
        let (token, server) = (granted.clone().or(given).unwrap(), server.unwrap());
        let fingerprint = Fingerprint::of(&token);
        let info = RefreshTokenInfo {
            slot: Slot::A,
            generation: 0,
            rotations: 0,
            stored_at,
            proven: false,
            end: None,
            fingerprint,
        };
        let question = Some(Question { users, asked_at: stored_at, granted_for });
        let log_in = LogIn { question, ..LogIn::new("a".parse().unwrap(), server, false) };
        let text = StoredRefreshToken::candidate(info, credential(token), log_in).to_entry();
        let text = secrecy::ExposeSecret::expose_secret(&text).to_owned();
        let (result, takes) = self.keychain.write(EntryKind::WaitingLogin, Some(text), &mut self.random);
        if result.is_ok() {
            self.server.set_fate(granted.as_deref(), Fate::Stored);
        }
        answered((result, takes + if result.is_err() { pause } else { 0 }))
    }

    /// The presented token's own entry says what its successor's says: it lies in the other slot, or in the same one when the
    /// keychain has lost it since.
    fn store_successor(
        &mut self,
        i: usize,
        info: RefreshTokenInfo,
        token: String,
    ) -> (Result<(), KeychainProblem>, i64) {
        let running = self.running(i);
        let (server, presented) = (running.server.clone().unwrap(), running.presented.clone().unwrap());
        let log_in = running.log_in.clone();
        let here = LogIn::new("a".parse().unwrap(), server, false);
        let presented =
            StoredRefreshToken { log_in, ..StoredRefreshToken::candidate(info, credential(presented), here) };
        let user = if self.server.is_foreign(&token) { "usr:2" } else { "usr:1" }.to_owned();
        self.store(&presented.successor(info, Some(RefreshToken::new(token)), Some(user)), info)
    }

    fn store(&mut self, entry: &StoredRefreshToken, info: RefreshTokenInfo) -> (Result<(), KeychainProblem>, i64) {
        let text = secrecy::ExposeSecret::expose_secret(&entry.to_entry()).to_owned();
        self.keychain.write(EntryKind::RefreshToken(info.slot), Some(text), &mut self.random)
    }

    /// `config.toml` follows a log-in that was proven and stored, and the journal says so. A full disk takes neither.
    pub(crate) fn finish_log_in(&mut self, i: usize, log_in: Option<LogIn>) {
        let Some(LogIn { server, .. }) = log_in.filter(|_| self.journal.writable) else { return };
        self.trace(|| format!("the configuration follows a log-in at {}", server.endpoint.host()));
        if self.configured != server {
            self.configured = server;
            self.agents_read_configuration(Some(i));
        }
        let fingerprint = self.keychain.current().map(|token| Fingerprint::of(&token));
        if let Some(fingerprint) = fingerprint {
            self.journal.append(self.clock.timestamp(self.t), Record::LoggedIn { fingerprint }, true, &mut self.random);
        }
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
            } else {
                // From the moment it was sent, by the clock as it is now.
                let lifetime = granted.access_token.lifetime();
                granted.access_token.issued_at = now - elapsed;
                granted.access_token.expires_at = now - elapsed + lifetime;
                let received = running.new_refresh.clone();
                self.server.set_fate(received.as_deref(), Fate::Received);
            }
        }
        let is_granted = matches!(answer, Answer::Granted(_));
        let running = self.running(i);
        let delayed = match (running.rotation.next(), &answer, &running.job) {
            (Step::StoreRefreshToken(_), Answer::KeychainFailed(problem), Job::Refresh(request)) => {
                Some(Event::TokenStoreDelayed { request: *request, problem: *problem })
            }
            _ => None,
        };
        running.rotation = running.rotation.clone().advance(answer, now);
        if is_granted {
            let waits = matches!(running.rotation.next(), Step::StoreWaitingLogin(_));
            self.login_is_proven(i, waits);
        }
        if let Some(event) = delayed {
            self.feed(i, event);
        }
        self.carry_out(i);
    }

    /// From now on the presented token is the login, unless it is another user's and waits for an answer.
    fn login_is_proven(&mut self, i: usize, waits: bool) {
        match self.running(i).job {
            _ if !waits => self.must_hold = self.running(i).presented.clone(),
            Job::LogIn(..) => {}
            Job::Refresh(_) | Job::Open | Job::Forget => {
                let before = self.keychain.left_behind().and_then(|slot| self.keychain.token_in(slot.other()));
                self.must_hold = before.or(self.must_hold.take());
            }
        }
    }

    fn finish(&mut self, i: usize, outcome: Outcome) {
        let Some(running) = self.release(i) else { return };
        // What waited for an answer and is the login now, waits no more.
        let waiting = self.keychain.waiting().map(|(token, _)| token);
        if matches!(outcome, Outcome::Granted(_)) && waiting.is_some() && waiting == running.presented {
            self.forget_waiting_login();
        }
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
                self.finish_log_in(i, running.log_in);
            }
            (Job::Refresh(request), Outcome::Failed(failure)) => {
                self.feed(i, Event::TokenRequestFailed { request, failure });
            }
            (Job::Refresh(_), Outcome::Reverted) => {
                agent.session = Session::opening();
                agent.jobs.push_back(Job::Open);
            }
            (Job::LogIn(_, server, _), Outcome::Granted(tokens)) => {
                let _ = self.keychain.write(EntryKind::WaitingLogin, None, &mut self.random);
                agent.access = running.new_access;
                if !self.random.one_in(8) {
                    let log_in = LogIn::new("a".parse().unwrap(), *server, false);
                    self.finish_log_in(i, Some(log_in));
                }
                self.feed(i, Event::AuthorizationGranted(tokens));
            }
            (Job::LogIn(..), Outcome::Failed(Failure::AnotherUser(_))) => self.a_question_waits(i),
            (Job::LogIn(_, _, true), Outcome::Failed(Failure::AuthorizationRequired(_))) => {
                self.forget_waiting_login();
            }
            (Job::LogIn(..), Outcome::Failed(_)) => {}
            (job, outcome) => panic!("{job:?} came to {outcome:?}"),
        }
    }

    pub(crate) fn forget_waiting_login(&mut self) {
        let spent = self.keychain.look().spent_candidate();
        let dropped = spent
            .is_none_or(|slot| self.keychain.write(EntryKind::RefreshToken(slot), None, &mut self.random).0.is_ok());
        if dropped {
            // What the keychain does not delete is known by the journal.
            let _ = self.keychain.write(EntryKind::WaitingLogin, None, &mut self.random);
        }
    }

    pub(crate) fn a_question_waits(&mut self, i: usize) {
        let after = self.random.spread(SECOND, 10 * MINUTE);
        self.schedule_for(i, after, |agent, life| Happening::Answer { agent, life });
    }

    pub(crate) fn running(&mut self, i: usize) -> &mut Running {
        self.agents[i].running.as_mut().unwrap()
    }
}

fn credential(token: String) -> Credential {
    Credential { refresh_token: RefreshToken::new(token), client_secret: None, user_id: None }
}

fn answered((result, takes): (Result<(), KeychainProblem>, i64)) -> (Answer, i64) {
    (result.map_or_else(Answer::KeychainFailed, |()| Answer::Done), takes)
}

fn stored(tokens: &TokensInfo) -> Record {
    Record::Stored {
        fingerprint: tokens.refresh_token.fingerprint,
        rotations: tokens.refresh_token.rotations,
        expires_at: tokens.access_token.expires_at,
    }
}
