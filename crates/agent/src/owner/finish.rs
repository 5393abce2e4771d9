//! Takes over what jobs report.

use evertoken_core::account::AccountName;
use evertoken_core::login::notice::Notice;
use evertoken_core::login::rotation::Outcome;
use evertoken_core::login::session::{Event, Phase, RequestId};

use super::account::account_was_removed;
use super::agent::Agent;
use super::finished::{Finished, JobResult, Opened};
use crate::rotation::Rotated;

impl Agent {
    pub(super) fn job_finished(&mut self, finished: Finished) {
        let Finished { account: id, last, result } = finished;
        self.running_jobs -= usize::from(last);
        let name = id.as_ref().and_then(|id| self.accounts.name_of(id)).cloned();
        let result = result.map(|result| *result);
        let is_opening = matches!(result, Some(JobResult::Opened(_)));
        if is_opening {
            self.openings.ended();
            self.open_next();
        }
        match (result, name) {
            (None, _) => {}
            (Some(JobResult::LogIn(number, report)), _) => self.log_in_reported(number, report),
            (Some(JobResult::Unfinished(log_in, fingerprint)), _) => {
                if let Some(id) = id {
                    self.complete_log_in(&id, log_in, fingerprint);
                }
            }
            (Some(JobResult::Discovered(name, settings, result, reply)), _) => {
                let created = result.and_then(|metadata| self.create_at(name, settings, Some(metadata)));
                drop(reply.send(created));
            }
            (Some(JobResult::TokenFileKept(path, result)), _) => self.token_file_kept(&path, result),
            (Some(JobResult::ConfigurationRead(read)), _) => self.configuration_read(read),
            (Some(result), Some(name)) => self.account_job_finished(&name, result),
            (Some(result), None) => result.account_is_gone(),
        }
        if is_opening {
            self.write_missing_ids();
        }
    }

    fn account_job_finished(&mut self, name: &AccountName, result: JobResult) {
        match result {
            JobResult::Opened(Ok(opened)) => self.opened(name, *opened),
            JobResult::Opened(Err(problem)) => self.step(name, Event::OpenFailed(problem)),
            JobResult::StoreDelayed(request, problem) => {
                self.step(name, Event::TokenStoreDelayed { request, problem });
                let managed = self.accounts.get_mut(name);
                if managed.is_some_and(|managed| std::mem::take(&mut managed.is_retry_chosen)) {
                    self.notify(name, Notice::KeychainRefused);
                }
            }
            JobResult::Refreshed(request, rotated) => self.refreshed(name, request, rotated),
            JobResult::ServerMayChange(asked, allowed, reply) => {
                let (server, change) = *asked;
                drop(reply.send(allowed.and_then(|()| self.server_may_change(name, server, change))));
            }
            JobResult::SignedOut => {
                if let Some(id) = self.id_of(name) {
                    self.log_ins.end_of(&id);
                }
                self.end_log_in(name);
                self.step(name, Event::LoggedOut);
            }
            JobResult::Forgotten { remove, result, reply } => self.forgotten(name, remove, result, reply),
            JobResult::Copied(request, result) => self.copied(name, request, result),
            JobResult::LogIn(..)
            | JobResult::Unfinished(..)
            | JobResult::Discovered(..)
            | JobResult::TokenFileKept(..)
            | JobResult::ConfigurationRead(_) => {}
        }
    }

    fn opened(&mut self, name: &AccountName, opened: Opened) {
        let Opened { recovered, access_token, unfinished, waiting, is_settled } = opened;
        if let (Some((log_in, fingerprint)), Some(id)) = (unfinished, self.id_of(name)) {
            self.complete_log_in(&id, log_in, Some(fingerprint));
        }
        if let Some(managed) = self.accounts.get_mut(name) {
            // A log-in may have come first, with a newer one.
            if matches!(managed.session.phase(), Phase::Opening { .. }) {
                managed.access_token = access_token;
            }
            managed.is_settled |= is_settled;
        }
        self.step(name, Event::Opened(recovered));
        if let Some(waiting) = waiting {
            self.resume_waiting(name, waiting);
        }
    }

    fn refreshed(&mut self, name: &AccountName, request: RequestId, rotated: Rotated) {
        let Rotated { outcome, access_token, last_stored, waiting } = rotated;
        let Some(managed) = self.accounts.get_mut(name) else { return };
        managed.is_retry_chosen = false;
        let is_awaited = managed.session.awaits(request);
        match outcome {
            Outcome::Granted(tokens) | Outcome::Adopted(tokens) => {
                let log_in = last_stored.as_deref().and_then(|(_, stored)| stored.log_in.clone());
                let (id, fingerprint) = (managed.id.clone(), tokens.refresh_token.fingerprint);
                managed.is_settled = true;
                if is_awaited {
                    managed.access_token = access_token;
                    managed.last_stored = last_stored;
                }
                self.step(name, Event::TokenGranted { request, tokens });
                self.write_missing_ids();
                if let Some(log_in) = log_in {
                    self.complete_log_in(&id, log_in, Some(fingerprint));
                }
            }
            Outcome::Failed(failure) => self.step(name, Event::TokenRequestFailed { request, failure }),
            Outcome::Reverted => self.open_again(name),
        }
        if let Some(waiting) = waiting {
            self.resume_waiting(name, waiting);
        }
    }
}

impl JobResult {
    fn account_is_gone(self) {
        match self {
            Self::ServerMayChange(_, _, reply) => drop(reply.send(Err(account_was_removed()))),
            Self::Forgotten { reply, .. } => reply.refuse(account_was_removed()),
            Self::Copied(Some(request), result) => drop(request.reply.send(result)),
            Self::Opened(_)
            | Self::StoreDelayed(..)
            | Self::Refreshed(..)
            | Self::LogIn(..)
            | Self::Unfinished(..)
            | Self::Discovered(..)
            | Self::SignedOut
            | Self::Copied(None, _)
            | Self::TokenFileKept(..)
            | Self::ConfigurationRead(_) => {}
        }
    }
}
