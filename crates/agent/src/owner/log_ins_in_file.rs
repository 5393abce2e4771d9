//! What `config.toml` is told of log-ins: the server of a login that is stored counts, also while the file cannot be written.

use std::sync::Arc;

use evertoken_core::account::{Account, AccountId, AccountName, Sharing};
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::config::Edit;
use evertoken_core::login::token_store::LogIn;
use evertoken_core::oauth::server::Server;
use evertoken_core::oauth::token::Fingerprint;
use tracing::{info, warn};

use super::account::ManagedAccount;
use super::agent::Agent;
use super::jobs;

impl Agent {
    /// `config.toml` names the server of a login that is proven and stored. Until it can be written, this agent knows, and the
    /// login's own entry.
    pub(super) fn follow_log_in(
        &mut self,
        name: &AccountName,
        id: &AccountId,
        server: Arc<Server>,
    ) -> Result<(), Problem> {
        let known = self.accounts.get(name).filter(|managed| managed.id == *id);
        let is_new = known.is_none();
        let sharing = known.map_or_else(Sharing::default, |managed| managed.account().sharing.clone());
        let account = Account { id: Some(id.clone()), server: server.clone(), sharing };
        let in_file = self.configuration.accounts.get(name);
        let is_written = in_file.is_some_and(|account| account.server == server);
        // An account that only its own log-in tells of goes into the file with its id.
        let edit = if is_new || in_file.is_none() {
            Edit::PutAccount(name.clone(), Box::new(account.clone()))
        } else {
            Edit::SetServer(name.clone(), server.clone())
        };
        if is_new {
            self.accounts.insert(name.clone(), ManagedAccount::new(id.clone(), account));
        }
        if let Some(managed) = self.accounts.get_mut(name) {
            managed.follow(server);
            managed.is_ahead_of_file = !is_written;
        }
        if is_written {
            return Ok(());
        }
        self.apply_alone(&edit).map_err(|error| {
            warn!(account = %name, "the login is stored, and config.toml could not be written: {error}");
            Problem::new(
                ProblemKind::Configuration,
                format!("You are logged in to {name}, but config.toml could not be written: {error}."),
                "Correct what the error names; Evertoken then writes the account's server. The login is stored.",
            )
        })?;
        if let Some(managed) = self.accounts.get_mut(name) {
            managed.is_ahead_of_file = false;
        }
        Ok(())
    }

    /// Writes the log-ins that could not be written to `config.toml` before.
    pub(super) fn write_log_ins(&mut self) {
        let ahead = self.accounts.iter().filter(|(_, managed)| managed.is_ahead_of_file);
        let log_ins: Vec<_> =
            ahead.map(|(name, managed)| (name.clone(), managed.id.clone(), managed.account().server.clone())).collect();
        for (name, id, server) in log_ins {
            // A file that was read for the one before may have another account of this name.
            if self.accounts.name_of(&id) != Some(&name) {
                continue;
            }
            let host = server.endpoint.host().to_owned();
            // The person was told at the log-in; each further failure is logged.
            if self.follow_log_in(&name, &id, server).is_ok() {
                info!(account = %name, "config.toml tells of the log-in at {host} now");
            }
        }
    }

    /// After a log-out the account's server is the one in `config.toml` again. An account that is not there keeps its own.
    pub(super) fn end_log_in(&mut self, name: &AccountName) {
        let Some(in_file) = self.configuration.accounts.get(name) else { return };
        if let Some(managed) = self.accounts.get_mut(name).filter(|managed| managed.is_ahead_of_file) {
            managed.is_ahead_of_file = false;
            managed.follow(in_file.server.clone());
        }
    }

    /// The journal says that the configuration has followed a log-in.
    pub(super) fn record_log_in(&mut self, name: &AccountName, fingerprint: Fingerprint) {
        if let Some(context) = self.context(name) {
            self.start(&context.id.clone(), jobs::record_log_in(context, fingerprint));
        }
    }

    /// A log-in that was proven and stored before the last end of the agent, and that `config.toml` does not tell of.
    pub(super) fn complete_log_in(&mut self, id: &AccountId, log_in: LogIn, fingerprint: Option<Fingerprint>) {
        let name = self.accounts.name_of(id).cloned().unwrap_or_else(|| self.free_name(log_in.name));
        let is_new = !self.accounts.contains_key(&name);
        info!(account = %name, "completing a log-in at {}", log_in.server.endpoint.host());
        let followed = self.follow_log_in(&name, id, Arc::new(log_in.server));
        if let (Ok(()), Some(fingerprint)) = (followed, fingerprint) {
            self.record_log_in(&name, fingerprint);
        }
        if is_new {
            self.open(&name);
        }
    }

    /// Log-ins that made an account and died before `config.toml` told of it.
    pub(super) fn look_for_unfinished_log_ins(&mut self) {
        let known: Vec<AccountId> = self.accounts.values().map(|managed| managed.id.clone()).collect();
        let Ok(files) = std::fs::read_dir(&self.paths.state) else { return };
        let stems = files.flatten().filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            name.strip_suffix(".journal")?.parse::<AccountId>().ok()
        });
        for id in stems.filter(|id| !known.contains(id)).collect::<Vec<_>>() {
            let Ok(name) = id.as_str().parse() else { continue };
            let context = self.context_with(&name, &id);
            self.start(&id, jobs::unfinished_log_in(context));
        }
    }
}
