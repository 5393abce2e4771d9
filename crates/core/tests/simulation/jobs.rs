//! Which job an agent begins, and how it opens and forgets.

use evertoken_core::login::recovery::recover;
use evertoken_core::login::rotation::{Purpose, Rotation};
use evertoken_core::login::session::Event;

use evertoken_core::login::journal::Record;
use evertoken_core::login::token_store::EntryKind;
use evertoken_core::oauth::token::Fingerprint;

use super::agent::{Job, Running};
use super::clock::MINUTE;
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
                Job::LogIn(token, _, replaces_user) => {
                    let (fingerprint, replaces_user) = (Fingerprint::of(token), *replaces_user);
                    Purpose::LogIn { fingerprint, user_id: None, replaces_user }
                }
            };
            agent.running = Some(Running::new(job.clone(), Rotation::new(purpose)));
            self.lock = Some(i);
            match job {
                Job::Open => self.open(i),
                Job::Forget => self.forget(i),
                Job::Refresh(_) | Job::LogIn(..) => self.carry_out(i),
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
        let read = read.map(|tokens| tokens.settled(&summary));
        if let Ok(tokens) = &read {
            if tokens.waiting_is_carried_on() {
                self.forget_waiting_login();
            }
            self.finish_log_in(i, tokens.unfinished_log_in(Some(&self.configured)).cloned());
        }
        let event = match read.and_then(|tokens| Ok((recover(&tokens.found(&self.configured), &summary)?, tokens))) {
            Ok((recovered, tokens)) => {
                self.agents[i].access = tokens.access_token.map(|stored| stored.token.expose().to_owned());
                self.agents[i].refused = self.keychain.current();
                Event::Opened(recovered)
            }
            Err(problem) => Event::OpenFailed(problem),
        };
        self.feed(i, event);
        if self.keychain.waiting().is_some() {
            self.a_question_waits(i);
        }
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

    pub(crate) fn release(&mut self, i: usize) -> Option<Running> {
        self.lock = None;
        self.schedule(0, Happening::Start);
        self.agents[i].running.take()
    }
}
